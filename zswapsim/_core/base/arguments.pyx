"""Check the arguments of calls from Python: numbers, flags, names and arrays."""

from os import fsencode, fspath

from cpython.number cimport PyNumber_Float, PyNumber_Index
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from zswapsim._core.base.errors cimport ZSW_PAGE_SIZE
from zswapsim._core.base.errors import InputError

cdef enum:
    MOST_SHOWN = 60

cdef object UNLIMITED = (1 << 63) - 1  # a highest value that only the type of a number sets


cpdef object whole(value, str what, lowest, highest):
    try:
        found = PyNumber_Index(value)
    except TypeError:
        raise InputError(f"{what} {shown(value)}: expected a whole number") from None
    if not lowest <= found <= highest:
        expected = f"{lowest} to {highest}" if highest < UNLIMITED else f"at least {lowest}"
        raise InputError(f"{what} {shown(found)}: expected {expected}")
    return found


cpdef double number(value, str what, double lowest, double highest) except? -1.0:
    cdef double found
    try:
        if isinstance(value, (str, bytes, bytearray)):
            raise TypeError
        found = PyNumber_Float(value)
    except (OverflowError, TypeError, ValueError):
        raise InputError(f"{what} {shown(value)}: expected a number") from None
    if not lowest <= found <= highest:
        raise InputError(f"{what} {shown(value)}: expected {lowest:g} to {highest:g}")
    return found


cpdef bint flag(value, str what) except? -1:
    if type(value) is bool:
        return value
    if type(value).__module__ == "numpy" and type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    return whole(value, what, 0, 1)


cpdef str text(value, str what):
    if not isinstance(value, str):
        raise InputError(f"{what} {shown(value)}: expected a string")
    return str(value)


cpdef str shown(value):
    try:
        found = " ".join(str(value).split()) if isinstance(value, (int, str)) else " ".join(repr(value).split())
    except Exception:  # of third parties, or a number of more than 4300 digits
        found = f"of type {type(value).__name__}"
    return found if len(found) <= MOST_SHOWN else f"{found[:MOST_SHOWN - 3]}..."


NO_ARRAY = (BufferError, TypeError, ValueError)  # a value that is no such array raises one of these


cdef object required(value):
    """Return a value other than None, which Cython would take for an array."""
    if value is None:
        raise TypeError
    return value


cdef object wrong_array(value, str what, str kind, error):
    """Return the exception for a value that is no such array."""
    why = f"got {shown(value)}" if value is None else error
    return InputError(f"{what}: expected a contiguous array of {kind}: {why}")


cdef const uint8_t[::1] uint8s(value, str what):
    try:
        return required(value)
    except NO_ARRAY as error:
        raise wrong_array(value, what, "uint8", error) from None


cdef const uint16_t[::1] uint16s(value, str what):
    try:
        return required(value)
    except NO_ARRAY as error:
        raise wrong_array(value, what, "uint16", error) from None


cdef const uint32_t[::1] uint32s(value, str what):
    try:
        return required(value)
    except NO_ARRAY as error:
        raise wrong_array(value, what, "uint32", error) from None


cdef const uint64_t[::1] uint64s(value, str what):
    try:
        return required(value)
    except NO_ARRAY as error:
        raise wrong_array(value, what, "uint64", error) from None


cdef uint8_t[::1] uint8s_out(value, str what):
    try:
        return required(value)
    except NO_ARRAY as error:
        raise wrong_array(value, what, "uint8 that can be written to", error) from None


cdef uint16_t[::1] uint16s_out(value, str what):
    try:
        return required(value)
    except NO_ARRAY as error:
        raise wrong_array(value, what, "uint16 that can be written to", error) from None


cdef uint32_t[::1] uint32s_out(value, str what):
    try:
        return required(value)
    except NO_ARRAY as error:
        raise wrong_array(value, what, "uint32 that can be written to", error) from None


cdef uint64_t[::1] uint64s_out(value, str what):
    try:
        return required(value)
    except NO_ARRAY as error:
        raise wrong_array(value, what, "uint64 that can be written to", error) from None


cdef int64_t[::1] int64s_out(value, str what):
    try:
        return required(value)
    except NO_ARRAY as error:
        raise wrong_array(value, what, "int64 that can be written to", error) from None


cdef const uint8_t[:, ::1] page_rows(value, str what):
    cdef const uint8_t[:, ::1] found
    try:
        found = value
        if value is None or found.shape[1] != ZSW_PAGE_SIZE:
            raise TypeError("another shape")
    except NO_ARRAY as error:
        raise wrong_array(value, what, f"uint8 with rows of {ZSW_PAGE_SIZE} bytes", error) from None
    return found


# -- for callers in Python --------------------------------------------------------------------------------------------

def instance(value, kinds, str what):
    """Return a value that is of one of these classes. Raise InputError."""
    if not isinstance(value, kinds):
        names = " or ".join(each.__name__ for each in (kinds if isinstance(kinds, tuple) else (kinds,)))
        raise InputError(f"{what}: expected {names}, got {shown(value)}")
    return value


def path_text(value, str what):
    """Return a file's name from a string or an object such as Path. Raise InputError."""
    try:
        found = fspath(value)
        named = isinstance(found, str) and "\0" not in found and fsencode(found) is not None
    except Exception:  # it has no name, none that this system can have, or a third party's object raises
        named = False
    if not named:
        raise InputError(f"{what}: expected a file's name, got {shown(value)}")
    return found


def listed(values, str what):
    """Return the values of any iterable, as a list. Raise InputError for a buffer that was released."""
    try:
        return list(values)
    except ValueError as error:
        raise InputError(f"{what}: {error}") from None


def callback(value, str what):
    """Return a function, or None. Raise InputError."""
    if value is not None and not callable(value):
        raise InputError(f"{what}: expected a function, got {shown(value)}")
    return value
