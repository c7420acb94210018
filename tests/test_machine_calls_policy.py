"""Make mbind, get_mempolicy and set_mempolicy_home_node in every form, in the order of their checks.

A table is named after the kernel function that it is read from; Linux 6.18 if nothing else is said. Where the model
differs on purpose, a row says so.
"""

import pytest

from tests.machine_world import (
    NOWHERE,
    TO_B,
    A,
    B,
    C,
    Row,
    World,
    check,
    mask,
    mbind,
    policy_at,
    row_name,
    where,
)
from zswapsim.machine import GetFlag, Mode, ModeFlag, MoveFlag
from zswapsim.machine.nodes import PAGE_SIZE

PAGE = PAGE_SIZE
STRICT, MOVE, MOVE_ALL = MoveFlag.STRICT, MoveFlag.MOVE, MoveFlag.MOVE_ALL
STATIC, RELATIVE, BALANCING = ModeFlag.STATIC_NODES, ModeFlag.RELATIVE_NODES, ModeFlag.NUMA_BALANCING
BIND, MANY, LOCAL, INTERLEAVE = Mode.BIND, Mode.PREFERRED_MANY, Mode.LOCAL, Mode.INTERLEAVE
NODE, ADDR, MEMS_ALLOWED = GetFlag.NODE, GetFlag.ADDR, GetFlag.MEMS_ALLOWED
NONE = (Mode.DEFAULT, mask())


KERNEL_MBIND = [
    # sanitize_mpol_flags comes first, then get_nodes, then the flags and rights, then the address.
    Row("mode before rights", lambda w: mbind(w, w.page, 1, 9, mask(B), 0, MOVE_ALL), "EINVAL"),
    Row(
        "mode flags before rights", lambda w: mbind(w, w.page, 1, BIND, mask(B), STATIC | RELATIVE, MOVE_ALL), "EINVAL"
    ),
    Row("balancing before rights", lambda w: mbind(w, w.page, 1, INTERLEAVE, mask(B), BALANCING, MOVE_ALL), "EINVAL"),
    Row("node number before rights", lambda w: mbind(w, w.page, 1, BIND, mask(1024), 0, MOVE_ALL), "EINVAL"),
    Row("unknown flag before rights", lambda w: mbind(w, w.page, 1, *TO_B, 0, MOVE_ALL | 8), "EINVAL"),
    Row("rights before address", lambda w: mbind(w, w.page + 1, 1, *TO_B, 0, MOVE_ALL), "EPERM"),
    Row("rights before mask", lambda w: mbind(w, w.page, 1, BIND, mask(), 0, MOVE_ALL), "EPERM"),
    Row("address", lambda w: mbind(w, w.page + 1), "EINVAL"),
    Row("end below start", lambda w: mbind(w, (1 << 64) - PAGE, 1), "EINVAL"),
    Row("an empty range before mask", lambda w: mbind(w, w.page, 0, BIND, mask()), None, policy_at("page"), NONE),
    Row("an empty range before nodes", lambda w: mbind(w, w.hole, 0, BIND, mask(NOWHERE)), None),
    Row("a byte is a page", lambda w: w.process.mbind(w.page, 1, *TO_B), None, policy_at("page"), (BIND, mask(B))),
    Row("mask before hole", lambda w: mbind(w, w.hole, 1, BIND, mask()), "EINVAL"),
    Row("nodes before hole", lambda w: mbind(w, w.hole, 1, BIND, mask(NOWHERE)), "EINVAL"),
    Row("local with nodes", lambda w: mbind(w, w.page, 1, LOCAL, mask(B)), "EINVAL"),
    Row("local, static", lambda w: mbind(w, w.page, 1, LOCAL, mask(), STATIC), "EINVAL"),
    Row(
        "many, balancing",
        lambda w: mbind(w, w.page, 1, MANY, mask(B), BALANCING),
        None,
        policy_at("page"),
        (MANY | BALANCING, mask(B)),
    ),
    Row("the model takes no unknown mode flag for a mode", lambda w: mbind(w, w.page, 1, BIND, mask(B), 1), "EINVAL"),
]

