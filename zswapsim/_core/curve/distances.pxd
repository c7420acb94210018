from libc.stdint cimport uint8_t, uint32_t, uint64_t

from zswapsim._core.base.busy cimport busy_flag
from zswapsim._core.curve.rankedbits cimport rank_bitmap

ctypedef struct stack_record:    # 8 bytes
    uint32_t stamp               # place of its latest access; STACK_NONE before the first one
    uint32_t max_distance        # largest distance since it last became dirty; every smaller DRAM has stored it since


# Each access takes the next place. A place is marked if it is its page's latest access. The word of next_place is
# marked up to its end in advance. When places run out, the marked ones are compacted.
cdef class StackDistances:
    cdef stack_record *records   # owned; by page
    cdef uint64_t *faults        # owned; accesses by distance; [0] counts first accesses
    cdef uint64_t *dirty_spans   # owned; ended dirty spans by `max_distance`; [0] is unused
    cdef rank_bitmap marks
    cdef uint32_t pages          # number of records
    cdef uint32_t places
    cdef uint32_t next_place     # place of the next access
    cdef uint32_t live           # pages that were accessed
    cdef busy_flag busy

    cdef int begin_call(self) except -1
    cdef void end_call(self) noexcept nogil
    cdef void walk(self, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, uint32_t *out) noexcept nogil
    cdef void compact_places(self) noexcept nogil
    cdef void measure_word(
        self, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, Py_ssize_t readable, uint32_t *results,
    ) noexcept nogil
    cdef void count_results(self, const uint32_t *results, Py_ssize_t count) noexcept nogil
    cdef void add_open_spans(self, uint64_t *dst) noexcept nogil
    cdef copy_counts(self, const uint64_t *counts, bint with_open)
