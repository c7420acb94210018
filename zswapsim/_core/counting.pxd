"""The replay where pages are only counted: no contents, and a backend that need not be asked.

An eviction can't fail then and leaves nothing to remember but that the page has been there, so what is left of an
access is the order of pages. These loops serve `Replay` alone, which adds what follows from the faults.
"""

from libc.stdint cimport uint32_t, uint64_t

from zswapsim._core.errors cimport ZSW_OK
from zswapsim._core.lru cimport (
    LRU_AHEAD, lru_drop, lru_holds, lru_log, lru_ready, lru_unmark, page_record, zsw_prefetch,
)
from zswapsim._core.reclaim cimport DIRTY, HIT, HITS, RESIDENT, TOUCHED, Evictor, Reclaimer

# Of one call: what it works on, and what came of it.
ctypedef struct counted_run:
    page_record *records
    uint32_t frames             # of DRAM
    uint32_t batch              # pages evicted when no frame is free
    uint64_t accesses           # of the trace before these
    Py_ssize_t done             # accesses that were replayed
    uint64_t minor_faults
    uint64_t major_faults
    uint64_t evicted


# Exact LRU: an eviction is a step of the log's old end. 0 or ZSW_E_NOMEM.
cdef inline int count_lru(counted_run *run, lru_log *log, const uint32_t *pages, Py_ssize_t count) noexcept nogil:
    cdef uint32_t before = log.live
    cdef Py_ssize_t end
    cdef int code = ZSW_OK
    while run.done < count:
        if log.head & 63 == 0:
            code = lru_ready(log, run.records)
            if code < 0:
                break
        end = min(count, run.done + 64 - (log.head & 63))
        count_word(run, log, pages + run.done, end - run.done, count - run.done)
        run.done = end
    run.evicted = before + run.minor_faults + run.major_faults - log.live
    return code


# Accesses as many as fit into the word of marks that head is in; `known`: pages that may be read ahead.
cdef inline void count_word(
    counted_run *run, lru_log *shared, const uint32_t *pages, Py_ssize_t count, Py_ssize_t known,
) noexcept nogil:
    # Copies, which no write to a record or to the log can be taken to change.
    cdef lru_log log = shared[0]
    cdef page_record *records = run.records
    cdef page_record *record
    cdef uint32_t page, frames = run.frames
    cdef uint64_t minor = 0, misses = 0
    cdef Py_ssize_t i
    for i in range(count):
        zsw_prefetch(&records[pages[min(i + LRU_AHEAD, known - 1)]])
        page = pages[i]
        record = &records[page]
        if lru_holds(&log, record.stamp):
            lru_unmark(&log, record.stamp - log.base)
        else:
            misses += 1
            minor += record.state == 0
            if log.live >= frames:
                drop_batch(&log, run.batch)
            log.live += 1
        record.state = TOUCHED | DIRTY
        log.entries[log.head] = page
        record.stamp = log.base + log.head
        log.head += 1
    shared[0] = log
    run.minor_faults += minor
    run.major_faults += misses - minor


cdef inline void drop_batch(lru_log *log, uint32_t batch) noexcept nogil:
    cdef uint32_t left = min(batch, log.live)
    while left:
        lru_drop(log)
        left -= 1


# A reclaimer: a hit counts in the page's record, and that is all. 0; ZSW_E_FULL where no page could go; any other
# negative code ends the run.
cdef inline int count_marking(
    counted_run *run, Reclaimer reclaimer, Evictor engine, const uint32_t *pages, Py_ssize_t count,
) noexcept nogil:
    cdef page_record *records = run.records
    cdef page_record *record
    cdef uint32_t most = reclaimer.most * HIT
    cdef uint64_t before = engine.evicted
    cdef Py_ssize_t i = 0
    cdef int code = ZSW_OK
    while i < count:
        zsw_prefetch(&records[pages[min(i + LRU_AHEAD, count - 1)]])
        record = &records[pages[i]]
        if record.state & RESIDENT:
            if most:
                record.state += HIT * <uint32_t> (record.state & HITS < most)
        else:
            reclaimer.clock = run.accesses + i
            code = count_fault(run, reclaimer, engine, pages[i])
            if code < 0:
                break
        i += 1
    run.done = i
    run.evicted = engine.evicted - before
    return code


cdef inline int count_fault(counted_run *run, Reclaimer reclaimer, Evictor engine, uint32_t page) noexcept nogil:
    cdef page_record *record = &run.records[page]
    cdef bint refault = record.state != 0
    cdef int code
    while reclaimer.resident >= run.frames:
        code = reclaimer.reclaim(engine, page, min(run.batch, reclaimer.resident))
        if code < 0:
            return code
    run.minor_faults += not refault
    run.major_faults += refault
    record.state = TOUCHED | DIRTY | RESIDENT
    reclaimer.insert(page, refault)
    reclaimer.resident += 1
    return ZSW_OK
