"""Read a trace in advance, for the reclaimer that knows its accesses."""

from zswapsim._core.reclaim.opt import NextAccesses
from zswapsim.reclaimers.future import next_accesses
from zswapsim.reclaimers.names import OPT, parse_reclaim
from zswapsim.traces import DenseTrace


def trace_future(reclaim: str, trace: DenseTrace) -> NextAccesses | None:
    """Return the accesses of a trace that was scanned; None if the reclaimer does not use them.

    A trace that is too long to be held in memory is read once more. Raises InputError, HostMemoryError.
    """
    if parse_reclaim(reclaim)[0] != OPT:
        return None
    return next_accesses((pages for pages, _ in trace.chunks()), trace.events, trace.pages)
