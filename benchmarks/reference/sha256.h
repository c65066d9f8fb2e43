/* OpenSSL's low-level SHA-256, declared here because libcrypto is on every machine and its headers are not. */
#ifndef REFERENCE_SHA256_H
#define REFERENCE_SHA256_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

typedef struct {
    uint32_t h[8];
    uint32_t low, high;
    uint32_t data[16];
    unsigned int num, length;
} SHA256_CTX;

int SHA256_Init(SHA256_CTX *context);
int SHA256_Update(SHA256_CTX *context, const void *data, size_t length);
int SHA256_Final(unsigned char *digest, SHA256_CTX *context);
void SHA256_Transform(SHA256_CTX *context, const unsigned char *block);

static inline double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec * 1e-9;
}

/* SHA-256(prefix, data): 0 before a leaf, 1 before two nodes, RFC 6962 2.1. */
static inline void hash_after(uint8_t prefix, const void *data, size_t length, uint8_t *digest) {
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, &prefix, 1);
    SHA256_Update(&context, data, length);
    SHA256_Final(digest, &context);
}

/* Replace `count` nodes by the root above them; an odd last node rises as it is. */
static inline void fold(uint8_t *nodes, uint64_t count) {
    for (; count > 1; count = count / 2 + count % 2) {
        for (uint64_t at = 0; at < count / 2; at++) hash_after(1, nodes + 64 * at, 64, nodes + 32 * at);
        if (count % 2) memmove(nodes + 32 * (count / 2), nodes + 32 * (count - 1), 32);
    }
}

static inline void print_hex(const uint8_t *bytes, size_t length) {
    for (size_t at = 0; at < length; at++) printf("%02x", bytes[at]);
}

#endif
