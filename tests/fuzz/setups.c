/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "setups.h"

#define MOST_SYMBOLS 32
#define LONGEST_PATH 4096

/* A target of one codec links that codec alone; the replay links all. */
#ifdef FUZZ_CODEC
extern const zsw_codec FUZZ_CODEC;
static const zsw_codec *const codecs[] = {&FUZZ_CODEC};
#else
static const zsw_codec *const codecs[] = {
    &zsw_codec_lz4,     &zsw_codec_lz4hc, &zsw_codec_zstd, &zsw_codec_deflate, &zsw_codec_lz4_linux, &zsw_codec_lzo,
    &zsw_codec_lzo_rle, &zsw_codec_wkdm,  &zsw_codec_bdi,  &zsw_codec_fpc,     &zsw_codec_store,
};
#endif

const zsw_codec *fuzz_codec;
int fuzz_in_library;
uint8_t fuzz_known_page[ZSW_PAGE_SIZE];

static void *functions[MOST_SYMBOLS];

_Noreturn void fuzz_broken(const char *rule, long long found, long long expected) {
    fprintf(stderr, "fuzz: %s: %s: %lld, expected %lld\n", fuzz_codec->name, rule, found, expected);
    abort();
}

/* Look all functions of the codec up in one shared object. Return 0, or -1 if one is missing. */
static int find_functions(const char *library) {
    void *handle = dlopen(library, RTLD_LAZY | RTLD_LOCAL);

    if (!handle)
        return -1;
    for (size_t i = 0; fuzz_codec->symbols[i]; i++)
        if (i >= MOST_SYMBOLS || !(functions[i] = dlsym(handle, fuzz_codec->symbols[i])))
            return -1;
    return 0;
}

static int find_library(const char *libraries) {
    char path[LONGEST_PATH];

    while (*libraries) {
        size_t length = strcspn(libraries, ":");

        if (length > 0 && length < sizeof(path)) {
            memcpy(path, libraries, length);
            path[length] = '\0';
            if (find_functions(path) == 0)
                return 0;
        }
        libraries += length + (libraries[length] == ':');
    }
    return -1;
}

/* Fill the known page: a quarter zeros, words with few bits, text that repeats, and noise. */
static void fill_known_page(void) {
    static const char text[] = "a page that was swapped out and in again; ";
    uint32_t noise = 1;

    for (size_t i = 0; i < ZSW_PAGE_SIZE; i++) {
        noise = noise * 1664525u + 1013904223u;
        fuzz_known_page[i] = (uint8_t)(noise >> 24);
        if (i < 2048)
            fuzz_known_page[i] = i < 1024 || i % 4 ? 0 : (uint8_t)(noise >> 28);
        else if (i < 3072)
            fuzz_known_page[i] = (uint8_t)text[i % (sizeof(text) - i / 512)];
    }
}

int fuzz_choose(const char *codec, const char *libraries) {
    for (size_t i = 0; i < sizeof(codecs) / sizeof(*codecs); i++)
        if (!codec || strcmp(codecs[i]->name, codec) == 0)
            fuzz_codec = codecs[i];
    if (!fuzz_codec)
        return -1;
    fuzz_in_library = fuzz_codec->symbols != NULL;
    fill_known_page();
    return fuzz_in_library ? find_library(libraries ? libraries : "") : 0;
}

/* The kept setups have the initial values, the least and the greatest, and powers of two and others in between. */
static int64_t kept_value(const zsw_param *p, unsigned choice) {
    static const int64_t others[] = {64, 256, 1, 2, 12, 18, 128, 1024, -1, -100, 512, 15, 7};
    int64_t value = choice == 0 ? p->initial : choice == 1 ? p->lowest : choice == 2 ? p->highest : others[choice - 3];

    return value < p->lowest ? p->lowest : value > p->highest ? p->highest : value;
}

_Static_assert(SETUPS == 3 + 13, "one other value for each further setup");

setup *setup_kept(uint8_t choice) {
    static setup kept[SETUPS];
    static char tried[SETUPS];
    unsigned place = choice % SETUPS;
    int64_t values[MOST_PARAMETERS];

    for (size_t i = 0; i < MOST_PARAMETERS && fuzz_codec->params[i].name; i++)
        values[i] = kept_value(&fuzz_codec->params[i], place);
    if (!tried[place] && setup_make(&kept[place], values, NULL, 0) != ZSW_OK && place == 0)
        fuzz_broken("refuses its initial parameters", 0, 1);
    tried[place] = 1;
    return kept[place].ctx ? &kept[place] : setup_kept(0);
}

static int make_params(setup *made, const int64_t *values, const uint8_t *dictionary, size_t dictionary_bytes) {
    zsw_config config = {values, dictionary, dictionary_bytes, functions};
    int code = fuzz_codec->params_create(&config, &made->params);

    REQUIRE(code == ZSW_OK || code == ZSW_E_NOMEM || code == ZSW_E_RANGE, "params_create returned", code, ZSW_OK);
    REQUIRE((made->params != NULL) == (code == ZSW_OK), "params_create set its result", code, ZSW_OK);
    return code;
}

int setup_make(setup *made, const int64_t *values, const uint8_t *dictionary, size_t dictionary_bytes) {
    int code;

    memset(made, 0, sizeof(*made));
    code = make_params(made, values, dictionary, dictionary_bytes);
    if (code != ZSW_OK)
        return code;
    code = fuzz_codec->ctx_create(made->params, &made->ctx);
    REQUIRE(code == ZSW_OK || code == ZSW_E_NOMEM, "ctx_create returned", code, ZSW_OK);
    REQUIRE((made->ctx != NULL) == (code == ZSW_OK), "ctx_create set its result", code, ZSW_OK);
    if (code != ZSW_OK) {
        setup_end(made);
        return code;
    }
    code = fuzz_codec->compress(made->ctx, fuzz_known_page, ZSW_PAGE_SIZE, made->packed, sizeof(made->packed));
    REQUIRE(code >= 0 && code <= (int)sizeof(made->packed), "compressed the known page to", code, ZSW_PAGE_SIZE);
    made->packed_bytes = (size_t)code;
    return ZSW_OK;
}

void setup_end(setup *made) {
    fuzz_codec->ctx_destroy(made->ctx);
    fuzz_codec->params_destroy(made->params);
    memset(made, 0, sizeof(*made));
}

void *setup_fresh_ctx(const setup *made) {
    void *ctx = NULL;
    int code = fuzz_codec->ctx_create(made->params, &ctx);

    REQUIRE(code == ZSW_OK && ctx, "created no second context", code, ZSW_OK);
    return ctx;
}
