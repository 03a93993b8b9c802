/* Base64 from Twilio and from the model. Every value has one text: what can be
 * decoded is what encoding gives. */
#include "common/base64.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(BASE64_DECODED_MAX(size));
	char *text = malloc(BASE64_SIZE(size));
	ssize_t len;

	if (!bytes || !text)
		abort();
	/* As a text … */
	len = base64_decode(bytes, (const char *)data, size);
	if (len > (ssize_t)BASE64_DECODED_MAX(size))
		abort();
	if (len >= 0 && (base64_encode(text, bytes, (size_t)len) != size || memcmp(text, data, size)))
		abort();
	free(bytes);
	/* … and as a value. */
	bytes = malloc(BASE64_DECODED_MAX(BASE64_SIZE(size)));
	if (!bytes || base64_encode(text, data, size) != BASE64_SIZE(size))
		abort();
	if (base64_decode(bytes, text, BASE64_SIZE(size)) != (ssize_t)size || memcmp(bytes, data, size))
		abort();
	free(bytes);
	free(text);
	return 0;
}
