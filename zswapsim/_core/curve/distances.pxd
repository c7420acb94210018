from libc.stdint cimport uint8_t, uint32_t, uint64_t

from zswapsim._core.base.busy cimport busy_flag
from zswapsim._core.curve.countedmarks cimport counted_marks

ctypedef struct stack_record:    # 8 bytes
    uint32_t stamp               # place of the latest access; STACK_NONE before the first one
    uint32_t farthest            # largest distance since it last became dirty: every smaller DRAM has stored it since


# Each access takes the next place. A place is marked if it is its page's latest access. The word that contains head is
# marked up to its end in advance. When places run out, the marked ones are compacted.
cdef class StackDistances:
    cdef stack_record *records   # by page; owned
    cdef uint64_t *faults        # by distance, 0 for a first access; owned
    cdef uint64_t *closed        # owned; ended spans by `farthest`; [0] is unused
    cdef counted_marks marks
    cdef uint32_t pages          # records
    cdef uint32_t places
    cdef uint32_t head           # the next place
    cdef uint32_t live           # pages that were accessed
    cdef busy_flag busy

    cdef int begin_call(self) except -1
    cdef void end_call(self) noexcept nogil
    cdef void run(self, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, uint32_t *out) noexcept nogil
    cdef void make_room(self) noexcept nogil
    cdef void measure(
        self, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, Py_ssize_t known, uint32_t *noted,
    ) noexcept nogil
    cdef void enter_noted(self, const uint32_t *noted, Py_ssize_t count) noexcept nogil
    cdef void add_open(self, uint64_t *into) noexcept nogil
    cdef copied(self, const uint64_t *counts, bint with_open)
