"""The page store, with its codec found by name."""

from zswapsim._core.codec.codec import Codec
from zswapsim._core.zsmalloc import store
from zswapsim.compressors.registry import get_compressor

__all__ = ["PageStore"]


class PageStore(store.PageStore):  # noqa: D101 - it has its base's
    __doc__ = store.PageStore.__doc__

    def __init__(
        self,
        node_bytes: int,
        compressor: str | Codec = "lz4",
        *,
        chain_size: int = 8,
        raw_from: int | None = None,
        verify: bool = False,
    ) -> None:
        codec = get_compressor(compressor)
        super().__init__(node_bytes, codec, chain_size=chain_size, raw_from=raw_from, verify=verify)
