"""Make move_pages, migrate_pages and writes of cpuset.mems in every form, in the order of their checks.

A table is named after the kernel function that it is read from; Linux 6.18 if nothing else is said. Where the model
differs on purpose, a row says so.
"""

import pytest

from tests.machine_world import (
    ACCES,
    BUSY,
    FAULT,
    NOENT,
    NOWHERE,
    A,
    B,
    C,
    Row,
    World,
    check,
    mask,
    migrate,
    moved,
    row_name,
    where,
)
from zswapsim.machine import MoveFlag
from zswapsim.machine.nodes import PAGE_SIZE

PAGE = PAGE_SIZE
STRICT, MOVE, MOVE_ALL = MoveFlag.STRICT, MoveFlag.MOVE, MoveFlag.MOVE_ALL


KERNEL_MOVE_PAGES = [
    Row("flags before rights", lambda w: moved(w, "page", [B], MOVE_ALL | STRICT), "EINVAL"),
    Row("rights before nodes", lambda w: moved(w, "page", [NOWHERE], MOVE_ALL), "EPERM"),
    Row("no flags at all", lambda w: moved(w, "page", [B], 0), [B]),
    Row(
        "where they are",
        lambda w: moved(w, "page shared pinned zero empty swapped hole driver end beyond", None),
        [A, A, A, FAULT, NOENT, NOENT, FAULT, NOENT, FAULT, FAULT],
    ),
    Row("where they are, without rights", lambda w: moved(w, "page", None, MOVE_ALL), "EPERM"),
    Row("no such node", lambda w: moved(w, "page", [NOWHERE]), "ENODEV"),
    Row("a negative node", lambda w: moved(w, "page", [-1]), "ENODEV"),
    Row("no such node before the cpuset", lambda w: moved(w.confined(A), "page", [NOWHERE]), "ENODEV"),
    Row("cpuset", lambda w: moved(w.confined(A), "page", [B]), "EACCES"),
    Row("cpuset, however privileged", lambda w: moved(w.privileged().confined(A), "page", [B], MOVE_ALL), "EACCES"),
    Row("a list of another length: the model only", lambda w: moved(w, "page", [B, B]), "EINVAL"),
]

ADD_FOLIO_FOR_MIGRATION = [
    Row("moved", lambda w: moved(w, "page", [B]), [B], where("page"), [B]),
    Row("there already", lambda w: moved(w, "page", [A]), [A]),
    Row("hole", lambda w: moved(w, "hole", [B]), [FAULT]),
    Row("a driver's frame", lambda w: moved(w, "driver", [B]), [FAULT]),
    Row("zero page", lambda w: moved(w, "zero", [B]), [FAULT]),
    Row("not present", lambda w: moved(w, "empty", [B]), [NOENT]),
    Row("swapped", lambda w: moved(w, "swapped", [B]), [NOENT]),
    Row("shared", lambda w: moved(w, "shared", [B]), [ACCES], where("shared"), [A]),
    Row("shared, there already", lambda w: moved(w, "shared", [A]), [A]),
    Row("shared, all", lambda w: moved(w.privileged(), "shared", [B], MOVE_ALL), [B], where("shared"), [B]),
    Row("shared before pinned", lambda w: w.process.pin_longterm(w.shared) and moved(w, "shared", [B]), [ACCES]),
    Row("isolated already", lambda w: moved(w, "page page", [B, B]), [B, BUSY], where("page"), [B]),
    Row("isolated, and another node in between", lambda w: moved(w, "page page page", [B, A, B]), [B, A, B]),
    Row(
        "pinned: the kernel returns 1 and reports nothing",
        lambda w: moved(w, "pinned", [B]),
        [BUSY],
        where("pinned"),
        [A],
    ),
    Row(
        "one of each",
        lambda w: moved(w, "page hole three zero shared pinned", [B] * 6),
        [B, FAULT, B, FAULT, ACCES, BUSY],
    ),
    Row(
        "those before a wrong node are moved",
        lambda w: moved(w, "page three", [B, NOWHERE]),
        "ENODEV",
        where("page"),
        [B],
    ),
    Row("full: those before are moved", lambda w: moved(w.full(C), "page three", [B, C]), "ENOMEM", where("page"), [B]),
    Row("full, and a wrong node", lambda w: moved(w.full(C), "page three", [C, NOWHERE]), "ENODEV", where("page"), [A]),
    Row("in the middle of a page", lambda w: w.process.move_pages([w.page + 9], [B]), [B]),
]

