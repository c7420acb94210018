"""Test what each kernel caller asks for, and how the audit counts what it gets.

Flags and orders are read from the kernel function in the second column, Linux 6.18.
"""

from typing import NamedTuple

import pytest

from tests.machine_samples import A, B, C, D, ordinary, touched
from zswapsim.machine import GFP, Cap, Machine, NodeSpec
from zswapsim.machine.audit import CALLERS, Cell, verdicts
from zswapsim.machine.audit.callers import Outcome, fill_dram
from zswapsim.machine.audit.matrix import PROCESS, _boot, audit_caller, audit_surface
from zswapsim.machine.isolation import RULES
from zswapsim.machine.nodes import PAGE_SIZE

KERNEL, USER_PAGE, HUGE = GFP.KERNEL, GFP.HIGHUSER_MOVABLE, GFP.HIGHUSER_MOVABLE | GFP.COMP
THISNODE, NOWARN = GFP.THISNODE, GFP.NOWARN
NEW_SLAB = GFP.NOWAIT | THISNODE
ALL, PRIVATE = "ABCD", "CD"


class Asks(NamedTuple):
    """The requests of a caller on a machine whose memory is all ordinary."""

    caller: str
    function: str
    near: str
    gfp: GFP
    order: int
    owner: str = ""
    """The name of the caller, if it is empty."""


ASKS = [
    Asks("swap backend", "the grant", "C", KERNEL | THISNODE, 0),
    Asks("for_each_node THISNODE", "alloc_pages_node", ALL, KERNEL | THISNODE, 0),
    Asks("for_each_node, may fall back", "alloc_pages_node", ALL, KERNEL, 0),
    Asks("for_each_online_node THISNODE", "alloc_pages_node", ALL, KERNEL | THISNODE, 0),
    Asks("for_each_online_node, may fall back", "alloc_pages_node", ALL, KERNEL, 0),
    Asks("slab", "___slab_alloc: GFP_NOWAIT on the node first", ALL, NEW_SLAB, 0),
    Asks("shrinker info", "alloc_shrinker_info", ALL, NEW_SLAB, 0),
    Asks("workqueue counts", "alloc_node_nr_active", ALL, NEW_SLAB, 0),
    Asks("hotplug: sparse", "vmemmap_alloc_block", PRIVATE, KERNEL | GFP.RETRY_MAYFAIL | NOWARN, 3),
    Asks("hotplug: slab", "slab_mem_going_online_callback", PRIVATE, NEW_SLAB, 0),
    Asks("hugetlb", "alloc_buddy_hugetlb_folio", ALL, HUGE | THISNODE | NOWARN | GFP.RETRY_MAYFAIL, 9),
    Asks("powerpc memtrace", "memtrace_alloc_node", ALL, KERNEL | THISNODE | NOWARN, 4),
    Asks("page cache", "filemap_alloc_folio", "A", USER_PAGE, 0),
    Asks("page cache, DRAM full", "filemap_alloc_folio", "A", USER_PAGE, 0, "page cache"),
    Asks("khugepaged", "alloc_charge_folio", "A", HUGE | THISNODE, 9),
    Asks("KSM", "ksm_might_need_to_copy", "A", USER_PAGE, 0),
    Asks("compaction", "compaction_alloc: a frame of the same node", "A", USER_PAGE | THISNODE, 0, "process 1"),
    Asks(
        "NUMA balancing", "alloc_misplaced_dst_folio: without __GFP_RECLAIM", "B",
        (USER_PAGE & ~(GFP.DIRECT_RECLAIM | GFP.KSWAPD_RECLAIM)) | THISNODE | GFP.NORETRY | NOWARN, 0, "process 1",
    ),
    Asks(
        "demotion", "alloc_demote_folio: GFP_NOWAIT", "C", (USER_PAGE & ~GFP.DIRECT_RECLAIM) | THISNODE | NOWARN, 0,
        "process 1",
    ),
    Asks("driver", "the grant", "D", KERNEL | THISNODE, 0),
]  # fmt: skip


def test_every_caller_is_in_the_table() -> None:
    assert [row.caller for row in ASKS] == list(CALLERS)


@pytest.mark.parametrize("row", ASKS, ids=lambda row: row.caller)
def test_what_a_caller_asks_for(row: Asks) -> None:
    machine, _, _ = _boot("none", None)
    outcome = CALLERS[row.caller](machine)
    requests = [met.what.walk.request for met in outcome]
    assert "".join(request.preferred.name for request in requests) == row.near
    for met, request in zip(outcome, requests, strict=True):
        assert (request.gfp, request.order, request.owner) == (row.gfp, row.order, row.owner or row.caller), request.gfp
        assert (request.nodemask, request.mems, met.kind) == (None, None, "got")


