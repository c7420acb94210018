"""Compute the pool's size classes."""

from zswapsim._core.base.arguments cimport whole
from zswapsim._core.base.errors cimport ZSW_PAGE_SIZE


cdef dict TABLES = {}  # by chain size, the classes of a pool


def size_classes(chain_size=8):
    """Return the distinct size classes, small to large: a list of (bytes, frames of a zspage, objects of a zspage).

    Sizes are the multiples of 16 bytes from 32 to 4096. From large to small, a size whose frames and objects equal
    those of the next larger class is merged into it (set_merge() and calculate_zspage_chain_size() in mm/zsmalloc.c).
    Raises InputError for a chain size outside 4 ... 16.
    """
    cdef int chain = whole(chain_size, "chain size", 4, ZS_MAX_CHAIN)
    if chain not in TABLES:
        TABLES[chain] = made_classes(chain)
    return list(TABLES[chain])


cdef list made_classes(int chain):
    cdef int size, frames
    classes = []
    for size in range(ZS_MIN_SIZE + (ZS_SLOTS - 1) * ZS_STEP, ZS_MIN_SIZE - 1, -ZS_STEP):
        frames = chain_frames(size, chain)
        shape = (frames, frames * ZSW_PAGE_SIZE // size)
        if not classes or classes[len(classes) - 1][1:] != shape:
            classes.append((size, *shape))
    return list(reversed(classes))


cdef int chain_frames(int size, int chain_size):
    """Return the number of frames with which a zspage wastes least; the smallest such number."""
    cdef int frames, best = 1
    if size & (size - 1) == 0:
        return 1
    for frames in range(2, chain_size + 1):
        if frames * ZSW_PAGE_SIZE % size < best * ZSW_PAGE_SIZE % size:
            best = frames
    return best


def huge_class_size(chain_size=8):
    """Return the length (bytes) at or above which a compressed page takes a whole frame: zs_huge_class_size()."""
    largest = max(size for size, frames, objects in size_classes(chain_size) if frames != 1 and objects != 1)
    return largest - (ZS_HANDLE_BYTES - 1)