KERNEL_MIGRATE_PAGES = [
    Row("old numbers before rights", lambda w: migrate(w, mask(1024), mask(NOWHERE)), "EINVAL"),
    Row("new numbers before rights", lambda w: migrate(w, mask(A), mask(B, 1024)), "EINVAL"),
    Row("outside the cpuset", lambda w: migrate(w.confined(A, B), mask(A), mask(C)), "EPERM"),
    Row("a part outside the cpuset", lambda w: migrate(w.confined(A, B), mask(A), mask(B, C)), "EPERM"),
    Row(
        "a part outside, privileged",
        lambda w: migrate(w.privileged().confined(A, B), mask(A), mask(B, C)),
        1,
        where("page"),
        [B],
    ),
    Row("all outside, privileged", lambda w: migrate(w.privileged().confined(A, B), mask(A), mask(C)), "EINVAL"),
    Row("no targets", lambda w: migrate(w, mask(A), mask()), "EINVAL"),
    Row("no sources", lambda w: migrate(w, mask(), mask(B)), 0),
    Row(
        "moved; a shared page stays and does not count, a pinned one does",
        lambda w: migrate(w, mask(A), mask(B)),
        1,
        lambda w: moved(w, "page three shared pinned zero", None),
        [B, B, A, A, FAULT],
    ),
    Row("shared, privileged", lambda w: migrate(w.privileged(), mask(A), mask(B)), 1, where("shared"), [B]),
    Row("full", lambda w: migrate(w.full(B), mask(A), mask(B)), "ENOMEM", where("page"), [A]),
]


def spread(world: World) -> World:
    """Put the three pages of a mapping on A, B and C."""
    moved = world.process.move_pages([world.three + page * PAGE for page in range(3)], [A, B, C])
    assert moved == [A, B, C]
    return world


DO_MIGRATE_PAGES = [
    Row("n-th to n-th", lambda w: migrate(spread(w), mask(A, B), mask(B, C)), 1, where("three", 3), [B, C, C]),
    Row("to itself", lambda w: migrate(spread(w), mask(A, B, C), mask(A, B, C)), 0, where("three", 3), [A, B, C]),
    Row(
        "fewer targets: nodes in both stay",
        lambda w: migrate(spread(w), mask(A, B, C), mask(B, C)),
        1,
        where("three", 3),
        [B, B, C],
    ),
    Row(
        "fewer targets, round again",
        lambda w: migrate(spread(w), mask(A, B, C), mask(B)),
        1,
        where("three", 3),
        [B, B, B],
    ),
    Row(
        "more targets: nodes in both stay",
        lambda w: migrate(spread(w), mask(B, C), mask(A, B, C)),
        0,
        where("three", 3),
        [A, B, C],
    ),
    Row("more targets", lambda w: migrate(spread(w), mask(C), mask(A, B)), 0, where("three", 3), [A, B, A]),
    Row(
        "nodes that do not exist",
        lambda w: migrate(spread(w), mask(NOWHERE, C), mask(A, B)),
        0,
        where("three", 3),
        [A, B, A],
    ),
]


UPDATE_NODEMASK = [
    Row("the root's", lambda w: w.machine.root_cpuset.write_mems(mask(A)), "EACCES"),
    Row("a node that is not there", lambda w: w.group.write_mems(mask(A, NOWHERE)), "EINVAL"),
    Row(
        "members may lose their list: since Linux 7.0; before, ENOSPC",
        lambda w: w.confined(B).group.write_mems(mask()),
        None,
        lambda w: w.group.read("cpuset.mems.effective"),
        "0-2\n",
    ),
    Row(
        "as written",
        lambda w: w.group.write_mems(mask(A, C)),
        None,
        lambda w: (w.group.read("cpuset.mems"), w.group.read("cpuset.mems.effective")),
        ("0,2\n", "0,2\n"),
    ),
    Row(
        "nothing: the parent's",
        lambda w: w.group.write_mems(mask()),
        None,
        lambda w: (w.group.read("cpuset.mems"), w.group.read("cpuset.mems.effective")),
        ("\n", "0-2\n"),
    ),
    Row("pages stay: the kernel moves them, but later", lambda w: w.confined(B) and None, None, where("page"), [A]),
]


TABLES = {
    "kernel_move_pages, do_pages_move": KERNEL_MOVE_PAGES,
    "add_folio_for_migration": ADD_FOLIO_FOR_MIGRATION,
    "kernel_migrate_pages": KERNEL_MIGRATE_PAGES,
    "do_migrate_pages": DO_MIGRATE_PAGES,
    "update_nodemask": UPDATE_NODEMASK,
}


@pytest.mark.parametrize(
    ("function", "row"), [(name, row) for name, rows in TABLES.items() for row in rows], ids=row_name
)
def test_a_call_that_moves_pages_answers_as_the_kernel_does(function: str, row: Row) -> None:
    check(row)
