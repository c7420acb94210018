import numpy as np
from numpy.typing import NDArray

from zswapsim._core.codec.codec import Codec
from zswapsim._core.frames.arena import FrameArena

class CramDevice:
    physical: int
    used: int
    peak: int
    allocated: int
    frames_in_use: int
    zeroing_frames: int
    zeroing_bytes: int
    full_frames: int
    now: int
    interrupts: int
    tokens: int
    tokens_due: int
    def __init__(
        self,
        arena: FrameArena,
        physical: int,
        codec: Codec | None = None,
        taken: NDArray[np.uint16] | None = None,
        *,
        sector: int = 64,
        high: int = 900,
        low: int = 800,
        delay: int = 0,
        zero_every: int = 0,
        zero_batch: int = 0,
        token_batch: int = 32,
    ) -> None: ...
    def stats(self) -> dict[str, int]: ...
    def check(self) -> None: ...
