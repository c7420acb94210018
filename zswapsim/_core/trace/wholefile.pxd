"""What readers of whole files have in common."""

from libc.stdint cimport int64_t, uint8_t, uint32_t

from zswapsim._core.trace.dense cimport DenseMap


cdef class FileReader:
    cdef readonly DenseMap pages
    cdef readonly int64_t done      # events that were read
    cdef readonly int64_t events    # in the file
    cdef int descriptor
    cdef bint stopped               # read() is to return soon
    cdef uint32_t *numbers          # owned; of all events
    cdef uint8_t *ops               # owned; the same; NULL where all are reads

    # Room for all events. Raises HostMemoryError.
    cdef int reserve(self, bint ops) except -1
    # Readies the memory of the next `count` events.
    cdef void populate(self, int64_t count) noexcept nogil
    # Reads the file; whether all of it is good.
    cdef bint read_all(self) noexcept nogil
