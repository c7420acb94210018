"""The counters of a run as it goes on, one row a window of accesses."""

from zswapsim._core.engine.folios import FolioReplay
from zswapsim._core.engine.replay import Replay

COLUMNS = (
    "accesses",
    "minor_faults",
    "major_faults",
    "zswpin",
    "zswpout",
    "zswpwb",
    "pswpin",
    "pswpout",
    "resident_pages",
    "stored_pages",
    "compr_data_size",
    "pool_total_size",
    "device_pages",
)


class Timeline:
    """Rows of totals of `engine` at the end of every `window` accesses, and at the end of the run."""

    def __init__(self, engine: Replay | FolioReplay, window: int) -> None:
        self.engine = engine
        self.window = window
        self.rows: list[dict[str, int]] = []

    def until_next(self, done: int) -> int:
        """Accesses from `done` to the end of its window."""
        return self.window - done % self.window

    def note(self, done: int, *, final: bool = False) -> None:
        """Adds a row where `done` accesses end a window, or at the end; not twice at one place."""
        if (final or done % self.window == 0) and not (self.rows and self.rows[-1]["accesses"] == done):
            counters = self.engine.counters_now()
            self.rows.append({name: counters[name] for name in COLUMNS})
