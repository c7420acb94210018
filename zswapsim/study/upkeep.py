"""What an administrator does to zram while a workload runs, every so many accesses."""

from typing import Any

from zswapsim._core.pooled import PooledBackend
from zswapsim._core.slotwork import mark_idle, recompress_slots, write_back_slots
from zswapsim._core.tiers import TieredBackend
from zswapsim.study.backendspec import CHOICES

NO_LIMIT = (1 << 63) - 1
PERIODS = ("compact_every", "recompress_every", "writeback_every", "idle_every")


class Upkeep:
    """Compaction, recompression, writeback and idle marking of a zram, in this order where several are due at once.

    A slot is idle that was not accessed from one marking to the next turn, so it is marked last. `values` are the
    parameters of the backend; those of another backend ask for nothing.
    """

    def __init__(self, backend: object, values: dict[str, Any]) -> None:
        self.backend = backend.fast if isinstance(backend, TieredBackend) else backend
        self.values = values
        self.periods = {name: values[name] for name in PERIODS if values.get(name)}
        self.left: int = values.get("writeback_limit") or NO_LIMIT
        """Pages that writeback may still write: zram's bd_wb_limit."""

    def until_next(self, done: int) -> int:
        """Accesses from `done` to the next turn."""
        return min((period - done % period for period in self.periods.values()), default=NO_LIMIT)

    def note(self, done: int) -> None:
        """What is due after `done` accesses. Raises what codecs and devices raise."""
        if not done or not isinstance(self.backend, PooledBackend):
            return
        due = {name for name, period in self.periods.items() if done % period == 0}
        if "compact_every" in due:
            self.backend.compact()
        if "recompress_every" in due:
            recompress_slots(self.backend, CHOICES[self.values["recompress"]], self.values["threshold"])
        if "writeback_every" in due:
            self.left -= write_back_slots(self.backend, CHOICES[self.values["writeback"]], self.left)
        if "idle_every" in due:
            mark_idle(self.backend)
