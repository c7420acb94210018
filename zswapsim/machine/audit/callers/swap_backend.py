"""The swap backend takes frames of the private node that it was granted."""

from zswapsim.machine.audit.callers.outcome import Outcome
from zswapsim.machine.audit.callers.registry import CallerTable
from zswapsim.machine.audit.callers.requests import alloc_on_each, private_nodes
from zswapsim.machine.gfp import GFP_KERNEL
from zswapsim.machine.machine import SWAP_BACKEND, Machine

CALLERS = CallerTable()


@CALLERS.add("swap backend", "alloc_pages by grant")
def swap_backend(machine: Machine) -> Outcome:
    """Take a frame of the private node for the pool."""
    node = private_nodes(machine)[0]
    machine.grant(node, SWAP_BACKEND)
    return alloc_on_each(machine, [node], GFP_KERNEL | machine.rule.opens, SWAP_BACKEND)
