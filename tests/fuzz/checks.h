/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of cext/zsw_codec.h, as checks of one codec; each ends the process if the codec breaks its rule. */
#ifndef FUZZ_CHECKS_H
#define FUZZ_CHECKS_H

#include "guarded.h"
#include "setups.h"

/* Counts of calls, printed at the end. */
typedef struct fuzz_counts {
    unsigned long long inputs;      /* inputs of `decompress` */
    unsigned long long round_trips; /* sources that came back */
    unsigned long long refused;     /* sources that the codec does not compress */
    unsigned long long parameters;  /* sets of parameters that were made or refused */
} fuzz_counts;

extern fuzz_counts fuzz_count;

/* Map the buffers that the checks use. */
void checks_open(void);

/* Decompress into a buffer of exactly `room` bytes, and return its code. `*out` is the buffer. */
int checked_decompress(void *ctx, const uint8_t *src, size_t src_bytes, size_t room, uint8_t **out);

/* Return a copy of `bytes` in a buffer of exactly their number. The one returned before ends. */
uint8_t *guarded_input(const uint8_t *bytes, size_t count);

/*
 * Decompress any bytes, then `tries` inputs that differ from them: in one byte, or in length. Each differs from the
 * others too.
 */
void check_any_bytes(setup *s, const uint8_t *bytes, size_t count, size_t room, size_t tries);

/*
 * Check that an answer depends on the bytes alone: it is the same in a context that was used and in a fresh one,
 * whatever was in the output before; and, except in a library, more room changes nothing and less is refused.
 */
void check_one_answer(setup *s, const uint8_t *bytes, size_t count, size_t room);

/* Check that the context still decompresses the known page. */
void check_known_page(setup *s);

/*
 * Compress a source and decompress it, with each length of room up to `every` bytes and some of the longer ones. The
 * code of a source depends on the source alone: it is the same in a fresh context, which `fresh` asks for.
 */
void check_round_trip(setup *s, const uint8_t *source, size_t source_bytes, int fresh);

#endif
