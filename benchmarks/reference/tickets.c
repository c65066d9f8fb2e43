/* tickets ROWS CUTOFF: the ticket of each invented row's number (specs/tickets.md), one block a row, on one core.
 *
 * The key is 00 01 ... 1f, the purpose "object". Prints the seconds of hashing, and how many tickets are at most CUTOFF,
 * 64 hex digits. Numbers are written beside the clock, a batch at a time.
 */
#include <stdlib.h>

#include "sha256.h"

enum { BATCH = 4096, NUMBER = 10 };

int main(int count, char **arguments) {
    if (count != 3 || strlen(arguments[2]) != 64) return 2;
    uint64_t rows = strtoull(arguments[1], NULL, 10), within = 0;
    uint32_t cutoff[8];
    for (int at = 0; at < 8; at++)
        if (sscanf(arguments[2] + 8 * at, "%8x", &cutoff[at]) != 1) return 2;
    char key[65];
    for (int at = 0; at < 32; at++) sprintf(key + 2 * at, "%02x", at);
    SHA256_CTX start;
    SHA256_Init(&start);
    SHA256_Transform(&start, (uint8_t *)key);
    /* The second block: the rest of the message, 0x80, zeros, and the length in bits. */
    static uint8_t blocks[BATCH][64];
    const char head[] = "\nobject\n";
    const int from = sizeof head - 1, length = from + NUMBER + 1;
    for (int at = 0; at < BATCH; at++) {
        memcpy(blocks[at], head, from);
        blocks[at][from] = 'P', blocks[at][length - 1] = '\n', blocks[at][length] = 0x80;
        blocks[at][62] = 8 * (64 + length) >> 8, blocks[at][63] = 8 * (64 + length) & 255;
    }
    double spent = 0;
    for (uint64_t row = 0; row < rows; row += BATCH) {
        int some = rows - row < BATCH ? rows - row : BATCH;
        for (int at = 0; at < some; at++) {
            uint64_t value = row + at;
            for (int place = NUMBER - 1; place > 0; place--) blocks[at][from + place] = '0' + value % 10, value /= 10;
        }
        double began = seconds();
        for (int at = 0; at < some; at++) {
            SHA256_CTX context;
            memcpy(context.h, start.h, sizeof context.h);
            SHA256_Transform(&context, blocks[at]);
            int word = 0;
            while (word < 7 && context.h[word] == cutoff[word]) word++;
            within += context.h[word] <= cutoff[word];
        }
        spent += seconds() - began;
    }
    printf("{\"seconds\": %f, \"within\": %llu}\n", spent, (unsigned long long)within);
}
