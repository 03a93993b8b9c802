#include "tools/phone/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEAD_MAX = 64 * 1024, BODY_MAX = 4 * 1024 * 1024 };

static int refuse(char *why, size_t size, const char *sentence)
{
	snprintf(why, size, "%s", sentence);
	return -1;
}

static int read_head(struct http_answer *a, char *why, size_t why_size)
{
	const char *end = a->raw.len ? memmem(a->raw.data, a->raw.len, "\r\n\r\n", 4) : NULL;
	char value[64], *stop;
	size_t head_len;
	const char *status = text_str(&a->raw);

	if (!end)
		return a->raw.len > HEAD_MAX ? refuse(why, why_size, "the head of the answer has no end") : 0;
	head_len = (size_t)(end - a->raw.data) + 4;
	text_add(&a->head, a->raw.data, head_len);
	text_drop(&a->raw, head_len);
	status = text_str(&a->head);
	if (strlen(status) != head_len)
		return refuse(why, why_size, "a NUL byte is in the head of the answer");
	if (strncmp(status, "HTTP/1.1 ", 9) != 0 && strncmp(status, "HTTP/1.0 ", 9) != 0)
		return refuse(why, why_size, "the answer does not begin as HTTP does");
	a->status = (int)strtol(status + 9, &stop, 10);
	if (stop != status + 12 || (*stop != ' ' && *stop != '\r') || a->status < 100)
		return refuse(why, why_size, "the answer has no status");
	if (a->status == 101 || a->status == 204 || a->status == 304) {
		a->done = true;
		return 0;
	}
	if (http_header(text_str(&a->head), "Transfer-Encoding", value, sizeof value)) {
		if (strcasecmp(value, "chunked") != 0)
			return refuse(why, why_size, "the answer has a transfer encoding that is not chunked");
		a->chunked = true;
		if (http_header(text_str(&a->head), "Content-Length", value, sizeof value))
			return refuse(why, why_size, "the answer has a length and is chunked");
	} else if (http_header(text_str(&a->head), "Content-Length", value, sizeof value)) {
		a->left = strtoul(value, &stop, 10);
		if (!*value || *stop || a->left > BODY_MAX)
			return refuse(why, why_size, "the answer has a senseless length");
		a->done = a->left == 0;
	} else {
		a->until_close = true;
	}
	return 0;
}

static size_t take_body(struct http_answer *a)
{
	size_t n = a->raw.len < a->left ? a->raw.len : a->left;

	text_add(&a->body, text_str(&a->raw), n);
	text_drop(&a->raw, n);
	a->left -= n;
	return n;
}

static int read_chunks(struct http_answer *a, char *why, size_t why_size)
{
	for (;;) {
		char *line_end, *stop;

		if (a->left) {
			take_body(a);
			if (a->left)
				return 0;
		}
		/* The line end after a chunk's data, then a size; after the last, trailers up to an empty line. */
		if (a->body.len && !a->last_chunk && a->raw.len < 2)
			return 0;
		if (a->body.len && !a->last_chunk && memcmp(a->raw.data, "\r\n", 2) == 0)
			text_drop(&a->raw, 2);
		line_end = a->raw.len ? memmem(a->raw.data, a->raw.len, "\r\n", 2) : NULL;
		if (!line_end)
			return 0;
		if (a->last_chunk) {
			a->done = line_end == a->raw.data;
			text_drop(&a->raw, (size_t)(line_end - a->raw.data) + 2);
			if (a->done)
				return 0;
			continue;
		}
		a->left = strtoul(a->raw.data, &stop, 16);
		if (stop == a->raw.data || (*stop != '\r' && *stop != ';') || a->left > BODY_MAX)
			return refuse(why, why_size, "a chunk of the answer has a senseless size");
		a->last_chunk = a->left == 0;
		text_drop(&a->raw, (size_t)(line_end - a->raw.data) + 2);
	}
}

int http_feed(struct http_answer *a, const void *bytes, size_t len, char *why, size_t why_size)
{
	text_add(&a->raw, bytes, len);
	if (!a->status && read_head(a, why, why_size) != 0)
		return -1;
	if (a->status && !a->done) {
		if (a->chunked) {
			if (read_chunks(a, why, why_size) != 0)
				return -1;
		} else if (a->until_close) {
			a->left = a->raw.len;
			take_body(a);
			a->done = len == 0;
		} else {
			take_body(a);
			a->done = a->left == 0;
		}
	}
	if (a->body.len > BODY_MAX)
		return refuse(why, why_size, "the answer is too large");
	if (len == 0 && !a->done)
		return refuse(why, why_size,
		    a->status ? "the connection ended inside the answer" : "the connection ended without an answer");
	return 0;
}

void http_free(struct http_answer *a)
{
	text_free(&a->head);
	text_free(&a->body);
	text_free(&a->raw);
	*a = (struct http_answer){ 0 };
}
