/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "fpc": Alameldeen and Wood, "Frequent Pattern Compression: A Significance-Based Compression Scheme for L2 Caches",
 * University of Wisconsin technical report 1500, 2004.
 *
 * Each word of 32 bits becomes three bits that name a pattern and what the pattern leaves open; up to eight zero words
 * become one. The bits of a unit follow one another from the lowest of each byte up, and end at a whole byte.
 */
#include "zsw_units.h"

enum pattern {
    ZERO_RUN,      /* 3 bits: words less one */
    SIGNED_4,      /* 4 bits, the sign extended */
    SIGNED_8,      /* 8 */
    SIGNED_16,     /* 16 */
    UPPER_HALF,    /* 16 bits, above 16 zeros */
    SIGNED_HALVES, /* two halves, 8 bits of each, the sign extended */
    SAME_BYTES,    /* 8 bits, four times */
    WHOLE,         /* 32 bits */
};

#define PATTERN_BITS 3
#define RUN_MOST 8

static const uint8_t pattern_bits[] = {3, 4, 8, 16, 16, 16, 8, 32};
#define PATTERN_BITS_PACKED 0x2008101010080403u /* the same in one word, from the lowest byte up */

ZSW_INLINE int fits(uint32_t word, unsigned bits) {
    return word + (1u << (bits - 1)) < 1u << bits;
}

/* Return the pattern with the fewest bits, for a word that isn't 0. Branch-free: branches would be unpredictable. */
ZSW_INLINE uint32_t pattern_of(uint32_t word) {
    uint32_t pattern = word == (word & 255) * 0x01010101u ? SAME_BYTES : WHOLE;
    uint32_t halves = ((word + 0x80) & 0xff00) | (((word >> 16) + 0x80) & 0xff00);

    pattern = halves == 0 ? SIGNED_HALVES : pattern;
    pattern = (word & 0xffff) == 0 ? UPPER_HALF : pattern;
    pattern = fits(word, 16) ? SIGNED_16 : pattern;
    pattern = fits(word, 8) ? SIGNED_8 : pattern;
    return fits(word, 4) ? SIGNED_4 : pattern;
}

/* Return the payload bits of a word for a pattern; the caller masks higher bits. */
ZSW_INLINE uint32_t open_bits(uint32_t word, uint32_t pattern) {
    uint32_t open = pattern == UPPER_HALF ? word >> 16 : word;

    return pattern == SIGNED_HALVES ? (word & 255) | (word >> 8 & 0xff00) : open;
}

static size_t fpc_encode(const uint8_t *src, size_t bytes, uint8_t *code) {
    uint8_t *out = code;
    const uint8_t *end = src + bytes;
    uint64_t held = 0; /* bits that don't fill a byte yet */
    unsigned bits = 0; /* how many */

    while (src < end) {
        uint32_t word = load32(src), pattern = ZERO_RUN, open;

        src += 4;
        if (word) {
            pattern = pattern_of(word);
            open = open_bits(word, pattern);
        } else {
            for (open = 0; src < end && open < RUN_MOST - 1 && load32(src) == 0; open++)
                src += 4;
        }
        held |= (pattern | ((uint64_t)open & (((uint64_t)1 << pattern_bits[pattern]) - 1)) << PATTERN_BITS) << bits;
        bits += PATTERN_BITS + pattern_bits[pattern];
        store64(out, held);
        out += bits / 8;
        held >>= bits & ~7u;
        bits &= 7;
    }
    *out = (uint8_t)held;
    return (size_t)(out - code) + (bits != 0);
}

/* `open` from the bit `sign` down, the sign extended. */
ZSW_INLINE uint32_t extended(uint32_t open, uint32_t sign) {
    return ((open & (2 * sign - 1)) ^ sign) - sign;
}

