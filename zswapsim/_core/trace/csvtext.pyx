"""Parse and format the body of a CSV trace: one line for each event, page in hexadecimal, op ``R`` or ``W``.

An error names the line and field. No line is skipped, so the line number follows from the number of events before it.
"""

from libc.stdint cimport int8_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from zswapsim._core.base.arguments cimport uint32s, uint32s_out, uint64s, uint64s_out, uint8s, uint8s_out
from zswapsim._core.base.errors import InputError

# These are the roles of a column.
SKIP, PAGE, OP, TIME_NS, PROCESS = 0, 1, 2, 3, 4
# These are the results of a line.
GOOD, BAD_FIELD, TOO_LARGE, TOO_FEW, TOO_MANY = 0, 1, 2, 3, 4

cdef enum:
    C_SKIP = 0
    C_PAGE = 1
    C_OP = 2
    C_TIME_NS = 3
    C_PROCESS = 4

cdef enum:
    C_GOOD = 0
    C_BAD_FIELD = 1
    C_TOO_LARGE = 2
    C_TOO_FEW = 3
    C_TOO_MANY = 4

cdef enum:
    MIN_LINE = 4        # "0,R\n"
    MAX_LINE = 52       # 16 digits, op, 20 digits, 10 digits, three commas, the end of the line

cdef uint8_t COMMA = 44, NEWLINE = 10, RETURN = 13, ZERO = 48, LETTER_R = 82, LETTER_W = 87, LETTER_X = 120
cdef int8_t HEX_VALUE[256]      # by character, the value of a hexadecimal digit; -1 for others
cdef uint8_t HEX_DIGIT[16]


cdef void init_hex_tables() noexcept:
    cdef int i
    memset(HEX_VALUE, -1, sizeof(HEX_VALUE))
    for i in range(16):
        HEX_DIGIT[i] = ZERO + i if i < 10 else 97 + i - 10
        HEX_VALUE[HEX_DIGIT[i]] = i
    for i in range(10, 16):
        HEX_VALUE[65 + i - 10] = i


init_hex_tables()


# A read position. `text` ends in a newline, which ends every field, so no other bound is needed.
cdef struct text_cursor:
    const uint8_t *pos
    uint64_t value          # the last number


cdef inline int read_hex(text_cursor *cursor) noexcept nogil:
    cdef const uint8_t *pos = cursor.pos
    cdef const uint8_t *start
    cdef uint64_t value = 0
    cdef int digit
    if pos[0] == ZERO and (pos[1] | 32) == LETTER_X:
        pos += 2
    start = pos
    while True:
        digit = HEX_VALUE[pos[0]]
        if digit < 0:
            break
        if value >> 60:
            return C_TOO_LARGE
        value = value << 4 | <uint64_t> digit
        pos += 1
    if pos == start:
        return C_BAD_FIELD
    cursor.pos = pos
    cursor.value = value
    return C_GOOD


cdef inline int read_decimal(text_cursor *cursor, uint64_t max_value) noexcept nogil:
    cdef const uint8_t *pos = cursor.pos
    cdef const uint8_t *start = pos
    cdef uint64_t value = 0, digit
    while True:
        digit = <uint64_t> pos[0] - ZERO
        if digit > 9:
            break
        if value > (max_value - digit) // 10:
            return C_TOO_LARGE
        value = 10 * value + digit
        pos += 1
    if pos == start:
        return C_BAD_FIELD
    cursor.pos = pos
    cursor.value = value
    return C_GOOD


cdef inline int read_op(text_cursor *cursor) noexcept nogil:
    cdef uint8_t letter = cursor.pos[0]
    if letter != LETTER_R and letter != LETTER_W:
        return C_BAD_FIELD
    cursor.value = letter == LETTER_W
    cursor.pos += 1
    return C_GOOD


cdef inline int read_field(text_cursor *cursor, uint8_t role) noexcept nogil:
    if role == C_PAGE:
        return read_hex(cursor)
    if role == C_OP:
        return read_op(cursor)
    if role == C_TIME_NS:
        return read_decimal(cursor, 0xFFFFFFFFFFFFFFFF)
    if role == C_PROCESS:
        return read_decimal(cursor, 0xFFFFFFFF)
    while cursor.pos[0] != COMMA and cursor.pos[0] != NEWLINE:
        cursor.pos += 1
    return C_GOOD


# Skip the end of a field: a comma, or the end of the line after the last column.
cdef inline int read_end(text_cursor *cursor, bint last) noexcept nogil:
    if not last:
        if cursor.pos[0] != COMMA:
            return C_TOO_FEW if cursor.pos[0] == NEWLINE or cursor.pos[0] == RETURN else C_BAD_FIELD
    else:
        if cursor.pos[0] == RETURN and cursor.pos[1] == NEWLINE:
            cursor.pos += 1
        if cursor.pos[0] != NEWLINE:
            return C_TOO_MANY if cursor.pos[0] == COMMA else C_BAD_FIELD
    cursor.pos += 1
    return C_GOOD


