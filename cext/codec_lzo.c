/* SPDX-License-Identifier: Apache-2.0 */
/* "lzo": liblzo2's lzo1x_1_15_compress, which is what Linux calls lzo, byte for byte. */
#include <stdlib.h>

#include "zsw_builtin.h"

/* LZO1X_1_15_MEM_COMPRESS: 32,768 entries, each a pointer. */
#define LZO_WORK_BYTES (32768u * sizeof(void *))
/* The longest output, by lzo's documentation: a sixteenth more, and 67 bytes. */
#define LZO_BOUND(bytes) ((bytes) + (bytes) / 16 + 67)

/* In the order of lzo_symbols. lzo_uint is unsigned long on every LP64 system. */
typedef struct lzo_functions {
    int (*compress)(const uint8_t *src, unsigned long src_bytes, uint8_t *dst, unsigned long *dst_bytes, void *work);
    int (*decompress)(const uint8_t *src, unsigned long src_bytes, uint8_t *dst, unsigned long *dst_bytes, void *work);
} lzo_functions;

static const char *const lzo_symbols[] = {
    "lzo1x_1_15_compress",
    "lzo1x_decompress_safe",
    NULL,
};

typedef struct lzo_ctx {
    lzo_functions lzo;
    _Alignas(16) uint8_t work[LZO_WORK_BYTES];
} lzo_ctx;

static int lzo_params_create(const zsw_config *config, void **params) {
    lzo_functions *made = malloc(sizeof(*made));

    *params = made;
    if (!made)
        return ZSW_E_NOMEM;
    memcpy(made, config->functions, sizeof(*made));
    return ZSW_OK;
}

static int lzo_ctx_create(const void *params, void **ctx) {
    lzo_ctx *made = calloc(1, sizeof(*made));

    *ctx = made;
    if (!made)
        return ZSW_E_NOMEM;
    memcpy(&made->lzo, params, sizeof(made->lzo));
    return ZSW_OK;
}

/* lzo takes no capacity for its output: the room is made sure of here. */
static int lzo_compress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    lzo_ctx *c = ctx;
    unsigned long n = dst_bytes;

    if (dst_bytes < LZO_BOUND(src_bytes) || c->lzo.compress(src, src_bytes, dst, &n, c->work) != ZSW_OK)
        return ZSW_E_CODEC;
    return (int)n;
}

static int lzo_decompress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    lzo_ctx *c = ctx;
    unsigned long n = dst_bytes;

    return c->lzo.decompress(src, src_bytes, dst, &n, NULL) == ZSW_OK ? (int)n : ZSW_E_CORRUPT;
}

static const zsw_param lzo_parameters[] = {{0}};

const zsw_codec zsw_codec_lzo = {
    .abi = ZSW_CODEC_ABI,
    .name = "lzo",
    .params = lzo_parameters,
    .symbols = lzo_symbols,
    .params_create = lzo_params_create,
    .params_destroy = free,
    .ctx_create = lzo_ctx_create,
    .ctx_destroy = free,
    .compress = lzo_compress,
    .decompress = lzo_decompress,
};