def test_a_slab_is_asked_for_again_where_the_node_gives_none() -> None:
    machine, _, _ = _boot("private-flag", None)
    asked = [(met.kind, met.what.walk.request.gfp) for met in CALLERS["hotplug: slab"](machine)]
    assert asked == [("tried", NEW_SLAB), ("got", KERNEL)] * 2
    machine = Machine.example("private-flag")
    fill_dram(machine)
    outcome = CALLERS["hotplug: slab"](machine)
    assert [met.kind for met in outcome] == ["tried", "refused"] * 2
    assert (len(outcome.refused), outcome.got) == (2, [])


def test_an_outcome_tells_what_was_got_from_what_was_refused() -> None:
    machine, _, _ = _boot("private-flag", None)
    outcome = CALLERS["for_each_node THISNODE"](machine)
    assert [each.node.name for each in outcome.got] == ["A", "B"]
    assert [each.walk.request.preferred.name for each in outcome.refused] == ["C", "D"]
    assert Outcome().got == Outcome().refused == []


def test_dram_is_filled_down_to_the_reserves() -> None:
    machine = Machine.example("fallback-lists")
    fill_dram(machine, "me")
    found = {name: node.free_frames - node.min_watermark for name, node in machine.nodes.items() if not node.private}
    assert found == {"A": 0, "B": 0}
    assert machine.owners()["C"] == {}
    assert set(machine.owners()["A"]) == {"me"}


# -- services: which nodes and pages they look at --------------------------------------------------------------------


def nodes_of(outcome: Outcome) -> str:
    return "".join(each.node.name for each in outcome.got)


def small_machine(rule: str = "none") -> Machine:
    specs = [NodeSpec(name, 1024 * PAGE_SIZE, min_frames=0) for name in "AB"]
    return Machine([*specs, NodeSpec("C", 1024 * PAGE_SIZE, private=True, cpus=False, min_frames=0)], rule)


def test_khugepaged_goes_where_most_pages_are_and_ksm_needs_one() -> None:
    machine = small_machine()
    assert (CALLERS["khugepaged"](machine), CALLERS["KSM"](machine)) == ([], [])
    touched(machine.spawn(machine.node(A)), 2)
    touched(machine.spawn(machine.node(B)), 3)
    assert nodes_of(CALLERS["khugepaged"](machine)) == "B"
    assert nodes_of(CALLERS["KSM"](machine)) == "A", "it copies near the CPU"


def test_services_move_the_coldest_page_that_is_not_pinned() -> None:
    machine = small_machine()
    process = machine.spawn(machine.node(A))
    address = touched(process, 3)
    assert process.pin_longterm(address)
    assert nodes_of(CALLERS["NUMA balancing"](machine)) == "B", "to the last node with a CPU"
    assert process.move_pages([address + page * PAGE_SIZE for page in range(3)], None) == [A, B, A]
    assert nodes_of(CALLERS["demotion"](machine)) == "C", "from the first node with a CPU to one without"
    assert process.move_pages([address + page * PAGE_SIZE for page in range(3)], None) == [A, B, C]
    assert nodes_of(CALLERS["compaction"](machine)) == "BC", "within each node: the page of A is pinned"
    machine.check()


def test_demotion_has_no_target_where_every_node_has_cpus() -> None:
    machine = ordinary()
    touched(machine.spawn(machine.node(A)), 1)
    assert CALLERS["demotion"](machine) == []


def test_a_service_is_refused_where_the_target_is_full() -> None:
    machine = small_machine()
    touched(machine.spawn(machine.node(A)), 1)
    while machine.node(B).owned_by("filler").take() is not None:
        pass
    outcome = CALLERS["NUMA balancing"](machine)
    assert ([met.kind for met in outcome], nodes_of(outcome)) == (["refused"], "")
    assert len(machine.lruvec(machine.node(A))) == 1, "the page stays"


@pytest.mark.parametrize("rule", ["private-flag", "private-zonelist"])
def test_a_service_opens_the_node_that_opted_into_it(rule: str) -> None:
    machine = small_machine(rule)
    touched(machine.spawn(machine.node(A)), 1)
    assert CALLERS["demotion"](machine) == []
    machine.opt_in(machine.node(C), Cap.DEMOTION)
    machine.node(C).granted.add("process 1")
    assert nodes_of(CALLERS["demotion"](machine)) == "C"
    assert CALLERS["compaction"](machine) == []
    machine.opt_in(machine.node(C), Cap.COMPACTION)
    assert nodes_of(CALLERS["compaction"](machine)) == "C"
    machine.opt_in(machine.node(C), Cap.NUMA_BALANCING)
    assert nodes_of(CALLERS["NUMA balancing"](machine)) == "B"


