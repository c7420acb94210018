"""Test move_pages, migrate_pages and cpusets on an ordinary machine."""

import errno

from tests.machine_samples import STATIC, A, B, fails, nodes, ordinary, touched, where
from zswapsim.machine import GetFlag, Mode, ModeFlag, MoveFlag
from zswapsim.machine.nodes import PAGE_SIZE


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
    fails(errno.ENOMEM, process.move_pages, [address], [B])
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
