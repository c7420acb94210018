from collections.abc import Iterable

from zswapsim._core.backend.compressed import CompressedPool

IDLE_SLOTS: int
HUGE_SLOTS: int
INCOMPRESSIBLE_SLOTS: int
ANY_NUMBER: int

def mark_idle(pool: CompressedPool, now: int = 0, age: int | None = None) -> None: ...
def write_back_slots(
    pool: CompressedPool, choice: int, most: int, ranges: Iterable[tuple[int, int]] | None = None
) -> int: ...
def recompress_slots(
    pool: CompressedPool, choice: int, threshold: int = 0, priority: int = 0, most: int = ...
) -> int: ...
