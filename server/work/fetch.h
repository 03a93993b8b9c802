#ifndef WORK_FETCH_H
#define WORK_FETCH_H
/* One HTTP/1.1 request to somebody else's server, through libcurl: TLS with
 * verified certificates, a deadline for the whole, a bound on the response. The
 * environment's proxies are used as curl uses them (https_proxy, no_proxy …).
 *
 * A request is written at most once: connections are not kept, and nothing is
 * repeated behind the caller's back. `sent` in the response tells whether a repeat
 * is safe.
 *
 * Blocks: for job threads and HTTP workers only, never a call's loops. Call
 * fetch_setup once before threads start; the program ignores SIGPIPE.
 */
#include "common/buf.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FETCH_HEADERS_MAX = 16, FETCH_ERROR_SIZE = 200 };

/* A part of a form that is sent as multipart/form-data. */
struct fetch_part {
	const char *name;
	const char *value;      /* a text; NULL: the file is sent */
	const char *file;       /* its path: read while it is sent */
	const char *name_there; /* what the file is called there */
	const char *type;       /* the file's */
};

struct fetch_request {                          /* all borrowed */
	const char *method;                     /* "POST", … */
	const char *url;                        /* http:// or https:// */
	const char *headers[FETCH_HEADERS_MAX]; /* "Name: value"; one with a line break fails */
	size_t header_count;
	const char *user, *password; /* HTTP basic; NULL: none */
	const char *body;            /* NULL: none */
	size_t body_len;
	const struct fetch_part *parts; /* a form instead of a body, with a Content-Type of its own */
	size_t part_count;              /* 0: none */
	int timeout_ms;                 /* for everything, look-up included */
	size_t response_max;            /* bytes of the body, once it is decoded; a larger one fails */
	bool decoded;                   /* a body that comes compressed is decoded; else it stays as it came */
	const char *ca_file;            /* "" or NULL: the system's */
	const _Atomic bool *cancel;     /* looked at about once a second; NULL: never. See jobs_cancel */
};

/* The failure, when there is no whole response. */
enum fetch_failure {
	FETCH_OK,
	FETCH_NOT_SENT, /* bad URL, no such name, no connection in time, TLS refused: no byte reached them */
	FETCH_UNKNOWN,  /* sent, or perhaps sent, but no whole response came */
	FETCH_TIMEOUT,  /* the same by the deadline */
	FETCH_TOO_LARGE,
	FETCH_GARBLED,  /* compressed in no way we know, or wrongly */
	FETCH_CANCELLED /* by `cancel` or by a sink, before or after it was sent */
};

struct fetch_response {
	enum fetch_failure failure;
	bool sent;  /* true as soon as a byte of the request may have reached them */
	int status; /* HTTP, as soon as it came, whatever went wrong after it; 0 before */
	char content_type[128];
	int64_t length;         /* Content-Length; -1: absent */
	char content_range[80]; /* "": absent */
	int64_t retry_after_s;  /* Retry-After in seconds from now; -1: absent */
	int64_t took_ms;
	struct buf body;              /* owned; with a failure, the part that had come */
	char error[FETCH_ERROR_SIZE]; /* a sentence, without credentials; "" on FETCH_OK */
};

/* 0 or -errno. */
int fetch_setup(void);
void fetch_teardown(void);

/* Redirects are not followed: a 3xx is the response. Always fills in `out`, which
 * fetch_response_free ends. */
void fetch(const struct fetch_request *request, struct fetch_response *out);

/* The taker of a long response, piece by piece, as it comes. */
struct fetch_sink {
	bool (*piece)(void *arg, const char *bytes, size_t len); /* may block; false ends it all */
	void *arg;
	int idle_ms; /* the longest wait for the first piece, and for each that follows */
};

/* The same, but the body of a 2xx goes to the sink, however long, and is not
 * kept; status and headers are in `out` before the first piece. Any other body
 * goes to `out`, and response_max bounds that one. */
void fetch_stream(const struct fetch_request *request, const struct fetch_sink *sink, struct fetch_response *out);

void fetch_response_free(struct fetch_response *response);

/* For a handle of libcurl's that is not fetch's own: http and https alone, and certificates are
 * verified as here. `ca_file` as in the request. */
void fetch_verify(void *handle, const char *ca_file);

const char *fetch_failure_name(enum fetch_failure failure);

#endif
