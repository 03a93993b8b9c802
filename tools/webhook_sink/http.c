#include "tools/webhook_sink/http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

long line_read(struct line *l, void *out, size_t want)
{
	if (l->ssl)
		return SSL_read(l->ssl, out, (int)want);
	return recv(l->fd, out, want, 0);
}

bool line_write(struct line *l, const void *bytes, size_t len)
{
	const char *from = bytes;

	while (len) {
		long n = l->ssl ? SSL_write(l->ssl, from, len > 1 << 20 ? 1 << 20 : (int)len)
				: send(l->fd, from, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		from += n;
		len -= (size_t)n;
	}
	return true;
}

/* Reads until there are `need` bytes; false at the end of the connection. */
static bool fill(struct line *l, struct sink_request *q, size_t need)
{
	while (q->len < need) {
		long n = line_read(l, q->bytes + q->len, need - q->len);

		if (n <= 0)
			return false;
		q->len += (size_t)n;
		q->bytes[q->len] = '\0';
	}
	return true;
}

/* The head, byte by byte, so that nothing of the body is in it. */
static bool read_head(struct line *l, struct sink_request *q)
{
	while (q->len < 65536) {
		if (!fill(l, q, q->len + 1))
			return false;
		if (q->len >= 4 && !memcmp(q->bytes + q->len - 4, "\r\n\r\n", 4))
			return true;
	}
	return false;
}

static char *cut(char *text, const char *at)
{
	char *found = strstr(text, at);

	if (!found)
		return NULL;
	*found = '\0';
	return found + strlen(at);
}

static bool parse_head(struct sink_request *q)
{
	char *rest = q->bytes, *line = rest, *path, *query;

	if (!(rest = cut(line, "\r\n")) || !(path = cut(line, " ")) || !cut(path, " HTTP/1."))
		return false;
	q->method = line;
	q->path = path;
	query = cut(path, "?");
	q->query = query ? query : "";
	for (line = rest; (rest = cut(line, "\r\n")) && *line; line = rest) {
		char *value = cut(line, ":");

		if (!value || q->header_count == HEADERS_MAX)
			return false;
		q->headers[q->header_count].name = line;
		q->headers[q->header_count++].value = value + strspn(value, " ");
	}
	return true;
}

const char *request_header(const struct sink_request *q, const char *name)
{
	for (size_t i = 0; i < q->header_count; i++)
		if (!strcasecmp(q->headers[i].name, name))
			return q->headers[i].value;
	return NULL;
}

bool request_read(struct line *l, struct sink_request *q)
{
	const char *length;
	size_t head;

	memset(q, 0, sizeof *q);
	q->bytes = malloc(REQUEST_MAX + 1);
	if (!q->bytes || !read_head(l, q) || !parse_head(q))
		return false;
	head = q->len;
	length = request_header(q, "Content-Length");
	q->body = q->bytes + head;
	q->body_len = length ? strtoul(length, NULL, 10) : 0;
	return q->body_len <= REQUEST_MAX - head && fill(l, q, head + q->body_len);
}

void request_free(struct sink_request *q)
{
	free(q->bytes);
}
