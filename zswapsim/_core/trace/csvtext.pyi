import numpy as np
from numpy.typing import NDArray

SKIP: int
PAGE: int
OP: int
TIME_NS: int
PROCESS: int

GOOD: int
BAD_FIELD: int
TOO_LARGE: int
TOO_FEW: int
TOO_MANY: int

def parse(
    text: bytes | bytearray | memoryview,
    roles: bytes,
    page: NDArray[np.uint64],
    op: NDArray[np.uint8],
    time_ns: NDArray[np.uint64] | None,
    process: NDArray[np.uint32] | None,
) -> tuple[int, int, int, int]: ...
def format_events(
    page: NDArray[np.uint64],
    op: NDArray[np.uint8],
    time_ns: NDArray[np.uint64] | None,
    process: NDArray[np.uint32] | None,
    out: bytearray | memoryview,
) -> int: ...
