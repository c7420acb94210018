"""Access real anonymous memory, so that a kernel with a memory limit reclaims pages and faults them in."""

from cython cimport final

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy
from posix.mman cimport MADV_NOHUGEPAGE, madvise

from zswapsim._core.base.arguments cimport page_rows, uint32s, uint8s, whole
from zswapsim._core.base.errors cimport ZSW_PAGE_SIZE
from zswapsim._core.base.memory cimport mem_calloc, mem_free, mem_map, mem_unmap
from zswapsim._core.base.errors import CorruptPageError, HostMemoryError, InputError

cdef enum:
    MAX_PAGES = 1 << 30
    NOT_ACCESSED = 0               # of `accessed`


@final
cdef class TouchedMemory:
    """Map `pages` pages of private anonymous memory, never huge, whose contents are `images`.

    The first access to page p stores image p % K there; a later read reads eight bytes of it, a later write stores them
    back unchanged, which makes the page dirty and leaves its contents alone. Each access checks these eight bytes.

    pages: 1 to 2**30. images: uint8[K, 4096]. No page is accessed before :meth:`touch`. Raises InputError,
    HostMemoryError.
    """

    cdef const uint8_t[:, ::1] images
    cdef uint8_t *base      # start of the mapping; unmapped by __dealloc__
    cdef uint8_t *accessed      # one flag for each page; freed by __dealloc__
    cdef uint32_t pages

    def __cinit__(self):
        self.base = NULL
        self.accessed = NULL

    def __init__(self, pages, images):
        if self.base != NULL:
            raise InputError("touched memory: already initialised")
        self.images = page_rows(images, "images")
        if self.images.shape[0] < 1:
            raise InputError("images: expected at least one")
        self.map_pages(whole(pages, "pages", 1, MAX_PAGES))
        self.populate_table()

    cdef int map_pages(self, uint32_t pages) except -1:
        """Map the memory and allocate a flag for each page, or neither. Raise HostMemoryError."""
        cdef uint8_t *accessed = <uint8_t *> mem_calloc(pages, 1)
        cdef uint8_t *base = NULL if accessed == NULL else <uint8_t *> mem_map(<size_t> pages * ZSW_PAGE_SIZE, False)
        if base == NULL:
            mem_free(accessed)
            raise HostMemoryError(f"touched memory of {pages} pages: larger than can be reserved")
        madvise(base, <size_t> pages * ZSW_PAGE_SIZE, MADV_NOHUGEPAGE)
        self.base, self.accessed, self.pages = base, accessed, pages
        return 0

    cdef void populate_table(self) noexcept nogil:
        """Fault in the table of accessed pages, so that accesses fault in no other memory."""
        cdef uint32_t page
        for page in range(self.pages):
            (<volatile uint8_t *> self.accessed)[page] = NOT_ACCESSED

    def __dealloc__(self):
        mem_unmap(self.base, <size_t> self.pages * ZSW_PAGE_SIZE)
        mem_free(self.accessed)

    def touch(self, pages, ops):
        """Make the accesses in order: pages uint32[n], ops uint8[n], 0 read, 1 write. Drops the GIL.

        Raises InputError if a page is out of range or the lengths differ (the accesses before it are made),
        CorruptPageError if a page changed, that is, the kernel lost it.
        """
        cdef const uint32_t[::1] numbers = uint32s(pages, "pages")
        cdef const uint8_t[::1] writes = uint8s(ops, "ops")
        cdef Py_ssize_t count = numbers.shape[0]
        cdef Py_ssize_t done = 0
        if writes.shape[0] != count:
            raise InputError(f"{count} pages and {writes.shape[0]} ops: expected one for each")
        if self.base == NULL:
            raise InputError("touched memory: not initialised")
        if count == 0:
            return
        with nogil:
            done = self.access_pages(&numbers[0], &writes[0], count, &self.images[0, 0])
        if done == count:
            return
        if numbers[done] >= self.pages:
            raise InputError(f"page {numbers[done]}: expected less than {self.pages}")
        raise CorruptPageError(f"access {done}: page {numbers[done]} came back with other contents")

    cdef Py_ssize_t access_pages(
        self, const uint32_t *pages, const uint8_t *ops, Py_ssize_t count, const uint8_t *first
    ) noexcept nogil:
        """Return the number of accesses made. It is below `count` if one was out of range or read other contents.

        `first`: pointer to the first image.
        """
        cdef uint32_t images = <uint32_t> self.images.shape[0]
        cdef Py_ssize_t at
        cdef const uint8_t *image
        cdef volatile uint64_t *word
        cdef uint64_t found
        for at in range(count):
            if pages[at] >= self.pages:
                return at
            image = first + <size_t> (pages[at] % images) * ZSW_PAGE_SIZE
            word = <volatile uint64_t *> (self.base + <size_t> pages[at] * ZSW_PAGE_SIZE)
            if self.accessed[pages[at]] == NOT_ACCESSED:
                memcpy(<void *> word, image, ZSW_PAGE_SIZE)
                self.accessed[pages[at]] = 1
                continue
            found = word[0]
            if found != (<const uint64_t *> image)[0]:
                return at
            if ops[at]:
                word[0] = found
        return count
