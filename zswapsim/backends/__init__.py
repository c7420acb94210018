"""What stands behind swap: the private node, a compressing device, and a plain disk."""

from zswapsim.backends.build import BackendPlan, open_backend

__all__ = ["BackendPlan", "open_backend"]
