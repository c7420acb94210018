/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run a target on files without libFuzzer: `replay FILE…`. A file of the corpus, which ends in ".pack", has many inputs,
 * each after its length in two bytes, low byte first; any other file is one input.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LENGTH_BYTES 2

static uint8_t *read_file(const char *path, size_t *bytes) {
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    long end;

    if (file && fseek(file, 0, SEEK_END) == 0 && (end = ftell(file)) >= 0 && (data = malloc((size_t)end + 1))) {
        rewind(file);
        *bytes = fread(data, 1, (size_t)end, file);
    }
    if (!data) {
        perror(path);
        exit(2);
    }
    fclose(file);
    return data;
}

/* Run one input, in memory of exactly its length. */
static void run_one(const uint8_t *data, size_t size) {
    uint8_t *exact = malloc(size ? size : 1);

    if (!exact)
        exit(2);
    memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static size_t run_pack(const char *path, const uint8_t *data, size_t bytes) {
    size_t inputs = 0;

    for (size_t at = 0; at < bytes; inputs++) {
        size_t left = bytes - at, length = left < LENGTH_BYTES ? left : data[at] | (size_t)data[at + 1] << 8;

        if (LENGTH_BYTES + length > left) {
            fprintf(stderr, "%s: byte %zu: expected %zu bytes of an input\n", path, at, length);
            exit(2);
        }
        run_one(data + at + LENGTH_BYTES, length);
        at += LENGTH_BYTES + length;
    }
    return inputs;
}

int main(int argc, char **argv) {
    size_t inputs = 0;

    LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++) {
        size_t bytes = 0, suffix = strlen(argv[i]);
        uint8_t *data = read_file(argv[i], &bytes);

        if (suffix >= 5 && strcmp(argv[i] + suffix - 5, ".pack") == 0)
            inputs += run_pack(argv[i], data, bytes);
        else
            run_one(data, bytes), inputs++;
        free(data);
    }
    printf("fuzz: %zu inputs replayed\n", inputs);
    return 0;
}
