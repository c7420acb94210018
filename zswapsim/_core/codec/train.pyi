import numpy as np
from numpy.typing import NDArray

from zswapsim._core.codec.library import Library

TRAIN_SYMBOLS: tuple[str, ...]

def train(library: Library, pages: NDArray[np.uint8], dictionary_bytes: int) -> bytes: ...
