"""The user's side of a machine: policies, faults, migration, cpusets, what can be read, and the opt-ins."""

import errno

import pytest

from zswapsim.machine import (
    GFP_KERNEL,
    Advice,
    BusError,
    Cap,
    DeviceFile,
    File,
    GetFlag,
    Machine,
    Mode,
    ModeFlag,
    MoveFlag,
    NodeSpec,
    OomKilled,
    Process,
    SegmentationFault,
    SyscallError,
    sysfs,
)
from zswapsim.machine.audit.callers import CALLERS
from zswapsim.machine.interface import MbindOptIn
from zswapsim.machine.nodes import PAGE_SIZE
from zswapsim.machine.pages.reclaim import shrink_nodes

A, B, C, D = range(4)
STATIC = ModeFlag.STATIC_NODES


def nodes(*numbers: int) -> frozenset[int]:
    return frozenset(numbers)


def touched(process: Process, pages: int = 4, **mapping: object) -> int:
    address = process.mmap(pages * PAGE_SIZE, **mapping)
    for page in range(pages):
        process.touch(address + page * PAGE_SIZE)
    return address


def where(process: Process, address: int, pages: int = 4) -> list[int]:
    return process.move_pages([address + page * PAGE_SIZE for page in range(pages)], None)


def fails(number: int, call: object, *arguments: object) -> None:
    with pytest.raises(SyscallError) as failed:
        call(*arguments)
    assert failed.value.errno == number, failed.value


def ordinary(frames: int = 64) -> Machine:
    return Machine([NodeSpec(name, frames * PAGE_SIZE, min_frames=0) for name in "AB"], "none")


def with_c(isolation: str, interface: object = None, frames: int = 64) -> Machine:
    specs = [NodeSpec(name, frames * PAGE_SIZE, min_frames=0) for name in "AB"]
    specs.append(NodeSpec("C", frames * PAGE_SIZE, private=True, cpus=False, min_frames=0))
    return Machine(specs, isolation, interface)


# --- policies on an ordinary machine ---------------------------------------------------------------------------------


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
    assert process.get_mempolicy(0, GetFlag.NODE) == (A, nodes())


# --- memory ----------------------------------------------------------------------------------------------------------


def test_reading_anonymous_memory_takes_no_frame() -> None:
    machine = ordinary()
    process = machine.spawn(machine.node(A))
    address = process.mmap(PAGE_SIZE)
    process.touch(address, write=False)
    assert where(process, address, 1) == [-errno.ENOENT]
    assert machine.owners() == {"A": {}, "B": {}}


def test_unmapping_gives_frames_back() -> None:
    machine = ordinary()
    process = machine.spawn(machine.node(A))
    address = touched(process)
    process.munmap(address + PAGE_SIZE, PAGE_SIZE)
    assert machine.owners()["A"] == {"process 1": 3}
    assert where(process, address) == [A, -errno.EFAULT, A, A]
    with pytest.raises(SegmentationFault):
        process.touch(address + PAGE_SIZE)
    process.exit()
    assert machine.owners()["A"] == {}
    machine.check()


def test_a_full_machine_kills() -> None:
    machine = ordinary(4)
    process = machine.spawn(machine.node(A))
    address = process.mmap(16 * PAGE_SIZE)
    with pytest.raises(OomKilled) as killed:
        process.madvise(address, 16 * PAGE_SIZE, Advice.POPULATE_WRITE)
    assert "A: 0 frames free" in str(killed.value.walk)
    assert machine.owners() == {"A": {}, "B": {}}


def test_swap_makes_room() -> None:
    machine = ordinary(4)
    machine.swap_on()
    process = machine.spawn(machine.node(A))
    address = touched(process, 16)
    present = [node for node in where(process, address, 16) if node >= 0]
    assert 0 < len(present) <= 8
    assert machine.swap.on_device == 16 - len(present)
    process.munmap(address, 16 * PAGE_SIZE)
    assert machine.swap.on_device == 0
    machine.check()


