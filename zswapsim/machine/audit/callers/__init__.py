"""Each kernel caller is a function that asks for frames as the code that it is named for does."""

from zswapsim.machine.audit.callers import per_node, swap_backend, user_memory
from zswapsim.machine.audit.callers.outcome import Met, Outcome
from zswapsim.machine.audit.callers.registry import Caller
from zswapsim.machine.audit.callers.requests import fill_dram

__all__ = ["CALLERS", "Caller", "Met", "Outcome", "fill_dram"]

CALLERS: dict[str, Caller] = {**swap_backend.CALLERS, **per_node.CALLERS, **user_memory.CALLERS}
"""This maps names to callers, in the order in which the audit shows them."""
