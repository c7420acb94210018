"""What readers of whole files have in common: arrays that one pass fills, and that are given away."""

from cython.view cimport array
from libc.stdint cimport int64_t, uint8_t, uint32_t, uintptr_t
from libc.stdlib cimport free, malloc
from posix.mman cimport madvise

from zswapsim._core.base.errors import BusyError, HostMemoryError, InputError

cdef enum:
    MADV_POPULATE_WRITE = 23    # <linux/mman.h>, since Linux 5.14
    PAGE_BYTES = 4096           # of the host, or a part of them


cdef class FileReader:
    """Base of readers of an open file, which number its pages by `pages`: theirs alone until :meth:`read` returns."""

    def __cinit__(self, int descriptor, *_, **__):
        self.descriptor = descriptor
        self.numbers = NULL
        self.ops = NULL

    def __dealloc__(self):
        free(self.numbers)
        free(self.ops)

    def __reduce__(self):
        raise TypeError(f"{type(self).__name__} can't be pickled")

    cdef int reserve(self, bint ops) except -1:
        # Not in huge pages: they are written once, from end to end, and a host may have to find each huge one first.
        self.numbers = <uint32_t *> malloc(self.events * sizeof(uint32_t))
        if ops:
            self.ops = <uint8_t *> malloc(self.events)
        if self.numbers == NULL or (ops and self.ops == NULL):
            raise HostMemoryError(f"numbers of {self.events} events: the host is out of memory")
        return 0

    cdef void populate(self, int64_t count) noexcept nogil:
        ready_memory(self.numbers + self.done, count * sizeof(uint32_t))
        if self.ops != NULL:
            ready_memory(self.ops + self.done, count)

    cdef bint read_all(self) noexcept nogil:
        return False

    def stop(self):
        """Lets :meth:`read` return soon, with False."""
        self.stopped = True

    def read(self):
        """Reads the file, once. Whether all of it is good; what is wrong with it must be found out otherwise.

        Takes no GIL. Raises BusyError where another thread is in `pages`.
        """
        cdef bint good
        if self.pages is None:
            raise InputError(f"{type(self).__name__}: expected a reader of a form of file")
        if self.pages.busy:
            raise BusyError(f"{type(self).__name__}: another thread is using its pages")
        self.pages.busy = True
        try:
            with nogil:
                good = self.read_all()
        finally:
            self.pages.busy = False
        return good

    def take(self):
        """(uint32[events] numbers of pages, uint8[events] ops or None: all are reads), once all was read.

        They are the caller's then.
        """
        cdef array numbers, ops = None
        if self.done != self.events or self.numbers == NULL:
            raise InputError(f"{type(self).__name__}: expected to have been read, and not taken")
        numbers = <uint32_t[:self.events]> self.numbers
        numbers.callback_free_data = free
        self.numbers = NULL
        if self.ops != NULL:
            ops = <uint8_t[:self.events]> self.ops
            ops.callback_free_data = free
            self.ops = NULL
        return numbers, ops


cdef inline void ready_memory(const void *first, size_t size) noexcept nogil:
    """Gets memory at once, where the host can: a fault for each page of it would take longer."""
    cdef uintptr_t begin = <uintptr_t> first & ~<uintptr_t> (PAGE_BYTES - 1)
    madvise(<void *> begin, <uintptr_t> first + size - begin, MADV_POPULATE_WRITE)
