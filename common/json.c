#include "common/json.h"

#include "common/base64.h"

#include <errno.h>
#include <string.h>

/* ------------------------------------------------------------- the scanner */

struct cursor {
	const char *p, *end;
};

static void skip_space(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
		c->p++;
}

/* From the opening quote to behind the closing one. */
static bool skip_string(struct cursor *c, struct span *inside)
{
	const char *start = ++c->p;

	for (;;) {
		const char *quote = memchr(c->p, '"', (size_t)(c->end - c->p));
		const char *back;

		if (!quote)
			return false;
		/* A quote behind an odd run of backslashes is part of the text. */
		for (back = quote; back > start && back[-1] == '\\'; back--)
			;
		c->p = quote + 1;
		if ((quote - back) % 2 == 0) {
			inside->p = start;
			inside->n = (size_t)(quote - start);
			return true;
		}
	}
}

/* Over one value of any kind; nesting is only counted, never recursed into. */
static bool skip_value(struct cursor *c, struct span *value)
{
	const char *start = c->p;
	struct span ignored;
	int depth = 0;

	if (c->p < c->end && *c->p == '"')
		return skip_string(c, value);
	while (c->p < c->end) {
		char ch = *c->p;

		if (ch == '"') {
			if (!skip_string(c, &ignored))
				return false;
			continue;
		}
		if (ch == '{' || ch == '[') {
			if (++depth > JSON_MAX_DEPTH)
				return false;
		} else if (ch == '}' || ch == ']') {
			if (depth == 0)
				break;
			if (--depth == 0) {
				c->p++;
				break;
			}
		} else if (depth == 0 && (ch == ',' || ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r')) {
			break;
		}
		c->p++;
	}
	value->p = start;
	value->n = (size_t)(c->p - start);
	return depth == 0 && value->n > 0;
}

bool json_scan(const char *text, size_t len, const char *key, struct span *value)
{
	struct cursor c = { text, text + len };
	size_t key_len = strlen(key);
	struct span name;

	skip_space(&c);
	if (c.p == c.end || *c.p++ != '{')
		return false;
	for (;;) {
		skip_space(&c);
		if (c.p == c.end || *c.p != '"' || !skip_string(&c, &name))
			return false;
		skip_space(&c);
		if (c.p == c.end || *c.p++ != ':')
			return false;
		skip_space(&c);
		if (!skip_value(&c, value))
			return false;
		if (name.n == key_len && !memcmp(name.p, key, key_len))
			return true;
		skip_space(&c);
		if (c.p == c.end || *c.p++ != ',')
			return false;
	}
}

bool span_quoted(struct span value)
{
	/* Of an object's value: a key and a colon always stand before it. */
	return value.p[-1] == '"';
}

bool span_is(struct span s, const char *literal)
{
	return s.n == strlen(literal) && !memcmp(s.p, literal, s.n);
}

bool span_u64(struct span s, uint64_t *value)
{
	uint64_t v = 0;

	if (s.n == 0 || s.n > 19)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(s.p[i] - '0');
	}
	*value = v;
	return true;
}

/* --------------------------------------------------------------- the parser */

/* RFC 3629: no surrogates, nothing longer than needed, nothing over U+10FFFF. */
size_t utf8_sequence(const char *text, size_t left)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned low = 0x80, high = 0xbf;
	size_t n;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (left < n)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

