/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "zstd": libzstd, with the parameters that it chooses for a source of one page, as zram asks for
 * (zstd_get_params(level, PAGE_SIZE)). A frame holds the content's size, 2 bytes, and no checksum.
 *
 * zswap uses crypto/zstd.c, which compresses a page with the parameters for a source of 2^18 bytes, or before Linux
 * 6.16 of unknown size: "source_log" selects the size. The window and the tables are then reduced to the page; the
 * search does not change.
 *
 * With a dictionary zram digests it under the parameters for one page too. The simple ZSTD_createCDict would choose
 * them by the dictionary's size instead, so the advanced form is called. The advanced forms, which also take functions
 * that allocate, and the two structures that they take by value, belong to libzstd's exported functions since 1.3.
 */
#include "zsw_builtin.h"
#include "zsw_memory.h"

#define PAGE_LOG 12
#define ZSTD_LOAD_BY_COPY 0 /* ZSTD_dlm_byCopy */
#define ZSTD_WINDOW_LOG 101 /* ZSTD_c_windowLog; the other six follow in the order of zstd_cparams but for the tables */
#define ZSTD_FULL_DICT 2 /* ZSTD_dct_fullDict: reject what is not a dictionary in zstd's format */

/* ZSTD_compressionParameters and ZSTD_customMem, which are passed by value. */
typedef struct zstd_cparams {
    unsigned window_log, chain_log, hash_log, search_log, min_match, target_length;
    int strategy;
} zstd_cparams;

typedef struct zstd_memory {
    void *(*alloc)(void *opaque, size_t bytes);
    void (*free)(void *opaque, void *address);
    void *opaque;
} zstd_memory;

/* The functions, in the order of zstd_symbols. */
typedef struct zstd_functions {
    unsigned (*is_error)(size_t code);
    void *(*cctx_create)(zstd_memory memory);
    size_t (*cctx_free)(void *cctx);
    void *(*dctx_create)(zstd_memory memory);
    size_t (*dctx_free)(void *dctx);
    size_t (*compress)(void *cctx, void *dst, size_t dst_bytes, const void *src, size_t src_bytes, int level);
    size_t (*decompress)(void *dctx, void *dst, size_t dst_bytes, const void *src, size_t src_bytes);
    zstd_cparams (*cparams)(int level, unsigned long long src_bytes, size_t dict_bytes);
    void *(*cdict_create)(const void *dict, size_t dict_bytes, int load, int content, zstd_cparams, zstd_memory);
    size_t (*cdict_free)(void *cdict);
    void *(*ddict_create)(const void *dict, size_t dict_bytes, int load, int content, zstd_memory);
    size_t (*ddict_free)(void *ddict);
    size_t (*compress_dict)(void *cctx, void *dst, size_t dst_bytes, const void *src, size_t src_bytes, const void *);
    size_t (*decompress_dict)(void *dctx, void *dst, size_t dst_bytes, const void *src, size_t src_bytes, const void *);
    size_t (*set_parameter)(void *cctx, int parameter, int value);
    size_t (*compress_as_set)(void *cctx, void *dst, size_t dst_bytes, const void *src, size_t src_bytes);
} zstd_functions;

static const char *const zstd_symbols[] = {
    "ZSTD_isError",
    "ZSTD_createCCtx_advanced",
    "ZSTD_freeCCtx",
    "ZSTD_createDCtx_advanced",
    "ZSTD_freeDCtx",
    "ZSTD_compressCCtx",
    "ZSTD_decompressDCtx",
    "ZSTD_getCParams",
    "ZSTD_createCDict_advanced",
    "ZSTD_freeCDict",
    "ZSTD_createDDict_advanced",
    "ZSTD_freeDDict",
    "ZSTD_compress_usingCDict",
    "ZSTD_decompress_usingDDict",
    "ZSTD_CCtx_setParameter",
    "ZSTD_compress2",
    NULL,
};

_Static_assert(sizeof(zstd_functions) / sizeof(void *) == sizeof(zstd_symbols) / sizeof(void *) - 1,
               "one member for each symbol");

typedef struct zstd_params {
    zstd_functions zstd;
    int level;
    int source_log; /* log2 of the bytes for which parameters are chosen; 0 if unknown */
    void *cdict; /* NULL without a dictionary, as is ddict; both are only read by contexts */
    void *ddict;
    int starved; /* libzstd asked for memory and the host had none */
} zstd_params;

typedef struct zstd_ctx {
    const zstd_params *params;
    void *cctx;
    void *dctx;
    int starved;
} zstd_ctx;

static void *zstd_alloc(void *starved, size_t bytes) {
    void *memory = zsw_memory.alloc(bytes);

    if (!memory)
        *(int *)starved = 1;
    return memory;
}

static void zstd_free(void *starved, void *address) {
    (void)starved;
    zsw_free(address);
}

static void zstd_params_destroy(void *params) {
    zstd_params *p = params;

    if (!p)
        return;
    p->zstd.cdict_free(p->cdict);
    p->zstd.ddict_free(p->ddict);
    zsw_free(p);
}

/* Return the size for which parameters are chosen; 0 is ZSTD_getCParams' "unknown". */
static unsigned long long source_bytes(const zstd_params *p) {
    return p->source_log ? 1ull << p->source_log : 0;
}

