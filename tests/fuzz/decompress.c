/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "checks.h"

#define CUT_EVERY 8 /* every so many tries an input is cut, not changed */
#define MOST_LAPS 255 /* other values of a byte */
#define LAP_STEP 101  /* has no factor in common with them, so that no lap repeats a value */
#define MORE_ROOM 100
#define CAPACITY (2u * LONGEST_SOURCE)

fuzz_counts fuzz_count;

static guarded in, out;
static uint8_t answer[CAPACITY];

/* libFuzzer can't see the branches of a library. It also keeps an input that is the first to set one of these. */
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t lengths_seen[256];

void checks_open(void) {
    guarded_open(&in, CAPACITY, fuzz_in_library);
    guarded_open(&out, CAPACITY, fuzz_in_library);
}

uint8_t *guarded_input(const uint8_t *bytes, size_t count) {
    uint8_t *copy = guarded_take(&in, count);

    memcpy(copy, bytes, count);
    return copy;
}

int checked_decompress(void *ctx, const uint8_t *src, size_t src_bytes, size_t room, uint8_t **at) {
    int code;

    *at = guarded_take(&out, room);
    code = fuzz_codec->decompress(ctx, src, src_bytes, *at, room);
    fuzz_count.inputs++;
    if (fuzz_in_library)
        lengths_seen[code < 0 ? 0 : code / 32 < 255 ? 1 + code / 32 : 255] = 1;
    REQUIRE(code == ZSW_E_CORRUPT || code >= 0, "decompress returned", code, ZSW_E_CORRUPT);
    REQUIRE(code < 0 || (size_t)code <= room, "decompress returned more than its room", code, room);
    REQUIRE(guarded_intact(&out), "decompress wrote before its output", 1, 0);
    return code;
}

/* Return a seed that follows from the bytes (FNV-1a, in words where there are any). */
static uint64_t seed_of(const uint8_t *bytes, size_t count) {
    uint64_t hash = 0xcbf29ce484222325u, word = 0;

    for (; count >= sizeof(word); bytes += sizeof(word), count -= sizeof(word)) {
        memcpy(&word, bytes, sizeof(word));
        hash = (hash ^ word) * 0x100000001b3u;
        hash ^= hash >> 32;
    }
    while (count--)
        hash = (hash ^ *bytes++) * 0x100000001b3u;
    return hash ^ hash >> 29;
}

/*
 * The places follow one another, from one that the seed gives. In each further lap every byte is changed otherwise, and
 * none is cut.
 */
void check_any_bytes(setup *s, const uint8_t *bytes, size_t count, size_t room, size_t tries) {
    uint64_t seed = seed_of(bytes, count);
    size_t place = count ? seed % count : 0, most = count * MOST_LAPS;
    uint8_t *src = guarded_input(bytes, count), *at;

    checked_decompress(s->ctx, src, count, room, &at);
    for (size_t i = 0; i < tries && i < most; i++, place = place + 1 < count ? place + 1 : 0) {
        if (i < count && i % CUT_EVERY == 0) {
            checked_decompress(s->ctx, guarded_input(bytes, place), place, room, &at);
            src = guarded_input(bytes, count);
        } else {
            src[place] ^= (uint8_t)(1 + ((seed >> 32) + place * 29 + i / count * LAP_STEP) % 255);
            checked_decompress(s->ctx, src, count, room, &at);
            src[place] = bytes[place];
        }
    }
}

/* Decompress again, into `room` bytes that hold `fill`. */
static void check_again(void *ctx, const uint8_t *src, size_t count, size_t room, uint8_t fill, int expected) {
    uint8_t *at = guarded_take(&out, room);
    int code;

    memset(at, fill, room);
    code = checked_decompress(ctx, src, count, room, &at);
    REQUIRE(code == expected, "decompress returned another code the second time", code, expected);
    for (int i = 0; i < code && memcmp(at, answer, (size_t)code) != 0; i++)
        REQUIRE(at[i] == answer[i], "decompress wrote another byte the second time, at", i, code);
}

/* Check other lengths of room for bytes that decompress to `length`. */
static void check_rooms(void *ctx, const uint8_t *src, size_t count, size_t length) {
    check_again(ctx, src, count, length, 0x5a, (int)length);
    check_again(ctx, src, count, length + 1, 0x5a, (int)length);
    check_again(ctx, src, count, length + MORE_ROOM, 0x5a, (int)length);
    for (size_t less = 1; less <= length; less = less * 2 + 1)
        check_again(ctx, src, count, length - less, 0x5a, ZSW_E_CORRUPT);
}

void check_one_answer(setup *s, const uint8_t *bytes, size_t count, size_t room) {
    uint8_t *src = guarded_input(bytes, count), *at = guarded_take(&out, room);
    void *fresh = setup_fresh_ctx(s);
    int code;

    memset(at, 0xa5, room);
    code = checked_decompress(s->ctx, src, count, room, &at);
    memcpy(answer, at, code > 0 ? (size_t)code : 0);
    check_again(fresh, src, count, room, 0x5a, code);
    check_again(s->ctx, src, count, room, 0, code);
    if (code >= 0 && !fuzz_in_library)
        check_rooms(fresh, src, count, (size_t)code);
    fuzz_codec->ctx_destroy(fresh);
}

/* A page that the codec does not compress is stored as it is; "store" alone decompresses that. */
void check_known_page(setup *s) {
    int whole = s->packed_bytes == 0;
    size_t count = whole ? ZSW_PAGE_SIZE : s->packed_bytes;
    uint8_t *src = guarded_input(whole ? fuzz_known_page : s->packed, count), *at;
    int code;

    if (whole && strcmp(fuzz_codec->name, "store") != 0)
        return;
    code = checked_decompress(s->ctx, src, count, ZSW_PAGE_SIZE, &at);
    REQUIRE(code == (int)ZSW_PAGE_SIZE, "decompressed the known page to", code, ZSW_PAGE_SIZE);
    REQUIRE(memcmp(at, fuzz_known_page, ZSW_PAGE_SIZE) == 0, "decompressed the known page to another", 1, 0);
}
