#include "server/web/routes.h"

#include "common/log.h"
#include "server/call/stats.h"
#include "server/web/doors.h"
#include "server/web/operator.h"
#include "server/web/webhooks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FORM_TYPE "application/x-www-form-urlencoded"

static const struct route routes[] = {
	{ "GET", "/health", ROUTE_OPEN, false, operator_health, "alive: 200" },
	{ "GET", "/ready", ROUTE_OPEN, false, operator_ready, "takes calls: 200, or 503 and one word why not" },
	{ "GET", "/status", ROUTE_OPERATOR, false, operator_status, "counters, latencies, process" },
	{ "GET", "/calls", ROUTE_OPERATOR, false, operator_calls, "live calls and the last 100 ended" },
	{ "GET", "/calls/{CallSid}", ROUTE_OPERATOR, false, operator_call, "one call with its timeline" },
	{ "DELETE", "/calls/{CallSid}", ROUTE_OPERATOR, false, operator_end_call, "ends a call" },
	{ "POST", "/twilio/voice", ROUTE_TWILIO, true, webhook_voice, "a call comes in" },
	{ "GET", "/twilio/stream", ROUTE_STREAM, false, NULL, "a stream of somebody's own TwiML" },
	{ "GET", "/twilio/stream/{token}", ROUTE_STREAM, false, NULL, "the stream our TwiML announced" },
	{ "POST", "/twilio/connect-action", ROUTE_TWILIO, true, webhook_connect_action, "the stream is over" },
	{ "POST", "/twilio/stream-status", ROUTE_TWILIO, true, webhook_stream_status, "news of a stream" },
	{ "POST", "/twilio/call-status", ROUTE_TWILIO, true, webhook_call_status, "news of a call" },
};

enum { ROUTES = sizeof routes / sizeof *routes };

static bool path_matches(const char *pattern, const char *path, const char **arg)
{
	size_t fixed = strcspn(pattern, "{");

	*arg = "";
	if (!pattern[fixed])
		return !strcmp(pattern, path);
	*arg = path + fixed;
	return !strncmp(pattern, path, fixed) && **arg && !strchr(*arg, '/');
}

static bool method_matches(const struct route *route, const char *method)
{
	if (route->access != ROUTE_STREAM && !strcmp(route->method, "GET") && !strcmp(method, "HEAD"))
		return true;
	return !strcmp(route->method, method);
}

/* The Allow line of a path, by what its routes take together. */
static const char *allow_line(bool get, bool post, bool del, bool stream)
{
	if (post)
		return "Allow: POST\r\n";
	if (del)
		return "Allow: GET, HEAD, DELETE\r\n";
	return get && !stream ? "Allow: GET, HEAD\r\n" : "Allow: GET\r\n";
}

const struct route *route_find(const struct request *q, const char **arg, struct response *r)
{
	bool known = false, get = false, post = false, del = false, stream = false;

	for (size_t i = 0; i < ROUTES; i++) {
		if (!path_matches(routes[i].path, q->path, arg))
			continue;
		if (method_matches(&routes[i], q->method))
			return &routes[i];
		known = true;
		get |= !strcmp(routes[i].method, "GET");
		post |= !strcmp(routes[i].method, "POST");
		del |= !strcmp(routes[i].method, "DELETE");
		stream |= routes[i].access == ROUTE_STREAM;
	}
	if (!known) {
		response_error(r, 404, "not_found", "there is nothing at this address");
		return NULL;
	}
	response_error(r, 405, "method_not_allowed", "this address does not take that method");
	r->headers = allow_line(get, post, del, stream);
	return NULL;
}

int route_check_body(const struct route *route, const struct request *q, struct response *r)
{
	const char *length = request_header(q, "Content-Length");
	bool chunked = request_header(q, "Transfer-Encoding");

	if (!route->takes_form)
		return 0;
	if (!length && !chunked) {
		response_refusal(r, 411, "the length of the body is missing");
		return -EINVAL;
	}
	if (length && (strlen(length) > 9 || atol(length) > HTTP_BODY_MAX)) {
		response_refusal(r, 413, "the body is too large");
		return -E2BIG;
	}
	if (!request_has_type(q, FORM_TYPE)) {
		response_refusal(r, 415, "the body must be " FORM_TYPE);
		return -EINVAL;
	}
	return 0;
}

static bool operator_admitted(const struct web_site *site, const struct request *q, struct response *r)
{
	switch (door_operator(site->cfg, q)) {
	case DOOR_OPEN:
		return true;
	case DOOR_TOKEN_WRONG:
		response_error(r, 401, "unauthorized", "send the header Authorization: Bearer API_TOKEN");
		r->headers = "WWW-Authenticate: Bearer\r\n";
		break;
	case DOOR_NOT_LOCAL:
		response_error(r, 403, "forbidden",
		    "without API_TOKEN this address answers the server's own machine only: set API_TOKEN and send "
		    "it as Authorization: Bearer");
		break;
	case DOOR_BEHIND_PROXY:
		response_error(r, 403, "forbidden",
		    "without API_TOKEN this address does not answer through a proxy: set API_TOKEN and send it as "
		    "Authorization: Bearer, or ask http://127.0.0.1 directly");
		break;
	}
	stat_add(http_refused_unauthorized, 1);
	log_warn("http", "refused %s %s: status=%d peer=%s", q->method, q->path, r->status, q->peer);
	return false;
}

void route_serve(const struct route *route, const struct web_site *site, const struct request *q, const char *arg,
    struct response *r)
{
	if (route->access == ROUTE_OPERATOR && !operator_admitted(site, q, r))
		return;
	route->handle(site, q, arg, r);
}

void routes_print_markdown(struct buf *out)
{
	static const char *const access[] = { "open", "operator", "Twilio", "Twilio" };

	buf_puts(out, "| route | for | what |\n|---|---|---|\n");
	for (size_t i = 0; i < ROUTES; i++)
		buf_printf(out, "| `%s %s` | %s | %s |\n", routes[i].method, routes[i].path, access[routes[i].access],
		    routes[i].help);
}
