"""Allocate the page table, and set its contents."""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memset

from zswapsim._core.base.arguments cimport page_rows, uint32s, uint8s, whole
from zswapsim._core.base.busy cimport is_busy
from zswapsim._core.base.arrays cimport max_uint32
from zswapsim._core.base.errors cimport ZSW_PAGE_SIZE
from zswapsim._core.base.memory cimport mem_calloc, mem_free, table_alloc, table_calloc
from zswapsim._core.base.errors import HostMemoryError, InputError


@final
cdef class PageTable:
    """Keep what the engine knows of each of `pages` pages, in folios of up to 1 << `order` pages."""

    def __cinit__(self, pages, order):
        self.pages = whole(pages, "pages", 1, 0xFFFFFFFE)
        self.order = whole(order, "order", 0, 31)
        self.stamps = NULL
        self.states = NULL
        self.frame_of = NULL
        memset(&self.contents, 0, sizeof(self.contents))

    cdef int open_contents(self, images, next_image, zero, uint32_t first_image, uint32_t initial_count) except -1:
        cdef const uint32_t[::1] following = uint32s(next_image, "next_image")
        cdef const uint8_t[::1] zeros = uint8s(zero, "zero")
        cdef const uint8_t[:, ::1] bytes_of
        cdef Py_ssize_t count = following.shape[0]
        if not 0 < count < 1 << 32 or zeros.shape[0] != count or max_uint32(&following[0], count) >= count:
            raise InputError("contents: expected one next image, below their number, and one zero flag for each image")
        self.contents.count = <uint32_t> count
        self.contents.initial_count = initial_count if initial_count else <uint32_t> count
        self.contents.first = first_image % self.contents.count
        self.contents.next_image = &following[0]
        self.contents.zero = &zeros[0]
        if images is not None:
            bytes_of = page_rows(images, "images")
            if bytes_of.shape[0] != count:
                raise InputError(f"contents: expected {count} pages of {ZSW_PAGE_SIZE} bytes")
            self.contents.images = &bytes_of[0, 0]
        self.refs = (images, following, zeros)
        return 0

    cdef int reserve(self) except -1:
        cdef size_t count = self.pages
        cdef bint has_contents = self.contents.count != 0, has_frames = self.dram is not None
        self.stamps = <uint32_t *> table_alloc(count * sizeof(uint32_t))
        self.states = <uint16_t *> table_calloc(count * sizeof(uint16_t))
        if has_contents:
            self.contents.image_of = <uint32_t *> mem_calloc(count, sizeof(uint32_t))
        if has_frames:
            self.frame_of = <uint32_t *> mem_calloc(count, sizeof(uint32_t))
        if self.stamps == NULL or self.states == NULL or (has_contents and self.contents.image_of == NULL) or \
                (has_frames and self.frame_of == NULL):
            raise HostMemoryError(f"page table of {count} pages: larger than can be reserved")
        memset(self.stamps, 0xFF, count * sizeof(uint32_t))  # LRU_NONE
        return 0

    def __dealloc__(self):
        cdef uint32_t page
        # Frames go back to an arena that may live on, unless another thread is just taking some of it.
        if self.dram is not None and not is_busy(self.dram.busy) and self.states != NULL and self.frame_of != NULL:
            for page in range(self.pages):
                if is_resident(self, page):
                    free_frame(self, page)
        mem_free(self.stamps)
        mem_free(self.states)
        mem_free(self.contents.image_of)
        mem_free(self.frame_of)
