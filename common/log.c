#include "common/log.h"

#include "common/buf.h"
#include "common/json.h"
#include "common/log_writer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
	MESSAGE_MAX = 1800, /* with every character escaped, a line still is under PIPE_BUF: one write, never torn */
	TAG_MAX = 64
};

static enum log_format log_format_now = LOG_FORMAT_TEXT;
static enum log_level log_level_now = LOG_LEVEL_INFO;

static const char *const level_names[] = { "error", "warn", "info", "debug" };

void log_setup(enum log_format format, enum log_level level)
{
	log_format_now = format;
	log_level_now = level;
}

int log_enabled(enum log_level level)
{
	return level <= log_level_now;
}

/* What could end a line, move a terminal's cursor or is no text at all: the
 * controls of ASCII and of Latin-1 (C2 80..9F), the two separators of Unicode
 * that some viewers break lines at (E2 80 A8/A9), and bytes that are not
 * UTF-8. Each byte becomes a question mark, so lengths stay. */
static void make_harmless(char *text, size_t len)
{
	bool is_utf8 = utf8_valid(text, len);

	for (size_t i = 0; i < len; i++) {
		unsigned char ch = (unsigned char)text[i];
		unsigned char next = i + 1 < len ? (unsigned char)text[i + 1] : 0;

		if (ch < 0x20 || ch == 0x7f || (ch >= 0x80 && !is_utf8)) {
			text[i] = '?';
		} else if (ch == 0xc2 && next < 0xa0) {
			text[i] = text[i + 1] = '?';
		} else if (ch == 0xe2 && next == 0x80 && ((unsigned char)text[i + 2] & 0xfe) == 0xa8) {
			text[i] = text[i + 1] = text[i + 2] = '?';
		}
	}
}

/* Where `text` may be cut at or before `len` without halving a character. */
static size_t cut_at(const char *text, size_t len)
{
	while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return len;
}

/* Copies text made harmless; longer text ends in an ellipsis. Returns its
 * length. `out` holds max + 4 bytes. */
static size_t tidy(char *out, size_t max, const char *text)
{
	size_t len = strlen(text);

	if (len <= max) {
		memcpy(out, text, len + 1);
		make_harmless(out, len);
		return len;
	}
	len = cut_at(text, max);
	memcpy(out, text, len);
	make_harmless(out, len);
	memcpy(out + len, "…", sizeof "…");
	return len + strlen("…");
}

static void put_line(struct buf *line, enum log_level level, const char *tag, const char *message)
{
	char when[32];

	clock_iso8601(clock_wall_ms(), when, sizeof when);
	if (log_format_now == LOG_FORMAT_TEXT) {
		buf_printf(line, "%s %s %s %s\n", when, level_names[level], tag, message);
		return;
	}
	buf_printf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"tag\":", when, level_names[level]);
	json_put_cstring(line, tag);
	buf_puts(line, ",\"message\":");
	json_put_cstring(line, message);
	buf_puts(line, "}\n");
}

/* What cannot be taken is counted instead of waited for: `lines` are lost by that. */
static void say(enum log_level level, const char *tag, const char *message, unsigned lines)
{
	char room[LOG_LINE_MAX]; /* what is told about missing memory needs none */
	struct buf line;

	buf_init_in(&line, room, sizeof room);
	put_line(&line, level, tag, message);
	if (buf_error(&line) || !log_writer_put(line.data, line.len))
		log_writer_lose(lines);
}

void log_write(enum log_level level, const char *tag, const char *format, ...)
{
	char raw[MESSAGE_MAX * 2], message[MESSAGE_MAX + 8], clean_tag[TAG_MAX + 8], lost_text[64];
	unsigned lost;
	va_list args;

	if (!log_enabled(level))
		return;
	va_start(args, format);
	vsnprintf(raw, sizeof raw, format, args);
	va_end(args);
	tidy(message, MESSAGE_MAX, raw);
	tidy(clean_tag, TAG_MAX, tag && *tag ? tag : "-");

	lost = log_writer_lost();
	if (lost) {
		snprintf(lost_text, sizeof lost_text, "log lines lost=%u", lost);
		say(LOG_LEVEL_WARN, "log", lost_text, lost);
	}
	say(level, clean_tag, message, 1);
}

void log_text(enum log_level level, const char *tag, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		log_write(level, tag, "%.*s", (int)len, text);
		text += len + (text[len] == '\n');
	}
}

bool log_due(struct log_kind *kind, int64_t every_us, unsigned *more_before)
{
	int64_t now = clock_now_us(), next = atomic_load_explicit(&kind->next_us, memory_order_relaxed);

	/* Of several at the same moment one exchanges the time, and writes. */
	if (now < next || !atomic_compare_exchange_strong_explicit(
			      &kind->next_us, &next, now + every_us, memory_order_relaxed, memory_order_relaxed)) {
		atomic_fetch_add_explicit(&kind->held_back, 1, memory_order_relaxed);
		return false;
	}
	*more_before = atomic_exchange_explicit(&kind->held_back, 0, memory_order_relaxed);
	return true;
}

const char *log_number(const char *number, char *out)
{
	enum { HEAD = 4, TAIL = 2, SHORTEST = 9 };
	size_t len = number ? strlen(number) : 0;

	if (len < SHORTEST)
		strcpy(out, "…");
	else
		sprintf(out, "%.*s…%s", HEAD, number, number + len - TAIL);
	return out;
}
