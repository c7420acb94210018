/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LZO1X as Linux' lzo and lzo-rle write and read it (Documentation/staging/lzo.rst describes the stream). Both compress
 * as LZO1X-1(15) does; lzo-rle, version 1 of the stream, has an instruction for a run of zeros besides.
 */
#ifndef ZSW_LZO1X_H
#define ZSW_LZO1X_H

#include "zsw_positions.h"

/* The kinds of match, by what their instruction can hold. */
#define LZO_NEAR 0x0800 /* greatest distance of the shortest instruction, */
#define LZO_SHORT 8     /* and its greatest length */
#define LZO_MIDDLE 0x4000
#define LZO_MIDDLE_CODE 32
#define LZO_MIDDLE_LENGTH 33 /* greatest length without more bytes of it */
#define LZO_FAR_CODE 16
#define LZO_FAR_LENGTH 9
#define LZO_FAR_HIGH 8 /* in the code: 16384 is added to the distance */

/* A run of zeros is the far match of all ones; its length has 3 bits in the code and 8 behind the distance. */
#define LZO_RUN_CODE (LZO_FAR_CODE | LZO_FAR_HIGH)
#define LZO_RUN_DISTANCE 0xfffcu
#define LZO_RUN_LEAST 4
#define LZO_RUN_MOST (2047 + LZO_RUN_LEAST)

#define LZO_VERSION_MARK 17 /* first byte, followed by the version, of streams other than version 0 */
#define LZO_FIRST_LITERALS 17 /* first byte above it: so many literals more */
#define LZO_FIRST_MOST 238

int zsw_lzo_ctx_create(const void *params, void **ctx);

/* `compress` of the two codecs; `ctx` is a position_table. */
int zsw_lzo_compress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes);
int zsw_lzo_rle_compress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes);

/* `decompress` of both: a stream tells its version. */
int zsw_lzo_decompress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes);

#endif
