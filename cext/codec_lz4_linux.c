/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "lz4-linux": the same blocks, byte for byte, as Linux' lz4 for sources up to 64 KiB.
 *
 * The format is lz4's (github.com/lz4/lz4, doc/lz4_Block_format.md): any lz4 decoder reads them. A block depends on the
 * search for matches, which differs between Linux and a current liblz4: Linux hashes four bytes into 13 bits, and ends
 * a search if its next position would be within the last 12 bytes.
 */
#include "zsw_builtin.h"
#include "zsw_memory.h"
#include "zsw_positions.h"

#define MIN_MATCH 4  /* bytes of the shortest match; lengths are written less this */
#define NO_MATCH_IN 12 /* last bytes, in which no match may begin */
#define LITERAL_END 5  /* last bytes, which are always literals */
#define LENGTH_MAX 15  /* largest value of a token's half; the rest of a length follows in bytes of up to 255 */
#define SKIP_AFTER 64  /* tries without a match lengthen the step by one */

typedef struct lz4_linux_ctx {
    position_table table;
    uint32_t acceleration;
} lz4_linux_ctx;

/* The state of compressing a source. */
typedef struct lz4_source {
    const uint8_t *start;
    const uint8_t *end;
    const uint8_t *last; /* the last position at which a match may begin */
    position_table *table;
    uint32_t acceleration;
} lz4_source;

ZSW_INLINE uint32_t hash_of(uint32_t sequence) {
    return (sequence * 2654435761u) >> (32 - POSITION_BITS);
}

/* Return the previous position of the sequence at `at`, or the start, and replace it by `at`. */
ZSW_INLINE const uint8_t *seen_before(const lz4_source *s, const uint8_t *at, uint32_t hash) {
    return s->start + position_swap(s->table, hash, (size_t)(at - s->start));
}

/*
 * Return the first position from `at` on whose four bytes are also at the earlier `*match`, or NULL. After
 * each SKIP_AFTER positions without a match the step grows by one.
 */
ZSW_INLINE const uint8_t *search(const lz4_source *s, const uint8_t *at, const uint8_t **match) {
    const uint8_t *next = at + 1;
    uint32_t sequence = load32(at);
    uint32_t hash = hash_of(sequence);

    for (size_t step = s->acceleration; next <= s->last; step++) {
        size_t reach = (SKIP_AFTER - 1) * step;
        const uint8_t *stop = (size_t)(s->last - next) > reach ? next + reach : s->last;

        while (next <= stop) {
            uint32_t following = load32(next);

            *match = seen_before(s, at, hash);
            hash = hash_of(following);
            if (load32(*match) == sequence)
                return at;
            at = next;
            sequence = following;
            next += step;
        }
    }
    return NULL;
}

/* Return the length of the match between `at` and the earlier `match`, up to the literals at the end. */
ZSW_INLINE size_t agreeing(const lz4_source *s, const uint8_t *at, const uint8_t *match) {
    const uint8_t *from = at;
    const uint8_t *stop = s->end - LITERAL_END;

    for (; ZSW_LIKELY(stop - at >= 8); at += 8, match += 8) {
        uint64_t difference = load64(at) ^ load64(match);

        if (difference)
            return (size_t)(at - from) + equal_bytes(difference);
    }
    while (at < stop && *at == *match)
        at++, match++;
    return (size_t)(at - from);
}

/* Write the part of a length that exceeds a token's half. */
ZSW_INLINE uint8_t *put_length(uint8_t *out, size_t rest) {
    for (; rest >= 255; rest -= 255)
        *out++ = 255;
    *out++ = (uint8_t)rest;
    return out;
}

static uint8_t *put_literals(uint8_t *out, uint8_t *token, const uint8_t *from, size_t bytes) {
    *token = (uint8_t)((bytes < LENGTH_MAX ? bytes : LENGTH_MAX) << 4);
    if (bytes >= LENGTH_MAX)
        out = put_length(out, bytes - LENGTH_MAX);
    memcpy(out, from, bytes);
    return out + bytes;
}

