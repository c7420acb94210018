"""Allocate objects in frames: size classes, zspages with fullness groups, handles, compaction."""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from zswapsim._core.frames.arena cimport FrameArena

cdef enum:
    ZS_GROUPS = 12              # 0 empty, 1 ... 10 by tenths, 11 full
    ZS_GROUP_FULL = 11
    ZS_MAX_LENGTH = 4096        # bytes of the longest object
    ZS_NONE = 0xFFFFFFFF        # no zspage; end of a list
    ZS_LAST = 0xFFFF            # end of a zspage's free list

# A handle is zspage << 16 | index. All ones stand for no object.
ctypedef uint64_t zs_handle

ctypedef struct zs_class:
    uint16_t size               # bytes of an object, handle included
    uint16_t objects            # objects of a zspage
    uint8_t frames              # frames of a zspage
    uint32_t[12] groups         # head of each fullness group's list
    uint32_t free_descriptors   # unused zspage records, linked by `next`
    uint64_t allocated          # objects in zspages that have frames
    uint64_t used               # of these, objects in use

ctypedef struct zs_page:
    uint32_t prev               # neighbours in its fullness group, or ZS_NONE
    uint32_t next
    uint64_t first_object       # index of its objects in ZsPool.objects
    uint64_t first_frame        # index of its frames in ZsPool.frame_of
    uint16_t inuse              # objects in use
    uint16_t free_head          # first free object, or ZS_LAST
    uint8_t class_index         # index into ZsPool.classes
    uint8_t group               # fullness group; undefined for an unused record
    uint8_t live                # 1 if it has frames
    uint8_t contiguous          # 1 if its frames are consecutive in the arena

# Compaction calls this for every object that it migrates, with the slot that owns the object.
ctypedef void (*zs_migrate_fn)(void *arg, uint32_t slot, zs_handle now) noexcept nogil


@final
cdef class ZsPool:
    cdef readonly FrameArena arena   # node of the frames
    cdef uint8_t owner               # owner of these frames
    cdef readonly int chain_size
    cdef readonly int huge_class_size  # a length at or above it takes a whole frame
    cdef int class_count
    cdef zs_class[255] classes       # small to large; merged ones once
    cdef uint8_t[257] class_of_step  # (length + 8 + 15) / 16 -> index into classes
    cdef zs_page *zspages            # owned; `zspage_count` used of `zspage_room`
    cdef uint32_t zspage_count
    cdef uint64_t zspage_room
    cdef uint32_t *objects           # owned; by object, the slot that owns it, or the next free index
    cdef uint64_t object_count
    cdef uint64_t object_room
    cdef uint32_t *frame_of          # owned; the frames of zspages
    cdef uint64_t frame_count
    cdef uint64_t frame_room
    cdef uint64_t frames_in_use      # frames of all zspages
    cdef uint64_t peak_frames
    cdef uint64_t pages_compacted    # frames that compaction freed so far
    cdef zs_migrate_fn on_migrate
    cdef void *on_migrate_arg        # borrowed; set together with `on_migrate`

    # Allocate an object of `length` bytes (1 ... 4096) owned by `slot`. Return 0 and set *handle, or ZSW_E_FULL if no
    # frames are left, or ZSW_E_NOMEM. O(1).
    cdef int alloc(self, uint32_t length, uint32_t slot, zs_handle *handle) noexcept nogil
    # Return the frames that alloc() of this length would need now; 0 if an object is free. O(1).
    cdef uint32_t frames_needed(self, uint32_t length) noexcept nogil
    # Free an object, and its zspage's frames if it was the last one. O(1).
    cdef void free_object(self, zs_handle handle) noexcept nogil
    # Write an object's bytes. The arena must be backed.
    cdef void write(self, zs_handle handle, const uint8_t *data, uint32_t length) noexcept nogil
    # Return an object's bytes, in the arena, or copied to `bounce` (4096 bytes) if they cross frames.
    cdef const uint8_t *read(self, zs_handle handle, uint32_t length, uint8_t *bounce) noexcept nogil
    # Flip the bits of `mask` in byte `offset` of an object, as failing memory would. `offset` is below its length;
    # -8 to -1 are its inline handle. Return ZSW_E_RANGE if it has no handle, or no bytes.
    cdef int flip_bits(self, zs_handle handle, int offset, uint8_t mask) noexcept nogil
    # Return the number of frames that compaction would free. O(classes).
    cdef uint64_t compactable(self) noexcept nogil
    # Compact every class. Return the number of frames freed.
    cdef uint64_t compact(self) noexcept nogil

    # The methods below are used within the module.
    cdef void open_class(self, int index, int size, int frames, int objects)
    cdef void insert_zspage(self, uint32_t zspage, int group) noexcept nogil
    cdef void remove_zspage(self, uint32_t zspage) noexcept nogil
    cdef void fix_fullness_group(self, uint32_t zspage) noexcept nogil
    cdef int reserve_arrays(self, zs_class *cls) noexcept nogil
    cdef int alloc_descriptor(self, int index, uint32_t *zspage) noexcept nogil
    cdef int alloc_zspage(self, int index, uint32_t *zspage) noexcept nogil
    cdef void free_zspage_frames(self, uint32_t zspage) noexcept nogil
    cdef void free_zspage(self, uint32_t zspage) noexcept nogil
    cdef zs_handle obj_malloc(self, uint32_t zspage, uint32_t slot) noexcept nogil
    cdef void obj_free(self, uint32_t zspage, uint16_t index) noexcept nogil
    cdef void copy_span(self, zs_page *page, uint32_t start, uint8_t *bytes, uint32_t length, bint into) noexcept nogil
    cdef uint8_t *contiguous_bytes(self, zs_page *page, uint32_t start, uint32_t length) noexcept nogil
    cdef uint64_t compact_class(self, int index) noexcept nogil
    cdef uint32_t isolate(self, zs_class *cls, int group, int step) noexcept nogil
    cdef void migrate(self, zs_class *cls, uint32_t source, uint32_t target) noexcept nogil
    cdef void free_objects_map(self, uint32_t zspage, uint8_t *free_map) noexcept nogil
    cdef void copy_object(self, zs_class *cls, zs_handle old, zs_handle now) noexcept nogil


# Return the fullness group: get_fullness_group() in mm/zsmalloc.c.
cdef inline int fullness(uint32_t inuse, uint32_t objects) noexcept nogil:
    if inuse == 0:
        return 0
    if inuse == objects:
        return ZS_GROUP_FULL
    return 100 * inuse // objects // 10 + 1


# Return the number of zspages that compaction would free: zs_can_compact() in mm/zsmalloc.c.
cdef inline uint64_t compactable_zspages(const zs_class *cls) noexcept nogil:
    return (cls.allocated - cls.used) // cls.objects
