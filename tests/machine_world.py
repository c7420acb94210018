"""Make a machine with a page of every kind that a system call may meet, and write calls on it as rows of a table."""

from collections.abc import Callable
from typing import Any, NamedTuple

from zswapsim.machine import (
    DeviceFile,
    File,
    GetFlag,
    Machine,
    Mode,
    MoveFlag,
    NodeSpec,
    OomKilled,
    Process,
    SegmentationFault,
    SyscallError,
)
from zswapsim.machine.nodes import PAGE_SIZE

A, B, C = range(3)
NOWHERE = 9
FAULT, NOENT, ACCES, BUSY = -14, -2, -13, -16


def mask(*numbers: int) -> frozenset[int]:
    return frozenset(numbers)


class World:
    """Three nodes, a process on A that makes the calls, and another that shares a page with it."""

    def __init__(self, frames: int = 32) -> None:
        self.machine = Machine([NodeSpec(name, frames * PAGE_SIZE, min_frames=0) for name in "ABC"], "none")
        self.machine.swap_on()
        self.group = self.machine.root_cpuset.child("jobs")
        self.process: Process = self.machine.spawn(self.machine.node(A))
        self.other: Process = self.machine.spawn(self.machine.node(B))
        file = File("data")
        self.page = self.mapped(1)
        self.three = self.mapped(3)
        self.shared = self.mapped(1, file=file, shared=True)
        self.of_other = self.other.mmap(PAGE_SIZE, file, shared=True)
        self.other.touch(self.of_other)
        self.pinned = self.mapped(1)
        assert self.process.pin_longterm(self.pinned)
        self.zero = self.process.mmap(PAGE_SIZE)
        self.process.touch(self.zero, write=False)
        self.empty = self.process.mmap(PAGE_SIZE)
        self.swapped = self.mapped(1)
        self.process.madvise(self.swapped, PAGE_SIZE, 21)
        self.hole = self.swapped + PAGE_SIZE  # mappings are a page apart
        self.driver = self.process.mmap(PAGE_SIZE, DeviceFile(self.machine, self.machine.node(C)), shared=True)
        self.process.touch(self.driver)
        self.end = self.driver + PAGE_SIZE
        self.beyond = 1 << 47

    def mapped(self, pages: int, **mapping: Any) -> int:
        """Map and touch pages; they lie on A."""
        address = self.process.mmap(pages * PAGE_SIZE, **mapping)
        for page in range(pages):
            self.process.touch(address + page * PAGE_SIZE)
        return address

    def privileged(self) -> "World":
        self.process.task.privileged = True
        return self

    def confined(self, *nodes: int) -> "World":
        """Confine the process to these nodes."""
        self.group.write_mems(mask(*nodes))
        self.group.attach(self.process)
        return self

    def full(self, *nodes: int) -> "World":
        """Take all frames of these nodes."""
        for node in nodes:
            while self.machine.node(node).owned_by("filler").take() is not None:
                pass
        return self

    def where(self, address: int, pages: int = 1) -> list[int]:
        return self.process.move_pages([address + page * PAGE_SIZE for page in range(pages)], None)

    def policies(self) -> list[str]:
        """Return the policies of the mappings, as numa_maps prints them, in order."""
        return [line.split()[1] for line in self.process.numa_maps().splitlines()]


Call = Callable[[World], Any]


class Row(NamedTuple):
    """A call, what it answers (a value, or the name of an errno), and what can be seen afterwards."""

    what: str
    call: Call
    answer: Any
    look: Call | None = None
    seen: Any = None


def row_name(given: object) -> str:
    """Name a test after the table and the row."""
    return given.what if isinstance(given, Row) else str(given)


def answer(call: Call, world: World) -> Any:
    """Return what a call returns, or the name of its errno or signal."""
    try:
        return call(world)
    except SyscallError as failed:
        return failed.name
    except (OomKilled, SegmentationFault) as killed:
        return type(killed).__name__


def check(row: Row) -> None:
    """Make the call of a row in a new world."""
    world = World()
    assert answer(row.call, world) == row.answer, row.what
    if row.look is not None:
        assert row.look(world) == row.seen, row.what
    world.machine.check()


# -- calls in short ---------------------------------------------------------------------------------------------------

TO_B = (Mode.BIND, mask(B))


def mbind(world: World, address: int, pages: int = 1, *arguments: object) -> None:
    world.process.mbind(address, pages * PAGE_SIZE, *(arguments or TO_B))


def moved(world: World, names: str, nodes: list[int] | None, flags: int = MoveFlag.MOVE) -> list[int]:
    """Call move_pages for the pages at these addresses of a world."""
    return world.process.move_pages([getattr(world, name) for name in names.split()], nodes, flags)


def migrate(world: World, old: frozenset[int], new: frozenset[int]) -> int:
    return world.process.migrate_pages(old, new)


def advise(world: World, address: int, pages: int, advice: int) -> None:
    world.process.madvise(address, pages * PAGE_SIZE, advice)


def policy_at(name: str) -> Call:
    """Look at the policy of the mapping at an address of a world."""
    return lambda world: world.process.get_mempolicy(getattr(world, name), GetFlag.ADDR)


def where(name: str, pages: int = 1) -> Call:
    """Look at the nodes of the pages at an address of a world."""
    return lambda world: world.where(getattr(world, name), pages)
