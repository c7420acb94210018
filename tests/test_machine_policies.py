"""Test mbind, set_mempolicy and get_mempolicy on an ordinary machine."""

import errno

import pytest

from tests.machine_samples import STATIC, A, B, fails, nodes, ordinary, touched, where
from zswapsim.machine import GetFlag, Mode, ModeFlag, MoveFlag
from zswapsim.machine.nodes import PAGE_SIZE


@pytest.mark.parametrize(
    ("mode", "mask", "expected"),
    [
        (Mode.DEFAULT, nodes(), [A, A, A, A]),
        (Mode.LOCAL, nodes(), [A, A, A, A]),
        (Mode.PREFERRED, nodes(B), [B, B, B, B]),
        (Mode.BIND, nodes(B), [B, B, B, B]),
        (Mode.BIND, nodes(A, B), [A, A, A, A]),
        (Mode.INTERLEAVE, nodes(A, B), [A, B, A, B]),
        (Mode.PREFERRED_MANY, nodes(B), [B, B, B, B]),
    ],
)
def test_where_a_policy_puts_pages(mode: Mode, mask: frozenset[int], expected: list[int]) -> None:
    machine = ordinary()
    by_vma, by_task = machine.spawn(machine.node(A)), machine.spawn(machine.node(A))
    address = by_vma.mmap(4 * PAGE_SIZE)
    by_vma.mbind(address, 4 * PAGE_SIZE, mode, mask)
    by_task.set_mempolicy(mode, mask)
    for page in range(4):
        by_vma.touch(address + page * PAGE_SIZE)
    assert where(by_vma, address) == expected
    assert where(by_task, touched(by_task)) == expected
    machine.check()


def test_weighted_interleave() -> None:
    machine = ordinary()
    machine.weights.update({A: 3, B: 1})
    process = machine.spawn(machine.node(A))
    process.set_mempolicy(Mode.WEIGHTED_INTERLEAVE, nodes(A, B))
    assert where(process, touched(process, 8), 8) == [A, A, A, B, A, A, A, B]


@pytest.mark.parametrize(
    ("mode", "mask", "flags"),
    [
        (7, nodes(A), 0),
        (-1, nodes(A), 0),
        (Mode.BIND, nodes(), 0),
        (Mode.DEFAULT, nodes(A), 0),
        (Mode.LOCAL, nodes(A), 0),
        (Mode.PREFERRED, nodes(), STATIC),
        (Mode.BIND, nodes(A), STATIC | ModeFlag.RELATIVE_NODES),
        (Mode.INTERLEAVE, nodes(A), ModeFlag.NUMA_BALANCING),
        (Mode.BIND, nodes(5), 0),
        (Mode.BIND, nodes(A), 1),
    ],
)
def test_policies_that_are_refused(mode: int, mask: frozenset[int], flags: int) -> None:
    process = (machine := ordinary()).spawn(machine.node(A))
    fails(errno.EINVAL, process.set_mempolicy, mode, mask, flags)
    fails(errno.EINVAL, process.mbind, process.mmap(PAGE_SIZE), PAGE_SIZE, mode, mask, flags)


def test_nodes_without_memory_are_dropped_from_a_mask() -> None:
    process = (machine := ordinary()).spawn(machine.node(A))
    process.set_mempolicy(Mode.BIND, nodes(B, 9))
    assert process.get_mempolicy() == (Mode.BIND, nodes(B))
    process.set_mempolicy(Mode.BIND, nodes(B, 9), STATIC)
    assert process.get_mempolicy() == (Mode.BIND | STATIC, nodes(B, 9)), "static keeps what was asked"


def test_mbind_errors() -> None:
    process = (machine := ordinary()).spawn(machine.node(A))
    address = touched(process)
    bind = (Mode.BIND, nodes(B), 0)
    fails(errno.EINVAL, process.mbind, address + 1, PAGE_SIZE, *bind)
    fails(errno.EFAULT, process.mbind, address, 6 * PAGE_SIZE, *bind)
    fails(errno.EINVAL, process.mbind, address, PAGE_SIZE, *bind, 8)
    fails(errno.EPERM, process.mbind, address, PAGE_SIZE, *bind, MoveFlag.MOVE_ALL)
    fails(errno.EIO, process.mbind, address, PAGE_SIZE, *bind, MoveFlag.STRICT)
    assert process.get_mempolicy(address, GetFlag.ADDR) == (Mode.DEFAULT, nodes()), "nothing was set"


def test_a_policy_of_a_part_cuts_the_mapping() -> None:
    process = (machine := ordinary()).spawn(machine.node(A))
    address = process.mmap(4 * PAGE_SIZE)
    process.mbind(address + PAGE_SIZE, 2 * PAGE_SIZE, Mode.BIND, nodes(B))
    for page in range(4):
        process.touch(address + page * PAGE_SIZE)
    assert where(process, address) == [A, B, B, A]
    lines = process.numa_maps().splitlines()
    assert [line.split()[1] for line in lines] == ["default", "bind:1", "default"]
    assert "anon=2 N1=2" in lines[1]


def test_the_home_node() -> None:
    machine = ordinary()
    process = machine.spawn(machine.node(A))
    address = process.mmap(4 * PAGE_SIZE)
    fails(errno.ENOENT, process.set_mempolicy_home_node, address, 4 * PAGE_SIZE, B)
    process.mbind(address, 4 * PAGE_SIZE, Mode.BIND, nodes(A, B))
    fails(errno.EINVAL, process.set_mempolicy_home_node, address, 4 * PAGE_SIZE, B, 1)
    fails(errno.EINVAL, process.set_mempolicy_home_node, address, 4 * PAGE_SIZE, 7)
    process.set_mempolicy_home_node(address, 4 * PAGE_SIZE, B)
    process.touch(address)
    assert where(process, address, 1) == [B]
    process.mbind(address, PAGE_SIZE, Mode.INTERLEAVE, nodes(A))
    fails(errno.EOPNOTSUPP, process.set_mempolicy_home_node, address, PAGE_SIZE, B)


def test_get_mempolicy() -> None:
    machine = ordinary()
    process = machine.spawn(machine.node(B))
    address = touched(process)
    assert process.get_mempolicy(flags=GetFlag.MEMS_ALLOWED) == (Mode.DEFAULT, nodes(A, B))
    assert process.get_mempolicy(address, GetFlag.ADDR | GetFlag.NODE) == (B, nodes())
    fails(errno.EINVAL, process.get_mempolicy, 0, GetFlag.NODE)
    fails(errno.EINVAL, process.get_mempolicy, address, 0)
    fails(errno.EINVAL, process.get_mempolicy, 0, GetFlag.MEMS_ALLOWED | GetFlag.NODE)
    fails(errno.EFAULT, process.get_mempolicy, 0, GetFlag.ADDR)
    process.set_mempolicy(Mode.INTERLEAVE, nodes(A, B))
    assert process.get_mempolicy(0, GetFlag.NODE) == (A, nodes(A, B)), "the mask is the policy's"
