GOOD: int
GARBLED: int
OUTSIDE: int
TOO_LARGE: int
UNREADABLE: int

def walk_pages(
    descriptor: int, at: int, end: int, values: int, limits: tuple[int, int, int, int], buffer: bytearray
) -> tuple[int, int, int, int]: ...
