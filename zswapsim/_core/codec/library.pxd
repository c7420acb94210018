"""Hold a shared object that is opened once and never closed, and functions looked up in it."""


cdef class Library:
    """Hold one opened shared object. It is never closed: codecs keep pointers into it."""
    cdef void **functions       # owned; one for each of `symbols`; NULL if there are none
    cdef readonly tuple symbols  # the names looked up, in order
    cdef readonly str path      # the file that holds the first of them
    cdef readonly str version   # version that the library reports, "" if unknown
