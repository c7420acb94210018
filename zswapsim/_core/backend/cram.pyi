from collections.abc import Iterable

from zswapsim._core.backend.backend import Backend
from zswapsim._core.backend.cram_device import CramDevice
from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.frames.arena import Grant

CONTROLS: tuple[str, ...]

class CramBackend(Backend):
    writable_pages: int
    stored: int
    poisoned_pages: int
    rejecting: bool
    def __init__(
        self,
        cost: Iterable[float],
        grant: Grant,
        node: CramDevice,
        device: SwapDevice,
        *,
        control: str = "watermarks",
        tier: bool = False,
        maps_pages: bool = True,
        exclusive: bool = True,
        fatal_bus_error: bool = False,
        max_writable: int = 0,
        line_ns: float = 800,
        tick_ns: float = 0,
    ) -> None: ...
    def lost_slots(self) -> list[int]: ...
