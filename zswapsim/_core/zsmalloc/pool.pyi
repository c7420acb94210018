import numpy as np
from numpy.typing import NDArray

from zswapsim._core.frames.arena import FrameArena, Grant

def frames_for_lengths(lengths: NDArray[np.uint16], chain_size: int = 8) -> int: ...

class ZsPool:
    arena: FrameArena
    chain_size: int
    huge_class_size: int
    def __init__(self, grant: Grant, chain_size: int = 8) -> None: ...
    def stats(self) -> dict[str, int]: ...
