/* SPDX-License-Identifier: Apache-2.0 */
/* Declare the codecs that come with the package, each in the file of its name. */
#ifndef ZSW_BUILTIN_H
#define ZSW_BUILTIN_H

#include <string.h>

#include "zsw_codec.h"

extern const zsw_codec zsw_codec_lz4;
extern const zsw_codec zsw_codec_lz4hc;
extern const zsw_codec zsw_codec_zstd;
extern const zsw_codec zsw_codec_deflate;
extern const zsw_codec zsw_codec_lz4_linux;
extern const zsw_codec zsw_codec_lzo;
extern const zsw_codec zsw_codec_lzo_rle;
extern const zsw_codec zsw_codec_wkdm;
extern const zsw_codec zsw_codec_bdi;
extern const zsw_codec zsw_codec_fpc;
extern const zsw_codec zsw_codec_store;

/* This is `params` of codecs that take none. */
int zsw_no_params_create(const zsw_config *config, void **params);
void zsw_no_params_destroy(void *params);

/* The minimum output buffer that the interface guarantees to `compress`. */
#define ZSW_MIN_CAPACITY(src_bytes) ((src_bytes) + (src_bytes) / 16 + 64)

/*
 * Set a member to a looked-up symbol, as a function of the member's type. POSIX gives symbols as `void *`, and ISO C
 * has no conversion to a function pointer: the bytes are copied, as dlsym(3) recommends.
 */
#define ZSW_BIND(member, symbol) memcpy(&(member), &(symbol), sizeof(void *))

#endif
