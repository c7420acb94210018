"""Read a whole oracleGeneral file as dense page numbers, in one pass without the GIL.

Each piece of the file is read, checked and numbered while it is in the cache.
"""

from cython.view cimport array
from libc.stdint cimport int64_t, uint8_t, uint32_t, uintptr_t
from posix.mman cimport madvise
from posix.unistd cimport read

from zswapsim._core.base.arguments cimport whole
from zswapsim._core.trace.dense cimport DenseMap
from zswapsim._core.trace.oraclerecord cimport OBJECT_AT, RECORD_BYTES, garbled, le64toh

from zswapsim._core.base.busy cimport busy_enter, busy_leave
from zswapsim._core.base.memory cimport mem_alloc, mem_free
from zswapsim._core.base.errors import HostMemoryError, InputError

cdef enum:
    MADV_POPULATE_WRITE = 23    # <linux/mman.h>, since Linux 5.14
    ALIGNMENT = 4096            # madvise() needs an aligned address; a host with larger pages only loses the advice
    PIECE_RECORDS = 10000       # records of a piece, 24 bytes each; they fit the cache together with the table of pages


cdef class OracleFile:
    """Number the pages of `events` records in the open file `descriptor`, by `pages`.

    `pages` belongs to the reader until :meth:`read` returns. The constructor raises InputError if `events` is not
    positive, and HostMemoryError if there is no memory for the numbers.
    """
    cdef readonly DenseMap pages
    cdef readonly int64_t done      # events read so far
    cdef readonly int64_t events    # events of the file
    cdef int descriptor
    cdef bint stopped               # True once read() must return soon
    cdef uint32_t *numbers          # owned; the numbers of all events
    cdef uint8_t *piece             # owned; the records that were read last

    def __cinit__(self, descriptor, events, DenseMap pages not None):
        self.descriptor = whole(descriptor, "descriptor", 0, 0x7FFFFFFF)
        self.events = whole(events, "events", 1, 1 << 60)
        self.pages = pages
        # No huge pages: the numbers are written once, in order, and a host may have to compact memory for each huge
        # page.
        self.numbers = <uint32_t *> mem_alloc(<size_t> self.events * sizeof(uint32_t))
        self.piece = <uint8_t *> mem_alloc(PIECE_RECORDS * RECORD_BYTES)
        if self.numbers == NULL or self.piece == NULL:
            raise HostMemoryError(f"numbers of {events} events: the host is out of memory")

    def __dealloc__(self):
        mem_free(self.numbers)
        mem_free(self.piece)

    def __reduce__(self):
        raise TypeError("an OracleFile can't be pickled")

    def stop(self):
        """Make :meth:`read` return soon, with False."""
        self.stopped = True

    def read(self):
        """Read the file, once, without the GIL. Return True if it has `events` good records and nothing else.

        It does not report the error in a bad file. Raises BusyError if another thread is using `pages`.
        """
        cdef bint good
        busy_enter(&self.pages.busy, "the pages of an OracleFile")
        try:
            with nogil:
                good = self.read_all()
        finally:
            busy_leave(&self.pages.busy)
        return good

    def take(self):
        """Return the numbers of all events (uint32[events]) and detach them, once, after the file was read."""
        cdef array numbers
        if self.done != self.events or self.numbers == NULL:
            raise InputError("OracleFile: expected to have been read, and not taken")
        numbers = <uint32_t[:self.events]> self.numbers
        numbers.callback_free_data = mem_free
        self.numbers = NULL
        return numbers

    cdef bint read_all(self) noexcept nogil:
        cdef Py_ssize_t count
        if le64toh(1) != 1:  # pages are numbered in the order of the file
            return False
        while self.done < self.events and not self.stopped:
            count = min(<int64_t> PIECE_RECORDS, self.events - self.done)
            populate(self.numbers + self.done, count * sizeof(uint32_t))
            if not self.read_piece(count * RECORD_BYTES) or not self.number_records(count):
                return False
            self.done += count
        return self.done == self.events and read(self.descriptor, self.piece, 1) == 0

    # Read `size` bytes into `piece`. Return False if the file ends before.
    cdef bint read_piece(self, Py_ssize_t size) noexcept nogil:
        cdef Py_ssize_t filled = 0, count
        while filled < size:
            count = read(self.descriptor, self.piece + filled, size - filled)
            if count <= 0:
                return False
            filled += count
        return True

    # Check and number the `count` records in `piece`. Return False if a record is invalid or the table can't grow.
    cdef bint number_records(self, Py_ssize_t count) noexcept nogil:
        cdef bint bad = False
        cdef Py_ssize_t i
        for i in range(count):
            bad |= garbled(self.piece + i * RECORD_BYTES, self.done + i)
        return not bad and not self.pages.map_pages(
            self.piece + OBJECT_AT, RECORD_BYTES, self.numbers + self.done, count
        )


# Populate memory that is about to be written, if the host can: a fault for each of its pages would take longer.
cdef inline void populate(const void *first, size_t size) noexcept nogil:
    cdef uintptr_t begin = <uintptr_t> first & ~<uintptr_t> (ALIGNMENT - 1)
    madvise(<void *> begin, <uintptr_t> first + size - begin, MADV_POPULATE_WRITE)
