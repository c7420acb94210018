/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place where built-in codecs, and the libraries that they call, allocate memory. The functions are those of
 * the C library until the core replaces them by its own (zswapsim/_core/base/memory.pyx), which count allocations and
 * let a test make each of them fail.
 */
#ifndef ZSW_MEMORY_H
#define ZSW_MEMORY_H

#include <stddef.h>

typedef struct zsw_allocator {
    void *(*alloc)(size_t bytes);
    void *(*alloc_zeroed)(size_t count, size_t bytes);
    void *(*alloc_aligned)(size_t alignment, size_t bytes); /* `bytes` is a multiple of `alignment` */
    void (*free)(void *memory);
} zsw_allocator;

extern zsw_allocator zsw_memory;

/* Call zsw_memory.free(): for tables of functions, which are constant. */
void zsw_free(void *memory);

#endif
