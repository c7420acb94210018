import numpy as np
from numpy.typing import NDArray

MAX_PAGES: int

def sampled_pages(pages: int, shift: int, limit: int) -> int: ...
def limit_for(pages: int, shift: int, wanted: int) -> int: ...
def sample_accesses(
    pages: NDArray[np.uint32],
    ops: NDArray[np.uint8],
    shift: int,
    limit: int,
    out_pages: NDArray[np.uint64],
    out_ops: NDArray[np.uint8],
) -> int: ...
def count_misses(
    numbers: NDArray[np.uint32],
    distances: NDArray[np.uint32],
    cell_of: NDArray[np.uint32],
    table: NDArray[np.uint32] | NDArray[np.uint64],
) -> None: ...