int32_t utf8_code(const char *text, size_t n)
{
	static const unsigned char first[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	int32_t code = (unsigned char)text[0] & first[n];

	for (size_t i = 1; i < n; i++)
		code = code << 6 | ((unsigned char)text[i] & 0x3f);
	return code;
}

size_t utf8_whole(const char *text, size_t len, size_t most)
{
	if (len <= most)
		return len;
	while (most && ((unsigned char)text[most] & 0xc0) == 0x80)
		most--;
	return most;
}

bool utf8_valid(const char *text, size_t len)
{
	const char *p = text;
	uint64_t eight;

	while (len) {
		size_t n;

		/* Audio comes as thousands of ASCII characters in a row. */
		for (; len >= sizeof eight; p += sizeof eight, len -= sizeof eight) {
			memcpy(&eight, p, sizeof eight);
			if (eight & 0x8080808080808080)
				break;
		}
		if (!len)
			break;
		n = utf8_sequence(p, len);
		if (!n)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

/* Where text that json_parse refuses is wrong, and how. */
struct refusal {
	const char *at;
	const char *sentence;
};

static bool refuse(struct refusal *r, const char *at, const char *sentence)
{
	r->at = at;
	r->sentence = sentence;
	return false;
}

static bool utf8_until(const char *text, size_t len, struct refusal *r)
{
	const char *p = text;

	if (utf8_valid(text, len))
		return true;
	for (size_t n; len && (n = utf8_sequence(p, len)); len -= n)
		p += n;
	return refuse(r, p, "is not UTF-8 from here on");
}

int json_escape(const char *p, const char *end)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	int code = 0;

	if (end - p < JSON_ESCAPE || p[0] != '\\' || p[1] != 'u')
		return -1;
	for (int i = 2; i < JSON_ESCAPE; i++) {
		const char *digit = p[i] ? strchr(digits, p[i]) : NULL;

		if (!digit)
			return -1;
		code = code * 16 + (int)(digit - digits) - (digit - digits > 15 ? 6 : 0);
	}
	return code;
}

/* What must hold before cJSON, which recurses, may see the text. */
static bool fit_for_parser(const char *text, size_t len, struct refusal *r)
{
	bool in_string = false;
	int depth = 0;

	for (size_t i = 0; i < len; i++) {
		char ch = text[i];

		if (ch == '\0')
			return refuse(r, text + i, "has a NUL byte here");
		if (in_string) {
			if (ch == '\\') {
				int code = json_escape(text + i, text + len);

				if (!code)
					return refuse(r, text + i, "has \\u0000 here, which no text of ours can hold");
				i++;
				if (i < len && text[i] == '\0')
					return refuse(r, text + i, "has a NUL byte here");
				if (i < len && text[i] == 'u' && code < 0)
					return refuse(r, text + i - 1, "has \\u without four digits here");
			} else if (ch == '"') {
				in_string = false;
			}
		} else if (ch == '"') {
			in_string = true;
		} else if (ch == '{' || ch == '[') {
			if (++depth > JSON_MAX_DEPTH)
				return refuse(r, text + i, "is nested deeper than 32 here");
		} else if (ch == '}' || ch == ']') {
			depth--;
		} else if ((unsigned char)ch < ' ' && ch != '\t' && ch != '\n' && ch != '\r') {
			/* To cJSON all of these are blanks. */
			return refuse(r, text + i, "has a control character here");
		}
	}
	return utf8_until(text, len, r);
}

static cJSON *parse(const char *text, size_t len, struct refusal *r)
{
	const char *end = text;
	struct cursor rest;
	cJSON *tree;

	if (!len) {
		refuse(r, text, "is empty");
		return NULL;
	}
	if (!fit_for_parser(text, len, r))
		return NULL;
	tree = cJSON_ParseWithLengthOpts(text, len, &end, false);
	if (!tree) {
		rest = (struct cursor){ end, text + len };
		skip_space(&rest);
		refuse(r, end, rest.p == rest.end ? "ends here, before it is complete" : "is not JSON here");
		return NULL;
	}
	rest = (struct cursor){ end, text + len };
	skip_space(&rest);
	if (rest.p != rest.end) {
		refuse(r, rest.p, "goes on here, after its end");
		cJSON_Delete(tree);
		return NULL;
	}
	return tree;
}

cJSON *json_parse(const char *text, size_t len)
{
	struct refusal unused;

	return parse(text, len, &unused);
}

cJSON *json_parse_telling(const char *text, size_t len, struct json_fault *fault)
{
	struct refusal r = { text, NULL };
	cJSON *tree = parse(text, len, &r);

	if (tree)
		return tree;
	*fault = (struct json_fault){ .line = 1, .column = 1, .sentence = r.sentence };
	for (const char *p = text; p < r.at; p++) {
		if (*p == '\n') {
			fault->line++;
			fault->column = 1;
		} else if (((unsigned char)*p & 0xc0) != 0x80) {
			fault->column++;
		}
	}
	return NULL;
}

bool json_unique(const cJSON *tree)
{
	const cJSON *a, *b;
	int names = 0;

	cJSON_ArrayForEach(a, tree)
	{
		if (!json_unique(a))
			return false;
		if (!cJSON_IsObject(tree))
			continue;
		if (++names > JSON_NAMES_MAX)
			return false;
		for (b = tree->child; b != a; b = b->next)
			if (!strcmp(a->string, b->string))
				return false;
	}
	return true;
}

ssize_t json_base64(struct span value, uint8_t *out)
{
	ssize_t len;
	cJSON *string;

	/* Before a string stands its quote; behind anything else nothing need stand. */
	if (value.p[-1] != '"')
		return -EINVAL;
	len = base64_decode(out, value.p, value.n);
	if (len >= 0 || !memchr(value.p, '\\', value.n))
		return len;
	string = json_parse(value.p - 1, value.n + 2);
	if (cJSON_IsString(string))
		len = base64_decode(out, string->valuestring, strlen(string->valuestring));
	cJSON_Delete(string);
	return len;
}

const cJSON *json_get(const cJSON *o, const char *key)
{
	return cJSON_IsObject(o) ? cJSON_GetObjectItemCaseSensitive(o, key) : NULL;
}

const char *json_str(const cJSON *o, const char *key)
{
	const cJSON *field = json_get(o, key);

	return cJSON_IsString(field) ? field->valuestring : NULL;
}

bool json_num(const cJSON *o, const char *key, double *value)
{
	const cJSON *field = json_get(o, key);

	if (!cJSON_IsNumber(field))
		return false;
	*value = field->valuedouble;
	return true;
}

int64_t json_count(const cJSON *o, const char *key)
{
	double value;

	return json_num(o, key, &value) && value > 0 && value < 1e9 ? (int64_t)value : 0;
}

double json_num_or_0(const cJSON *o, const char *key)
{
	double value = 0;

	json_num(o, key, &value);
	return value;
}

bool json_bool(const cJSON *o, const char *key, bool fallback)
{
	const cJSON *field = json_get(o, key);

	return cJSON_IsBool(field) ? cJSON_IsTrue(field) : fallback;
}

/* --------------------------------------------------------------- the writer */

void json_put_string(struct buf *out, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t plain = 0; /* bytes before p that need no change */

	buf_putc(out, '"');
	while (len) {
		size_t n = utf8_sequence((const char *)p, len);

		if (n && *p >= 0x20 && *p != '"' && *p != '\\' && *p != 0x7f) {
			plain += n;
			p += n;
			len -= n;
			continue;
		}
		buf_put(out, p - plain, plain);
		plain = 0;
		if (!n)
			buf_puts(out, "\xef\xbf\xbd");
		else if (*p == '"' || *p == '\\')
			buf_printf(out, "\\%c", *p);
		else if (*p == '\n')
			buf_puts(out, "\\n");
		else
			buf_printf(out, "\\u%04x", *p);
		p++;
		len--;
	}
	buf_put(out, p - plain, plain);
	buf_putc(out, '"');
}

void json_put_cstring(struct buf *out, const char *text)
{
	if (text)
		json_put_string(out, text, strlen(text));
	else
		buf_puts(out, "null");
}

void json_put_base64(struct buf *out, const uint8_t *bytes, size_t len)
{
	char *room;

	buf_putc(out, '"');
	room = buf_room(out, BASE64_SIZE(len));
	if (room)
		buf_grew(out, base64_encode(room, bytes, len));
	buf_putc(out, '"');
}
