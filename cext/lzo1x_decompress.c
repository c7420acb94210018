/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decompress lzo and lzo-rle. A stream ends in an instruction of three bytes, so at least three are left at the start
 * of each instruction and after literals. So two checks suffice for nearly all reads.
 */
#include "lzo1x.h"
#include "zsw_builtin.h"

#define END_BYTES 3

typedef struct lzo_in {
    const uint8_t *at;
    const uint8_t *end;
} lzo_in;

/* An instruction that copies earlier bytes. */
typedef struct lzo_match {
    size_t distance; /* 0 means a run of zeros */
    size_t length;
    size_t literals; /* number of literals that follow, 0 ... 3 */
} lzo_match;

/* Return a length: `low`, or if that is 0, `max_in_code` plus the bytes that follow. Return 0 if the bytes end. */
ZSW_INLINE size_t get_length(lzo_in *in, size_t low, size_t max_in_code) {
    size_t length = max_in_code;

    if (ZSW_LIKELY(low))
        return low;
    for (;;) {
        if (in->end - in->at <= END_BYTES)
            return 0;
        if (*in->at)
            return length + *in->at++;
        length += 255;
        in->at++;
    }
}

/* Read a match of a code below 16: two or three bytes long, by the previous instruction. */
ZSW_INLINE void get_shortest(lzo_in *in, uint32_t code, size_t state, lzo_match *m) {
    m->length = state == 4 ? 3 : 2;
    m->distance = 1 + (code >> 2) + ((size_t)*in->at++ << 2) + (state == 4 ? LZO_NEAR : 0);
    m->literals = code & 3;
}

ZSW_INLINE void get_short(lzo_in *in, uint32_t code, lzo_match *m) {
    m->length = (code >> 5) + 1;
    m->distance = 1 + ((code >> 2) & 7) + ((size_t)*in->at++ << 3);
    m->literals = code & 3;
}

/* Read the two bytes that end the longer instructions. Return ZSW_E_CORRUPT if they are missing. */
ZSW_INLINE int get_distance(lzo_in *in, size_t beyond, lzo_match *m) {
    uint32_t pair;

    if (in->end - in->at < 2)
        return ZSW_E_CORRUPT;
    pair = load16(in->at);
    in->at += 2;
    m->distance = beyond + (pair >> 2);
    m->literals = pair & 3;
    return ZSW_OK;
}

ZSW_INLINE int get_middle(lzo_in *in, uint32_t code, lzo_match *m) {
    size_t length = get_length(in, code & 31, 31);

    m->length = length + 2;
    return length ? get_distance(in, 1, m) : ZSW_E_CORRUPT;
}

/* Read a far match, a run of zeros, or the end, which has the distance 16384 and the length 3. */
ZSW_INLINE int get_far(lzo_in *in, uint32_t code, int runs, lzo_match *m) {
    size_t length;

    if (runs && (code & ~7u) == LZO_RUN_CODE && (load16(in->at) & LZO_RUN_DISTANCE) == LZO_RUN_DISTANCE) {
        if (in->end - in->at < 3)
            return ZSW_E_CORRUPT;
        m->length = ((code & 7) | (size_t)in->at[2] << 3) + LZO_RUN_MIN;
        m->distance = 0;
        m->literals = load16(in->at) & 3;
        in->at += 3;
        return ZSW_OK;
    }
    length = get_length(in, code & 7, 7);
    m->length = length + 2;
    return length ? get_distance(in, LZO_MIDDLE + (code & LZO_FAR_HIGH ? LZO_MIDDLE : 0), m) : ZSW_E_CORRUPT;
}

/* Copy literals. Return NULL if the input or the output is too short. */
ZSW_INLINE uint8_t *put_literals(lzo_in *in, size_t bytes, uint8_t *out, const uint8_t *out_end) {
    if (ZSW_UNLIKELY(in->end - in->at < (ptrdiff_t)bytes + END_BYTES || out_end - out < (ptrdiff_t)bytes))
        return NULL;
    if (bytes <= 32 && in->end - in->at >= 32 && out_end - out >= 32) {
        copy16(out, in->at);
        copy16(out + 16, in->at + 16);
    } else {
        memcpy(out, in->at, bytes);
    }
    in->at += bytes;
    return out + bytes;
}

