"""Walk over the pages of a column of a Parquet file, by the headers with which they begin, without the GIL.

A header is a record of Thrift's compact protocol. A file may have a page for every few thousand rows, so that the
headers take as long as the rows if they are read in Python.
(https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md,
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift)
"""

from libc.stdint cimport int64_t, uint8_t, uint64_t
from posix.types cimport off_t

from zswapsim._core.base.arguments cimport shown, uint8s_out, whole
from zswapsim._core.base.errors import InputError

cdef extern from "<unistd.h>" nogil:
    ssize_t pread(int descriptor, void *buffer, size_t count, off_t offset)

# These are the results of a walk.
GOOD, GARBLED, OUTSIDE, TOO_LARGE, UNREADABLE = 0, 1, 2, 3, 4

MOST = 1 << 62  # a place in a file, or a number of values, at most; a damaged file may name negative ones

cdef enum:
    C_GOOD = 0
    C_GARBLED = 1
    C_OUTSIDE = 2
    C_TOO_LARGE = 3
    C_UNREADABLE = 4
    C_CUT_OFF = 5       # the bytes end within the record

cdef enum:
    USUAL_HEADER = 256
    MOST_HEADER = 1 << 16
    DEEPEST = 16
    LAST_SHIFT = 63
    LONG_LIST = 15
    MOST_FIELD = 1 << 15

# Kinds of a field.
cdef enum:
    T_TRUE = 1
    T_FALSE = 2
    T_BYTE = 3
    T_I16 = 4
    T_I64 = 6
    T_DOUBLE = 7
    T_BINARY = 8
    T_LIST = 9
    T_SET = 10
    T_STRUCT = 12

# Kinds of a page, and fields of a PageHeader: those of its numbers, and those that hold the header of a kind.
cdef enum:
    DATA_PAGE = 0
    DICTIONARY_PAGE = 2
    DATA_PAGE_V2 = 3
    F_TYPE = 1
    F_UNCOMPRESSED = 2
    F_COMPRESSED = 3
    F_DATA = 5
    F_DICTIONARY = 7
    F_DATA_V2 = 8
    F_VALUES = 1        # of each of these headers


cdef struct page_header:
    int64_t kind
    int64_t uncompressed
    int64_t compressed
    int64_t values[3]   # in a header of F_DATA, F_DICTIONARY, F_DATA_V2; -1 if there is none


cdef struct thrift_cursor:
    const uint8_t *pos
    const uint8_t *end


# A walk stops at these limits; the other fields say how far it has come.
cdef struct page_walk:
    int64_t end             # of the pages, at most
    int64_t most_page       # bytes of a page out of its compression, or
    int64_t most_ratio      # so many times its bytes in the file; and
    int64_t least_page      # so many bytes
    int64_t most_value      # and so many for each value
    int64_t at              # the page that begins here
    int64_t values          # of the pages before
    int64_t uncompressed    # bytes of the pages before


cdef int read_unsigned(thrift_cursor *cursor, uint64_t *value) noexcept nogil:
    cdef int shift = 0
    cdef uint8_t byte
    value[0] = 0
    while cursor.pos < cursor.end:
        byte = cursor.pos[0]
        cursor.pos += 1
        value[0] |= <uint64_t> (byte & 127) << shift
        if byte < 128:
            return C_GOOD
        shift += 7
        if shift > LAST_SHIFT:
            return C_GARBLED
    return C_CUT_OFF


cdef inline int read_signed(thrift_cursor *cursor, int64_t *value) noexcept nogil:
    cdef uint64_t raw
    cdef int code = read_unsigned(cursor, &raw)
    value[0] = <int64_t> (raw >> 1) ^ -<int64_t> (raw & 1)
    return code


cdef inline int step(thrift_cursor *cursor, uint64_t count) noexcept nogil:
    if count > <uint64_t> (cursor.end - cursor.pos):
        return C_CUT_OFF
    cursor.pos += count
    return C_GOOD


# Return where a number of the header goes, NULL for one that is not needed. `parent` is the field of the record that
# holds it, 0 for the header itself.
cdef int64_t *place_of(page_header *header, int depth, int64_t parent, int64_t number) noexcept nogil:
    if depth == 0:
        if number == F_TYPE:
            return &header.kind
        if number == F_UNCOMPRESSED:
            return &header.uncompressed
        return &header.compressed if number == F_COMPRESSED else NULL
    if depth != 1 or number != F_VALUES:
        return NULL
    if parent == F_DATA:
        return &header.values[0]
    if parent == F_DICTIONARY:
        return &header.values[1]
    return &header.values[2] if parent == F_DATA_V2 else NULL


cdef int read_record(thrift_cursor *cursor, page_header *header, int depth, int64_t parent) noexcept nogil:
    cdef int64_t number = 0, value = 0
    cdef int64_t *place
    cdef int kind, code
    cdef uint8_t head
    if depth > DEEPEST:
        return C_GARBLED
    while cursor.pos < cursor.end:
        head = cursor.pos[0]
        cursor.pos += 1
        if head == 0:
            return C_GOOD
        kind = head & 15
        if head >> 4:
            number += head >> 4
        else:
            code = read_signed(cursor, &number)
            if code:
                return code
            if not 0 <= number <= MOST_FIELD:
                return C_GARBLED
        if T_I16 <= kind <= T_I64:
            code = read_signed(cursor, &value)
            place = place_of(header, depth, parent, number)
            if place != NULL:
                place[0] = value
        elif kind == T_STRUCT:
            code = read_record(cursor, header, depth + 1, number if depth == 0 else 0)
        elif kind == T_TRUE or kind == T_FALSE:
            code = C_GOOD   # the value lies in the kind
        else:
            code = skip_value(cursor, header, kind, depth)
        if code:
            return code
    return C_CUT_OFF


