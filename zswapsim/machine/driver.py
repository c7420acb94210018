"""A driver's own file in /dev maps frames of a node that was granted to the driver."""

from zswapsim.machine.allocator.walk import Allocation
from zswapsim.machine.gfp import GFP_KERNEL
from zswapsim.machine.machine import Machine
from zswapsim.machine.nodes import Node


class DeviceFile:
    """Represent ``/dev/NAME``. File permissions decide who may open it; the memory interface does not change."""

    def __init__(self, machine: Machine, node: Node, name: str = "accel0") -> None:
        self.machine = machine
        self.node = node
        self.name = f"/dev/{name}"
        self.owner = f"driver of {self.name}"
        machine.grant(node, self.owner)

    def fault(self) -> Allocation:
        """Return a frame for a page of a mapping; the driver owns it. Raises OutOfMemory."""
        return self.machine.alloc_pages(self.node, gfp=GFP_KERNEL | self.machine.rule.opens, owner=self.owner)
