"""An address space: mappings, page table, faults (mm/mmap.c, mm/memory.c, mm/filemap.c, as far as placement goes)."""

import errno
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from zswapsim.machine.errors import BusError, OomKilled, SegmentationFault
from zswapsim.machine.gfp import GFP, GFP_HIGHUSER_MOVABLE
from zswapsim.machine.mempolicy import Mode, Policy, interleaved, refuse
from zswapsim.machine.nodes import PAGE_SIZE, Node
from zswapsim.machine.pages import PAGE_CACHE, File, Page
from zswapsim.machine.swap import SwapSlot
from zswapsim.machine.walk import Allocation, OutOfMemory

if TYPE_CHECKING:
    from zswapsim.machine.cpuset import Cpuset
    from zswapsim.machine.driver import DeviceFile
    from zswapsim.machine.machine import Machine

FIRST_ADDRESS = 0x7F0000000000
LAST_PAGE = (1 << 47) // PAGE_SIZE


@dataclass(eq=False)
class Vma:
    """Pages `first` to `last` (without) of the address space, and what is mapped there."""

    first: int
    last: int
    file: "File | DeviceFile | None" = None
    offset: int = 0
    """The file's page at `first`."""
    shared: bool = False
    policy: Policy | None = None

    def index(self, number: int) -> int:
        """The place of a page in the file, or in the mapping where there is none."""
        return number - self.first + self.offset


