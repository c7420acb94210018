"""Check the arguments of calls from Python: numbers, flags, names and arrays. Each function raises InputError.

`what` names the argument at the beginning of the message. An argument that a signature converts to a C type would take
1.5 for a whole number, and raise OverflowError for one that is too large; so signatures leave that to these functions.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

# Return a whole number from `lowest` to `highest`: an int, or what operator.index() makes one.
cpdef object whole(value, str what, lowest, highest)
# Return a number from `lowest` to `highest`; NaN is none.
cpdef double number(value, str what, double lowest, double highest) except? -1.0
# Return a truth value: True, False, 1 or 0.
cpdef bint flag(value, str what) except? -1
# Return a string.
cpdef str text(value, str what)
# Return a value for a message, in at most 60 characters.
cpdef str shown(value)

# Return a contiguous array of these numbers, which may be read only.
cdef const uint8_t[::1] uint8s(value, str what)
cdef const uint16_t[::1] uint16s(value, str what)
cdef const uint32_t[::1] uint32s(value, str what)
cdef const uint64_t[::1] uint64s(value, str what)
# Return a contiguous array of these numbers, to be written.
cdef uint8_t[::1] uint8s_out(value, str what)
cdef uint16_t[::1] uint16s_out(value, str what)
cdef uint32_t[::1] uint32s_out(value, str what)
cdef uint64_t[::1] uint64s_out(value, str what)
cdef int64_t[::1] int64s_out(value, str what)
# Return pages, uint8[n, 4096].
cdef const uint8_t[:, ::1] page_rows(value, str what)
