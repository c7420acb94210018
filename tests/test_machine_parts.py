"""Test the small parts of the machine: nodemasks, nodes, topology, lists, cpusets, files of sysfs and proc."""

import errno

import pytest

from tests.machine_samples import A, B, C, fails, nodes, ordinary, touched, where
from tests.machine_world import World
from zswapsim import InputError
from zswapsim.machine import File, GetFlag, Machine, Mode, ModeFlag, NodeSpec, NodeState, SyscallError, sysfs
from zswapsim.machine.nodemask import relative, remap, spell_nodes
from zswapsim.machine.nodes import PAGE_SIZE, spec_distance
from zswapsim.machine.zonelists import Zonelist

PAGE = PAGE_SIZE


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((), ""), ((0,), "0"), ((0, 1), "0-1"), ((0, 2), "0,2"), ((1, 2, 3, 5), "1-3,5"), ((9, 10, 4), "4,9-10"),
    ],
)  # fmt: skip
def test_masks_are_spelled_as_bitmaps_are(numbers, text):
    assert spell_nodes(nodes(*numbers)) == text


@pytest.mark.parametrize(
    ("mapped", "old", "new", "expected"),
    [
        ({0, 1}, {0, 1}, {2, 3}, {2, 3}),
        ({1}, {0, 1}, {2}, {2}),
        ({2}, {0, 1}, {3}, {2}),
        ({0, 1}, {0, 1}, set(), {0, 1}),
        ({3}, {1, 3}, {0, 5, 7}, {5}),
    ],
)
def test_bitmap_remap(mapped, old, new, expected):
    assert remap(nodes(*mapped), nodes(*old), nodes(*new)) == expected


@pytest.mark.parametrize(
    ("asked", "allowed", "expected"),
    [({0, 1}, {2, 4}, {2, 4}), ({3}, {2, 4}, {4}), ({2}, {2, 4}, {2}), ({1}, set(), set())],
)
def test_relative_masks(asked, allowed, expected):
    assert relative(nodes(*asked), nodes(*allowed)) == expected


# -- nodes and topology -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("distance", [11, 254])
def test_distances_that_a_table_may_hold(distance):
    near, far = NodeSpec("A", distance={"B": distance}), NodeSpec("B")
    assert spec_distance(near, far) == spec_distance(far, near) == distance
    assert spec_distance(NodeSpec("A", distance={"A": 99}), near) == 10
    both = NodeSpec("B", distance={"A": 30})
    assert (spec_distance(near, both), spec_distance(both, near)) == (distance, 30), "a node's own word counts first"


@pytest.mark.parametrize("distance", [10, 255])
def test_distances_that_it_may_not(distance):
    with pytest.raises(InputError, match=f"distance {distance} of A and B: expected 11 to 254"):
        spec_distance(NodeSpec("A", distance={"B": distance}), NodeSpec("B"))


def test_numbers_and_frames_of_nodes():
    machine = Machine(
        [
            NodeSpec("A", 8 * PAGE, min_frames=0),
            NodeSpec("B", 4 * PAGE, min_frames=0),
            NodeSpec("C", 4 * PAGE, private=True),
        ]
    )
    topology = machine.memory.topology
    assert [topology.has(number) for number in (-1, 0, 2, 3)] == [False, True, True, False]
    assert [machine.node_of_pfn(pfn).name for pfn in (0, 7, 8, 11, 12, 15)] == list("AABBCC")
    for pfn in (-1, 16):
        with pytest.raises(InputError, match=f"pfn {pfn}: expected (at least 0|a frame of this machine)"):
            machine.node_of_pfn(pfn)
    assert [node.id for node in machine.nodes.values()] == [0, 1, 2]
    assert repr(machine.nodes["B"]) == "B"
    assert machine.alloc_pages(machine.nodes["B"]).pfn == 8
    assert machine.owners() == {"A": {}, "B": {"kernel": 1}, "C": {}}


def test_states_print_as_in_the_kernel():
    assert [str(state) for state in NodeState] == ["N_POSSIBLE", "N_ONLINE", "N_MEMORY", "N_MEMORY_PRIVATE", "N_CPU"]


