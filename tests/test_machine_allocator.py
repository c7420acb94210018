"""Allocate with every flag, order and state of nodes, in tables written from mm/page_alloc.c of Linux 6.18.

The model differs on purpose: it has no kswapd, no compaction (so nothing is reclaimed for a costly order, where the
kernel reclaims once after it has compacted), no OOM killer in the allocator, and of equally near nodes the one with the
lower number comes first, where the kernel prefers the next one and takes turns (find_next_best_node).
"""

from typing import NamedTuple

import pytest

from zswapsim.machine import GFP, File, Machine, Node, NodeSpec, OutOfMemory
from zswapsim.machine.nodes import PAGE_SIZE
from zswapsim.machine.pages.reclaim import SWAP_CLUSTER_MAX, shrink_nodes

KERNEL, USER, NOWAIT, ATOMIC, HIGH_KERNEL = GFP.KERNEL, GFP.USER, GFP.NOWAIT, GFP.ATOMIC, GFP.KERNEL | GFP.HIGH
NORETRY, MAYFAIL = KERNEL | GFP.NORETRY, KERNEL | GFP.RETRY_MAYFAIL


def fill(node: Node, keep: int = 0) -> None:
    """Take frames, which nobody can reclaim, until `keep` are free; the last ones stay free, in one block."""
    grant = node.owned_by("filler")
    while node.free_frames > keep:
        grant.take()


# -- watermarks: __zone_watermark_ok, gfp_to_alloc_flags --------------------------------------------------------------

LEAST_FREE = [
    # min, flags, order, the fewest free frames of which the request gets its own
    (8, KERNEL, 0, 9),
    (8, USER, 0, 9),
    (8, NOWAIT, 0, 9),
    (8, NORETRY, 0, 9),
    (8, KERNEL & ~GFP.KSWAPD_RECLAIM, 0, 9),
    (8, HIGH_KERNEL, 0, 5),
    (8, ATOMIC, 0, 4),
    (8, ATOMIC | GFP.NOWARN, 0, 4),
    (8, KERNEL, 2, 12),
    (8, HIGH_KERNEL, 2, 8),
    (8, ATOMIC, 2, 7),
    (5, HIGH_KERNEL, 0, 4),
    (5, ATOMIC, 0, 4),
    (16, HIGH_KERNEL, 0, 9),
    (16, ATOMIC, 0, 7),
    (0, KERNEL, 0, 1),
    (0, KERNEL, 3, 8),
    (0, ATOMIC, 0, 1),
]


@pytest.mark.parametrize(("min_frames", "gfp", "order", "least"), LEAST_FREE)
def test_the_reserve_that_each_request_leaves(min_frames: int, gfp: GFP, order: int, least: int) -> None:
    for free in (least - 1, least):
        machine = Machine([NodeSpec("A", 64 * PAGE_SIZE, min_frames=min_frames)])
        node = machine.nodes["A"]
        fill(node, free)
        if free < least:
            with pytest.raises(OutOfMemory):
                machine.alloc_pages(node, gfp=gfp, order=order)
            assert node.free_frames == free
        else:
            assert machine.alloc_pages(node, gfp=gfp, order=order).frames == 1 << order
            assert node.free_frames == free - (1 << order)


@pytest.mark.parametrize(
    ("min_frames", "frames", "low"), [(8, 64, 10), (3, 64, 3), (4, 64, 5), (0, 64, 0), (0, 5000, 5), (8, 5000, 13)]
)
def test_the_low_watermark(min_frames: int, frames: int, low: int) -> None:
    """A quarter of min, or a thousandth of the node (__setup_per_zone_wmarks)."""
    node = Machine([NodeSpec("A", frames * PAGE_SIZE, min_frames=min_frames)]).nodes["A"]
    assert (node.min_watermark, node.low_watermark) == (min_frames, low)