/* Write literals, and a match of MIN_MATCH + `more` bytes. */
ZSW_INLINE uint8_t *put_sequence(const lz4_source *s, uint8_t *out, const uint8_t *literals, size_t bytes,
                                 size_t distance, size_t more) {
    uint8_t *token = out++;

    if (ZSW_LIKELY(((bytes < LENGTH_MAX) & (more < LENGTH_MAX)) && s->end - literals >= 16)) {
        *token = (uint8_t)(bytes << 4 | more);
        copy16(out, literals);
        store16(out + bytes, (uint32_t)distance);
        return out + bytes + 2;
    }
    out = put_literals(out, token, literals, bytes);
    store16(out, (uint32_t)distance);
    out += 2;
    if (more < LENGTH_MAX) {
        *token |= (uint8_t)more;
        return out;
    }
    *token |= LENGTH_MAX;
    return put_length(out, more - LENGTH_MAX);
}

/* Write all sequences that end in a match. Set `*literals` to the start of the literals after the last one. */
ZSW_INLINE uint8_t *put_sequences(const lz4_source *s, uint8_t *out, const uint8_t **literals) {
    const uint8_t *anchor = s->start;
    const uint8_t *at = s->start + 1;
    const uint8_t *match;

    seen_before(s, s->start, hash_of(load32(s->start)));
    while ((at = search(s, at, &match)) != NULL) {
        while (at > anchor && match > s->start && at[-1] == match[-1])
            at--, match--;
        do {
            size_t more = agreeing(s, at + MIN_MATCH, match + MIN_MATCH);

            out = put_sequence(s, out, anchor, (size_t)(at - anchor), (size_t)(at - match), more);
            at += MIN_MATCH + more;
            anchor = at;
            if (at > s->last)
                goto done;
            seen_before(s, at - 2, hash_of(load32(at - 2)));
            match = seen_before(s, at, hash_of(load32(at)));
        } while (load32(match) == load32(at));
        at++;
    }
done:
    *literals = anchor;
    return out;
}

/* The interface's minimum capacity exceeds the longest block, including the bytes that copies write past its end. */
static int lz4_linux_compress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    lz4_linux_ctx *c = ctx;
    const uint8_t *literals = src;
    uint8_t *out = dst;

    if (src_bytes > POSITION_REACH || dst_bytes < ZSW_MIN_CAPACITY(src_bytes))
        return ZSW_E_CODEC;
    if (src_bytes > NO_MATCH_IN) {
        lz4_source s = {.start = src, .end = src + src_bytes, .acceleration = c->acceleration};

        memset(&c->table, 0, sizeof(c->table));
        s.last = s.end - NO_MATCH_IN;
        s.table = &c->table;
        out = put_sequences(&s, out, &literals);
    }
    return (int)(put_literals(out + 1, out, literals, (size_t)(src + src_bytes - literals)) - dst);
}

/* Read the rest of a length whose token's half is full. Return NULL if the block ends within it. */
ZSW_INLINE const uint8_t *get_length(const uint8_t *in, const uint8_t *end, size_t *length) {
    uint8_t more;

    do {
        if (ZSW_UNLIKELY(in == end))
            return NULL;
        more = *in++;
        *length += more;
    } while (more == 255);
    return in;
}

/* Copy literals, in larger pieces if both buffers have space. Return 0 if they are missing or don't fit. */
ZSW_INLINE int get_literals(const uint8_t *in, size_t in_room, uint8_t *out, size_t out_room, size_t bytes) {
    if (ZSW_LIKELY(bytes + ZSW_PIECE <= in_room && bytes + ZSW_PIECE <= out_room))
        copy_pieces(out, in, bytes);
    else if (bytes <= in_room && bytes <= out_room)
        memcpy(out, in, bytes);
    else
        return 0;
    return 1;
}

