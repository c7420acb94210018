/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compress as lzo and lzo-rle do. Output equals that of Linux byte for byte: the same positions are tried, in the same
 * order, with the same hash.
 */
#include "lzo1x.h"
#include "zsw_builtin.h"

#define MIN_MATCH 4
#define UNMATCHED_END 20         /* last bytes of a block, in which no match begins */
#define FIRST_TRY 4              /* no match begins within the first bytes of a stream */
#define SKIP_SHIFT 5             /* log2 of the number of literals that lengthen the step by one */
#define BLOCK_BYTES 0xc000u      /* bytes of a block of a longer source; one less with runs */
#define AMBIGUOUS_DISTANCE 0x403fu /* a far match at this distance, and of a length from here ... */
#define AMBIGUOUS_LENGTH 261
#define UNAMBIGUOUS_LENGTH 260 /* ... to four more, looks like a run and is cut to this length */

/* The state of compressing a block. */
typedef struct lzo_block {
    const uint8_t *start;
    const uint8_t *limit; /* no match begins here or later */
    position_table *table;
    int runs; /* a constant after inlining */
} lzo_block;

/* The state of the output. */
typedef struct lzo_out {
    uint8_t *at;
    uint8_t *state; /* its two low bits are the number of literals after the last instruction */
    uint8_t *stop;  /* literals that end before it leave space for the rest of a sequence */
} lzo_out;

/*
 * Return the first position from `at` on that begins a run (`*match` is NULL then) or whose four bytes are also at the
 * earlier `*match`; NULL if there is none. Steps grow with the distance from `since`, the end of the last match.
 */
ZSW_INLINE const uint8_t *search(const lzo_block *b, const uint8_t *at, const uint8_t *since, const uint8_t **match) {
    while (at < b->limit) {
        uint32_t sequence = load32(at);
        uint32_t hash = (sequence * 0x1824429du) >> (32 - POSITION_BITS);

        *match = NULL;
        if (b->runs && sequence == 0)
            return at;
        *match = b->start + position_swap(b->table, hash, (size_t)(at - b->start));
        if (load32(*match) == sequence)
            return at;
        at += 1 + ((size_t)(at - since) >> SKIP_SHIFT);
    }
    return NULL;
}

/* Return the length of the match, compared in words: near the end it is that of whole words, as in Linux. */
ZSW_INLINE size_t match_length(const lzo_block *b, const uint8_t *at, const uint8_t *match) {
    size_t n = MIN_MATCH;
    uint64_t difference = load64(at + n) ^ load64(match + n);

    while (difference == 0) {
        n += 8;
        if (at + n >= b->limit)
            return n;
        difference = load64(at + n) ^ load64(match + n);
    }
    return n + equal_bytes(difference);
}

/* Return the length of the run that begins with four zeros at `at`. */
ZSW_INLINE size_t run_length(const lzo_block *b, const uint8_t *at) {
    const uint8_t *stop = b->limit - at > LZO_RUN_MAX ? at + LZO_RUN_MAX : b->limit;
    const uint8_t *end = at + LZO_RUN_MIN;

    for (; stop - end >= 8; end += 8) {
        uint64_t word = load64(end);

        if (word)
            return (size_t)(end - at) + equal_bytes(word);
    }
    while (end < stop && *end == 0)
        end++;
    return (size_t)(end - at);
}

/* Write the part of a length that exceeds the code's field; it is at least 1. */
ZSW_INLINE uint8_t *put_length(uint8_t *out, size_t rest) {
    for (; rest > 255; rest -= 255)
        *out++ = 0;
    *out++ = (uint8_t)rest;
    return out;
}

/*
 * Write more than 3 literals. At least UNMATCHED_END bytes follow them, so that copies of 16 bytes may pass their end;
 * `out` has space for that.
 */
ZSW_INLINE uint8_t *put_literals(uint8_t *out, const uint8_t *from, size_t bytes) {
    uint8_t *end;

    if (bytes <= 18) {
        *out++ = (uint8_t)(bytes - 3);
    } else {
        *out++ = 0;
        out = put_length(out, bytes - 18);
    }
    end = out + bytes;
    do {
        copy16(out, from);
        out += 16;
        from += 16;
    } while (out < end);
    return end;
}

/* Write a match with a distance above LZO_MIDDLE. */
static uint8_t *put_far_match(uint8_t *out, size_t distance, size_t length) {
    uint8_t high;

    distance -= LZO_MIDDLE;
    high = distance & LZO_MIDDLE ? LZO_FAR_HIGH : 0;
    if (length <= LZO_FAR_LENGTH) {
        *out++ = (uint8_t)(LZO_FAR_CODE | high | (length - 2));
    } else {
        *out++ = LZO_FAR_CODE | high;
        out = put_length(out, length - LZO_FAR_LENGTH);
    }
    store16(out, (uint32_t)distance << 2);
    return out + 2;
}

