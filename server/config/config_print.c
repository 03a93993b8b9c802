/* The table of settings, for people: --help, SETTINGS.md, .env.example, and the
 * values in force. All are made from the same rows, so they cannot disagree; a
 * test holds the files in the tree against them. */
#include "server/config/config_print.h"
#include "server/config/config_table.h"

#include <string.h>
#include <time.h>

enum {
	HELP_WIDTH = 96, /* columns of --help and .env.example */
	TEXT_SHOWN = 60, /* bytes of a long text in config_print */
};

/* Puts words until the line is full, then begins a new line with `indent`. A word longer than a
 * line stays whole: URLs are to be copied. */
static void put_wrapped(struct buf *out, const char *indent, const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (column && column + 1 + n > HELP_WIDTH) {
			buf_putc(out, '\n');
			column = 0;
		}
		buf_puts(out, column ? " " : indent);
		column += column ? 1 : strlen(indent);
		buf_put(out, text, n);
		column += n;
		text += n + (text[n] == ' ');
	}
	buf_putc(out, '\n');
}

/* The range of a row in words: "0 to 65535", "20 to 5000 ms", "auto, 20 or 40". */
static void put_range(struct buf *out, const struct setting *s)
{
	const char *words = s->type == SETTING_SWITCH ? "on|off" : s->words;
	size_t n;

	if (s->type == SETTING_INT || s->type == SETTING_REAL) {
		buf_printf(out, "%.10g to %.10g%s%s%s%s", s->min, s->max, s->unit ? " " : "", s->unit ? s->unit : "",
		    s->none ? ", or " : "", s->none ? s->none : "");
		return;
	}
	if (s->none)
		buf_printf(out, "%s%s", s->none, strchr(words, '|') ? ", " : " or ");
	for (; *words; words += n) {
		n = strcspn(words, "|");
		buf_put(out, words, n);
		if (!words[n])
			break;
		n++;
		buf_puts(out, strchr(words + n, '|') ? ", " : " or ");
	}
}

/* The help, and behind it the range of types that have one. */
static void put_help(struct buf *out, const struct setting *s)
{
	buf_puts(out, s->help);
	if (s->type == SETTING_TEXT || s->type == SETTING_LIST)
		return;
	buf_putc(out, ' ');
	put_range(out, s);
	buf_putc(out, '.');
}

/* Frees the working line and hands its error on, so that `out` alone tells whether memory was
 * enough. */
static void end_line(struct buf *line, struct buf *out)
{
	if (buf_error(line) && !out->err)
		out->err = buf_error(line);
	buf_free(line);
}

void config_print_help(struct buf *out)
{
	struct buf line;

	buf_init(&line, 0);
	buf_puts(out, "Settings, from the environment. What is empty counts as unset.\n");
	for (const struct setting *s = config_table; s->name; s++) {
		if (s->group)
			buf_printf(out, "\n%s\n", s->group);
		buf_reset(&line);
		buf_printf(&line, "%s=%s", s->name, s->fallback);
		put_wrapped(out, "  ", buf_text(&line));
		buf_reset(&line);
		put_help(&line, s);
		put_wrapped(out, "      ", buf_text(&line));
	}
	end_line(&line, out);
}

/* A table for each group, as SETTINGS.md has them. */
void config_print_markdown(struct buf *out)
{
	for (const struct setting *s = config_table; s->name; s++) {
		if (s->group)
			buf_printf(out, "%s**%s**\n\n| setting | default | |\n|---|---|---|\n",
			    s == config_table ? "" : "\n", s->group);
		buf_printf(out, "| `%s` | ", s->name);
		if (*s->fallback)
			buf_printf(out, "`%s`", s->fallback);
		buf_puts(out, " | ");
		put_help(out, s);
		buf_puts(out, " |\n");
	}
}

/* Written so that the file means the same to `make run`, to `docker run --env-file` and to a shell
 * that sources it: no blanks in active lines, no quotation marks. */
void config_print_env(struct buf *out)
{
	struct buf line;

	buf_init(&line, 0);
	buf_puts(out, "# Copy this to .env and fill in the keys; `make run` reads it, the environment wins over it.\n"
		      "# Lines are NAME=value, without quotation marks. A comment has a line of its own, since docker\n"
		      "# takes one behind a value for part of it. What is commented out shows its default.\n");
	for (const struct setting *s = config_table; s->name; s++) {
		if (s->group)
			buf_printf(out, "\n# --- %s ---\n", s->group);
		buf_putc(out, '\n');
		buf_reset(&line);
		put_help(&line, s);
		put_wrapped(out, "# ", buf_text(&line));
		/* Every setting has a good default except the keys, whose lines are to be filled in. */
		buf_printf(out, "%s%s=%s\n", s->secret ? "" : "#", s->name, s->fallback);
	}
	end_line(&line, out);
}

