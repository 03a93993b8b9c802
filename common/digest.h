#ifndef COMMON_DIGEST_H
#define COMMON_DIGEST_H
/* Hashes and randomness, so that BearSSL's header stays inside common/. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA1_BYTES = 20, SHA256_BYTES = 32 };

void sha1(const void *data, size_t len, uint8_t out[SHA1_BYTES]);
void sha256(const void *data, size_t len, uint8_t out[SHA256_BYTES]);
void hmac_sha1(const void *key, size_t key_len, const void *data, size_t len, uint8_t out[SHA1_BYTES]);
void hmac_sha256(const void *key, size_t key_len, const void *data, size_t len, uint8_t out[SHA256_BYTES]);

/* Takes the same time whatever the bytes are. */
bool bytes_equal(const void *a, const void *b, size_t len);

/* From the kernel; aborts if it has none to give (it always has after boot). */
void random_bytes(void *out, size_t len);

/* `bytes` random bytes as lower-case hex and a NUL: out holds 2 * bytes + 1. */
void random_hex(char *out, size_t bytes);

#endif
