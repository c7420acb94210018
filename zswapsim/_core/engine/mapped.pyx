"""Access pages in place: a backend such as cram maps the pages that it holds for reads, and perhaps for writes."""

from libc.stdint cimport uint8_t, uint32_t

from zswapsim._core.backend.backend cimport ACCESS_FAULT, ACCESS_MAP, ACCESS_WRITE
from zswapsim._core.base.errors cimport ZSW_E_CORRUPT
from zswapsim._core.base.histogram cimport histogram_add
from zswapsim._core.base.page_flags cimport WRITTEN
from zswapsim._core.engine.contents cimport content_bytes, content_write
from zswapsim._core.engine.engine cimport Engine
from zswapsim._core.engine.page_table cimport set_flags
from zswapsim._core.engine.swap_in cimport verify_page


# Write to a page in place. Each write changes the content, because each reaches the memory that holds it.
cdef inline int write_mapped(Engine engine, uint32_t page) noexcept nogil:
    cdef int code
    set_flags(engine.table, page, WRITTEN)
    content_write(&engine.table.contents, page, NULL)
    code = engine.backend.write_mapped(page, content_bytes(&engine.table.contents, page))
    return code if code < 0 else ACCESS_WRITE


cdef int access_mapped(Engine engine, uint32_t page, bint write) noexcept nogil:
    cdef double before = engine.backend.costs.charged_ns
    cdef const uint8_t *data = NULL
    cdef int code = engine.backend.access_mapped(page, write, &data)
    if code <= ACCESS_FAULT:
        return code
    if code == ACCESS_WRITE:
        return write_mapped(engine, page)
    if code == ACCESS_MAP:
        engine.counters.major_faults += 1
        histogram_add(&engine.latency, engine.backend.costs.major_fault + engine.backend.costs.charged_ns - before)
    if data != NULL and verify_page(engine, page, data) < 0:
        return ZSW_E_CORRUPT
    return code
