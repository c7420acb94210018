"""A page fault maps a page if an access finds none present (mm/memory.c, mm/filemap.c)."""

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.machine.allocator.walk import Allocation, OutOfMemory
from zswapsim.machine.pages.page import PAGE_CACHE, File, Page
from zswapsim.machine.pages.swap import SwapSlot
from zswapsim.machine.process.page_table import ZeroPage
from zswapsim.machine.process.policy_alloc import alloc_by_policy
from zswapsim.machine.process.signals import BusError, OomKilled, SegmentationFault
from zswapsim.machine.process.task import Task
from zswapsim.machine.process.vma import Device, Vma


def touch(task: Task, address: int, *, write: bool = True) -> None:
    """Access a byte. Raises SegmentationFault, BusError, or OomKilled, which ends the task."""
    number = address // PAGE_SIZE
    vma = None if task.dead else task.mm.vma_of(number)
    if vma is None:
        raise SegmentationFault(f"{address:#x}")
    entry = task.mm.page_table.entry(number)
    if entry is not None and not isinstance(entry, SwapSlot) and not (write and _copies_on_write(vma, entry)):
        return
    try:
        _fault(task, vma, number, write=write)
    except OutOfMemory as failed:
        task.exit()
        raise OomKilled(failed.walk) from None


def _copies_on_write(vma: Vma, entry: Page | Allocation | ZeroPage) -> bool:
    """Return True if a write makes a private page: of the zero page, and of a file's page in a private mapping."""
    return isinstance(entry, ZeroPage) or (isinstance(entry, Page) and entry.file is not None and not vma.shared)


def _fault(task: Task, vma: Vma, number: int, *, write: bool) -> None:
    """Map a page. A read of private anonymous memory maps the zero page, which takes no frame."""
    table = task.mm.page_table
    entry = table.entry(number)
    if isinstance(entry, SwapSlot):
        page = _anonymous_page(task, vma, number)
        table.invalidate(entry)
        table.map_page(number, page)
    elif isinstance(vma.file, File):
        page = _cached_page(task, vma.file, vma.index(number))
        if write and not vma.shared:
            page = _anonymous_page(task, vma, number)
        table.map_page(number, page)
    elif vma.file is not None:
        table.map_frame(number, _device_frame(vma.file))
    elif write or vma.shared:
        table.map_page(number, _anonymous_page(task, vma, number))
    else:
        table.map_zero_page(number)


def _anonymous_page(task: Task, vma: Vma, number: int) -> Page:
    """Make an anonymous page by the VMA's policy, else the task's, else on the task's node (get_vma_policy)."""
    policy = vma.policy or task.mempolicy
    return task.memory.pages.add(alloc_by_policy(task, policy, vma.interleave_index(number), task.owner))


def _cached_page(task: Task, file: File, index: int) -> Page:
    """Return a page of the page cache; read it in if it is not there, by the *task's* policy and not a VMA's."""
    if index not in file.cached:
        allocation = alloc_by_policy(task, task.mempolicy, None, PAGE_CACHE)
        task.memory.pages.add(allocation, file, index)
    return file.cached[index]


def _device_frame(device: Device) -> Allocation:
    """Return a frame that the driver gives. Raises BusError if it has none."""
    try:
        return device.fault()
    except OutOfMemory as failed:
        raise BusError(str(failed)) from None
