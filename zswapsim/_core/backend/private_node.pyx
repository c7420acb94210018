"""Keep compressed pages on a private node, memory that the swap backend alone may use.

It differs from zswap in three ways. The limit is the node itself. The pool is compacted before anything is written
back, and the shrinker runs before a page is rejected. A large folio may be compressed as one.
"""

from cython cimport final

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from zswapsim._core.base.arguments cimport whole
from zswapsim._core.backend.backend cimport FOLIO_SPLIT, Backend, costs_charge
from zswapsim._core.backend.compressed cimport REJECTED, CompressedBackend
from zswapsim._core.backend.device cimport SwapDevice
from zswapsim._core.backend.foliocodec cimport NO_FOLIO_LOADED, FolioCodec
from zswapsim._core.backend.writeback cimport (
    SLOT_AT_POOL, SLOT_REFERENCED, WRITEBACK_DONE, WRITEBACK_FAILED, WRITEBACK_NONE, writeback_add,
)
from zswapsim._core.base.errors cimport ZSW_E_CODEC, ZSW_E_FULL, ZSW_OK, ZSW_PAGE_SIZE
from zswapsim._core.codec.codec cimport Codec
from zswapsim._core.frames.arena cimport Grant
from zswapsim._core.lru.log cimport lru_close, lru_open
from zswapsim._core.zsmalloc.slots cimport SLOT_FOLIO_PIECE, SLOT_SAME_FILLED, encoded_page, slot_entry
from zswapsim._core.base.errors import HostMemoryError, InputError


