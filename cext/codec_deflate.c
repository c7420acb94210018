/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "deflate": zlib without its header and checksum, as zram and the kernel's crypto layer use it: window of 2^11 bytes
 * and memory level 8 by default. The smallest window is 9: neither zlib nor the kernel accepts 8 for
 * raw deflate.
 *
 * zlib allocates all its memory at initialisation; a call only resets it.
 */
#include "zsw_builtin.h"
#include "zsw_memory.h"

#define Z_END 1      /* Z_STREAM_END */
#define Z_COMPLETE 4 /* Z_FINISH */
#define Z_METHOD 8   /* Z_DEFLATED, the only method */
#define Z_MEMORY 8   /* the kernel's MAX_MEM_LEVEL, and zlib's default */

/* This is z_stream as laid out since zlib 1.0; initialisation checks its size. */
typedef struct deflate_stream {
    const unsigned char *next_in;
    unsigned avail_in;
    unsigned long total_in;
    unsigned char *next_out;
    unsigned avail_out;
    unsigned long total_out;
    const char *message;
    void *state;
    void *(*alloc)(void *opaque, unsigned items, unsigned size);
    void (*free)(void *opaque, void *address);
    void *opaque;
    int data_type;
    unsigned long adler;
    unsigned long reserved;
} deflate_stream;

/* The functions, in the order of deflate_symbols. */
typedef struct deflate_functions {
    int (*deflate_init)(deflate_stream *, int level, int method, int window, int memory, int strategy,
                        const char *version, int stream_bytes);
    int (*deflate)(deflate_stream *, int flush);
    int (*deflate_reset)(deflate_stream *);
    int (*deflate_end)(deflate_stream *);
    int (*inflate_init)(deflate_stream *, int window, const char *version, int stream_bytes);
    int (*inflate)(deflate_stream *, int flush);
    int (*inflate_reset)(deflate_stream *);
    int (*inflate_end)(deflate_stream *);
    const char *(*version)(void);
} deflate_functions;

static const char *const deflate_symbols[] = {
    "deflateInit2_", "deflate",      "deflateReset", "deflateEnd",  "inflateInit2_",
    "inflate",       "inflateReset", "inflateEnd",   "zlibVersion", NULL,
};

_Static_assert(sizeof(deflate_functions) / sizeof(void *) == sizeof(deflate_symbols) / sizeof(void *) - 1,
               "one member for each symbol");

typedef struct deflate_params {
    deflate_functions z;
    int level;
    int window; /* log2 of the window's bytes */
} deflate_params;

/* zlib's states point to their streams, so a context must not move. */
typedef struct deflate_ctx {
    const deflate_params *params;
    deflate_stream in;  /* stream of inflate */
    deflate_stream out; /* stream of deflate */
} deflate_ctx;

static int deflate_params_create(const zsw_config *config, void **params) {
    deflate_params *made = zsw_memory.alloc(sizeof(*made));

    *params = made;
    if (!made)
        return ZSW_E_NOMEM;
    memcpy(&made->z, config->functions, sizeof(made->z));
    made->level = (int)config->values[0];
    made->window = (int)config->values[1];
    return ZSW_OK;
}

/* zlib's own functions do the same, and its memory comes from the C library then. */
static void *deflate_alloc(void *opaque, unsigned items, unsigned size) {
    (void)opaque;
    return zsw_memory.alloc((size_t)items * size);
}

static void deflate_free(void *opaque, void *address) {
    (void)opaque;
    zsw_free(address);
}

/* deflateEnd() and inflateEnd() reject a stream that was never opened and do not change it. */
static void deflate_ctx_destroy(void *ctx) {
    deflate_ctx *c = ctx;

    if (!c)
        return;
    c->params->z.deflate_end(&c->out);
    c->params->z.inflate_end(&c->in);
    zsw_free(c);
}

static int deflate_ctx_create(const void *params, void **ctx) {
    const deflate_params *p = params;
    deflate_ctx *made = zsw_memory.alloc_zeroed(1, sizeof(*made));
    const char *version = p->z.version();
    int bytes = (int)sizeof(deflate_stream);

    *ctx = NULL;
    if (!made)
        return ZSW_E_NOMEM;
    made->params = p;
    made->in.alloc = made->out.alloc = deflate_alloc;
    made->in.free = made->out.free = deflate_free;
    if (p->z.deflate_init(&made->out, p->level, Z_METHOD, -p->window, Z_MEMORY, 0, version, bytes) != ZSW_OK ||
        p->z.inflate_init(&made->in, -p->window, version, bytes) != ZSW_OK) {
        deflate_ctx_destroy(made);
        return ZSW_E_NOMEM;
    }
    *ctx = made;
    return ZSW_OK;
}

static void deflate_set_buffers(deflate_stream *z, const uint8_t *src, size_t src_bytes, uint8_t *dst,
                                size_t dst_bytes) {
    z->next_in = src;
    z->avail_in = (unsigned)src_bytes;
    z->next_out = dst;
    z->avail_out = (unsigned)dst_bytes;
}

static int deflate_compress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    deflate_ctx *c = ctx;

    if (c->params->z.deflate_reset(&c->out) != ZSW_OK)
        return ZSW_E_CODEC;
    deflate_set_buffers(&c->out, src, src_bytes, dst, dst_bytes);
    if (c->params->z.deflate(&c->out, Z_COMPLETE) != Z_END)
        return ZSW_E_CODEC;
    return (int)(dst_bytes - c->out.avail_out);
}

static int deflate_decompress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    deflate_ctx *c = ctx;

    if (c->params->z.inflate_reset(&c->in) != ZSW_OK)
        return ZSW_E_CORRUPT;
    deflate_set_buffers(&c->in, src, src_bytes, dst, dst_bytes);
    if (c->params->z.inflate(&c->in, Z_COMPLETE) != Z_END)
        return ZSW_E_CORRUPT;
    return (int)(dst_bytes - c->in.avail_out);
}

static const zsw_param deflate_parameters[] = {
    {"level", 1, 9, 6, "effort: higher is slower and smaller"},
    {"window", 9, 15, 11, "logarithm of how many bytes back a match may lie"},
    {0},
};

const zsw_codec zsw_codec_deflate = {
    .abi = ZSW_CODEC_ABI,
    .name = "deflate",
    .params = deflate_parameters,
    .symbols = deflate_symbols,
    .params_create = deflate_params_create,
    .params_destroy = zsw_free,
    .ctx_create = deflate_ctx_create,
    .ctx_destroy = deflate_ctx_destroy,
    .compress = deflate_compress,
    .decompress = deflate_decompress,
};
