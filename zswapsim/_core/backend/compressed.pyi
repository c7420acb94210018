from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.backend.backend import Backend
from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.codec.codec import Codec
from zswapsim._core.frames.arena import Grant

Measured = tuple[NDArray[np.uint16], NDArray[np.uint8], NDArray[np.uint32], NDArray[np.uint32]]

class CompressedBackend(Backend):
    def __init__(
        self,
        cost: Iterable[float],
        grant: Grant,
        device: SwapDevice,
        codec: Codec | None = None,
        measured: Measured | None = None,
        *,
        recompressors: Sequence[Codec | Measured] = (),
        chain_size: int = 8,
        huge_size: int | None = None,
        same_filled: bool = True,
        store_on_compress_fail: bool = False,
        max_slots: int | None = None,
        exclusive: bool = True,
        node: str = "dram",
    ) -> None: ...
    def compact(self) -> int: ...
    def inject_fault(self, slot: int, offset: int, mask: int) -> None: ...
