from collections.abc import Iterable

from zswapsim._core.backend.backend import Backend

class CountingBackend(Backend):
    def __init__(self, cost: Iterable[float], *, exclusive: bool = True) -> None: ...
