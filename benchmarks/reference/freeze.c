/* freeze ROWS: the hashes of a freeze (specs/snapshot.md 2, 3) of the invented rows, and nothing else, on one core.
 *
 * Of each row: three salts, of which HMAC's two states are known before; three leaves and two nodes of the seal; the
 * leaf of the roster's line; and the tree over all lines. Texts are put together beside the clock, a batch at a time.
 * Prints the seconds of hashing and the root, which is that of the freeze. The secret is 00 01 ... 1f.
 */
#include <stdlib.h>

#include "rows.h"
#include "sha256.h"

enum { BATCH = 4096, FIELDS = 3, ROOM = 320 };

static const int PRIVATE[FIELDS] = {NAME, ID, PHONE};
static const char *const FIELD[FIELDS] = {"name", "id", "phone"};

typedef struct {
    char data[ROOM];
    int length;
} Text;

static void put(Text *text, const char *data, int length) {
    memcpy(text->data + text->length, data, length);
    text->length += length;
}

static void say(Text *text, const char *data) { put(text, data, strlen(data)); }

static void put_hex(Text *text, const uint8_t *bytes) {
    for (int at = 0; at < 32; at++) {
        text->data[text->length++] = "0123456789abcdef"[bytes[at] >> 4];
        text->data[text->length++] = "0123456789abcdef"[bytes[at] & 15];
    }
}

static SHA256_CTX pad(uint8_t with) {
    uint8_t block[64];
    for (int at = 0; at < 64; at++) block[at] = (at < 32 ? at : 0) ^ with;
    SHA256_CTX state;
    SHA256_Init(&state);
    SHA256_Update(&state, block, 64);
    return state;
}

int main(int count, char **arguments) {
    if (count != 2) return 2;
    uint64_t rows = strtoull(arguments[1], NULL, 10);
    const SHA256_CTX inner = pad(0x36), outer = pad(0x5c);
    static Row row[BATCH];
    static Text texts[BATCH][FIELDS], lines[BATCH];
    static uint8_t hashes[BATCH][FIELDS * 32];
    uint8_t *nodes = malloc(32 * rows);
    if (!nodes) return 1;
    memset(nodes, 0, 32 * rows);
    double spent = 0, began;
    for (uint64_t start = 0; start < rows; start += BATCH) {
        int some = rows - start < BATCH ? rows - start : BATCH;
        for (int at = 0; at < some; at++) {
            make_row(start + at, &row[at]);
            for (int field = 0; field < FIELDS; field++) {
                Text *text = &texts[at][field];
                text->length = 0;
                say(text, "fairdraw/v1/salt\n");
                put(text, row[at].text[NUMBER], row[at].length[NUMBER]);
                say(text, "\n"), say(text, FIELD[field]), say(text, "\n");
            }
        }
        began = seconds();
        for (int at = 0; at < some; at++)
            for (int field = 0; field < FIELDS; field++) {
                uint8_t *salt = hashes[at] + 32 * field;
                SHA256_CTX context = inner;
                SHA256_Update(&context, texts[at][field].data, texts[at][field].length);
                SHA256_Final(salt, &context);
                context = outer;
                SHA256_Update(&context, salt, 32);
                SHA256_Final(salt, &context);
            }
        spent += seconds() - began;
        for (int at = 0; at < some; at++)
            for (int field = 0; field < FIELDS; field++) {
                Text *text = &texts[at][field];
                int cell = PRIVATE[field];
                text->length = 0;
                say(text, "[\"fairdraw/v1/field\",\""), put(text, row[at].text[NUMBER], row[at].length[NUMBER]);
                say(text, "\",\""), say(text, FIELD[field]);
                say(text, "\",\""), put(text, row[at].text[cell], row[at].length[cell]);
                say(text, "\",\""), put_hex(text, hashes[at] + 32 * field), say(text, "\"]");
            }
        began = seconds();
        for (int at = 0; at < some; at++) {
            for (int field = 0; field < FIELDS; field++)
                hash_after(0, texts[at][field].data, texts[at][field].length, hashes[at] + 32 * field);
            fold(hashes[at], FIELDS);
        }
        spent += seconds() - began;
        for (int at = 0; at < some; at++) {
            Text *line = &lines[at];
            line->length = 0;
            say(line, "{\"attrs\":{\"kind\":\""), put(line, row[at].text[KIND], row[at].length[KIND]);
            say(line, "\",\"region\":\""), put(line, row[at].text[REGION], row[at].length[REGION]);
            say(line, "\"},\"no\":\""), put(line, row[at].text[NUMBER], row[at].length[NUMBER]);
            say(line, "\",\"seal\":\""), put_hex(line, hashes[at]), say(line, "\"}");
        }
        began = seconds();
        for (int at = 0; at < some; at++) hash_after(0, lines[at].data, lines[at].length, nodes + 32 * (start + at));
        spent += seconds() - began;
    }
    began = seconds();
    fold(nodes, rows);
    spent += seconds() - began;
    printf("{\"seconds\": %f, \"root\": \"", spent);
    print_hex(nodes, 32);
    printf("\"}\n");
}
