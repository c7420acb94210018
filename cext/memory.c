/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "zsw_memory.h"

zsw_allocator zsw_memory = {malloc, calloc, aligned_alloc, free};

void zsw_free(void *memory) {
    zsw_memory.free(memory);
}
