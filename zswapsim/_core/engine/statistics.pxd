"""Statistics of the engine, and the check of its invariants."""

from zswapsim._core.engine.engine cimport Engine

# Return the counters by the names of a Result; sizes in bytes. Those of reclaimer, readahead and backend are included.
cdef dict engine_counters(Engine engine)
# Return measured codec time (`wall`) and `modelled` time by cause, nanoseconds.
cdef dict engine_times(Engine engine)
# Return the modelled latency of major faults so far, ns.
cdef dict engine_latencies(Engine engine)
# Return the frames of every node by owner.
cdef dict engine_owners(Engine engine)
# Assert every invariant of pages, folios, frames, lists and backend. O(pages + slots).
cdef int check_engine(Engine engine) except -1
