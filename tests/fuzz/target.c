/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzz target of one codec. An input begins with four bytes:
 *
 *   what    which check, in its two lowest bits, and for a round trip how the source is made of the rest;
 *   setup   which of the kept sets of parameters is used;
 *   two     the room of the output, or how the source changes each time it is repeated, or a distance.
 *
 * ZSWAPSIM_FUZZ_TRIES sets how many changed inputs are tried beside each input, and ZSWAPSIM_FUZZ_ONLY=decompress
 * takes every input as bytes to decompress, with the first check alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"

#define HEADER 4
#define USUAL_TRIES 8
#define KNOWN_EVERY 16 /* with the first check alone, the known page is decompressed after so many inputs */

enum what {
    ANY_BYTES,
    ROUND_TRIP,
    PARAMETERS,
    ONE_ANSWER,
    WHATS,
};

/* How a source is made of the bytes: repeated to a length (0: not repeated), twice, or as a mask of noise. */
static const size_t lengths[] = {0, 64, 256, ZSW_PAGE_SIZE, 4 * ZSW_PAGE_SIZE, 16 * ZSW_PAGE_SIZE, LONGEST_SOURCE};
#define REPEATED (sizeof(lengths) / sizeof(*lengths))
#define TWICE REPEATED
#define MASK (REPEATED + 1)
#define MOST_TWICE (1u << 15)
#define TAIL 32 /* noise at the end, in which no match begins */
#define HOWS (REPEATED + 2)

static size_t tries = USUAL_TRIES;
static int only_decompress;
static uint8_t source[LONGEST_SOURCE];

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print_counts(void) {
    printf("fuzz: %s: %llu inputs decompressed, %llu round trips, %llu sources refused, %llu sets of parameters\n",
           fuzz_codec->name, fuzz_count.inputs, fuzz_count.round_trips, fuzz_count.refused, fuzz_count.parameters);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    const char *only = getenv("ZSWAPSIM_FUZZ_ONLY"), *wanted = getenv("ZSWAPSIM_FUZZ_TRIES");

    (void)argc, (void)argv;
    if (fuzz_choose(getenv("ZSWAPSIM_FUZZ_CODEC"), getenv("ZSWAPSIM_FUZZ_LIBRARIES"))) {
        fprintf(stderr, "fuzz: no such codec, or no library that has its functions in ZSWAPSIM_FUZZ_LIBRARIES\n");
        exit(2);
    }
    only_decompress = only && strcmp(only, "decompress") == 0;
    tries = wanted ? strtoul(wanted, NULL, 10) : USUAL_TRIES;
    checks_open();
    atexit(print_counts);
    return 0;
}

/* Return up to 8 KiB, or for one number in eight up to 128 KiB. */
static size_t room_of(const uint8_t *header) {
    size_t number = header[2] | (size_t)header[3] << 8, room = number & 0x1fff;

    return number < 0xe000 ? room : 16 * room;
}

/* Fill with noise those of `count` bytes that are not 0. */
static void put_noise(uint8_t *at, size_t count) {
    uint32_t noise = 1;

    for (size_t i = 0; i < count; i++) {
        noise = noise * 1664525u + 1013904223u;
        at[i] = at[i] ? (uint8_t)(noise >> 24 | 1) : 0;
    }
}

/* Repeat bytes up to `length`; in each repetition one byte in `header[2]` changes by `header[3]`. */
static size_t repeat(const uint8_t *header, size_t length, const uint8_t *bytes, size_t count) {
    if (length == 0)
        length = count;
    for (size_t i = 0; i < length; i++)
        source[i] = count ? bytes[i % count] : 0;
    for (size_t i = count; count && i < length; i += 1 + header[2])
        source[i] = (uint8_t)(source[i] + header[3] * (i / count));
    return length;
}

/*
 * Put bytes twice, at a distance that the header has, and noise after them. One byte is repeated in between: after that
 * match a codec looks at every position again, where noise would make it skip more and more.
 */
static size_t put_twice(const uint8_t *header, const uint8_t *bytes, size_t count) {
    size_t distance = header[2] | (size_t)header[3] << 8, few = count;

    if (few > MOST_TWICE)
        few = MOST_TWICE;
    if (distance < few)
        distance = few;
    memset(source, 1, distance);
    memcpy(source, bytes, few);
    memcpy(source + distance, bytes, few);
    memset(source + distance + few, 1, TAIL);
    put_noise(source + distance + few, TAIL);
    return distance + few + TAIL;
}

static size_t make_source(const uint8_t *header, const uint8_t *bytes, size_t count) {
    size_t how = (header[0] >> 2) % HOWS, length;

    if (how == TWICE)
        return put_twice(header, bytes, count);
    length = repeat(header, how == MASK ? ZSW_PAGE_SIZE : lengths[how], bytes, count);
    if (how == MASK)
        put_noise(source, length);
    return length;
}

/* Take the rest of the input as values of parameters and perhaps a dictionary, then as a source and as any bytes. */
static void check_parameters(const uint8_t *header, const uint8_t *bytes, size_t count) {
    size_t dictionary_bytes = (size_t)header[2] | (size_t)(header[3] & 0x1f) << 8;
    int64_t values[MOST_PARAMETERS];
    setup made;

    for (size_t i = 0; i < MOST_PARAMETERS && fuzz_codec->params[i].name; i++) {
        const zsw_param *p = &fuzz_codec->params[i];
        uint64_t number = 0, span = (uint64_t)(p->highest - p->lowest) + 1;
        size_t taken = count < sizeof(uint32_t) ? count : sizeof(uint32_t);

        memcpy(&number, bytes, taken);
        bytes += taken, count -= taken;
        values[i] = p->lowest + (int64_t)(number % span);
    }
    if (!(fuzz_codec->flags & ZSW_TAKES_DICTIONARY))
        dictionary_bytes = 0;
    dictionary_bytes = dictionary_bytes < count ? dictionary_bytes : count;
    fuzz_count.parameters++;
    if (setup_make(&made, values, dictionary_bytes ? bytes : NULL, dictionary_bytes) != ZSW_OK)
        return;
    bytes += dictionary_bytes, count -= dictionary_bytes;
    check_round_trip(&made, bytes, count, 1);
    check_any_bytes(&made, bytes, count, ZSW_PAGE_SIZE, tries);
    check_known_page(&made);
    setup_end(&made);
}

static void check_decompressor_alone(const uint8_t *header, const uint8_t *bytes, size_t count) {
    static unsigned calls;
    setup *s = setup_kept(header[1]);

    check_any_bytes(s, bytes, count, room_of(header), tries);
    if (calls++ % KNOWN_EVERY == 0)
        check_known_page(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *bytes;
    size_t count;
    setup *s;

    if (size < HEADER || size - HEADER > LONGEST_SOURCE)
        return 0;
    bytes = data + HEADER;
    count = size - HEADER;
    if (only_decompress) {
        check_decompressor_alone(data, bytes, count);
        return 0;
    }
    if (data[0] % WHATS == PARAMETERS) {
        check_parameters(data, bytes, count);
        return 0;
    }
    s = setup_kept(data[1]);
    if (data[0] % WHATS == ROUND_TRIP) {
        count = make_source(data, bytes, count);
        check_round_trip(s, source, count, data[1] & 0x80);
    } else if (data[0] % WHATS == ONE_ANSWER) {
        check_one_answer(s, bytes, count, room_of(data));
    } else {
        check_any_bytes(s, bytes, count, room_of(data), tries);
    }
    check_known_page(s);
    return 0;
}
