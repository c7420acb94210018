"""A driver takes long-term pins of user pages (mm/gup.c)."""

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.machine.nodes import Cap
from zswapsim.machine.process.task import Task


def pin_longterm(task: Task, address: int) -> bool:
    """Pin the page at an address for the long term (FOLL_LONGTERM); return True if it is pinned now.

    No page is pinned where none is present, nor on a private node that did not opt in; such a page is not moved either.
    """
    page = task.mm.page_at(address // PAGE_SIZE)
    if page is None or not task.memory.topology.serves(page.node, Cap.LTPIN):
        return False
    page.pinned = True
    return True
