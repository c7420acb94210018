"""Access pages in place: a backend such as cram maps the pages that it holds for reads, and perhaps for writes."""

from libc.stdint cimport uint32_t

from zswapsim._core.engine.engine cimport Engine


# Access a page in place. ACCESS_FAULT if the page must come into DRAM; any other TOUCH_* if the access is done; or a
# negative code.
cdef int access_mapped(Engine engine, uint32_t page, bint write) noexcept nogil
