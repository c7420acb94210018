/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LZO1X as in Linux' lzo and lzo-rle (Documentation/staging/lzo.rst describes the stream). Both compress as LZO1X-1(15)
 * does; lzo-rle, version 1 of the stream, has an additional instruction for a run of zeros.
 */
#ifndef ZSW_LZO1X_H
#define ZSW_LZO1X_H

#include "zsw_positions.h"

/* Limits of the kinds of match, by their instruction. */
#define LZO_NEAR 0x0800 /* greatest distance of the shortest instruction */
#define LZO_SHORT 8     /* greatest length of the shortest instruction */
#define LZO_MIDDLE 0x4000
#define LZO_MIDDLE_CODE 32
#define LZO_MIDDLE_LENGTH 33 /* greatest length that needs no further byte */
#define LZO_FAR_CODE 16
#define LZO_FAR_LENGTH 9
#define LZO_FAR_HIGH 8 /* bit of the code: 16384 is added to the distance */

/* A run of zeros is the far match of all ones; its length has 3 bits in the code and 8 after the distance. */
#define LZO_RUN_CODE (LZO_FAR_CODE | LZO_FAR_HIGH)
#define LZO_RUN_DISTANCE 0xfffcu
#define LZO_RUN_MIN 4
#define LZO_RUN_MAX (2047 + LZO_RUN_MIN)

#define LZO_VERSION_MARK 17 /* first byte, followed by the version, of streams other than version 0 */
#define LZO_FIRST_LITERALS 17 /* a first byte above it is this plus the number of literals */
#define LZO_FIRST_MAX 238

int zsw_lzo_ctx_create(const void *params, void **ctx);

/* These are `compress` of the two codecs; `ctx` is a position_table. */
int zsw_lzo_compress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes);
int zsw_lzo_rle_compress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes);

/* This is `decompress` of both; a stream has its version. */
int zsw_lzo_decompress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes);

#endif
