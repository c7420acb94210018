/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compressor interface: one constant table of functions for each codec.
 *
 * Parameters are immutable and shared by all threads. A context is mutable scratch for one thread. No function
 * here touches Python; all may run without the GIL, and none may be called on one context from two threads.
 *
 * A third party fills in a `zsw_codec`, puts its address into a capsule named ZSW_CODEC_CAPSULE and announces it
 * through the entry-point group "zswapsim.compressors".
 */
#ifndef ZSW_CODEC_H
#define ZSW_CODEC_H

#include <stddef.h>
#include <stdint.h>

#define ZSW_CODEC_ABI 1u
#define ZSW_CODEC_CAPSULE "zswapsim.codec.v1"
#define ZSW_PAGE_SIZE 4096u

/* Negative return values, here and everywhere in the core. */
enum zsw_error {
    ZSW_OK = 0,
    ZSW_E_NOMEM = -1,   /* the host has no memory */
    ZSW_E_FULL = -2,    /* no free frame in the node, or the pool is at its limit */
    ZSW_E_CODEC = -3,   /* the codec could not compress this page */
    ZSW_E_CORRUPT = -4, /* compressed bytes that do not decode to the page that was stored */
    ZSW_E_ABSENT = -5,  /* nothing is stored in this slot */
    ZSW_E_RANGE = -6,   /* an argument out of range */
    ZSW_E_PLUGIN = -7,  /* a third party's codec raised or broke this contract */
    ZSW_E_IO = -8,      /* the backing file of the swap device failed */
};

/* One integer parameter of a codec. A list of them ends with a NULL name. */
typedef struct zsw_param {
    const char *name; /* as written in "codec:name=value" */
    int64_t lowest;   /* least value allowed */
    int64_t highest;  /* greatest value allowed */
    int64_t initial;  /* default value */
    const char *help; /* help text, one line */
} zsw_param;

/* Input of params_create. All pointers are borrowed for the duration of the call. */
typedef struct zsw_config {
    const int64_t *values;      /* one for each entry of `params`, in that order, checked against its range */
    const uint8_t *dictionary;  /* NULL, or the bytes of a dictionary */
    size_t dictionary_bytes;    /* 0 without one */
    void *const *functions;     /* the library's functions, one for each entry of `symbols`; never freed */
} zsw_config;

#define ZSW_TAKES_DICTIONARY 1u /* flag: `dict=FILE` is allowed */

typedef struct zsw_codec {
    uint32_t abi;               /* ZSW_CODEC_ABI */
    uint32_t flags;             /* ZSW_TAKES_DICTIONARY or 0 */
    const char *name;           /* lower case, no ':' ',' '=' */
    const zsw_param *params;    /* ends with a NULL name; never NULL */
    const char *const *symbols; /* functions needed from the library, ends with NULL; NULL if it needs none */

    /* Check and keep the parameters. Return 0, ZSW_E_NOMEM or ZSW_E_RANGE; *params is NULL on failure. */
    int (*params_create)(const zsw_config *config, void **params);
    void (*params_destroy)(void *params); /* accepts NULL */

    /* Create scratch for one thread. `params` outlives it. Return 0 or ZSW_E_NOMEM; *ctx is NULL on failure. */
    int (*ctx_create)(const void *params, void **ctx);
    void (*ctx_destroy)(void *ctx); /* accepts NULL */

    /*
 *      * Compress `src_bytes` bytes. Return the length written, at most `dst_bytes`; 0 if the codec can't make the page
 * smaller; or a negative code. `dst_bytes` is at least src_bytes + src_bytes / 16 + 64.
     */
    int (*compress)(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes);

    /*
 *      * Decompress. Return the length written, or ZSW_E_CORRUPT. Whatever the input, never read past `src` or write
 * past `dst`.
     */
    int (*decompress)(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes);
} zsw_codec;

#endif
