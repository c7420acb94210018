from collections.abc import Iterable

from zswapsim._core.backend.zram import ZramBackend

def write_back_slots(
    zram: ZramBackend, choice: int, max_pages: int, ranges: Iterable[tuple[int, int]] | None = None
) -> int: ...
