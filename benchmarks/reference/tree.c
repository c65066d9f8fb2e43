/* tree ROWS: hash ROWS rows of 64 bytes and the tree over them; print the seconds and the root. One core. */
#include <stdlib.h>

#include "sha256.h"

int main(int count, char **arguments) {
    if (count != 2) return 2;
    uint64_t rows = strtoull(arguments[1], NULL, 10);
    uint8_t *data = malloc(64 * rows), *nodes = malloc(32 * rows);
    if (!data || !nodes) return 1;
    for (uint64_t row = 0; row < rows; row++)
        for (int at = 0; at < 64; at++) data[64 * row + at] = row >> (56 - 8 * (at % 8));
    memset(nodes, 0, 32 * rows); /* else the first touch of the pages would be timed */
    double began = seconds();
    for (uint64_t row = 0; row < rows; row++) hash_after(0, data + 64 * row, 64, nodes + 32 * row);
    fold(nodes, rows);
    printf("{\"seconds\": %f, \"root\": \"", seconds() - began);
    print_hex(nodes, 32);
    printf("\"}\n");
}
