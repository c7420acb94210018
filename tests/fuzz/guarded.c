/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sanitizer/asan_interface.h>

#include "guarded.h"

#define CANARIES 32
#define CANARY 0xc5

static const uint8_t canaries[CANARIES] = {
    CANARY, CANARY, CANARY, CANARY, CANARY, CANARY, CANARY, CANARY, CANARY, CANARY, CANARY,
    CANARY, CANARY, CANARY, CANARY, CANARY, CANARY, CANARY, CANARY, CANARY, CANARY, CANARY,
    CANARY, CANARY, CANARY, CANARY, CANARY, CANARY, CANARY, CANARY, CANARY, CANARY,
};

void guarded_open(guarded *g, size_t capacity, int at_end) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), space = (capacity + CANARIES + page - 1) / page * page;
    uint8_t *map =
        mmap(NULL, page + space + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (map == MAP_FAILED || mprotect(map, page, PROT_NONE) || mprotect(map + page + space, page, PROT_NONE)) {
        perror("fuzz: no memory for a buffer");
        exit(2);
    }
    g->first = map + page;
    g->end = g->first + space;
    g->at_end = at_end;
    g->taken = at_end ? g->end : g->first;
    g->bytes = 0;
    if (!at_end)
        ASAN_POISON_MEMORY_REGION(g->first, space);
}

uint8_t *guarded_take(guarded *g, size_t bytes) {
    if (bytes > (size_t)(g->end - g->first) - CANARIES) {
        fprintf(stderr, "fuzz: a buffer of %zu bytes is larger than its mapping\n", bytes);
        abort();
    }
    if (g->at_end) {
        g->taken = g->end - bytes;
        memcpy(g->taken - CANARIES, canaries, CANARIES);
    } else if (bytes > g->bytes) {
        ASAN_UNPOISON_MEMORY_REGION(g->first, bytes);
    } else if (bytes < g->bytes) {
        ASAN_POISON_MEMORY_REGION(g->first + bytes, g->bytes - bytes);
    }
    g->bytes = bytes;
    return g->taken;
}

int guarded_intact(const guarded *g) {
    return !g->at_end || memcmp(g->taken - CANARIES, canaries, CANARIES) == 0;
}
