"""Try every user surface of a private node under each proposed interface, in tables of what each proposal says.

A and B are ordinary, C and D private; C may have opted in to what users direct. The rows are read from the tables of
RFC v4, v5 and the thread of June 2026 on linux-mm; ``none`` is a kernel without any of them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tests.machine_samples import A, B, C, D, nodes, touched, where
from tests.machine_world import answer
from zswapsim.machine import GFP_KERNEL, Cap, Machine, Mode, ModeFlag, MoveFlag, NodeSpec, Process, sysfs
from zswapsim.machine.cpuset import Cpuset
from zswapsim.machine.interface import get_interface
from zswapsim.machine.nodes import PAGE_SIZE

PAGE = PAGE_SIZE
BIND, STATIC, RELATIVE = Mode.BIND, ModeFlag.STATIC_NODES, ModeFlag.RELATIVE_NODES
INTERFACES = ("none", "v4", "v5", "mbind-opt-in")
RULE_OF = {"none": "private-flag", "v4": "private-flag", "v5": "private-zonelist", "mbind-opt-in": "fallback-lists"}


class Stand:
    """A machine under one interface, and a process on A in a cpuset of its own, with a page on A and one on C."""

    def __init__(self, interface: str, *opted: int) -> None:
        ordinary = [NodeSpec(name, 32 * PAGE, min_frames=0) for name in "AB"]
        private = [NodeSpec(name, 32 * PAGE, private=True, cpus=False, min_frames=0) for name in "CD"]
        self.machine = Machine([*ordinary, *private], RULE_OF[interface], interface)
        for number in opted:
            self.machine.opt_in(self.machine.node(number), Cap.USER_NUMA)
        self.process: Process = self.machine.spawn(self.machine.node(A))
        self.group: Cpuset = self.machine.root_cpuset.child("jobs")
        self.group.attach(self.process)
        self.page, self.on_c, self.empty = touched(self.process, 1), touched(self.process, 1), self.process.mmap(PAGE)
        self.machine.grant(self.machine.node(C), self.process.task.owner)
        moved = self.process.mm.page_at(self.on_c // PAGE)
        self.machine.memory.migrate_page(moved, self.machine.node(C), GFP_KERNEL | self.machine.rule.opens)

    def confined(self, *numbers: int) -> "Stand":
        self.group.write_mems(nodes(*numbers))
        return self

    def policy(self, *arguments: Any) -> frozenset[int]:
        """Set a policy of a mapping that is empty; return the nodes in force."""
        self.process.mbind(self.empty, PAGE, *arguments)
        return self.process.mm.vma_of(self.empty // PAGE).policy.nodes

    def task_policy(self, *arguments: Any) -> frozenset[int]:
        self.process.set_mempolicy(*arguments)
        return self.process.task.mempolicy.nodes


class Row(NamedTuple):
    """A call, and its answer under none, v4, v5 and mbind-opt-in: a value or an errno."""

    what: str
    call: Callable[[Stand], Any]
    none: Any
    v4: Any
    v5: Any
    mbind_opt_in: Any


def home(stand: Stand, node: int) -> None:
    stand.policy(Mode.PREFERRED_MANY, nodes(A, B))
    stand.process.set_mempolicy_home_node(stand.empty, PAGE, node)


def migrated(stand: Stand, old: set[int], new: set[int]) -> list[int]:
    """Return where the page that was moved, or was to be moved, lies."""
    stand.process.migrate_pages(frozenset(old), frozenset(new))
    page = stand.on_c if A not in old else stand.page
    return [stand.process.mm.page_at(page // PAGE).node.id]


def moved_by_mbind(stand: Stand) -> list[int]:
    stand.process.mbind(stand.on_c, PAGE, BIND, nodes(A), 0, MoveFlag.MOVE)
    return [stand.process.mm.page_at(stand.on_c // PAGE).node.id]


def read(stand: Stand, file: str) -> str:
    return sysfs.read(stand.machine, sysfs.ROOT + file).strip()


NOBODY_OPTED_IN = [
    Row("bind C", lambda s: s.policy(BIND, nodes(C), STATIC), "EINVAL", "EINVAL", "EINVAL", "EINVAL"),
    Row("bind A and C", lambda s: s.policy(BIND, nodes(A, C)), {A}, "EINVAL", "EINVAL", {A}),
    Row("task, bind C", lambda s: s.task_policy(BIND, nodes(C)), "EINVAL", "EINVAL", "EINVAL", "EINVAL"),
    Row("task, A and C", lambda s: s.task_policy(BIND, nodes(A, C)), {A}, "EINVAL", "EINVAL", {A}),
    Row("relative", lambda s: s.policy(BIND, nodes(C), RELATIVE), {A}, "EINVAL", "EINVAL", {A}),
    Row("home C", lambda s: home(s, C), "EINVAL", "EINVAL", "EINVAL", "EINVAL"),
    Row("move to C", lambda s: s.process.move_pages([s.page], [C]), "ENODEV", "ENODEV", "ENODEV", "ENODEV"),
    Row("move off C", lambda s: s.process.move_pages([s.on_c], [A]), [-2], [-2], [-2], [-2]),
    Row("migrate to C", lambda s: s.process.migrate_pages(nodes(A), nodes(C)), "EPERM", "ENODEV", "ENODEV", "EPERM"),
    Row("migrate off C", lambda s: migrated(s, {C}, {A}), [C], "ENOENT", "ENOENT", [C]),
    Row("migrate C to D", lambda s: migrated(s, {C}, {D}), "EPERM", "ENODEV", "ENODEV", "EPERM"),
    Row("mems C", lambda s: s.group.write_mems(nodes(C)), "EINVAL", "EINVAL", "EINVAL", "EINVAL"),
    Row("mems A and C", lambda s: s.group.write_mems(nodes(A, C)), "EINVAL", None, None, "EINVAL"),
    Row("mems of a node that is not there", lambda s: s.group.write_mems(nodes(A, 9)), *["EINVAL"] * 4),
    Row("no mems", lambda s: s.group.write_mems(nodes()), None, None, None, None),
    Row(
        "mems of the root",
        lambda s: s.machine.root_cpuset.read("cpuset.mems.effective"),
        "0-1\n",
        "0-3\n",
        "0-1\n",
        "0-1\n",
    ),
    Row("has_memory", lambda s: read(s, "has_memory"), "0-1", "0-1", "0-1", "0-1"),
    Row("has_normal_memory", lambda s: read(s, "has_normal_memory"), "0-1", "0-1", "0-1", "0-1"),
    Row("has_private_memory", lambda s: read(s, "has_private_memory"), "ENOENT", "2-3", "2-3", "ENOENT"),
    Row("online", lambda s: read(s, "online"), "0-1", "0-3", "0-3", "0-1"),
    Row("possible", lambda s: read(s, "possible"), "0-1", "0-3", "0-3", "0-1"),
    Row("has_cpu", lambda s: read(s, "has_cpu"), "0-1", "0-1", "0-1", "0-1"),
    Row("a folder of its own", lambda s: read(s, "node2/distance"), "ENOENT", "20 20 10 20", "20 20 10 20", "ENOENT"),
    Row("numa_maps", lambda s: "N2=1" in s.process.numa_maps(), False, False, True, False),
]

C_OPTED_IN = [
    Row("bind C", lambda s: s.policy(BIND, nodes(C)), "EINVAL", {C}, {C}, "EINVAL"),
    Row("bind C, static", lambda s: s.policy(BIND, nodes(C), STATIC), "EINVAL", {C}, {C}, {C}),
    Row("bind A and C", lambda s: s.policy(BIND, nodes(A, C), STATIC), {A}, {A, C}, {A, C}, "EINVAL"),
    Row("bind C and D", lambda s: s.policy(BIND, nodes(C, D), STATIC), "EINVAL", "EINVAL", "EINVAL", "EINVAL"),
    Row("bind D", lambda s: s.policy(BIND, nodes(D), STATIC), "EINVAL", "EINVAL", "EINVAL", "EINVAL"),
    Row("bind A", lambda s: s.policy(BIND, nodes(A)), {A}, {A}, {A}, {A}),
    Row("prefer C", lambda s: s.policy(Mode.PREFERRED, nodes(C), STATIC), "EINVAL", {C}, {C}, "EINVAL"),
    Row("interleave C", lambda s: s.policy(Mode.INTERLEAVE, nodes(C), STATIC), "EINVAL", {C}, {C}, "EINVAL"),
    Row("task, bind C", lambda s: s.task_policy(BIND, nodes(C), STATIC), "EINVAL", {C}, {C}, "EINVAL"),
    Row("task, bind A", lambda s: s.task_policy(BIND, nodes(A)), {A}, {A}, {A}, {A}),
    Row(
        "bind C from a cpuset without it",
        lambda s: s.confined(A).policy(BIND, nodes(C), STATIC),
        "EINVAL",
        "EINVAL",
        {C},
        {C},
    ),
    Row("bind A and C from there", lambda s: s.confined(A).policy(BIND, nodes(A, C)), {A}, {A}, {A, C}, "EINVAL"),
    Row("home C", lambda s: home(s, C), "EINVAL", "EINVAL", None, "EINVAL"),
    Row("home D", lambda s: home(s, D), "EINVAL", "EINVAL", "EINVAL", "EINVAL"),
    Row("move to C", lambda s: s.process.move_pages([s.page], [C]), "ENODEV", [C], [C], "ENODEV"),
    Row("move off C", lambda s: s.process.move_pages([s.on_c], [A]), [-2], [A], [A], [-2]),
    Row("move to D", lambda s: s.process.move_pages([s.page], [D]), "ENODEV", "ENODEV", "ENODEV", "ENODEV"),
    Row(
        "move to C from a cpuset without it",
        lambda s: s.confined(A).process.move_pages([s.page], [C]),
        "ENODEV",
        "EACCES",
        [C],
        "ENODEV",
    ),
    Row(
        "move to B from a cpuset without it", lambda s: s.confined(A).process.move_pages([s.page], [B]), *["EACCES"] * 4
    ),
    Row("migrate to C", lambda s: migrated(s, {A}, {C}), "EPERM", [C], [C], "EPERM"),
    Row(
        "migrate to C from a cpuset without it",
        lambda s: migrated(s.confined(A), {A}, {C}),
        "EPERM",
        "EPERM",
        [C],
        "EPERM",
    ),
    Row("migrate off C", lambda s: migrated(s, {C}, {A}), [C], [A], [A], [C]),
    Row("migrate off D", lambda s: migrated(s, {D}, {A}), [C], "ENOENT", "ENOENT", [C]),
    Row("migrate to D", lambda s: migrated(s, {A}, {D}), "EPERM", "ENODEV", "ENODEV", "EPERM"),
    Row("mbind moves off C", moved_by_mbind, [C], [A], [A], [A]),
    Row("mems C", lambda s: s.group.write_mems(nodes(C)), "EINVAL", "EINVAL", "EINVAL", "EINVAL"),
    Row("mems A and C", lambda s: s.group.write_mems(nodes(A, C)), "EINVAL", None, None, None),
    Row("mems A and D", lambda s: s.group.write_mems(nodes(A, D)), "EINVAL", None, None, "EINVAL"),
    Row("has_memory", lambda s: read(s, "has_memory"), "0-1", "0-2", "0-1", "0-1"),
    Row("has_private_memory", lambda s: read(s, "has_private_memory"), "ENOENT", "2-3", "2-3", "ENOENT"),
]


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize("row", NOBODY_OPTED_IN, ids=lambda row: row.what)
def test_a_node_that_did_not_opt_in(row: Row, interface: str) -> None:
    assert answer(row.call, Stand(interface)) == getattr(row, interface.replace("-", "_"))


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize("row", C_OPTED_IN, ids=lambda row: row.what)
def test_a_node_that_opted_in(row: Row, interface: str) -> None:
    assert answer(row.call, Stand(interface, C)) == getattr(row, interface.replace("-", "_"))


REBOUND = [
    # interface, mode, flags, asked, mems at first, mems afterwards, nodes in force
    ("v4", BIND, 0, {A, C}, {A, C}, {B, C}, {B, C}),
    ("v4", BIND, 0, {C}, {A, C}, {A, B}, {B}),
    ("v4", BIND, STATIC, {A, C}, {A, C}, {A}, {A}),
    ("v4", BIND, STATIC, {C}, {A, C}, {A, B}, {A, B}),
    ("v5", BIND, 0, {A, C}, {A}, {B}, {B, C}),
    ("v5", BIND, 0, {C}, {A}, {B}, {C}),
    ("v5", BIND, STATIC, {A, C}, {A}, {B}, {B, C}),
    ("v5", BIND, STATIC, {C}, {A}, {B}, {C}),
    ("v5", BIND, RELATIVE, {A, C}, {A, B}, {B}, {B, C}),
    ("mbind-opt-in", BIND, STATIC, {C}, {A}, {B}, {C}),
    ("mbind-opt-in", BIND, 0, {A}, {A}, {B}, {B}),
    ("none", BIND, 0, {A, C}, {A}, {B}, {B}),
]


@pytest.mark.parametrize(("interface", "mode", "flags", "asked", "before", "after", "expected"), REBOUND)
def test_a_rebind(interface, mode, flags, asked, before, after, expected) -> None:
    stand = Stand(interface, C).confined(*before)
    stand.policy(mode, frozenset(asked), flags)
    stand.group.write_mems(frozenset(after))
    policy = stand.process.mm.vma_of(stand.empty // PAGE).policy
    assert policy.nodes == expected
    if flags:
        assert policy.reported_nodes == asked, "static and relative nodes are reported as they were asked for"


def test_which_surfaces_each_version_speaks_of() -> None:
    spoken = {name: sorted(get_interface(name).covers) for name in INTERFACES}
    v4 = ["cpuset.mems", "mbind", "migrate_pages", "move_pages", "numa_maps", "set_mempolicy", "sysfs"]
    assert spoken == {
        "none": [],
        "v4": v4,
        "v5": sorted([*v4, "set_mempolicy_home_node"]),
        "mbind-opt-in": ["cpuset.mems", "mbind", "set_mempolicy"],
    }
    assert str(get_interface("v5").rests_on("mbind")) == "v5, 2026-07-20"
    assert str(get_interface("v4").rests_on("set_mempolicy_home_node")) == "baseline"
    assert str(get_interface("mbind-opt-in").rests_on("mbind")) == "thread on RFC v4, 2026-06-03"


@pytest.mark.parametrize(("interface", "opens"), [("v4", True), ("v5", True)])
def test_where_pages_of_a_policy_with_an_opted_in_node_lie(interface: str, opens: bool) -> None:
    for mode, asked, expected in (
        (BIND, {C}, [C] * 3),
        (Mode.PREFERRED, {C}, [C] * 3),
        (BIND, {A, C}, [A] * 3),
        (Mode.PREFERRED_MANY, {C}, [C] * 3),
    ):
        stand = Stand(interface, C)
        stand.process.set_mempolicy(mode, frozenset(asked))
        assert where(stand.process, touched(stand.process, 3), 3) == expected, mode
        assert stand.machine.leaks() == {}
        stand.machine.check()


@pytest.mark.parametrize("interface", ["v4", "v5"])
def test_a_full_private_node_falls_back_as_the_policy_says(interface: str) -> None:
    for mode, expected in ((Mode.PREFERRED, [A]), (Mode.PREFERRED_MANY, [A]), (BIND, "OomKilled")):
        stand = Stand(interface, C)
        while stand.machine.node(C).owned_by("filler").take() is not None:
            pass
        stand.process.set_mempolicy(mode, nodes(C))
        assert answer(lambda s: where(s.process, touched(s.process, 1), 1), stand) == expected
