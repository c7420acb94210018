"""These signals end an access to memory."""

from zswapsim.machine.allocator.walk import Walk


class SegmentationFault(Exception):
    """SIGSEGV: nothing is mapped at the address."""


class BusError(Exception):
    """SIGBUS: a driver has no frame for its mapping."""


class OomKilled(Exception):
    """SIGKILL by the OOM killer, which here kills the process whose fault failed; `walk` says why it failed."""

    def __init__(self, walk: Walk) -> None:
        super().__init__(f"killed: {walk}")
        self.walk = walk
