"""An address space has mappings and a page table (mm/mmap.c as far as placement depends on it)."""

import errno
from collections.abc import Iterator

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.machine.errors import SyscallError, einval
from zswapsim.machine.pages.page import File, Page
from zswapsim.machine.pages.user_pages import UserPages
from zswapsim.machine.process.page_table import PageTable, ZeroPage
from zswapsim.machine.process.vma import Device, Vma

FIRST_ADDRESS = 0x7F0000000000
LAST_PAGE = (1 << 47) // PAGE_SIZE
ADDRESSES = (1 << 64) // PAGE_SIZE


class AddressSpace:
    """Hold the mappings of a process and its page table. Addresses and lengths are in bytes, numbers count pages."""

    def __init__(self, pages: UserPages) -> None:
        self.vmas: list[Vma] = []
        self.page_table = PageTable(pages)
        self._next_page = FIRST_ADDRESS // PAGE_SIZE

    def mmap(self, length: int, file: File | Device | None, offset: int, *, shared: bool) -> int:
        """Map anonymous memory, or a file from byte `offset` on; return the address.

        Raises SyscallError: EINVAL, ENOMEM if the address space is full.
        """
        if length <= 0 or offset < 0 or offset % PAGE_SIZE:
            raise einval("expected a length above 0, and an offset of whole pages")
        count = -(-length // PAGE_SIZE)
        if self._next_page + count > LAST_PAGE:
            raise SyscallError(errno.ENOMEM, "the address space is full")
        vma = Vma(self._next_page, self._next_page + count, file, offset // PAGE_SIZE, shared)
        self.vmas.append(vma)
        self._next_page += count + 1
        return vma.first * PAGE_SIZE

    def munmap(self, address: int, length: int) -> None:
        """Unmap the range, and free the frames that nobody maps any more. Raises SyscallError (EINVAL)."""
        first, last = self.span(address, length)
        if length <= 0 or last > LAST_PAGE:
            raise einval("expected a length above 0, and a range inside the address space")
        for vma in list(self.split(first, last)):
            self.page_table.zap(vma.first, vma.last)
            self.vmas.remove(vma)

    def clear(self) -> None:
        """Unmap everything (exit_mmap)."""
        for vma in self.vmas:
            self.page_table.zap(vma.first, vma.last)
        self.vmas.clear()

    def span(self, address: int, length: int) -> tuple[int, int]:
        """Return the first page of a range and the page after its last one.

        Raises SyscallError (EINVAL) if the range does not begin at a page, or does not end in 64 bits.
        """
        last = -(-(address + length) // PAGE_SIZE)
        if address % PAGE_SIZE or address < 0 or length < 0 or last >= ADDRESSES:
            raise einval(f"address {address:#x}, length {length}")
        return address // PAGE_SIZE, last

    def vma_of(self, number: int) -> Vma | None:
        """Return the mapping that a page is in, or None."""
        return next((vma for vma in self.vmas if vma.first <= number < vma.last), None)

    def overlapping(self, first: int, last: int) -> Iterator[Vma]:
        """Iterate in order over the mappings that share a page with the range."""
        return (vma for vma in sorted(self.vmas, key=lambda vma: vma.first) if vma.first < last and first < vma.last)

    def covers(self, first: int, last: int) -> bool:
        """Return True if every page of the range is mapped."""
        return sum(min(vma.last, last) - max(vma.first, first) for vma in self.overlapping(first, last)) == last - first

    def split(self, first: int, last: int) -> list[Vma]:
        """Split the mappings at both ends of the range; return those inside it."""
        for end in (first, last):
            for vma in self.vmas:
                if vma.first < end < vma.last:
                    self.vmas.append(vma.cut(end))
                    break
        return list(self.overlapping(first, last))

    def page_at(self, number: int) -> Page | None:
        """Return the page that is present at a page number, or None."""
        return self.page_table.page_at(number)

    def node_at(self, address: int) -> int:
        """Return the number of the node that the page at an address lies on.

        Returns -EFAULT if nothing is mapped there or the zero page is, -ENOENT if no page is present or only a frame
        of a driver (do_pages_stat_array).
        """
        number = address // PAGE_SIZE
        if self.vma_of(number) is None or isinstance(self.page_table.entry(number), ZeroPage):
            return -errno.EFAULT
        page = self.page_at(number)
        return -errno.ENOENT if page is None else page.node.id

    def check(self) -> None:
        """Assert every invariant of mappings and page table."""
        for number in self.page_table.entries:
            assert self.vma_of(number) is not None, f"page {number:#x} is present in no mapping"
        self.page_table.check()
