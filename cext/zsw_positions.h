/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keep the last position of each four-byte sequence in a table: 8192 positions of 16 bits, as in Linux' lz4 and lzo.
 * An unused entry reads as position 0, so the table is cleared before each source.
 */
#ifndef ZSW_POSITIONS_H
#define ZSW_POSITIONS_H

#include "zsw_bytes.h"

#define POSITION_BITS 13
#define POSITION_REACH (1u << 16) /* longest source, in bytes */

typedef struct position_table {
    _Alignas(64) uint16_t at[1u << POSITION_BITS];
} position_table;

/* Return the last position stored under `hash` and replace it by `position`. */
ZSW_INLINE size_t position_swap(position_table *table, uint32_t hash, size_t position) {
    size_t found = table->at[hash];

    table->at[hash] = (uint16_t)position;
    return found;
}

#endif
