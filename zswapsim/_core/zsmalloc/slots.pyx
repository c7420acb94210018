"""Map slot numbers to the objects of a pool. Slots handle lengths and bytes, but no codec."""

from cython cimport final

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from zswapsim._core.base.arguments cimport whole
from zswapsim._core.base.errors cimport ZSW_E_ABSENT, ZSW_E_NOMEM, ZSW_OK, ZSW_PAGE_SIZE, raise_code
from zswapsim._core.base.memory cimport mem_calloc, mem_free
from zswapsim._core.zsmalloc.classes cimport ZS_HANDLE_BYTES
from zswapsim._core.zsmalloc.pool cimport ZS_LAST, ZsPool, zs_handle, zs_page
from zswapsim._core.base.errors import HostMemoryError, InputError
from zswapsim._core.zsmalloc.check import check_pool

cdef enum:
    CHUNKS = 1 << (32 - SLOT_CHUNK_BITS)


cdef void update_handle(void *arg, uint32_t slot, zs_handle now) noexcept nogil:
    """Update a slot's handle; called by compaction."""
    (<slot_entry **> arg)[slot >> SLOT_CHUNK_BITS][slot & (SLOT_CHUNK - 1)].value = now


@final
cdef class SlotPool:
    """Hold 2**32 slots over `pool`. A chunk of 16,384 slots, 16 bytes each, is allocated when one of them is first
    used."""

    def __cinit__(self, ZsPool pool not None):
        if pool.arena is None or pool.on_migrate != NULL:
            raise InputError("slots: expected a pool of their own")
        self.chunks = <slot_entry **> mem_calloc(CHUNKS, sizeof(slot_entry *))
        if self.chunks == NULL:
            raise HostMemoryError("slots: the host is out of memory")
        self.pool = pool
        pool.on_migrate = update_handle
        pool.on_migrate_arg = self.chunks

    def __dealloc__(self):
        cdef uint32_t chunk
        if self.chunks == NULL:
            return
        if self.pool is not None:
            self.pool.on_migrate = NULL
        for chunk in range(self.chunks_end):
            mem_free(self.chunks[chunk])
        mem_free(self.chunks)

    cdef slot_entry *find(self, uint32_t slot) noexcept nogil:
        cdef slot_entry *chunk = self.chunks[slot >> SLOT_CHUNK_BITS]
        return NULL if chunk == NULL else &chunk[slot & (SLOT_CHUNK - 1)]

    cdef slot_entry *find_or_alloc(self, uint32_t slot) noexcept nogil:
        cdef uint32_t chunk = slot >> SLOT_CHUNK_BITS
        if self.chunks[chunk] == NULL:
            self.chunks[chunk] = <slot_entry *> mem_calloc(SLOT_CHUNK, sizeof(slot_entry))
            self.chunks_end = max(self.chunks_end, chunk + 1)
        return self.find(slot)

    cdef int store(self, uint32_t slot, const encoded_page *page) noexcept nogil:
        cdef slot_entry *entry = self.find_or_alloc(slot)
        cdef slot_entry new_entry
        cdef int code
        if entry == NULL:
            return ZSW_E_NOMEM
        new_entry.value = page.word
        new_entry.checksum = page.checksum
        new_entry.length = page.length
        new_entry.kind = page.kind
        new_entry.codec = 0
        if page.length:
            code = self.pool.alloc(slot_object_bytes(page), slot, &new_entry.value)
            if code < 0:
                return code
            if page.data != NULL:
                self.pool.write(new_entry.value, page.data, page.length)
        if entry.kind != SLOT_EMPTY:
            self.invalidate(slot)
        entry[0] = new_entry
        self.account(entry, 1)
        self.huge_since += page.kind == SLOT_HUGE
        return ZSW_OK

    cdef int invalidate(self, uint32_t slot) noexcept nogil:
        cdef slot_entry *entry = self.find(slot)
        if entry == NULL or entry.kind == SLOT_EMPTY:
            return ZSW_E_ABSENT
        if entry.length:
            self.pool.free_object(entry.value)
        self.account(entry, -1)
        entry.kind = SLOT_EMPTY
        return ZSW_OK

    cdef void account(self, const slot_entry *entry, int sign) noexcept nogil:
        self.stored += sign
        self.same_filled += sign * (entry.kind == SLOT_SAME_FILLED)
        self.huge += sign * (entry.kind == SLOT_HUGE)
        self.compressed_bytes += sign * <int> entry.length

    def inject_fault(self, slot, offset, mask):
        """Flip the bits of `mask` in byte `offset` of a slot's stored bytes, as failing memory would. For tests.

        Offsets -8 to -1 are the object's inline handle, if it has one, which :meth:`check` compares.
        Raises SlotEmptyError, and InputError if the slot has no such byte.
        """
        cdef slot_entry *entry = self.find(whole(slot, "slot", 0, 0xFFFFFFFF))
        cdef uint8_t bits = whole(mask, "mask", 0, 255)
        cdef int place = whole(offset, "offset", -ZSW_PAGE_SIZE, ZSW_PAGE_SIZE)
        if entry == NULL or entry.kind == SLOT_EMPTY:
            raise_code(ZSW_E_ABSENT, f"slot {slot}")
        has_byte = entry.kind != SLOT_SAME_FILLED and place < entry.length
        if not has_byte or self.pool.flip_bits(entry.value, place, bits) < 0:
            raise InputError(f"slot {slot} has {entry.length} bytes stored, none at {offset}")

    def stats(self):
        """Return the counters of slots and pool by the names of a Result; sizes in bytes."""
        return {
            "stored_pages": self.stored,
            "same_filled_pages": self.same_filled,
            "stored_incompressible_pages": self.huge,
            "huge_pages_since": self.huge_since,
            "compr_data_size": self.compressed_bytes,
        } | self.pool.stats()

    def check(self):
        """Assert every invariant of the slots and of the pool below. O(slots used)."""
        cdef uint64_t stored = 0, same = 0, huge = 0, length = 0, objects = 0, held = 0
        cdef uint32_t chunk, i
        cdef slot_entry *entry
        cdef int index
        for chunk in range(self.chunks_end):
            if self.chunks[chunk] == NULL:
                continue
            for i in range(SLOT_CHUNK):
                entry = &self.chunks[chunk][i]
                if entry.kind == SLOT_EMPTY:
                    continue
                stored += 1
                same += entry.kind == SLOT_SAME_FILLED
                huge += entry.kind == SLOT_HUGE
                length += entry.length
                if entry.length:
                    held += 1
                    self.check_object((chunk << SLOT_CHUNK_BITS) | i, entry)
        assert (stored, same, huge, length) == (self.stored, self.same_filled, self.huge, self.compressed_bytes), (
            "the counters of the slots are wrong"
        )
        for index in range(self.pool.class_count):
            objects += self.pool.classes[index].used
        assert objects == held, "the pool holds objects that no slot has"
        check_pool(self.pool)

    cdef int check_object(self, uint32_t slot, slot_entry *entry) except -1:
        cdef uint32_t zspage = <uint32_t> (entry.value >> 16)
        cdef zs_page *page
        assert zspage < self.pool.zspage_count, f"slot {slot} has a handle into nothing"
        page = &self.pool.zspages[zspage]
        assert page.live, f"slot {slot} has a handle into a freed zspage"
        assert self.pool.objects[page.first_object + (entry.value & ZS_LAST)] == slot, f"slot {slot} has a wrong object"
        size = self.pool.classes[page.class_index].size
        room = size - (ZS_HANDLE_BYTES if self.pool.classes[page.class_index].objects > 1 else 0)
        assert entry.length <= room, f"slot {slot}: {entry.length} bytes in an object of {room}"
        return 0