def test_a_process_needs_a_cpu():
    machine = Machine([NodeSpec("A"), NodeSpec("B", cpus=False)])
    with pytest.raises(InputError, match="node B: expected one with CPUs"):
        machine.spawn(machine.nodes["B"])
    first, second = machine.spawn(machine.nodes["A"]), machine.spawn(machine.nodes["A"])
    assert (first.task.owner, second.task.owner) == ("process 1", "process 2")
    assert machine.processes == [first, second]


def test_which_lists_fall_back():
    assert [kind.falls_back for kind in Zonelist] == [True, False, True, False]
    machine = Machine.example("none")
    lists = machine.zonelists
    assert "".join(node.name for node in lists[Zonelist.FALLBACK, machine.nodes["C"]]) == "CABD"
    assert lists[Zonelist.NOFALLBACK, machine.nodes["C"]] == (machine.nodes["C"],)


def test_of_equally_near_nodes_the_lower_number_comes_first():
    machine = Machine([NodeSpec(name) for name in "ABC"])
    assert [node.name for node in machine.visits(machine.nodes["B"])] == ["B", "A", "C"]


# -- cpusets: kernel/cgroup/cpuset.c ----------------------------------------------------------------------------------


def test_a_process_leaves_its_old_cpuset():
    world = World()
    other = world.machine.root_cpuset.child("other")
    world.group.attach(world.process)
    other.attach(world.process)
    assert world.process.task.cpuset is other
    assert (world.group.members, other.members) == ([], [world.process.task])
    world.process.set_mempolicy(Mode.BIND, nodes(A))
    world.group.write_mems(nodes(B))
    assert world.process.task.mempolicy.nodes == nodes(A), "it is confined there no longer"
    assert world.process.get_mempolicy(0, GetFlag.MEMS_ALLOWED) == (0, nodes(A, B, C))


def test_attaching_rebinds_the_policies_of_task_and_mappings():
    world = World()
    world.process.set_mempolicy(Mode.INTERLEAVE, nodes(A, B))
    world.process.mbind(world.page, PAGE, Mode.BIND, nodes(A))
    world.confined(B, C)
    assert world.process.get_mempolicy() == (Mode.INTERLEAVE, nodes(B, C))
    assert world.process.get_mempolicy(world.page, GetFlag.ADDR) == (Mode.BIND, nodes(B))
    assert world.other.get_mempolicy(0, GetFlag.MEMS_ALLOWED) == (0, nodes(A, B, C)), "others stay where they are"


def test_cpusets_below_cpusets():
    """A list that has nothing of the parent's stands for all that the parent has (update_nodemasks_hier)."""
    world = World()
    inner = world.group.child("inner")
    innermost = inner.child("innermost")
    innermost.attach(world.process)
    world.process.set_mempolicy(Mode.BIND, nodes(A))
    for outer, own, effective in (
        ((A, B), (), (A, B)), ((A, B), (B, C), (B,)), ((A,), (B, C), (A,)), ((), (B, C), (B, C)), ((C,), (), (C,)),
    ):  # fmt: skip
        inner.write_mems(nodes(*own))
        world.group.write_mems(nodes(*outer))
        assert inner.effective == innermost.effective == nodes(*effective)
        assert world.process.get_mempolicy(0, GetFlag.MEMS_ALLOWED) == (0, nodes(*effective))
        assert world.process.task.mempolicy.nodes <= nodes(*effective), "rebound with every change above"


def test_a_cpuset_binds_allocations_of_its_members():
    world = World(frames=8).confined(B)
    first = touched(world.process, 1)
    assert where(world.process, first, 1) == [B]
    assert world.process.pin_longterm(first)
    world.full(B)
    address = world.process.mmap(PAGE)
    world.process.set_mempolicy(Mode.PREFERRED, nodes(B))
    with pytest.raises(Exception, match=r"C: passed over: not in cpuset\.mems"):
        world.process.touch(address)


# -- interleaving by the task's own count: interleave_nodes, weighted_interleave_nodes --------------------------------


def placed(world: World, file: File, pages: int) -> list[int]:
    """Read pages of a file, and return their nodes."""
    address = world.process.mmap(pages * PAGE, file, shared=True)
    for page in range(pages):
        world.process.touch(address + page * PAGE, write=False)
    return world.where(address, pages)


def next_node(world: World) -> int:
    return world.process.get_mempolicy(0, GetFlag.NODE)[0]


