"""madvise(2) ages, reclaims, drops or populates the pages of a range (mm/madvise.c)."""

import errno
from enum import IntEnum

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.machine.errors import SyscallError, einval
from zswapsim.machine.nodes import Cap
from zswapsim.machine.pages.reclaim import reclaim_page
from zswapsim.machine.process.fault import touch
from zswapsim.machine.process.migrate import is_shared
from zswapsim.machine.process.task import Task
from zswapsim.machine.process.vma import Vma


class Advice(IntEnum):
    """madvise takes this advice about pages; the numbers are those of the user interface."""

    DONTNEED = 4
    COLD = 20
    PAGEOUT = 21
    POPULATE_READ = 22
    POPULATE_WRITE = 23


def madvise(task: Task, address: int, length: int, advice: int) -> None:
    """Advise the kernel about a range.

    Raises SyscallError: EINVAL, also for a driver's mapping; ENOMEM for a hole in the range, when all that is mapped
    has been advised about, or populated up to the hole (madvise_walk_vmas, madvise_populate).
    """
    first, last = task.mm.span(address, length)
    if advice not in set(Advice):
        raise einval(f"advice {advice}")
    if advice in (Advice.POPULATE_READ, Advice.POPULATE_WRITE):
        _populate(task, first, last, write=advice == Advice.POPULATE_WRITE)
        return
    covered = task.mm.covers(first, last)
    for vma in list(task.mm.overlapping(first, last)):
        _check_driver(vma)
        start, end = max(vma.first, first), min(vma.last, last)
        if advice == Advice.DONTNEED:
            task.mm.page_table.zap(start, end)
        else:
            _age(task, start, end, pageout=advice == Advice.PAGEOUT)
    if not covered:
        raise _hole()


def _populate(task: Task, first: int, last: int, *, write: bool) -> None:
    """Fault the pages of a range in, up to the first hole."""
    for number in range(first, last):
        vma = task.mm.vma_of(number)
        if vma is None:
            raise _hole()
        _check_driver(vma)
        touch(task, number * PAGE_SIZE, write=write)


def _check_driver(vma: Vma) -> None:
    """Raise SyscallError (EINVAL) for a mapping of a driver (VM_PFNMAP)."""
    if vma.is_device:
        raise einval("a driver's mapping takes no advice")


def _hole() -> SyscallError:
    return SyscallError(errno.ENOMEM, "nothing is mapped in a part of the range")


def _age(task: Task, first: int, last: int, *, pageout: bool) -> None:
    """Deactivate the pages that the task alone maps, or reclaim them; skip nodes that did not opt into reclaim."""
    memory = task.memory
    for number in range(first, last):
        page = task.mm.page_at(number)
        if page is None or is_shared(page) or not memory.topology.serves(page.node, Cap.RECLAIM):
            continue
        if pageout:
            reclaim_page(memory.pages, page)
        else:
            memory.pages.lruvec(page.node).deactivate(page)
