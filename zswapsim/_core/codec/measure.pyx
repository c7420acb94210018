"""Measure compressed size and codec times of pages, one by one."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from zswapsim._core.base.arguments cimport page_rows, uint16s_out, uint32s, uint32s_out, uint8s_out, whole
from zswapsim._core.base.clock cimport now_ns
from zswapsim._core.codec.codec cimport (
    Codec, codec_compress, codec_ctx, codec_ctx_close, codec_ctx_open, codec_decompress,
)
from zswapsim._core.codec.codec cimport codec_raise
from zswapsim._core.base.errors cimport ZSW_E_CORRUPT, ZSW_E_PLUGIN, ZSW_OK, ZSW_PAGE_SIZE
from zswapsim._core.base.page cimport page_same_filled

from zswapsim._core.base.errors import InputError

cdef enum:
    WARM_UP_PAGES = 8       # pages run before measuring, to warm caches and branch predictors
    OUTLIER_FACTOR = 16     # a page is measured again if its time is this many times the mean
    OUTLIER_NS = 50_000     # plus this many ns; probably an interruption


# The measurements of one page.
ctypedef struct page_measurement:
    uint16_t size
    uint8_t same_filled
    uint8_t zero
    uint32_t compress_ns
    uint32_t decompress_ns


# Return elapsed nanoseconds, capped to 32 bits (4.3 s, longer than any codec takes).
cdef uint32_t elapsed(uint64_t begin, uint64_t end) noexcept nogil:
    return <uint32_t> min(end - begin, <uint64_t> 0xFFFFFFFF)


# Measure one page, decompressed into `roundtrip`. Return 0 or a negative code; ZSW_E_CORRUPT also if the result
# differs.
cdef int measure_page(codec_ctx *ctx, const uint8_t *page, uint8_t *roundtrip, page_measurement *out) noexcept nogil:
    cdef uint64_t word = 0
    cdef uint64_t begin
    cdef int size
    cdef int code = ZSW_OK
    out.same_filled = page_same_filled(page, &word)
    out.zero = out.same_filled and word == 0
    begin = now_ns()
    size = codec_compress(ctx, page)
    out.compress_ns = elapsed(begin, now_ns())
    if size < 0:
        return size
    out.size = <uint16_t> size
    begin = now_ns()
    if size == ZSW_PAGE_SIZE:
        memcpy(roundtrip, page, ZSW_PAGE_SIZE)
    else:
        code = codec_decompress(ctx, ctx.scratch, size, roundtrip)
    out.decompress_ns = elapsed(begin, now_ns())
    if code == ZSW_OK and memcmp(roundtrip, page, ZSW_PAGE_SIZE) != 0:
        return ZSW_E_CORRUPT
    return code


# Measure one page, and repeat it if an interruption is likely: the outlier would be charged at each use of this image.
# `spent`: ns of all pages before it, `done` of them. Do not always repeat: the second run is faster, because branch
# predictors have learned the page.
cdef int measure_without_outliers(
    codec_ctx *ctx, const uint8_t *page, uint8_t *roundtrip, uint64_t spent, Py_ssize_t done, page_measurement *out
) noexcept nogil:
    cdef page_measurement again
    cdef int code = measure_page(ctx, page, roundtrip, out)
    cdef uint64_t usual = OUTLIER_NS + (OUTLIER_FACTOR * spent // done if done else 0)
    if code < 0 or done < WARM_UP_PAGES or <uint64_t> out.compress_ns + out.decompress_ns < usual:
        return code
    code = measure_page(ctx, page, roundtrip, &again)
    out.compress_ns = min(out.compress_ns, again.compress_ns)
    out.decompress_ns = min(out.decompress_ns, again.decompress_ns)
    return code


def measure_pages(
    Codec codec not None, images, begin, end, size, same_filled, zero, compress_ns, decompress_ns, which=None,
):
    """Measure pages `begin` … `end` - 1 into the arrays, without the GIL. Several threads may fill one set of arrays.

    Pages that repeat one word are compressed like any other; `same_filled` and `zero` tell which they are.

    images: uint8[K, 4096]; the others have K elements. With `which`, uint32[n], page i is images[which[i]], and the
    others have n elements. Raises InputError if shapes don't fit, CodecError, PluginError, or CorruptPageError if
    a page doesn't come back as it was.
    """
    cdef const uint8_t[:, ::1] rows = page_rows(images, "images")
    cdef const uint32_t[::1] numbers = None if which is None else uint32s(which, "which")
    cdef uint16_t[::1] sizes = uint16s_out(size, "size")
    cdef uint8_t[::1] same = uint8s_out(same_filled, "same_filled"), zeros = uint8s_out(zero, "zero")
    cdef uint32_t[::1] compress = uint32s_out(compress_ns, "compress_ns")
    cdef uint32_t[::1] decompress = uint32s_out(decompress_ns, "decompress_ns")
    cdef bint chosen = which is not None
    cdef Py_ssize_t pages = numbers.shape[0] if chosen else rows.shape[0]
    cdef Py_ssize_t first = whole(begin, "begin", 0, pages), last = whole(end, "end", first, pages), i
    cdef int code = ZSW_OK
    cdef uint64_t spent = 0
    cdef codec_ctx ctx
    cdef page_measurement out
    cdef uint8_t[ZSW_PAGE_SIZE] roundtrip
    for elements in (sizes.shape[0], same.shape[0], zeros.shape[0], compress.shape[0], decompress.shape[0]):
        if elements != pages:
            raise InputError(f"array of {elements} elements: expected one for each of {pages} pages")
    for i in range(first, last if chosen else first):
        if numbers[i] >= rows.shape[0]:
            raise InputError(f"page {numbers[i]}: expected one of {rows.shape[0]}")
    i = first
    codec_ctx_open(codec, &ctx)
    try:
        with nogil:
            for i in range(first, min(last, first + WARM_UP_PAGES)):
                code = measure_page(&ctx, &rows[numbers[i] if chosen else i, 0], roundtrip, &out)
                if code < 0:
                    break
            for i in range(first, last if code == ZSW_OK else first):
                code = measure_without_outliers(
                    &ctx, &rows[numbers[i] if chosen else i, 0], roundtrip, spent, i - first, &out
                )
                if code < 0:
                    break
                spent += out.compress_ns + out.decompress_ns
                sizes[i] = out.size
                same[i] = out.same_filled
                zeros[i] = out.zero
                compress[i] = out.compress_ns
                decompress[i] = out.decompress_ns
        if code < 0:
            i = numbers[i] if chosen else i
            codec_raise(code, f"page {i}" if code == ZSW_E_PLUGIN else f"codec {codec.spec}: page {i}")
    finally:
        codec_ctx_close(&ctx)
