"""A process has a task, and offers the system calls that the task can make."""

from collections.abc import Sequence

from zswapsim.machine.nodemask import NO_NODES, Nodemask
from zswapsim.machine.pages.page import File
from zswapsim.machine.process.address_space import AddressSpace
from zswapsim.machine.process.fault import touch
from zswapsim.machine.process.migrate import MoveFlag
from zswapsim.machine.process.numa_maps import numa_maps
from zswapsim.machine.process.pin import pin_longterm
from zswapsim.machine.process.syscalls.madvise import madvise
from zswapsim.machine.process.syscalls.mbind import mbind
from zswapsim.machine.process.syscalls.mempolicy import get_mempolicy, set_mempolicy, set_mempolicy_home_node
from zswapsim.machine.process.syscalls.migrate_pages import migrate_pages
from zswapsim.machine.process.syscalls.move_pages import move_pages
from zswapsim.machine.process.task import Task
from zswapsim.machine.process.vma import Device


class Process:
    """Make the system calls of a task; :meth:`Machine.spawn` starts a process.

    Its calls raise SyscallError with the kernel's errno. Addresses and lengths are in bytes, nodes are numbers.
    """

    def __init__(self, task: Task) -> None:
        self.task = task

    @property
    def mm(self) -> AddressSpace:
        """Return the address space of the process."""
        return self.task.mm

    def mmap(self, length: int, file: File | Device | None = None, *, offset: int = 0, shared: bool = False) -> int:
        """Map anonymous memory, or a file from byte `offset` on; return the address."""
        return self.task.mm.mmap(length, file, offset, shared=shared)

    def munmap(self, address: int, length: int) -> None:
        """Unmap a range, and free the frames that nobody maps any more."""
        self.task.mm.munmap(address, length)

    def touch(self, address: int, *, write: bool = True) -> None:
        """Access a byte. Raises SegmentationFault, BusError, or OomKilled, which ends the process."""
        touch(self.task, address, write=write)

    def madvise(self, address: int, length: int, advice: int) -> None:
        """Advise the kernel about a range, see :class:`Advice`."""
        madvise(self.task, address, length, advice)

    def pin_longterm(self, address: int) -> bool:
        """Pin the page at an address for the long term (FOLL_LONGTERM); return True if it is pinned now."""
        return pin_longterm(self.task, address)

    def mbind(
        self, address: int, length: int, mode: int, nodes: Nodemask = NO_NODES, mode_flags: int = 0, flags: int = 0
    ) -> None:
        """Set the policy of a range; with MoveFlag.MOVE, also move the pages that are there already."""
        mbind(self.task, address, length, mode, nodes, mode_flags, flags)

    def set_mempolicy(self, mode: int, nodes: Nodemask = NO_NODES, mode_flags: int = 0) -> None:
        """Set the policy of the process."""
        set_mempolicy(self.task, mode, nodes, mode_flags)

    def set_mempolicy_home_node(self, address: int, length: int, home: int, flags: int = 0) -> None:
        """Set the node from whose list the policies of a range allocate."""
        set_mempolicy_home_node(self.task, address, length, home, flags)

    def get_mempolicy(self, address: int = 0, flags: int = 0) -> tuple[int, Nodemask]:
        """Return a mode with its flags, and a mask, see :class:`GetFlag`."""
        return get_mempolicy(self.task, address, flags)

    def move_pages(
        self, addresses: Sequence[int], nodes: Sequence[int] | None = None, flags: int = MoveFlag.MOVE
    ) -> list[int]:
        """Move pages; if `nodes` is None, only report where they are. Returns a node or a negative errno for each."""
        return move_pages(self.task, addresses, nodes, flags)

    def migrate_pages(self, old: Nodemask, new: Nodemask) -> int:
        """Move the pages on the n-th node of `old` to the n-th node of `new`; return how many could not be moved."""
        return migrate_pages(self.task, old, new)

    def numa_maps(self) -> str:
        """Return the text of /proc/PID/numa_maps."""
        return numa_maps(self.task)

    def exit(self) -> None:
        """End the process and free its memory."""
        self.task.exit()

    def check(self) -> None:
        """Assert every invariant of the address space."""
        self.task.mm.check()
