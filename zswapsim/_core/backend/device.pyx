"""Model the swap device: it counts its pages, and at bytes depth stores them in a file."""

import os

from libc.stdint cimport uint8_t, uint32_t
from posix.types cimport off_t

from zswapsim._core.base.arguments cimport flag, whole
from zswapsim._core.backend.backend cimport LOAD_KEPT
from zswapsim._core.base.busy cimport this_process
from zswapsim._core.base.errors cimport E_FORKED, ZSW_E_FULL, ZSW_E_IO, ZSW_OK, ZSW_PAGE_SIZE
from zswapsim._core.base.errors import DeviceError, InputError

cdef extern from "<unistd.h>" nogil:
    ssize_t pwrite(int fd, const void *data, size_t count, off_t offset)
    int close(int fd)
    ssize_t pread(int fd, void *data, size_t count, off_t offset)


cdef class SwapDevice:
    """Hold up to `capacity` pages; 0 means no device. With `backed`, pages are kept in an unlinked temporary file.

    Raises InputError for a capacity outside 0 ... 2**32 - 1, DeviceError if the file can't be made.
    """

    def __cinit__(self):
        self.fd = -1

    def __init__(self, capacity, *, backed=False):
        if self.capacity:
            raise InputError("swap device: already initialised")
        self.capacity = whole(capacity, "pages of a swap device", 0, 0xFFFFFFFF)
        self.process = this_process
        if flag(backed, "backed") and self.capacity:
            import tempfile  # imported here because few runs need it

            try:
                with tempfile.TemporaryFile(prefix="zswapsim-swap-", buffering=0) as made:
                    self.fd = os.dup(made.fileno())
            except OSError as error:
                folder = tempfile.gettempdir()
                raise DeviceError(f"swap device: no temporary file in {folder}: {error.strerror}") from None

    def __dealloc__(self):
        if self.fd >= 0:
            close(self.fd)

    cdef int write(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        if self.used == self.capacity:
            return ZSW_E_FULL
        if self.fd >= 0 and self.process != this_process:
            return E_FORKED
        if self.fd >= 0 and pwrite(self.fd, page, ZSW_PAGE_SIZE, <off_t> slot * ZSW_PAGE_SIZE) != ZSW_PAGE_SIZE:
            return ZSW_E_IO
        self.used += 1
        if self.used > self.peak:
            self.peak = self.used
        return ZSW_OK

    cdef int read(self, uint32_t slot, uint8_t *page) noexcept nogil:
        if self.fd >= 0 and self.process != this_process:
            return E_FORKED
        if self.fd >= 0 and pread(self.fd, page, ZSW_PAGE_SIZE, <off_t> slot * ZSW_PAGE_SIZE) != ZSW_PAGE_SIZE:
            return ZSW_E_IO
        return LOAD_KEPT

    cdef void free_slot(self, uint32_t slot) noexcept nogil:
        self.used -= 1
