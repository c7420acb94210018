"""Replay accesses if pages are only counted: there are no contents, and the backend need not be called.

An eviction can't fail then, and of an evicted page only the fact that it has been in DRAM is kept. So an access changes
only the order of pages; the engine derives all other counters from the faults (engine/walk.pxd).
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from zswapsim._core.base.page_flags cimport DIRTY, FAULTED, HIT, HITS, IN_SLOT, RESIDENT
from zswapsim._core.base.hints cimport zsw_prefetch_read, zsw_prefetch_write

cdef enum:
    WALK_AHEAD = 32             # accesses whose states and stamps are prefetched

ctypedef struct counting_run:   # one call: its tables, and its results
    uint32_t *stamps            # by page; borrowed from the page table, as is the next
    uint16_t *states
    const uint8_t *ops          # of the accesses; counted afterwards
    uint32_t frames             # of DRAM
    uint32_t batch              # pages evicted if no frame is free
    uint64_t accesses           # accesses of the trace before this call
    Py_ssize_t done             # accesses replayed
    uint64_t minor_faults
    uint64_t major_faults
    uint64_t evicted


# Prefetch 64 accesses after these `count`, which mostly follow in memory.
cdef inline void prefetch_accesses(const counting_run *run, const uint32_t *pages, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(0, 64, 16):
        zsw_prefetch_read(pages + count + run.done + i)
    zsw_prefetch_read(run.ops + count + run.done)


# Go on to the next access to a page outside DRAM, and return true if there is one. A hit only counts in the page's
# state. `reads_stamps`: a fault reads the page's stamp.
cdef inline bint skip_hits(
    counting_run *run, uint32_t max_hits, bint reads_stamps, const uint32_t *pages, Py_ssize_t count,
) noexcept nogil:
    cdef uint16_t *states = run.states
    cdef uint16_t *state
    cdef uint32_t most = max_hits * HIT
    cdef Py_ssize_t i = run.done
    cdef uint32_t ahead
    while i < count:
        ahead = pages[min(i + WALK_AHEAD, count - 1)]
        zsw_prefetch_write(&states[ahead])
        if reads_stamps:
            zsw_prefetch_write(&run.stamps[ahead])
        state = &states[pages[i]]
        if state[0] & RESIDENT == 0:
            break
        if most:
            state[0] += HIT * <uint32_t> (state[0] & HITS < most)
        i += 1
    run.done = i
    return i < count


# Count a fault at the next access and map the page. Return true if the page refaults.
cdef inline bint account_fault(counting_run *run, uint32_t page) noexcept nogil:
    cdef bint refault = run.states[page] != 0
    run.minor_faults += not refault
    run.major_faults += refault
    run.states[page] = FAULTED | DIRTY | RESIDENT
    run.done += 1
    return refault


# Undo account_fault() for a page that the reclaimer could not insert.
cdef inline void undo_fault(counting_run *run, uint32_t page, bint refault) noexcept nogil:
    run.minor_faults -= not refault
    run.major_faults -= refault
    run.states[page] = FAULTED | IN_SLOT if refault else 0
    run.done -= 1