cdef int skip_value(thrift_cursor *cursor, page_header *header, int kind, int depth) noexcept nogil:
    cdef uint64_t raw = 0
    cdef int code
    if kind == T_TRUE or kind == T_FALSE or kind == T_BYTE:
        return step(cursor, 1)
    if T_I16 <= kind <= T_I64:
        return read_unsigned(cursor, &raw)
    if kind == T_DOUBLE:
        return step(cursor, 8)
    if kind == T_BINARY:
        code = read_unsigned(cursor, &raw)
        return code or step(cursor, raw)
    if kind == T_LIST or kind == T_SET:
        return skip_list(cursor, header, depth)
    return read_record(cursor, header, max(depth, 1) + 1, 0) if kind == T_STRUCT else C_GARBLED


cdef int skip_list(thrift_cursor *cursor, page_header *header, int depth) noexcept nogil:
    cdef uint64_t count, _i
    cdef int code
    cdef uint8_t head
    if depth > DEEPEST:
        return C_GARBLED
    if cursor.pos == cursor.end:
        return C_CUT_OFF
    head = cursor.pos[0]
    cursor.pos += 1
    count = head >> 4
    if count == LONG_LIST:
        code = read_unsigned(cursor, &count)
        if code:
            return code
    for _i in range(count):
        code = skip_value(cursor, header, head & 15, depth + 1)
        if code:
            return code
    return C_GOOD


# Read the header at walk.at, and set `length` to its bytes. `buffer` has MOST_HEADER bytes.
cdef int read_header(
    int descriptor, const page_walk *walk, uint8_t *buffer, page_header *header, int64_t *length,
) noexcept nogil:
    cdef int64_t most = min(<int64_t> USUAL_HEADER, walk.end - walk.at)
    cdef thrift_cursor cursor
    cdef ssize_t count
    cdef int code = C_CUT_OFF
    while True:
        count = pread(descriptor, buffer, most, walk.at)
        if count < 0:
            return C_UNREADABLE
        header.kind = header.uncompressed = header.compressed = -1
        header.values[0] = header.values[1] = header.values[2] = -1
        cursor.pos, cursor.end = buffer, buffer + count
        code = read_record(&cursor, header, 0, 0)
        length[0] = cursor.pos - buffer
        if code != C_CUT_OFF:
            return code
        if count < most or most == min(<int64_t> MOST_HEADER, walk.end - walk.at):
            return C_GARBLED
        most = min(<int64_t> MOST_HEADER, walk.end - walk.at)


cdef int walk_page(int descriptor, page_walk *walk, uint8_t *buffer) noexcept nogil:
    cdef page_header header
    cdef int64_t length, values, most
    cdef int code
    if walk.at < 0 or walk.at >= walk.end:
        return C_OUTSIDE
    code = read_header(descriptor, walk, buffer, &header, &length)
    if code:
        return code
    if header.kind == DATA_PAGE:
        values = header.values[0]
    elif header.kind == DATA_PAGE_V2:
        values = header.values[2]
    elif header.kind == DICTIONARY_PAGE:
        values = header.values[1]
    else:
        return C_GARBLED
    if values < 0 or values > <int64_t> 1 << 31 or header.uncompressed < 0 or header.compressed < 0:
        return C_GARBLED
    if header.compressed > walk.end - walk.at - length:
        return C_OUTSIDE
    most = max(walk.most_page, min(header.compressed, <int64_t> 1 << 31) * walk.most_ratio)
    most = min(most, walk.least_page + values * walk.most_value)
    if header.uncompressed > most:
        return C_TOO_LARGE
    walk.uncompressed += min(header.uncompressed, <int64_t> 1 << 31)
    walk.values += values if header.kind != DICTIONARY_PAGE else 0
    walk.at += length + header.compressed
    return C_GOOD


def walk_pages(descriptor, at, end, values, limits, buffer):
    """Walk from the page at `at` over those that hold the next `values` values of a column, none of them beyond `end`.

    `limits`: the bytes that a page may have out of its compression, or how many times its bytes in the file; and how
    many bytes, and how many more for each value. `buffer` has room for 65,536 bytes. Returns (GOOD or the error at the
    next page, where the next page begins, values and uncompressed bytes of the pages before). O(pages), without the
    GIL. Raises InputError for arguments that don't fit.
    """
    cdef page_walk walk
    cdef int code = C_GOOD
    cdef int file = whole(descriptor, "descriptor", 0, 0x7FFFFFFF)
    cdef int64_t wanted = whole(values, "values", -MOST, MOST)
    cdef uint8_t[::1] room = uint8s_out(buffer, "buffer")
    if room.shape[0] < MOST_HEADER:
        raise InputError(f"walk_pages: expected room for {MOST_HEADER} bytes")
    if not isinstance(limits, tuple) or len(limits) != 4:
        raise InputError(f"limits {shown(limits)}: expected four numbers")
    walk.most_page, walk.most_ratio, walk.least_page, walk.most_value = [
        whole(each, "limit", -MOST, MOST) for each in limits
    ]
    walk.at, walk.end = whole(at, "at", -MOST, MOST), whole(end, "end", -MOST, MOST)
    walk.values = walk.uncompressed = 0
    with nogil:
        while walk.values < wanted and not code:
            code = walk_page(file, &walk, &room[0])
    return code, walk.at, walk.values, walk.uncompressed
