/* The body of a webhook: any bytes, before any signature has been checked. */
#include "server/phone/form.h"
#include "tests/fuzz/fuzz.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t decoded = 0;
	struct form f;

	if (form_parse(&f, (const char *)data, size))
		return 0;
	/* Decoding never makes text longer, and every field can be found. */
	for (size_t i = 0; i < f.count; i++) {
		decoded += strlen(f.fields[i].name) + strlen(f.fields[i].value);
		if (!form_get(&f, f.fields[i].name))
			abort();
	}
	if (decoded > size || f.count > FORM_MAX_FIELDS)
		abort();
	form_free(&f);
	return 0;
}
