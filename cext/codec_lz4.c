/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "lz4": liblz4's fast compressor with a state in each context, so that no call clears one on its stack.
 *
 * The state is reset by every call (not LZ4_compress_fast_extState_fastReset): a page's compressed length must
 * depend on the page alone, not on what this context compressed before.
 */
#include <string.h>

#include "zsw_builtin.h"
#include "zsw_memory.h"

#define LZ4_LINE 64u /* each call clears the state, so it is aligned to a cache line */

typedef struct lz4_params {
    int (*compress_fast)(void *state, const char *src, char *dst, int src_bytes, int dst_bytes, int acceleration);
    int (*decompress_safe)(const char *src, char *dst, int src_bytes, int dst_bytes);
    int (*state_bytes)(void);
    int acceleration;
} lz4_params;

/* The context has a copy of the parameters, which saves a cache line. */
typedef struct lz4_ctx {
    lz4_params params;
    void *state;
} lz4_ctx;

static int lz4_params_create(const zsw_config *config, void **params) {
    lz4_params *made = zsw_memory.alloc(sizeof(*made));

    *params = made;
    if (!made)
        return ZSW_E_NOMEM;
    made->acceleration = (int)config->values[0];
    ZSW_BIND(made->compress_fast, config->functions[0]);
    ZSW_BIND(made->decompress_safe, config->functions[1]);
    ZSW_BIND(made->state_bytes, config->functions[2]);
    return ZSW_OK;
}

static int lz4_ctx_create(const void *params, void **ctx) {
    const lz4_params *p = params;
    lz4_ctx *made = zsw_memory.alloc(sizeof(*made));

    *ctx = NULL;
    if (!made)
        return ZSW_E_NOMEM;
    made->params = *p;
    made->state = zsw_memory.alloc_aligned(LZ4_LINE, ((size_t)p->state_bytes() + LZ4_LINE - 1) / LZ4_LINE * LZ4_LINE);
    if (!made->state) {
        zsw_free(made);
        return ZSW_E_NOMEM;
    }
    *ctx = made;
    return ZSW_OK;
}

static void lz4_ctx_destroy(void *ctx) {
    lz4_ctx *c = ctx;

    if (!c)
        return;
    zsw_free(c->state);
    zsw_free(c);
}

/* `dst` is larger than LZ4_COMPRESSBOUND, so liblz4 skips its bounds checks and can't return 0. */
static int lz4_compress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    lz4_ctx *c = ctx;

    return c->params.compress_fast(c->state, (const char *)src, (char *)dst, (int)src_bytes, (int)dst_bytes,
                                   c->params.acceleration);
}

static int lz4_decompress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    const lz4_ctx *c = ctx;
    int n = c->params.decompress_safe((const char *)src, (char *)dst, (int)src_bytes, (int)dst_bytes);

    return n < 0 ? ZSW_E_CORRUPT : n;
}

static const zsw_param lz4_parameters[] = {
    {"acceleration", 1, 65537, 1, "how far to skip where nothing matches: higher is faster and larger"},
    {0},
};

static const char *const lz4_symbols[] = {
    "LZ4_compress_fast_extState",
    "LZ4_decompress_safe",
    "LZ4_sizeofState",
    NULL,
};

const zsw_codec zsw_codec_lz4 = {
    .abi = ZSW_CODEC_ABI,
    .name = "lz4",
    .params = lz4_parameters,
    .symbols = lz4_symbols,
    .params_create = lz4_params_create,
    .params_destroy = zsw_free,
    .ctx_create = lz4_ctx_create,
    .ctx_destroy = lz4_ctx_destroy,
    .compress = lz4_compress,
    .decompress = lz4_decompress,
};
