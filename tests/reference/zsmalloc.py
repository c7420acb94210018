"""Model zsmalloc in lists and dicts."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

FRAME = 4096
HANDLE = 8
FULL = 11


class NoFrame(Exception):
    """The node has too few free frames for a zspage."""


@cache
def chain(size: int, chain_size: int) -> int:
    """Return the frames of a zspage: one if `size` is a power of two, else the fewest that waste least."""
    if size in (32, 64, 128, 256, 512, 1024, 2048, 4096):
        return 1
    waste = {frames: frames * FRAME % size for frames in range(1, chain_size + 1)}
    return min(frames for frames in waste if waste[frames] == min(waste.values()))


@cache
def shape(size: int, chain_size: int) -> tuple[int, int]:
    """Return the frames and objects of a zspage."""
    frames = chain(size, chain_size)
    return frames, frames * FRAME // size


@cache
def class_table(chain_size: int) -> dict[int, int]:
    """Return the class size of every object size, from 32 to 4096 in steps of 16."""
    table: dict[int, int] = {}
    above = None
    for size in range(4096, 31, -16):
        if above is None or above[1] != shape(size, chain_size):
            above = (size, shape(size, chain_size))
        table[size] = above[0]
    return table


@cache
def class_size(length: int, chain_size: int) -> int:
    """Return the class size for an object of `length` bytes: that of the first step that fits it and its handle."""
    fitting = [size for size in class_table(chain_size) if size >= length + HANDLE]
    return class_table(chain_size)[min(fitting, default=4096)]


@cache
def huge_class_size(chain_size: int) -> int:
    """Return the length from which a compressed page gains nothing."""
    sizes = class_table(chain_size).values()
    return max(size for size in sizes if 1 not in shape(size, chain_size)) - 7


@dataclass(eq=False)
class Zspage:
    """Places for objects. A place has the slot of its object, or None. `free` is a stack of free places."""

    size: int
    frames: int
    places: list[int | None]
    free: list[int] = field(default_factory=list)

    def inuse(self) -> int:
        return sum(owner is not None for owner in self.places)

    def group(self) -> int:
        used, places = self.inuse(), len(self.places)
        if used == 0:
            return 0
        return FULL if used == places else 100 * used // places // 10 + 1


@dataclass
class SizeClass:
    size: int
    frames: int
    objects: int
    groups: list[list[Zspage]] = field(default_factory=lambda: [[] for _ in range(12)])

    def zspages(self) -> list[Zspage]:
        return [zspage for group in self.groups for zspage in group]

    def compactable_zspages(self) -> int:
        """Return how many zspages would be empty if the others were filled up."""
        free = sum(len(zspage.free) for zspage in self.zspages())
        return free // self.objects


class Pool:
    """A pool whose objects are named by (zspage, place). `limit` is the node's number of frames."""

    def __init__(self, limit: int, chain_size: int = 8) -> None:
        self.limit = limit
        self.chain_size = chain_size
        self.classes: dict[int, SizeClass] = {}  # that have ever had a zspage
        self.huge_class_size = huge_class_size(chain_size)
        self.peak = 0
        self.compacted = 0

    def frames(self) -> int:
        return sum(zspage.frames for c in self.classes.values() for zspage in c.zspages())

    def class_for(self, length: int) -> SizeClass:
        size = class_size(length, self.chain_size)
        if size not in self.classes:
            self.classes[size] = SizeClass(size, *shape(size, self.chain_size))
        return self.classes[size]

    def alloc(self, length: int, slot: int) -> tuple[Zspage, int]:
        wanted = self.class_for(length)
        for group in range(FULL - 1, -1, -1):
            if wanted.groups[group]:
                zspage = wanted.groups[group][0]
                break
        else:
            if self.limit - self.frames() < wanted.frames:
                raise NoFrame
            zspage = Zspage(wanted.size, wanted.frames, [None] * wanted.objects, list(range(wanted.objects))[::-1])
            wanted.groups[0].insert(0, zspage)
        before = zspage.group()
        place = zspage.free.pop()
        zspage.places[place] = slot
        self.fix_fullness_group(zspage, before)
        self.peak = max(self.peak, self.frames())
        return zspage, place

    def free(self, zspage: Zspage, place: int) -> None:
        before = zspage.group()
        zspage.places[place] = None
        zspage.free.append(place)
        self.fix_fullness_group(zspage, before)
        if zspage.group() == 0:
            self.classes[zspage.size].groups[0].remove(zspage)

    def fix_fullness_group(self, zspage: Zspage, before: int) -> None:
        groups = self.classes[zspage.size].groups
        if zspage.group() != before:
            groups[before].remove(zspage)
            groups[zspage.group()].insert(0, zspage)

    def compactable(self) -> int:
        return sum(c.compactable_zspages() * c.frames for c in self.classes.values())

    def compact(self, moved) -> int:
        """Compact every class, the largest first, calling moved(slot, zspage, place). Return the frames freed."""
        freed = sum(self.compact_class(self.classes[size], moved) for size in sorted(self.classes, reverse=True))
        self.compacted += freed
        return freed

    def compact_class(self, packed: SizeClass, moved) -> int:
        freed = 0
        target = None
        # A zspage that is being compacted is on no list, so free places are counted before.
        free = sum(len(zspage.free) for zspage in packed.zspages())
        while free // packed.objects >= 1:
            if target is None:
                target = next(group.pop(0) for group in packed.groups[FULL - 1 : 0 : -1] if group)
            sources = [group for group in packed.groups[1:FULL] if group]
            if not sources:
                break
            source = sources[0].pop(0)
            for place, slot in enumerate(source.places):
                if slot is not None and target.free:
                    onto = target.free.pop()
                    target.places[onto] = slot
                    source.places[place] = None
                    source.free.append(place)
                    moved(slot, target, onto)
            if source.inuse() == 0:
                freed += packed.frames
                free -= packed.objects
            else:
                packed.groups[source.group()].insert(0, source)
            if target.group() == FULL:
                packed.groups[FULL].insert(0, target)
                target = None
        if target is not None:
            packed.groups[target.group()].insert(0, target)
        return freed

    def dump(self) -> dict[int, dict[int, list[int]]]:
        """Return {class size: {group: [objects in use, head of the list first]}}, as ZsPool.dump does."""
        found = {}
        for size, c in self.classes.items():
            groups = {g: [zspage.inuse() for zspage in group] for g, group in enumerate(c.groups) if group}
            if groups:
                found[size] = groups
        return found
