/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "wkdm": Wilson, Kaplan and Smaragdakis, "The Case for Compressed Caching in Virtual Memory Systems", USENIX 1999.
 *
 * Each word of 32 bits is looked up in a dictionary of 16 recent words, at an index that its upper 22 bits give. Two
 * bits give the result: a zero, a match of the upper bits (the lower ten are written), a miss (the word is written), or
 * a full match. The code has the two bits of each word; the missed words; the indices, 4 bits each; the lower bits,
 * three in a word. The authors' program writes three offsets first, which follow from the two bits, and hashes by a
 * random table.
 */
#include "zsw_units.h"

#define PLACES 16
#define LOW_BITS 10
#define LOW_MASK ((1u << LOW_BITS) - 1)
#define LOWS_A_WORD 3
#define FIRST_WORD 1u /* initial value of every entry: its upper bits are those of small numbers */

enum found {
    FOUND_ZERO,
    FOUND_UPPER,
    FOUND_NOTHING,
    FOUND_WORD,
};

/* The parts of a unit before packing. Entries may be written speculatively; only the counts make them valid. */
typedef struct wkdm_parts {
    uint8_t found[UNIT_MAX / 4 + 16];
    uint8_t place[UNIT_MAX / 4 + 16];
    uint16_t low[UNIT_MAX / 4 + 16];
    size_t miss_count, index_count, low_count; /* numbers of missed words, indices and lower bits */
} wkdm_parts;

ZSW_INLINE uint32_t place_of(uint32_t word) {
    return ((word >> LOW_BITS) * 0x9e3779b1u) >> 28;
}

ZSW_INLINE void start(uint32_t *dictionary) {
    for (size_t i = 0; i < PLACES; i++)
        dictionary[i] = FIRST_WORD;
}

/* Look all words up. Branch-free, because the four cases are unpredictable. */
ZSW_INLINE void look_up(const uint8_t *src, size_t words, uint8_t *missed, wkdm_parts *p) {
    uint32_t dictionary[PLACES];
    size_t placed = 0, lows = 0;
    uint8_t *next_missed = missed;

    start(dictionary);
    for (size_t i = 0; i < words; i++) {
        uint32_t word = load32(src + 4 * i);
        uint32_t place = place_of(word);
        uint32_t known = dictionary[place];
        uint32_t upper = (word ^ known) >> LOW_BITS == 0;
        uint32_t found = word == 0 ? FOUND_ZERO : word == known ? FOUND_WORD : upper ? FOUND_UPPER : FOUND_NOTHING;

        dictionary[place] = word ? word : known;
        p->found[i] = (uint8_t)found;
        store32(next_missed, word);
        next_missed += found == FOUND_NOTHING ? 4 : 0;
        p->place[placed] = (uint8_t)place;
        placed += found & 1;
        p->low[lows] = (uint16_t)(word & LOW_MASK);
        lows += found == FOUND_UPPER;
    }
    p->miss_count = (size_t)(next_missed - missed) / 4;
    p->index_count = placed;
    p->low_count = lows;
}

static size_t wkdm_encode(const uint8_t *src, size_t bytes, uint8_t *code) {
    wkdm_parts parts, *p = &parts;
    uint8_t *out = code;
    size_t words = bytes / 4;

    look_up(src, words, out + words / 4, p);
    for (size_t i = 0; i < words; i += 4)
        *out++ = (uint8_t)(p->found[i] | p->found[i + 1] << 2 | p->found[i + 2] << 4 | p->found[i + 3] << 6);
    out += 4 * p->miss_count;
    p->place[p->index_count] = 0;
    for (size_t i = 0; i < p->index_count; i += 2)
        *out++ = (uint8_t)(p->place[i] | p->place[i + 1] << 4);
    p->low[p->low_count] = p->low[p->low_count + 1] = 0;
    for (size_t i = 0; i < p->low_count; i += LOWS_A_WORD) {
        store32(out, p->low[i] | (uint32_t)p->low[i + 1] << LOW_BITS | (uint32_t)p->low[i + 2] << 2 * LOW_BITS);
        out += 4;
    }
    return (size_t)(out - code);
}

