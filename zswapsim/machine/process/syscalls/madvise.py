"""madvise(2) ages, reclaims, drops or populates the pages of a range (mm/madvise.c)."""

import errno
from enum import IntEnum

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.machine.errors import SyscallError, einval
from zswapsim.machine.nodes import Cap
from zswapsim.machine.pages.reclaim import reclaim_page
from zswapsim.machine.process.fault import touch
from zswapsim.machine.process.task import Task


class Advice(IntEnum):
    """madvise takes this advice about pages; the numbers are those of the user interface."""

    DONTNEED = 4
    COLD = 20
    PAGEOUT = 21
    POPULATE_READ = 22
    POPULATE_WRITE = 23


def madvise(task: Task, address: int, length: int, advice: int) -> None:
    """Advise the kernel about a range. Raises SyscallError: EINVAL, ENOMEM for a hole in the range."""
    first, last = task.mm.span(address, length)
    if advice not in set(Advice):
        raise einval(f"advice {advice}")
    if not task.mm.covers(first, last):
        raise SyscallError(errno.ENOMEM, "nothing is mapped in a part of the range")
    if advice == Advice.DONTNEED:
        task.mm.page_table.zap(first, last)
    elif advice in (Advice.POPULATE_READ, Advice.POPULATE_WRITE):
        for number in range(first, last):
            touch(task, number * PAGE_SIZE, write=advice == Advice.POPULATE_WRITE)
    else:
        _age(task, first, last, pageout=advice == Advice.PAGEOUT)


def _age(task: Task, first: int, last: int, *, pageout: bool) -> None:
    """Deactivate the pages that the task alone maps, or reclaim them; skip nodes that did not opt into reclaim."""
    memory = task.memory
    for number in range(first, last):
        page = task.mm.page_at(number)
        if page is None or len(page.mapped) > 1 or not memory.topology.serves(page.node, Cap.RECLAIM):
            continue
        if pageout:
            reclaim_page(memory.pages, page)
        else:
            memory.pages.lruvec(page.node).deactivate(page)