# -- cells and verdicts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "caller", "expected"),
    [
        ("private-flag", "swap backend", ("granted", "C", None, 1)),
        ("private-flag", "driver", ("granted", "D", None, 1)),
        ("private-flag", "hugetlb", ("refused", None, "ENOMEM", 0)),
        ("private-flag", "slab", ("fell-back", "A,B", None, 0)),
        ("private-flag", "page cache", ("hidden", None, None, 0)),
        ("private-flag", "demotion", ("hidden", None, None, 0)),
        ("fallback-lists", "hugetlb", ("leaked", "C,D", None, 1024)),
        ("fallback-lists", "slab", ("leaked", "C,D", None, 2)),
        ("fallback-lists", "hotplug: sparse", ("leaked", "C,D", None, 16)),
        ("this-node", "for_each_node, may fall back", ("fell-back", "A,B", None, 0)),
        ("none", "page cache, DRAM full", ("leaked", "C", None, 1)),
    ],
)  # fmt: skip
def test_the_cell_of_a_caller(rule: str, caller: str, expected: tuple) -> None:
    cell = audit_caller(rule, caller)
    assert (cell.outcome, cell.node, cell.errno, cell.frames) == expected
    assert (cell.caller, cell.surface, cell.row) == (caller, CALLERS[caller].surface, caller)


@pytest.mark.parametrize(
    ("rule", "interface", "surface", "expected"),
    [
        ("private-flag", None, "mbind, bind {C} static, C opted in", ("granted", "C", None, 4)),
        ("private-flag", None, "mbind, bind {A,C}", ("revealed", None, "EINVAL", 0)),
        ("private-flag", None, "mbind, bind {C}", ("refused", None, "EINVAL", 0)),
        ("private-flag", None, "anonymous fault, DRAM full", ("hidden", None, None, 0)),
        ("private-flag", None, "a driver's /dev file", ("granted", "D", None, 1)),
        ("fallback-lists", "none", "mbind, bind {A,C}", ("hidden", None, None, 0)),
        ("fallback-lists", None, "migrate_pages, A to C", ("refused", None, "EINVAL", 0)),
        ("none", None, "mbind, bind {C}", ("leaked", "C", None, 4)),
        ("none", None, "mbind, bind {C}, move", ("leaked", "C", None, 4)),
        ("none", None, "cpuset.mems, {C}", ("leaked", "C", None, 4)),
    ],
)  # fmt: skip
def test_the_cell_of_a_surface(rule: str, interface: str | None, surface: str, expected: tuple) -> None:
    cell = audit_surface(rule, surface, interface)
    assert (cell.outcome, cell.node, cell.errno, cell.frames) == expected
    assert (cell.caller, cell.surface, cell.row) == (PROCESS, surface, surface)


@pytest.mark.parametrize(
    ("rule", "caller", "source"),
    [
        ("fallback-lists", "khugepaged", "baseline"),
        ("fallback-lists", "slab", "thread on RFC v4, 2026-06-03"),
        ("private-flag", "khugepaged", "RFC v4, 2026-02-22"),
        ("private-flag", "slab", "RFC v4, 2026-02-22"),
        ("none", "demotion", "baseline"),
    ],
)
def test_what_the_cell_of_a_caller_rests_on(rule: str, caller: str, source: str) -> None:
    """Only v4 and v5 speak of the kernel's services by name."""
    assert audit_caller(rule, caller).rests_on == source


def test_what_a_verdict_sums_up() -> None:
    def cell(caller: str, outcome: str, surface: str = "") -> Cell:
        return Cell("this-node", caller, surface, outcome, "C", None, 1, "")

    (verdict,) = verdicts(
        [
            cell("hugetlb", "leaked"), cell("slab", "refused"), cell("page cache, DRAM full", "refused"),
            cell("shrinker info", "fell-back"), cell("driver", "granted"),
            cell(PROCESS, "leaked", "a"), cell(PROCESS, "granted", "b"), cell(PROCESS, "revealed", "c"),
            cell(PROCESS, "refused", "d"), cell(PROCESS, "hidden", "e"),
        ]
    )  # fmt: skip
    assert (verdict.leaks, verdict.broken) == (["hugetlb", "a"], ["slab"])
    assert (verdict.reached, verdict.revealed) == (["a", "b"], ["c"])
    assert verdict.sites == {"for_each_online_node": 67, "GFP_THISNODE": 58}
    assert (verdict.isolation, verdict.guarantee, verdict.rests_on) == ("this-node", "soft", "RFC v3, 2026-01-08")


def test_which_proposal_each_rule_and_guarantee_comes_from() -> None:
    assert {name: (rule.guarantee, rule.interface, str(rule.source)) for name, rule in RULES.items()} == {
        "none": ("none", "none", "baseline"),
        "this-node": ("soft", "none", "RFC v3, 2026-01-08"),
        "private-flag": ("hard", "v4", "RFC v4, 2026-02-22"),
        "fallback-lists": ("soft", "none", "thread on RFC v4, 2026-06-03"),
        "private-zonelist": ("hard", "v5", "v5, 2026-07-20"),
    }


def test_grants_are_given_by_the_rule_alone() -> None:
    machine = Machine.example("private-flag")
    node = machine.nodes["D"]
    assert node.granted == set()
    machine.grant(node, "me").take()
    assert (node.granted, machine.leaks()) == ({"me"}, {})
    node.owned_by("you").take()
    node.owned_by("you").take()
    assert machine.leaks() == {"D": {"you": 2}}
    assert machine.node(D).free_frames == node.frames - 3
