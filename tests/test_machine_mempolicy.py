"""Set, rebind and print every mode with every flag and mask, beside a reference written from mm/mempolicy.c."""

import itertools
from collections.abc import Iterator

import pytest

from tests.reference import mempolicy as kernel
from tests.reference.mempolicy import Mempolicy, bits, mask_of
from zswapsim.machine import Machine, NodeSpec, Process, SyscallError
from zswapsim.machine.cpuset import Cpuset
from zswapsim.machine.nodes import PAGE_SIZE

NODES = 4
MODES = (-1, *range(8), 9)
FLAGS = [sum(flags) for count in range(4) for flags in itertools.combinations((1 << 13, 1 << 14, 1 << 15), count)]
MASKS = range(1 << NODES + 1)
"""Bit 4 stands for a node that the machine does not have."""
REBOUND_MASKS = (0, 0b00001, 0b00110, 0b01000, 0b01011, 0b10010)
MEMS = (0b1111, 0b0001, 0b1000, 0b0110, 0b1011)
WEIGHTS = {0: 3, 1: 1, 2: 0, 3: 2}
LISTS = {node: [node, *(other for other in range(NODES) if other != node)] for node in range(NODES)}


class Confined:
    """A process on node B, in a cpuset of its own, with a mapping to print and to touch."""

    def __init__(self) -> None:
        self.machine = Machine([NodeSpec(name, 64 * PAGE_SIZE, min_frames=0) for name in "ABCD"], "none")
        self.machine.weights.update(WEIGHTS)
        self.process: Process = self.machine.spawn(self.machine.node(1))
        self.group: Cpuset = self.machine.root_cpuset.child("jobs")
        self.group.attach(self.process)
        self.address = self.process.mmap(8 * PAGE_SIZE)

    def set(self, word: int, mask: int) -> str | None:
        """Set the policy, with half of the flags in the mode. Return the name of the errno if it is refused."""
        try:
            self.process.set_mempolicy(word & ~(1 << 14), frozenset(bits(mask)), word & 1 << 14 if word >= 0 else 0)
        except SyscallError as failed:
            return failed.name
        return None

    def check(self, policy: Mempolicy | None, mems: int) -> None:
        """Compare what the process can read, and where its next page lies, with the reference."""
        mode, mask = kernel.do_get_mempolicy(policy)
        assert self.process.get_mempolicy() == (mode, frozenset(bits(mask)))
        assert self.process.numa_maps().split(" ", 1)[1].strip() == kernel.mpol_to_str(policy)
        self.process.touch(self.address + 5 * PAGE_SIZE)
        index = self.address // PAGE_SIZE + 5
        expected = kernel.node_of_page(policy, index, 1, LISTS, mems, WEIGHTS)
        assert self.process.move_pages([self.address + 5 * PAGE_SIZE], None) == [expected], (policy, mems)
        self.process.mm.page_table.zap(0, 1 << 60)


def words() -> Iterator[int]:
    yield from (mode | flags if mode >= 0 else mode for mode in MODES for flags in FLAGS)


@pytest.mark.parametrize("mems", MEMS)
def test_every_policy_is_set_as_the_kernel_does(mems):
    """Test sanitize_mpol_flags, mpol_new, mpol_set_nodemask, do_get_mempolicy, mpol_to_str and policy_nodemask."""
    confined = Confined()
    confined.group.write_mems(frozenset(bits(mems)))
    counts = {"set": 0, "EINVAL": 0}
    for word, mask in itertools.product(words(), MASKS):
        confined.process.task.mempolicy = None
        expected = kernel.set_mempolicy(word, mask, mems)
        refused = confined.set(word, mask)
        assert refused == (expected if isinstance(expected, str) else None), (word, mask)
        counts[refused or "set"] += 1
        confined.check(None if isinstance(expected, str) else expected, mems)
    assert min(counts.values()) > 200


@pytest.mark.parametrize(
    "word", sorted({word for word in words() if not isinstance(kernel.sanitize_mpol_flags(word), str)})
)
def test_every_policy_is_rebound_as_the_kernel_does(word):
    """Test mpol_rebind_policy, twice in a row: what a rebind keeps shows in the next."""
    confined = Confined()
    for before, mask, (first, second) in itertools.product(
        MEMS, REBOUND_MASKS, zip(MEMS, MEMS[2:] + MEMS[:2], strict=True)
    ):
        confined.process.task.mempolicy = None
        confined.group.write_mems(frozenset(bits(before)))
        if confined.set(word, mask) is not None:
            continue
        policy = kernel.set_mempolicy(word, mask, before)
        for mems in (first, second):
            confined.group.write_mems(frozenset(bits(mems)))
            policy = kernel.mpol_rebind_policy(policy, mems)
            held = confined.process.task.mempolicy
            assert mask_of(held.nodes if held else ()) == (policy.nodes if policy else 0)
        confined.check(policy, second)


@pytest.mark.parametrize("mode", [kernel.INTERLEAVE, kernel.WEIGHTED_INTERLEAVE])
def test_pages_are_interleaved_by_their_address(mode):
    """Test interleave_nid and weighted_interleave_nid by get_vma_policy's index."""
    confined = Confined()
    process = confined.process
    for pages in (8, 3, 5):
        address = process.mmap(pages * PAGE_SIZE)
        process.mbind(address, pages * PAGE_SIZE, mode, frozenset({0, 1, 3}))
        process.mbind(address + PAGE_SIZE, PAGE_SIZE, mode, frozenset({0, 1, 3}), 1 << 15)  # cuts the mapping
        for page in range(pages):
            process.touch(address + page * PAGE_SIZE)
        found = process.move_pages([address + page * PAGE_SIZE for page in range(pages)], None)
        policy = Mempolicy(mode, 0, 0b1011)
        weights = WEIGHTS if mode == kernel.WEIGHTED_INTERLEAVE else {}
        assert found == [kernel.interleave_nid(policy, address // PAGE_SIZE + page, weights) for page in range(pages)]


def test_numbers_beyond_the_kernels_masks_are_refused():
    """Test get_nodes: CONFIG_NODES_SHIFT is 10."""
    confined = Confined()
    confined.process.set_mempolicy(kernel.BIND, frozenset({0, 1023}))
    for nodes in ({0, 1024}, {1024}, {-1, 0}):
        with pytest.raises(SyscallError, match="expected numbers below 1024") as failed:
            confined.process.set_mempolicy(kernel.BIND, frozenset(nodes))
        assert failed.value.name == "EINVAL"