/* The word that a pattern, not ZERO_RUN, and its open bits, with others above them, stand for. */
ZSW_INLINE uint32_t word_of(uint32_t pattern, uint32_t open) {
    static const uint32_t signs[] = {1, 1u << 3, 1u << 7, 1u << 15, 1u << 15, 1u << 15, 1u << 7, 1u << 31};
    static const uint8_t shifts[] = {0, 0, 0, 0, 16, 0, 0, 0};
    uint32_t word = extended(open, signs[pattern]) << shifts[pattern];
    uint32_t halves = (extended(open, 1u << 7) & 0xffff) | extended(open >> 8, 1u << 7) << 16;

    word = pattern == SIGNED_HALVES ? halves : word;
    return pattern == SAME_BYTES ? (open & 255) * 0x01010101u : word;
}

/* Bits that are being read. */
typedef struct fpc_in {
    const uint8_t *at; /* what isn't in `held` yet begins here */
    uint64_t held;
    unsigned bits; /* of `held` that are known to be those of the code */
} fpc_in;

/* At least 56 bits are held then. */
ZSW_INLINE void refill(fpc_in *in) {
    in->held |= load64(in->at) << in->bits;
    in->at += (63 - in->bits) >> 3;
    in->bits |= 56;
}

/* The next word, or the bytes of a run of zeros. Returns how many bytes it stands for. */
ZSW_INLINE size_t next_word(fpc_in *in, uint32_t *word) {
    uint32_t pattern = in->held & ((1u << PATTERN_BITS) - 1);
    uint32_t open = (uint32_t)(in->held >> PATTERN_BITS);
    unsigned taken = PATTERN_BITS + (unsigned)(PATTERN_BITS_PACKED >> 8 * pattern & 63);

    in->held >>= taken;
    in->bits -= taken;
    *word = pattern == ZERO_RUN ? 0 : word_of(pattern, open);
    return pattern == ZERO_RUN ? 4 * ((open & (RUN_MOST - 1)) + 1) : 4;
}

/* After every word, write zeros for the longest run if there is space. */
static int fpc_decode(const uint8_t *code, size_t code_bytes, uint8_t *dst, size_t bytes, size_t room) {
    static const uint8_t zeros[4 * RUN_MOST];
    const uint8_t *end = dst + bytes, *safe = dst + (room > sizeof(zeros) ? room - sizeof(zeros) : 0);
    const uint8_t *last = code + code_bytes + sizeof(uint64_t);
    fpc_in in = {.at = code};

    while (dst < end) {
        uint32_t word;
        size_t n;

        if (in.at > last)
            return ZSW_E_CORRUPT;
        refill(&in);
        n = next_word(&in, &word);
        if (ZSW_UNLIKELY(n > (size_t)(end - dst)))
            return ZSW_E_CORRUPT;
        if (ZSW_LIKELY(dst <= safe))
            memcpy(dst, zeros, sizeof(zeros));
        else
            memset(dst, 0, n);
        store32(dst, word);
        dst += n;
    }
    return (size_t)(in.at - code) - in.bits / 8 == code_bytes ? ZSW_OK : ZSW_E_CORRUPT;
}

static int fpc_compress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    return units_compress(ctx, src, src_bytes, dst, dst_bytes, fpc_encode);
}

static int fpc_decompress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    return units_decompress(ctx, src, src_bytes, dst, dst_bytes, fpc_decode);
}

static const zsw_param fpc_parameters[] = {
    {"grain", UNIT_LINE, UNIT_MOST, UNIT_LINE, "bytes that are compressed alone, a power of two: 64 is a line"},
    {0},
};

const zsw_codec zsw_codec_fpc = {
    .abi = ZSW_CODEC_ABI,
    .name = "fpc",
    .params = fpc_parameters,
    .params_create = units_params_create,
    .params_destroy = free,
    .ctx_create = units_ctx_create,
    .ctx_destroy = free,
    .compress = fpc_compress,
    .decompress = fpc_decompress,
};
