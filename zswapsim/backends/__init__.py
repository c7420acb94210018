"""Build the backends behind swap: the private node, zswap, zram, a compressing device, and a plain disk."""

from zswapsim.backends.build import BackendPlan, open_backend

__all__ = ["BackendPlan", "open_backend"]