@pytest.mark.parametrize(
    ("ordinary_frames", "frames", "minimum"),
    [
        (64, 64, 32),  # 128 kB at least
        (1 << 20, 1 << 20, 2048),  # 4 GiB: 8192 kB
        (1 << 20, 1 << 19, 1024),
        (1 << 34, 1 << 34, 65536),  # 262144 kB at most
        (0, 64, 2048),
    ],
)
def test_min_free_kbytes(ordinary_frames: int, frames: int, minimum: int) -> None:
    """4 * sqrt(kilobytes), shared by size (calculate_min_free_kbytes)."""
    node = Machine([NodeSpec("A", 64 * PAGE_SIZE)]).nodes["A"]
    node.arena = type("Arena", (), {"frames": frames})()
    node.set_watermarks(ordinary_frames)
    assert node.min_watermark == minimum


# -- passes: __alloc_pages_slowpath -----------------------------------------------------------------------------------


class Pass(NamedTuple):
    """Two nodes with so many free frames (min 8, low 10), a request that prefers A, and the node that gives."""

    free_a: int
    free_b: int
    gfp: GFP
    mask: str | None
    mems: str | None
    node: str | None


PASSES = [
    Pass(11, 64, KERNEL, None, None, "A"),
    Pass(10, 64, KERNEL, None, None, "B"),  # below low on A: the whole list is walked before the reserve is touched
    Pass(10, 10, KERNEL, None, None, "A"),  # the second walk begins at A again
    Pass(8, 10, KERNEL, None, None, "B"),
    Pass(8, 8, KERNEL, None, None, None),
    Pass(10, 64, KERNEL | GFP.THISNODE, None, None, "A"),
    Pass(8, 64, KERNEL | GFP.THISNODE, None, None, None),
    Pass(64, 64, KERNEL, "B", None, "B"),
    Pass(64, 8, KERNEL, "B", None, None),
    Pass(64, 64, KERNEL, "", None, None),
    Pass(64, 64, USER, None, "B", "B"),
    Pass(64, 8, USER, None, "B", None),
    Pass(64, 64, KERNEL, None, "B", "B"),
    Pass(64, 10, KERNEL, None, "B", "A"),  # later passes bind only hardwalls: A is at its low mark before B's reserve
    Pass(64, 8, KERNEL, None, "B", "A"),
    Pass(64, 8, KERNEL | GFP.HARDWALL, None, "B", None),
    Pass(64, 64, USER, "A", "B", None),
    Pass(64, 64, KERNEL, "A", "B", "A"),
    Pass(64, 64, ATOMIC, None, "B", "B"),
    Pass(64, 3, ATOMIC, None, "B", "A"),  # non-blocking __GFP_HIGH ignores the cpuset, even a hardwall
    Pass(64, 3, ATOMIC | GFP.HARDWALL, None, "B", "A"),
    Pass(64, 3, ATOMIC, "B", None, "A"),  # and then the mask
    Pass(64, 4, ATOMIC, "B", None, "B"),  # but not before it has tried within the mask
    Pass(64, 8, NOWAIT, "B", None, None),
    Pass(64, 8, NOWAIT | GFP.HARDWALL, None, "B", None),
    Pass(64, 4, HIGH_KERNEL, "B", None, None),
    Pass(64, 4, HIGH_KERNEL | GFP.HARDWALL, None, "B", None),
]


@pytest.mark.parametrize("row", PASSES)
def test_which_node_gives(row: Pass) -> None:
    machine = Machine([NodeSpec(name, 64 * PAGE_SIZE, min_frames=8) for name in "AB"])
    nodes = machine.nodes
    fill(nodes["A"], row.free_a)
    fill(nodes["B"], row.free_b)
    mask, mems = (None if names is None else [nodes[name] for name in names] for names in (row.mask, row.mems))
    try:
        found = machine.alloc_pages(nodes["A"], mask, row.gfp, mems=mems)
    except OutOfMemory as failed:
        assert row.node is None, failed
    else:
        assert found.node.name == row.node
        assert found.fell_back == (row.node != "A")


