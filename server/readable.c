#include "server/readable.h"

#include "common/clock.h"
#include "common/json.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

/* ---------------------------------------------------------------------- characters */

static const char replacement[] = "\xef\xbf\xbd";

/* The character at the start of a text that is not empty, and its bytes; U+FFFD and 1 for a byte
 * that begins none. */
static uint32_t character(const char *text, size_t left, size_t *bytes)
{
	static const unsigned char of_first[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	size_t n = utf8_sequence(text, left);
	uint32_t code;

	*bytes = n ? n : 1;
	if (!n)
		return 0xfffd;
	code = (unsigned char)text[0] & of_first[n];
	for (size_t i = 1; i < n; i++)
		code = code << 6 | ((unsigned char)text[i] & 0x3f);
	return code;
}

/* Characters that do something instead of being seen: from, to. What joins letters (U+200C, U+200D)
 * is needed in scripts and emoji and stays. */
static const uint32_t acting[][2] = {
	{ 0x00, 0x1f },       /* controls: escape sequences, bells */
	{ 0x7f, 0x9f },       /* delete; controls of Latin-1, of which U+009B is an escape sequence's start */
	{ 0x61c, 0x61c },     /* Arabic letter mark */
	{ 0x200b, 0x200b },   /* a blank without width */
	{ 0x200e, 0x200f },   /* directional marks */
	{ 0x2028, 0x202e },   /* separators of lines; embeddings and overrides */
	{ 0x2060, 0x206f },   /* invisible operators; isolates */
	{ 0xfeff, 0xfeff },   /* a byte order mark */
	{ 0xfff9, 0xfffb },   /* annotations */
	{ 0xe0000, 0xe0fff }, /* tags */
};

static bool acts(uint32_t code)
{
	for (size_t i = 0; i < sizeof acting / sizeof *acting; i++)
		if (code >= acting[i][0] && code <= acting[i][1])
			return true;
	return false;
}

/* One character of somebody else's; how many bytes of the text it was. */
static size_t put_character(struct buf *out, const char *text, size_t left)
{
	size_t bytes;
	uint32_t code = character(text, left, &bytes);

	if (code == '\n' || code == '\r' || code == '\t')
		buf_putc(out, ' ');
	else if (acts(code) || code == 0xfffd)
		buf_puts(out, replacement);
	else
		buf_put(out, text, bytes);
	return bytes;
}

static void put_all(struct buf *out, const char *text, size_t left)
{
	while (left) {
		size_t n = put_character(out, text, left);

		text += n;
		left -= n;
	}
}

void readable_text(struct buf *out, const char *text)
{
	put_all(out, text, text ? strlen(text) : 0);
}

void readable_lines(struct buf *out, const char *text)
{
	for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
		put_all(out, text, (size_t)(end - text));
		buf_putc(out, '\n');
	}
	readable_text(out, text);
}

/* Returns how many characters were put. */
static size_t put_start(struct buf *out, const char *text, size_t most)
{
	size_t left = text ? strlen(text) : 0, put = 0;

	while (left) {
		size_t bytes;

		character(text, left, &bytes);
		if (++put == most && left > bytes) {
			buf_puts(out, "…");
			break;
		}
		put_character(out, text, left);
		text += bytes;
		left -= bytes;
	}
	return put;
}

void readable_start(struct buf *out, const char *text, size_t most)
{
	put_start(out, text, most);
}

void readable_cell(struct buf *out, const char *text, size_t width)
{
	buf_printf(out, "%*s", (int)(width + 1 - put_start(out, text, width)), "");
}

/* What acts can stand only inside a string, but for the blanks that JSON allows. */
void readable_json(struct buf *out, const char *json, size_t len)
{
	while (len) {
		size_t bytes;
		uint32_t code = character(json, len, &bytes);

		if (!acts(code) || code == '\n')
			buf_put(
			    out, code == 0xfffd ? replacement : json, code == 0xfffd ? sizeof replacement - 1 : bytes);
		else if (code < ' ')
			buf_putc(out, ' ');
		else if (code > 0xffff)
			buf_printf(out, "\\u%04x\\u%04x", 0xd7c0 + (code >> 10), 0xdc00 + (code & 0x3ff));
		else
			buf_printf(out, "\\u%04x", code);
		json += bytes;
		len -= bytes;
	}
}

/* -------------------------------------------------------------------------- values */

void readable_label(struct buf *out, const char *label)
{
	buf_printf(out, "%-10s ", label);
}

void readable_time(struct buf *out, const char *iso8601)
{
	char text[32];
	int64_t wall_ms;
	struct tm tm;
	time_t at;

	if (!iso8601 || !clock_parse(iso8601, &wall_ms)) {
		buf_putc(out, '-');
		return;
	}
	at = (time_t)(wall_ms / 1000);
	if (localtime_r(&at, &tm) && strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm))
		buf_puts(out, text);
}

void readable_seconds(struct buf *out, double seconds)
{
	long long whole = seconds > 0 && seconds < 1e12 ? (long long)seconds : 0, hours = whole / 3600;

	if (hours >= 24)
		buf_printf(out, "%lld day%s ", hours / 24, hours / 24 == 1 ? "" : "s");
	if (hours)
		buf_printf(out, "%lld:%02lld:%02lld", hours % 24, whole / 60 % 60, whole % 60);
	else
		buf_printf(out, "%lld:%02lld", whole / 60, whole % 60);
}

void readable_usd(struct buf *out, double usd)
{
	buf_printf(out, "$%.*f", fabs(usd) < 1 && usd != 0 ? 4 : 2, usd);
}

void readable_bytes(struct buf *out, double bytes)
{
	static const char *const units[] = { "KB", "MB", "GB", "TB" };
	size_t unit = 0;

	if (bytes < 1000) {
		buf_printf(out, "%.0f bytes", bytes);
		return;
	}
	for (bytes /= 1000; bytes >= 999.5 && unit < 3; unit++)
		bytes /= 1000;
	buf_printf(out, bytes < 10 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}
