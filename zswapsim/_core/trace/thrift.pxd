"""Thrift's compact protocol, as Parquet's headers are written in it. Past the end, or if it is none, `bad` is set."""

from libc.stdint cimport int64_t, uint8_t, uint64_t

cdef enum:
    THRIFT_STOP = 0
    THRIFT_TRUE = 1
    THRIFT_FALSE = 2
    THRIFT_BYTE = 3
    THRIFT_I64 = 6
    THRIFT_DOUBLE = 7
    THRIFT_BINARY = 8
    THRIFT_LIST = 9
    THRIFT_SET = 10
    THRIFT_MAP = 11
    THRIFT_STRUCT = 12
    MOST_FIELDS = 32767     # the largest id
    DEEPEST = 16            # structs within structs; Parquet has a few

ctypedef struct thrift:
    const uint8_t *at       # not owned
    const uint8_t *end
    bint bad                # nothing read since is of any worth
    int type                # of the field that thrift_field() came to


cdef inline uint64_t thrift_varint(thrift *source) noexcept nogil:
    cdef uint64_t value = 0
    cdef uint8_t byte
    cdef int shift = 0
    while source.at < source.end and shift < 64:
        byte = source.at[0]
        source.at += 1
        value |= <uint64_t> (byte & 127) << shift
        if byte < 128:
            return value
        shift += 7
    source.bad = True
    return 0


cdef inline int64_t thrift_int(thrift *source) noexcept nogil:
    cdef uint64_t value = thrift_varint(source)
    return <int64_t> (value >> 1 ^ (~(value & 1) + 1))


# Steps over `size` bytes; where they begin.
cdef inline const uint8_t *thrift_bytes(thrift *source, uint64_t size) noexcept nogil:
    cdef const uint8_t *begin = source.at
    if size > <uint64_t> (source.end - source.at):
        source.bad = True
    else:
        source.at += size
    return begin


# The id of the next field of a struct after the field `last` (0 before the first); 0 at the struct's end.
cdef inline int64_t thrift_field(thrift *source, int64_t last) noexcept nogil:
    cdef const uint8_t *head = thrift_bytes(source, 1)
    cdef int64_t field
    if source.bad or head[0] & 15 == THRIFT_STOP:
        return 0
    source.type = head[0] & 15
    field = last + (head[0] >> 4) if head[0] >> 4 else thrift_int(source)
    if not 0 < field <= MOST_FIELDS:
        source.bad = True
    return field


# How many elements a list has; `type` becomes theirs.
cdef inline uint64_t thrift_list(thrift *source) noexcept nogil:
    cdef const uint8_t *head = thrift_bytes(source, 1)
    cdef uint64_t count
    if source.bad:
        return 0
    source.type = head[0] & 15
    count = head[0] >> 4
    if count == 15:
        count = thrift_varint(source)
    if count > <uint64_t> (source.end - source.at):
        source.bad = True
    return 0 if source.bad else count


cdef inline void thrift_skip_many(thrift *source, int type, int other, uint64_t count, int deep) noexcept nogil:
    while count and not source.bad:
        count -= 1
        thrift_skip(source, THRIFT_BYTE if type <= THRIFT_FALSE else type, deep)
        if other != THRIFT_STOP:
            thrift_skip(source, THRIFT_BYTE if other <= THRIFT_FALSE else other, deep)


# Steps over a value of `type`, `deep` structs inside.
cdef inline void thrift_skip(thrift *source, int type, int deep) noexcept nogil:
    cdef uint64_t count
    cdef const uint8_t *types
    cdef int64_t field = 0
    if deep > DEEPEST:
        source.bad = True
    elif type == THRIFT_BYTE:
        thrift_bytes(source, 1)
    elif THRIFT_BYTE < type <= THRIFT_I64:
        thrift_varint(source)
    elif type == THRIFT_DOUBLE:
        thrift_bytes(source, 8)
    elif type == THRIFT_BINARY:
        thrift_bytes(source, thrift_varint(source))
    elif type == THRIFT_LIST or type == THRIFT_SET:
        count = thrift_list(source)
        thrift_skip_many(source, source.type, THRIFT_STOP, count, deep + 1)
    elif type == THRIFT_MAP:
        count = thrift_varint(source)
        if count and not source.bad:
            types = thrift_bytes(source, 1)
            if not source.bad:
                thrift_skip_many(source, types[0] >> 4, types[0] & 15, count, deep + 1)
    elif type == THRIFT_STRUCT:
        field = thrift_field(source, 0)
        while field and not source.bad:
            thrift_skip(source, source.type, deep + 1)
            field = thrift_field(source, field)
    elif type > THRIFT_FALSE:
        source.bad = True
