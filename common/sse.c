#include "common/sse.h"

#include <string.h>

void sse_init(struct sse *s, size_t max)
{
	*s = (struct sse){ .max = max };
	buf_init(&s->line, max + 1);
	buf_init(&s->data, max + 1);
}

void sse_free(struct sse *s)
{
	buf_free(&s->line);
	buf_free(&s->data);
}

static void take_line(struct sse *s)
{
	static const char mark[] = "\xef\xbb\xbf";
	const char *line = buf_text(&s->line);
	size_t len = s->line.len;

	if (!s->begun && len >= 3 && !memcmp(line, mark, 3)) {
		line += 3;
		len -= 3;
	}
	s->begun = true;
	if (len < 4 || memcmp(line, "data", 4) != 0 || (len > 4 && line[4] != ':'))
		return;
	line += len > 4 ? 5 : 4;
	len -= len > 4 ? 5 : 4;
	if (len && *line == ' ') {
		line++;
		len--;
	}
	if (len >= s->max - s->data.len)
		s->spoilt = true;
	else
		buf_put(&s->data, line, len);
	buf_putc(&s->data, '\n'); /* the last one is taken away again */
}

/* True: the line that has ended was an empty one, behind data. */
static bool end_line(struct sse *s)
{
	bool empty = !s->line.len && !buf_error(&s->line);
	bool whole;

	if (buf_error(&s->line))
		s->spoilt = true;
	else if (!empty)
		take_line(s);
	buf_reset(&s->line);
	if (!empty)
		return false;
	s->begun = true;
	whole = s->data.len && !s->spoilt && !buf_error(&s->data);
	s->dropped += s->spoilt;
	s->spoilt = false;
	if (!whole)
		buf_reset(&s->data);
	return whole;
}

bool sse_next(struct sse *s, struct span *bytes, struct span *data)
{
	if (s->told)
		buf_reset(&s->data);
	s->told = false;
	while (bytes->n) {
		size_t len = 0;
		char end;

		if (s->after_cr && *bytes->p == '\n') {
			bytes->p++;
			bytes->n--;
			s->after_cr = false;
			continue;
		}
		while (len < bytes->n && bytes->p[len] != '\n' && bytes->p[len] != '\r')
			len++;
		buf_put(&s->line, bytes->p, len);
		s->after_cr = false;
		end = len < bytes->n ? bytes->p[len] : '\0';
		bytes->p += len + (len < bytes->n);
		bytes->n -= len + (len < bytes->n);
		if (end != '\n' && end != '\r')
			return false;
		s->after_cr = end == '\r';
		if (end_line(s)) {
			s->told = true;
			*data = (struct span){ s->data.data, s->data.len - 1 };
			return true;
		}
	}
	return false;
}
