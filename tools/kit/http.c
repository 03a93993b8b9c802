#include "tools/kit/http.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEAD_MAX = 64 * 1024 };

bool http_next(const char **at, struct http_field *f)
{
	const char *line = strstr(*at, "\r\n"), *end, *colon;

	if (!line || !line[2] || line[2] == '\r')
		return false;
	line += 2;
	end = line + strcspn(line, "\r");
	colon = memchr(line, ':', (size_t)(end - line));
	*at = line;
	*f = (struct http_field){ .name = line, .name_len = (size_t)((colon ? colon : end) - line) };
	if (!colon)
		return true;
	f->value = colon + 1 + strspn(colon + 1, " \t");
	while (end > f->value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	f->value_len = (size_t)(end - f->value);
	return true;
}

int http_header(const char *head, const char *name, char *out, size_t size)
{
	struct http_field f;
	size_t used = 0;
	int count = 0;

	out[0] = '\0';
	while (http_next(&head, &f)) {
		int wrote;

		if (!f.value || f.name_len != strlen(name) || strncasecmp(f.name, name, f.name_len) != 0)
			continue;
		wrote = snprintf(out + used, size - used, "%s%.*s", count ? ", " : "", (int)f.value_len, f.value);
		used = used + (size_t)wrote < size ? used + (size_t)wrote : size - 1;
		count++;
	}
	return count;
}

/* "METHOD /path?query HTTP/1.1" */
static bool read_target(struct http_request *q)
{
	const char *head = text_str(&q->head), *target = head + strcspn(head, " \r"), *end, *mark;

	if (*target++ != ' ')
		return false;
	end = target + strcspn(target, " \r");
	if (strncmp(end, " HTTP/1.", 8) != 0)
		return false;
	mark = memchr(target, '?', (size_t)(end - target));
	snprintf(q->method, sizeof q->method, "%.*s", (int)(target - 1 - head), head);
	snprintf(q->path, sizeof q->path, "%.*s", (int)((mark ? mark : end) - target), target);
	snprintf(q->query, sizeof q->query, "%.*s", mark ? (int)(end - mark - 1) : 0, mark ? mark + 1 : "");
	return true;
}

int http_request_take(struct http_request *q, struct text *in, size_t most)
{
	const char *end = in->len ? memmem(in->data, in->len, "\r\n\r\n", 4) : NULL;
	size_t head = end ? (size_t)(end - in->data) + 4 : 0, body;
	char length[24];

	if (!end)
		return in->len > HEAD_MAX ? -1 : 0;
	text_clear(&q->head);
	text_add(&q->head, in->data, head);
	if (!read_target(q))
		return -1;
	http_header(text_str(&q->head), "Content-Length", length, sizeof length);
	body = (size_t)strtoul(length, NULL, 10);
	if (body > most)
		return -1;
	if (in->len < head + body)
		return 0;
	text_add(&q->body, in->data + head, body);
	text_drop(in, head + body);
	return 1;
}

void http_request_free(struct http_request *q)
{
	text_free(&q->head);
	text_free(&q->body);
}

void http_begin(struct text *out, int status, const char *type, size_t body_len, const char *more)
{
	static const struct {
		int status;
		const char *words;
	} known[] = { { 200, "OK" }, { 201, "Created" }, { 206, "Partial Content" }, { 302, "Found" },
		{ 400, "Bad Request" }, { 401, "Unauthorized" }, { 403, "Forbidden" }, { 404, "Not Found" },
		{ 426, "Upgrade Required" }, { 429, "Too Many Requests" }, { 500, "Internal Server Error" },
		{ 503, "Service Unavailable" } };
	const char *words = status < 300 ? "Fine" : "Refused";

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		words = known[i].status == status ? known[i].words : words;
	text_printf(out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s", status, words, type,
	    body_len, more);
}

long url_decode(char *out, const char *s, size_t len, bool plus)
{
	long n = 0;

	for (size_t i = 0; i < len; i++) {
		char hex[3] = { 0 };

		out[n] = plus && s[i] == '+' ? ' ' : s[i];
		if (s[i] == '%') {
			if (i + 2 >= len || !isxdigit((unsigned char)s[i + 1]) || !isxdigit((unsigned char)s[i + 2]))
				return -1;
			memcpy(hex, s + i + 1, 2);
			out[n] = (char)strtol(hex, NULL, 16);
			i += 2;
		}
		n++;
	}
	out[n] = '\0';
	return n;
}

const char *query_value(const char *query, const char *name, int n, char *out, size_t size)
{
	size_t len = strlen(name);

	for (const char *p = query; *p; p += strcspn(p, "&"), p += *p == '&') {
		size_t value;

		if (strncmp(p, name, len) != 0 || p[len] != '=' || n-- > 0)
			continue;
		value = strcspn(p + len + 1, "&");
		value = value < size ? value : size - 1;
		/* What is no %XX stays as it is. */
		if (url_decode(out, p + len + 1, value, true) < 0)
			snprintf(out, size, "%.*s", (int)value, p + len + 1);
		return out;
	}
	return NULL;
}
