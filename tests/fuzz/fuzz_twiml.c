/* A caller's name or number, as it ends up in TwiML: it must stay text. */
#include "common/json.h"
#include "server/phone/twiml.h"
#include "tests/fuzz/fuzz.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text;
	struct buf out;

	buf_init(&out, 0);
	xml_escape(&out, (const char *)data, size);
	text = buf_text(&out);
	if (buf_error(&out) || strlen(text) != out.len || !utf8_valid(text, out.len) || strpbrk(text, "<>\"'"))
		abort();
	for (size_t i = 0; i < out.len; i++) {
		if ((unsigned char)text[i] < 0x20)
			abort();
	}
	buf_free(&out);
	return 0;
}
