/* CRC-32 by carry-less multiplication: 64 bytes are folded into the next 64, so that 16 bytes are left of any number of
 * them which have the same CRC (Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ", Intel,
 * 2009). A machine without the instruction folds nothing, and goes through all of it by tables.
 */
#ifndef ZSW_CRC32_H
#define ZSW_CRC32_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define ZSW_CRC32_TARGET __attribute__((target("pclmul,sse2")))

/* x to the powers of 4 * 128 + 32 and 4 * 128 - 32, and of 128 + 32 and 128 - 32, modulo the polynomial, reflected. */
#define ZSW_CRC32_BY_64 _mm_set_epi64x(0x1c6e41596, 0x154442bd4)
#define ZSW_CRC32_BY_16 _mm_set_epi64x(0x0ccaa009e, 0x1751997d0)

ZSW_CRC32_TARGET static inline __m128i zsw_crc32_fold(__m128i sum, __m128i by, __m128i next) {
    __m128i low = _mm_clmulepi64_si128(sum, by, 0x00), high = _mm_clmulepi64_si128(sum, by, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

static inline __m128i zsw_crc32_load(const uint8_t *data) {
    return _mm_loadu_si128((const __m128i *)data);
}

/* Folds as many bytes of `data` as can be into `left`, 16 bytes, `crc` being what came before; how many. */
ZSW_CRC32_TARGET static size_t zsw_crc32_folded(uint32_t crc, const uint8_t *data, size_t size, uint8_t *left) {
    __m128i sum[4], by_64 = ZSW_CRC32_BY_64, by_16 = ZSW_CRC32_BY_16;
    size_t at = 64;
    if (size < 128 || !__builtin_cpu_supports("pclmul"))
        return 0;
    for (int lane = 0; lane < 4; lane++)
        sum[lane] = zsw_crc32_load(data + 16 * lane);
    sum[0] = _mm_xor_si128(sum[0], _mm_cvtsi32_si128((int)crc));
    for (; at + 64 <= size; at += 64)
        for (int lane = 0; lane < 4; lane++)
            sum[lane] = zsw_crc32_fold(sum[lane], by_64, zsw_crc32_load(data + at + 16 * (size_t)lane));
    for (int lane = 1; lane < 4; lane++)
        sum[lane] = zsw_crc32_fold(sum[lane - 1], by_16, sum[lane]);
    _mm_storeu_si128((__m128i *)left, sum[3]);
    return at;
}

#else

static size_t zsw_crc32_folded(uint32_t crc, const uint8_t *data, size_t size, uint8_t *left) {
    (void)crc, (void)data, (void)size, (void)left;
    return 0;
}

#endif

#endif