def test_the_page_cache_is_interleaved_by_the_tasks_count():
    world = World()
    world.process.set_mempolicy(Mode.INTERLEAVE, nodes(A, C))
    assert (next_node(world), placed(world, File("x"), 3), next_node(world)) == (A, [A, C, A], C)
    assert placed(world, File("y"), 2) == [C, A], "the count goes on, whatever the file"
    touched(world.process, 3)
    assert next_node(world) == C, "anonymous memory goes by its address"
    world.process.set_mempolicy(Mode.INTERLEAVE, nodes(B, C))
    assert next_node(world) == B, "a new policy begins with its first node"


def test_the_page_cache_is_interleaved_by_weight():
    world = World()
    world.machine.weights.update({A: 2, C: 3})
    world.process.set_mempolicy(Mode.WEIGHTED_INTERLEAVE, nodes(A, C))
    assert placed(world, File("x"), 7) == [A, A, C, C, C, A, A]
    assert (placed(world, File("y"), 1), next_node(world)) == ([C], C), "two are left to C"
    world.confined(A)
    assert placed(world, File("z"), 3) == [A, A, A], "C is no longer in the policy"
    assert next_node(world) == A


# -- /proc/PID/numa_maps: show_numa_map -------------------------------------------------------------------------------


def test_numa_maps_of_every_kind_of_page():
    """The model leaves out dirty, active, swapcache and writeback."""
    world = World()
    mixed = world.process.mmap(3 * PAGE, File("library"))
    for page in range(3):
        world.process.touch(mixed + page * PAGE, write=page == 1)
    world.process.move_pages([world.three + 2 * PAGE], [B])
    world.process.set_mempolicy(Mode.BIND, nodes(A), ModeFlag.STATIC_NODES | ModeFlag.NUMA_BALANCING)
    world.process.mbind(world.empty, PAGE, Mode.PREFERRED_MANY, nodes(B, C))
    lines = dict(line.split(" ", 1) for line in world.process.numa_maps().splitlines())
    policy = "bind=static|balancing:0"
    assert lines == {
        f"{world.page:x}": f"{policy} anon=1 N0=1 kernelpagesize_kB=4",
        f"{world.three:x}": f"{policy} anon=3 N0=2 N1=1 kernelpagesize_kB=4",
        f"{world.shared:x}": f"{policy} file=data mapped=1 mapmax=2 N0=1 kernelpagesize_kB=4",
        f"{world.pinned:x}": f"{policy} anon=1 N0=1 kernelpagesize_kB=4",
        f"{world.zero:x}": policy,
        f"{world.empty:x}": "prefer (many):1-2",
        f"{world.swapped:x}": policy,
        f"{world.driver:x}": f"{policy} file=/dev/accel0",
        f"{mixed:x}": f"{policy} file=library anon=1 mapped=3 N0=3 kernelpagesize_kB=4",
    }


# -- /sys/devices/system/node: drivers/base/node.c --------------------------------------------------------------------


def test_every_file_of_sysfs():
    world = World()
    for mask, text in {
        "possible": "0-2", "online": "0-2", "has_normal_memory": "0-2", "has_memory": "0-2", "has_cpu": "0-2",
    }.items():  # fmt: skip
        assert sysfs.read(world.machine, sysfs.ROOT + mask) == f"{text}\n"
    assert sysfs.read(world.machine, sysfs.ROOT + "node1/distance") == "20 10 20\n"
    assert sysfs.read(world.machine, sysfs.ROOT + "node0/meminfo") == (
        "Node 0 MemTotal:            128 kB\n"
        "Node 0 MemFree:             104 kB\n"
        "Node 0 MemUsed:              24 kB\n"
        "Node 0 FilePages:             4 kB\n"
        "Node 0 AnonPages:            20 kB\n"
    )
    for absent in ("node3/meminfo", "node0/vmstat", "has_private_memory", ""):
        with pytest.raises(SyscallError, match="No such file"):
            sysfs.read(world.machine, sysfs.ROOT + absent)
    machine = Machine([NodeSpec("A", distance={"B": 17}), NodeSpec("B", cpus=False)])
    assert sysfs.read(machine, sysfs.ROOT + "has_cpu") == "0\n"
    assert sysfs.read(machine, sysfs.ROOT + "node1/distance") == "17 10\n"
    assert [path.removeprefix(sysfs.ROOT) for path in sysfs.listing(machine)][-4:] == [
        "node0/distance", "node0/meminfo", "node1/distance", "node1/meminfo",
    ]  # fmt: skip


