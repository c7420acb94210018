from collections.abc import Iterable, Sequence

from zswapsim._core.backend.compressed import CompressedBackend, Measured
from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.codec.codec import Codec
from zswapsim._core.frames.arena import Grant

class ZramBackend(CompressedBackend):
    def __init__(
        self,
        cost: Iterable[float],
        grant: Grant,
        device: SwapDevice,
        codec: Codec | None = None,
        measured: Measured | None = None,
        *,
        rules: object,
        recompressors: Sequence[Codec | Measured] = (),
        chain_size: int = 8,
        exclusive: bool = True,
        node: str = "dram",
    ) -> None: ...
