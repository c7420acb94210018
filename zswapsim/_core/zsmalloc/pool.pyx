"""Allocate objects in frames: size classes, zspages with fullness groups, handles, compaction.

It follows mm/zsmalloc.c of Linux 6.18 and reproduces its figures (tests/data/zram.json). Only the place of metadata
differs: free lists and owners are in arrays beside the arena, so that the pool also works on unbacked frames.
"""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from zswapsim._core.base.arguments cimport uint16s
from zswapsim._core.base.busy cimport is_busy
from zswapsim._core.base.errors cimport ZSW_E_FULL, ZSW_E_NOMEM, ZSW_E_RANGE, ZSW_OK, ZSW_PAGE_SIZE, raise_code
from zswapsim._core.base.memory cimport mem_free, mem_realloc
from zswapsim._core.frames.arena cimport FrameArena, Grant
from zswapsim._core.zsmalloc.classes cimport ZS_HANDLE_BYTES, ZS_MAX_CHAIN, ZS_STEP
from zswapsim._core.base.errors import InputError
from zswapsim._core.zsmalloc.classes import huge_class_size, size_classes


@final
cdef class ZsPool:
    """Allocate objects in the frames of a grant.

    Parameters: `grant`, the right to allocate the frames; `chain_size`, the maximum number of frames of a zspage (4 ...
    16). Raises InputError for a chain size out of range.
    """

    def __cinit__(self):
        self.zspages = NULL
        self.objects = NULL
        self.frame_of = NULL
        self.on_migrate = NULL

    def __init__(self, Grant grant not None, chain_size=8):
        if self.arena is not None or grant.arena is None:
            raise InputError("pool: expected a grant of an arena, once")
        table = size_classes(chain_size)
        self.class_count = len(table)
        for index, (size, frames, objects) in enumerate(table):
            self.open_class(index, size, frames, objects)
        index = 0
        for step in range(257):
            while table[index][0] < step * ZS_STEP:
                index += 1
            self.class_of_step[step] = index
        self.huge_class_size = huge_class_size(chain_size)
        self.chain_size = chain_size
        self.owner = grant.owner
        self.arena = grant.arena

    cdef void open_class(self, int index, int size, int frames, int objects):
        cdef zs_class *cls = &self.classes[index]
        cdef int group
        memset(cls, 0, sizeof(zs_class))
        cls.size = size
        cls.frames = frames
        cls.objects = objects
        cls.free_descriptors = ZS_NONE
        for group in range(ZS_GROUPS):
            cls.groups[group] = ZS_NONE

    def __dealloc__(self):
        cdef uint32_t zspage
        # Free the frames: the arena may outlive the pool. Skip this if another thread is using the arena.
        if self.arena is not None and not is_busy(self.arena.busy):
            for zspage in range(self.zspage_count):
                if self.zspages[zspage].live:
                    self.free_zspage_frames(zspage)
        mem_free(self.zspages)
        mem_free(self.objects)
        mem_free(self.frame_of)

    # -- fullness groups -----------------------------------------------------------------------------------------------

    cdef void insert_zspage(self, uint32_t zspage, int group) noexcept nogil:
        cdef zs_page *page = &self.zspages[zspage]
        cdef uint32_t *head = &self.classes[page.class_index].groups[group]
        page.prev = ZS_NONE
        page.next = head[0]
        if head[0] != ZS_NONE:
            self.zspages[head[0]].prev = zspage
        head[0] = zspage
        page.group = <uint8_t> group

    cdef void remove_zspage(self, uint32_t zspage) noexcept nogil:
        cdef zs_page *page = &self.zspages[zspage]
        if page.prev != ZS_NONE:
            self.zspages[page.prev].next = page.next
        else:
            self.classes[page.class_index].groups[page.group] = page.next
        if page.next != ZS_NONE:
            self.zspages[page.next].prev = page.prev

    cdef void fix_fullness_group(self, uint32_t zspage) noexcept nogil:
        cdef zs_page *page = &self.zspages[zspage]
        cdef int group = fullness(page.inuse, self.classes[page.class_index].objects)
        if group != page.group:
            self.remove_zspage(zspage)
            self.insert_zspage(zspage, group)

    # -- zspages -------------------------------------------------------------------------------------------------------

    cdef int reserve_arrays(self, zs_class *cls) noexcept nogil:
        """Reserve array space for one more zspage of this class."""
        cdef uint64_t objects = self.object_count + cls.objects, frames = self.frame_count + cls.frames
        if reserve_array(<void **> &self.zspages, &self.zspage_room, self.zspage_count + 1, sizeof(zs_page)) < 0:
            return ZSW_E_NOMEM
        if reserve_array(<void **> &self.objects, &self.object_room, objects, sizeof(uint32_t)) < 0:
            return ZSW_E_NOMEM
        return reserve_array(<void **> &self.frame_of, &self.frame_room, frames, sizeof(uint32_t))

    cdef int alloc_descriptor(self, int index, uint32_t *zspage) noexcept nogil:
        """Allocate a zspage record without frames; reuse an old one if there is one."""
        cdef zs_class *cls = &self.classes[index]
        cdef zs_page *page
        zspage[0] = cls.free_descriptors
        if zspage[0] != ZS_NONE:
            cls.free_descriptors = self.zspages[zspage[0]].next
            return ZSW_OK
        if self.reserve_arrays(cls) < 0:
            return ZSW_E_NOMEM
        zspage[0] = self.zspage_count
        page = &self.zspages[zspage[0]]
        memset(page, 0, sizeof(zs_page))
        page.class_index = <uint8_t> index
        page.first_object = self.object_count
        page.first_frame = self.frame_count
        self.zspage_count += 1
        self.object_count += cls.objects
        self.frame_count += cls.frames
        return ZSW_OK

    cdef int alloc_zspage(self, int index, uint32_t *zspage) noexcept nogil:
        """Allocate an empty zspage with frames. It is in no group yet."""
        cdef zs_class *cls = &self.classes[index]
        cdef zs_page *page
        cdef uint32_t *frames
        cdef uint32_t *links
        cdef int i
        if self.arena.free_frames < cls.frames:
            return ZSW_E_FULL
        if self.alloc_descriptor(index, zspage) < 0:
            return ZSW_E_NOMEM
        page = &self.zspages[zspage[0]]
        frames = &self.frame_of[page.first_frame]
        page.contiguous = 1
        for i in range(cls.frames):
            frames[i] = self.arena.alloc_frame(self.owner)
            if i and frames[i] != frames[i - 1] + 1:
                page.contiguous = 0
        links = &self.objects[page.first_object]
        for i in range(cls.objects):
            links[i] = i + 1
        links[cls.objects - 1] = ZS_LAST
        page.free_head = 0
        page.inuse = 0
        page.live = 1
        cls.allocated += cls.objects
        self.frames_in_use += cls.frames
        self.peak_frames = max(self.peak_frames, self.frames_in_use)
        return ZSW_OK

    cdef void free_zspage_frames(self, uint32_t zspage) noexcept nogil:
        cdef zs_page *page = &self.zspages[zspage]
        cdef int i
        # In reverse, so that the frames are allocated again in ascending order.
        for i in range(self.classes[page.class_index].frames - 1, -1, -1):
            self.arena.free_frame(self.frame_of[page.first_frame + i])
        page.live = 0

    cdef void free_zspage(self, uint32_t zspage) noexcept nogil:
        """Free an empty zspage that is in no group."""
        cdef zs_class *cls = &self.classes[self.zspages[zspage].class_index]
        self.free_zspage_frames(zspage)
        cls.allocated -= cls.objects
        self.frames_in_use -= cls.frames
        self.zspages[zspage].next = cls.free_descriptors
        cls.free_descriptors = zspage

    # -- objects -------------------------------------------------------------------------------------------------------

    cdef zs_handle obj_malloc(self, uint32_t zspage, uint32_t slot) noexcept nogil:
        cdef zs_page *page = &self.zspages[zspage]
        cdef uint32_t *objects = &self.objects[page.first_object]
        cdef uint16_t index = page.free_head
        page.free_head = <uint16_t> objects[index]
        page.inuse += 1
        objects[index] = slot
        self.classes[page.class_index].used += 1
        return (<zs_handle> zspage << 16) | index

    cdef void obj_free(self, uint32_t zspage, uint16_t index) noexcept nogil:
        cdef zs_page *page = &self.zspages[zspage]
        self.objects[page.first_object + index] = page.free_head
        page.free_head = index
        page.inuse -= 1
        self.classes[page.class_index].used -= 1

    cdef int alloc(self, uint32_t length, uint32_t slot, zs_handle *handle) noexcept nogil:
        cdef int index = self.class_of_step[min(256, (length + ZS_HANDLE_BYTES + ZS_STEP - 1) >> 4)]
        cdef uint32_t *groups = self.classes[index].groups
        cdef uint32_t zspage
        cdef int group, code
        for group in range(ZS_GROUP_FULL - 1, -1, -1):
            zspage = groups[group]
            if zspage != ZS_NONE:
                handle[0] = self.obj_malloc(zspage, slot)
                self.fix_fullness_group(zspage)
                return ZSW_OK
        code = self.alloc_zspage(index, &zspage)
        if code < 0:
            return code
        handle[0] = self.obj_malloc(zspage, slot)
        self.insert_zspage(zspage, fullness(1, self.classes[index].objects))
        return ZSW_OK

    cdef uint32_t frames_needed(self, uint32_t length) noexcept nogil:
        cdef int index = self.class_of_step[min(256, (length + ZS_HANDLE_BYTES + ZS_STEP - 1) >> 4)]
        cdef zs_class *cls = &self.classes[index]
        return cls.frames if cls.used == cls.allocated else 0

    cdef void free_object(self, zs_handle handle) noexcept nogil:
        cdef uint32_t zspage = <uint32_t> (handle >> 16)
        self.obj_free(zspage, <uint16_t> handle)
        if self.zspages[zspage].inuse:
            self.fix_fullness_group(zspage)
        else:
            self.remove_zspage(zspage)
            self.free_zspage(zspage)

    # -- bytes ---------------------------------------------------------------------------------------------------------

    cdef void copy_span(self, zs_page *page, uint32_t start, uint8_t *bytes, uint32_t length, bint into) noexcept nogil:
        """Copy `length` bytes from or to a zspage at byte `start`, frame by frame."""
        cdef uint32_t *frames = &self.frame_of[page.first_frame]
        cdef uint32_t piece
        cdef uint8_t *place
        while length:
            piece = min(length, ZSW_PAGE_SIZE - start % ZSW_PAGE_SIZE)
            place = self.arena.base + <size_t> frames[start // ZSW_PAGE_SIZE] * ZSW_PAGE_SIZE + start % ZSW_PAGE_SIZE
            if into:
                memcpy(place, bytes, piece)
            else:
                memcpy(bytes, place, piece)
            start += piece
            bytes += piece
            length -= piece

    cdef uint8_t *contiguous_bytes(self, zs_page *page, uint32_t start, uint32_t length) noexcept nogil:
        """Return the bytes from `start` if they are contiguous in the arena, otherwise NULL."""
        cdef uint32_t *frames = &self.frame_of[page.first_frame]
        if page.contiguous:
            return self.arena.base + <size_t> frames[0] * ZSW_PAGE_SIZE + start
        if start % ZSW_PAGE_SIZE + length <= ZSW_PAGE_SIZE:
            return self.arena.base + <size_t> frames[start // ZSW_PAGE_SIZE] * ZSW_PAGE_SIZE + start % ZSW_PAGE_SIZE
        return NULL

    cdef void write(self, zs_handle handle, const uint8_t *data, uint32_t length) noexcept nogil:
        cdef zs_page *page = &self.zspages[<uint32_t> (handle >> 16)]
        cdef zs_class *cls = &self.classes[page.class_index]
        cdef uint32_t start = <uint32_t> (handle & ZS_LAST) * cls.size
        cdef uint64_t owner = self.objects[page.first_object + (handle & ZS_LAST)]
        cdef uint8_t *place
        if cls.objects == 1:  # huge zspage: the owner is not stored inline
            self.copy_span(page, start, <uint8_t *> data, length, True)
            return
        place = self.contiguous_bytes(page, start, ZS_HANDLE_BYTES + length)
        if place != NULL:
            memcpy(place, &owner, ZS_HANDLE_BYTES)
            memcpy(place + ZS_HANDLE_BYTES, data, length)
        else:
            self.copy_span(page, start, <uint8_t *> &owner, ZS_HANDLE_BYTES, True)
            self.copy_span(page, start + ZS_HANDLE_BYTES, <uint8_t *> data, length, True)

    cdef const uint8_t *read(self, zs_handle handle, uint32_t length, uint8_t *bounce) noexcept nogil:
        cdef zs_page *page = &self.zspages[<uint32_t> (handle >> 16)]
        cdef zs_class *cls = &self.classes[page.class_index]
        cdef uint32_t start = <uint32_t> (handle & ZS_LAST) * cls.size
        cdef uint8_t *place
        if cls.objects > 1:
            start += ZS_HANDLE_BYTES
        place = self.contiguous_bytes(page, start, length)
        if place != NULL:
            return place
        self.copy_span(page, start, bounce, length, False)
        return bounce

    cdef int flip_bits(self, zs_handle handle, int offset, uint8_t mask) noexcept nogil:
        cdef zs_page *page = &self.zspages[<uint32_t> (handle >> 16)]
        cdef zs_class *cls = &self.classes[page.class_index]
        cdef int inside = offset + (ZS_HANDLE_BYTES if cls.objects > 1 else 0)
        cdef uint32_t start = <uint32_t> (handle & ZS_LAST) * cls.size + inside
        cdef uint8_t byte
        if inside < 0 or self.arena.base == NULL:
            return ZSW_E_RANGE
        self.copy_span(page, start, &byte, 1, False)
        byte ^= mask
        self.copy_span(page, start, &byte, 1, True)
        return ZSW_OK

    # -- compaction ----------------------------------------------------------------------------------------------------

    cdef uint64_t compactable(self) noexcept nogil:
        cdef uint64_t total = 0
        cdef int i
        for i in range(self.class_count):
            total += compactable_zspages(&self.classes[i]) * self.classes[i].frames
        return total

    cdef uint64_t compact(self) noexcept nogil:
        cdef uint64_t freed = 0
        cdef int i
        for i in range(self.class_count - 1, -1, -1):
            freed += self.compact_class(i)
        self.pages_compacted += freed
        return freed

    cdef uint64_t compact_class(self, int index) noexcept nogil:
        cdef zs_class *cls = &self.classes[index]
        cdef uint32_t target = ZS_NONE
        cdef uint32_t source
        cdef uint64_t freed = 0
        while compactable_zspages(cls):
            if target == ZS_NONE:
                target = self.isolate(cls, ZS_GROUP_FULL - 1, -1)
            source = self.isolate(cls, 1, 1)
            if source == ZS_NONE:
                break
            self.migrate(cls, source, target)
            if self.zspages[source].inuse == 0:
                self.free_zspage(source)
                freed += cls.frames
            else:
                self.insert_zspage(source, fullness(self.zspages[source].inuse, cls.objects))
            if self.zspages[target].inuse == cls.objects:
                self.insert_zspage(target, ZS_GROUP_FULL)
                target = ZS_NONE
        if target != ZS_NONE:
            self.insert_zspage(target, fullness(self.zspages[target].inuse, cls.objects))
        return freed

    cdef uint32_t isolate(self, zs_class *cls, int group, int step) noexcept nogil:
        """Isolate the first zspage of the first occupied group, searching from `group` in direction `step`."""
        cdef uint32_t zspage
        while 1 <= group < ZS_GROUP_FULL:
            zspage = cls.groups[group]
            if zspage != ZS_NONE:
                self.remove_zspage(zspage)
                return zspage
            group += step
        return ZS_NONE

    cdef void migrate(self, zs_class *cls, uint32_t source, uint32_t target) noexcept nogil:
        """Move objects in ascending order of their index until the target is full or the source is empty."""
        cdef uint8_t[128] free_map  # bit i: object i of the source is free
        cdef uint32_t index
        cdef zs_handle old, now
        self.free_objects_map(source, free_map)
        for index in range(cls.objects):
            if free_map[index >> 3] >> (index & 7) & 1:
                continue
            if self.zspages[target].inuse == cls.objects or self.zspages[source].inuse == 0:
                return
            old = (<zs_handle> source << 16) | index
            now = self.obj_malloc(target, self.objects[self.zspages[source].first_object + index])
            if self.arena.base != NULL:
                self.copy_object(cls, old, now)
            if self.on_migrate != NULL:
                self.on_migrate(self.on_migrate_arg, self.objects[self.zspages[source].first_object + index], now)
            self.obj_free(source, <uint16_t> index)

    cdef void free_objects_map(self, uint32_t zspage, uint8_t *free_map) noexcept nogil:
        cdef zs_page *page = &self.zspages[zspage]
        cdef uint16_t index = page.free_head
        memset(free_map, 0, 128)
        while index != ZS_LAST:
            free_map[index >> 3] |= <uint8_t> (1 << (index & 7))
            index = <uint16_t> self.objects[page.first_object + index]

    cdef void copy_object(self, zs_class *cls, zs_handle old, zs_handle now) noexcept nogil:
        cdef uint8_t[ZSW_PAGE_SIZE] bounce
        cdef zs_page *source = &self.zspages[<uint32_t> (old >> 16)]
        cdef zs_page *target = &self.zspages[<uint32_t> (now >> 16)]
        self.copy_span(source, <uint32_t> (old & ZS_LAST) * cls.size, bounce, cls.size, False)
        self.copy_span(target, <uint32_t> (now & ZS_LAST) * cls.size, bounce, cls.size, True)

    # -- statistics and checks -----------------------------------------------------------------------------------------

    def stats(self):
        """Return pool counters: `pool_total_size` and `peak_pool_total_size` in bytes, `pages_compacted` in frames."""
        return {
            "pool_total_size": self.frames_in_use * ZSW_PAGE_SIZE,
            "peak_pool_total_size": self.peak_frames * ZSW_PAGE_SIZE,
            "pages_compacted": self.pages_compacted,
        }


cdef int reserve_array(void **array, uint64_t *room, uint64_t wanted, size_t width) noexcept nogil:
    """Reserve `wanted` elements of `width` bytes in a growing array. On ZSW_E_NOMEM nothing changes."""
    cdef void *made
    if wanted <= room[0]:
        return ZSW_OK
    made = mem_realloc(array[0], (2 * wanted + 64) * width)
    if made == NULL:
        return ZSW_E_NOMEM
    array[0] = made
    room[0] = 2 * wanted + 64
    return ZSW_OK


def frames_for_lengths(lengths, chain_size=8):
    """Return the frames in use after allocating objects of these lengths in order (bytes; 0 for no object)."""
    cdef const uint16_t[::1] objects = uint16s(lengths, "lengths")
    cdef FrameArena arena = FrameArena(max(1, objects.shape[0]) * ZS_MAX_CHAIN * ZSW_PAGE_SIZE, backed=False)
    cdef ZsPool pool = ZsPool(arena.grant("pool"), chain_size)
    cdef zs_handle handle
    cdef Py_ssize_t i
    cdef int code
    for i in range(objects.shape[0]):
        if objects[i] > ZS_MAX_LENGTH:
            raise InputError(f"length {objects[i]} of object {i}: expected at most {ZS_MAX_LENGTH} bytes")
        if objects[i]:
            code = pool.alloc(objects[i], 0, &handle)
            if code < 0:
                raise_code(code, f"object {i}")
    return pool.frames_in_use
