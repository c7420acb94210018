/* SPDX-License-Identifier: Apache-2.0 */
/* "lz4hc": liblz4's slow compressor. It writes smaller blocks in the same format, which are decompressed as fast. */
#include "zsw_builtin.h"
#include "zsw_memory.h"

typedef struct lz4hc_params {
    int (*compress_hc)(void *state, const char *src, char *dst, int src_bytes, int dst_bytes, int level);
    int (*decompress_safe)(const char *src, char *dst, int src_bytes, int dst_bytes);
    int (*state_bytes)(void);
    int level;
} lz4hc_params;

typedef struct lz4hc_ctx {
    const lz4hc_params *params;
    void *state; /* 256 KiB: hash and chain tables */
} lz4hc_ctx;

static int lz4hc_params_create(const zsw_config *config, void **params) {
    lz4hc_params *made = zsw_memory.alloc(sizeof(*made));

    *params = made;
    if (!made)
        return ZSW_E_NOMEM;
    made->level = (int)config->values[0];
    ZSW_BIND(made->compress_hc, config->functions[0]);
    ZSW_BIND(made->decompress_safe, config->functions[1]);
    ZSW_BIND(made->state_bytes, config->functions[2]);
    return ZSW_OK;
}

static int lz4hc_ctx_create(const void *params, void **ctx) {
    lz4hc_ctx *made = zsw_memory.alloc(sizeof(*made));

    *ctx = NULL;
    if (!made)
        return ZSW_E_NOMEM;
    made->params = params;
    made->state = zsw_memory.alloc_zeroed(1, (size_t)made->params->state_bytes());
    if (!made->state) {
        zsw_free(made);
        return ZSW_E_NOMEM;
    }
    *ctx = made;
    return ZSW_OK;
}

static void lz4hc_ctx_destroy(void *ctx) {
    lz4hc_ctx *c = ctx;

    if (!c)
        return;
    zsw_free(c->state);
    zsw_free(c);
}

static int lz4hc_compress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    lz4hc_ctx *c = ctx;

    return c->params->compress_hc(c->state, (const char *)src, (char *)dst, (int)src_bytes, (int)dst_bytes,
                                  c->params->level);
}

static int lz4hc_decompress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    const lz4hc_ctx *c = ctx;
    int n = c->params->decompress_safe((const char *)src, (char *)dst, (int)src_bytes, (int)dst_bytes);

    return n < 0 ? ZSW_E_CORRUPT : n;
}

static const zsw_param lz4hc_parameters[] = {
    {"level", 3, 12, 9, "effort: higher is slower and smaller"},
    {0},
};

static const char *const lz4hc_symbols[] = {
    "LZ4_compress_HC_extStateHC",
    "LZ4_decompress_safe",
    "LZ4_sizeofStateHC",
    NULL,
};

const zsw_codec zsw_codec_lz4hc = {
    .abi = ZSW_CODEC_ABI,
    .name = "lz4hc",
    .params = lz4hc_parameters,
    .symbols = lz4hc_symbols,
    .params_create = lz4hc_params_create,
    .params_destroy = zsw_free,
    .ctx_create = lz4hc_ctx_create,
    .ctx_destroy = lz4hc_ctx_destroy,
    .compress = lz4hc_compress,
    .decompress = lz4hc_decompress,
};
