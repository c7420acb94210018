"""The audit runs every kernel caller and every user surface under every rule, and records what became of each."""

from zswapsim.machine.audit.callers import CALLERS, Met, Outcome
from zswapsim.machine.audit.matrix import OUTCOMES, PROCESS, Cell, audit, run_caller
from zswapsim.machine.audit.surfaces import PROBES
from zswapsim.machine.audit.verdicts import Verdict, verdicts

__all__ = [
    "CALLERS",
    "OUTCOMES",
    "PROBES",
    "PROCESS",
    "Cell",
    "Met",
    "Outcome",
    "Verdict",
    "audit",
    "run_caller",
    "verdicts",
]
