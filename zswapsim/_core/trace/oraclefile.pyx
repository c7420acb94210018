"""A whole oracleGeneral file as dense page numbers, in one pass without the GIL: read, checked and numbered by a piece
that stays in the cache.
"""

from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport free, malloc
from posix.unistd cimport read

from zswapsim._core.trace.dense cimport DenseMap
from zswapsim._core.trace.oraclerecord cimport OBJECT_AT, RECORD_BYTES, garbled, le64toh
from zswapsim._core.trace.wholefile cimport FileReader

from zswapsim._core.base.errors import HostMemoryError, InputError

cdef enum:
    PIECE_RECORDS = 10000   # of 24 bytes: they fit the cache beside the table of pages


cdef class OracleFile(FileReader):
    """The numbers of the `events` records that the open file `descriptor` has.

    Good is a file of as many good records and nothing else. Raises InputError where `events` is not positive,
    HostMemoryError.
    """
    cdef uint8_t *piece             # owned; bytes just read

    def __cinit__(self, int descriptor, int64_t events, DenseMap pages not None):
        if events <= 0:
            raise InputError(f"OracleFile of {events} events: expected at least one")
        self.events, self.pages = events, pages
        self.piece = <uint8_t *> malloc(PIECE_RECORDS * RECORD_BYTES)
        if self.piece == NULL:
            raise HostMemoryError("records of a file: the host is out of memory")
        self.reserve(ops=False)

    def __dealloc__(self):
        free(self.piece)

    cdef bint read_all(self) noexcept nogil:
        cdef Py_ssize_t count
        if le64toh(1) != 1:  # pages are numbered as they lie in the file
            return False
        while self.done < self.events and not self.stopped:
            count = min(<int64_t> PIECE_RECORDS, self.events - self.done)
            self.populate(count)
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
