/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compress a source in independent units, so that a device can read one without the others: from a cache line up to a
 * page. A source is encoded as
 *
 *   2 bytes   the number of its lines of 64 bytes, and UNITS_RAW if it follows uncompressed;
 *   a table   the length of each unit's code, in one byte if units have up to 128 bytes, otherwise in two; absent if
 *             there is one unit. A unit that doesn't get smaller has its own length, and follows uncompressed;
 *   codes     one after the other.
 */
#ifndef ZSW_UNITS_H
#define ZSW_UNITS_H

#include "zsw_builtin.h"
#include "zsw_bytes.h"
#include "zsw_memory.h"

#define UNIT_LINE 64u
#define UNIT_MAX ZSW_PAGE_SIZE
#define UNITS_HEADER 2u
#define UNITS_RAW 0x8000u
#define UNITS_PAD 64u /* bytes after a code that may be read and are ignored */

typedef struct units_ctx {
    size_t unit_bytes;              /* bytes of a unit, a power of two */
    uint8_t code[2 * UNIT_MAX];     /* code of the current unit */
} units_ctx;

/* Write the code of `bytes` bytes, a multiple of UNIT_LINE up to UNIT_MAX, to `code`. Return its length. */
typedef size_t (*unit_encode)(const uint8_t *src, size_t bytes, uint8_t *code);

/*
 * Decode `bytes` bytes from a code that is followed by UNITS_PAD zeros. Bytes from the end up to `capacity` may be
 * overwritten. Return 0 or ZSW_E_CORRUPT.
 */
typedef int (*unit_decode)(const uint8_t *code, size_t code_bytes, uint8_t *dst, size_t bytes, size_t capacity);

static int units_params_create(const zsw_config *config, void **params) {
    size_t unit_bytes = (size_t)config->values[0];
    size_t *stored;

    *params = NULL;
    if (unit_bytes & (unit_bytes - 1))
        return ZSW_E_RANGE;
    stored = zsw_memory.alloc(sizeof(*stored));
    if (!stored)
        return ZSW_E_NOMEM;
    *stored = unit_bytes;
    *params = stored;
    return ZSW_OK;
}

static int units_ctx_create(const void *params, void **ctx) {
    units_ctx *c = zsw_memory.alloc(sizeof(*c));

    *ctx = c;
    if (!c)
        return ZSW_E_NOMEM;
    c->unit_bytes = *(const size_t *)params;
    return ZSW_OK;
}

/* Return the bytes of an entry of the table. */
ZSW_INLINE size_t units_entry(size_t unit_bytes) {
    return unit_bytes <= 128 ? 1 : 2;
}

ZSW_INLINE size_t units_table(size_t unit_bytes, size_t bytes) {
    size_t units = (bytes + unit_bytes - 1) / unit_bytes;

    return units > 1 ? units * units_entry(unit_bytes) : 0;
}

/* Compress a source. Return its length, 0 if it isn't whole lines, or ZSW_E_CODEC. */
ZSW_INLINE int units_compress(units_ctx *c, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes,
                              unit_encode encode) {
    size_t table = units_table(c->unit_bytes, src_bytes);
    uint8_t *entry = dst + UNITS_HEADER, *out = entry + table;

    if (src_bytes == 0 || src_bytes % UNIT_LINE || src_bytes / UNIT_LINE >= UNITS_RAW)
        return 0;
    if (dst_bytes < ZSW_MIN_CAPACITY(src_bytes))
        return ZSW_E_CODEC;
    store16(dst, (uint32_t)(src_bytes / UNIT_LINE));
    for (size_t at = 0; at < src_bytes; at += c->unit_bytes) {
        size_t bytes = src_bytes - at < c->unit_bytes ? src_bytes - at : c->unit_bytes;
        size_t length = encode(src + at, bytes, c->code);
        const uint8_t *code = length < bytes ? c->code : src + at;

        length = length < bytes ? length : bytes;
        memcpy(out, code, length);
        out += length;
        if (!table)
            store16(dst, (uint32_t)(src_bytes / UNIT_LINE) | (length < bytes ? 0 : UNITS_RAW));
        else if (units_entry(c->unit_bytes) == 1)
            *entry++ = (uint8_t)length;
        else
            store16(entry, (uint32_t)length), entry += 2;
    }
    return (int)(out - dst);
}

/* Decode one unit of `bytes` bytes. */
ZSW_INLINE int units_decode(units_ctx *c, const uint8_t *code, size_t length, uint8_t *dst, size_t bytes,
                            size_t capacity, unit_decode decode) {
    if (length >= bytes) {
        memcpy(dst, code, bytes);
        return length == bytes ? ZSW_OK : ZSW_E_CORRUPT;
    }
    memcpy(c->code, code, length);
    memset(c->code + length, 0, UNITS_PAD);
    return decode(c->code, length, dst, bytes, capacity);
}

ZSW_INLINE int units_decompress(units_ctx *c, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes,
                                unit_decode decode) {
    const uint8_t *end = src + src_bytes, *entry, *in;
    size_t total, table;
    uint32_t header;

    if (src_bytes < UNITS_HEADER)
        return ZSW_E_CORRUPT;
    header = load16(src);
    total = (header & ~UNITS_RAW) * UNIT_LINE;
    table = units_table(c->unit_bytes, total);
    if (total == 0 || total > dst_bytes || table > src_bytes - UNITS_HEADER || (table && header & UNITS_RAW))
        return ZSW_E_CORRUPT;
    entry = src + UNITS_HEADER;
    in = entry + table;
    for (size_t at = 0; at < total; at += c->unit_bytes) {
        size_t bytes = total - at < c->unit_bytes ? total - at : c->unit_bytes;
        size_t length = (size_t)(end - in);

        if (table) {
            size_t recorded = units_entry(c->unit_bytes) == 1 ? *entry : load16(entry);

            entry += units_entry(c->unit_bytes);
            if (recorded > length)
                return ZSW_E_CORRUPT;
            length = recorded;
        }
        if (!table && (length == bytes) != (header & UNITS_RAW ? 1 : 0))
            return ZSW_E_CORRUPT;
        if (units_decode(c, in, length, dst + at, bytes, dst_bytes - at, decode) != ZSW_OK)
            return ZSW_E_CORRUPT;
        in += length;
    }
    return in == end ? (int)total : ZSW_E_CORRUPT;
}

#endif
