"""Model the page store: pages in a dict, and their objects in the reference pool."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.reference.zsmalloc import NoFrame, Pool, Zspage

PAGE = 4096


class Stored(NamedTuple):
    """The contents of a slot. `place` is None if there is no object. `part`: the slot is part of a whole folio."""

    page: bytes
    length: int
    place: tuple[Zspage, int] | None
    part: bool = False


def same_filled(page: bytes) -> bool:
    return page == page[:8] * (PAGE // 8)


class Store:
    """Model a PageStore. `length_of(page)` is the compressed length, 4096 or more if compression gains nothing."""

    def __init__(
        self, node_bytes: int, length_of: Callable[[bytes], int], chain_size: int = 8, raw_from: int | None = None,
        *, detects_same_filled: bool = True,
    ) -> None:  # fmt: skip
        self.detects_same_filled = detects_same_filled  # such a page has no object
        self.pool = Pool(node_bytes // PAGE, chain_size)
        self.length_of = length_of
        self.raw_from = self.pool.huge_class_size if raw_from is None else raw_from
        self.slots: dict[int, Stored] = {}
        self.huge_since = 0

    def store(self, slot: int, page: bytes, *, raw: bool = False) -> bool:
        """Store a page, uncompressed if `raw`. Return False if the node is full; the slot is then unchanged."""
        if self.detects_same_filled and same_filled(page):
            made = Stored(page, 0, None)
        else:
            length = PAGE if raw else self.length_of(page)
            length = PAGE if length >= self.raw_from else length
            try:
                made = Stored(page, length, self.pool.alloc(length, slot))
            except NoFrame:
                return False
        self.invalidate(slot)
        self.slots[slot] = made
        self.huge_since += made.length == PAGE
        return True

    def is_compressed(self, slot: int) -> bool:
        """Return True if a codec has to decompress the slot: it holds neither one word nor a whole page."""
        return 0 < self.slots[slot].length < PAGE

    def load(self, slot: int) -> bytes | None:
        return self.slots[slot].page if slot in self.slots else None

    def invalidate(self, slot: int) -> bool:
        held = self.slots.pop(slot, None)
        if held is not None and held.place is not None:
            self.pool.free(*held.place)
        return held is not None

    def compact(self) -> int:
        def moved(slot: int, zspage: Zspage, place: int) -> None:
            self.slots[slot] = self.slots[slot]._replace(place=(zspage, place))

        return self.pool.compact(moved)

    def stats(self) -> dict[str, int]:
        return {
            "stored_pages": len(self.slots),
            "same_filled_pages": sum(held.place is None and not held.part for held in self.slots.values()),
            "stored_incompressible_pages": sum(held.length == PAGE and not held.part for held in self.slots.values()),
            "huge_pages_since": self.huge_since,
            "compr_data_size": sum(held.length for held in self.slots.values()),
            "pool_total_size": self.pool.frames() * PAGE,
            "peak_pool_total_size": self.pool.peak * PAGE,
            "pages_compacted": self.pool.compacted,
        }
