/* What only answers in text have: words by order, and the time in front of them. */
#include "tools/standin_model/inside.h"

#include <stdio.h>
#include <string.h>

static struct line *long_word(long bytes)
{
	struct text word = { 0 };
	struct line *line;

	while ((long)word.len < bytes)
		text_puts(&word, "o");
	line = script_new_text(text_str(&word));
	text_free(&word);
	return line;
}

struct line *answer_text_line(struct session *s)
{
	const struct fault_state *word = &s->faults->f[FAULT_LONG_WORD];

	if (word->on)
		return long_word(word->number);
	/* The time is filled in when its first delta is sent. */
	return options.load ? script_new_text("stamp 00000000000000000000 This is an answer of a certain length.")
			    : NULL;
}

void answer_stamp_text(struct answer *a)
{
	char stamp[40];

	if (!options.load || !a->own_line)
		return;
	snprintf(stamp, sizeof stamp, "stamp %020llu ", (unsigned long long)mono_ns());
	memcpy(a->own_line->say, stamp, strlen(stamp));
}

/* Each is half a character, which JSON can write and UTF-8 cannot. */
void answer_send_halves(struct session *s, struct answer *a)
{
	static const char *const halves[] = { "\\ud83d", "\\ude00 " };

	for (int i = 0; i < 2; i++) {
		text_printf(answer_open_part(s, a, "response.output_text.delta"), ",\"delta\":\"%s\"", halves[i]);
		event_send(s);
	}
}
