from collections.abc import Iterable

from zswapsim._core.backend.compressed import CompressedBackend, Measured
from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.backend.zswap_groups import ZswapGroups
from zswapsim._core.codec.codec import Codec
from zswapsim._core.frames.arena import Grant

class ZswapBackend(CompressedBackend):
    def __init__(
        self,
        cost: Iterable[float],
        grant: Grant,
        device: SwapDevice,
        codec: Codec | None = None,
        measured: Measured | None = None,
        *,
        rules: object,
        chain_size: int = 8,
        exclusive: bool = True,
        node: str = "dram",
        groups: ZswapGroups | None = None,
    ) -> None: ...
    def group_stats(self) -> list[dict[str, int]]: ...
