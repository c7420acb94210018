"""Model a kernel that hands out the memory of a machine with private nodes, and audit who gets and who sees them.

>>> from zswapsim.machine import Machine
>>> machine = Machine.example("fallback-lists")
>>> machine.visits(machine.nodes["C"], set(machine.nodes.values()) - {machine.nodes["B"]})
[C, A]
"""

from zswapsim.machine.allocator.walk import Allocation, OutOfMemory, Walk
from zswapsim.machine.driver import DeviceFile
from zswapsim.machine.errors import SyscallError
from zswapsim.machine.gfp import GFP, GFP_HIGHUSER_MOVABLE, GFP_KERNEL, GFP_NOWAIT, GFP_PRIVATE, GFP_USER
from zswapsim.machine.interface import INTERFACES, Interface
from zswapsim.machine.isolation import RULES, Isolation
from zswapsim.machine.machine import SWAP_BACKEND, Machine
from zswapsim.machine.mempolicy import Mode, ModeFlag
from zswapsim.machine.nodes import Cap, Node, NodeSpec, NodeState
from zswapsim.machine.pages.page import File
from zswapsim.machine.process.migrate import MoveFlag
from zswapsim.machine.process.process import Process
from zswapsim.machine.process.signals import BusError, OomKilled, SegmentationFault
from zswapsim.machine.process.syscalls.madvise import Advice
from zswapsim.machine.process.syscalls.mempolicy import GetFlag

__all__ = [
    "GFP",
    "GFP_HIGHUSER_MOVABLE",
    "GFP_KERNEL",
    "GFP_NOWAIT",
    "GFP_PRIVATE",
    "GFP_USER",
    "INTERFACES",
    "RULES",
    "SWAP_BACKEND",
    "Advice",
    "Allocation",
    "BusError",
    "Cap",
    "DeviceFile",
    "File",
    "GetFlag",
    "Interface",
    "Isolation",
    "Machine",
    "Mode",
    "ModeFlag",
    "MoveFlag",
    "Node",
    "NodeSpec",
    "NodeState",
    "OomKilled",
    "OutOfMemory",
    "Process",
    "SegmentationFault",
    "SyscallError",
    "Walk",
]
