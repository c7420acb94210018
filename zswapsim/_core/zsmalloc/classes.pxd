"""The constants of the pool's size classes, at 4 KiB pages and 64 bits (mm/zsmalloc.c)."""

cdef enum:
    ZS_MIN_SIZE = 32
    ZS_STEP = 16                # PAGE_SIZE >> 8
    ZS_SLOTS = 255              # class slots; several may share one class
    ZS_HANDLE_BYTES = 8         # in front of every object except in a zspage of one whole frame
    ZS_MAX_CHAIN = 16
