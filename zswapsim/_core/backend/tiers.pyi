from collections.abc import Iterable

from zswapsim._core.backend.backend import Backend
from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.backend.pooled import PooledBackend

class NextTier(SwapDevice):
    def __init__(self, pool: PooledBackend) -> None: ...

class TieredBackend(Backend):
    fast: PooledBackend
    slow: PooledBackend
    def __init__(self, cost: Iterable[float], fast: PooledBackend, slow: PooledBackend) -> None: ...