def parse(text, bytes roles not None, page, op, time_ns, process):
    """Parse whole lines.

    `text`: ends in a newline. `roles`: one of SKIP … PROCESS for each column. The arrays have room for len(text) // 4
    events; `time_ns` (uint64) and `process` (uint32) are given exactly if a column has that role. Returns (events
    read, GOOD or the error in the next line, its column, the position of the wrong field in `text`). O(n), without
    the GIL. Raises InputError for arguments that don't fit.
    """
    cdef const uint8_t[::1] lines = uint8s(text, "text")
    cdef uint64_t[::1] numbers = uint64s_out(page, "page")
    cdef uint8_t[::1] ops = uint8s_out(op, "op")
    cdef uint64_t[::1] times = None if time_ns is None else uint64s_out(time_ns, "time_ns")
    cdef uint32_t[::1] processes = None if process is None else uint32s_out(process, "process")
    cdef bint has_time = times is not None, has_process = processes is not None
    cdef Py_ssize_t max_events = lines.shape[0] // MIN_LINE, count = 0
    cdef int columns = <int> len(roles), column = 0, code = C_GOOD
    cdef const uint8_t *role = roles
    cdef const uint8_t *end
    cdef const uint8_t *field
    cdef uint64_t values[5]     # values of the line, by role; copied to the arrays once the line is complete
    cdef text_cursor cursor
    if not lines.shape[0] or lines[lines.shape[0] - 1] != NEWLINE:
        raise InputError("parse: expected text that ends in a newline")
    if not {PAGE, OP} <= set(roles) <= {SKIP, PAGE, OP, TIME_NS, PROCESS} or (TIME_NS in roles) != has_time or (
            PROCESS in roles) != has_process:
        raise InputError("parse: expected a page and an op column, and arrays for the other columns")
    if min(numbers.shape[0], ops.shape[0]) < max_events or (has_time and times.shape[0] < max_events) or (
            has_process and processes.shape[0] < max_events):
        raise InputError(f"parse: expected room for {max_events} events")
    cursor.value = 0
    memset(values, 0, sizeof(values))
    cursor.pos = field = &lines[0]
    end = cursor.pos + lines.shape[0]
    with nogil:
        while cursor.pos < end:
            for column in range(columns):
                field = cursor.pos
                code = read_field(&cursor, role[column]) or read_end(&cursor, column == columns - 1)
                if code:
                    break
                values[role[column]] = cursor.value
            if code:
                break
            numbers[count] = values[C_PAGE]
            ops[count] = <uint8_t> values[C_OP]
            if has_time:
                times[count] = values[C_TIME_NS]
            if has_process:
                processes[count] = <uint32_t> values[C_PROCESS]
            count += 1
    return count, code, column, field - &lines[0]


cdef inline uint8_t *write_hex(uint8_t *pos, uint64_t value) noexcept nogil:
    cdef int shift = 60
    while shift and not value >> shift:
        shift -= 4
    while shift >= 0:
        pos[0] = HEX_DIGIT[value >> shift & 15]
        pos += 1
        shift -= 4
    return pos


cdef inline uint8_t *write_decimal(uint8_t *pos, uint64_t value) noexcept nogil:
    cdef uint8_t digits[20]
    cdef int count = 0
    while True:
        digits[count] = ZERO + <uint8_t> (value % 10)
        value //= 10
        count += 1
        if not value:
            break
    while count:
        count -= 1
        pos[0] = digits[count]
        pos += 1
    return pos


def format_events(page, op, time_ns, process, out):
    """Write one line for each event into `out`, which has room for 52 bytes each. Return the number of bytes written.

    O(n), without the GIL. Raises InputError if lengths don't fit.
    """
    cdef const uint64_t[::1] pages = uint64s(page, "page")
    cdef const uint8_t[::1] ops = uint8s(op, "op")
    cdef uint8_t[::1] target = uint8s_out(out, "out")
    cdef const uint64_t[::1] times = None if time_ns is None else uint64s(time_ns, "time_ns")
    cdef const uint32_t[::1] processes = None if process is None else uint32s(process, "process")
    cdef Py_ssize_t i, count = pages.shape[0]
    cdef bint has_time = times is not None, has_process = processes is not None
    cdef uint8_t *pos
    if ops.shape[0] != count or (has_time and times.shape[0] != count) or (has_process and processes.shape[0] != count):
        raise InputError(f"format_events: expected {count} of everything")
    if target.shape[0] < MAX_LINE * count:
        raise InputError(f"format_events: expected room for {MAX_LINE * count} bytes")
    if not count:
        return 0
    pos = &target[0]
    with nogil:
        for i in range(count):
            pos = write_hex(pos, pages[i])
            pos[0] = COMMA
            pos[1] = LETTER_W if ops[i] else LETTER_R
            pos += 2
            if has_time:
                pos[0] = COMMA
                pos = write_decimal(pos + 1, times[i])
            if has_process:
                pos[0] = COMMA
                pos = write_decimal(pos + 1, processes[i])
            pos[0] = NEWLINE
            pos += 1
    return pos - &target[0]
