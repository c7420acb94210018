"""Define the constants of the pool's size classes, for 4 KiB pages and 64 bits (mm/zsmalloc.c)."""

cdef enum:
    ZS_MIN_SIZE = 32
    ZS_STEP = 16                # PAGE_SIZE >> 8
    ZS_SLOTS = 255              # class indices; several may share one class
    ZS_HANDLE_BYTES = 8         # before every object, except in a zspage with one object
    ZS_MAX_CHAIN = 16
