/* SPDX-License-Identifier: Apache-2.0 */
/* Break the interface of C codecs, one promise in each. */
#include <Python.h>

#include <string.h>

#include "zsw_codec.h"

static char nothing;

static int params_create(const zsw_config *config, void **params) {
    (void)config;
    *params = &nothing;
    return ZSW_OK;
}

static int params_refuse(const zsw_config *config, void **params) {
    (void)config;
    *params = NULL;
    return ZSW_E_RANGE;
}

static int ctx_create(const void *params, void **ctx) {
    (void)params;
    *ctx = &nothing;
    return ZSW_OK;
}

static int ctx_nomem(const void *params, void **ctx) {
    (void)params;
    *ctx = NULL;
    return ZSW_E_NOMEM;
}

static void destroy(void *what) {
    (void)what;
}

static int compress_overrun(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    (void)ctx, (void)src, (void)src_bytes;
    memset(dst, 0, dst_bytes + 8);
    return 100;
}

static int compress_length(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    (void)ctx, (void)src, (void)src_bytes, (void)dst;
    return (int)dst_bytes + 1;
}

static int compress_code(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    (void)ctx, (void)src, (void)src_bytes, (void)dst, (void)dst_bytes;
    return -77;
}

/* Return a length of 10 bytes and write none. */
static int compress_liar(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    (void)ctx, (void)src, (void)src_bytes, (void)dst, (void)dst_bytes;
    return 10;
}

static int decompress_zero(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    (void)ctx, (void)src, (void)src_bytes;
    memset(dst, 0, dst_bytes);
    return (int)dst_bytes;
}

static int decompress_long(void *ctx, const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t dst_bytes) {
    (void)ctx, (void)src, (void)src_bytes, (void)dst;
    return (int)dst_bytes + 1;
}

static const zsw_param none[] = {{0}};
static const zsw_param upside_down[] = {{"level", 9, 1, 5, "its range is empty"}, {0}};
static const zsw_param endless_list[] = {
#define FOUR {"a", 0, 1, 0, ""}, {"a", 0, 1, 0, ""}, {"a", 0, 1, 0, ""}, {"a", 0, 1, 0, ""}
#define SIXTEEN FOUR, FOUR, FOUR, FOUR
    SIXTEEN, SIXTEEN, SIXTEEN, SIXTEEN, SIXTEEN,
};
static const char *const wanted[] = {"LZ4_versionNumber", NULL};

#define CODEC(id, called, ...)                                                                                         \
    static const zsw_codec id = {.abi = ZSW_CODEC_ABI,                                                                 \
                                 .name = called,                                                                       \
                                 .params = none,                                                                       \
                                 .params_create = params_create,                                                       \
                                 .params_destroy = destroy,                                                            \
                                 .ctx_create = ctx_create,                                                             \
                                 .ctx_destroy = destroy,                                                               \
                                 .compress = compress_liar,                                                            \
                                 .decompress = decompress_zero,                                                        \
                                 __VA_ARGS__}

CODEC(overrun, "rogue-overrun", .compress = compress_overrun);
CODEC(length, "rogue-length", .compress = compress_length);
CODEC(code, "rogue-code", .compress = compress_code);
CODEC(liar, "rogue-liar", .flags = 0);
CODEC(long_page, "rogue-long-page", .decompress = decompress_long);
CODEC(refuses, "rogue-refuses", .params_create = params_refuse);
CODEC(nomem, "rogue-nomem", .ctx_create = ctx_nomem);
CODEC(abi, "rogue-abi", .abi = ZSW_CODEC_ABI + 1);
CODEC(holes, "rogue-holes", .decompress = NULL);
CODEC(range, "rogue-range", .params = upside_down);
CODEC(endless, "rogue-endless", .params = endless_list);
CODEC(symbols, "rogue-symbols", .symbols = wanted);

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "rogue_capsule", .m_size = -1};

static void add(PyObject *to, const char *name, const zsw_codec *codec, const char *capsule_name) {
    PyObject *capsule = PyCapsule_New((void *)codec, capsule_name, NULL);

    PyModule_AddObjectRef(to, name, capsule);
    Py_XDECREF(capsule);
}

PyMODINIT_FUNC PyInit_rogue_capsule(void) {
    PyObject *made = PyModule_Create(&module);

    if (!made)
        return NULL;
#define ADD(id) add(made, #id, &id, ZSW_CODEC_CAPSULE)
    ADD(overrun), ADD(length), ADD(code), ADD(liar), ADD(long_page), ADD(refuses), ADD(nomem);
    ADD(abi), ADD(holes), ADD(range), ADD(endless), ADD(symbols);
    add(made, "foreign", &liar, "another.interface");
    return made;
}
