"""Read a record of libCacheSim's oracleGeneral: 24 bytes, little-endian."""

from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy

cdef extern from "<endian.h>" nogil:
    uint64_t le64toh(uint64_t value)

cdef enum:
    RECORD_BYTES = 24
    OBJECT_AT = 4
    NEXT_AT = 16


cdef inline uint64_t load_le64(const uint8_t *at) noexcept nogil:
    cdef uint64_t value
    memcpy(&value, at, 8)
    return le64toh(value)


# Return True if the record's next_access_vtime is invalid: neither -1 nor above its own position.
cdef inline bint garbled(const uint8_t *record, int64_t position) noexcept nogil:
    cdef int64_t following = <int64_t> load_le64(record + NEXT_AT)
    return (following <= position) & (following != -1)
