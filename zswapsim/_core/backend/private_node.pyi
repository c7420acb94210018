from collections.abc import Iterable

from zswapsim._core.backend.compressed import CompressedBackend, Measured
from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.backend.foliocodec import FolioCodec
from zswapsim._core.codec.codec import Codec
from zswapsim._core.frames.arena import Grant

class PrivateNodeBackend(CompressedBackend):
    def __init__(
        self,
        cost: Iterable[float],
        grant: Grant,
        device: SwapDevice,
        codec: Codec | None = None,
        measured: Measured | None = None,
        *,
        chain_size: int = 8,
        accept_threshold_percent: int = 90,
        exclusive: bool = True,
        folio_codec: FolioCodec | None = None,
    ) -> None: ...
