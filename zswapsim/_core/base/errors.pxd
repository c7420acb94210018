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


# Raise the exception for a negative code; `subject` names the object and place ("slot 7", "codec lz4").
cdef int raise_code(int code, str subject) except -1