def test_the_steps_of_a_walk_name_each_node_that_is_skipped_once() -> None:
    machine = Machine([NodeSpec(name, 64 * PAGE_SIZE, min_frames=8) for name in "ABC"])
    nodes = machine.nodes
    fill(nodes["A"], 8)
    with pytest.raises(OutOfMemory) as failed:
        machine.alloc_pages(nodes["A"], [nodes["A"], nodes["B"]], USER, 2, owner="me", mems=[nodes["A"]])
    assert str(failed.value) == (
        "out of memory: me: prefers A, GFP_USER, order 2, mask {A,B}, walks ZONELIST_FALLBACK of A\n"
        "  A: 8 frames free, would fall below the low mark 10\n"
        "  B: passed over: not in cpuset.mems\n"
        "  C: passed over: not in the nodemask\n"
        "  A: 8 frames free, would fall below the min mark 8"
    )
    assert (failed.value.walk.visited, failed.value.walk.skipped) == ([nodes["A"]], [nodes["B"], nodes["C"]])


# -- direct reclaim: __alloc_pages_direct_reclaim, shrink_zones, shrink_folio_list ------------------------------------


def occupied(frames: int = 64, min_frames: int = 0, *, swap: bool = True, nodes: str = "A") -> Machine:
    """Make a machine with nodes A and B, full: of a process's pages on `nodes`, else of frames of the kernel."""
    machine = Machine([NodeSpec(name, frames * PAGE_SIZE, min_frames=min_frames) for name in "AB"])
    if swap:
        machine.swap_on()
    for node in machine.nodes.values():
        if node.name in nodes:
            process = machine.spawn(node)
            address = process.mmap(frames * PAGE_SIZE)
            for page in range(node.free_frames - min_frames):
                process.touch(address + page * PAGE_SIZE)
        fill(node, min_frames)
    return machine


def pages_left(machine: Machine) -> dict[str, int]:
    return {name: len(machine.lruvec(node)) for name, node in machine.nodes.items()}


RECLAIMED = [
    # flags, order, got, pages that were reclaimed
    (KERNEL, 0, True, 32),
    (USER, 0, True, 32),
    (NOWAIT, 0, False, 0),
    (ATOMIC, 0, False, 0),
    (KERNEL & ~GFP.DIRECT_RECLAIM, 0, False, 0),
    (GFP.DIRECT_RECLAIM, 0, True, 32),
    (NORETRY, 0, True, 32),
    (MAYFAIL, 0, True, 32),
    (KERNEL, 1, True, 32),
    (KERNEL, 3, True, 32),
    (NORETRY, 3, True, 32),
    (KERNEL, 4, False, 0),
    (MAYFAIL, 4, False, 0),
    (KERNEL, 10, False, 0),
]


@pytest.mark.parametrize(("gfp", "order", "got", "reclaimed"), RECLAIMED)
def test_what_is_reclaimed_for_a_request(gfp: GFP, order: int, got: bool, reclaimed: int) -> None:
    machine = occupied()
    before = pages_left(machine)
    try:
        found = machine.alloc_pages(machine.nodes["A"], gfp=gfp, order=order)
    except OutOfMemory:
        assert not got
    else:
        assert got
        assert found.node.name == "A"
    assert before["A"] - pages_left(machine)["A"] == reclaimed
    machine.check()


def pages_in_the_way(gfp: GFP) -> int:
    """Return how many pages a request reclaims that needs a block of eight where every other page is pinned."""
    machine = occupied(128)
    for place, page in enumerate(machine.lruvec(machine.nodes["A"])):
        page.pinned = place % 2 == 1 and place < 100
    before = pages_left(machine)["A"]
    try:
        machine.alloc_pages(machine.nodes["A"], gfp=gfp, order=3)
    except OutOfMemory:
        return pages_left(machine)["A"] - before
    return before - pages_left(machine)["A"]


def test_noretry_reclaims_once_and_others_for_as_long_as_it_helps() -> None:
    assert pages_in_the_way(NORETRY) == -32, "it failed after one try"
    assert pages_in_the_way(KERNEL) == 64
    assert pages_in_the_way(MAYFAIL) == 64


def test_where_reclaim_looks() -> None:
    """It looks at the nodes that the request may use, in their order, within the cpuset whatever the flags are."""
    both = "AB"
    for preferred, mask, gfp, mems, expected in (
        ("A", None, KERNEL, None, {"A": 32, "B": 64}),
        ("B", None, KERNEL, None, {"A": 64, "B": 32}),
        ("A", "B", KERNEL, None, {"A": 64, "B": 32}),
        ("B", None, KERNEL | GFP.THISNODE, None, {"A": 64, "B": 32}),
        ("A", None, USER, "B", {"A": 64, "B": 32}),
        ("A", None, KERNEL, "B", {"A": 64, "B": 32}),
    ):
        machine = occupied(nodes=both)
        nodes = machine.nodes
        asked, allowed = (None if names is None else [nodes[name] for name in names] for names in (mask, mems))
        machine.alloc_pages(nodes[preferred], asked, gfp, mems=allowed)
        assert pages_left(machine) == expected, (preferred, mask, gfp, mems)


