"""Audit the machine: no cell is empty, and the leaks are those that the proposals and their thread name."""

import pytest

from zswapsim.machine.audit import OUTCOMES, Cell, audit, run_caller, verdicts
from zswapsim.machine.audit.callers import CALLERS
from zswapsim.machine.audit.surfaces import PROBES
from zswapsim.machine.isolation import RULES
from zswapsim.report.audit import audit_text, cell_text

THE_THREAD_NAMES = {
    "for_each_node THISNODE",
    "for_each_node, may fall back",
    "for_each_online_node THISNODE",
    "for_each_online_node, may fall back",
    "shrinker info",
    "workqueue counts",
    "hotplug: sparse",
    "hotplug: slab",
    "slab",
    "hugetlb",
    "powerpc memtrace",
}
"""Existing callers that walk global masks, target a node and fall back, or pass THISNODE themselves."""


@pytest.fixture(scope="module")
def cells() -> dict[tuple[str, str], Cell]:
    return {(cell.isolation, cell.row): cell for cell in audit()}


def test_no_cell_is_empty(cells: dict[tuple[str, str], Cell]) -> None:
    assert set(cells) == {(rule, row) for rule in RULES for row in (*CALLERS, *PROBES)}
    for cell in cells.values():
        assert cell.outcome in OUTCOMES
        assert cell.rests_on
        assert cell_text(cell)
        assert (cell.outcome in ("granted", "leaked")) == (cell.frames > 0)
        assert (cell.outcome in ("granted", "leaked", "fell-back")) == (cell.node is not None)
        assert cell.outcome != "refused" or cell.errno


def test_leaks_under_fallback_lists_are_those_that_the_thread_names(cells: dict[tuple[str, str], Cell]) -> None:
    leaked = {row for (rule, row), cell in cells.items() if rule == "fallback-lists" and cell.outcome == "leaked"}
    assert leaked == THE_THREAD_NAMES


def test_the_hard_rules_do_not_leak(cells: dict[tuple[str, str], Cell]) -> None:
    for (rule, row), cell in cells.items():
        assert cell.outcome != "leaked" or RULES[rule].guarantee != "hard", row


def test_leaks_under_this_node_are_those_that_say_thisnode(cells: dict[tuple[str, str], Cell]) -> None:
    leaked = {row for (rule, row), cell in cells.items() if rule == "this-node" and cell.outcome == "leaked"}
    assert leaked == THE_THREAD_NAMES - {
        "for_each_node, may fall back",
        "for_each_online_node, may fall back",
        "hotplug: sparse",
    }


@pytest.mark.parametrize(
    ("row", "v4", "v5"),
    [
        ("mbind, bind {C}", "refused EINVAL", "refused EINVAL"),
        ("mbind, bind {A,C}", "revealed EINVAL", "revealed EINVAL"),
        ("mbind, bind {C} static, C opted in", "granted C", "granted C"),
        ("set_mempolicy, bind {C}", "refused EINVAL", "refused EINVAL"),
        ("set_mempolicy, bind {C}, C opted in", "granted C", "granted C"),
        ("move_pages, to C", "refused ENODEV", "refused ENODEV"),
        ("migrate_pages, A to C", "revealed ENODEV", "revealed ENODEV"),
        ("migrate_pages, C to A", "revealed ENOENT", "revealed ENOENT"),
        ("cpuset.mems, {C}", "refused EINVAL", "refused EINVAL"),
        ("cpuset.mems.effective", "revealed", "hidden"),
        ("sysfs, has_private_memory", "revealed", "revealed"),
        ("sysfs, has_memory", "hidden", "hidden"),
        ("sysfs, has_memory, C opted in", "revealed", "hidden"),
        ("numa_maps, a page on C", "hidden", "revealed"),
        ("demotion", "hidden", "hidden"),
        ("NUMA balancing", "hidden", "hidden"),
        ("compaction", "hidden", "hidden"),
        ("KSM", "hidden", "hidden"),
        ("khugepaged", "hidden", "hidden"),
    ],
)
def test_what_the_tables_of_v4_and_v5_say(cells: dict[tuple[str, str], Cell], row: str, v4: str, v5: str) -> None:
    assert cell_text(cells["private-flag", row]) == v4
    assert cells["private-flag", row].rests_on == "RFC v4, 2026-02-22"
    assert cell_text(cells["private-zonelist", row]) == v5
    assert cells["private-zonelist", row].rests_on == "v5, 2026-07-20"


@pytest.mark.parametrize("rule", ["this-node", "fallback-lists"])
def test_where_nothing_was_proposed_the_baseline_holds(cells: dict[tuple[str, str], Cell], rule: str) -> None:
    for name in PROBES:
        if name != "a driver's /dev file":
            assert cells[rule, name].rests_on == "baseline"
            assert cells[rule, name].outcome in ("hidden", "refused"), name


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "none"])
def test_without_an_interface_nothing_reaches_or_reveals_the_node(rule: str) -> None:
    cells = [cell for cell in audit([rule], "none") if cell.caller == "process" and "driver" not in cell.surface]
    assert {cell.outcome for cell in cells} == {"hidden", "refused"}


def test_verdicts() -> None:
    found = {verdict.isolation: verdict for verdict in verdicts(audit())}
    assert found["private-flag"].broken == [
        "for_each_node THISNODE",
        "for_each_online_node THISNODE",
        "hugetlb",
        "powerpc memtrace",
    ]
    assert found["private-zonelist"].broken == found["private-flag"].broken
    assert found["fallback-lists"].broken == []
    assert found["fallback-lists"].sites == {
        "for_each_node": 346,
        "for_each_online_node": 67,
        "GFP_THISNODE": 58,
        "node_possible_map": 25,
        "node_online_map": 21,
    }
    assert found["private-flag"].sites == {}
    assert found["none"].guarantee == "none"


def test_a_callers_walks_tell_why() -> None:
    _, outcome = run_caller("private-flag", "slab")
    assert any("GFP_NOWAIT|__GFP_THISNODE" in str(met.what.walk) for met in outcome if met.kind == "tried")
    assert any("C: passed over: private, and no __GFP_PRIVATE" in str(each.walk) for each in outcome.got)
    _, outcome = run_caller("private-zonelist", "hugetlb")
    assert any("the list is empty" in str(each.walk) for each in outcome.refused)


def test_the_text_fits_a_terminal(cells: dict[tuple[str, str], Cell]) -> None:
    found = list(cells.values())
    text = audit_text(found, verdicts(found), 100, colour=False)
    assert max(map(len, text.splitlines())) <= 100
