"""A whole oracleGeneral file as dense page numbers, in one pass without the GIL: read, checked and numbered by a piece
that stays in the cache.
"""

from cython.view cimport array
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, malloc
from posix.unistd cimport read

from zswapsim._core.dense cimport DenseMap
from zswapsim._core.oraclerecord cimport OBJECT_AT, RECORD_BYTES, garbled, le64toh

from zswapsim._core.errors import BusyError, HostMemoryError, InputError

cdef enum:
    PIECE_RECORDS = 10000   # of 24 bytes: they fit the cache beside the table of pages


cdef class OracleFile:
    """The numbers of the `events` records that the open file `descriptor` has.

    `pages` gives the numbers, and is this object's own until :meth:`read` returns. Raises InputError where `events` is
    not positive, HostMemoryError.
    """
    cdef readonly DenseMap pages
    cdef readonly int64_t done      # records that were read
    cdef readonly int64_t events
    cdef int descriptor
    cdef bint stopped
    cdef uint32_t *numbers          # owned; of all events
    cdef uint8_t *piece             # owned; bytes just read

    def __cinit__(self, int descriptor, int64_t events, DenseMap pages not None):
        if events <= 0:
            raise InputError(f"OracleFile of {events} events: expected at least one")
        self.descriptor, self.events, self.pages = descriptor, events, pages
        # Not in huge pages: they are written once, from end to end, and a host may have to find each huge one first.
        self.numbers = <uint32_t *> malloc(events * sizeof(uint32_t))
        self.piece = <uint8_t *> malloc(PIECE_RECORDS * RECORD_BYTES)
        if self.numbers == NULL or self.piece == NULL:
            raise HostMemoryError(f"numbers of {events} events: the host is out of memory")

    def __dealloc__(self):
        free(self.numbers)
        free(self.piece)

    def __reduce__(self):
        raise TypeError("an OracleFile can't be pickled")

    def stop(self):
        """Lets :meth:`read` return soon, with False."""
        self.stopped = True

    def read(self):
        """Reads the file, once. Whether it consists of `events` good records and nothing else; what is wrong with it
        must be found out otherwise. Takes no GIL.
        """
        cdef bint good
        if self.pages.busy:
            raise BusyError("OracleFile: another thread is using its pages")
        self.pages.busy = True
        try:
            with nogil:
                good = self.read_all()
        finally:
            self.pages.busy = False
        return good

    def take(self):
        """(uint32[events] numbers of pages, None: all are reads), once all was read; they are the caller's then."""
        cdef array numbers
        if self.done != self.events or self.numbers == NULL:
            raise InputError("OracleFile: expected to have been read, and not taken")
        numbers = <uint32_t[:self.events]> self.numbers
        numbers.callback_free_data = free
        self.numbers = NULL
        return numbers, None

    cdef bint read_all(self) noexcept nogil:
        cdef Py_ssize_t count
        if le64toh(1) != 1:  # pages are numbered as they lie in the file
            return False
        while self.done < self.events and not self.stopped:
            count = min(<int64_t> PIECE_RECORDS, self.events - self.done)
            if not self.fill(count * RECORD_BYTES) or not self.enter(count):
                return False
            self.done += count
        return self.done == self.events and read(self.descriptor, self.piece, 1) == 0

    cdef bint fill(self, Py_ssize_t size) noexcept nogil:
        cdef Py_ssize_t filled = 0, count
        while filled < size:
            count = read(self.descriptor, self.piece + filled, size - filled)
            if count <= 0:
                return False
            filled += count
        return True

    cdef bint enter(self, Py_ssize_t count) noexcept nogil:
        cdef bint bad = False
        cdef Py_ssize_t i
        for i in range(count):
            bad |= garbled(self.piece + i * RECORD_BYTES, self.done + i)
        return not bad and not self.pages.number(
            self.piece + OBJECT_AT, RECORD_BYTES, self.numbers + self.done, count
        )
