"""A driver's own file in /dev: its mappings get frames from a node that was granted to the driver."""

from typing import TYPE_CHECKING

from zswapsim.machine.gfp import GFP_KERNEL
from zswapsim.machine.nodes import Node
from zswapsim.machine.walk import Allocation

if TYPE_CHECKING:
    from zswapsim.machine.machine import Machine


class DeviceFile:
    """``/dev/NAME``. Who may open it is a matter of file permissions; the memory interface of the kernel is as ever."""

    def __init__(self, machine: "Machine", node: Node, name: str = "accel0") -> None:
        self.machine = machine
        self.node = node
        self.name = f"/dev/{name}"
        self.owner = f"driver of {self.name}"
        machine.grant(node, self.owner)

    def fault(self) -> Allocation:
        """A frame for a page of a mapping: the driver's, lent to the process. Raises OutOfMemory."""
        return self.machine.alloc_pages(self.node, gfp=GFP_KERNEL | self.machine.rule.opens, owner=self.owner)
