"""A kind of third party's reclaimer: its table of functions, and what must live as long as that."""

from zswapsim._core.reclaim.capi cimport zsw_reclaimer


cdef class ReclaimerTable:
    cdef const zsw_reclaimer *functions
    cdef object keeps                   # the capsule or the class
    cdef readonly str name
    cdef readonly tuple parameters      # of Parameter
    cdef readonly object max_hits       # accesses that are counted for each page: 0, 1 or 3
    cdef readonly object batch          # pages evicted if no frame is free, unless asked otherwise; at least 1


# Raise PluginError, beginning with `what`, if a name, a parameter or a number of the table is none.
cdef int check_table(ReclaimerTable table, str what) except -1
