#ifndef WEB_ROUTES_H
#define WEB_ROUTES_H
/* The tables of routes. This module finds the handler, knows the methods for a
 * 405, opens the right door first, reads and checks query and body.
 *
 * To add a route: a row in the table of its room (api_routes, twilio_routes,
 * page_routes), a handler of type route_handler, its
 * description in openapi.json, and `make docs`.
 * Before the handler runs, the row has seen to it that
 *
 *   - the method and the path fit; `arg` is the {part}, as it came, never empty,
 *     without '/', shorter than HTTP_ARG_SIZE. One part a path, anywhere in it:
 *     "/calls/{CallSid}/say";
 *   - an operator's route was asked by somebody with that role (401, 403, 429 else), and Twilio's
 *     came from ALLOW_NETWORKS and was signed by Twilio (403 else). Then q->public_url is our address as Twilio
 *     knows it, q->params is the query, unchecked, and the answer's type is TwiML;
 *   - with `query` set, q->params has only those names, each once (400 with the
 *     name else): request_param(q, "limit"). NULL: the handler does not see the
 *     query;
 *   - BODY_JSON: q->json is an object without doubled names (411, 413, 415, 400,
 *     422 else): take it apart with fields.h. BODY_FORM: q->form has its fields.
 *
 * A handler answers in `r`: a status, JSON in r->body, response_header() for
 * Location, Retry-After and the like; or response_error / response_error_at:
 * 404 there is no such thing, 409 it is not in a state for that, 422 a field is
 * well-formed and will not do, 429 + Retry-After too often, 503 the part for it
 * is missing or cannot now. It runs on a worker that nobody else waits for, but
 * there are few: it may look into the store, and must not wait for other
 * people's servers. Slower work is a stream: see struct response_stream.
 */
#include "server/line/calls.h"
#include "server/web/http.h"
#include "server/web/web_parts.h"

enum route_access {
	ROUTE_OPEN,
	ROUTE_TWILIO, /* signed, form included: BODY_FORM */
	ROUTE_STREAM, /* likewise, without a form; upgrades only */
	/* The operator's, by the role that its token must have (server/web/jwt.h). */
	ROUTE_READ,
	ROUTE_CALL,
	ROUTE_ADMIN,
};

enum route_body { BODY_NONE, BODY_FORM, BODY_JSON };

/* `arg` is the {part} of the path, or "". */
typedef void route_handler(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r);

/* A WebSocket that becomes a call. */
struct upgrade {
	/* The handshake is sound, and signed. True: a line is claimed, `ref` names it.
	 * False: the refusal is in `r`. */
	bool (*admit)(const struct upgrade *upgrade, const struct web_parts *parts, const struct request *q,
	    const char *arg, struct response *r, struct call_ref *ref);
	const struct phone_channel *channel; /* of its messages */
};

struct route {
	const char *method;
	const char *path; /* a {part} stands for one segment */
	enum route_access access;
	enum route_body body; /* at most HTTP_BODY_MAX */
	const char *query;    /* the parameters it takes, blank-separated, "" for none; NULL: not looked at */
	route_handler *handle;
	const char *help;
	const struct upgrade *upgrade; /* of ROUTE_STREAM, whose `handle` is NULL */
};

/* A table ends with a row without a path; `tables`, here and below, end with NULL. */

/* The route that serves the request, whole path compared; `arg` gets its {part}.
 * NULL: `r` says why not (404, 405). HEAD is served as GET. */
const struct route *route_find(
    const struct route *const *tables, const struct request *q, char arg[HTTP_ARG_SIZE], struct response *r);

/* Whether this client may come in, as far as that can be told before a body is
 * read. Else the refusal is in `r`. */
bool route_admits(
    const struct route *route, const struct web_parts *parts, const struct request *q, struct response *r);

/* Whether its body may be read: 0, or the refusal is in `r`. */
int route_check_body(const struct route *route, const struct request *q, struct response *r);

/* Whether it may be waited for: nobody waits for the form of a webhook that shows no
 * signature. Else the refusal is in `r`. */
bool route_may_read(
    const struct route *route, const struct web_parts *parts, const struct request *q, struct response *r);

/* Refuses in the words the client understands: JSON, or text for Twilio. */
void route_refuse(const struct route *route, struct response *r, int status, const char *code, const char *sentence);

/* Checks the query and the body, and runs the handler. Not for
 * ROUTE_STREAM. `q` gets params and json for as long as this runs. */
void route_serve(
    const struct route *route, const struct web_parts *parts, struct request *q, const char *arg, struct response *r);

/* All rows, in their order; NULL past the end. */
const struct route *route_at(const struct route *const *tables, size_t i);

#endif
