/* A URL and a header from whoever asks: "URL header fields", cut at spaces. */
#include "server/phone/signature.h"
#include "tests/fuzz/fuzz.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const token = "token";
	const struct signature_tokens tokens = { &token, 1 };
	char *text = fuzz_text(data, size), *header, *body;
	struct form fields;

	header = strchr(text, ' ');
	body = header ? strchr(header + 1, ' ') : NULL;
	if (header)
		*header++ = '\0';
	if (body)
		*body++ = '\0';
	/* Nobody without the token gets in, whatever the URL looks like. */
	if (signature_valid(header, text, NULL, &tokens))
		abort();
	if (body && !form_parse(&fields, body, strlen(body))) {
		if (signature_valid(header, text, &fields, &tokens))
			abort();
		form_free(&fields);
	}
	free(text);
	return 0;
}
