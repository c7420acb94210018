/* SPDX-License-Identifier: Apache-2.0 */
/* The codec under test, and its parameters with a context to run them in. */
#ifndef FUZZ_SETUPS_H
#define FUZZ_SETUPS_H

#include "zsw_builtin.h"
#include "zsw_codec.h"

#define SETUPS 16 /* kept sets of parameters */
#define MOST_PARAMETERS 8
#define LONGEST_SOURCE (1u << 17)

typedef struct setup {
    void *params;
    void *ctx;
    uint8_t packed[2 * ZSW_PAGE_SIZE]; /* the known page, compressed by this setup's first call */
    size_t packed_bytes;               /* 0 if the codec does not compress it */
} setup;

extern const zsw_codec *fuzz_codec;
extern int fuzz_in_library; /* 1 if the codec calls a library, which has no sanitizers */
extern uint8_t fuzz_known_page[ZSW_PAGE_SIZE];

/*
 * Choose a codec. `libraries` names shared objects, separated by ':'; the first that has every function of the codec
 * is used. Return 0, or -1 if the codec is unknown or none has them.
 */
int fuzz_choose(const char *codec, const char *libraries);

/* Return a kept setup; it is made when it is first asked for. */
setup *setup_kept(uint8_t choice);

/* Make a setup. Return 0, or the code by which the codec refused the parameters. */
int setup_make(setup *made, const int64_t *values, const uint8_t *dictionary, size_t dictionary_bytes);
void setup_end(setup *made);

/* Return a context beside the setup's own; the caller destroys it. */
void *setup_fresh_ctx(const setup *made);

/* End the process with a line that names the codec and what it broke. */
_Noreturn void fuzz_broken(const char *rule, long long found, long long expected);

#define REQUIRE(condition, rule, found, expected)                                                                      \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            fuzz_broken(rule, (long long)(found), (long long)(expected));                                              \
    } while (0)

#endif