# -- pages, lists, swap -----------------------------------------------------------------------------------------------


def test_migration_never_loses_a_page_to_the_reclaim_that_it_causes():
    """Migrating within a full node reclaims on that node: the page itself is isolated first."""
    machine = ordinary(8)
    machine.swap_on()
    process = machine.spawn(machine.node(A))
    touched(process, 8)
    while machine.node(A).owned_by("filler").take() is not None:
        pass
    coldest = next(iter(machine.lruvec(machine.node(A))))
    gfp = machine.rule.opens | type(machine.rule.opens).KERNEL
    assert machine.memory.migrate_page(coldest, machine.node(A), gfp).node is machine.node(A)
    assert [*machine.lruvec(machine.node(A))] == [coldest], "the others made room"
    machine.check()


def test_a_migration_that_fails_puts_the_page_back_as_the_youngest():
    world = World().full(B)
    lruvec = world.machine.lruvec(world.machine.node(A))
    page = world.process.mm.page_at(world.page // PAGE)
    assert next(iter(lruvec)) is page
    fails(errno.ENOMEM, world.process.move_pages, [world.page], [B])
    assert [*lruvec][-1] is page
    world.machine.check()


def test_a_move_that_reclaims_pages_that_are_still_to_be_moved():
    """mbind isolates them all first: none is swapped out on the way."""
    machine = ordinary(8)
    machine.swap_on()
    process = machine.spawn(machine.node(A))
    address = touched(process, 8)
    for place in range(6):
        machine.node(B).owned_by("filler").take(), place
    process.mbind(address, 8 * PAGE, Mode.PREFERRED, nodes(B), 0, 2)
    assert where(process, address, 8) == [B, B, A, A, A, A, A, A]
    assert machine.swap.on_device == 0
    machine.check()


def test_swap_on_a_private_node_fills_it_first():
    machine = Machine([NodeSpec("A", 8 * PAGE, min_frames=0), NodeSpec("C", 2 * PAGE, private=True, min_frames=0)])
    swap = machine.swap_on(machine.nodes["C"])
    slots = [swap.store() for _ in range(3)]
    assert ([slot.frame for slot in slots], swap.on_device) == ([0, 1, None], 1)
    for slot in slots:
        swap.invalidate(slot)
    assert (swap.on_device, machine.owners()["C"]) == (0, {})
    assert machine.leaks() == {}


def test_a_mapping_of_a_part_of_a_file():
    world = World()
    file = File("data")
    first = world.process.mmap(2 * PAGE, file, offset=3 * PAGE, shared=True)
    world.process.touch(first + PAGE)
    assert set(file.cached) == {4}
    world.process.mbind(first + PAGE, PAGE, Mode.BIND, nodes(B))
    second = world.other.mmap(5 * PAGE, file)
    world.other.touch(second + 4 * PAGE, write=False)
    assert len(file.cached[4].mapped) == 2
    world.process.munmap(first, 2 * PAGE)
    assert len(file.cached[4].mapped) == 1
    world.machine.check()


def test_mappings_are_a_page_apart_and_begin_where_the_kernel_might():
    process = (machine := ordinary()).spawn(machine.node(A))
    assert [process.mmap(length) for length in (1, 2 * PAGE, PAGE + 1, 1)] == [
        0x7F0000000000, 0x7F0000002000, 0x7F0000005000, 0x7F0000008000,
    ]  # fmt: skip


def test_a_dead_process_touches_nothing():
    world = World()
    world.process.exit()
    assert world.machine.owners()["A"] == {"page cache": 1}
    with pytest.raises(Exception, match="0x"):
        world.process.touch(world.page)
    assert world.process.numa_maps() == ""
    world.machine.check()


def test_two_that_write_to_a_private_file_have_pages_of_their_own():
    world = World()
    file = File("library")
    first, second = (process.mmap(PAGE, file) for process in (world.process, world.other))
    world.process.touch(first, write=False)
    world.other.touch(second)
    world.process.touch(first)
    assert file.cached[0].mapped == set()
    assert world.where(first) == [A]
    assert where(world.other, second, 1) == [B]
    world.machine.check()
