"""The replay where pages are only counted: no contents, and a backend that need not be asked.

An eviction can't fail then and leaves nothing to remember but that the page has been there, so what is left of an
access is the order of pages. These loops serve `Replay` alone, which adds what follows from the faults.
"""

from libc.stdint cimport uint16_t, uint32_t, uint64_t

from zswapsim._core.base.errors cimport ZSW_OK
from zswapsim._core.base.prefetch cimport zsw_prefetch, zsw_prefetch_read
from zswapsim._core.lru.log cimport (
    LRU_AHEAD, LRU_NONE, LRU_SIGNED, lru_drop, lru_holds, lru_log, lru_put, lru_ready, lru_unmark,
)
from zswapsim._core.lru.block cimport LRU_BLOCK, LRU_BLOCK_FRAMES, block_replay, lru_block
from zswapsim._core.reclaim.reclaimer cimport DIRTY, HIT, HITS, RESIDENT, TOUCHED, Reclaimer, counted_run


# Asks for 64 accesses of those behind these `count`, which come next as a rule, while there is other work to do.
cdef inline void fetch_soon(const counted_run *run, const uint32_t *pages, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(0, 64, 16):
        zsw_prefetch_read(pages + count + run.done + i)
    zsw_prefetch_read(run.ops + count + run.done)


# Exact LRU: an eviction is a step of the log's old end. 0 or ZSW_E_NOMEM.
cdef inline int count_lru(counted_run *run, lru_log *log, const uint32_t *pages, Py_ssize_t count) noexcept nogil:
    cdef uint32_t before = log.live
    cdef bint blocks = run.batch == 1 and run.frames >= LRU_BLOCK_FRAMES
    cdef Py_ssize_t end
    cdef int code = ZSW_OK
    while run.done < count:
        if log.head & 63 == 0:
            code = lru_ready(log, run.stamps)
            if code < 0:
                break
        end = min(count, run.done + 64 - (log.head & 63))
        if blocks and end - run.done == LRU_BLOCK and signed_stamps(log):
            fetch_soon(run, pages, count)
            count_block(run, log, pages + run.done, pages + min(run.done + 2 * LRU_BLOCK, count - LRU_BLOCK))
        else:
            count_word(run, log, pages + run.done, end - run.done, count - run.done)
        run.done = end
    run.evicted = before + run.minor_faults + run.major_faults - log.live
    return code


# Whether stamps and places of the next block are in order as signed numbers.
cdef inline bint signed_stamps(const lru_log *log) noexcept nogil:
    return log.head < LRU_SIGNED - 64 and log.capacity < LRU_SIGNED


cdef inline void count_block(
    counted_run *run, lru_log *log, const uint32_t *pages, const uint32_t *following,
) noexcept nogil:
    cdef lru_block block
    block_replay(&block, log, run.stamps, run.frames, pages, following)
    run.minor_faults += block.minor
    run.major_faults += block.misses - block.minor


# Accesses as many as fit into the word of marks that head is in; `known`: pages that may be read ahead.
cdef inline void count_word(
    counted_run *run, lru_log *shared, const uint32_t *pages, Py_ssize_t count, Py_ssize_t known,
) noexcept nogil:
    # Copies, which no write to a stamp or to the log can be taken to change.
    cdef lru_log log = shared[0]
    cdef uint32_t *stamps = run.stamps
    cdef uint32_t page, stamp, frames = run.frames
    cdef uint64_t minor = 0, misses = 0
    cdef Py_ssize_t i
    for i in range(count):
        zsw_prefetch(&stamps[pages[min(i + LRU_AHEAD, known - 1)]])
        page = pages[i]
        stamp = stamps[page]
        if lru_holds(&log, stamp):
            lru_unmark(&log, stamp)
        else:
            misses += 1
            minor += stamp == LRU_NONE
            if log.live >= frames:
                drop_batch(&log, run.batch)
            log.live += 1
        lru_put(&log, stamps, page)
    shared[0] = log
    run.minor_faults += minor
    run.major_faults += misses - minor


cdef inline void drop_batch(lru_log *log, uint32_t batch) noexcept nogil:
    cdef uint32_t left = min(batch, log.live)
    while left:
        lru_drop(log)
        left -= 1


# Goes on to the next access to a page that is not in DRAM; whether there is one. A hit counts in the page's state, and
# that is all.
cdef inline bint count_hits(
    counted_run *run, Reclaimer reclaimer, const uint32_t *pages, Py_ssize_t count,
) noexcept nogil:
    cdef uint16_t *states = run.states
    cdef uint16_t *state
    cdef uint32_t most = reclaimer.most * HIT
    cdef bint stamped = reclaimer.stamped
    cdef Py_ssize_t i = run.done
    cdef uint32_t ahead
    while i < count:
        ahead = pages[min(i + LRU_AHEAD, count - 1)]
        zsw_prefetch(&states[ahead])
        if stamped:
            zsw_prefetch(&run.stamps[ahead])
        state = &states[pages[i]]
        if state[0] & RESIDENT == 0:
            break
        if most:
            state[0] += HIT * <uint32_t> (state[0] & HITS < most)
        i += 1
    run.done = i
    return i < count


# Counts a fault at the access that is next, and puts the page into DRAM. Whether it has been there.
cdef inline bint count_fault(counted_run *run, Reclaimer reclaimer, uint32_t page) noexcept nogil:
    cdef bint refault = run.states[page] != 0
    run.minor_faults += not refault
    run.major_faults += refault
    run.states[page] = TOUCHED | DIRTY | RESIDENT
    run.done += 1
    reclaimer.resident += 1
    return refault
