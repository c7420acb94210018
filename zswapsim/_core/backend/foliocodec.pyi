import numpy as np
from numpy.typing import NDArray

from zswapsim._core.codec.codec import Codec

class FolioCodec:
    size: int
    def __init__(self, codec: Codec, order: int, images: NDArray[np.uint8] | None = None) -> None: ...
    def length(self, folio: bytes) -> int: ...
