#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/phone/call.h"
#include "tools/phone/clock.h"

const char *call_end_name(enum call_end end)
{
	static const char *const names[] = {
#define X(id, word) word,
		CALL_ENDS(X)
#undef X
	};

	return names[end];
}

double call_ms(const struct call *c, uint64_t at_ns)
{
	uint64_t zero = c->zero_ns ? c->zero_ns : c->begun_ns;

	return ((double)at_ns - (double)zero) / (double)NS_PER_MS;
}

/* Makes room for one more; NULL when a load would keep too much. */
static void *one_more(void *list, size_t *count, size_t size)
{
	char *all;

	if (*count >= NOTES_MAX)
		return NULL;
	memcpy(&all, list, sizeof all);
	if ((*count & (*count - 1)) == 0)
		all = need_more(all, (*count ? *count * 2 : 1) * size);
	memcpy(list, &all, sizeof all);
	memset(all + *count * size, 0, size);
	return all + (*count)++ * size;
}

void note_event(struct call *c, const char *format, ...)
{
	struct event *e;
	char text[700];
	va_list args;
	uint64_t now = mono_ns();

	if (!c->options->live && (!c->options->report || c->options->calls > 20))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (c->options->live && c->options->calls > 1)
		printf("#%-4d %8.3f s  %s\n", c->index, (double)(now - c->begun_ns) / 1e9, text);
	else if (c->options->live)
		printf("%8.3f s  %s\n", (double)(now - c->begun_ns) / 1e9, text);
	if (c->options->live)
		fflush(stdout);
	e = one_more(&c->events, &c->event_count, sizeof *e);
	if (e)
		*e = (struct event){ now, need_copy(text) };
}

void note_warning(struct call *c, const char *text)
{
	struct warning *w;

	c->warnings_total++;
	for (size_t i = 0; i < c->warning_count; i++) {
		if (strcmp(c->warnings[i].text, text) == 0) {
			c->warnings[i].count++;
			return;
		}
	}
	note_event(c, "warning: %s", text);
	w = one_more(&c->warnings, &c->warning_count, sizeof *w);
	if (w)
		*w = (struct warning){ need_copy(text), 1, mono_ns() };
}

void note_failure(struct call *c, const char *format, ...)
{
	va_list args;

	if (c->failure[0])
		return;
	va_start(args, format);
	vsnprintf(c->failure, sizeof c->failure, format, args);
	va_end(args);
	note_event(c, "failed: %s", c->failure);
}

struct turn *note_turn(struct call *c)
{
	return one_more(&c->turns, &c->turn_count, sizeof *c->turns);
}

struct clear_note *note_clear(struct call *c)
{
	return one_more(&c->clears, &c->clear_count, sizeof *c->clears);
}

struct mark_note *note_mark(struct call *c, const char *name)
{
	struct mark_note *m;

	if (c->options->calls > 20)
		return NULL;
	m = one_more(&c->marks, &c->mark_count, sizeof *m);
	if (m)
		m->name = need_copy(name);
	return m;
}

void notes_free(struct call *c)
{
	void *const lists[] = { c->warnings, c->events, c->turns, c->clears, c->marks };

	for (size_t i = 0; i < c->warning_count; i++)
		free(c->warnings[i].text);
	for (size_t i = 0; i < c->event_count; i++)
		free(c->events[i].text);
	for (size_t i = 0; i < c->mark_count; i++)
		free(c->marks[i].name);
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		free(lists[i]);
}
