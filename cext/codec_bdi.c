/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "bdi": Pekhimenko, Seshadri, Mutlu, Gibbons, Kozuch and Mowry, "Base-Delta-Immediate Compression: Practical Data
 * Compression for On-Chip Caches", PACT 2012.
 *
 * A block is zeros, one value of 8 bytes repeated, or values of 8, 4 or 2 bytes, each a small difference to zero or to
 * one base. The smallest possible form is used. A source is encoded as
 *
 *   2 bytes   the number of its lines of 64 bytes;
 *   forms     the paper's number of each block's form, 4 bits; a cache keeps it in its tags;
 *   blocks    base, one bit for each value (1 if its difference is to the base), differences.
 */
#include "zsw_builtin.h"
#include "zsw_bytes.h"
#include "zsw_memory.h"

#define LINE 64u
#define HEADER 2u
#define MAX_LINES 0xffffu
#define MAX_VALUES (ZSW_PAGE_SIZE / 2)

/* The numbers are those of the paper's table 2. */
enum form {
    ZEROS = 0,
    REPEATED = 1,
    BASE_8_DELTA_1 = 2,
    BASE_8_DELTA_2 = 3,
    BASE_8_DELTA_4 = 4,
    BASE_4_DELTA_1 = 5,
    BASE_4_DELTA_2 = 6,
    BASE_2_DELTA_1 = 7,
    UNCOMPRESSED = 15,
};

ZSW_INLINE uint64_t load_value(const uint8_t *at, size_t width) {
    return width == 8 ? load64(at) : width == 4 ? load32(at) : width == 2 ? load16(at) : *at;
}

ZSW_INLINE void store_value(uint8_t *at, uint64_t value, size_t width) {
    if (width == 8)
        store64(at, value);
    else if (width == 4)
        store32(at, (uint32_t)value);
    else if (width == 2)
        store16(at, (uint32_t)value);
    else
        *at = (uint8_t)value;
}

/* Return true if a difference of `width` bytes fits `delta` bytes with its sign. */
ZSW_INLINE int fits(uint64_t difference, size_t width, size_t delta) {
    uint64_t mask = width == 8 ? ~(uint64_t)0 : ((uint64_t)1 << 8 * width) - 1;

    return ((difference + ((uint64_t)1 << (8 * delta - 1))) & mask) < (uint64_t)1 << 8 * delta;
}

ZSW_INLINE size_t form_bytes(size_t bytes, size_t width, size_t delta) {
    size_t values = bytes / width;

    return width + (values + 7) / 8 + values * delta;
}

/* Encode a block as values of `width` bytes with differences of `delta`. Return its length, or 0 if one doesn't fit. */
ZSW_INLINE size_t encode_deltas(const uint8_t *src, size_t bytes, uint8_t *out, size_t width, size_t delta) {
    size_t values = bytes / width, first = 0;
    uint8_t *mask = out + width, *deltas = mask + (values + 7) / 8;
    uint64_t base = 0;

    while (first < values && fits(load_value(src + first * width, width), width, delta))
        first++;
    if (first < values)
        base = load_value(src + first * width, width);
    memset(mask, 0, (values + 7) / 8);
    for (size_t i = 0; i < values; i++) {
        uint64_t value = load_value(src + i * width, width);
        int from_base = !fits(value, width, delta);

        value -= from_base ? base : 0;
        if (from_base && !fits(value, width, delta))
            return 0;
        mask[i / 8] = (uint8_t)(mask[i / 8] | from_base << i % 8);
        store_value(deltas + i * delta, value, delta);
    }
    store_value(out, base, width);
    return form_bytes(bytes, width, delta);
}

ZSW_INLINE int repeats(const uint8_t *src, size_t bytes) {
    uint64_t differs = 0;

    for (size_t i = 8; i < bytes; i += 8)
        differs |= load64(src) ^ load64(src + i);
    return differs == 0;
}

/* Encode a block in the smallest possible form, trying forms from small to large. Return the form. */
static enum form encode_block(const uint8_t *src, size_t bytes, uint8_t *out, size_t *length) {
    if (repeats(src, bytes)) {
        copy8(out, src);
        *length = load64(src) ? 8 : 0;
        return *length ? REPEATED : ZEROS;
    }
    if ((*length = encode_deltas(src, bytes, out, 8, 1)))
        return BASE_8_DELTA_1;
    if ((*length = encode_deltas(src, bytes, out, 4, 1)))
        return BASE_4_DELTA_1;
    if ((*length = encode_deltas(src, bytes, out, 8, 2)))
        return BASE_8_DELTA_2;
    if ((*length = encode_deltas(src, bytes, out, 2, 1)))
        return BASE_2_DELTA_1;
    if ((*length = encode_deltas(src, bytes, out, 4, 2)))
        return BASE_4_DELTA_2;
    if ((*length = encode_deltas(src, bytes, out, 8, 4)))
        return BASE_8_DELTA_4;
    memcpy(out, src, bytes);
    *length = bytes;
    return UNCOMPRESSED;
}

ZSW_INLINE void decode_deltas(const uint8_t *in, uint8_t *dst, size_t bytes, size_t width, size_t delta) {
    size_t values = bytes / width;
    const uint8_t *mask = in + width, *deltas = mask + (values + 7) / 8;
    uint64_t base = load_value(in, width), sign = (uint64_t)1 << (8 * delta - 1);

    for (size_t i = 0; i < values; i++) {
        uint64_t value = (load_value(deltas + i * delta, delta) ^ sign) - sign;

        value += base & (0 - (uint64_t)(mask[i / 8] >> i % 8 & 1));
        store_value(dst + i * width, value, width);
    }
}

