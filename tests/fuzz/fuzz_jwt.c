/* A token as a stranger may send it; and, with a line break in it, header and
 * claims that somebody with the secret has signed. */
#include "common/base64.h"
#include "common/digest.h"
#include "server/web/jwt.h"
#include "tests/fuzz/fuzz.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char secret[] = "0123456789abcdef0123456789abcdef";

static char *put(char *out, const uint8_t *bytes, size_t len)
{
	size_t n = base64_encode(out, bytes, len);

	while (n && out[n - 1] == '=')
		n--;
	for (size_t i = 0; i < n; i++)
		out[i] = out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i];
	return out + n;
}

/* Caller frees. */
static char *signed_token(const uint8_t *data, size_t header, size_t size)
{
	char *text = malloc(BASE64_SIZE(size) + BASE64_SIZE(SHA256_BYTES) + 16), *end;
	uint8_t mac[SHA256_BYTES];

	if (!text)
		abort();
	end = put(text, data, header);
	*end++ = '.';
	end = put(end, data + header + 1, size - header - 1);
	hmac_sha256(secret, sizeof secret - 1, text, (size_t)(end - text), mac);
	*end++ = '.';
	*put(end, mac, sizeof mac) = '\0';
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
	char *text = fuzz_text(data, size);
	enum jwt_verdict verdict;
	enum role role;

	verdict = jwt_check(text, secret, sizeof secret - 1, 1800000000, &role);
	/* Whoever does not have the secret does not get in. */
	if (verdict == JWT_GOOD || role != ROLE_NONE || !*jwt_verdict_text(verdict))
		abort();
	free(text);
	if (!line)
		return 0;
	text = signed_token(data, (size_t)(line - data), size);
	verdict = jwt_check(text, secret, sizeof secret - 1, 1800000000, &role);
	if (verdict == JWT_SIGNATURE)
		abort();
	if (verdict == JWT_GOOD && jwt_check(text, secret, sizeof secret - 1, 253402300800, &role) == JWT_GOOD)
		abort();
	free(text);
	return 0;
}
