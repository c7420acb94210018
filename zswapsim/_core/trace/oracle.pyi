import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer

def decode(records: Buffer, first: int, pages: NDArray[np.uint64]) -> int: ...
