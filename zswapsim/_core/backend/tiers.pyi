from collections.abc import Iterable

from zswapsim._core.backend.backend import Backend
from zswapsim._core.backend.compressed import CompressedBackend
from zswapsim._core.backend.device import SwapDevice

class NextTier(SwapDevice):
    def __init__(self, pool: CompressedBackend) -> None: ...

class TieredBackend(Backend):
    fast: CompressedBackend
    slow: CompressedBackend
    def __init__(self, cost: Iterable[float], fast: CompressedBackend, slow: CompressedBackend) -> None: ...