QUEUE_PAGES_RANGE = [
    Row("hole", lambda w: mbind(w, w.hole), "EFAULT"),
    Row("beyond all addresses", lambda w: mbind(w, w.beyond), "EFAULT"),
    Row("hole at the end", lambda w: mbind(w, w.page, 2), "EFAULT", policy_at("page"), NONE),
    Row("hole at the start", lambda w: mbind(w, w.three - PAGE, 2), "EFAULT", policy_at("three"), NONE),
    Row("hole in the middle", lambda w: mbind(w, w.page, 3), "EFAULT", policy_at("three"), NONE),
    Row("default over a hole", lambda w: mbind(w, w.page, 3, Mode.DEFAULT), None),
    Row("default over nothing", lambda w: mbind(w, w.hole, 1, Mode.DEFAULT), "EFAULT"),
    Row("hole before a misplaced page", lambda w: mbind(w, w.page, 2, *TO_B, 0, STRICT), "EFAULT"),
    Row("strict", lambda w: mbind(w, w.page, 1, *TO_B, 0, STRICT), "EIO", policy_at("page"), NONE),
    Row(
        "strict, in place",
        lambda w: mbind(w, w.page, 1, BIND, mask(A), 0, STRICT),
        None,
        policy_at("page"),
        (BIND, mask(A)),
    ),
    Row("strict, in place by the second node", lambda w: mbind(w, w.page, 1, BIND, mask(A, B), 0, STRICT), None),
    Row("strict, local is no mask", lambda w: mbind(w, w.page, 1, LOCAL, mask(), 0, STRICT), "EIO"),
    Row("strict, prefer nothing is local", lambda w: mbind(w, w.page, 1, Mode.PREFERRED, mask(), 0, STRICT), "EIO"),
    Row("strict, default", lambda w: mbind(w, w.page, 1, Mode.DEFAULT, mask(), 0, STRICT), None),
    Row(
        "strict, relative: the caller's own numbers",
        lambda w: mbind(w, w.page, 1, BIND, mask(3), RELATIVE, STRICT),
        "EIO",
    ),
    Row("strict, nothing present", lambda w: mbind(w, w.empty, 1, *TO_B, 0, STRICT), None),
    Row("strict, zero page", lambda w: mbind(w, w.zero, 1, *TO_B, 0, STRICT), None),
    Row("strict, swapped", lambda w: mbind(w, w.swapped, 1, *TO_B, 0, STRICT), None),
    Row("strict, a driver's frame", lambda w: mbind(w, w.driver, 1, *TO_B, 0, STRICT), None),
    Row("strict, shared", lambda w: mbind(w, w.shared, 1, *TO_B, 0, STRICT), "EIO"),
    Row("no flags: pages stay", lambda w: mbind(w, w.page), None, where("page"), [A]),
    Row("a part", lambda w: mbind(w, w.three + PAGE, 1, *TO_B, 0, MOVE), None, where("three", 3), [A, B, A]),
    Row(
        "a part cuts",
        lambda w: mbind(w, w.three + PAGE),
        None,
        lambda w: w.policies()[1:4],
        ["default", "bind:1", "default"],
    ),
]

