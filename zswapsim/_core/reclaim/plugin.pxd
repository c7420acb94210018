"""A third party's reclaimer: its functions behind the contract that the engine knows, each answer checked."""

from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t

from zswapsim._core.reclaim.capi cimport zsw_reclaim_host
from zswapsim._core.reclaim.plugin_table cimport ReclaimerTable
from zswapsim._core.reclaim.reclaimer cimport EngineBase, Reclaimer

# How a plug-in broke its contract.
cdef enum plugin_mistake:
    MISTAKE_NONE = 0
    ASKED_OUTSIDE               # accessed() or test_and_clear_accessed() outside of insert() and reclaim()
    ASKED_ABSENT                # the same, of a page that is not in DRAM
    EVICTED_OUTSIDE             # evict() outside of reclaim()
    EVICTED_ABSENT              # evict() of a page that is not in DRAM
    EVICTED_ENDLESSLY           # evict() of pages that must stay, over and over
    EVICTED_NONE                # reclaim() ended without an eviction, and without a page that must stay
    WRONG_INSERT_CODE
    WRONG_RECLAIM_CODE
    WRONG_CREATE_CODE


cdef class PluginReclaimer(Reclaimer):
    cdef readonly ReclaimerTable table
    cdef readonly dict values           # every parameter's value
    cdef zsw_reclaim_host host          # its `engine` is this object
    cdef void *state                    # owned, the plug-in's; NULL before attach()
    cdef void *engine                   # the EngineBase, borrowed while reclaim() runs; else NULL
    cdef bint inside                    # insert() or reclaim() runs
    cdef uint32_t evicted               # pages evicted by the present reclaim()
    cdef uint64_t stayed                # pages that it wanted to evict, and that must stay
    cdef int ending                     # the code by which evict() or a function of the plug-in ended the run, or 0
    cdef plugin_mistake mistake
    cdef int64_t mistaken               # the page, or the code, of the mistake

    cdef bint is_listed(self, uint32_t page) noexcept nogil
    cdef uint32_t accessed(self, uint32_t page, bint clear) noexcept nogil
    cdef int evict(self, uint32_t page) noexcept nogil
    cdef int evict_listed(self, uint32_t page) noexcept nogil
    cdef int note_mistake(self, plugin_mistake mistake, int64_t mistaken) noexcept nogil
    cdef int judged(self, int code) noexcept nogil
    cdef int ended(self) noexcept nogil
    cdef int blame_mistake(self) noexcept
    cdef str mistake_text(self)
