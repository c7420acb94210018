"""Decode records of libCacheSim's oracleGeneral and check their next_access_vtime."""

from libc.stdint cimport int64_t, uint8_t, uint64_t

from zswapsim._core.base.arguments cimport uint64s_out, uint8s, whole
from zswapsim._core.trace.oraclerecord cimport OBJECT_AT, RECORD_BYTES, garbled, load_le64

from zswapsim._core.base.errors import InputError


# Extract the pages. Return True if all records are valid.
cdef bint pages_of(const uint8_t *records, int64_t first, Py_ssize_t count, uint64_t *pages) noexcept nogil:
    cdef const uint8_t *record = records
    cdef bint bad = False
    cdef Py_ssize_t i
    for i in range(count):
        pages[i] = load_le64(record + OBJECT_AT)
        bad |= garbled(record, first + i)
        record += RECORD_BYTES
    return not bad


def decode(records, first, pages):
    """Write the objects of whole `records` (24 bytes each, little-endian, the first at position `first`) to `pages`.

    Return the number of records before the first one whose next_access_vtime is neither -1 nor above its own position;
    if there is none, the number of all records. O(n), without the GIL. Raises InputError if `pages` has another length.
    """
    cdef const uint8_t[::1] data = uint8s(records, "records")
    cdef uint64_t[::1] out = uint64s_out(pages, "pages")
    cdef int64_t position = whole(first, "first", 0, 1 << 62)
    cdef Py_ssize_t count = out.shape[0], good = count
    if data.shape[0] != count * RECORD_BYTES:
        raise InputError(f"oracle: {data.shape[0]} bytes and room for {count} pages: expected {RECORD_BYTES} each")
    if count == 0:
        return 0
    with nogil:
        if not pages_of(&data[0], position, count, &out[0]):
            good = 0
            while not garbled(&data[good * RECORD_BYTES], position + good):
                good += 1
    return good