static int zstd_load_dictionary(zstd_params *p, const uint8_t *dictionary, size_t bytes) {
    zstd_cparams cparams = p->zstd.cparams(p->level, source_bytes(p), bytes);
    zstd_memory memory = {zstd_alloc, zstd_free, &p->starved};

    p->cdict = p->zstd.cdict_create(dictionary, bytes, ZSTD_LOAD_BY_COPY, ZSTD_FULL_DICT, cparams, memory);
    p->ddict = p->zstd.ddict_create(dictionary, bytes, ZSTD_LOAD_BY_COPY, ZSTD_FULL_DICT, memory);
    if (p->cdict && p->ddict)
        return ZSW_OK;
    return p->starved ? ZSW_E_NOMEM : ZSW_E_RANGE;
}

static int zstd_params_create(const zsw_config *config, void **params) {
    zstd_params *made = zsw_memory.alloc_zeroed(1, sizeof(*made));
    int code = ZSW_OK;

    *params = NULL;
    if (!made)
        return ZSW_E_NOMEM;
    memcpy(&made->zstd, config->functions, sizeof(made->zstd));
    made->level = (int)config->values[0];
    made->source_log = (int)config->values[1];
    if (config->dictionary)
        code = zstd_load_dictionary(made, config->dictionary, config->dictionary_bytes);
    if (code != ZSW_OK) {
        zstd_params_destroy(made);
        return code;
    }
    *params = made;
    return ZSW_OK;
}

static void zstd_ctx_destroy(void *ctx) {
    zstd_ctx *c = ctx;

    if (!c)
        return;
    c->params->zstd.cctx_free(c->cctx);
    c->params->zstd.dctx_free(c->dctx);
    zsw_free(c);
}

static int zstd_compress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    zstd_ctx *c = ctx;
    const zstd_params *p = c->params;
    size_t n;

    c->starved = 0;
    if (p->cdict)
        n = p->zstd.compress_dict(c->cctx, dst, dst_bytes, src, src_bytes, p->cdict);
    else if (p->source_log == PAGE_LOG)
        n = p->zstd.compress(c->cctx, dst, dst_bytes, src, src_bytes, p->level);
    else
        n = p->zstd.compress_as_set(c->cctx, dst, dst_bytes, src, src_bytes);
    if (p->zstd.is_error(n))
        return c->starved ? ZSW_E_NOMEM : ZSW_E_CODEC;
    return (int)n;
}

static int zstd_decompress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    zstd_ctx *c = ctx;
    const zstd_params *p = c->params;
    size_t n = p->ddict ? p->zstd.decompress_dict(c->dctx, dst, dst_bytes, src, src_bytes, p->ddict)
                        : p->zstd.decompress(c->dctx, dst, dst_bytes, src, src_bytes);

    return p->zstd.is_error(n) ? ZSW_E_CORRUPT : (int)n;
}

/* Set the parameters for a source larger than a page, once; libzstd reduces them to each page's size. */
static int zstd_set_parameters(zstd_ctx *ctx) {
    const zstd_params *p = ctx->params;
    zstd_cparams c = p->zstd.cparams(p->level, source_bytes(p), 0);
    const int values[] = {(int)c.window_log, (int)c.hash_log,      (int)c.chain_log, (int)c.search_log,
                          (int)c.min_match,  (int)c.target_length, c.strategy};

    for (int i = 0; i < (int)(sizeof(values) / sizeof(*values)); i++)
        if (p->zstd.is_error(p->zstd.set_parameter(ctx->cctx, ZSTD_WINDOW_LOG + i, values[i])))
            return ZSW_E_RANGE;
    return ZSW_OK;
}

/* libzstd allocates its tables for the first page and reuses them for later ones, which have the same size. */
static int zstd_warm_up(zstd_ctx *ctx) {
    static const uint8_t page[ZSW_PAGE_SIZE];
    uint8_t out[2 * ZSW_PAGE_SIZE];

    return zstd_compress(ctx, page, sizeof(page), out, sizeof(out)) < 0 ? ZSW_E_NOMEM : ZSW_OK;
}

static int zstd_ctx_create(const void *params, void **ctx) {
    const zstd_params *p = params;
    zstd_ctx *made = zsw_memory.alloc_zeroed(1, sizeof(*made));
    zstd_memory memory = {zstd_alloc, zstd_free, NULL};

    *ctx = NULL;
    if (!made)
        return ZSW_E_NOMEM;
    memory.opaque = &made->starved;
    made->params = p;
    made->cctx = p->zstd.cctx_create(memory);
    made->dctx = p->zstd.dctx_create(memory);
    if (!made->cctx || !made->dctx || zstd_set_parameters(made) != ZSW_OK || zstd_warm_up(made) != ZSW_OK) {
        zstd_ctx_destroy(made);
        return ZSW_E_NOMEM;
    }
    *ctx = made;
    return ZSW_OK;
}

static const zsw_param zstd_parameters[] = {
    {"level", -131072, 22, 3, "effort: higher is slower and smaller, negative is fastest"},
    {"source_log", 0, 31, PAGE_LOG, "of the bytes it is tuned for; zswap: 18, before Linux 6.16: 0 (unknown)"},
    {0},
};

const zsw_codec zsw_codec_zstd = {
    .abi = ZSW_CODEC_ABI,
    .flags = ZSW_TAKES_DICTIONARY,
    .name = "zstd",
    .params = zstd_parameters,
    .symbols = zstd_symbols,
    .params_create = zstd_params_create,
    .params_destroy = zstd_params_destroy,
    .ctx_create = zstd_ctx_create,
    .ctx_destroy = zstd_ctx_destroy,
    .compress = zstd_compress,
    .decompress = zstd_decompress,
};
