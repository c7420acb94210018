"""A whole Parquet file of the native form as dense page numbers and ops, in one pass without the GIL.

It knows what :func:`zswapsim.traces.arrowform.write_parquet` writes, and no other encoding: of any other file it says
that it is not good, and Arrow reads it. Pages are checked, unpacked and numbered one by one, while they are in the
cache.
"""

from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp
from posix.unistd cimport pread

from zswapsim._core.trace.crc32 cimport crc32, crc_open, crc_tables
from zswapsim._core.trace.dense cimport DenseMap
from zswapsim._core.trace.parquetfoot cimport (
    BYTE_ARRAY, FILE_ENCRYPTION, FILE_GROUPS, FILE_ROWS, FILE_SCHEMA, GROUP_COLUMNS, GROUP_ROWS, INT64, column_chunk,
    read_column, read_schema,
)
from zswapsim._core.trace.parquetpage cimport (
    DATA_PAGE, DELTA_BINARY_PACKED, DICTIONARY_PAGE, LZ4_RAW, MOST_BYTES, MOST_VALUES, PADDING, PLAIN, RLE_DICTIONARY,
    UNCOMPRESSED, delta_unpack, lz4_unpack, lz4_verbatim, ops_unpack, page_head, read_head,
)
from zswapsim._core.trace.thrift cimport thrift, thrift_field, thrift_int, thrift_list, thrift_skip
from zswapsim._core.trace.wholefile cimport FileReader

from zswapsim._core.base.errors import HostMemoryError, InputError

cdef enum:
    MOST_PACKED = 1 << 25   # bytes of a column in a row group
    NO_OP = 2

cdef crc_tables CRC
crc_open(&CRC)


