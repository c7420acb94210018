"""Test faults, unmapping, swap, madvise and the page cache on an ordinary machine."""

import errno

import pytest

from tests.machine_samples import A, B, fails, nodes, ordinary, touched, where
from zswapsim.machine import Advice, File, Mode, MoveFlag, OomKilled, SegmentationFault
from zswapsim.machine.nodes import PAGE_SIZE


def test_reading_anonymous_memory_takes_no_frame() -> None:
    machine = ordinary()
    process = machine.spawn(machine.node(A))
    address = process.mmap(PAGE_SIZE)
    process.touch(address, write=False)
    assert where(process, address, 1) == [-errno.EFAULT], "the zero page is there"
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