@final
cdef class PrivateNodeBackend(CompressedBackend):
    """Keep compressed pages on a node of their own.

    Parameters are those of CompressedBackend, and:
    accept_threshold_percent: the share of the node at which the shrinker stops.
    folio_codec: the codec that compresses large folios as one; None if their pages are compressed one by one.

    Raises InputError for a value out of range.
    """

    def __cinit__(self):
        memset(&self.queue, 0, sizeof(self.queue))

    def __init__(
        self, cost, Grant grant not None, SwapDevice device not None, Codec codec=None, measured=None, *,
        chain_size=8, accept_threshold_percent=90, exclusive=True, FolioCodec folio_codec=None,
    ):
        cdef uint64_t percent = whole(accept_threshold_percent, "accept_threshold_percent", 1, 100)
        if folio_codec is not None and not folio_codec.complete:
            raise InputError("backend: expected a folio codec that is initialised")
        if folio_codec is not None and device.is_tier:
            raise InputError("backend: expected a device, not a next tier, for folios that are compressed as one")
        super().__init__(cost, grant, device, codec, measured, chain_size=chain_size, exclusive=exclusive,
                         node="private")
        self.shrink_target = <uint64_t> grant.arena.frames * percent // 100
        self.folio_codec = folio_codec
        if lru_open(&self.queue, 64, 0) < 0:
            raise HostMemoryError("backend: the host is out of memory")

    def __dealloc__(self):
        lru_close(&self.queue)

    # -- store ---------------------------------------------------------------------------------------------------------

    cdef int store_page(self, uint32_t slot, const uint8_t *page) noexcept nogil:
        cdef encoded_page encoded
        cdef int code = self.codecs.encode(self.image(slot), page, &self.costs, &encoded)
        if code == ZSW_E_CODEC:
            self.counters.reject_compress_fail += 1
            return REJECTED
        if code < 0:
            return code
        code = self.insert(slot, &encoded)
        if code == ZSW_E_FULL:
            code = self.shrink_and_insert(slot, &encoded)
        if code == ZSW_E_FULL:
            self.counters.reject_alloc_fail += 1
            return REJECTED
        return code

    cdef int insert(self, uint32_t slot, const encoded_page *encoded) noexcept nogil:
        """Insert a page into the pool, or the folio that was compressed last. Return 0 or a negative code."""
        cdef int code
        if encoded.kind == SLOT_FOLIO_PIECE:
            return self.insert_folio(slot)
        code = self.insert_page(slot, encoded, &self.queue)
        self.counters.zswpout += code == ZSW_OK
        return code

    cdef int reject(self, uint32_t first, uint32_t count, const uint8_t **pages) noexcept nogil:
        return self.write_to_device(first, count, pages)

    cdef void free_slot(self, uint32_t slot) noexcept nogil:
        self.remove_page(slot, &self.queue)

    # -- the shrinker --------------------------------------------------------------------------------------------------

    cdef int shrink_and_insert(self, uint32_t slot, const encoded_page *encoded) noexcept nogil:
        """Insert a page that found the node full, after the pool was compacted or the coldest pages were written back.

        Pages are written back until the pool is at the target and the page fits.
        """
        cdef int written, code
        self.counters.pool_limit_hit += 1
        if self.slots.pool.compact():
            code = self.insert(slot, encoded)
            if code != ZSW_E_FULL:
                return code
        while True:
            written = self.write_back_coldest(WRITEBACK_BATCH)
            if written < 0:
                return written
            if written and self.slots.pool.frames_in_use - self.slots.pool.compactable() > self.shrink_target:
                continue
            self.slots.pool.compact()
            code = self.insert(slot, encoded)
            if code != ZSW_E_FULL or written == 0:
                return code

    cdef int write_back_coldest(self, int max_pages) noexcept nogil:
        """Write back the coldest pages until one fails. Return their number or a negative code."""
        cdef int written = 0
        cdef int code
        while written < max_pages:
            code = self.shrink_one(&self.queue)
            if code == WRITEBACK_NONE or code == WRITEBACK_FAILED:
                break
            if code < 0:
                return code
            written += code == WRITEBACK_DONE
        return written

    # -- large folios --------------------------------------------------------------------------------------------------

    cdef int store_folio(self, uint32_t first, uint32_t count, const uint8_t **pages) noexcept nogil:
        """Compress a folio as one if there is a codec for that and it saves bytes; otherwise store its pages one by
        one."""
        cdef int code = INCOMPRESSIBLE_FOLIO
        if self.folio_codec is not None:
            code = self.store_folio_compressed(first, pages)
        if code == INCOMPRESSIBLE_FOLIO:
            return Backend.store_folio(self, first, count, pages)
        return FOLIO_SPLIT if code == ZSW_E_FULL else code

    cdef int store_folio_compressed(self, uint32_t first, const uint8_t **pages) noexcept nogil:
        """Compress a folio as one and store it on the node, or else on the device. Return 0, INCOMPRESSIBLE_FOLIO or an
        error."""
        cdef encoded_page folio
        cdef int code = self.folio_codec.compress(pages, self.image_of + first, &self.costs)
        if code <= 0:
            return INCOMPRESSIBLE_FOLIO if code == 0 else code
        folio.kind = SLOT_FOLIO_PIECE
        code = self.insert_folio(first)
        if code == ZSW_E_FULL:
            code = self.shrink_and_insert(first, &folio)
        if code == ZSW_E_FULL:
            self.counters.reject_alloc_fail += 1
            return self.reject(first, self.folio_codec.size, pages)
        return code

    cdef int insert_folio(self, uint32_t first) noexcept nogil:
        """Cut the compressed folio into pages and a remainder, each an object in one of its first slots."""
        cdef uint32_t left = self.folio_codec.compressed_bytes
        cdef uint32_t i
        cdef encoded_page piece
        cdef int code
        piece.kind = SLOT_FOLIO_PIECE
        piece.word = 0
        piece.checksum = self.folio_codec.decompress_ns
        piece.data = NULL
        for i in range(self.folio_codec.size):
            piece.length = <uint16_t> min(left, <uint32_t> ZSW_PAGE_SIZE)
            if self.folio_codec.images == NULL:
                piece.data = self.folio_codec.compressed + <size_t> i * ZSW_PAGE_SIZE
            code = self.slots.store(first + i, &piece)
            if code < 0:
                self.undo_stores(first, i)
                return code
            self.table.states[first + i] = SLOT_AT_POOL | SLOT_REFERENCED
            left -= piece.length
        code = writeback_add(&self.queue, &self.table, first)
        if code < 0:
            self.undo_stores(first, self.folio_codec.size)
            return code
        self.counters.zswpout += self.folio_codec.size
        costs_charge(
            &self.costs, &self.costs.charged_node_ns,
            self.costs.node_latency + self.costs.node_byte * self.folio_codec.compressed_bytes,
        )
        return ZSW_OK

    cdef int decompress_page(self, uint32_t slot, uint8_t *page) noexcept nogil:
        if self.folio_codec is not None and self.slots.find(slot).kind == SLOT_FOLIO_PIECE:
            return self.load_from_folio(slot, page)
        return CompressedBackend.decompress_page(self, slot, page)

    cdef int load_from_folio(self, uint32_t slot, uint8_t *page) noexcept nogil:
        """Load a page of a folio that was compressed as one. The folio is decompressed for its first page. Return 0 or
        a negative code.
        """
        cdef uint32_t index = slot % self.folio_codec.size
        cdef int code = ZSW_OK
        if self.folio_codec.loaded_first != slot - index:
            code = self.folio_codec.load_folio(self.slots, slot - index, &self.costs)
        if code == ZSW_OK and page != NULL:
            memcpy(page, self.folio_codec.decompressed + <size_t> index * ZSW_PAGE_SIZE, ZSW_PAGE_SIZE)
        if index == self.folio_codec.size - 1:
            self.folio_codec.loaded_first = NO_FOLIO_LOADED
        return code

    cdef int write_back_one(self, uint32_t slot) noexcept nogil:
        if self.folio_codec is not None and self.slots.find(slot).kind == SLOT_FOLIO_PIECE:
            return self.write_back_folio(slot)
        return CompressedBackend.write_back_one(self, slot)

    cdef int write_back_folio(self, uint32_t first) noexcept nogil:
        """Write back all pages of a folio that was compressed as one. Return 0; ZSW_E_FULL if the device is too full
        for all."""
        cdef uint32_t i
        cdef int code
        if self.device.capacity - self.device.used < self.folio_codec.size:
            return ZSW_E_FULL
        code = self.folio_codec.load_folio(self.slots, first, &self.costs)
        self.folio_codec.loaded_first = NO_FOLIO_LOADED
        if code < 0:
            self.counters.decompress_fail += 1
            return code
        for i in range(self.folio_codec.size):
            code = self.device.write(first + i, self.folio_codec.decompressed + <size_t> i * ZSW_PAGE_SIZE)
            if code < 0:
                return code
        self.move_to_device(first, self.folio_codec.size)
        return ZSW_OK

    # -- checks --------------------------------------------------------------------------------------------------------

    cdef uint64_t queued_slots(self) noexcept nogil:
        return self.queue.live

    cdef bint belongs_in_queue(self, uint32_t slot, const slot_entry *entry) noexcept nogil:
        if entry.kind == SLOT_FOLIO_PIECE:
            return slot % self.folio_codec.size == 0
        return entry.kind != SLOT_SAME_FILLED
