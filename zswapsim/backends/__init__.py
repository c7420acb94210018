"""The swap backends, built from settings: private node, zswap, zram, a compressing device, a plain disk."""

from zswapsim.backends.build import BackendPlan, open_backend

__all__ = ["BackendPlan", "open_backend"]
