#include "server/phone/gather.h"

#include "server/phone/twiml.h"

/* A line's end within the words would end the answer, and what marks keys would make keys of them. */
static void put_text(const struct phone_stream *s, struct buf *out, const char *text, size_t len, bool last)
{
	(void)s;
	for (size_t i = 0; i < len; i++)
		buf_putc(out, text[i] == '\n' || text[i] == TWIML_KEYS ? ' ' : text[i]);
	if (last)
		buf_putc(out, '\n');
}

static void put_keys(const struct phone_stream *s, struct buf *out, const char *keys)
{
	(void)s;
	buf_printf(out, "%c%s\n", TWIML_KEYS, keys);
}

const struct phone_channel gather_channel = {
	.name = "gather",
	.text = true,
	.requests = true,
	.put_text = put_text,
	.put_keys = put_keys,
};
