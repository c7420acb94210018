"""Do to zram while a workload runs what an administrator does, at fixed numbers of accesses."""

from typing import Any

from zswapsim._core.backend.tiers import TieredBackend
from zswapsim._core.backend.zram import ZramBackend
from zswapsim._core.backend.zram_recompress import ANY_NUMBER, recompress_slots
from zswapsim._core.backend.zram_slots import mark_idle
from zswapsim._core.backend.zram_writeback import write_back_slots
from zswapsim.study.settings.backends import SLOT_CHOICES

UNLIMITED = (1 << 63) - 1
PERIODS = ("compact_every", "recompress_every", "writeback_every", "idle_every")


class ZramUpkeep:
    """Compact a zram, recompress and write back its slots and mark them idle, in this order if several are due at once.

    A slot is idle if it was not accessed from one marking to the next; so slots are marked last. `values` are the
    parameters of the backend; with another backend than zram nothing is done. Raises InputError for slots that do not
    exist, and for a threshold that no recompression takes.
    """

    def __init__(self, backend: object, values: dict[str, Any]) -> None:
        pool = backend.fast if isinstance(backend, TieredBackend) else backend
        self.pool = pool if isinstance(pool, ZramBackend) else None
        self.values = values
        self.periods = {name: values[name] for name in PERIODS if values.get(name)}
        self.writeback_left: int = values["writeback_limit"] if values.get("writeback_limit_enable") else UNLIMITED
        """Pages that writeback may still write: zram's bd_wb_limit."""
        if self.pool is not None:
            for name in self.periods:
                self._do(name, self.pool, 0)  # the pool is empty: wrong parameters are rejected now

    def until_next(self, done: int) -> int:
        """Return the number of accesses from `done` until something is due."""
        return min((period - done % period for period in self.periods.values()), default=UNLIMITED)

    def do_due(self, done: int) -> None:
        """Do what is due after `done` accesses. Raises what codecs and devices raise."""
        if not done or self.pool is None:
            return
        for name in PERIODS:
            if name in self.periods and done % self.periods[name] == 0:
                self._do(name, self.pool, done)

    def _do(self, name: str, pool: ZramBackend, done: int) -> None:
        values = self.values
        if name == "compact_every":
            pool.compact()
        elif name == "recompress_every":
            most = ANY_NUMBER if values["max_pages"] is None else values["max_pages"]
            recompress_slots(pool, SLOT_CHOICES[values["recompress"]], values["threshold"], values["priority"], most)
        elif name == "writeback_every":
            ranges = values["page_indexes"]
            choice = SLOT_CHOICES["all" if ranges else values["writeback"]]
            self.writeback_left -= write_back_slots(pool, choice, self.writeback_left, ranges)
        else:
            mark_idle(pool, done, values["idle_age"])
