"""Each probe tries one call or file through which a process could reach a private node or see it."""

from zswapsim.machine.audit.surfaces import cpusets, files, memory, migration, policies
from zswapsim.machine.audit.surfaces.registry import Probe

__all__ = ["PROBES", "Probe"]

PROBES: dict[str, Probe] = {
    **memory.PROBES,
    **policies.PROBES,
    **migration.PROBES,
    **cpusets.PROBES,
    **files.PROBES,
}
"""This maps names to probes, in the order in which the audit shows them."""
