/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "stride": a codec for pages that hold arrays. A word that equals the one `distance` words before it costs a bit.
 *
 * Compressed form: one bit a word, set where the word is equal to its predecessor, then the words that are not. Words
 * before the page are zero.
 */
#include <Python.h>

#include <stdlib.h>
#include <string.h>

#include "zsw_codec.h"

#define WORD sizeof(uint64_t)
#define WORDS (ZSW_PAGE_SIZE / WORD)
#define MAP (WORDS / 8)

/* One integer serves as parameters, which are shared, and as context, which needs no scratch memory here. */
static int stride_params_create(const zsw_config *config, void **params) {
    int64_t *distance = malloc(sizeof(*distance));

    *params = distance;
    if (!distance)
        return ZSW_E_NOMEM;
    *distance = config->values[0];
    return ZSW_OK;
}

static int stride_ctx_create(const void *params, void **ctx) {
    int64_t *distance = malloc(sizeof(*distance));

    *ctx = distance;
    if (!distance)
        return ZSW_E_NOMEM;
    memcpy(distance, params, sizeof(*distance));
    return ZSW_OK;
}

static uint64_t predicted(const uint64_t *words, size_t i, size_t distance) {
    return i < distance ? 0 : words[i - distance];
}

static int stride_compress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    size_t distance = (size_t)*(int64_t *)ctx;
    uint64_t words[WORDS];
    size_t out = MAP;

    if (src_bytes != sizeof(words) || dst_bytes < MAP + sizeof(words))
        return ZSW_E_CODEC;
    memcpy(words, src, sizeof(words));
    memset(dst, 0, MAP);
    for (size_t i = 0; i < WORDS; i++) {
        if (words[i] == predicted(words, i, distance)) {
            dst[i / 8] |= (uint8_t)(1u << (i % 8));
        } else {
            memcpy(dst + out, &words[i], WORD);
            out += WORD;
        }
    }
    return out < src_bytes ? (int)out : 0; /* 0: the page does not shrink and is stored uncompressed */
}

/* `src` may be any bytes: every read is checked against its end. */
static int stride_decompress(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    size_t distance = (size_t)*(int64_t *)ctx;
    uint64_t words[WORDS];
    size_t in = MAP;

    if (src_bytes < MAP || dst_bytes < sizeof(words))
        return ZSW_E_CORRUPT;
    for (size_t i = 0; i < WORDS; i++) {
        if (src[i / 8] >> (i % 8) & 1) {
            words[i] = predicted(words, i, distance);
        } else {
            if (src_bytes - in < WORD)
                return ZSW_E_CORRUPT;
            memcpy(&words[i], src + in, WORD);
            in += WORD;
        }
    }
    if (in != src_bytes)
        return ZSW_E_CORRUPT;
    memcpy(dst, words, sizeof(words));
    return (int)sizeof(words);
}

static const zsw_param stride_parameters[] = {
    {"distance", 1, 64, 1, "how many words back the equal one lies"},
    {0},
};

static const zsw_codec stride = {
    .abi = ZSW_CODEC_ABI,
    .name = "stride",
    .params = stride_parameters,
    .params_create = stride_params_create,
    .params_destroy = free,
    .ctx_create = stride_ctx_create,
    .ctx_destroy = free,
    .compress = stride_compress,
    .decompress = stride_decompress,
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "zswapsim_stride", .m_size = -1};

PyMODINIT_FUNC PyInit_zswapsim_stride(void) {
    PyObject *made = PyModule_Create(&module);
    PyObject *capsule = PyCapsule_New((void *)&stride, ZSW_CODEC_CAPSULE, NULL);

    if (!made || !capsule || PyModule_AddObjectRef(made, "codec", capsule) < 0)
        Py_CLEAR(made);
    Py_XDECREF(capsule);
    return made;
}
