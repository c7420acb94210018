"""Say what a run is to do: the Settings record, and how sizes, backends, reclaimers, groups and devices are written."""

from zswapsim.study.settings.settings import DEPTHS, MOST_FRAMES, NO_HOST_NODE, READAHEADS, Settings

__all__ = ["DEPTHS", "MOST_FRAMES", "NO_HOST_NODE", "READAHEADS", "Settings"]
