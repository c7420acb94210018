/* SPDX-License-Identifier: Apache-2.0 */
/* Call liblzo2's functions in a loop over pages, as native/bare.pyx does with a codec's. liblzo2.py compiles this. */
#define _POSIX_C_SOURCE 199309L

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define PAGE_BYTES 4096

/* Functions of liblzo2, declared here so that lzo/lzo1x.h is not needed. */
int lzo1x_1_15_compress(const uint8_t *src, size_t bytes, uint8_t *dst, size_t *written, void *scratch);
int lzo1x_decompress_safe(const uint8_t *src, size_t bytes, uint8_t *dst, size_t *written, void *scratch);

static int64_t now_ns(void) {
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Compress pages one after another into `dst`, and their lengths into `lengths`. Return nanoseconds, or -1. */
int64_t compress_pages(const uint8_t *pages, size_t count, uint8_t *dst, size_t *lengths, void *scratch) {
    int64_t began = now_ns();

    for (size_t i = 0; i < count; i++) {
        if (lzo1x_1_15_compress(pages + i * PAGE_BYTES, PAGE_BYTES, dst, &lengths[i], scratch))
            return -1;
        dst += lengths[i];
    }
    return now_ns() - began;
}

/* Decompress the pages. Return nanoseconds, or -1. */
int64_t decompress_pages(const uint8_t *src, const size_t *lengths, size_t count, uint8_t *pages) {
    int64_t began = now_ns();

    for (size_t i = 0; i < count; i++) {
        size_t written = PAGE_BYTES;

        if (lzo1x_decompress_safe(src, lengths[i], pages + i * PAGE_BYTES, &written, NULL) || written != PAGE_BYTES)
            return -1;
        src += lengths[i];
    }
    return now_ns() - began;
}
