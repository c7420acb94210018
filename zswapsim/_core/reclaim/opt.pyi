import numpy as np
from numpy.typing import NDArray

from zswapsim._core.reclaim.reclaimer import Reclaimer

class NextAccesses:
    """For every access of a trace, the time of the next one to its page."""

    accesses: int
    footprint: int
    def __init__(self, pages: NDArray[np.uint32], footprint: int) -> None: ...

class OptReclaimer(Reclaimer):
    def __new__(cls, future: NextAccesses) -> OptReclaimer: ...
