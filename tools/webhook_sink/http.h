#ifndef WEBHOOK_SINK_HTTP_H
#define WEBHOOK_SINK_HTTP_H
/* One request of one connection, plain or TLS, and the pieces of an answer. */
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

enum { REQUEST_MAX = 4 * 1024 * 1024, HEADERS_MAX = 64 };

struct line {
	int fd;
	SSL *ssl; /* NULL: plain */
};

struct sink_request {
	char *bytes; /* owned: all of it; the rest points into it */
	size_t len;
	const char *method, *path, *query; /* query "" if none */
	struct {
		const char *name, *value;
	} headers[HEADERS_MAX];
	size_t header_count;
	const char *body;
	size_t body_len;
};

/* Up to `want` bytes; as read(2). */
long line_read(struct line *l, void *out, size_t want);
bool line_write(struct line *l, const void *bytes, size_t len);

/* False if it was cut short or is no HTTP request; to be freed either way. */
bool request_read(struct line *l, struct sink_request *q);
void request_free(struct sink_request *q);

const char *request_header(const struct sink_request *q, const char *name); /* NULL if absent */

#endif