/*
 * Nearly every sequence has few literals, a short match that is not too near, and more than SAFE_IN and SAFE_OUT bytes
 * after it in the two buffers. For these, pieces of fixed length are copied.
 */
#define SAFE_IN 19  /* token, literals in one piece, and a distance */
#define SAFE_OUT 48 /* literals in one piece, and the longest match of a token alone */

static int lz4_linux_decompress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    const uint8_t *in = src, *const in_end = src + src_bytes;
    uint8_t *out = dst, *const out_end = dst + dst_bytes;
    const uint8_t *in_safe = src_bytes > SAFE_IN ? in_end - SAFE_IN : src;
    const uint8_t *out_safe = dst_bytes > SAFE_OUT ? out_end - SAFE_OUT : dst;

    (void)ctx;
    for (;;) {
        int roomy = in < in_safe && out < out_safe;
        size_t token, length, distance;

        if (ZSW_UNLIKELY(!roomy) && in >= in_end)
            return ZSW_E_CORRUPT;
        token = *in++;
        length = token >> 4;
        if (ZSW_LIKELY(roomy && length < LENGTH_MAX)) {
            copy16(out, in);
            out += length;
            in += length + 2;
            distance = load16(in - 2);
            length = token & LENGTH_MAX;
            if (ZSW_LIKELY(length < LENGTH_MAX && distance >= 8 && distance <= (size_t)(out - dst))) {
                const uint8_t *match = out - distance;

                copy8(out, match);
                copy8(out + 8, match + 8);
                store16(out + 16, load16(match + 16));
                out += length + MIN_MATCH;
                continue;
            }
        } else {
            if (length == LENGTH_MAX && (in = get_length(in, in_end, &length)) == NULL)
                return ZSW_E_CORRUPT;
            if (!get_literals(in, (size_t)(in_end - in), out, (size_t)(out_end - out), length))
                return ZSW_E_CORRUPT;
            out += length;
            in += length;
            if (in_end - in < 2)
                return in == in_end ? (int)(out - dst) : ZSW_E_CORRUPT;
            distance = load16(in);
            in += 2;
            length = token & LENGTH_MAX;
        }
        if (length == LENGTH_MAX && (in = get_length(in, in_end, &length)) == NULL)
            return ZSW_E_CORRUPT;
        length += MIN_MATCH;
        if (ZSW_UNLIKELY(distance - 1 >= (size_t)(out - dst) || length > (size_t)(out_end - out)))
            return ZSW_E_CORRUPT;
        copy_match_within(out, distance, out + length, out_end);
        out += length;
    }
}

static int lz4_linux_params_create(const zsw_config *config, void **params) {
    uint32_t *made = zsw_memory.alloc(sizeof(*made));

    *params = made;
    if (!made)
        return ZSW_E_NOMEM;
    *made = (uint32_t)config->values[0];
    return ZSW_OK;
}

static int lz4_linux_ctx_create(const void *params, void **ctx) {
    lz4_linux_ctx *made = zsw_memory.alloc_aligned(_Alignof(lz4_linux_ctx), sizeof(*made));

    *ctx = made;
    if (!made)
        return ZSW_E_NOMEM;
    made->acceleration = *(const uint32_t *)params;
    return ZSW_OK;
}

static const zsw_param lz4_linux_parameters[] = {
    {"acceleration", 1, 65537, 1, "how far to skip where nothing matches: higher is faster and larger"},
    {0},
};

const zsw_codec zsw_codec_lz4_linux = {
    .abi = ZSW_CODEC_ABI,
    .name = "lz4-linux",
    .params = lz4_linux_parameters,
    .params_create = lz4_linux_params_create,
    .params_destroy = zsw_free,
    .ctx_create = lz4_linux_ctx_create,
    .ctx_destroy = zsw_free,
    .compress = lz4_linux_compress,
    .decompress = lz4_linux_decompress,
};
