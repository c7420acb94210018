"""The end of a Parquet file: what columns there are and where the pages of two of them lie."""

from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcmp, memset

from zswapsim._core.trace.thrift cimport (
    thrift, thrift_bytes, thrift_field, thrift_int, thrift_list, thrift_skip, thrift_varint,
)

cdef enum:
    INT64 = 2
    BYTE_ARRAY = 6
    REQUIRED = 0
    UINT_64 = 14
    OTHER = 0
    PAGE = 1
    OP = 2
    BARRED = 3              # a column that a replay needs and that is not read here

# Fields of the structs, by Thrift's numbers.
cdef enum:
    FILE_SCHEMA = 2
    FILE_ROWS = 3
    FILE_GROUPS = 4
    FILE_ENCRYPTION = 8
    ELEMENT_TYPE = 1
    ELEMENT_REPETITION = 3
    ELEMENT_NAME = 4
    ELEMENT_CHILDREN = 5
    ELEMENT_CONVERTED = 6
    GROUP_COLUMNS = 1
    GROUP_ROWS = 3
    COLUMN_PATH = 1
    COLUMN_DATA = 3
    COLUMN_CRYPTO = 8
    DATA_TYPE = 1
    DATA_CODEC = 4
    DATA_VALUES = 5
    DATA_BYTES = 7
    DATA_FIRST = 9
    DATA_DICTIONARY = 11

ctypedef struct schema_element:
    int64_t type
    int64_t repetition
    int64_t children
    int64_t converted
    int name                # OTHER to BARRED

ctypedef struct column_chunk:
    int64_t type
    int64_t codec
    int64_t values
    int64_t size            # bytes of its pages, packed
    int64_t first           # offset in the file of its data pages
    int64_t dictionary      # the same of its dictionary, -1 where it has none


cdef inline int name_of(const uint8_t *name, uint64_t length) noexcept nogil:
    if length == 4 and memcmp(name, b"page", 4) == 0:
        return PAGE
    if length == 2 and memcmp(name, b"op", 2) == 0:
        return OP
    return BARRED if length == 7 and memcmp(name, b"process", 7) == 0 else OTHER


cdef inline void read_element(thrift *source, schema_element *element) noexcept nogil:
    cdef int64_t field = thrift_field(source, 0)
    cdef uint64_t length
    element.type = element.repetition = element.children = element.converted = -1
    element.name = OTHER
    while field and not source.bad:
        if field == ELEMENT_TYPE:
            element.type = thrift_int(source)
        elif field == ELEMENT_REPETITION:
            element.repetition = thrift_int(source)
        elif field == ELEMENT_CHILDREN:
            element.children = thrift_int(source)
        elif field == ELEMENT_CONVERTED:
            element.converted = thrift_int(source)
        elif field == ELEMENT_NAME:
            length = thrift_varint(source)
            element.name = name_of(thrift_bytes(source, length), 0 if source.bad else length)
        else:
            thrift_skip(source, source.type, 0)
        field = thrift_field(source, field)


# Where a page number of 64 bits and an op in text, both never absent, stand among the columns. Whether both do, once.
cdef inline bint read_schema(thrift *source, int64_t *page, int64_t *op, int64_t *columns) noexcept nogil:
    cdef uint64_t count = thrift_list(source), i
    cdef schema_element element
    page[0] = op[0] = -1
    if count < 3:
        return False
    read_element(source, &element)
    columns[0] = element.children
    if element.children != <int64_t> count - 1:
        return False
    for i in range(count - 1):
        read_element(source, &element)
        if source.bad or element.children > 0 or element.name == BARRED:
            return False
        if element.name == PAGE:
            if page[0] >= 0 or element.type != INT64 or element.converted != UINT_64 or element.repetition != REQUIRED:
                return False
            page[0] = i
        elif element.name == OP:
            if op[0] >= 0 or element.type != BYTE_ARRAY or element.repetition != REQUIRED:
                return False
            op[0] = i
    return page[0] >= 0 and op[0] >= 0


cdef inline void read_data(thrift *source, column_chunk *chunk) noexcept nogil:
    cdef int64_t field = thrift_field(source, 0)
    while field and not source.bad:
        if field == DATA_TYPE:
            chunk.type = thrift_int(source)
        elif field == DATA_CODEC:
            chunk.codec = thrift_int(source)
        elif field == DATA_VALUES:
            chunk.values = thrift_int(source)
        elif field == DATA_BYTES:
            chunk.size = thrift_int(source)
        elif field == DATA_FIRST:
            chunk.first = thrift_int(source)
        elif field == DATA_DICTIONARY:
            chunk.dictionary = thrift_int(source)
        else:
            thrift_skip(source, source.type, 0)
        field = thrift_field(source, field)


# Whether it lies in this file, and in the clear.
cdef inline bint read_column(thrift *source, column_chunk *chunk) noexcept nogil:
    cdef int64_t field = thrift_field(source, 0)
    cdef bint here = True
    memset(chunk, 0, sizeof(column_chunk))
    chunk.dictionary = chunk.type = chunk.codec = -1
    while field and not source.bad:
        if field == COLUMN_DATA:
            read_data(source, chunk)
        else:
            here = here and field != COLUMN_PATH and field < COLUMN_CRYPTO
            thrift_skip(source, source.type, 0)
        field = thrift_field(source, field)
    return here and not source.bad
