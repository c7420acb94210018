"""What a process meets: errno of a call, and the signals of a fault."""

import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zswapsim.machine.walk import Walk


class SyscallError(OSError):
    """A call failed with the kernel's errno."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(number, f"{os.strerror(number)}: {why}")

    @property
    def name(self) -> str:
        """``EINVAL`` and the like."""
        return errno.errorcode[self.errno or 0]


class SegmentationFault(Exception):
    """SIGSEGV: nothing is mapped there."""


class BusError(Exception):
    """SIGBUS: a driver has no frame for its mapping."""


class OomKilled(Exception):
    """SIGKILL by the OOM killer, which here takes the process whose fault could not be met; `walk` tells why."""

    def __init__(self, walk: "Walk") -> None:
        super().__init__(f"killed: {walk}")
        self.walk = walk
