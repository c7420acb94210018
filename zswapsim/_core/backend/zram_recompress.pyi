from zswapsim._core.backend.zram import ZramBackend

ANY_NUMBER: int

def recompress_slots(
    zram: ZramBackend, choice: int, threshold: int = 0, priority: int = 0, max_slots: int = ...
) -> int: ...
