"""Observe how a running process uses its memory, or read what damo and perf recorded of one. See docs/live.md."""

from zswapsim.live.activity import Activity, Referenced, Reused
from zswapsim.live.damon import damon_activity
from zswapsim.live.observe import METHODS, observe

__all__ = ["METHODS", "Activity", "Referenced", "Reused", "damon_activity", "observe"]