ZSW_INLINE uint8_t *put_match(uint8_t *out, size_t distance, size_t length) {
    if (length <= LZO_SHORT && distance <= LZO_NEAR) {
        distance--;
        store16(out, (uint32_t)((length - 1) << 5 | (distance & 7) << 2 | distance >> 3 << 8));
        return out + 2;
    }
    if (ZSW_UNLIKELY(distance > LZO_MIDDLE))
        return put_far_match(out, distance, length);
    if (length <= LZO_MIDDLE_LENGTH) {
        *out++ = (uint8_t)(LZO_MIDDLE_CODE | (length - 2));
    } else {
        *out++ = LZO_MIDDLE_CODE;
        out = put_length(out, length - LZO_MIDDLE_LENGTH);
    }
    store16(out, (uint32_t)(distance - 1) << 2);
    return out + 2;
}

ZSW_INLINE size_t unambiguous(const lzo_block *b, size_t distance, size_t length) {
    int looks_like_run = b->runs && distance > LZO_MIDDLE && length - AMBIGUOUS_LENGTH < 4 &&
                         ((distance - LZO_MIDDLE) & AMBIGUOUS_DISTANCE) == AMBIGUOUS_DISTANCE;

    return looks_like_run ? UNAMBIGUOUS_LENGTH : length;
}

/* Write the instruction for the run or match at `at`. Return the position after it. */
ZSW_INLINE const uint8_t *put_instruction(const lzo_block *b, lzo_out *out, const uint8_t *at, const uint8_t *match) {
    size_t length;

    if (b->runs && !match) {
        length = run_length(b, at);
        store32(out->at, (uint32_t)((length - LZO_RUN_MIN) >> 3 << 24 | LZO_RUN_DISTANCE << 8 | LZO_RUN_CODE |
                                    ((length - LZO_RUN_MIN) & 7)));
        out->at += 4;
        out->state = out->at - 3;
    } else {
        size_t distance = (size_t)(at - match);

        length = unambiguous(b, distance, match_length(b, at, match));
        out->at = put_match(out->at, distance, length);
        out->state = out->at - 2;
    }
    return at + length;
}

/*
 * Compress a block that follows `carried` unwritten literals. Return the start of the literals that are unwritten after
 * it, or NULL if the output is full.
 */
ZSW_INLINE const uint8_t *put_block(const lzo_block *b, lzo_out *out, size_t carried) {
    const uint8_t *since = b->start, *literals = since - carried;
    const uint8_t *at = since + (carried < FIRST_TRY ? FIRST_TRY - carried : 0) + 1;
    const uint8_t *match;

    while ((at = search(b, at, since, &match)) != NULL) {
        size_t bytes = (size_t)(at - literals);

        if (ZSW_UNLIKELY(out->stop - out->at < (ptrdiff_t)bytes))
            return NULL;
        if (bytes > 3) {
            out->at = put_literals(out->at, literals, bytes);
        } else if (bytes) {
            *out->state |= (uint8_t)bytes;
            store32(out->at, load32(literals));
            out->at += bytes;
        }
        at = put_instruction(b, out, at, match);
        literals = since = at;
    }
    return literals;
}

/* Write the last literals and the end of the stream. `first`: nothing was written before. */
static uint8_t *put_end(lzo_out *out, const uint8_t *from, size_t bytes, int first) {
    uint8_t *at = out->at;

    if (first && bytes && bytes <= LZO_FIRST_MAX) {
        *at++ = (uint8_t)(LZO_FIRST_LITERALS + bytes);
    } else if (bytes > 18) {
        *at++ = 0;
        at = put_length(at, bytes - 18);
    } else if (bytes > 3) {
        *at++ = (uint8_t)(bytes - 3);
    } else if (bytes) {
        *out->state |= (uint8_t)bytes;
    }
    memcpy(at, from, bytes);
    at += bytes;
    *at++ = LZO_FAR_CODE | 1;
    store16(at, 0);
    return at + 2;
}

/*
 * Write the stream of a source. Return its length, or 0 if it doesn't fit into `dst_bytes`, which happens only if the
 * source grows. Most of the space reserved after the literals of a sequence is for a match as long as the source.
 */
ZSW_INLINE int compress(position_table *table, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes,
                        int runs) {
    const uint8_t *end = src + src_bytes, *literals = src, *next = src;
    lzo_block block = {.table = table, .runs = runs};
    lzo_out out = {.at = dst};
    uint8_t *first;

    if (dst_bytes < ZSW_MIN_CAPACITY(src_bytes))
        return ZSW_E_CODEC;
    out.stop = dst + dst_bytes - 2 * (src_bytes / 255) - 40;
    if (runs) {
        store16(out.at, LZO_VERSION_MARK | 1 << 8);
        out.at += 2;
    }
    first = out.at;
    while (end - next > UNMATCHED_END) {
        size_t bytes =
            (size_t)(end - next) < BLOCK_BYTES - (size_t)runs ? (size_t)(end - next) : BLOCK_BYTES - (size_t)runs;

        memset(table, 0, sizeof(*table));
        block.start = next;
        block.limit = next + bytes - UNMATCHED_END;
        literals = put_block(&block, &out, (size_t)(next - literals));
        if (!literals)
            return 0;
        next += bytes;
    }
    if (out.stop - out.at < end - literals)
        return 0;
    return (int)(put_end(&out, literals, (size_t)(end - literals), out.at == first) - dst);
}

int zsw_lzo_compress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    return compress(ctx, src, src_bytes, dst, dst_bytes, 0);
}

int zsw_lzo_rle_compress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    return compress(ctx, src, src_bytes, dst, dst_bytes, 1);
}