def test_reclaim_stops_at_32_pages_and_begins_with_the_coldest() -> None:
    machine = occupied(24, nodes="AB")
    nodes = list(machine.nodes.values())
    coldest = {node: next(iter(machine.lruvec(node))) for node in nodes}
    assert shrink_nodes(machine.memory.topology, machine.memory.pages, nodes) == SWAP_CLUSTER_MAX == 32
    assert pages_left(machine) == {"A": 0, "B": 16}
    assert coldest[nodes[1]] not in machine.lruvec(nodes[1])
    assert machine.swap.on_device == 32


def test_what_cannot_be_reclaimed() -> None:
    assert _shrunk(occupied(swap=False)) == 0, "anonymous pages need swap"
    machine = occupied()
    for page in machine.lruvec(machine.nodes["A"]):
        page.pinned = True
    assert _shrunk(machine) == 0
    assert _shrunk(occupied(nodes="")) == 0, "the kernel's own frames are on no list"


def _shrunk(machine: Machine) -> int:
    return shrink_nodes(machine.memory.topology, machine.memory.pages, machine.nodes.values())


def test_a_files_page_is_dropped_without_swap_and_read_in_again() -> None:
    machine = Machine([NodeSpec("A", 8 * PAGE_SIZE, min_frames=0)])
    process, file = machine.spawn(machine.nodes["A"]), File("data")
    address = process.mmap(4 * PAGE_SIZE, file)
    for page in range(4):
        process.touch(address + page * PAGE_SIZE, write=page == 3)
    assert _shrunk(machine) == 4, "the private copy stays, its page of the file does not"
    assert (set(file.cached), machine.owners()["A"]) == (set(), {"process 1": 1})
    process.touch(address + PAGE_SIZE, write=False)
    assert set(file.cached) == {1}
    machine.check()


def test_the_values_of_all_flags() -> None:
    """include/linux/gfp_types.h; PRIVATE is the bit that RFC v4 takes."""
    bits = {
        "HIGHMEM": 1, "MOVABLE": 3, "HIGH": 5, "IO": 6, "FS": 7, "PRIVATE": 9, "DIRECT_RECLAIM": 10,
        "KSWAPD_RECLAIM": 11, "NOWARN": 13, "RETRY_MAYFAIL": 14, "NORETRY": 16, "COMP": 18, "HARDWALL": 20,
        "THISNODE": 21, "ACCOUNT": 22,
    }  # fmt: skip
    assert {flag.name: flag.value for flag in GFP} == {name: 1 << bit for name, bit in bits.items()}
    masks = {
        "NOWAIT": "KSWAPD_RECLAIM NOWARN",
        "ATOMIC": "HIGH KSWAPD_RECLAIM",
        "NOIO": "DIRECT_RECLAIM KSWAPD_RECLAIM",
        "NOFS": "DIRECT_RECLAIM KSWAPD_RECLAIM IO",
        "KERNEL": "DIRECT_RECLAIM KSWAPD_RECLAIM IO FS",
        "USER": "DIRECT_RECLAIM KSWAPD_RECLAIM IO FS HARDWALL",
        "HIGHUSER": "DIRECT_RECLAIM KSWAPD_RECLAIM IO FS HARDWALL HIGHMEM",
        "HIGHUSER_MOVABLE": "DIRECT_RECLAIM KSWAPD_RECLAIM IO FS HARDWALL HIGHMEM MOVABLE",
    }
    for name, parts in masks.items():
        assert GFP[name] == sum(GFP[part] for part in parts.split()), name
        assert str(GFP[name]) == f"GFP_{name}"
        assert str(GFP[name] | GFP.COMP) == f"GFP_{name}|__GFP_COMP"