ZSW_INLINE void count(wkdm_parts *p, size_t words) {
    size_t missed = 0, placed = 0, lows = 0;

    for (size_t i = 0; i < words; i++) {
        missed += p->found[i] == FOUND_NOTHING;
        placed += p->found[i] & 1;
        lows += p->found[i] == FOUND_UPPER;
    }
    p->miss_count = missed;
    p->index_count = placed;
    p->low_count = lows;
}

/* Unpack the parts of a code. Return the missed words, or NULL if the code has another length. */
ZSW_INLINE const uint8_t *unpack(const uint8_t *in, size_t code_bytes, size_t words, wkdm_parts *p) {
    const uint8_t *missed = in + words / 4, *places, *lows;

    if (code_bytes < words / 4)
        return NULL;
    for (size_t i = 0; i < words / 4; i++) {
        p->found[4 * i] = in[i] & 3;
        p->found[4 * i + 1] = in[i] >> 2 & 3;
        p->found[4 * i + 2] = in[i] >> 4 & 3;
        p->found[4 * i + 3] = in[i] >> 6;
    }
    count(p, words);
    places = missed + 4 * p->miss_count;
    lows = places + (p->index_count + 1) / 2;
    if (code_bytes != (size_t)(lows - in) + (p->low_count + LOWS_A_WORD - 1) / LOWS_A_WORD * 4)
        return NULL;
    for (size_t i = 0; i < p->index_count; i += 2) {
        p->place[i] = places[i / 2] & 15;
        p->place[i + 1] = places[i / 2] >> 4;
    }
    for (size_t i = 0; i < p->low_count; i += LOWS_A_WORD, lows += 4) {
        p->low[i] = load32(lows) & LOW_MASK;
        p->low[i + 1] = load32(lows) >> LOW_BITS & LOW_MASK;
        p->low[i + 2] = load32(lows) >> 2 * LOW_BITS & LOW_MASK;
    }
    return missed;
}

static int wkdm_decode(const uint8_t *code, size_t code_bytes, uint8_t *dst, size_t bytes, size_t capacity) {
    wkdm_parts parts;
    const uint8_t *missed = unpack(code, code_bytes, bytes / 4, &parts);
    const uint8_t *place = parts.place;
    const uint16_t *low = parts.low;
    uint32_t dictionary[PLACES];

    (void)capacity;
    if (!missed)
        return ZSW_E_CORRUPT;
    start(dictionary);
    parts.place[parts.index_count] = 0;
    parts.low[parts.low_count] = 0;
    for (size_t i = 0; i < bytes / 4; i++) {
        uint32_t found = parts.found[i], whole = load32(missed);
        uint32_t at = found == FOUND_NOTHING ? place_of(whole) : *place;
        uint32_t known = dictionary[at];
        uint32_t word = found == FOUND_UPPER ? (known & ~LOW_MASK) | *low : found == FOUND_NOTHING ? whole : known;

        word = found == FOUND_ZERO ? 0 : word;
        dictionary[at] = found == FOUND_ZERO ? known : word;
        missed += found == FOUND_NOTHING ? 4 : 0;
        place += found & 1;
        low += found == FOUND_UPPER;
        store32(dst + 4 * i, word);
    }
    return ZSW_OK;
}

static int wkdm_compress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    return units_compress(ctx, src, src_bytes, dst, dst_bytes, wkdm_encode);
}

static int wkdm_decompress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    return units_decompress(ctx, src, src_bytes, dst, dst_bytes, wkdm_decode);
}

static const zsw_param wkdm_parameters[] = {
    {"grain", UNIT_LINE, UNIT_MAX, UNIT_MAX, "bytes that are compressed alone, a power of two: 64 is a line"},
    {0},
};

const zsw_codec zsw_codec_wkdm = {
    .abi = ZSW_CODEC_ABI,
    .name = "wkdm",
    .params = wkdm_parameters,
    .params_create = units_params_create,
    .params_destroy = zsw_free,
    .ctx_create = units_ctx_create,
    .ctx_destroy = zsw_free,
    .compress = wkdm_compress,
    .decompress = wkdm_decompress,
};
