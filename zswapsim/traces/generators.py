"""Compute traces: ``gen:zipf,pages=1e5,events=1e7,alpha=0.9,writes=0.2,seed=0``.

Every block of 2**20 events has random streams of its own (PCG64, seeded by seed, stream and block through numpy's
SeedSequence; numpy promises that their raw output stays the same). So a trace depends on its specification alone, and
the pages that it touches do not depend on the share of writes.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.errors import InputError
from zswapsim._core.trace.draw import RankTable
from zswapsim.traces.specs import Key, format_spec, parse_spec
from zswapsim.traces.trace import CHUNK_EVENTS, READ, WRITE, Chunk, Trace
from zswapsim.traces.zipf import zipf_sums

MOST_EVENTS = 10**13
MOST_PAGES = 2**32 - 1
MOST_RANKS = 2**28  # the tables take 24 bytes a rank

PAGE_STREAM, OP_STREAM, SCATTER_STREAM = 0, 1, 2

EVENTS = Key(10**6, 1, MOST_EVENTS, help="how many events")
PAGES = Key(10**5, 1, MOST_PAGES, help="how many pages there are")
RANKS = Key(10**5, 1, MOST_RANKS, help="how many pages there are")
ALPHA = Key(0.9, 0, 10, whole=False, help="the skew: the k-th most popular page is touched in proportion to k**-alpha")
COMMON = {
    "writes": Key(0.2, 0, 1, whole=False, help="share of events that are writes"),
    "seed": Key(0, 0, 2**63 - 1, help="another seed is another trace of the same kind"),
}


def raw_bits(seed: int, stream: int, block: int, count: int) -> NDArray[np.uint64]:
    """Return uint64[count]: the beginning of one random stream."""
    return np.random.PCG64(np.random.SeedSequence([seed, stream, block])).random_raw(count)


def below(raw: NDArray[np.uint64], limit: int) -> NDArray[np.uint64]:
    """Return numbers 0 … limit - 1 (limit at most 2**32): raw * limit / 2**64, even but for one part in 2**32."""
    factor, half = np.uint64(limit), np.uint64(32)
    high, low = raw >> half, raw & np.uint64(0xFFFFFFFF)
    return (high * factor + (low * factor >> half)) >> half


def scatter(seed: int, count: int) -> NDArray[np.uint32]:
    """Return uint32[count]: a random order of 0 … count - 1, so that popularity does not depend on the page number."""
    return np.argsort(raw_bits(seed, SCATTER_STREAM, 0, count), kind="stable").astype(np.uint32)


class Span(NamedTuple):
    """Events `first` … `first + length - 1`: a whole block, or the beginning of the last one."""

    block: int
    first: int
    length: int

    def numbers(self) -> NDArray[np.uint64]:
        """Return the number of each event in the trace."""
        return np.arange(self.first, self.first + self.length, dtype=np.uint64)


class Generated(Trace):
    """Base of all generators. `values` has every key of the generator's table `keys`."""

    kind: ClassVar[str]
    keys: ClassVar[dict[str, Key]]

    def __init__(self, values: dict[str, float | int | None]) -> None:
        self.values = values
        self.prepare()
        self.name = "gen:" + format_spec(self.kind, values)
        self.events: int = int(values["events"] or 0)
        self.seed = int(values["seed"] or 0)

    def prepare(self) -> None:
        """Fill in the values that were left out, and raise InputError if values don't fit together."""

    @abstractmethod
    def pages(self, span: Span) -> NDArray[np.uint64]:
        """Return uint64[length]: the page of each event."""

    def chunks(self) -> Iterator[Chunk]:
        """Yield every event, a block a chunk."""
        for block, first in enumerate(range(0, self.events, CHUNK_EVENTS)):
            count = min(CHUNK_EVENTS, self.events - first)
            yield Chunk(self.pages(Span(block, first, count)), self._ops(block, count))

    def _ops(self, block: int, count: int) -> NDArray[np.uint8]:
        writes = float(self.values["writes"] or 0)
        if writes in (READ, WRITE):
            return np.full(count, int(writes), np.uint8)
        raw = raw_bits(self.seed, OP_STREAM, block, (count + 1) // 2).astype("<u8", copy=False)
        return (raw.view("<u4")[:count] < np.uint32(int(writes * 2**32))).view(np.uint8)

    def number(self, key: str) -> int:
        """Return a value as a whole number."""
        return int(self.values[key] or 0)


class Zipf(Generated):
    """Touch pages by Zipf's law: popularity falls as a power of the rank."""

    kind = "zipf"
    keys: ClassVar = {"pages": RANKS, "events": EVENTS, "alpha": ALPHA, **COMMON}

    def chunks(self) -> Iterator[Chunk]:
        """Build the tables, then yield every event."""
        self.table = RankTable(zipf_sums(self.number("pages"), float(self.values["alpha"] or 0)))
        self.order = scatter(self.seed, self.number("pages"))
        return super().chunks()

    def pages(self, span: Span) -> NDArray[np.uint64]:
        """Return the pages of the span."""
        pages = np.empty(span.length, np.uint64)
        self.table.draw(raw_bits(self.seed, PAGE_STREAM, span.block, span.length), self.order, pages)
        return pages


class Uniform(Generated):
    """Touch all pages equally often."""

    kind = "uniform"
    keys: ClassVar = {"pages": PAGES, "events": EVENTS, **COMMON}

    def pages(self, span: Span) -> NDArray[np.uint64]:
        """Return the pages of the span."""
        return below(raw_bits(self.seed, PAGE_STREAM, span.block, span.length), self.number("pages"))


class Scan(Generated):
    """Touch every page once, in order, `repeat` events in a row."""

    kind = "scan"
    keys: ClassVar = {
        "pages": PAGES,
        "repeat": Key(1, 1, 2**32, help="events in a row on each page"),
        "events": Key(None, 1, MOST_EVENTS, help="how many events; pages * repeat when left out, and at most"),
        **COMMON,
    }

    def prepare(self) -> None:
        """Compute the number of events: there is only one pass."""
        most = self.number("pages") * self.number("repeat")
        self.values["events"] = events = self.number("events") or most
        if events > min(most, MOST_EVENTS):
            raise InputError(
                f"gen:scan: events={events}: expected at most pages * repeat = {most}, and at most {MOST_EVENTS}"
                " (gen:loop begins again at its first page)"
            )

    def pages(self, span: Span) -> NDArray[np.uint64]:
        """Return the pages of the span."""
        return span.numbers() // np.uint64(self.number("repeat"))


class Loop(Generated):
    """Touch every page in order, over and over: the worst case of an LRU."""

    kind = "loop"
    keys: ClassVar = {"pages": PAGES, "events": EVENTS, **COMMON}

    def pages(self, span: Span) -> NDArray[np.uint64]:
        """Return the pages of the span."""
        return span.numbers() % np.uint64(self.number("pages"))


class Phases(Generated):
    """Touch a working set that moves: for `phase` events only a `set` of the pages."""

    kind = "phases"
    keys: ClassVar = {
        "pages": RANKS,
        "events": EVENTS,
        "set": Key(0.1, 0, 1, whole=False, help="share of the pages in a working set, at least one page"),
        "phase": Key(None, 1, MOST_EVENTS, help="events until the next working set; a tenth of all when left out"),
        "overlap": Key(0.5, 0, 1, whole=False, help="share of a working set that the next one keeps"),
        "alpha": Key(0.0, 0, 10, whole=False, help="the skew inside a working set, as in zipf"),
        **COMMON,
    }

    def prepare(self) -> None:
        """Compute the working set's size, and how far it moves."""
        self.values["phase"] = self.number("phase") or max(1, self.number("events") // 10)
        self.size = max(1, round(float(self.values["set"] or 0) * self.number("pages")))
        self.step = round(self.size * (1 - float(self.values["overlap"] or 0)))

    def chunks(self) -> Iterator[Chunk]:
        """Build the random order, then yield every event."""
        self.table = RankTable(zipf_sums(self.size, float(self.values["alpha"] or 0)))
        self.order = scatter(self.seed, self.size)
        return super().chunks()

    def pages(self, span: Span) -> NDArray[np.uint64]:
        """Return the pages of the span."""
        inside = np.empty(span.length, np.uint64)
        self.table.draw(raw_bits(self.seed, PAGE_STREAM, span.block, span.length), self.order, inside)
        phase = span.numbers() // np.uint64(self.number("phase"))
        pages = np.uint64(self.number("pages"))
        return (phase % pages * np.uint64(self.step) + inside) % pages


GENERATORS: dict[str, type[Generated]] = {kind.kind: kind for kind in (Zipf, Uniform, Scan, Loop, Phases)}


def generate(spec: str) -> Generated:
    """Return the trace that ``NAME,key=value,…`` names.

    Raises InputError on an unknown name or key, or a wrong value.
    """
    name, values = parse_spec(spec, "gen", {name: kind.keys for name, kind in GENERATORS.items()})
    return GENERATORS[name](values)
