"""Tell if a compressed page is huge: one that gains nothing from compression, and is stored as it is.

zram_write_page() in drivers/block/zram/zram_drv.c compares with zs_huge_class_size() of the pool; zswap with a page.
"""


# Return True if `length` compressed bytes are too many to be stored compressed; `huge_size`: the pool's, in bytes.
cdef inline bint is_huge(int length, int huge_size) noexcept nogil:
    return length >= huge_size
