#include "tools/phone/message.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kit/text.h"
#include "tools/kit/utf8.h"

struct scan {
	const char *at, *end;
	const char *why; /* the first thing that was wrong */
};

struct slice {
	const char *p; /* NULL: not there */
	size_t len;
};

static bool wrong(struct scan *s, const char *why)
{
	if (!s->why)
		s->why = why;
	return false;
}

static void skip_space(struct scan *s)
{
	while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
		s->at++;
}

static bool eat(struct scan *s, char c)
{
	skip_space(s);
	if (s->at == s->end || *s->at != c)
		return wrong(s, "it is not JSON");
	s->at++;
	return true;
}

/* A string, raw between its quotes; its escapes are checked when they are undone. */
static bool string(struct scan *s, struct slice *out)
{
	if (!eat(s, '"'))
		return false;
	out->p = s->at;
	for (;;) {
		const char *quote = memchr(s->at, '"', (size_t)(s->end - s->at));
		const char *c = quote;

		if (!quote)
			return wrong(s, "a string has no end");
		while (c > out->p && c[-1] == '\\')
			c--;
		s->at = quote + 1;
		if ((quote - c) % 2 == 0) {
			out->len = (size_t)(quote - out->p);
			break;
		}
	}
	for (size_t i = 0; i < out->len; i++)
		if ((unsigned char)out->p[i] < 0x20)
			return wrong(s, "a control character is in a string");
	return true;
}

static bool is(struct slice s, const char *word)
{
	return s.p && s.len == strlen(word) && memcmp(s.p, word, s.len) == 0;
}

/* An object of exactly one string called `name`. */
static bool inner(struct scan *s, const char *name, struct slice *out)
{
	struct slice key;

	if (out->p)
		return wrong(s, "a field is there twice");
	if (!eat(s, '{') || !string(s, &key) || !eat(s, ':'))
		return false;
	if (!is(key, name))
		return wrong(s, "a field is not known");
	skip_space(s);
	if (s->at == s->end || *s->at != '"')
		return wrong(s, "a field is not a string");
	if (!string(s, out))
		return false;
	skip_space(s);
	if (s->at < s->end && *s->at == ',')
		return wrong(s, "there is a surplus field");
	return eat(s, '}');
}

static bool outer(struct scan *s, struct slice *event, struct slice *sid, struct slice *payload, struct slice *name)
{
	if (!eat(s, '{'))
		return false;
	for (;;) {
		struct slice key;
		bool ok;

		if (!string(s, &key) || !eat(s, ':'))
			return false;
		skip_space(s);
		if (is(key, "media"))
			ok = inner(s, "payload", payload);
		else if (is(key, "mark"))
			ok = inner(s, "name", name);
		else if (is(key, "event"))
			ok = event->p ? wrong(s, "a field is there twice") : string(s, event);
		else if (is(key, "streamSid"))
			ok = sid->p ? wrong(s, "a field is there twice") : string(s, sid);
		else
			ok = wrong(s, "there is a surplus field");
		if (!ok)
			return false;
		skip_space(s);
		if (s->at < s->end && *s->at == ',') {
			s->at++;
			continue;
		}
		if (!eat(s, '}'))
			return false;
		skip_space(s);
		return s->at == s->end ? true : wrong(s, "there is more after the object");
	}
}

static bool shape(struct scan *s, struct message *out, struct slice event, struct slice payload, struct slice name)
{
	bool media = is(event, "media"), mark = is(event, "mark");
	struct slice value = media ? payload : mark ? name : (struct slice){ "", 0 };

	if (!media && !mark && !is(event, "clear"))
		return wrong(s, event.p ? "the event is not known" : "there is no event");
	if ((payload.p && !media) || (name.p && !mark))
		return wrong(s, "there is a surplus field");
	if (!value.p)
		return wrong(s, "a field is missing");
	*out = (struct message){ media ? MESSAGE_MEDIA : mark ? MESSAGE_MARK : MESSAGE_CLEAR, value.p, value.len };
	return true;
}

int message_read(struct message *out, const char *text, size_t len, const char *stream_sid, const char **why)
{
	struct scan s = { text, text + len, NULL };
	struct slice event = { 0 }, sid = { 0 }, payload = { 0 }, name = { 0 };

	*out = (struct message){ 0 };
	if (!utf8_ok(text, len))
		wrong(&s, "it is not UTF-8");
	else if (outer(&s, &event, &sid, &payload, &name) && shape(&s, out, event, payload, name)) {
		if (!sid.p)
			wrong(&s, "there is no streamSid");
		else if (!is(sid, stream_sid))
			wrong(&s, "the streamSid is another's");
	}
	*why = s.why;
	return s.why ? -1 : 0;
}

static long hex4(const char *s, size_t len)
{
	long v = 0;

	if (len < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = s[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;

		if (digit < 0)
			return -1;
		v = v * 16 + digit;
	}
	return v;
}

static size_t put_utf8(char *out, long c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xC0 | c >> 6);
		out[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xE0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 63));
		out[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	out[0] = (char)(0xF0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 63));
	out[2] = (char)(0x80 | (c >> 6 & 63));
	out[3] = (char)(0x80 | (c & 63));
	return 4;
}

/* \uXXXX, or two of them for one character; returns how many bytes of `s` it took, 0 if wrong. */
static size_t unescape_u(const char *s, size_t len, char *out, size_t *wrote)
{
	long c = hex4(s, len);

	if (c <= 0 || (c >= 0xDC00 && c < 0xE000))
		return 0;
	if (c >= 0xD800 && c < 0xDC00) {
		long low = len >= 10 && s[4] == '\\' && s[5] == 'u' ? hex4(s + 6, len - 6) : -1;

		if (low < 0xDC00 || low > 0xDFFF)
			return 0;
		*wrote += put_utf8(out, 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00));
		return 10;
	}
	*wrote += put_utf8(out, c);
	return 4;
}

char *message_unescape(const char *s, size_t len)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	char *out = need(len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		const char *simple;
		size_t took;

		if (s[i] != '\\') {
			out[n++] = s[i];
			continue;
		}
		if (++i < len && s[i] == 'u') {
			took = unescape_u(s + i + 1, len - i - 1, out + n, &n);
			if (!took)
				goto bad;
			i += took;
			continue;
		}
		simple = i < len && s[i] ? strchr(from, s[i]) : NULL;
		if (!simple)
			goto bad;
		out[n++] = to[simple - from];
	}
	out[n] = '\0';
	return out;
bad:
	free(out);
	return NULL;
}
