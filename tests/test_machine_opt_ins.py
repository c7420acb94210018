"""Let a private node opt in: the interfaces of v4 and v5, and the services of the kernel."""

import errno

import pytest

from tests.machine_samples import STATIC, A, B, C, D, fails, nodes, ordinary, touched, where, with_c
from zswapsim.machine import GFP_KERNEL, Advice, Cap, Machine, Mode, MoveFlag, Process, sysfs
from zswapsim.machine.audit import CALLERS
from zswapsim.machine.cpuset import Cpuset
from zswapsim.machine.nodes import PAGE_SIZE
from zswapsim.machine.pages.reclaim import shrink_nodes


def process_in_group(machine: Machine) -> tuple[Cpuset, Process]:
    """Return a new cpuset below the root, and a process in it."""
    group = machine.root_cpuset.child("jobs")
    process = machine.spawn(machine.node(A))
    group.attach(process)
    return group, process


def touched_on_c(machine: Machine, process: Process) -> int:
    """Touch pages, let the kernel migrate the first one to node C, and return its address."""
    address = touched(process)
    machine.grant(machine.node(C), process.task.owner)
    page = process.mm.page_at(address // PAGE_SIZE)
    machine.memory.migrate_page(page, machine.node(C), GFP_KERNEL | machine.rule.opens)
    return address


@pytest.mark.parametrize(("isolation", "shown"), [("private-flag", ""), ("private-zonelist", "N2=4")])
def test_memory_on_a_node_that_opted_in(isolation: str, shown: str) -> None:
    machine = with_c(isolation)
    machine.opt_in(machine.node(C), Cap.USER_NUMA)
    process = machine.spawn(machine.node(A))
    address = process.mmap(4 * PAGE_SIZE)
    process.mbind(address, 4 * PAGE_SIZE, Mode.BIND, nodes(C))
    for page in range(4):
        process.touch(address + page * PAGE_SIZE)
    assert where(process, address) == [C] * 4
    assert machine.leaks() == {}
    assert shown in process.numa_maps()
    assert ("N2" in process.numa_maps()) == bool(shown)
    assert process.move_pages([address], [A]) == [A]
    assert process.move_pages([address], [C]) == [C]


@pytest.mark.parametrize("isolation", ["private-flag", "private-zonelist"])
def test_every_private_node_of_a_mask_must_opt_in(isolation: str) -> None:
    machine = Machine.example(isolation)
    process = machine.spawn(machine.node(A))
    machine.opt_in(machine.node(C), Cap.USER_NUMA)
    fails(errno.EINVAL, process.set_mempolicy, Mode.BIND, nodes(C, D))
    fails(errno.ENODEV, process.move_pages, [touched(process)], [D])
    process.set_mempolicy(Mode.BIND, nodes(C))


@pytest.mark.parametrize("isolation", ["private-flag", "private-zonelist"])
def test_pages_are_not_moved_off_a_node_that_does_not_opt_in(isolation: str) -> None:
    machine = with_c(isolation)
    process = machine.spawn(machine.node(A))
    address = touched_on_c(machine, process)
    assert process.move_pages([address], [A]) == [-errno.ENOENT]
    fails(errno.ENOENT, process.migrate_pages, nodes(C), nodes(A))
    fails(errno.ENODEV, process.migrate_pages, nodes(A), nodes(C))


def test_cpusets_of_v4_list_private_nodes_and_keep_an_ordinary_one() -> None:
    machine = with_c("private-flag")
    group = machine.root_cpuset.child("jobs")
    assert machine.root_cpuset.read("cpuset.mems.effective") == "0-2\n"
    fails(errno.EINVAL, group.write_mems, nodes(C))
    group.write_mems(nodes(A, C))
    process = machine.spawn(machine.node(A))
    group.attach(process)
    machine.opt_in(machine.node(C), Cap.USER_NUMA)
    process.set_mempolicy(Mode.BIND, nodes(C), STATIC)
    group.write_mems(nodes(A))
    assert process.task.mempolicy.nodes == nodes(A), "a rebind drops what the cpuset no longer lists"


def test_a_rebind_of_v4_drops_nodes_that_did_not_opt_in() -> None:
    machine = with_c("private-flag")
    group, process = process_in_group(machine)
    group.write_mems(nodes(A))
    process.set_mempolicy(Mode.INTERLEAVE, nodes(A))
    group.write_mems(nodes(B, C))
    assert process.task.mempolicy.nodes == nodes(B)


def test_cpusets_of_v5_do_not_partition_private_nodes() -> None:
    machine = with_c("private-zonelist")
    machine.opt_in(machine.node(C), Cap.USER_NUMA)
    group, process = process_in_group(machine)
    group.write_mems(nodes(A))
    process.set_mempolicy(Mode.BIND, nodes(C))
    group.write_mems(nodes(B))
    assert where(process, touched(process)) == [C] * 4
    fails(errno.EINVAL, group.write_mems, nodes(C))
    assert machine.root_cpuset.read("cpuset.mems.effective") == "0-1\n"


def test_a_mixed_policy_of_v5_keeps_its_private_node_through_a_rebind() -> None:
    machine = with_c("private-zonelist")
    machine.opt_in(machine.node(C), Cap.USER_NUMA)
    group, process = process_in_group(machine)
    process.set_mempolicy(Mode.INTERLEAVE, nodes(A, C))
    group.write_mems(nodes(B))
    assert process.task.mempolicy.nodes == nodes(B, C)


def test_the_mask_files_of_v4_and_v5() -> None:
    for isolation, memory in (("private-flag", "0-2\n"), ("private-zonelist", "0-1\n")):
        machine = with_c(isolation)
        assert sysfs.read(machine, sysfs.ROOT + "has_private_memory") == "2\n"
        assert sysfs.read(machine, sysfs.ROOT + "has_memory") == "0-1\n"
        machine.opt_in(machine.node(C), Cap.USER_NUMA)
        assert sysfs.read(machine, sysfs.ROOT + "has_memory") == memory
    baseline = with_c("private-flag", "none")
    fails(errno.ENOENT, sysfs.read, baseline, sysfs.ROOT + "has_private_memory")
    assert not any("node2" in path for path in sysfs.listing(baseline))
    assert all(sysfs.read(baseline, path) for path in sysfs.listing(baseline))


def serving(cap: Cap | None, isolation: str = "private-flag") -> tuple[Machine, Process, int]:
    """Return a machine whose node C opted into one service, and a process that has a page on C, at an address."""
    machine = with_c(isolation)
    machine.swap_on()
    machine.opt_in(machine.node(C), Cap(0) if cap is None else cap)
    process = machine.spawn(machine.node(A))
    return machine, process, touched_on_c(machine, process)


@pytest.mark.parametrize("isolation", ["private-flag", "private-zonelist"])
def test_services_are_opt_in(isolation: str) -> None:
    for cap in (None, Cap.RECLAIM):
        machine, process, address = serving(cap, isolation)
        assert shrink_nodes(machine.memory.topology, machine.memory.pages, [machine.node(C)]) == (cap is Cap.RECLAIM)
        machine, process, address = serving(cap, isolation)
        process.madvise(address, PAGE_SIZE, Advice.PAGEOUT)
        assert where(process, address, 1) == [-errno.ENOENT if cap else C]
    for cap in (None, Cap.LTPIN):
        _, process, address = serving(cap, isolation)
        assert process.pin_longterm(address) == (cap is Cap.LTPIN)
    for cap in (None, Cap.NUMA_BALANCING):
        machine, process, address = serving(cap, isolation)
        CALLERS["NUMA balancing"](machine)
        assert where(process, address, 1) == [B if cap else C]
    for cap in (None, Cap.DEMOTION):
        machine, process, address = serving(cap, isolation)
        CALLERS["demotion"](machine)
        assert where(process, address).count(C) == (2 if cap else 1)
    for cap in (None, Cap.COMPACTION):
        machine, _, _ = serving(cap, isolation)
        assert len([got for got in CALLERS["compaction"](machine).got if got.node.private]) == (cap is not None)


def test_khugepaged_and_ksm_never_look_at_private_nodes() -> None:
    machine = with_c("private-zonelist")
    machine.opt_in(machine.node(C), ~Cap(0))
    process = machine.spawn(machine.node(A))
    process.set_mempolicy(Mode.BIND, nodes(C))
    touched(process)
    assert CALLERS["khugepaged"](machine).got == []
    assert CALLERS["KSM"](machine).got == []


def test_a_pinned_page_stays() -> None:
    machine = ordinary()
    machine.swap_on()
    process = machine.spawn(machine.node(A))
    address = touched(process)
    assert process.pin_longterm(address)
    assert not process.pin_longterm(process.mmap(PAGE_SIZE))
    assert process.move_pages([address], [B]) == [-errno.EBUSY]
    process.madvise(address, PAGE_SIZE, Advice.PAGEOUT)
    assert where(process, address, 1) == [A]
    fails(errno.EIO, process.mbind, address, PAGE_SIZE, Mode.BIND, nodes(B), 0, MoveFlag.STRICT | MoveFlag.MOVE)
