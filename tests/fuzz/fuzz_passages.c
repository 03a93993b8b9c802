/* A text somebody put into a folder: cut up, nothing of it is lost or doubled. */
#include "common/json.h"
#include "server/knowledge/knowledge_passages.h"
#include "tests/fuzz/fuzz.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct seen {
	const char *end; /* of the text */
	const char *at;  /* behind the last passage */
	bool markdown;
};

static int look(void *arg, const char *heading, const char *text, size_t len)
{
	struct seen *s = arg;

	if (!len || text < s->at || text + len > s->end || strlen(heading) > PASSAGE_HEADING_MAX)
		abort();
	if (!utf8_valid(text, len) || !utf8_valid(heading, strlen(heading)))
		abort();
	/* In plain text only blanks lie between. */
	for (const char *p = s->at; !s->markdown && p < text; p++)
		if (!strchr(" \t\r\n", *p))
			abort();
	s->at = text + len;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen s = { .markdown = size && data[0] & 1 };
	const char *text = (const char *)data + 1;
	size_t len = size ? size - 1 : 0;

	if (!utf8_valid(text, len) || (len && memchr(text, '\0', len)))
		return 0;
	s.at = text;
	s.end = text + len;
	passages_split(text, len, s.markdown, look, &s);
	for (const char *p = s.at; !s.markdown && p < s.end; p++)
		if (!strchr(" \t\r\n", *p))
			abort();
	return 0;
}
