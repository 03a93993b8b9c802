/* The order of the checks is the order of their cost, and of the trust they
 * leave: path and method, the client's right as far as its headers show it,
 * the body's announced size, the body, its signature or its shape. Only then
 * does a handler run.
 */
#include "server/web/routes.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/strikes.h"
#include "server/phone/twiml.h"
#include "server/stats/stats.h"
#include "server/web/auth.h"
#include "server/web/inflight.h"
#include "server/web/validate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ADVICE_EVERY_US = 60 * US_PER_S };

#define FORM_TYPE "application/x-www-form-urlencoded"

const struct route *route_at(const struct route *const *tables, size_t i)
{
	for (; *tables; tables++)
		for (const struct route *route = *tables; route->path; route++)
			if (!i--)
				return route;
	return NULL;
}

/* "" or the {part}'s text in `arg`; false if the path is another. */
static bool path_matches(const char *pattern, const char *path, char arg[HTTP_ARG_SIZE])
{
	size_t fixed = strcspn(pattern, "{"), len;

	arg[0] = '\0';
	if (!pattern[fixed])
		return !strcmp(pattern, path);
	if (strncmp(pattern, path, fixed) != 0)
		return false;
	path += fixed;
	len = strcspn(path, "/");
	if (!len || len >= HTTP_ARG_SIZE || strcmp(path + len, strchr(pattern, '}') + 1) != 0)
		return false;
	memcpy(arg, path, len);
	arg[len] = '\0';
	return true;
}

/* An upgrade is a GET on the wire, but HEAD makes no sense for it. */
static bool is_get(const struct route *route)
{
	return route->access != ROUTE_STREAM && !strcmp(route->method, "GET");
}

static bool method_matches(const struct route *route, const char *method)
{
	return !strcmp(route->method, method) || (is_get(route) && !strcmp(method, "HEAD"));
}

/* ------------------------------------------------------------ what is set up wrongly */

/* Each of these looks like a dead line to the caller, and like nothing at all from here. */
enum advice { ADVICE_METHOD, ADVICE_PATH, ADVICE_UPGRADE, ADVICE_KINDS };

static const char *const advices[ADVICE_KINDS] = {
	[ADVICE_METHOD] = "this address takes POST only: set the webhook's method at Twilio to HTTP POST",
	[ADVICE_PATH] =
	    "there is nothing for Twilio at this address: the webhook of a number is POST /twilio/voice, in small "
	    "letters and without a slash behind it",
	[ADVICE_UPGRADE] =
	    "a stream has lost its upgrade on the way: the proxy must pass on Upgrade and Connection, by "
	    "HTTP/1.1",
};

/* Twilio, or somebody who has taken the trouble to look like it. */
static bool looks_like_twilio(const struct request *q)
{
	const char *agent = request_header(q, "User-Agent");

	return request_header(q, "X-Twilio-Signature") || (agent && strcasestr(agent, "twilio"));
}

/* One line at once, and no second of its kind for a minute: strangers can look like
 * Twilio too. Any worker. */
static void advise(enum advice kind, const struct request *q, int status)
{
	static struct log_kind lines[ADVICE_KINDS];
	struct buf path;
	unsigned more;

	if (!looks_like_twilio(q) || !log_due(&lines[kind], ADVICE_EVERY_US, &more))
		return;
	buf_init(&path, 0);
	url_put_loggable(&path, q->path);
	log_warn("http", "%s; got %s %s status=%d client=%s more_before=%u", advices[kind], q->method, buf_text(&path),
	    status, q->client, more);
	buf_free(&path);
}

/* RFC 9110 §15.5.6 wants the list: of all tables, since a path may be in two. */
static void method_not_allowed(const struct route *const *tables, struct response *r, const struct request *q)
{
	char allow[64] = "", arg[HTTP_ARG_SIZE];
	enum advice advice = ADVICE_PATH;
	const struct route *route;
	size_t len = 0;

	for (size_t i = 0; (route = route_at(tables, i)); i++) {
		if (!path_matches(route->path, q->path, arg))
			continue;
		advice = route->access == ROUTE_TWILIO ? ADVICE_METHOD : ADVICE_PATH;
		len += (size_t)snprintf(allow + len, sizeof allow - len, "%s%s%s", len ? ", " : "", route->method,
		    is_get(route) ? ", HEAD" : "");
	}
	advise(advice, q, 405);
	response_error(r, 405, "method_not_allowed", "this address does not take that method");
	response_header(r, "Allow", "%s", allow);
}

static void not_found(struct response *r, const struct request *q)
{
	advise(ADVICE_PATH, q, 404);
	response_error(r, 404, "not_found", "there is nothing at this address");
}

const struct route *route_find(
    const struct route *const *tables, const struct request *q, char arg[HTTP_ARG_SIZE], struct response *r)
{
	const struct route *route;
	bool known = false;

	for (size_t i = 0; (route = route_at(tables, i)); i++) {
		if (!path_matches(route->path, q->path, arg))
			continue;
		if (method_matches(route, q->method))
			return route;
		known = true;
	}
	if (known)
		method_not_allowed(tables, r, q);
	else
		not_found(r, q);
	return NULL;
}

