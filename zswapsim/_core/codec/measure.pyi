import numpy as np
from numpy.typing import NDArray

from zswapsim._core.codec.codec import Codec

def measure_pages(
    codec: Codec,
    images: NDArray[np.uint8],
    begin: int,
    end: int,
    size: NDArray[np.uint16],
    same_filled: NDArray[np.uint8],
    zero: NDArray[np.uint8],
    compress_ns: NDArray[np.uint32],
    decompress_ns: NDArray[np.uint32],
    which: NDArray[np.uint32] | None = None,
) -> None: ...
