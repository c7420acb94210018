"""The outcome of a kernel caller records what became of each of its requests."""

from typing import NamedTuple

from zswapsim.machine.allocator.walk import Allocation, OutOfMemory


class Met(NamedTuple):
    """Record the result of one request."""

    kind: str
    """The kind is ``got``, ``refused``, or ``tried``: refused, and asked again with other flags."""
    what: Allocation | OutOfMemory


class Outcome(list[Met]):
    """List the results of a caller's requests, in order."""

    @property
    def got(self) -> list[Allocation]:
        """Return the allocations that the caller got."""
        return [met.what for met in self if isinstance(met.what, Allocation)]

    @property
    def refused(self) -> list[OutOfMemory]:
        """Return the failures that the caller could not make up for."""
        return [met.what for met in self if met.kind == "refused" and isinstance(met.what, OutOfMemory)]
