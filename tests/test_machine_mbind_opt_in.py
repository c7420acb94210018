"""Test the mbind that the thread of June 2026 asks for, and a driver's file."""

import errno

import pytest

from tests.machine_samples import STATIC, A, B, C, fails, nodes, touched, where, with_c
from zswapsim.machine import Advice, BusError, Cap, DeviceFile, File, Machine, Mode, MoveFlag, OomKilled
from zswapsim.machine.interface import MbindOptIn
from zswapsim.machine.nodes import PAGE_SIZE


@pytest.fixture(params=["this-node", "private-flag", "fallback-lists", "private-zonelist"])
def opted(request: pytest.FixtureRequest) -> Machine:
    machine = with_c(request.param, "mbind-opt-in", frames=8)
    machine.opt_in(machine.node(C), Cap.USER_NUMA)
    return machine


def test_mbind_opt_in_takes_one_form_only(opted: Machine) -> None:
    process = opted.spawn(opted.node(A))
    address = process.mmap(4 * PAGE_SIZE)
    whole = (address, 4 * PAGE_SIZE)
    fails(errno.EINVAL, process.set_mempolicy, Mode.BIND, nodes(C), STATIC)
    fails(errno.EINVAL, process.mbind, *whole, Mode.BIND, nodes(C))
    fails(errno.EINVAL, process.mbind, *whole, Mode.BIND, nodes(A, C), STATIC)
    for mode in (Mode.PREFERRED, Mode.INTERLEAVE, Mode.WEIGHTED_INTERLEAVE, Mode.PREFERRED_MANY):
        fails(errno.EINVAL, process.mbind, *whole, mode, nodes(C), STATIC)
    process.mbind(*whole, Mode.BIND, nodes(C), STATIC)
    process.touch(address)
    assert where(process, address, 1) == [C]
    assert opted.leaks() == {}


def test_mbind_opt_in_migrates_and_the_page_is_the_youngest(opted: Machine) -> None:
    process = opted.spawn(opted.node(A))
    first, second = touched(process, 2), touched(process, 1)
    process.mbind(second, PAGE_SIZE, Mode.BIND, nodes(C), STATIC, MoveFlag.MOVE)
    process.mbind(first, PAGE_SIZE, Mode.BIND, nodes(C), STATIC, MoveFlag.MOVE)
    assert where(process, first, 2) == [C, A]
    order = [next(iter(page.mapped))[1] * PAGE_SIZE for page in opted.lruvec(opted.node(C))]
    assert order == [second, first], "by when they came, not by when they were used"


def test_mbind_opt_in_does_not_carry_a_file_over(opted: Machine) -> None:
    process = opted.spawn(opted.node(A))
    address = process.mmap(4 * PAGE_SIZE, File("data"), shared=True)
    process.mbind(address, 4 * PAGE_SIZE, Mode.BIND, nodes(C), STATIC)
    process.touch(address)
    assert where(process, address, 1) == [A]


def test_mbind_opt_in_runs_out_of_memory_where_nothing_reclaims(opted: Machine) -> None:
    opted.swap_on()
    process = opted.spawn(opted.node(A))
    address = process.mmap(16 * PAGE_SIZE)
    process.mbind(address, 16 * PAGE_SIZE, Mode.BIND, nodes(C), STATIC)
    with pytest.raises(OomKilled) as killed:
        process.madvise(address, 16 * PAGE_SIZE, Advice.POPULATE_WRITE)
    assert {step.node.name for step in killed.value.walk if step.visited} == {"C"}


def test_what_static_nodes_are_for() -> None:
    """Without them, a new cpuset.mems moves the policy to an ordinary node without notice."""
    for require_static, flags, expected in ((False, 0, B), (True, STATIC, C)):
        machine = with_c("private-flag", MbindOptIn(require_static=require_static))
        machine.opt_in(machine.node(C), Cap.USER_NUMA)
        group = machine.root_cpuset.child("jobs")
        group.write_mems(nodes(A, C))
        process = machine.spawn(machine.node(A))
        group.attach(process)
        address = process.mmap(PAGE_SIZE)
        process.mbind(address, PAGE_SIZE, Mode.BIND, nodes(C), flags)
        group.write_mems(nodes(A, B))
        process.touch(address)
        assert where(process, address, 1) == [expected]


@pytest.mark.parametrize("isolation", ["this-node", "private-flag", "fallback-lists", "private-zonelist"])
def test_a_drivers_file(isolation: str) -> None:
    machine = with_c(isolation, frames=4)
    device = DeviceFile(machine, machine.node(C))
    process = machine.spawn(machine.node(A))
    address = process.mmap(8 * PAGE_SIZE, device, shared=True)
    for page in range(4):
        process.touch(address + page * PAGE_SIZE)
    assert machine.owners()["C"] == {"driver of /dev/accel0": 4}
    assert machine.leaks() == {}
    assert where(process, address, 1) == [-errno.ENOENT], "a frame of a driver is no page"
    with pytest.raises(BusError):
        process.touch(address + 4 * PAGE_SIZE)
    process.munmap(address, 8 * PAGE_SIZE)
    assert machine.owners()["C"] == {}
