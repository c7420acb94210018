/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buffers of exactly the size asked for: an access outside one ends the process.
 *
 * Code under the address sanitizer gets a buffer at the start of its mapping, with poisoned bytes after it. A library
 * is not compiled with the sanitizer: its buffer ends where the mapping ends, at a page without any access, and has
 * canaries before it.
 */
#ifndef FUZZ_GUARDED_H
#define FUZZ_GUARDED_H

#include <stddef.h>
#include <stdint.h>

typedef struct guarded {
    uint8_t *first; /* first byte of the mapping; the page before it has no access */
    uint8_t *end;   /* the page that begins here has no access */
    uint8_t *taken; /* the buffer that was taken last */
    size_t bytes;   /* its length */
    int at_end;     /* 1: buffers end at `end`, 0: they begin at `first` */
} guarded;

/* Map space for buffers of up to `capacity` bytes, a multiple of the host's page. End the process on failure. */
void guarded_open(guarded *g, size_t capacity, int at_end);

/* Take a buffer; the one taken before ends. Bytes that both have in common keep their values if `at_end` is 0. */
uint8_t *guarded_take(guarded *g, size_t bytes);

/* Return 1 if the canaries before the buffer are intact. */
int guarded_intact(const guarded *g);

#endif
