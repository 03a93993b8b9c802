#include "server/agent/dialogue/instant.h"

#include "common/buf.h"
#include "server/knowledge/knowledge_words.h"

#include <ctype.h>
#include <string.h>

/* The small letter of a capital below U+0500: Latin, Greek, Cyrillic. */
static unsigned small(unsigned c)
{
	bool odd = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E);

	if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9) || (c >= 0x410 && c <= 0x42F))
		return c + 0x20;
	if (c >= 0x400 && c <= 0x40F)
		return c + 0x50;
	return c >= 0x100 && c <= 0x17E && (c & 1) == odd && c != 0x138 && c != 0x178 ? c + 1 : c;
}

/* In place: a small letter has as many bytes. */
static void fold(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p; p++) {
		if (*p < 0x80) {
			*p = (unsigned char)tolower(*p);
		} else if (*p >= 0xC3 && *p <= 0xD3 && p[1]) {
			unsigned c = small((*p & 0x1Fu) << 6 | (p[1] & 0x3Fu));

			*p++ = (unsigned char)(0xC0 | c >> 6);
			*p = (unsigned char)(0x80 | (c & 0x3F));
		}
	}
}

/* " are you open "; "" without a word, or without memory. */
static const char *words_of(struct buf *out, const char *text)
{
	buf_reset(out);
	buf_putc(out, ' ');
	words_put(out, text, strlen(text));
	if (buf_error(out) || out->len < 2)
		return "";
	fold(out->data);
	return buf_text(out);
}

static size_t count(const char *words)
{
	size_t n = 0;

	for (; *words; words++)
		n += *words == ' ';
	return n ? n - 1 : 0;
}

const char *instant_answer(const struct agent *agent, const char *said)
{
	const char *words, *answer = NULL;
	struct buf all, one;

	if (!agent->instant_count)
		return NULL;
	buf_init(&all, 0);
	buf_init(&one, 0);
	words = words_of(&all, said);
	for (size_t i = 0; i < agent->instant_count && !answer && count(words) <= INSTANT_WORDS; i++) {
		const struct agent_instant *instant = &agent->instants[i];

		for (size_t j = 0; j < instant->when_count && !answer; j++) {
			const char *asked = words_of(&one, instant->when[j]);

			if (*asked && strstr(words, asked))
				answer = instant->say;
		}
	}
	buf_free(&one);
	buf_free(&all);
	return answer;
}
