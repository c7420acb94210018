"""A page of a column of a Parquet file: its header, its checksum, and what it takes to unpack it.

Whatever is not as the native form has it is refused, not understood: others read it then.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from zswapsim._core.trace.thrift cimport (
    THRIFT_STRUCT, thrift, thrift_bytes, thrift_field, thrift_int, thrift_skip, thrift_varint,
)

cdef extern from "<endian.h>" nogil:
    uint64_t le64toh(uint64_t value)
    uint64_t htole64(uint64_t value)

cdef enum:
    DATA_PAGE = 0
    DICTIONARY_PAGE = 2
    PLAIN = 0
    DELTA_BINARY_PACKED = 5
    RLE_DICTIONARY = 8
    UNCOMPRESSED = 0
    LZ4_RAW = 7
    MOST_VALUES = 1 << 20   # of a page
    MOST_BYTES = 1 << 24    # of a page
    PADDING = 16            # readable bytes behind a page, for loads of 8 bytes

ctypedef struct page_head:
    int64_t type            # DATA_PAGE or DICTIONARY_PAGE
    int64_t unpacked        # bytes, up to MOST_BYTES
    int64_t packed
    int64_t values          # up to MOST_VALUES
    int64_t encoding
    bint has_checksum
    uint32_t checksum       # of the packed bytes


cdef inline void read_kind(thrift *source, page_head *head) noexcept nogil:
    cdef int64_t field = thrift_field(source, 0)
    while field and not source.bad:
        if field == 1:
            head.values = thrift_int(source)
        elif field == 2:
            head.encoding = thrift_int(source)
        else:
            thrift_skip(source, source.type, 0)
        field = thrift_field(source, field)


# Reads a header; whether it is one of a page that may be unpacked. `source` then is where its bytes begin.
cdef inline bint read_head(thrift *source, page_head *head) noexcept nogil:
    cdef int64_t field = thrift_field(source, 0)
    memset(head, 0, sizeof(page_head))
    head.type = head.encoding = head.values = -1
    while field and not source.bad:
        if field == 1:
            head.type = thrift_int(source)
        elif field == 2:
            head.unpacked = thrift_int(source)
        elif field == 3:
            head.packed = thrift_int(source)
        elif field == 4:
            head.checksum, head.has_checksum = <uint32_t> thrift_int(source), True
        elif (field == 5 or field == 7) and source.type == THRIFT_STRUCT:
            read_kind(source, head)
        else:
            thrift_skip(source, source.type, 0)
        field = thrift_field(source, field)
    return (
        not source.bad and 0 < head.unpacked <= MOST_BYTES and 0 < head.packed <= source.end - source.at
        and 0 < head.values <= MOST_VALUES
    )


cdef inline uint64_t load_le64(const uint8_t *at) noexcept nogil:
    cdef uint64_t value
    memcpy(&value, at, 8)
    return le64toh(value)


# -- LZ4 -------------------------------------------------------------------------------------------------------------

# A length whose first part was `length`; more follows where that was 15.
cdef inline uint64_t lz4_length(thrift *source, uint64_t length) noexcept nogil:
    cdef const uint8_t *more
    if length < 15:
        return length
    while not source.bad:
        more = thrift_bytes(source, 1)
        if source.bad:
            break
        length += more[0]
        if more[0] < 255:
            break
    return length


# Where the `size` bytes lie that a block is made of where nothing in it could be shortened; NULL where it could.
cdef inline const uint8_t *lz4_verbatim(const uint8_t *block, Py_ssize_t length, Py_ssize_t size) noexcept nogil:
    cdef thrift source
    cdef uint64_t count
    source.at, source.end, source.bad = block + 1, block + length, False
    count = lz4_length(&source, block[0] >> 4)
    return source.at if not source.bad and count == <uint64_t> size and source.end - source.at == size else NULL


# Unpacks a block of LZ4 into exactly `size` bytes at `out`; whether it is one.
cdef inline bint lz4_unpack(const uint8_t *block, Py_ssize_t length, uint8_t *out, Py_ssize_t size) noexcept nogil:
    cdef thrift source
    cdef const uint8_t *token
    cdef const uint8_t *from_
    cdef uint64_t count, offset, done = 0, room = size, i
    source.at, source.end, source.bad = block, block + length, False
    while True:
        token = thrift_bytes(&source, 1)
        if source.bad:
            return False
        count = lz4_length(&source, token[0] >> 4)
        from_ = thrift_bytes(&source, count)
        if source.bad or count > room - done:
            return False
        memcpy(out + done, from_, count)
        done += count
        if source.at == source.end:
            return done == room
        from_ = thrift_bytes(&source, 2)
        if source.bad:
            return False
        offset = from_[0] | <uint64_t> from_[1] << 8
        count = lz4_length(&source, token[0] & 15) + 4
        if source.bad or offset == 0 or offset > done or count > room - done:
            return False
        for i in range(count):  # they may overlap
            out[done + i] = out[done + i - offset]
        done += count


# -- DELTA_BINARY_PACKED ---------------------------------------------------------------------------------------------

# Bits from `bit` on of what lies at `at`, at most 64 of them.
cdef inline uint64_t bits_at(const uint8_t *at, uint64_t bit, int width, uint64_t mask) noexcept nogil:
    cdef uint64_t value = load_le64(at + (bit >> 3)) >> (bit & 7)
    if width > 57 and bit & 7:
        value |= <uint64_t> at[(bit >> 3) + 8] << (64 - (bit & 7))
    return value & mask


# `count` values, each the one before and a difference of `width` bits and `least`; the last of them.
cdef inline uint64_t add_up(
    const uint8_t *packed, int width, uint64_t least, uint64_t value, uint64_t *out, Py_ssize_t count,
) noexcept nogil:
    cdef uint64_t mask = ~<uint64_t> 0 >> (64 - width) if width else 0
    cdef Py_ssize_t i
    if width <= 57:
        for i in range(count):
            value += least + (load_le64(packed + (i * width >> 3)) >> (i * width & 7) & mask)
            out[i] = value
    else:
        for i in range(count):
            value += least + bits_at(packed, i * width, width, mask)
            out[i] = value
    return value


# Unpacks exactly `count` values; whether there are as many. PADDING bytes behind `source` are readable.
cdef inline bint delta_unpack(thrift *source, uint64_t *out, Py_ssize_t count) noexcept nogil:
    cdef uint64_t block = thrift_varint(source), parts = thrift_varint(source), held = thrift_varint(source)
    cdef uint64_t value = <uint64_t> thrift_int(source), least, each, part
    cdef Py_ssize_t done = 1, many
    cdef const uint8_t *widths
    cdef const uint8_t *packed
    if source.bad or not 0 < block <= MOST_VALUES or not 0 < parts <= block or <Py_ssize_t> held != count:
        return False
    each = block // parts
    if each * parts != block or each % 32:
        return False
    out[0] = value
    while done < count:
        least = <uint64_t> thrift_int(source)
        widths = thrift_bytes(source, parts)
        for part in range(parts):
            if done == count:
                break
            if source.bad or widths[part] > 64:
                return False
            packed = thrift_bytes(source, each // 8 * widths[part])
            if source.bad:
                return False
            many = min(<Py_ssize_t> each, count - done)
            value = add_up(packed, widths[part], least, value, out + done, many)
            done += many
        if source.bad:
            return False
    return True


# -- RLE_DICTIONARY of at most two entries ---------------------------------------------------------------------------

# The entries of `count` bits, lowest first: 8 at once, as bytes of a word. In the multiple of a byte each bit is where
# the mask takes it out.
cdef inline void spread(const uint8_t *packed, const uint8_t *op_of, uint8_t *out, Py_ssize_t count) noexcept nogil:
    cdef uint64_t lanes = 0x0101010101010101, none = lanes * op_of[0], change = op_of[0] ^ op_of[1], eight
    cdef Py_ssize_t i
    for i in range(count >> 3):
        eight = (packed[i] * lanes & <uint64_t> 0x8040201008040201) + <uint64_t> 0x7F7F7F7F7F7F7F7F
        eight = htole64(none ^ (eight >> 7 & lanes) * change)
        memcpy(out + 8 * i, &eight, 8)
    for i in range(count & ~<Py_ssize_t> 7, count):
        out[i] = op_of[packed[i >> 3] >> (i & 7) & 1]


# Unpacks `count` ops, `op_of` those of the two entries (above 1 where there is none); whether there are as many.
cdef inline bint ops_unpack(thrift *source, const uint8_t *op_of, uint8_t *out, Py_ssize_t count) noexcept nogil:
    cdef const uint8_t *packed = thrift_bytes(source, 1)
    cdef uint8_t width, seen = 0
    cdef uint64_t run
    cdef Py_ssize_t done = 0, many, i
    if source.bad or packed[0] > 1:
        return False
    width = packed[0]
    while done < count:
        run = thrift_varint(source)
        if source.bad or run >> 1 == 0 or run > 16 * MOST_VALUES or (run & 1 and not width):
            return False
        packed = thrift_bytes(source, run >> 1 if run & 1 else width)
        if source.bad or not run & 1 and width and packed[0] > 1:
            return False
        many = min(<Py_ssize_t> ((run >> 1) * 8 if run & 1 else run >> 1), count - done)
        if run & 1:
            spread(packed, op_of, out + done, many)
        else:
            memset(out + done, op_of[packed[0] if width else 0], many)
        done += many
    for i in range(count):
        seen |= out[i]
    return seen <= 1
