/* SPDX-License-Identifier: Apache-2.0 */
/* "store": no compression. Every page is stored uncompressed, for comparison with the others. */
#include <string.h>

#include "zsw_builtin.h"

/* The codec needs no parameters, but NULL would mean a failure. */
static char nothing;

int zsw_no_params_create(const zsw_config *config, void **params) {
    (void)config;
    *params = &nothing;
    return ZSW_OK;
}

void zsw_no_params_destroy(void *params) {
    (void)params;
}

static int store_ctx_create(const void *params, void **ctx) {
    (void)params;
    *ctx = &nothing;
    return ZSW_OK;
}

static void store_ctx_destroy(void *ctx) {
    (void)ctx;
}

static int store_compress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    (void)ctx, (void)src, (void)src_bytes, (void)dst, (void)dst_bytes;
    return 0;
}

static int store_decompress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    (void)ctx;
    if (src_bytes > dst_bytes)
        return ZSW_E_CORRUPT;
    memcpy(dst, src, src_bytes);
    return (int)src_bytes;
}

static const zsw_param store_parameters[] = {{0}};

const zsw_codec zsw_codec_store = {
    .abi = ZSW_CODEC_ABI,
    .name = "store",
    .params = store_parameters,
    .params_create = zsw_no_params_create,
    .params_destroy = zsw_no_params_destroy,
    .ctx_create = store_ctx_create,
    .ctx_destroy = store_ctx_destroy,
    .compress = store_compress,
    .decompress = store_decompress,
};