def test_madvise() -> None:
    machine = ordinary()
    machine.swap_on()
    process = machine.spawn(machine.node(A))
    address = touched(process)
    process.madvise(address, 2 * PAGE_SIZE, Advice.PAGEOUT)
    assert where(process, address) == [-errno.ENOENT, -errno.ENOENT, A, A]
    process.madvise(address + 3 * PAGE_SIZE, PAGE_SIZE, Advice.COLD)
    coldest = next(iter(machine.lruvec(machine.node(A))))
    assert (process.mm.page_table, address // PAGE_SIZE + 3) in coldest.mapped
    process.madvise(address, 4 * PAGE_SIZE, Advice.DONTNEED)
    assert where(process, address) == [-errno.ENOENT] * 4
    process.madvise(address, 4 * PAGE_SIZE, Advice.POPULATE_WRITE)
    assert where(process, address) == [A] * 4
    fails(errno.EINVAL, process.madvise, address, PAGE_SIZE, 99)
    fails(errno.ENOMEM, process.madvise, address, 9 * PAGE_SIZE, Advice.COLD)


def test_a_file_fault_does_not_follow_the_policy_of_the_mapping() -> None:
    machine = ordinary()
    process = machine.spawn(machine.node(A))
    file = File("data")
    address = process.mmap(4 * PAGE_SIZE, file, shared=True)
    process.mbind(address, 4 * PAGE_SIZE, Mode.BIND, nodes(B))
    process.touch(address)
    assert where(process, address, 1) == [A], "the task's policy is asked, which is local"
    process.set_mempolicy(Mode.BIND, nodes(B))
    process.touch(address + PAGE_SIZE)
    assert where(process, address, 2) == [A, B]
    assert machine.owners() == {"A": {"page cache": 1}, "B": {"page cache": 1}}


def test_a_page_of_the_page_cache_stays_where_it_is() -> None:
    machine = ordinary()
    first, second = machine.spawn(machine.node(A)), machine.spawn(machine.node(B))
    file = File("data")
    touched(first, file=file, shared=True)
    second.set_mempolicy(Mode.BIND, nodes(B))
    address = touched(second, file=file, shared=True)
    assert where(second, address) == [A] * 4
    assert second.move_pages([address], [B]) == [-errno.EACCES], "others map it as well"


def test_another_task_may_move_a_shared_page() -> None:
    machine = ordinary()
    first, second = machine.spawn(machine.node(A)), machine.spawn(machine.node(A), privileged=True)
    file = File("data")
    address = touched(first, file=file, shared=True)
    other = touched(second, file=file, shared=True)
    assert second.move_pages([other], [B], MoveFlag.MOVE_ALL) == [B]
    assert where(first, address) == [B, A, A, A]


def test_writing_to_a_private_mapping_copies_by_the_policy_of_the_mapping() -> None:
    machine = ordinary()
    process = machine.spawn(machine.node(A))
    address = process.mmap(PAGE_SIZE, File("library"))
    process.mbind(address, PAGE_SIZE, Mode.BIND, nodes(B))
    process.touch(address, write=False)
    assert where(process, address, 1) == [A]
    process.touch(address)
    assert where(process, address, 1) == [B]
    assert machine.owners() == {"A": {"page cache": 1}, "B": {"process 1": 1}}


# --- migration and cpusets -------------------------------------------------------------------------------------------


def test_move_pages() -> None:
    machine = ordinary()
    process = machine.spawn(machine.node(A))
    address = touched(process)
    unmapped, absent = address + 9 * PAGE_SIZE, process.mmap(PAGE_SIZE)
    assert process.move_pages([address, unmapped, absent], [B, B, B]) == [B, -errno.EFAULT, -errno.ENOENT]
    fails(errno.ENODEV, process.move_pages, [address], [7])
    fails(errno.EPERM, process.move_pages, [address], [A], MoveFlag.MOVE_ALL)
    fails(errno.EINVAL, process.move_pages, [address], [A], MoveFlag.STRICT)
    fails(errno.EINVAL, process.move_pages, [address], [A, B])
    machine.check()


def test_move_pages_to_a_full_node() -> None:
    machine = ordinary(4)
    process = machine.spawn(machine.node(A))
    address = touched(process, 2)
    while machine.node(B).owned_by("filler").take() is not None:
        pass
    assert process.move_pages([address], [B]) == [-errno.ENOMEM]
    assert where(process, address, 2) == [A, A]


def test_migrate_pages() -> None:
    machine = ordinary()
    process = machine.spawn(machine.node(A))
    address = touched(process)
    assert process.migrate_pages(nodes(A), nodes(B)) == 0
    assert where(process, address) == [B] * 4
    fails(errno.EPERM, process.migrate_pages, nodes(B), nodes(7))
    process.task.privileged = True
    fails(errno.EINVAL, process.migrate_pages, nodes(B), nodes(7))


def test_migration_makes_a_page_the_youngest() -> None:
    machine = ordinary()
    process = machine.spawn(machine.node(A))
    address = touched(process)
    process.move_pages([address, address], [B, A])
    order = [next(iter(page.mapped))[1] - address // PAGE_SIZE for page in machine.lruvec(machine.node(A))]
    assert order == [1, 2, 3, 0], "it was the coldest"


def test_a_cpuset_confines_faults_and_rebinds_policies() -> None:
    machine = ordinary()
    process = machine.spawn(machine.node(A))
    address = process.mmap(8 * PAGE_SIZE)
    process.mbind(address, 4 * PAGE_SIZE, Mode.BIND, nodes(A))
    process.mbind(address + 4 * PAGE_SIZE, 4 * PAGE_SIZE, Mode.BIND, nodes(A), STATIC)
    group = machine.root_cpuset.child("jobs")
    group.attach(process)
    group.write_mems(nodes(B))
    assert process.get_mempolicy(address, GetFlag.ADDR) == (Mode.BIND, nodes(B))
    assert where(process, touched(process)) == [B] * 4
    fails(errno.EINVAL, group.write_mems, nodes(A, 7))
    fails(errno.EACCES, process.move_pages, [touched(process, 1)], [A])
    group.write_mems(nodes())
    assert group.read("cpuset.mems.effective") == "0-1\n"


def test_relative_nodes_count_within_the_cpuset() -> None:
    machine = ordinary()
    group = machine.root_cpuset.child("jobs")
    process = machine.spawn(machine.node(A))
    group.attach(process)
    group.write_mems(nodes(B))
    process.set_mempolicy(Mode.BIND, nodes(3), ModeFlag.RELATIVE_NODES)
    assert where(process, touched(process, 1), 1) == [B]
    group.write_mems(nodes(A, B))
    assert where(process, touched(process, 1), 1) == [B], "3 is 1, counted round two nodes"


# --- the opt-ins -----------------------------------------------------------------------------------------------------


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
    address = touched(process)
    machine.grant(machine.node(C), process.task.owner)
    page = process.mm.page_at(address // PAGE_SIZE)
    machine.memory.migrate_page(page, machine.node(C), GFP_KERNEL | machine.rule.opens)
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
    group = machine.root_cpuset.child("jobs")
    process = machine.spawn(machine.node(A))
    group.attach(process)
    group.write_mems(nodes(A))
    process.set_mempolicy(Mode.INTERLEAVE, nodes(A))
    group.write_mems(nodes(B, C))
    assert process.task.mempolicy.nodes == nodes(B)


def test_cpusets_of_v5_do_not_partition_private_nodes() -> None:
    machine = with_c("private-zonelist")
    machine.opt_in(machine.node(C), Cap.USER_NUMA)
    group = machine.root_cpuset.child("jobs")
    process = machine.spawn(machine.node(A))
    group.attach(process)
    group.write_mems(nodes(A))
    process.set_mempolicy(Mode.BIND, nodes(C))
    group.write_mems(nodes(B))
    assert where(process, touched(process)) == [C] * 4
    fails(errno.EINVAL, group.write_mems, nodes(C))
    assert machine.root_cpuset.read("cpuset.mems.effective") == "0-1\n"


def test_a_mixed_policy_of_v5_keeps_its_private_node_through_a_rebind() -> None:
    machine = with_c("private-zonelist")
    machine.opt_in(machine.node(C), Cap.USER_NUMA)
    group = machine.root_cpuset.child("jobs")
    process = machine.spawn(machine.node(A))
    group.attach(process)
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
    """A machine whose node C opted into one service, with a process that has a page on C."""
    machine = with_c(isolation)
    machine.swap_on()
    machine.opt_in(machine.node(C), Cap(0) if cap is None else cap)
    process = machine.spawn(machine.node(A))
    address = touched(process)
    machine.grant(machine.node(C), process.task.owner)
    page = process.mm.page_at(address // PAGE_SIZE)
    machine.memory.migrate_page(page, machine.node(C), GFP_KERNEL | machine.rule.opens)
    return machine, process, address


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


# --- what the thread of June asks of a later mbind -------------------------------------------------------------------


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
    """Without them, a new cpuset.mems moves the policy to an ordinary node, and nobody is told."""
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


# --- a driver --------------------------------------------------------------------------------------------------------


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
    assert where(process, address, 1) == [-errno.EFAULT]
    with pytest.raises(BusError):
        process.touch(address + 4 * PAGE_SIZE)
    process.munmap(address, 8 * PAGE_SIZE)
    assert machine.owners()["C"] == {}
