"""CRC-32 as zlib and Parquet have it, eight bytes a step (Kounavis and Berry, "Novel table lookup-based algorithms for
high-performance CRC generation", 2008), and most of it faster where the processor can (zsw_crc32.h).
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef extern from "<endian.h>" nogil:
    uint64_t le64toh(uint64_t value)

cdef extern from "zsw_crc32.h" nogil:
    size_t zsw_crc32_folded(uint32_t crc, const uint8_t *data, size_t size, uint8_t *left)

ctypedef uint32_t[256] crc_row
ctypedef struct crc_tables:
    crc_row[8] of           # of[k][byte]: what the byte adds, k bytes before the end of a step


cdef inline void crc_open(crc_tables *tables) noexcept nogil:
    cdef uint32_t byte, value
    cdef int _bit, k
    for byte in range(256):
        value = byte
        for _bit in range(8):
            value = value >> 1 ^ (value & 1) * <uint32_t> 0xEDB88320
        tables.of[0][byte] = value
    for byte in range(256):
        for k in range(1, 8):
            value = tables.of[k - 1][byte]
            tables.of[k][byte] = value >> 8 ^ tables.of[0][value & 255]


# The CRC, without the first and last complement, of what `crc` is of and `data`.
cdef inline uint32_t crc_go_on(
    const crc_tables *tables, uint32_t crc, const uint8_t *data, Py_ssize_t size,
) noexcept nogil:
    cdef uint64_t word
    while size >= 8:
        memcpy(&word, data, 8)
        word = le64toh(word) ^ crc
        crc = (
            tables.of[7][word & 255] ^ tables.of[6][word >> 8 & 255] ^ tables.of[5][word >> 16 & 255]
            ^ tables.of[4][word >> 24 & 255] ^ tables.of[3][word >> 32 & 255] ^ tables.of[2][word >> 40 & 255]
            ^ tables.of[1][word >> 48 & 255] ^ tables.of[0][word >> 56]
        )
        data, size = data + 8, size - 8
    while size:
        crc = crc >> 8 ^ tables.of[0][(crc ^ data[0]) & 255]
        data, size = data + 1, size - 1
    return crc


cdef inline uint32_t crc32(const crc_tables *tables, const uint8_t *data, Py_ssize_t size) noexcept nogil:
    cdef uint32_t crc = 0xFFFFFFFF
    cdef uint8_t[16] left
    cdef size_t folded = zsw_crc32_folded(crc, data, size, left)
    if folded:
        crc = crc_go_on(tables, 0, left, 16)
    return ~crc_go_on(tables, crc, data + folded, size - <Py_ssize_t> folded)
