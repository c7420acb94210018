cdef extern from "zsw_codec.h" nogil:
    enum:
        ZSW_PAGE_SIZE
        ZSW_OK
        ZSW_E_NOMEM
        ZSW_E_FULL
        ZSW_E_CODEC
        ZSW_E_CORRUPT
        ZSW_E_ABSENT
        ZSW_E_RANGE
        ZSW_E_PLUGIN
        ZSW_E_IO


cdef enum:
    E_FORKED = -65      # of the core alone: the file of a swap device belongs to the process that this was forked from


# Raise the exception for a negative code; `subject` names the object and place ("slot 7", "codec lz4").
cdef int raise_code(int code, str subject) except -1