class AddressSpace:
    """What a process has mapped. Raises SyscallError where a call fails; addresses and lengths are in bytes."""

    def __init__(self, machine: "Machine", pid: int, node: Node, *, privileged: bool) -> None:
        self.machine = machine
        self.pid = pid
        self.owner = f"process {pid}"
        self.node = node
        """Where it runs."""
        self.privileged = privileged
        """Whether it has CAP_SYS_NICE."""
        self.cpuset: Cpuset | None = None
        self.policy: Policy | None = None
        """The task's."""
        self.vmas: list[Vma] = []
        self.pages: dict[int, Page | SwapSlot | Allocation] = {}
        """The page table, by page number: a page, where it was swapped to, or a driver's frame."""
        self.next_page = FIRST_ADDRESS // PAGE_SIZE
        self.dead = False

    # -- mappings -----------------------------------------------------------------------------------------------------

    def mmap(
        self, length: int, file: "File | DeviceFile | None" = None, *, offset: int = 0, shared: bool = False
    ) -> int:
        """Map memory: anonymous, or of a file from byte `offset` on. Returns the address."""
        if length <= 0 or offset < 0 or offset % PAGE_SIZE:
            raise refuse("expected a length, and an offset of whole pages")
        count = -(-length // PAGE_SIZE)
        if self.next_page + count > LAST_PAGE:
            raise refuse("the address space is full", errno.ENOMEM)
        vma = Vma(self.next_page, self.next_page + count, file, offset // PAGE_SIZE, shared)
        self.vmas.append(vma)
        self.next_page += count + 1
        return vma.first * PAGE_SIZE

    def munmap(self, address: int, length: int) -> None:
        """Unmap whatever is mapped there; frames that nobody maps any more go back."""
        if length <= 0:
            raise refuse("expected a length")
        first, last = self.span(address, length)
        for vma in list(self.split(first, last)):
            self.zap(vma.first, vma.last)
            self.vmas.remove(vma)

    def span(self, address: int, length: int) -> tuple[int, int]:
        """First page and the one after the last of a range that must start at a page. Raises SyscallError (EINVAL)."""
        if address % PAGE_SIZE or address < 0 or length < 0 or address + length > LAST_PAGE * PAGE_SIZE:
            raise refuse(f"address {address:#x}, length {length}")
        return address // PAGE_SIZE, -(-(address + length) // PAGE_SIZE)

    def overlapping(self, first: int, last: int) -> Iterator[Vma]:
        """The mappings that pages `first` to `last` touch, in order."""
        return (vma for vma in sorted(self.vmas, key=lambda vma: vma.first) if vma.first < last and first < vma.last)

    def covered(self, first: int, last: int) -> bool:
        """Whether the range has no hole."""
        return sum(min(vma.last, last) - max(vma.first, first) for vma in self.overlapping(first, last)) == last - first

    def split(self, first: int, last: int) -> list[Vma]:
        """The mappings within the range, cut at its ends."""
        for cut in (first, last):
            for vma in self.vmas:
                if vma.first < cut < vma.last:
                    self.vmas.append(replace(vma, first=cut, offset=vma.index(cut)))
                    vma.last = cut
                    break
        return list(self.overlapping(first, last))

    def vma_of(self, number: int) -> Vma | None:
        """The mapping that a page is in."""
        return next((vma for vma in self.vmas if vma.first <= number < vma.last), None)

    # -- the page table -----------------------------------------------------------------------------------------------

    def zap(self, first: int, last: int) -> None:
        """Clear page table entries; what nobody maps any more is freed, but for the page cache."""
        for number in [number for number in self.pages if first <= number < last]:
            entry = self.pages.pop(number)
            if isinstance(entry, Page):
                entry.mapped.discard((self, number))
                if not entry.mapped and entry.file is None:
                    entry.free(self.machine)
            elif isinstance(entry, SwapSlot) and self.machine.swap is not None:
                self.machine.swap.free(entry)
            elif isinstance(entry, Allocation):
                self.machine.free_pages(entry)

    def unmap_page(self, number: int, slot: SwapSlot | None) -> None:
        """Reclaim takes a page away; an anonymous one leaves its slot behind."""
        page = self.pages.pop(number)
        assert isinstance(page, Page), "only pages are reclaimed"
        page.mapped.discard((self, number))
        if slot is not None:
            self.pages[number] = slot
            page.free(self.machine)

    def page_at(self, number: int) -> Page | None:
        """The page that is present there."""
        entry = self.pages.get(number)
        return entry if isinstance(entry, Page) else None

    # -- faults -------------------------------------------------------------------------------------------------------

    def touch(self, address: int, *, write: bool = True) -> None:
        """Access a byte. Raises SegmentationFault, BusError, or OomKilled, after which the process is gone."""
        number = address // PAGE_SIZE
        vma = None if self.dead else self.vma_of(number)
        if vma is None:
            raise SegmentationFault(f"{address:#x}")
        entry = self.pages.get(number)
        if isinstance(entry, Allocation) or (isinstance(entry, Page) and not (write and self.copies(vma, entry))):
            return
        try:
            self.fault(vma, number, write=write)
        except OutOfMemory as failed:
            self.exit()
            raise OomKilled(failed.walk) from None

    @staticmethod
    def copies(vma: Vma, page: Page) -> bool:
        """Whether a write to the page makes a private copy of a file's."""
        return page.file is not None and not vma.shared

    def fault(self, vma: Vma, number: int, *, write: bool) -> None:
        """Put a page there. A read of anonymous memory maps the zero page, which is no frame of its own."""
        entry = self.pages.get(number)
        if isinstance(vma.file, File) and not isinstance(entry, SwapSlot):
            if write and not vma.shared:
                self.file_page(vma.file, vma.index(number))
                self.install(number, Page(self.allocate(vma, number)))
            else:
                self.install(number, self.file_page(vma.file, vma.index(number)))
        elif vma.file is not None and not isinstance(vma.file, File):
            self.pages[number] = self.device_page(vma.file)
        elif write or isinstance(entry, SwapSlot):
            page = Page(self.allocate(vma, number))
            if isinstance(entry, SwapSlot) and self.machine.swap is not None:
                self.machine.swap.free(entry)
            self.install(number, page)

    def install(self, number: int, page: Page) -> None:
        """Set a page table entry; what was there before is left."""
        before = self.pages.get(number)
        if isinstance(before, Page):
            before.mapped.discard((self, number))
        self.pages[number] = page
        page.mapped.add((self, number))

    def device_page(self, device: "DeviceFile") -> Allocation:
        """A frame that the driver gives. Raises BusError."""
        try:
            return device.fault()
        except OutOfMemory as failed:
            raise BusError(str(failed)) from None

    def file_page(self, file: File, index: int) -> Page:
        """A page of the page cache: where it lies if it is there, else read in by the *task's* policy, not a VMA's."""
        if index not in file.cached:
            allocation = self.allocate_by(self.policy, index, PAGE_CACHE)
            file.cached[index] = Page(allocation, file, index)
        return file.cached[index]

    def allocate(self, vma: Vma, number: int) -> Allocation:
        """A frame for anonymous memory, by the VMA's policy, else the task's, else here (get_vma_policy)."""
        return self.allocate_by(vma.policy or self.policy, number - vma.first, self.owner)

    def allocate_by(self, policy: Policy | None, place: int, owner: str) -> Allocation:
        """A frame by a policy (policy_nodemask, alloc_pages_mpol). Raises OutOfMemory."""
        if policy is None or policy.mode is Mode.LOCAL:
            return self.take(self.node.id, None, owner)
        if policy.mode is Mode.PREFERRED:
            return self.take(min(policy.nodes), None, owner, policy)
        if policy.mode in (Mode.INTERLEAVE, Mode.WEIGHTED_INTERLEAVE):
            return self.take(interleaved(policy, place, self.machine.weights), None, owner, policy)
        preferred = self.first_choice(policy)
        if policy.mode is Mode.PREFERRED_MANY:
            try:
                return self.take(preferred, policy, owner, policy, reclaim=False)
            except OutOfMemory:
                return self.take(preferred, None, owner, policy)
        return self.take(preferred, policy, owner, policy)

    def first_choice(self, policy: Policy) -> int:
        """The node whose list is walked: the policy's home, else this one.

        A mask filters that list and never adds to it; so a policy of private nodes alone must prefer one of them.
        """
        private = {node.id for node in self.machine.nodes.values() if self.machine.rule.isolates(node)}
        if policy.home is not None:
            return policy.home
        if policy.nodes <= private:
            return min(policy.nodes, key=lambda node: (self.machine.distance(self.node, self.machine.node(node)), node))
        return self.node.id

    def take(
        self, preferred: int, mask: Policy | None, owner: str, policy: Policy | None = None, *, reclaim: bool = True
    ) -> Allocation:
        """Ask the allocator; a policy that private nodes were let into opens them."""
        gfp = GFP_HIGHUSER_MOVABLE if reclaim else GFP_HIGHUSER_MOVABLE & ~GFP.DIRECT_RECLAIM
        if policy is not None and any(self.machine.rule.isolates(self.machine.node(node)) for node in policy.nodes):
            gfp |= self.machine.rule.opens & (~GFP.THISNODE if len(policy.nodes) > 1 or mask is None else ~GFP(0))
        return self.machine.alloc_pages(
            self.machine.node(preferred),
            None if mask is None else [self.machine.node(node) for node in mask.nodes],
            gfp,
            owner=owner,
            mems=[self.machine.node(node) for node in self.mems],
        )

    @property
    def mems(self) -> frozenset[int]:
        """The nodes that its cpuset allows."""
        assert self.cpuset is not None, "a process is in a cpuset from its start"
        return self.cpuset.effective

    def exit(self) -> None:
        """The process is gone, and its memory with it."""
        for vma in list(self.vmas):
            self.zap(vma.first, vma.last)
        self.vmas.clear()
        self.dead = True

    def check(self) -> None:
        """Assert every invariant of mappings and page table."""
        for number, entry in self.pages.items():
            vma = self.vma_of(number)
            assert vma is not None, f"page {number:#x} is present and not mapped"
            if isinstance(entry, Page):
                assert (self, number) in entry.mapped, f"page {number:#x} does not know that it is mapped here"
                assert entry in entry.node.lru, f"page {number:#x} is on no list"
