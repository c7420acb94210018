/* SPDX-License-Identifier: Apache-2.0 */
/* Unaligned little-endian loads and stores, and copies of fixed lengths: used by the built-in codecs. */
#ifndef ZSW_BYTES_H
#define ZSW_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ZSW_INLINE static inline __attribute__((always_inline))
#define ZSW_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define ZSW_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ZSW_LE16(v) (v)
#define ZSW_LE32(v) (v)
#define ZSW_LE64(v) (v)
#else
#define ZSW_LE16(v) __builtin_bswap16(v)
#define ZSW_LE32(v) __builtin_bswap32(v)
#define ZSW_LE64(v) __builtin_bswap64(v)
#endif

ZSW_INLINE uint32_t load16(const uint8_t *at) {
    uint16_t v;

    memcpy(&v, at, sizeof(v));
    return ZSW_LE16(v);
}

ZSW_INLINE uint32_t load32(const uint8_t *at) {
    uint32_t v;

    memcpy(&v, at, sizeof(v));
    return ZSW_LE32(v);
}

ZSW_INLINE uint64_t load64(const uint8_t *at) {
    uint64_t v;

    memcpy(&v, at, sizeof(v));
    return ZSW_LE64(v);
}

ZSW_INLINE void store16(uint8_t *at, uint32_t value) {
    uint16_t v = ZSW_LE16((uint16_t)value);

    memcpy(at, &v, sizeof(v));
}

ZSW_INLINE void store32(uint8_t *at, uint32_t value) {
    uint32_t v = ZSW_LE32(value);

    memcpy(at, &v, sizeof(v));
}

ZSW_INLINE void store64(uint8_t *at, uint64_t value) {
    uint64_t v = ZSW_LE64(value);

    memcpy(at, &v, sizeof(v));
}

/* All loads precede all stores, so the regions may overlap. */
ZSW_INLINE void copy8(uint8_t *to, const uint8_t *from) {
    uint64_t v;

    memcpy(&v, from, sizeof(v));
    memcpy(to, &v, sizeof(v));
}

ZSW_INLINE void copy16(uint8_t *to, const uint8_t *from) {
    uint64_t v[2];

    memcpy(v, from, sizeof(v));
    memcpy(to, v, sizeof(v));
}

/* Copy `bytes` bytes, at least 1, in pieces: up to ZSW_PIECE - 1 more are read and written. */
#define ZSW_PIECE 32

ZSW_INLINE void copy_pieces(uint8_t *to, const uint8_t *from, size_t bytes) {
    const uint8_t *end = to + bytes;

    do {
        copy16(to, from);
        copy16(to + 16, from + 16);
        to += ZSW_PIECE;
        from += ZSW_PIECE;
    } while (to < end);
}

/* Return the number of low zero bytes of `difference`, which is not 0. */
ZSW_INLINE unsigned equal_bytes(uint64_t difference) {
    return (unsigned)__builtin_ctzll(difference) >> 3;
}

/*
 * Copy a match `distance` bytes back to `to`, at least until `end`: up to ZSW_MATCH_SLACK bytes after `end` are
 * written. `distance` is at least 1, `end` above `to`.
 *
 * Loads of recently stored bytes are slow if their width or alignment differs from the stores', and a short distance
 * makes every load one of those. So the repeated bytes are loaded once and stored repeatedly.
 */
#define ZSW_MATCH_SLACK 31

/*
 * Copy a match at a distance below 8: replicate the pattern to 8 bytes and store as many whole repetitions as fit in
 * each step.
 */
ZSW_INLINE void repeat_below_8(uint8_t *to, size_t distance, const uint8_t *end) {
    static const struct {
        uint64_t factor;
        size_t step;
    } by_distance[8] = {
        {0, 8},
        {0x0101010101010101, 8},
        {0x0001000100010001, 8},
        {0x0001000001000001, 6},
        {0x0000000100000001, 8},
        {0x0000010000000001, 5},
        {0x0001000000000001, 6},
        {0x0100000000000001, 7},
    };
    uint64_t piece = (load64(to - distance) & (((uint64_t)1 << 8 * distance) - 1)) * by_distance[distance].factor;
    size_t step = by_distance[distance].step;

    do {
        store64(to, piece);
        store64(to + step, piece);
        to += 2 * step;
    } while (to < end);
}

/* Copy a match at a distance from 8 to 15. */
ZSW_INLINE void repeat_below_16(uint8_t *to, size_t distance, const uint8_t *end) {
    uint64_t low = load64(to - distance);
    uint64_t high = distance == 8 ? low : load64(to - distance + 8);
    size_t step = distance == 8 ? 16 : distance;

    for (; to < end; to += step) {
        store64(to, low);
        store64(to + 8, high);
    }
}

/* Copy a match at a distance from 16 to 31. */
ZSW_INLINE void repeat_below_32(uint8_t *to, size_t distance, const uint8_t *end) {
    uint8_t low[16], high[16];

    memcpy(low, to - distance, sizeof(low));
    memcpy(high, to - distance + 16, sizeof(high));
    for (; to < end; to += distance) {
        memcpy(to, low, sizeof(low));
        memcpy(to + 16, high, sizeof(high));
    }
}

ZSW_INLINE void copy_match(uint8_t *to, size_t distance, const uint8_t *end) {
    if (ZSW_LIKELY(distance >= 32 || (distance >= 16 && end - to <= 32))) {
        do {
            copy16(to, to - distance);
            copy16(to + 16, to + 16 - distance);
            to += 32;
        } while (to < end);
    } else if (distance >= 16) {
        repeat_below_32(to, distance, end);
    } else if (distance >= 8) {
        repeat_below_16(to, distance, end);
    } else {
        repeat_below_8(to, distance, end);
    }
}

/* Copy a match without writing at or after `limit`, which is at least `end`. */
ZSW_INLINE void copy_match_within(uint8_t *to, size_t distance, const uint8_t *end, const uint8_t *limit) {
    if (ZSW_LIKELY(limit - end >= ZSW_MATCH_SLACK)) {
        copy_match(to, distance, end);
        return;
    }
    if (limit - to > ZSW_MATCH_SLACK) {
        copy_match(to, distance, limit - ZSW_MATCH_SLACK);
        to += limit - to - ZSW_MATCH_SLACK;
    }
    for (; to < end; to++)
        *to = *(to - distance);
}

#endif