/* ------------------------------------------------------------- their bodies */

/* Twilio's debugger shows a body as text; the operator's program reads JSON. */
void route_refuse(const struct route *route, struct response *r, int status, const char *code, const char *sentence)
{
	if (route->access == ROUTE_TWILIO)
		response_refusal(r, status, sentence);
	else
		response_error(r, status, code, sentence);
}

/* Before a byte of it is read, so that a refusal costs little. A body in
 * chunks has no length; its reader bounds it. */
int route_check_body(const struct route *route, const struct request *q, struct response *r)
{
	const char *length = request_header(q, "Content-Length");
	bool chunked = request_header(q, "Transfer-Encoding");
	const char *type = route->body == BODY_JSON ? JSON_TYPE : FORM_TYPE;

	if (route->body == BODY_NONE)
		return 0;
	if (!length && !chunked) {
		route_refuse(route, r, 411, "length_required", "the length of the body is missing");
		return -EINVAL;
	}
	if (length && (strlen(length) > 9 || atol(length) > HTTP_BODY_MAX)) {
		route_refuse(route, r, 413, "too_large", "the body is too large");
		return -E2BIG;
	}
	if (!request_has_type(q, type)) {
		route_refuse(route, r, 415, "unsupported_media_type",
		    route->body == BODY_JSON ? "the body must be " JSON_TYPE : "the body must be " FORM_TYPE);
		return -EINVAL;
	}
	return 0;
}

/* ------------------------------------------------------------------ the door */

static enum role role_for(const struct route *route)
{
	switch (route->access) {
	case ROUTE_READ:
		return ROLE_READ;
	case ROUTE_CALL:
		return ROLE_CALL;
	case ROUTE_ADMIN:
	default:
		return ROLE_ADMIN;
	}
}

/* The answer, and RFC 6750 §3: no error code for those who showed nothing. */
static void refuse_operator(enum verdict verdict, enum role needed, const char *why, struct response *r)
{
	bool unknown = verdict == AUTH_TOKEN_MISSING || verdict == AUTH_TOKEN_WRONG;

	response_error(r, unknown ? 401 : 403, unknown ? "unauthorized" : "forbidden", why);
	if (verdict == AUTH_ROLE)
		response_header(
		    r, "WWW-Authenticate", "Bearer error=\"insufficient_scope\", scope=\"%s\"", role_scope(needed));
	else if (unknown)
		response_header(
		    r, "WWW-Authenticate", verdict == AUTH_TOKEN_WRONG ? "Bearer error=\"invalid_token\"" : "Bearer");
}

/* Whoever tries tokens is told to come later, at once: nobody's worker waits for him. True: so it
 * was. The right token was let in before this, whatever others do at the same address. */
static bool refuse_guess(const struct request *q, struct response *r)
{
	static struct strikes guesses = STRIKES_INIT;
	int64_t wait_s = strikes_add(&guesses, inflight_client(q->client), clock_now_us());

	if (!wait_s)
		return false;
	response_error(
	    r, 429, "too_many_wrong_tokens", "too many wrong tokens came from this address; try again later");
	response_header(r, "Retry-After", "%lld", (long long)wait_s);
	return true;
}

/* A refusal is counted, and told once a second: it is the operator's own mistake, or
 * somebody is trying tokens. */
static bool operator_admitted(
    const struct route *route, const struct web_parts *parts, const struct request *q, struct response *r)
{
	enum role needed = role_for(route);
	const char *why;
	enum verdict verdict = auth_operator(parts->cfg, q, needed, clock_wall_ms() / 1000, &why);
	static struct log_kind lines;
	unsigned more;

	if (verdict == AUTH_OPEN)
		return true;
	if (verdict == AUTH_TOKEN_WRONG && refuse_guess(q, r)) {
		stat_add(http_refused_guesses, 1);
	} else {
		refuse_operator(verdict, needed, why, r);
		if (verdict == AUTH_FOREIGN_PAGE)
			stat_add(http_refused_foreign_page, 1);
		else
			stat_add(http_refused_unauthorized, 1);
	}
	if (log_due(&lines, LOG_STRANGERS_US, &more))
		log_warn("http", "refused %s %s: status=%d client=%s more_before=%u", q->method, q->path, r->status,
		    q->client, more);
	return false;
}

/* Its absence and its defect are two kinds of line: anybody can leave it out, and what
 * is set up wrongly shall be seen beside that. */
static void refuse_signature(const struct request *q, const char *url, struct response *r)
{
	static struct log_kind lines[2];
	bool shown = request_header(q, "X-Twilio-Signature") != NULL;
	struct buf loggable;
	unsigned more;

	response_refusal(r, 403, "the signature of this request is not Twilio's");
	stat_add(http_refused_signature, 1);
	if (!log_due(&lines[shown], LOG_STRANGERS_US, &more))
		return;
	buf_init(&loggable, 0);
	url_put_loggable(&loggable, url);
	log_warn("http", "refused: X-Twilio-Signature %s; checked %s %s client=%s more_before=%u",
	    shown ? "does not fit" : "is missing", q->method, buf_text(&loggable), q->client, more);
	buf_free(&loggable);
}

