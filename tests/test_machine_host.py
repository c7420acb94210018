"""Ask the running kernel what the model says: the same calls, on its own nodes, without root.

Only a kernel without these system calls, or a container that forbids them, is not asked.
"""

import ctypes
import errno
import mmap
import os
import platform
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.machine_world import answer
from zswapsim.machine import GetFlag, Machine, Mode, ModeFlag, MoveFlag, NodeSpec, Process
from zswapsim.machine.nodes import PAGE_SIZE

SYSCALLS = {
    "x86_64": {"mbind": 237, "set": 238, "get": 239, "migrate": 256, "move": 279, "home": 450, "madvise": 28},
    "aarch64": {"mbind": 235, "set": 237, "get": 236, "migrate": 238, "move": 239, "home": 450, "madvise": 233},
}.get(platform.machine(), {})
MAX_NUMNODES = 1024
RELEASE = tuple(int(part) for part in re.findall(r"\d+", platform.release())[:2])
PAGES = 4
STRICT, MOVE = MoveFlag.STRICT, MoveFlag.MOVE
STATIC, RELATIVE, BALANCING = ModeFlag.STATIC_NODES, ModeFlag.RELATIVE_NODES, ModeFlag.NUMA_BALANCING


class Mask(list):
    """A nodemask for the kernel: ``Mask({0, 3})``."""

    def __init__(self, nodes: frozenset[int]) -> None:
        super().__init__(nodes)
        self.words = (ctypes.c_ulong * (MAX_NUMNODES // 64))()
        for node in nodes:
            self.words[node // 64] |= 1 << node % 64


class Host:
    """Make the calls of :class:`Process` to the running kernel, for this process."""

    def __init__(self) -> None:
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.syscall.restype = ctypes.c_long
        self.memory = mmap.mmap(-1, PAGES * PAGE_SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.kept = ctypes.c_char.from_buffer(self.memory)
        self.address = ctypes.addressof(self.kept)

    def call(self, name: str, *arguments: Any) -> int:
        given = [ctypes.c_ulong(each) if isinstance(each, int) else each for each in arguments]
        done: int = self.libc.syscall(ctypes.c_long(SYSCALLS[name]), *given)
        if done < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return done

    def touch(self, page: int, *, write: bool) -> None:
        if write:
            self.memory[page * PAGE_SIZE] = 1
        else:
            ctypes.string_at(self.address + page * PAGE_SIZE, 1)

    def set_mempolicy(self, mode: int, nodes: frozenset[int] = frozenset(), flags: int = 0) -> None:
        self.call("set", mode | flags, Mask(nodes).words, MAX_NUMNODES + 1)

    def mbind(self, address: int, length: int, mode: int, nodes: frozenset[int], flags: int = 0, move: int = 0) -> None:
        self.call("mbind", address, length, mode | flags, Mask(nodes).words, MAX_NUMNODES + 1, move)

    def set_mempolicy_home_node(self, address: int, length: int, node: int, flags: int = 0) -> None:
        self.call("home", address, length, node, flags)

    def get_mempolicy(self, address: int = 0, flags: int = 0) -> tuple[int, frozenset[int]]:
        mode, words = ctypes.c_int(), Mask(frozenset()).words
        self.call("get", ctypes.byref(mode), words, MAX_NUMNODES, address, flags)
        return mode.value, frozenset(bit for bit in range(MAX_NUMNODES) if words[bit // 64] >> bit % 64 & 1)

    def move_pages(self, addresses: list[int], nodes: list[int] | None, flags: int = MOVE) -> list[int]:
        count = len(addresses)
        status, target = (ctypes.c_int * count)(), None if nodes is None else (ctypes.c_int * count)(*nodes)
        self.call("move", 0, count, (ctypes.c_void_p * count)(*addresses), target, status, flags)
        return list(status)

    def migrate_pages(self, old: frozenset[int], new: frozenset[int]) -> int:
        return self.call("migrate", 0, MAX_NUMNODES + 1, Mask(old).words, Mask(new).words)

    def madvise(self, address: int, length: int, advice: int) -> None:
        self.call("madvise", address, length, advice)


def missing() -> str | None:
    if not SYSCALLS:
        return f"the system calls of {platform.machine()} are not known"
    if mmap.PAGESIZE != PAGE_SIZE:
        return f"pages of {mmap.PAGESIZE} bytes"
    try:
        Host().get_mempolicy()
    except OSError as error:
        return f"get_mempolicy: {error.strerror}"
    return None


pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))


def numbers(text: str) -> list[int]:
    """Return the numbers of a list as ``0-1,3``."""
    found: list[int] = []
    for part in filter(None, text.strip().split(",")):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def nodes_with_memory() -> list[int]:
    return numbers(Path("/sys/devices/system/node/has_memory").read_text())


def usable_nodes() -> list[int]:
    """Return the nodes with memory that this process may use."""
    allowed = re.search(r"Mems_allowed_list:\s*(\S*)", Path("/proc/self/status").read_text())
    return sorted(set(numbers(allowed[1])) & set(nodes_with_memory()))


def cpus_of(node: int) -> set[int]:
    return set(numbers(Path(f"/sys/devices/system/node/node{node}/cpulist").read_text())) & os.sched_getaffinity(0)


class Sides(NamedTuple):
    """The kernel, and a process of the model, on machines with the same nodes; both run on `node`."""

    host: Host
    process: Process
    node: int
    modelled: int
    """The address of the model's pages; those of the host are at `host.address`."""


@pytest.fixture
def sides() -> Iterator[Sides]:
    machine = Machine(
        [NodeSpec(f"N{n}", 256 * PAGE_SIZE, min_frames=0) for n in range(max(nodes_with_memory()) + 1)], "none"
    )
    group = machine.root_cpuset.child("host")
    group.write_mems(frozenset(usable_nodes()))
    here = next((node for node in usable_nodes() if cpus_of(node)), None)
    if here is None:
        pytest.skip("no node has both memory and a CPU for this process")
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus_of(here))
    process = machine.spawn(machine.node(here))
    group.attach(process)
    host = Host()
    yield Sides(host, process, here, process.mmap(PAGES * PAGE_SIZE))
    host.set_mempolicy(Mode.DEFAULT)
    os.sched_setaffinity(0, before)


def asked(call: Callable[[], Any]) -> Any:
    """Return what a call to the kernel returns, or the name of its errno."""
    try:
        return call()
    except OSError as error:
        return errno.errorcode[error.errno or 0]


def known(mode: int, flags: int) -> bool:
    """Return True if this kernel knows the mode with these flags."""
    since = {Mode.PREFERRED_MANY: (5, 15), Mode.WEIGHTED_INTERLEAVE: (6, 9)}.get(mode, (0, 0))
    return max(since, (6, 10) if flags & BALANCING else (0, 0)) <= RELEASE


ABSENT = 63
"""No machine that runs these tests has a node of this number; the kernel reports the first 64 numbers at least."""
WORDS = [
    (mode, flags)
    for mode in (*Mode, 7, 4096)
    for flags in (0, STATIC, RELATIVE, BALANCING, STATIC | BALANCING, RELATIVE | BALANCING, STATIC | RELATIVE)
    if known(mode, flags)
]


def test_every_mode_flag_and_mask(sides):
    for mode, flags in WORDS:
        for nodes in map(frozenset, ((), (sides.node,), (sides.node, ABSENT), (ABSENT,))):
            answers = []
            for side in (sides.host, sides.process):
                side.set_mempolicy(Mode.DEFAULT)
                said = asked(lambda side=side, nodes=nodes: side.set_mempolicy(mode, nodes, flags))  # noqa: B023
                answers.append((said, side.get_mempolicy()))
            if flags & BALANCING and RELEASE != (6, 18):
                answers = [(said, mask_free[0]) for said, mask_free in answers]  # which mask is kept has changed
            assert answers[0] == answers[1], (mode, flags, nodes)


def test_numbers_beyond_the_masks(sides):
    words = (ctypes.c_ulong * 32)(1)
    words[16] = 1
    assert asked(lambda: sides.host.call("set", Mode.BIND, words, 2048)) == "EINVAL"
    assert answer(lambda _: sides.process.set_mempolicy(Mode.BIND, frozenset({0, 1024})), None) == "EINVAL"


SINCE = {"where": (6, 12), "populate": (6, 12), "home": (5, 17)}
"""Calls whose name begins so are asked of kernels from these versions on."""
Calls = dict[str, Callable[[Any, int], Any]]
"""Calls by name; each is made on the host and on the model, with the address of pages."""
page, beyond, wraps = PAGE_SIZE, 1 << 47, (1 << 64) - PAGE_SIZE


def policy_calls(here: frozenset[int], gone: frozenset[int]) -> Calls:
    """Return calls about policies."""
    return {
        "task policy": lambda side, at: side.set_mempolicy(Mode.BIND, here),
        "by address: not the task's": lambda side, at: side.get_mempolicy(at, GetFlag.ADDR),
        "node by address, nothing written": lambda side, at: side.get_mempolicy(at, GetFlag.ADDR | GetFlag.NODE)[1],
        "next node, not interleaving": lambda side, at: side.get_mempolicy(0, GetFlag.NODE),
        "address without flag": lambda side, at: side.get_mempolicy(at),
        "allowed": lambda side, at: side.get_mempolicy(0, GetFlag.MEMS_ALLOWED),
        "allowed, address": lambda side, at: side.get_mempolicy(at, GetFlag.MEMS_ALLOWED),
        "allowed and node": lambda side, at: side.get_mempolicy(0, GetFlag.MEMS_ALLOWED | GetFlag.NODE),
        "unknown flag": lambda side, at: side.get_mempolicy(0, 8),
        "nowhere": lambda side, at: side.get_mempolicy(0, GetFlag.ADDR),
        "interleave": lambda side, at: side.set_mempolicy(Mode.INTERLEAVE, here),
        "next node": lambda side, at: side.get_mempolicy(0, GetFlag.NODE),
        "nothing, wrong mask": lambda side, at: side.mbind(at, 0, Mode.BIND, frozenset()),
        "nothing, wrong mode": lambda side, at: side.mbind(at, 0, 9, here),
        "nothing, wrong address": lambda side, at: side.mbind(at + 1, 0, Mode.BIND, frozenset()),
        "no such flag": lambda side, at: side.mbind(at, page, Mode.BIND, here, 0, 8),
        "nothing mapped": lambda side, at: side.mbind(page * 16, page, Mode.BIND, here),
        "nothing mapped, default": lambda side, at: side.mbind(page * 16, page, Mode.DEFAULT, frozenset()),
        "beyond all": lambda side, at: side.mbind(beyond, page, Mode.BIND, here),
        "round the end": lambda side, at: side.mbind(wraps, page, Mode.BIND, here),
        "node that is not there": lambda side, at: side.mbind(at, page, Mode.BIND, gone),
        "strict, local": lambda side, at: side.mbind(at + 3 * page, page, Mode.LOCAL, frozenset(), 0, STRICT),
        "strict, in place": lambda side, at: side.mbind(at + 3 * page, page, Mode.BIND, here, 0, STRICT),
        "strict, default": lambda side, at: side.mbind(at + 3 * page, page, Mode.DEFAULT, frozenset(), 0, STRICT),
        "strict, local, move": lambda side, at: side.mbind(
            at + 3 * page, page, Mode.LOCAL, frozenset(), 0, STRICT | MOVE
        ),
        "policy of a mapping": lambda side, at: side.get_mempolicy(at + 3 * page, GetFlag.ADDR),
        "strict, zero page": lambda side, at: side.mbind(at + 2 * page, page, Mode.LOCAL, frozenset(), 0, STRICT),
    }


def page_calls(node: int, here: frozenset[int], gone: frozenset[int]) -> Calls:
    """Return calls about pages, and about homes of policies."""
    return {
        "where": lambda side, at: side.move_pages([at + page, at + 2 * page, at + 3 * page, page * 16], None),
        "move": lambda side, at: side.move_pages([at + page, at + 2 * page, at + 3 * page, page * 16], [node] * 4),
        "move to nowhere": lambda side, at: side.move_pages([at + 3 * page], [ABSENT]),
        "move to -1": lambda side, at: side.move_pages([at + 3 * page], [-1]),
        "move strictly": lambda side, at: side.move_pages([at], [node], STRICT),
        "migrate to itself": lambda side, at: side.migrate_pages(here, here),
        "migrate from nowhere": lambda side, at: side.migrate_pages(gone, here),
        "migrate to nothing": lambda side, at: side.migrate_pages(here, frozenset()),
        "advice": lambda side, at: side.madvise(at, 0, 99),
        "advice, address": lambda side, at: side.madvise(at + 1, 0, 4),
        "advice about nothing": lambda side, at: side.madvise(page * 16, 0, 4),
        "advice, nothing mapped": lambda side, at: side.madvise(page * 16, page, 4),
        "advice, beyond all": lambda side, at: side.madvise(beyond, page, 4),
        "dontneed": lambda side, at: side.madvise(at + 3 * page, page, 4),
        "where, after dontneed": lambda side, at: side.move_pages([at + 3 * page], None),
        "populate to read": lambda side, at: side.madvise(at + 3 * page, page, 22),
        "where, after populate": lambda side, at: side.move_pages([at + 3 * page], None),
        "populate to write": lambda side, at: side.madvise(at + 3 * page, page, 23),
        "where, after writing": lambda side, at: side.move_pages([at + 3 * page], None),
        "home, no policy": lambda side, at: side.set_mempolicy_home_node(at, page, node),
        "home, nothing": lambda side, at: side.set_mempolicy_home_node(at, 0, node),
        "home, nowhere": lambda side, at: side.set_mempolicy_home_node(at, page, ABSENT),
        "home, flags": lambda side, at: side.set_mempolicy_home_node(at, page, node, 1),
        "interleave a mapping": lambda side, at: side.mbind(at, page, Mode.INTERLEAVE, here),
        "home, interleave": lambda side, at: side.set_mempolicy_home_node(at, page, node),
        "bind a mapping": lambda side, at: side.mbind(at, page, Mode.BIND, here),
        "home, bind": lambda side, at: side.set_mempolicy_home_node(at, page, node),
    }


def test_calls_in_a_row(sides):
    """Make each call on both, one after another: page 1 is untouched, page 2 was read, page 3 was written."""
    host, process, node, modelled = sides
    process.touch(modelled + 2 * PAGE_SIZE, write=False)
    process.touch(modelled + 3 * PAGE_SIZE)
    host.touch(2, write=False)
    host.touch(3, write=True)
    here, gone = frozenset({node}), frozenset({ABSENT})
    for name, call in (policy_calls(here, gone) | page_calls(node, here, gone)).items():
        if not any(name.startswith(words) and since > RELEASE for words, since in SINCE.items()):
            asked_host = asked(lambda call=call: call(host, host.address))
            assert asked_host == answer(lambda side, call=call: call(side, modelled), process), name