/* The word at that position of "a|b|c". */
static void put_word(struct buf *out, const char *words, int at)
{
	while (at-- > 0)
		words += strcspn(words, "|") + 1;
	buf_put(out, words, strcspn(words, "|"));
}

/* One line of a text for --check, shortened, never within a character; a telephone number loses its
 * middle, since people paste this output into reports. */
static void put_text(struct buf *out, const char *text)
{
	size_t len = strlen(text), most = len;
	const char *rest = text;

	if (text[0] == '+' && len > 6 && strspn(text + 1, "0123456789") == len - 1) {
		buf_printf(out, "%.4s…%s", text, text + len - 2);
		return;
	}
	if (len > TEXT_SHOWN)
		for (most = TEXT_SHOWN; most && ((unsigned char)text[most] & 0xC0) == 0x80;)
			most--;
	for (; rest < text + most; rest++)
		buf_putc(out, *rest == '\n' || *rest == '\r' || *rest == '\t' ? ' ' : *rest);
	if (most < len)
		buf_printf(out, "… (%zu bytes)", len);
}

/* The value as one would write it in the environment, so that a printed line can be pasted back,
 * except for secrets and long texts. memcpy reads an enum through its int. */
static void put_value(struct buf *out, const struct config *cfg, const struct setting *s)
{
	const char *at = (const char *)cfg + s->at;
	const char *const *texts = (const char *const *)(const void *)at;
	size_t count = s->type == SETTING_LIST ? *(const size_t *)(const void *)((const char *)cfg + s->count) : 1;
	int number;

	switch (s->type) {
	case SETTING_TEXT:
	case SETTING_WORD:
	case SETTING_LIST:
		for (size_t i = 0; i < count; i++) {
			if (i)
				buf_putc(out, ',');
			if (s->secret && *texts[i])
				buf_printf(out, "(%zu characters, not shown)", strlen(texts[i]));
			else
				put_text(out, *texts[i] || !s->none ? texts[i] : s->none);
		}
		break;
	case SETTING_INT:
		memcpy(&number, at, sizeof number);
		if (s->none && !number)
			buf_puts(out, s->none);
		else
			buf_printf(out, "%d", number);
		break;
	case SETTING_REAL:
		buf_printf(out, "%.10g", *(const double *)(const void *)at);
		break;
	case SETTING_SWITCH:
		buf_puts(out, *(const bool *)(const void *)at ? "on" : "off");
		break;
	case SETTING_CHOICE:
		memcpy(&number, at, sizeof number);
		put_word(out, s->words, number);
		break;
	}
}

void config_print(const struct config *cfg, struct buf *out)
{
	for (const struct setting *s = config_table; s->name; s++) {
		buf_printf(out, "%s=", s->name);
		put_value(out, cfg, s);
		buf_putc(out, '\n');
	}
}

/* A rule such as UTC+2 means the opposite of what it looks like (two hours behind UTC), so what came
 * of it is said. Only after config_set_time_zone. */
void config_print_zone(const struct config *cfg, struct buf *out)
{
	time_t now = time(NULL);
	struct tm t;
	char offset[8], name[32];

	localtime_r(&now, &t);
	strftime(offset, sizeof offset, "%z", &t);
	strftime(name, sizeof name, "%Z", &t);
	buf_printf(out, "time zone: UTC%.3s:%s now (%s), by %s\n", offset, offset + 3, name,
	    *cfg->time_zone ? "TZ" : "the system");
}

static void print_callers(const struct config *cfg, struct buf *out)
{
	int at_once = cfg->max_calls_per_caller, an_hour = cfg->max_calls_per_caller_hour;

	if (!at_once && !an_hour)
		return;
	buf_puts(out, "callers: from one number ");
	if (at_once)
		buf_printf(out, "%d calls at once%s", at_once, an_hour ? " and " : "");
	if (an_hour)
		buf_printf(out, "%d calls an hour", an_hour);
	buf_printf(out, " are answered, where there was no limit before; %s%s%s: 0 sets none\n",
	    at_once ? "MAX_CALLS_PER_CALLER" : "", at_once && an_hour ? " and " : "",
	    an_hour ? "MAX_CALLS_PER_CALLER_HOUR" : "");
}

void config_print_bounds(const struct config *cfg, struct buf *out)
{
	print_callers(cfg, out);
	/* Without an account no call is placed. */
	if (*cfg->twilio_account_sid && cfg->outbound_max_day)
		buf_printf(out,
		    "orders: %d calls a day are placed, where there was no limit before; OUTBOUND_MAX_DAY: 0 sets none\n",
		    cfg->outbound_max_day);
}
