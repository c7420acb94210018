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


# Raises the exception that stands for a negative code; `what` names the object and place ("slot 7", "codec lz4").
cdef int raise_code(int code, str what) except -1
