/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "fpc": Alameldeen and Wood, "Frequent Pattern Compression: A Significance-Based Compression Scheme for L2 Caches",
 * University of Wisconsin technical report 1500, 2004.
 *
 * Each word of 32 bits is encoded as a pattern of three bits and the payload that the pattern needs; up to eight zero
 * words are encoded as one. The bits of a unit fill each byte from its lowest bit on; the last byte is padded.
 */
#include "zsw_units.h"

enum pattern {
    ZERO_RUN,      /* payload of 3 bits: number of zero words less one */
    SIGNED_4,      /* 4 bits, sign-extended */
    SIGNED_8,      /* 8 */
    SIGNED_16,     /* 16 */
    UPPER_HALF,    /* 16 bits, above 16 zeros */
    SIGNED_HALVES, /* two halves of 8 bits each, sign-extended */
    SAME_BYTES,    /* 8 bits, repeated four times */
    WHOLE,         /* 32 bits */
};

#define PATTERN_BITS 3
#define RUN_MAX 8

static const uint8_t pattern_bits[] = {3, 4, 8, 16, 16, 16, 8, 32};
#define PATTERN_BITS_PACKED 0x2008101010080403u /* pattern_bits in one word, from the lowest byte up */

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
ZSW_INLINE uint32_t payload_bits(uint32_t word, uint32_t pattern) {
    uint32_t payload = pattern == UPPER_HALF ? word >> 16 : word;

    return pattern == SIGNED_HALVES ? (word & 255) | (word >> 8 & 0xff00) : payload;
}

static size_t fpc_encode(const uint8_t *src, size_t bytes, uint8_t *code) {
    uint8_t *out = code;
    const uint8_t *end = src + bytes;
    uint64_t bit_buffer = 0; /* bits that were not written yet */
    unsigned bits = 0; /* number of these bits */

    while (src < end) {
        uint32_t word = load32(src), pattern = ZERO_RUN, payload;

        src += 4;
        if (word) {
            pattern = pattern_of(word);
            payload = payload_bits(word, pattern);
        } else {
            for (payload = 0; src < end && payload < RUN_MAX - 1 && load32(src) == 0; payload++)
                src += 4;
        }
        payload &= (uint32_t)(((uint64_t)1 << pattern_bits[pattern]) - 1);
        bit_buffer |= (pattern | (uint64_t)payload << PATTERN_BITS) << bits;
        bits += PATTERN_BITS + pattern_bits[pattern];
        store64(out, bit_buffer);
        out += bits / 8;
        bit_buffer >>= bits & ~7u;
        bits &= 7;
    }
    *out = (uint8_t)bit_buffer;
    return (size_t)(out - code) + (bits != 0);
}

/* Return the bits of `payload` up to the bit `sign`, sign-extended. */
ZSW_INLINE uint32_t extended(uint32_t payload, uint32_t sign) {
    return ((payload & (2 * sign - 1)) ^ sign) - sign;
}

/* Return the word of a pattern other than ZERO_RUN; `payload` may have other bits above its own. */
ZSW_INLINE uint32_t word_of(uint32_t pattern, uint32_t payload) {
    static const uint32_t signs[] = {1, 1u << 3, 1u << 7, 1u << 15, 1u << 15, 1u << 15, 1u << 7, 1u << 31};
    static const uint8_t shifts[] = {0, 0, 0, 0, 16, 0, 0, 0};
    uint32_t word = extended(payload, signs[pattern]) << shifts[pattern];
    uint32_t halves = (extended(payload, 1u << 7) & 0xffff) | extended(payload >> 8, 1u << 7) << 16;

    word = pattern == SIGNED_HALVES ? halves : word;
    return pattern == SAME_BYTES ? (payload & 255) * 0x01010101u : word;
}

/* The state of reading bits. */
typedef struct fpc_in {
    const uint8_t *at; /* first byte that is not in `bit_buffer` yet */
    uint64_t bit_buffer;
    unsigned bits; /* number of valid bits in `bit_buffer` */
} fpc_in;

/* Fill the buffer to at least 56 bits. */
ZSW_INLINE void refill(fpc_in *in) {
    in->bit_buffer |= load64(in->at) << in->bits;
    in->at += (63 - in->bits) >> 3;
    in->bits |= 56;
}

/* Read the next word, or a run of zeros. Return the number of bytes that it decodes to. */
ZSW_INLINE size_t next_word(fpc_in *in, uint32_t *word) {
    uint32_t pattern = in->bit_buffer & ((1u << PATTERN_BITS) - 1);
    uint32_t payload = (uint32_t)(in->bit_buffer >> PATTERN_BITS);
    unsigned taken = PATTERN_BITS + (unsigned)(PATTERN_BITS_PACKED >> 8 * pattern & 63);

    in->bit_buffer >>= taken;
    in->bits -= taken;
    *word = pattern == ZERO_RUN ? 0 : word_of(pattern, payload);
    return pattern == ZERO_RUN ? 4 * ((payload & (RUN_MAX - 1)) + 1) : 4;
}

/* After every word, write zeros for the longest run if there is space. */
static int fpc_decode(const uint8_t *code, size_t code_bytes, uint8_t *dst, size_t bytes, size_t capacity) {
    static const uint8_t zeros[4 * RUN_MAX];
    const uint8_t *end = dst + bytes, *safe = dst + (capacity > sizeof(zeros) ? capacity - sizeof(zeros) : 0);
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
    {"grain", UNIT_LINE, UNIT_MAX, UNIT_LINE, "bytes that are compressed alone, a power of two: 64 is a line"},
    {0},
};

const zsw_codec zsw_codec_fpc = {
    .abi = ZSW_CODEC_ABI,
    .name = "fpc",
    .params = fpc_parameters,
    .params_create = units_params_create,
    .params_destroy = zsw_free,
    .ctx_create = units_ctx_create,
    .ctx_destroy = zsw_free,
    .compress = fpc_compress,
    .decompress = fpc_decompress,
};
