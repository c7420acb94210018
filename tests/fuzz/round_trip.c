/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "checks.h"

#define EVERY_ROOM 512 /* sources up to this length are decompressed with each length of room */
#define SOME_ROOMS 24
#define FEW_ROOMS 6 /* of sources longer than a page */

static guarded source, out, shorter;
static uint8_t packed[2 * LONGEST_SOURCE];

static void open_buffers(void) {
    if (source.first)
        return;
    guarded_open(&source, 2 * LONGEST_SOURCE, fuzz_in_library);
    guarded_open(&out, 2 * LONGEST_SOURCE, fuzz_in_library);
    guarded_open(&shorter, 2 * LONGEST_SOURCE, fuzz_in_library);
}

static int checked_compress(void *ctx, const uint8_t *src, size_t bytes, guarded *into, size_t capacity) {
    uint8_t *at = guarded_take(into, capacity);
    int code = fuzz_codec->compress(ctx, src, bytes, at, capacity);

    REQUIRE(code >= 0 || code == ZSW_E_CODEC, "compress returned", code, ZSW_E_CODEC);
    REQUIRE(code < 0 || (size_t)code <= capacity, "compress returned more than its room", code, capacity);
    REQUIRE(guarded_intact(into), "compress wrote before its output", 1, 0);
    return code;
}

/* Decompress into `room` bytes; `expected` is the code that must be returned. */
static void check_room(setup *s, const uint8_t *src, size_t count, const uint8_t *data, size_t room, int expected) {
    uint8_t *at;
    int code = checked_decompress(s->ctx, src, count, room, &at);

    REQUIRE(code == expected, "decompressed a code of its own to", code, expected);
    for (int i = 0; i < code && memcmp(at, data, (size_t)code) != 0; i++)
        REQUIRE(at[i] == data[i], "another byte came back, at", i, code);
}

/* Check lengths of room that are enough, and those that are not. */
static void check_all_rooms(setup *s, size_t count, const uint8_t *data, size_t bytes) {
    const uint8_t *src = guarded_input(packed, count);
    size_t step = bytes <= EVERY_ROOM ? 1 : bytes / (bytes <= ZSW_PAGE_SIZE ? SOME_ROOMS : FEW_ROOMS);

    check_room(s, src, count, data, bytes, (int)bytes);
    check_room(s, src, count, data, bytes + 1, (int)bytes);
    check_room(s, src, count, data, bytes + ZSW_PAGE_SIZE, (int)bytes);
    for (size_t room = 0; room < bytes; room += step)
        check_room(s, src, count, data, room, ZSW_E_CORRUPT);
    for (size_t less = 1; step > 1 && less <= bytes; less *= bytes <= ZSW_PAGE_SIZE ? 2 : 8)
        check_room(s, src, count, data, bytes - less, ZSW_E_CORRUPT);
}

/* Check that the source has the same code in another context, or in this one again. */
static void check_same_code(void *ctx, const uint8_t *src, size_t bytes, int expected) {
    int code = checked_compress(ctx, src, bytes, &shorter, ZSW_MIN_CAPACITY(bytes));

    REQUIRE(code == expected, "compressed the same source to another length", code, expected);
    REQUIRE(code <= 0 || memcmp(shorter.taken, packed, (size_t)code) == 0, "compressed the same source otherwise", 1,
            0);
}

/*
 * Check capacities below the least that the interface promises: a codec may refuse them, but what it returns must come
 * back.
 */
static void check_small_capacities(setup *s, const uint8_t *src, size_t bytes) {
    size_t least = ZSW_MIN_CAPACITY(bytes), factor = bytes <= ZSW_PAGE_SIZE ? 3 : 60;

    for (size_t less = 1; less <= least; less = less * factor + 1) {
        int code = checked_compress(s->ctx, src, bytes, &shorter, least - less);

        if (code > 0)
            check_room(s, guarded_input(shorter.taken, (size_t)code), (size_t)code, src, bytes, (int)bytes);
    }
}

/* A context that compressed something else compresses the known page as before. */
static void check_known_code(setup *s) {
    int code = checked_compress(s->ctx, fuzz_known_page, ZSW_PAGE_SIZE, &shorter, sizeof(s->packed));

    REQUIRE((size_t)code == s->packed_bytes, "compressed the known page to another length", code, s->packed_bytes);
    REQUIRE(code == 0 || memcmp(shorter.taken, s->packed, (size_t)code) == 0, "compressed the known page otherwise", 1,
            0);
}

void check_round_trip(setup *s, const uint8_t *data, size_t bytes, int fresh) {
    uint8_t *src;
    int code;

    open_buffers();
    src = guarded_take(&source, bytes);
    memcpy(src, data, bytes);
    code = checked_compress(s->ctx, src, bytes, &out, ZSW_MIN_CAPACITY(bytes));
    if (code > 0) {
        memcpy(packed, out.taken, (size_t)code);
        check_all_rooms(s, (size_t)code, src, bytes);
    }
    fuzz_count.round_trips += code > 0;
    fuzz_count.refused += code <= 0;
    check_same_code(s->ctx, src, bytes, code);
    check_small_capacities(s, src, bytes);
    check_known_code(s);
    if (fresh) {
        void *ctx = setup_fresh_ctx(s);

        check_same_code(ctx, src, bytes, code);
        fuzz_codec->ctx_destroy(ctx);
    }
}
