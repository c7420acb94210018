"""Encode a page for a slot, and decode it."""

from libc.stdint cimport uint8_t, uint16_t, uint64_t
from libc.string cimport memcpy

from zswapsim._core.codec.codec cimport codec_compress, codec_ctx, codec_decompress
from zswapsim._core.base.errors cimport ZSW_E_ABSENT, ZSW_E_CORRUPT, ZSW_OK, ZSW_PAGE_SIZE
from zswapsim._core.base.page cimport page_checksum, page_fill, page_same_filled
from zswapsim._core.zsmalloc.huge cimport is_huge
from zswapsim._core.zsmalloc.slots cimport (
    SLOT_COMPRESSED, SLOT_EMPTY, SLOT_HUGE, SLOT_SAME_FILLED, SlotPool, encoded_page, slot_entry,
)


# Compress a page without testing if it is same-filled. A page of at least `huge_size` compressed bytes is stored
# uncompressed. out.data points into the context or at the page itself. Return 0 or the codec's negative code.
cdef inline int encode_compressed(
    codec_ctx *ctx, const uint8_t *page, int huge_size, bint with_checksum, encoded_page *out
) noexcept nogil:
    cdef int length = codec_compress(ctx, page)
    out.checksum = page_checksum(page) if with_checksum else 0
    out.data = NULL
    out.word = 0
    if length < 0:
        return length
    if is_huge(length, huge_size):
        out.kind = SLOT_HUGE
        out.length = ZSW_PAGE_SIZE
        out.data = page
    else:
        out.kind = SLOT_COMPRESSED
        out.length = <uint16_t> length
        out.data = ctx.scratch
    return ZSW_OK


# Encode a page: keep only the word of a same-filled page, compress any other.
cdef inline int encode_page(
    codec_ctx *ctx, const uint8_t *page, int huge_size, bint with_checksum, encoded_page *out
) noexcept nogil:
    cdef uint64_t word
    if not page_same_filled(page, &word):
        return encode_compressed(ctx, page, huge_size, with_checksum, out)
    out.checksum = page_checksum(page) if with_checksum else 0
    out.data = NULL
    out.length = 0
    out.word = word
    out.kind = SLOT_SAME_FILLED
    return ZSW_OK


# Decode a slot's page into `page` (4096 bytes). Return 0, ZSW_E_ABSENT, ZSW_E_CORRUPT or ZSW_E_PLUGIN. `with_checksum`:
# the page must have the checksum that was stored. `bounce`: 4096 bytes for an object that crosses frames; it may be the
# context's scratch if that holds no compressed page.
cdef inline int decode_page(
    codec_ctx *ctx, SlotPool slots, const slot_entry *entry, bint with_checksum, uint8_t *bounce, uint8_t *page
) noexcept nogil:
    cdef const uint8_t *data
    cdef int code
    if entry == NULL or entry.kind == SLOT_EMPTY:
        return ZSW_E_ABSENT
    if entry.kind == SLOT_SAME_FILLED:
        page_fill(page, entry.value)
    else:
        data = slots.pool.read(entry.value, entry.length, bounce)
        if entry.kind == SLOT_HUGE:
            memcpy(page, data, ZSW_PAGE_SIZE)
        else:
            code = codec_decompress(ctx, data, entry.length, page)
            if code < 0:
                return code
    if with_checksum and page_checksum(page) != entry.checksum:
        return ZSW_E_CORRUPT
    return ZSW_OK
