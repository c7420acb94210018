import numpy as np
from numpy.typing import NDArray

from zswapsim._core.backend.backend import Backend
from zswapsim._core.frames.arena import Grant
from zswapsim._core.readahead.readahead import Readahead
from zswapsim._core.reclaim.reclaimer import Reclaimer

class Replay:
    backend: Backend
    pages: int
    frames: int
    reclaimer: Reclaimer
    readahead: Readahead | None
    def __init__(
        self,
        pages: int,
        frames: int,
        backend: Backend,
        *,
        batch: int = 1,
        reclaimer: Reclaimer | None = None,
        dram: Grant | None = None,
        reserved: int = 0,
        images: NDArray[np.uint8] | None = None,
        next_image: NDArray[np.uint32] | None = None,
        zero: NDArray[np.uint8] | None = None,
        first_image: int = 0,
        zero_map: bool = True,
        verify: bool = True,
        readahead: Readahead | None = None,
        order: int = 0,
        place: NDArray[np.uint32] | None = None,
        swaps_in_whole: bool = False,
        zero_image: int = 0,
        clear_ns: float = 0.0,
    ) -> None: ...
    def feed(self, pages: NDArray[np.uint32], ops: NDArray[np.uint8]) -> int: ...
    @property
    def out_of_memory(self) -> bool: ...
    @property
    def bus_error(self) -> bool: ...
    @property
    def resident_pages(self) -> int: ...
    def swap_cache(self) -> list[int]: ...
    @property
    def verified_pages(self) -> int: ...
    def counters_now(self) -> dict[str, int]: ...
    def times(self) -> dict[str, dict[str, float]]: ...
    def latencies(self) -> dict[str, float]: ...
    def owners(self) -> dict[str, dict[str, int]]: ...
    def check(self) -> None: ...