/* Return the length of a block in a form; more than any block if there is no such form. */
static size_t encoded_length(uint32_t form, size_t bytes) {
    switch (form) {
    case ZEROS:
        return 0;
    case REPEATED:
        return 8;
    case BASE_8_DELTA_1:
        return form_bytes(bytes, 8, 1);
    case BASE_8_DELTA_2:
        return form_bytes(bytes, 8, 2);
    case BASE_8_DELTA_4:
        return form_bytes(bytes, 8, 4);
    case BASE_4_DELTA_1:
        return form_bytes(bytes, 4, 1);
    case BASE_4_DELTA_2:
        return form_bytes(bytes, 4, 2);
    case BASE_2_DELTA_1:
        return form_bytes(bytes, 2, 1);
    case UNCOMPRESSED:
        return bytes;
    default:
        return SIZE_MAX;
    }
}

static void decode_block(uint32_t form, const uint8_t *in, uint8_t *dst, size_t bytes) {
    switch (form) {
    case ZEROS:
        memset(dst, 0, bytes);
        break;
    case REPEATED:
        for (size_t i = 0; i < bytes; i += 8)
            copy8(dst + i, in);
        break;
    case BASE_8_DELTA_1:
        decode_deltas(in, dst, bytes, 8, 1);
        break;
    case BASE_8_DELTA_2:
        decode_deltas(in, dst, bytes, 8, 2);
        break;
    case BASE_8_DELTA_4:
        decode_deltas(in, dst, bytes, 8, 4);
        break;
    case BASE_4_DELTA_1:
        decode_deltas(in, dst, bytes, 4, 1);
        break;
    case BASE_4_DELTA_2:
        decode_deltas(in, dst, bytes, 4, 2);
        break;
    case BASE_2_DELTA_1:
        decode_deltas(in, dst, bytes, 2, 1);
        break;
    default:
        memcpy(dst, in, bytes);
    }
}

static int bdi_params_create(const zsw_config *config, void **params) {
    size_t *block_bytes;

    *params = NULL;
    if (config->values[0] & (config->values[0] - 1))
        return ZSW_E_RANGE;
    block_bytes = zsw_memory.alloc(sizeof(*block_bytes));
    if (!block_bytes)
        return ZSW_E_NOMEM;
    *block_bytes = (size_t)config->values[0];
    *params = block_bytes;
    return ZSW_OK;
}

static int bdi_ctx_create(const void *params, void **ctx) {
    *ctx = zsw_memory.alloc(sizeof(size_t));
    if (!*ctx)
        return ZSW_E_NOMEM;
    memcpy(*ctx, params, sizeof(size_t));
    return ZSW_OK;
}

/* Return 0 if the source isn't whole lines. No form is longer than its block, so that the least capacity is enough. */
static int bdi_compress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    size_t block_bytes = *(const size_t *)ctx, blocks = (src_bytes + block_bytes - 1) / block_bytes;
    uint8_t *out = dst + HEADER + (blocks + 1) / 2;

    if (src_bytes == 0 || src_bytes % LINE || src_bytes / LINE > MAX_LINES)
        return 0;
    if (dst_bytes < ZSW_MIN_CAPACITY(src_bytes))
        return ZSW_E_CODEC;
    store16(dst, (uint32_t)(src_bytes / LINE));
    for (size_t i = 0; i < blocks; i++) {
        size_t left = src_bytes - i * block_bytes, length;
        uint32_t form = encode_block(src + i * block_bytes, left < block_bytes ? left : block_bytes, out, &length);
        uint8_t *pair = dst + HEADER + i / 2;

        *pair = (uint8_t)(i % 2 ? *pair | form << 4 : form);
        out += length;
    }
    return (int)(out - dst);
}

static int bdi_decompress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    size_t block_bytes = *(const size_t *)ctx, total, blocks;
    const uint8_t *in, *end = src + src_bytes;

    if (src_bytes < HEADER)
        return ZSW_E_CORRUPT;
    total = load16(src) * LINE;
    blocks = (total + block_bytes - 1) / block_bytes;
    if (total == 0 || total > dst_bytes || (blocks + 1) / 2 > src_bytes - HEADER)
        return ZSW_E_CORRUPT;
    in = src + HEADER + (blocks + 1) / 2;
    for (size_t i = 0; i < blocks; i++) {
        size_t left = total - i * block_bytes, bytes = left < block_bytes ? left : block_bytes;
        uint32_t form = src[HEADER + i / 2] >> 4 * (i % 2) & 15;
        size_t length = encoded_length(form, bytes);

        if (length > (size_t)(end - in))
            return ZSW_E_CORRUPT;
        decode_block(form, in, dst + i * block_bytes, bytes);
        in += length;
    }
    return in == end ? (int)total : ZSW_E_CORRUPT;
}

static const zsw_param bdi_parameters[] = {
    {"grain", 32, ZSW_PAGE_SIZE, LINE, "bytes that share a base, a power of two: 64 is a line"},
    {0},
};

const zsw_codec zsw_codec_bdi = {
    .abi = ZSW_CODEC_ABI,
    .name = "bdi",
    .params = bdi_parameters,
    .params_create = bdi_params_create,
    .params_destroy = zsw_free,
    .ctx_create = bdi_ctx_create,
    .ctx_destroy = zsw_free,
    .compress = bdi_compress,
    .decompress = bdi_decompress,
};
