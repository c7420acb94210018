/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compress a source in independent units, so that a device can read one without the others: from a cache line up to a
 * page. It is written as
 *
 *   2 bytes   how many lines of 64 bytes the source has, and UNITS_RAW if it follows as it is;
 *   a table   the length of each unit's code, of one byte if units have up to 128 bytes, else of two; without it
 *             if there is one unit. A unit that doesn't get smaller has its own length, and follows as it is;
 *   codes     one behind the other.
 */
#ifndef ZSW_UNITS_H
#define ZSW_UNITS_H

#include <stdlib.h>

#include "zsw_builtin.h"
#include "zsw_bytes.h"

#define UNIT_LINE 64u
#define UNIT_MOST ZSW_PAGE_SIZE
#define UNITS_HEADER 2u
#define UNITS_RAW 0x8000u
#define UNITS_PAD 64u /* bytes that may be read, and mean nothing, behind a code */

typedef struct units_ctx {
    size_t grain;                   /* of a unit, in bytes: a power of two */
    uint8_t code[2 * UNIT_MOST];    /* of the present unit */
} units_ctx;

/* Writes the code of `bytes` bytes, a multiple of UNIT_LINE up to UNIT_MOST, to `code`. Returns its length. */
typedef size_t (*unit_encode)(const uint8_t *src, size_t bytes, uint8_t *code);

/*
 * Decode `bytes` bytes from a code with UNITS_PAD zeros behind it. Bytes from the end up to `room` may be overwritten.
 * Return 0 or ZSW_E_CORRUPT.
 */
typedef int (*unit_decode)(const uint8_t *code, size_t code_bytes, uint8_t *dst, size_t bytes, size_t room);

static int units_params_create(const zsw_config *config, void **params) {
    size_t grain = (size_t)config->values[0];
    size_t *made;

    *params = NULL;
    if (grain & (grain - 1))
        return ZSW_E_RANGE;
    made = malloc(sizeof(*made));
    if (!made)
        return ZSW_E_NOMEM;
    *made = grain;
    *params = made;
    return ZSW_OK;
}

static int units_ctx_create(const void *params, void **ctx) {
    units_ctx *made = malloc(sizeof(*made));

    *ctx = made;
    if (!made)
        return ZSW_E_NOMEM;
    made->grain = *(const size_t *)params;
    return ZSW_OK;
}

/* Bytes of an entry of the table. */
ZSW_INLINE size_t units_entry(size_t grain) {
    return grain <= 128 ? 1 : 2;
}

ZSW_INLINE size_t units_table(size_t grain, size_t bytes) {
    size_t units = (bytes + grain - 1) / grain;

    return units > 1 ? units * units_entry(grain) : 0;
}

/* Compresses a source; 0 if it isn't whole lines. */
ZSW_INLINE int units_compress(units_ctx *c, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes,
                              unit_encode encode) {
    size_t table = units_table(c->grain, src_bytes);
    uint8_t *entry = dst + UNITS_HEADER, *out = entry + table;

    if (src_bytes == 0 || src_bytes % UNIT_LINE || src_bytes / UNIT_LINE >= UNITS_RAW)
        return 0;
    if (dst_bytes < ZSW_LEAST_CAPACITY(src_bytes))
        return ZSW_E_CODEC;
    store16(dst, (uint32_t)(src_bytes / UNIT_LINE));
    for (size_t at = 0; at < src_bytes; at += c->grain) {
        size_t bytes = src_bytes - at < c->grain ? src_bytes - at : c->grain;
        size_t length = encode(src + at, bytes, c->code);
        const uint8_t *code = length < bytes ? c->code : src + at;

        length = length < bytes ? length : bytes;
        memcpy(out, code, length);
        out += length;
        if (!table)
            store16(dst, (uint32_t)(src_bytes / UNIT_LINE) | (length < bytes ? 0 : UNITS_RAW));
        else if (units_entry(c->grain) == 1)
            *entry++ = (uint8_t)length;
        else
            store16(entry, (uint32_t)length), entry += 2;
    }
    return (int)(out - dst);
}

/* One unit of `bytes` bytes from its code. */
ZSW_INLINE int units_decode(units_ctx *c, const uint8_t *code, size_t length, uint8_t *dst, size_t bytes, size_t room,
                            unit_decode decode) {
    if (length >= bytes) {
        memcpy(dst, code, bytes);
        return length == bytes ? ZSW_OK : ZSW_E_CORRUPT;
    }
    memcpy(c->code, code, length);
    memset(c->code + length, 0, UNITS_PAD);
    return decode(c->code, length, dst, bytes, room);
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
    table = units_table(c->grain, total);
    if (total == 0 || total > dst_bytes || table > src_bytes - UNITS_HEADER || (table && header & UNITS_RAW))
        return ZSW_E_CORRUPT;
    entry = src + UNITS_HEADER;
    in = entry + table;
    for (size_t at = 0; at < total; at += c->grain) {
        size_t bytes = total - at < c->grain ? total - at : c->grain;
        size_t length = (size_t)(end - in);

        if (table) {
            size_t told = units_entry(c->grain) == 1 ? *entry : load16(entry);

            entry += units_entry(c->grain);
            if (told > length)
                return ZSW_E_CORRUPT;
            length = told;
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