DO_MBIND_MOVES = [
    Row("move", lambda w: mbind(w, w.page, 1, *TO_B, 0, MOVE), None, where("page"), [B]),
    Row("move all", lambda w: mbind(w.privileged(), w.page, 1, *TO_B, 0, MOVE_ALL), None, where("page"), [B]),
    Row(
        "a shared page stays, which is no failure",
        lambda w: mbind(w, w.shared, 1, *TO_B, 0, MOVE | STRICT),
        None,
        where("shared"),
        [A],
    ),
    Row(
        "a shared page, all",
        lambda w: mbind(w.privileged(), w.shared, 1, *TO_B, 0, MOVE_ALL),
        None,
        where("shared"),
        [B],
    ),
    Row("pinned", lambda w: mbind(w, w.pinned, 1, *TO_B, 0, MOVE), None, where("pinned"), [A]),
    Row(
        "pinned, strict",
        lambda w: mbind(w, w.pinned, 1, *TO_B, 0, MOVE | STRICT),
        "EIO",
        policy_at("pinned"),
        (BIND, mask(B)),
    ),
    Row("full", lambda w: mbind(w.full(B), w.page, 1, *TO_B, 0, MOVE), None, where("page"), [A]),
    Row(
        "full, strict",
        lambda w: mbind(w.full(B), w.page, 1, *TO_B, 0, MOVE | STRICT),
        "EIO",
        policy_at("page"),
        (BIND, mask(B)),
    ),
    Row("in place", lambda w: mbind(w, w.page, 1, BIND, mask(A, B), 0, MOVE), None, where("page"), [A]),
    Row(
        "interleaved, each by its address",
        lambda w: mbind(w, w.three, 3, INTERLEAVE, mask(B, C), 0, MOVE),
        None,
        lambda w: [node - B for node in w.where(w.three, 3)],
        [(World().three // PAGE + page) % 2 for page in range(3)],
    ),
    Row(
        "local moves home",
        lambda w: mbind(w.process.mbind(w.page, PAGE, *TO_B, 0, MOVE) or w, w.page, 1, LOCAL, mask(), 0, MOVE),
        None,
        where("page"),
        [A],
    ),
    Row(
        "default moves to where the task would",
        lambda w: mbind(w.process.set_mempolicy(*TO_B) or w, w.page, 1, Mode.DEFAULT, mask(), 0, MOVE),
        None,
        where("page"),
        [B],
    ),
    Row(
        "moved pages are put back if a hole follows",
        lambda w: mbind(w, w.three, 4, *TO_B, 0, MOVE),
        "EFAULT",
        where("three", 3),
        [A, A, A],
    ),
]

DO_GET_MEMPOLICY = [
    Row("unknown flag", lambda w: w.process.get_mempolicy(0, 8), "EINVAL"),
    Row("the task's", lambda w: w.process.set_mempolicy(*TO_B) or w.process.get_mempolicy(), (BIND, mask(B))),
    Row("an address without its flag", lambda w: w.process.get_mempolicy(w.page), "EINVAL"),
    Row("allowed nodes", lambda w: w.confined(B, C).process.get_mempolicy(0, MEMS_ALLOWED), (0, mask(B, C))),
    Row(
        "allowed nodes, whatever the address",
        lambda w: w.process.get_mempolicy(w.hole, MEMS_ALLOWED),
        (0, mask(A, B, C)),
    ),
    Row("allowed nodes and node", lambda w: w.process.get_mempolicy(0, MEMS_ALLOWED | NODE), "EINVAL"),
    Row("allowed nodes and address", lambda w: w.process.get_mempolicy(w.page, MEMS_ALLOWED | ADDR), "EINVAL"),
    Row("hole", lambda w: w.process.get_mempolicy(w.hole, ADDR), "EFAULT"),
    Row("a mapping's", lambda w: mbind(w, w.page) or w.process.get_mempolicy(w.page + 9, ADDR), (BIND, mask(B))),
    Row(
        "a mapping without one does not fall back to the task's",
        lambda w: w.process.set_mempolicy(*TO_B) or w.process.get_mempolicy(w.page, ADDR),
        NONE,
    ),
    Row(
        "node of a page, and the mapping's mask",
        lambda w: mbind(w, w.page, 1, INTERLEAVE, mask(B, C)) or w.process.get_mempolicy(w.page, ADDR | NODE),
        (A, mask(B, C)),
    ),
    Row(
        "node of a page that is read in",
        lambda w: mbind(w, w.swapped, 1, BIND, mask(C)) or w.process.get_mempolicy(w.swapped, ADDR | NODE),
        (C, mask(C)),
    ),
    Row(
        "node of the zero page: the first",
        lambda w: mbind(w, w.empty, 1, BIND, mask(C)) or w.process.get_mempolicy(w.empty, ADDR | NODE),
        (A, mask(C)),
    ),
    Row("node of a driver's frame", lambda w: w.process.get_mempolicy(w.driver, ADDR | NODE), "EFAULT"),
    Row("node of a hole", lambda w: w.process.get_mempolicy(w.hole, ADDR | NODE), "EFAULT"),
    Row("next node without a policy", lambda w: w.process.get_mempolicy(0, NODE), "EINVAL"),
    Row(
        "next node of another policy",
        lambda w: w.process.set_mempolicy(*TO_B) or w.process.get_mempolicy(0, NODE),
        "EINVAL",
    ),
    Row(
        "next node",
        lambda w: w.process.set_mempolicy(INTERLEAVE, mask(B, C)) or w.process.get_mempolicy(0, NODE),
        (B, mask(B, C)),
    ),
]

SET_MEMPOLICY_HOME_NODE = [
    Row("address", lambda w: w.process.set_mempolicy_home_node(w.page + 1, PAGE, B), "EINVAL"),
    Row("flags", lambda w: w.process.set_mempolicy_home_node(w.page, PAGE, B, 1), "EINVAL"),
    Row("node", lambda w: w.process.set_mempolicy_home_node(w.page, 0, NOWHERE), "EINVAL"),
    Row("an empty range", lambda w: w.process.set_mempolicy_home_node(w.hole, 0, B), None),
    Row(
        "no policy",
        lambda w: w.process.set_mempolicy_home_node(w.page, PAGE, B),
        "ENOENT",
        lambda w: len(w.policies()),
        8,
    ),
    Row("nothing mapped", lambda w: w.process.set_mempolicy_home_node(w.hole, PAGE, B), "ENOENT"),
    Row("beyond all addresses", lambda w: w.process.set_mempolicy_home_node(w.beyond, PAGE, B), "ENOENT"),
    Row(
        "a policy without one is passed over, uncut",
        lambda w: mbind(w, w.three) or w.process.set_mempolicy_home_node(w.page, 4 * PAGE, C),
        None,
        lambda w: (w.policies()[:3], w.process.task.mm.vma_of(w.three // PAGE).policy.home),
        (["default", "bind:1", "default"], C),
    ),
    *(
        Row(
            f"mode {mode.name}",
            lambda w, mode=mode: (
                mbind(w, w.page, 1, mode, mask(B)) or w.process.set_mempolicy_home_node(w.page, PAGE, B)
            ),
            answer,
        )
        for mode, answer in {
            Mode.PREFERRED: "ENOTSUP",
            BIND: None,
            INTERLEAVE: "ENOTSUP",
            MANY: None,
            Mode.WEIGHTED_INTERLEAVE: "ENOTSUP",
        }.items()
    ),
    Row(
        "those before a wrong one keep it",
        lambda w: (
            mbind(w, w.three),
            mbind(w, w.three + PAGE, 1, INTERLEAVE, mask(B)),
            w.process.set_mempolicy_home_node(w.three, 3 * PAGE, C),
        ),
        "ENOTSUP",
        lambda w: w.process.task.mm.vma_of(w.three // PAGE).policy.home,
        C,
    ),
    Row(
        "allocations prefer it",
        lambda w: (
            mbind(w, w.empty, 1, BIND, mask(A, B, C)),
            w.process.set_mempolicy_home_node(w.empty, PAGE, C),
            w.process.touch(w.empty),
        ),
        (None,) * 3,
        where("empty"),
        [C],
    ),
]


TABLES = {
    "kernel_mbind, do_mbind": KERNEL_MBIND,
    "queue_pages_range": QUEUE_PAGES_RANGE,
    "do_mbind, migrate_folio_add": DO_MBIND_MOVES,
    "do_get_mempolicy": DO_GET_MEMPOLICY,
    "set_mempolicy_home_node": SET_MEMPOLICY_HOME_NODE,
}


@pytest.mark.parametrize(
    ("function", "row"), [(name, row) for name, rows in TABLES.items() for row in rows], ids=row_name
)
def test_a_policy_call_answers_as_the_kernel_does(function: str, row: Row) -> None:
    check(row)
