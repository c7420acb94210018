import numpy as np
from numpy.typing import NDArray

DRAW_BITS: int

class RankTable:
    def __init__(self, cumulative: NDArray[np.uint64]) -> None: ...
    def draw(self, raw: NDArray[np.uint64], numbers: NDArray[np.uint32], out: NDArray[np.uint64]) -> None: ...