/* `fields` NULL: there is no form. `base` gets our address as Twilio sees it. */
static bool twilio_admitted(const struct web_parts *parts, const struct request *q, const struct form *fields,
    struct buf *base, struct response *r)
{
	struct buf url;
	bool passes;

	buf_init(&url, 0);
	passes = auth_twilio(parts->cfg, q, fields, base, &url);
	if (!passes)
		refuse_signature(q, buf_text(&url), r);
	buf_free(&url);
	return passes;
}

bool route_may_read(
    const struct route *route, const struct web_parts *parts, const struct request *q, struct response *r)
{
	struct buf base;
	bool passes;

	if (route->access != ROUTE_TWILIO || request_header(q, "X-Twilio-Signature"))
		return true;
	buf_init(&base, 0);
	passes = twilio_admitted(parts, q, NULL, &base, r);
	buf_free(&base);
	return passes;
}

/* Before the body and the signature, so that a stranger costs little. */
static bool network_admitted(const struct web_parts *parts, const struct request *q, struct response *r)
{
	static struct log_kind lines;
	unsigned more;

	if (config_allows(parts->cfg, q->client))
		return true;
	response_refusal(r, 403, "this address is outside the networks that may ask here");
	stat_add(http_refused_network, 1);
	if (log_due(&lines, LOG_STRANGERS_US, &more))
		log_warn("http", "refused: not from ALLOW_NETWORKS; client=%s more_before=%u", q->client, more);
	return false;
}

/* An upgrade has no form. Its handshake is looked at first: CivetWeb would fail it
 * when a line is claimed already. */
static bool stream_admitted(const struct web_parts *parts, const struct request *q, struct response *r)
{
	struct buf base;
	bool passes;

	buf_init(&base, 0);
	if (!request_is_upgrade(q))
		advise(ADVICE_UPGRADE, q, 426);
	passes = request_handshake_sound(q, r) && twilio_admitted(parts, q, NULL, &base, r);
	buf_free(&base);
	return passes;
}

bool route_admits(const struct route *route, const struct web_parts *parts, const struct request *q, struct response *r)
{
	switch (route->access) {
	case ROUTE_STREAM:
		return network_admitted(parts, q, r) && stream_admitted(parts, q, r);
	case ROUTE_TWILIO: /* the signature covers the body: open_webhook */
		return network_admitted(parts, q, r);
	case ROUTE_OPEN:
		return true;
	case ROUTE_READ:
	case ROUTE_CALL:
	case ROUTE_ADMIN:
		break;
	}
	return operator_admitted(route, parts, q, r);
}

/* --------------------------------------------------------------- the handler */

/* The parsed parts of a request, for as long as its handler runs. */
struct arrived {
	struct form params, form;
	cJSON *json;
	struct buf base;
};

/* The one opening of all webhooks. The form comes before the signature, because it
 * is part of what was signed; nothing else is done before both are right. */
static bool open_webhook(const struct web_parts *parts, struct request *q, struct arrived *a, struct response *r)
{
	int err = form_parse(&a->form, q->body, q->body_len);

	r->type = TWIML_TYPE;
	if (err) {
		response_refusal(r, err == -ENOMEM ? 500 : err == -E2BIG ? 413 : 400, "the form cannot be read");
		return false;
	}
	if (!twilio_admitted(parts, q, &a->form, &a->base, r))
		return false;
	/* The query is ours (?out=, twilio/placed.h) or the owner's: if it cannot
	 * be read, it counts as empty. */
	if (q->query)
		form_parse(&a->params, q->query, strlen(q->query));
	q->params = &a->params;
	q->form = &a->form;
	q->public_url = buf_error(&a->base) ? "" : buf_text(&a->base);
	return true;
}

/* The operator's routes and the open ones. A query that no row reads is not
 * parsed. */
static bool open_request(const struct route *route, struct request *q, struct arrived *a, struct response *r)
{
	const char *query = route->query && q->query ? q->query : "";

	if (!validate_query(query, route->query ? route->query : "", &a->params, r) ||
	    (route->body == BODY_JSON && !validate_json(q->body, q->body_len, &a->json, r)))
		return false;
	q->params = route->query ? &a->params : NULL;
	q->json = a->json;
	return true;
}

/* Everything parsed is freed here, whatever the handler did; the request
 * itself is left as it was. */
void route_serve(
    const struct route *route, const struct web_parts *parts, struct request *q, const char *arg, struct response *r)
{
	struct arrived a = { .json = NULL };

	buf_init(&a.base, 0);
	if (route->access == ROUTE_TWILIO ? open_webhook(parts, q, &a, r) : open_request(route, q, &a, r))
		route->handle(parts, q, arg, r);
	q->params = q->form = NULL;
	q->json = NULL;
	q->public_url = NULL;
	cJSON_Delete(a.json);
	form_free(&a.params);
	form_free(&a.form);
	buf_free(&a.base);
}
