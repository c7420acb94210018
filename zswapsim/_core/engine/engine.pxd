"""Hold the engine's state: a page table, a reclaimer, a backend, and the counters.

The files beside this one are functions on it: walk (a trace), fault (an access to a page outside DRAM),
direct_reclaim, lists, swap_in, swap_out, folios (large ones), swap_cache (readahead), mapped (access through the
backend), statistics. What every fault needs is inline; folios, swap_cache and mapped are modules, so that the compiler
keeps them out of the fault path of single pages. replay.pyx is the class that Python sees.
"""

from libc.stdint cimport uint32_t, uint64_t

from zswapsim._core.backend.backend cimport Backend
from zswapsim._core.base.busy cimport busy_flag
from zswapsim._core.base.counters cimport replay_counters
from zswapsim._core.base.histogram cimport histogram
from zswapsim._core.engine.folio_table cimport folio_table
from zswapsim._core.engine.page_table cimport PageTable
from zswapsim._core.readahead.readahead cimport Readahead
from zswapsim._core.reclaim.reclaimer cimport EngineBase, Reclaimer


cdef class Engine(EngineBase):
    cdef PageTable table
    cdef readonly Backend backend       # None until the engine is open
    cdef readonly Reclaimer reclaimer
    cdef readonly Readahead readahead   # None if nothing is read ahead
    cdef readonly uint32_t frames       # of DRAM
    cdef uint32_t batch                 # pages to reclaim when no frame is free
    cdef bint zero_map                  # pages of zeros never reach the backend
    cdef bint verify                    # compare every page that is loaded with what was stored
    cdef busy_flag busy                 # a call is using the engine
    cdef int code                       # the code that ended the run, or 0
    cdef uint32_t stop_page             # the page at which the run ended
    cdef double background_ns           # device time of reads that no fault waits for
    cdef uint64_t verified_loads        # loads that were compared
    cdef replay_counters counters
    cdef histogram latency              # of major faults, modelled ns
    cdef folio_table folios


# Return how long faults have waited so far, modelled ns, without the faults' own constants.
cdef inline double waited_ns(Engine engine) noexcept nogil:
    return engine.backend.costs.charged_ns - engine.background_ns
