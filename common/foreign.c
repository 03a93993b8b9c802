#include "common/foreign.h"

#include "common/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------ mending */

/* Both take the place of one character: escaped, and as it is. */
static const char escaped[] = "\\ufffd", plain[] = "\xef\xbf\xbd";

enum { ESCAPE = JSON_ESCAPE, REPLACEMENT = 0xfffd };

struct mender {
	const char *p, *end;
	struct buf *out;
	int depth;
};

static bool is_high(int code)
{
	return code >= 0xd800 && code <= 0xdbff;
}

static bool is_low(int code)
{
	return code >= 0xdc00 && code <= 0xdfff;
}

/* Two escapes may be one character. A backslash that begins no escape is the
 * bad character, and the next one stands for itself. */
static void mend_escape(struct mender *m)
{
	int code = json_escape(m->p, m->end);
	size_t len = code >= 0 ? ESCAPE : 2;

	if (is_high(code) && is_low(json_escape(m->p + ESCAPE, m->end))) {
		buf_put(m->out, m->p, 2 * ESCAPE);
		m->p += 2 * ESCAPE;
	} else if (code >= 0 ? code && !is_high(code) && !is_low(code)
			     : m->end - m->p > 1 && m->p[1] && strchr("\"\\/bfnrt", m->p[1])) {
		buf_put(m->out, m->p, len);
		m->p += len;
	} else {
		buf_put(m->out, escaped, ESCAPE);
		m->p += code >= 0 ? ESCAPE : 1;
	}
}

/* From the opening quote to behind the closing one, or to the end. */
static void mend_string(struct mender *m)
{
	buf_putc(m->out, *m->p++);
	while (m->p < m->end && *m->p != '"') {
		size_t n = *m->p ? utf8_sequence(m->p, (size_t)(m->end - m->p)) : 0;

		if (*m->p == '\\') {
			mend_escape(m);
			continue;
		}
		buf_put(m->out, n ? m->p : plain, n ? n : sizeof plain - 1);
		m->p += n ? n : 1;
	}
	if (m->p < m->end)
		buf_putc(m->out, *m->p++);
}

/* Over an object or a list that is nested too deep. Its strings are gone
 * through, since they may hold brackets. */
static void skip_deep(struct mender *m)
{
	struct buf *out = m->out, unused;
	int depth = 0;

	buf_init(&unused, 0);
	m->out = &unused;
	do {
		if (*m->p == '"') {
			mend_string(m);
			buf_reset(&unused);
			continue;
		}
		depth += (*m->p == '{' || *m->p == '[') - (*m->p == '}' || *m->p == ']');
		m->p++;
	} while (depth > 0 && m->p < m->end);
	m->out = out;
	buf_free(&unused);
	buf_puts(out, "null");
}

static void mend(struct mender *m)
{
	while (m->end - m->p >= 3 && !memcmp(m->p, "\xef\xbb\xbf", 3))
		m->p += 3;
	while (m->p < m->end) {
		char ch = *m->p;

		if (ch == '"') {
			mend_string(m);
			continue;
		}
		if ((ch == '{' || ch == '[') && m->depth == JSON_MAX_DEPTH) {
			skip_deep(m);
			continue;
		}
		m->depth += (ch == '{' || ch == '[') - (ch == '}' || ch == ']');
		buf_putc(m->out, (unsigned char)ch < ' ' && !(ch && strchr("\t\n\r", ch)) ? ' ' : ch);
		m->p++;
	}
}

char *foreign_mended(const char *text, size_t len, size_t *mended_len)
{
	struct buf out;

	/* No character grows to more than the three bytes of another one, but for a
	 * backslash. */
	buf_init(&out, (len + 1) * ESCAPE);
	mend(&(struct mender){ .p = text, .end = text + len, .out = &out });
	*mended_len = out.len;
	if (!buf_error(&out))
		return out.data ? out.data : strdup("");
	buf_free(&out);
	return NULL;
}

cJSON *foreign_json(const char *text, size_t len)
{
	cJSON *tree = json_parse(text, len);
	size_t mended_len;
	char *mended;

	if (tree || !(mended = foreign_mended(text, len, &mended_len)))
		return tree;
	tree = json_parse(mended, mended_len);
	free(mended);
	return tree;
}

/* A backslash that begins no escape is the bad character, and the next one stands for itself. */
static int32_t unescaped(const char *p, const char *end, size_t *used)
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	int code = json_escape(p, end), low = code >= 0 ? json_escape(p + ESCAPE, end) : -1;
	const char *letter = end - p > 1 && p[1] ? strchr(letters, p[1]) : NULL;

	*used = code >= 0 ? ESCAPE : letter ? 2 : 1;
	if (is_high(code) && is_low(low)) {
		*used = 2 * ESCAPE;
		return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	if (code > 0 && !is_high(code) && !is_low(code))
		return code;
	return code < 0 && letter ? meant[letter - letters] : REPLACEMENT;
}

int32_t foreign_character(struct span string, size_t *at)
{
	const char *p = string.p + *at, *end = string.p + string.n;
	int32_t code = REPLACEMENT;
	size_t n;

	if (*at >= string.n)
		return -1;
	if (*p == '\\') {
		code = unescaped(p, end, &n);
	} else if ((n = *p ? utf8_sequence(p, (size_t)(end - p)) : 0)) {
		code = utf8_code(p, n);
	}
	*at += n ? n : 1;
	return code;
}

static void put_utf8(struct buf *out, int32_t code)
{
	static const unsigned char mark[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	int more = (code >= 0x80) + (code >= 0x800) + (code >= 0x10000);

	buf_putc(out, (char)(mark[more ? more + 1 : 0] | code >> 6 * more));
	while (more--)
		buf_putc(out, (char)(0x80 | (code >> 6 * more & 0x3f)));
}

void foreign_put_text(struct buf *out, struct span string)
{
	int32_t code;

	for (size_t at = 0; (code = foreign_character(string, &at)) >= 0;)
		put_utf8(out, code);
}

/* -------------------------------------------------------------------------- names */

static const char own[] = "longer-than-512-bytes-";

bool foreign_id_take(char out[FOREIGN_ID_SIZE], const char *id, size_t len)
{
	uint8_t hash[SHA256_BYTES];
	char *at = out;

	*out = '\0';
	if (!id || !len)
		return false;
	if (len < FOREIGN_ID_SIZE) {
		memcpy(out, id, len);
		out[len] = '\0';
		return true;
	}
	sha256(id, len, hash);
	at += snprintf(at, FOREIGN_ID_SIZE, "%s", own);
	for (size_t i = 0; i < sizeof hash; i++)
		at += snprintf(at, 3, "%02x", hash[i]);
	return true;
}

bool foreign_id_is_theirs(const char *id)
{
	return strncmp(id, own, sizeof own - 1) != 0;
}

void foreign_id_copy(char out[FOREIGN_ID_SIZE], const char *id)
{
	size_t len = id ? strlen(id) : 0;

	out[0] = '\0';
	if (len < FOREIGN_ID_SIZE)
		memcpy(out, id ? id : "", len + 1);
}

bool foreign_id_is_plain(const char *id, size_t len)
{
	if (len == 0 || len >= FOREIGN_ID_SIZE)
		return false;
	for (size_t i = 0; i < len; i++)
		if (id[i] <= ' ' || id[i] > '~' || id[i] == '"' || id[i] == '\\')
			return false;
	return true;
}
