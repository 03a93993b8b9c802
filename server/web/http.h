#ifndef WEB_HTTP_H
#define WEB_HTTP_H
/* A request as our handlers see it, and the answer they make: values, without
 * CivetWeb and without sockets. The answer is built whole and written at once.
 */
#include "common/buf.h"
#include "common/foreign.h"
#include "common/hist.h"
#include "server/phone/form.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HTTP_HEADERS_MAX = 64,           /* CivetWeb keeps no more; at this number some may be missing */
	HTTP_BODY_MAX = 64 * 1024,       /* a webhook has about 1 KB */
	HTTP_ARG_SIZE = FOREIGN_ID_SIZE, /* the {part} of a path, with its NUL */
};

struct response;
struct writer; /* server/web/writer.h */

#define JSON_TYPE "application/json"
#define TEXT_TYPE "text/plain; charset=utf-8"

struct http_header {
	const char *name;
	const char *value;
};

/* All borrowed for as long as the handler runs. */
struct request {
	const char *method;
	const char *path;   /* as it came, not decoded, without the query */
	const char *query;  /* as it came, without '?'; NULL if there was none */
	const char *peer;   /* IPv4 address of the other end of the connection */
	const char *client; /* for the log: auth_client, or else the peer */
	struct http_header headers[HTTP_HEADERS_MAX];
	size_t header_count;
	const char *body; /* "" if none was read */
	size_t body_len;
	int64_t began_us; /* when we were handed it */

	/* By the route's row (routes.h), checked before its handler runs. */
	const struct form *params; /* the query, decoded: each name known, and there once; or NULL */
	const cJSON *json;         /* of BODY_JSON: an object, no name in it twice; else NULL */
	const struct form *form;   /* of BODY_FORM: its fields, decoded; else NULL */
	const char *public_url;    /* of ROUTE_TWILIO: our address, as Twilio sees it; "" if it is not known */
};

/* An answer that takes its time: the part after the headers. It gets one of
 * MAX_WATCHERS places; when none is free the client is told so instead. */
struct response_stream {
	/* First of all, once it has its place: slow work before the headers are
	 * known, within a few seconds. May change the answer, to an error too, which
	 * ends the stream (`done`). `stop`: the server wants its worker back. Or NULL. */
	void (*begin)(void *arg, struct response *r, const _Atomic bool *stop);
	void (*run)(void *arg, struct writer *w); /* writes until it is done or the writer fails; or NULL */
	void (*done)(void *arg);                  /* always, and once, whether or not it ran; or NULL */
	void *arg;
	int64_t len; /* how long it will be, or -1: its end is the connection's */
};

struct response {
	int status;
	const char *type;               /* of the body; a literal */
	struct buf headers;             /* owned; further lines: response_header */
	struct buf body;                /* owned */
	struct response_stream stream;  /* instead of a body, if it has a `run` */
	bool spoken;                    /* a caller hears it: TwiML, and never an error */
	char promised[FOREIGN_ID_SIZE]; /* the call whose line waits for this to arrive, or "" */
	struct hist *timing;            /* gets the time since began_us once it is written; or NULL */
};

/* Value of a header, whatever the case of its name, or NULL. */
const char *request_header(const struct request *q, const char *name);

/* Value of a query parameter that the route takes, or NULL. */
const char *request_param(const struct request *q, const char *name);

/* True if its headers announce a body, of whatever length. */
bool request_has_body(const struct request *q);

/* True if it asks to become a WebSocket. */
bool request_is_upgrade(const struct request *q);

/* True if it asks so as RFC 6455 §4.2.1 wants it. CivetWeb checks less, and
 * fails on the rest when it is too late. Else the refusal is in `r`. */
bool request_handshake_sound(const struct request *q, struct response *r);

/* Whether the header names this media type, whatever parameters follow. */
bool request_has_type(const struct request *q, const char *media_type);

/* The length of an address, or of a path, as far as it may be logged: a stream's
 * token opens a line, and a query may hold a caller's number. */
int url_loggable(const char *url);

/* Appends an address as it may be logged, its query too: what may be secret (a stream's
 * token, a value whose name says so, a long one) and what may be a telephone number
 * becomes "…". Cut at some 300 characters. */
void url_put_loggable(struct buf *out, const char *url);

/* Defects that CivetWeb lets through: too many headers to know them all, two
 * lengths, a length with chunks, a length that is no number, a body without a
 * certain end, two of a header that must be one (Host, Authorization,
 * Idempotency-Key, X-Twilio-Signature). 0, or the status to refuse it with and
 * a sentence. */
int request_defect(const struct request *q, const char **sentence);

void response_init(struct response *r);
/* Writes what is answered instead where memory was refused: it needs none. Returns its length. */
size_t response_put_sorry(const struct response *r, char *out, size_t size);
void response_free(struct response *r);

/* Adds a line to the headers; control characters in the value become '?'. */
void response_header(struct response *r, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* 202 and an object of two texts: of what, and what it is now. */
void response_accepted(
    struct response *r, const char *id_name, const char *id, const char *state_name, const char *state);

/* Replaces everything so far, headers and stream included, by
 * {"error":{"code":…,"message":…}}. */
void response_error(struct response *r, int status, const char *code, const char *message);

/* The same with ,"field":…: the field of the body ("items[2].name"), or the
 * parameter. 422 for a value that is well-formed and will not do, 400 in a query. */
void response_error_at(struct response *r, int status, const char *code, const char *field, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* 502, with ,"twilio_code":…,"twilio_status":… (HTTP) as Twilio gave them; 0: none. */
void response_error_of_twilio(
    struct response *r, const char *code, const char *message, int twilio_code, int twilio_status);

/* An answer to Twilio itself, whose debugger shows the text as it is. */
void response_refusal(struct response *r, int status, const char *sentence);

/* It blames the request, whose kind is counted. */
bool response_is_bad_request(const struct response *r);

/* Ends a stream that was not run (calls `done`); fine without one. */
void response_drop_stream(struct response *r);

/* Appends the message as it goes over the wire, of a stream only the headers.
 * `head_only` leaves the body out, as HEAD wants. A body that could not be built
 * becomes a 500; a stream whose headers could not be is dropped. */
void response_put(struct buf *out, struct response *r, bool head_only);

#endif