cdef class ParquetFile(FileReader):
    """The trace in the open file `descriptor`, of which `foot` is the metadata at its end.

    Raises InputError where the file is not of the native form, or has more than `most_events` events; HostMemoryError.
    """
    cdef int64_t page_column        # which of a row group's columns they are
    cdef int64_t op_column
    cdef int64_t columns
    cdef bytes foot
    cdef thrift groups              # row groups, in `foot`
    cdef uint64_t group_count
    cdef uint8_t *packed            # owned; the pages of one column in one row group
    cdef uint8_t *unpacked          # owned; one page
    cdef uint64_t *values           # owned; of one page
    cdef uint8_t[2] op_of           # by place in the row group's dictionary

    def __cinit__(self, int descriptor, bytes foot not None, int64_t most_events, DenseMap pages not None):
        self.foot, self.pages = foot, pages
        if not self.read_foot() or not 0 < self.events <= most_events:
            raise InputError("not a trace in the native form")
        self.packed = <uint8_t *> malloc(MOST_PACKED + PADDING)
        self.unpacked = <uint8_t *> malloc(MOST_BYTES + PADDING)
        self.values = <uint64_t *> malloc(MOST_VALUES * sizeof(uint64_t))
        if not (self.packed and self.unpacked and self.values):
            raise HostMemoryError("pages of a file: the host is out of memory")
        self.reserve(ops=True)

    def __dealloc__(self):
        free(self.packed)
        free(self.unpacked)
        free(self.values)

    # The schema, and where row groups begin. Whether all that is known here.
    cdef bint read_foot(self):
        cdef thrift source
        cdef int64_t field
        cdef bint known = False
        source.at, source.bad = <const uint8_t *> PyBytes_AS_STRING(self.foot), False
        source.end = source.at + len(self.foot)
        field = thrift_field(&source, 0)
        while field and not source.bad:
            if field == FILE_SCHEMA:
                known = read_schema(&source, &self.page_column, &self.op_column, &self.columns)
                if not known:
                    return False
            elif field == FILE_ROWS:
                self.events = thrift_int(&source)
            elif field == FILE_ENCRYPTION:
                return False
            else:
                if field == FILE_GROUPS:
                    self.groups = source
                    self.group_count = thrift_list(&self.groups)
                thrift_skip(&source, source.type, 0)
            field = thrift_field(&source, field)
        return known and not source.bad and self.group_count > 0

    cdef bint read_all(self) noexcept nogil:
        cdef uint64_t _group
        for _group in range(self.group_count):
            if self.stopped or not self.read_group():
                return False
        return self.done == self.events

    # The next row group: its columns' places, then what is in them.
    cdef bint read_group(self) noexcept nogil:
        cdef thrift *source = &self.groups
        cdef int64_t field = thrift_field(source, 0), rows = -1
        cdef column_chunk page, op
        page.values = op.values = -2
        while field and not source.bad:
            if field == GROUP_ROWS:
                rows = thrift_int(source)
            elif field == GROUP_COLUMNS:
                if not self.read_columns(source, &page, &op):
                    return False
            else:
                thrift_skip(source, source.type, 0)
            field = thrift_field(source, field)
        if source.bad or rows < 0 or rows > self.events - self.done or page.values != rows or op.values != rows:
            return False
        self.populate(rows)
        if not self.read_ops(&op, rows) or not self.read_pages(&page, rows):
            return False
        self.done += rows
        return True

    cdef bint read_columns(self, thrift *source, column_chunk *page, column_chunk *op) noexcept nogil:
        cdef uint64_t count = thrift_list(source)
        cdef int64_t i
        cdef column_chunk chunk
        if <int64_t> count != self.columns:
            return False
        for i in range(self.columns):
            if not read_column(source, &chunk):
                return False
            if i == self.page_column:
                page[0] = chunk
            elif i == self.op_column:
                op[0] = chunk
        return page.type == INT64 and page.dictionary < 0 and op.type == BYTE_ARRAY and op.dictionary > 0

    # Reads the pages of a column; `source` is then what they are in.
    cdef bint fetch(self, int64_t offset, int64_t size, thrift *source) noexcept nogil:
        cdef Py_ssize_t filled = 0, count
        if offset < 0 or not 0 < size <= MOST_PACKED:
            return False
        while filled < size:
            count = pread(self.descriptor, self.packed + filled, size - filled, offset + filled)
            if count <= 0:
                return False
            filled += count
        source.at, source.end, source.bad = self.packed, self.packed + size, False
        return True

    # The next page, unpacked; whether it is whole. `page` is then what it holds.
    cdef bint next_page(self, thrift *source, int64_t codec, page_head *head, thrift *page) noexcept nogil:
        cdef const uint8_t *packed
        cdef const uint8_t *whole
        if not read_head(source, head):
            return False
        packed = source.at
        source.at += head.packed
        if head.has_checksum and crc32(&CRC, packed, head.packed) != head.checksum:
            return False
        if codec == LZ4_RAW:
            whole = lz4_verbatim(packed, head.packed, head.unpacked)
            if whole == NULL:
                if not lz4_unpack(packed, head.packed, self.unpacked, head.unpacked):
                    return False
                whole = self.unpacked
        elif codec == UNCOMPRESSED and head.packed == head.unpacked:
            whole = packed
        else:
            return False
        page.at, page.end, page.bad = whole, whole + head.unpacked, False
        return True

    cdef bint read_pages(self, const column_chunk *chunk, int64_t rows) noexcept nogil:
        cdef thrift source, page
        cdef page_head head
        cdef int64_t done = 0
        if not self.fetch(chunk.first, chunk.size, &source):
            return False
        while done < rows:
            if self.stopped or not self.next_page(&source, chunk.codec, &head, &page):
                return False
            if head.type != DATA_PAGE or head.encoding != DELTA_BINARY_PACKED or head.values > rows - done:
                return False
            if not delta_unpack(&page, self.values, head.values):
                return False
            if self.pages.number(
                <const uint8_t *> self.values, sizeof(uint64_t), self.numbers + self.done + done, head.values
            ):
                return False
            done += head.values
        return source.at == source.end

    cdef bint read_ops(self, const column_chunk *chunk, int64_t rows) noexcept nogil:
        cdef thrift source, page
        cdef page_head head
        cdef int64_t done = 0
        if not self.fetch(chunk.dictionary, chunk.size, &source):
            return False
        if not self.next_page(&source, chunk.codec, &head, &page) or not self.read_dictionary(&head, &page):
            return False
        while done < rows:
            if not self.next_page(&source, chunk.codec, &head, &page):
                return False
            if head.type != DATA_PAGE or head.encoding != RLE_DICTIONARY or head.values > rows - done:
                return False
            if not ops_unpack(&page, self.op_of, self.ops + self.done + done, head.values):
                return False
            done += head.values
        return source.at == source.end

    # Texts, each after its length in 4 bytes. Whether all are ops.
    cdef bint read_dictionary(self, const page_head *head, const thrift *page) noexcept nogil:
        cdef int64_t i
        self.op_of[0] = self.op_of[1] = NO_OP
        if head.type != DICTIONARY_PAGE or head.encoding != PLAIN or head.values > 2:
            return False
        if page.end - page.at != head.values * 5:
            return False
        for i in range(head.values):
            if memcmp(page.at + 5 * i, b"\1\0\0\0", 4):
                return False
            if page.at[5 * i + 4] != b"R" and page.at[5 * i + 4] != b"W":
                return False
            self.op_of[i] = page.at[5 * i + 4] == b"W"
        return True
