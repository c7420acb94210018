from zswapsim._core.backend.zram import ZramBackend

IDLE_SLOTS: int
HUGE_SLOTS: int
INCOMPRESSIBLE_SLOTS: int

def mark_idle(zram: ZramBackend, now: int = 0, age: int | None = None) -> None: ...
