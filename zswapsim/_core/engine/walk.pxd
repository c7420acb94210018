"""Walk over a trace in pieces: check the page numbers of a piece, and replay it by the loop that fits the run.

The reclaimer has the loops for single pages: Reclaimer.walk(), and walk_counting() if pages are only counted. The loop
for large folios is here.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from zswapsim._core.base.arrays cimport all_below, count_nonzero
from zswapsim._core.base.errors cimport ZSW_E_RANGE, ZSW_OK
from zswapsim._core.base.histogram cimport histogram_add_many
from zswapsim._core.base.page_flags cimport HIT, HITS, LARGE, RESIDENT, is_first_write
from zswapsim._core.base.hints cimport zsw_prefetch_write
from zswapsim._core.engine.engine cimport Engine
from zswapsim._core.engine.fault cimport handle_fault
from zswapsim._core.engine.folio_table cimport folio_record
from zswapsim._core.engine.folios cimport begin_page
from zswapsim._core.engine.swap_out cimport write_page
from zswapsim._core.reclaim.counting cimport WALK_AHEAD, counting_run

cdef enum:
    CHECK_PIECE = 1 << 13       # accesses whose page numbers are checked together, while they are in the cache


# Add a counting run's faults to the counters, and the counters that follow from them.
cdef inline void add_counting_run(Engine engine, const counting_run *run) noexcept nogil:
    engine.counters.pages += run.minor_faults
    engine.counters.minor_faults += run.minor_faults
    engine.counters.major_faults += run.major_faults
    engine.counters.reclaimed_pages += run.evicted
    engine.resident_pages = engine.reclaimer.resident
    engine.backend.count_swaps(run.evicted, run.major_faults)
    histogram_add_many(&engine.latency, engine.backend.costs.major_fault, run.major_faults)


# Replay accesses if pages are only counted. 0 or the negative code that ends the run.
cdef inline int walk_counting(
    Engine engine, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, Py_ssize_t *done,
) noexcept nogil:
    cdef counting_run run
    cdef uint64_t evicted = engine.evicted
    cdef int code
    memset(&run, 0, sizeof(run))
    run.stamps = engine.table.stamps
    run.states = engine.table.states
    run.ops = ops
    run.frames = engine.frames
    run.batch = engine.batch
    run.accesses = engine.accesses
    code = engine.reclaimer.walk_counting(&run, engine, pages, count)
    run.evicted = engine.evicted - evicted
    done[0] = run.done
    add_counting_run(engine, &run)
    return code


# Replay accesses to large folios. A hit counts for the whole folio. 0 or the negative code that ends the run.
cdef inline int walk_folios(
    Engine engine, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, Py_ssize_t *done,
) noexcept nogil:
    cdef const uint32_t *page_of = engine.folios.page_of
    cdef uint32_t *stamps = engine.table.stamps
    cdef uint16_t *states = engine.table.states
    cdef folio_record *folio
    cdef uint32_t order = engine.table.order, in_folio = engine.folios.size - 1
    cdef uint32_t max_hits = engine.reclaimer.max_hits * HIT
    cdef bint moves_on_hit = engine.reclaimer.moves_on_hit
    cdef uint32_t page, unit
    cdef Py_ssize_t i = 0, last = count - 1
    cdef int code = ZSW_OK
    while i < count:
        page = page_of[pages[min(i + WALK_AHEAD, last)]]
        zsw_prefetch_write(&stamps[page])
        zsw_prefetch_write(&states[page])
        page = page_of[pages[i]]
        unit = page & ~in_folio
        unit = unit if states[unit] & LARGE else page
        if states[unit] & RESIDENT == 0:
            engine.reclaimer.clock = engine.accesses + i
            code = handle_fault(engine, page, ops[i] != 0)
        else:
            if max_hits:
                states[unit] += HIT * <uint32_t> (states[unit] & HITS < max_hits)
            if moves_on_hit:
                code = engine.reclaimer.access(unit)
        if code < 0:
            break
        folio = &engine.folios.records[page >> order]
        if folio.accessed_mask >> (page & in_folio) & 1 == 0:
            folio.accessed_mask |= <uint32_t> 1 << (page & in_folio)
            begin_page(engine, page)
        if is_first_write(states[page], ops[i]):
            write_page(engine, page)
        i += 1
    done[0] = i
    return code


# Replay accesses to pages that are in range, and set *done to their number. 0 or the negative code that ends the run.
cdef inline int walk(
    Engine engine, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, Py_ssize_t *done,
) noexcept nogil:
    cdef int code
    engine.accesses = engine.counters.accesses
    if engine.counting:
        code = walk_counting(engine, pages, ops, count, done)
    elif engine.table.order:
        code = walk_folios(engine, pages, ops, count, done)
    else:
        code = engine.reclaimer.walk(engine, pages, ops, count, done)
    engine.counters.accesses += done[0]
    engine.counters.writes += count_nonzero(ops, done[0])
    if code < 0:
        engine.stop_page = pages[done[0]]
    return code


# Replay a trace in pieces; page numbers must be below `limit`. If one is not, return ZSW_E_RANGE; the pieces before it
# have been replayed then.
cdef inline int walk_pieces(
    Engine engine, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, uint32_t limit, Py_ssize_t *done,
) noexcept nogil:
    cdef Py_ssize_t size, walked
    cdef int code = ZSW_OK
    while code == ZSW_OK and done[0] < count:
        size = min(count - done[0], <Py_ssize_t> CHECK_PIECE)
        if not all_below(pages + done[0], size, limit):
            return ZSW_E_RANGE
        code = walk(engine, pages + done[0], ops + done[0], size, &walked)
        done[0] += walked
    return code