/* Copy the 0 to 3 literals after an instruction. */
ZSW_INLINE uint8_t *put_few_literals(lzo_in *in, size_t bytes, uint8_t *out, const uint8_t *out_end) {
    if (ZSW_LIKELY(in->end - in->at > END_BYTES && out_end - out > 3)) {
        if (ZSW_UNLIKELY(in->end - in->at < (ptrdiff_t)bytes + END_BYTES))
            return NULL;
        store32(out, load32(in->at));
        in->at += bytes;
        return out + bytes;
    }
    return put_literals(in, bytes, out, out_end);
}

/* Copy a match or a run. Return NULL if it begins before `start` or doesn't fit. */
ZSW_INLINE uint8_t *put_match(const lzo_match *m, uint8_t *out, const uint8_t *start, const uint8_t *out_end) {
    uint8_t *end = out + m->length;

    if (ZSW_UNLIKELY(m->length > (size_t)(out_end - out) || m->distance > (size_t)(out - start)))
        return NULL;
    if (m->length <= 16 && m->distance >= 8 && out_end - out >= 16) {
        copy8(out, out - m->distance);
        copy8(out + 8, out + 8 - m->distance);
    } else if (m->distance) {
        copy_match_within(out, m->distance, end, out_end);
    } else {
        memset(out, 0, m->length);
    }
    return end;
}

/* Read the first byte if it isn't an instruction. Set `*state` and `*runs`. Return NULL if the stream is corrupt. */
static uint8_t *get_first(lzo_in *in, uint8_t *out, const uint8_t *out_end, size_t *state, int *runs) {
    size_t bytes;

    *state = 0;
    *runs = 0;
    if (in->end - in->at >= 5 && *in->at == LZO_VERSION_MARK) {
        if (in->at[1] > 1)
            return NULL;
        *runs = in->at[1];
        in->at += 2;
    }
    if (in->end - in->at < END_BYTES)
        return NULL;
    if (*in->at <= LZO_FIRST_LITERALS)
        return out;
    bytes = (size_t)*in->at++ - LZO_FIRST_LITERALS;
    *state = bytes < 4 ? bytes : 4;
    return put_literals(in, bytes, out, out_end);
}

int zsw_lzo_decompress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    const uint8_t *const out_end = dst + dst_bytes;
    lzo_in in = {src, src + src_bytes};
    lzo_match m = {0, 0, 0};
    size_t state;
    int runs, code = ZSW_OK;
    uint8_t *out = get_first(&in, dst, out_end, &state, &runs);

    (void)ctx;
    while (out && in.end - in.at >= END_BYTES) {
        uint32_t byte = *in.at++;

        if (byte >= 64) {
            get_short(&in, byte, &m);
        } else if (byte >= LZO_MIDDLE_CODE) {
            code = get_middle(&in, byte, &m);
        } else if (byte >= LZO_FAR_CODE) {
            code = get_far(&in, byte, runs, &m);
            if (m.distance == LZO_MIDDLE && code == ZSW_OK)
                return m.length == 3 && in.at == in.end ? (int)(out - dst) : ZSW_E_CORRUPT;
        } else if (state) {
            get_shortest(&in, byte, state, &m);
        } else {
            size_t length = get_length(&in, byte, 15);

            if (!length)
                return ZSW_E_CORRUPT;
            out = put_literals(&in, length + 3, out, out_end);
            state = 4;
            continue;
        }
        if (code != ZSW_OK || !(out = put_match(&m, out, dst, out_end)))
            return ZSW_E_CORRUPT;
        out = put_few_literals(&in, m.literals, out, out_end);
        state = m.literals;
    }
    return ZSW_E_CORRUPT;
}
