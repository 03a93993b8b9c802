#include "common/digest.h"

#include <bearssl.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void sha1(const void *data, size_t len, uint8_t out[SHA1_BYTES])
{
	br_sha1_context ctx;

	br_sha1_init(&ctx);
	br_sha1_update(&ctx, data, len);
	br_sha1_out(&ctx, out);
}

void sha256(const void *data, size_t len, uint8_t out[SHA256_BYTES])
{
	br_sha256_context ctx;

	br_sha256_init(&ctx);
	br_sha256_update(&ctx, data, len);
	br_sha256_out(&ctx, out);
}

static void hmac(const br_hash_class *hash, const void *key, size_t key_len, const void *data, size_t len, uint8_t *out)
{
	br_hmac_key_context prepared;
	br_hmac_context ctx;

	br_hmac_key_init(&prepared, hash, key, key_len);
	br_hmac_init(&ctx, &prepared, 0);
	br_hmac_update(&ctx, data, len);
	br_hmac_out(&ctx, out);
}

void hmac_sha1(const void *key, size_t key_len, const void *data, size_t len, uint8_t out[SHA1_BYTES])
{
	hmac(&br_sha1_vtable, key, key_len, data, len, out);
}

void hmac_sha256(const void *key, size_t key_len, const void *data, size_t len, uint8_t out[SHA256_BYTES])
{
	hmac(&br_sha256_vtable, key, key_len, data, len, out);
}

bool bytes_equal(const void *a, const void *b, size_t len)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t differ = 0;

	/* Volatile, so that no compiler leaves at the first difference. */
	for (size_t i = 0; i < len; i++)
		differ |= (uint8_t)(x[i] ^ y[i]);
	return differ == 0;
}

void random_bytes(void *out, size_t len)
{
	uint8_t *p = out;

	while (len) {
		ssize_t got = getrandom(p, len, 0);

		if (got < 0 && errno == EINTR)
			continue;
		/* A key made of anything else would be worse than no program. */
		if (got <= 0)
			abort();
		p += got;
		len -= (size_t)got;
	}
}

void random_hex(char *out, size_t bytes)
{
	static const char digits[] = "0123456789abcdef";

	/* Back to front, so that each byte is read before it is overwritten. */
	random_bytes(out, bytes);
	out[bytes * 2] = '\0';
	for (size_t i = bytes; i-- > 0;) {
		uint8_t byte = (uint8_t)out[i];

		out[i * 2 + 1] = digits[byte & 15];
		out[i * 2] = digits[byte >> 4];
	}
}
