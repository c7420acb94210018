from collections.abc import Iterable

from zswapsim._core.backend.backend import Backend
from zswapsim._core.backend.device import SwapDevice

class DiskBackend(Backend):
    def __init__(self, cost: Iterable[float], device: SwapDevice) -> None: ...
