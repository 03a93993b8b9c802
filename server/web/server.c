#include "server/web/server.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/memory.h"
#include "server/line/calls_carry.h"
#include "server/news/hub.h"
#include "server/stats/stats.h"
#include "server/web/auth.h"
#include "server/web/connections.h"
#include "server/web/inflight.h"
#include "server/web/long_answers.h"
#include "server/web/routes.h"
#include "server/web/sockets.h"

#include <civetweb.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	HTTP_WORKERS = 16, /* the reserve that streams cannot take */
	KNOCK_MS = 2000    /* a guard; it takes less than one */
};

struct web {
	struct web_parts parts;
	struct mg_context *ctx;
	struct connections *connections;
	struct long_answers long_answers;
	int port;
};

static struct web *web_of(const struct mg_connection *conn)
{
	return mg_get_user_data(mg_get_context(conn));
}

static struct connection *connection_of(const struct mg_connection *conn)
{
	return mg_get_user_connection_data(conn);
}

static int on_civetweb_error(struct mg_connection *conn, int status, const char *message);
static int on_connection(const struct mg_connection *conn, void **data)
{
	*data = connections_take(web_of(conn)->connections, conn);
	return 0;
}

/* CivetWeb drops a request for "*" or for a whole URL without asking us. */
static bool was_dropped(const struct mg_connection *conn, const struct connection *c)
{
	const struct mg_request_info *info = mg_get_request_info(conn);

	return !c->answered && info && info->request_method && info->request_uri && !info->local_uri_raw;
}

static void refuse_dropped(struct mg_connection *conn, const struct connection *c)
{
	static struct log_kind lines;
	unsigned more;

	if (log_due(&lines, LOG_STRANGERS_US, &more))
		log_info("http", "refused: the request names no path; client=%s more_before=%u", c->client, more);
	on_civetweb_error(conn, 400, "the request line must name a path, as in GET /status");
}

static void on_connection_close(const struct mg_connection *conn)
{
	struct connection *c = connection_of(conn);

	if (c && was_dropped(conn, c))
		refuse_dropped((struct mg_connection *)conn, c);
	if (c)
		connections_give_back(web_of(conn)->connections, c);
}

/* ----------------------------------------------------------------- answering */

/* Writes the answer with one mg_write and sees to it that CivetWeb then closes, without first reading
 * whatever of the body is left. Where memory was refused in its making, a fixed one. Returns the status. */
static int answer(struct mg_connection *conn, const struct request *q, struct response *r, bool body_left)
{
	struct web *web = web_of(conn);
	bool head_only = !strcmp(q->method, "HEAD"), streams = long_answer_take(&web->long_answers, r);
	struct connection *c = connection_of(conn);
	struct buf out;
	char sorry[1024];

	if (c)
		c->answered = true;
	connections_stage(web->connections, c, streams ? INFLIGHT_LIMITED : INFLIGHT_LEAVING);
	streams = streams && long_answer_begin(&web->long_answers, r);
	buf_init(&out, 0);
	response_put(&out, r, head_only);
	if (memory_missed() && !r->stream.run) {
		calls_end(web->parts.calls, r->promised, END_INTERNAL_ERROR);
		mg_write(conn, sorry, response_put_sorry(r, sorry, sizeof sorry));
	} else if (!buf_error(&out))
		mg_write(conn, out.data, out.len);
	if (r->timing)
		hist_add(r->timing, clock_now_us() - q->began_us);
	stat_add(http_requests, 1);
	stat_add(http_refused_bad_request, response_is_bad_request(r));
	log_debug(
	    "http", "%s %.*s: status=%d client=%s", q->method, url_loggable(q->path), q->path, r->status, q->client);
	buf_free(&out);
	if (streams)
		long_answer_run(&web->long_answers, r, head_only || !c ? -1 : c->fd);
	mg_disable_keep_alive(conn);
	if (body_left)
		connections_linger(web->connections, c);
	return r->status;
}

/* CivetWeb's own refusals: unreadable requests, timeouts, unknown paths for upgrades. Its own page would lack
 * the status line when an upgrade was asked for. The request may be in any state here. */
static int on_civetweb_error(struct mg_connection *conn, int status, const char *message)
{
	const struct request q = { .method = "?", .path = "?", .peer = "?", .client = "?" };
	struct response r;

	response_init(&r);
	response_error(&r, status, status == 404 ? "not_found" : "bad_request", message);
	answer(conn, &q, &r, true);
	response_free(&r);
	return 0;
}

static int on_civetweb_log(const struct mg_connection *conn, const char *message)
{
	(void)conn;
	log_debug("http", "civetweb: %s", message);
	return 1;
}

/* ------------------------------------------------------------------- requests */

/* The client's address goes to `address`, of that size, unless it is borrowed. */
static void fill_request(struct request *q, struct mg_connection *conn, char *address, size_t size)
{
	const struct mg_request_info *info = mg_get_request_info(conn);
	struct connection *c = connection_of(conn);
	struct web *web = web_of(conn);

	*q = (struct request){
		.method = info->request_method,
		.path = info->local_uri_raw,
		.query = info->query_string,
		.peer = info->remote_addr,
		.body = "",
		.began_us = clock_now_us(),
	};
	for (int i = 0; i < info->num_headers; i++)
		q->headers[q->header_count++] =
		    (struct http_header){ info->http_headers[i].name, info->http_headers[i].value };
	q->client = auth_client(web->parts.cfg, q, address, size);
	if (c)
		connections_of_client(web->connections, c, q->client);
	if (!*q->client)
		q->client = q->peer;
}

/* curl and others ask before they send a large body. */
static bool may_continue(
    struct mg_connection *conn, const struct route *route, const struct request *q, struct response *r)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const char *expect = request_header(q, "Expect");

	if (!expect)
		return true;
	if (strcasecmp(expect, "100-continue")) {
		route_refuse(route, r, 417, "expectation_failed", "that expectation cannot be met");
		return false;
	}
	mg_write(conn, go_on, sizeof go_on - 1);
	return true;
}

/* Reads the whole body into `*body`, which the caller frees; for how long is watched (connections.h). */
static bool read_body(
    struct mg_connection *conn, const struct route *route, struct request *q, char **body, struct response *r)
{
	const char *length = request_header(q, "Content-Length");
	size_t wanted = length ? (size_t)atol(length) : HTTP_BODY_MAX + 1;
	int got;

	*body = malloc(wanted + 1);
	if (!*body) {
		route_refuse(route, r, 500, "internal_error", "out of memory");
		return false;
	}
	got = wanted ? mg_read(conn, *body, wanted) : 0;
	if (length ? got != (int)wanted : got < 0) {
		route_refuse(route, r, 408, "timeout", "the body did not arrive");
		return false;
	}
	if (!length && got > HTTP_BODY_MAX) {
		route_refuse(route, r, 413, "too_large", "the body is too large");
		return false;
	}
	q->body = *body;
	q->body_len = (size_t)got;
	return true;
}

static void serve_body(struct mg_connection *conn, const struct route *route, struct request *q, const char *arg,
    struct response *r, bool *body_left)
{
	struct web *web = web_of(conn);
	const struct connection *c = connection_of(conn);
	char *body = NULL;

	if (!route_check_body(route, q, r) && route_may_read(route, &web->parts, q, r) &&
	    may_continue(conn, route, q, r)) {
		connections_stage(web->connections, c, INFLIGHT_READING);
		*body_left = !read_body(conn, route, q, &body, r);
		connections_stage(web->connections, c, INFLIGHT_SERVING);
		if (!*body_left)
			route_serve(route, &web->parts, q, arg, r);
	}
	q->body = "";
	free(body);
}

/* True: a line is claimed, and the upgrade goes on in the handlers below. */
static bool admit(
    struct mg_connection *conn, const struct route *route, const struct request *q, const char *arg, struct response *r)
{
	struct connection *c = connection_of(conn);

	if (!connections_has_socket(web_of(conn)->connections, c) ||
	    !connections_stage(web_of(conn)->connections, c, INFLIGHT_SERVING)) {
		response_refusal(r, 503, "no room for another connection");
		return false;
	}
	c->answered = route->upgrade->admit(route->upgrade, &web_of(conn)->parts, q, arg, r, &c->ref);
	c->upgrade = c->answered ? route->upgrade : NULL;
	return c->answered;
}

/* The cheapest check comes first; nothing is read from a client that may not come in. Builds the answer in `r`;
 * false: there is none, the upgrade goes on. */
static bool decide(struct mg_connection *conn, struct request *q, struct response *r, bool *body_left)
{
	char arg[HTTP_ARG_SIZE];
	const struct route *route;
	const char *sentence;
	int status = request_defect(q, &sentence);

	if (status) {
		response_error(r, status, "bad_request", sentence);
		return true;
	}
	if (!(route = route_find(web_of(conn)->parts.routes, q, arg, r)) ||
	    !route_admits(route, &web_of(conn)->parts, q, r))
		return true;
	r->spoken = route->access == ROUTE_TWILIO;
	if (route->upgrade)
		return !admit(conn, route, q, arg, r);
	if (route->body != BODY_NONE)
		serve_body(conn, route, q, arg, r, body_left);
	else
		route_serve(route, &web_of(conn)->parts, q, arg, r);
	return true;
}

/* Every request that could be parsed comes here first, before CivetWeb matches paths by prefix, answers CORS
 * questions or looks for files. 0 lets it go on with an upgrade; else the status that was sent. */
static int on_request(struct mg_connection *conn)
{
	struct response r;
	struct request q;
	char address[64];
	bool body_left;
	int status = 0;

	/* A subprotocol left over from this worker's last handshake must not answer this one. */
	((struct mg_request_info *)mg_get_request_info(conn))->acceptedWebSocketSubprotocol = NULL;
	connections_stage(web_of(conn)->connections, connection_of(conn), INFLIGHT_SERVING);
	memory_missed(); /* what was before is not this request's */
	fill_request(&q, conn, address, sizeof address);
	body_left = request_has_body(&q);
	response_init(&r);
	if (decide(conn, &q, &r, &body_left))
		status = answer(conn, &q, &r, body_left);
	response_free(&r);
	return status;
}

/* -------------------------------------------------------------------- streams */

static int on_stream_connect(const struct mg_connection *conn, void *arg)
{
	const struct connection *c = connection_of(conn);

	(void)arg;
	return c && c->upgrade ? 0 : 1;
}

/* The call lives in here. CivetWeb's own loop never sees a frame. */
static void on_stream_ready(struct mg_connection *conn, void *arg)
{
	struct connection *c = connection_of(conn);
	struct web *web = arg;

	if (connections_stage(web->connections, c, INFLIGHT_LIMITED))
		calls_carry(web->parts.calls, c->ref, c->fd, c->upgrade->channel);
	else
		calls_abandon(web->parts.calls, c->ref);
	mg_disable_keep_alive(conn);
}

static int on_stream_data(struct mg_connection *conn, int bits, char *data, size_t len, void *arg)
{
	(void)conn, (void)bits, (void)data, (void)len, (void)arg;
	return 0;
}

static void on_stream_close(const struct mg_connection *conn, void *arg)
{
	(void)conn, (void)arg;
}

/* ----------------------------------------------------------- start and stop */

int web_workers(const struct config *cfg)
{
	return (int)calls_lines(cfg) + HTTP_WORKERS + cfg->max_watchers;
}

/* CivetWeb matches by prefix; which upgrades go on was decided before (admit). */
static void take_upgrades(struct web *web)
{
	/* A name nobody offers: with a list, CivetWeb picks from it or nothing. */
	static const char *no_protocol = "none.invalid";
	static struct mg_websocket_subprotocols protocols = { 1, &no_protocol };
	const struct route *route;

	for (size_t i = 0; (route = route_at(web->parts.routes, i)); i++)
		if (route->upgrade && !strchr(route->path, '{'))
			mg_set_websocket_handler_with_subprotocols(web->ctx, route->path, &protocols, on_stream_connect,
			    on_stream_ready, on_stream_data, on_stream_close, web);
}

static int start(struct web *web, struct buf *problem)
{
	const struct config *cfg = web->parts.cfg;
	static const struct mg_callbacks callbacks = {
		.init_connection = on_connection,
		.connection_close = on_connection_close,
		.begin_request = on_request,
		.http_error = on_civetweb_error,
		.log_message = on_civetweb_log,
	};
	char ports[64], threads[16], text[256] = "";
	const char *options[][2] = {
		/* which CivetWeb reads as one list */
		{ "listening_ports", ports },
		{ "num_threads", threads },
		{ "tcp_nodelay", "1" },
		{ "decode_url", "no" },        /* it decodes in place, over what was signed */
		{ "enable_keep_alive", "no" }, /* an idle connection would hold a worker */
		{ "request_timeout_ms", "5000" },
		{ "websocket_timeout_ms", "500" },
		{ "access_control_allow_methods", "" }, /* else it answers CORS by itself */
		{ "access_control_allow_origin", "" },
		{ "connection_queue", "128" },
		{ "listen_backlog", "1024" },
		{ NULL, NULL },
	};
	struct mg_init_data init = { &callbacks, web, options[0] };
	unsigned code = 0;
	struct mg_error_data error = { &code, text, sizeof text };
	struct mg_server_port port;

	snprintf(ports, sizeof ports, "%s:%d", cfg->listen, cfg->port);
	snprintf(threads, sizeof threads, "%d", web_workers(cfg));
	mg_init_library(MG_FEATURES_WEBSOCKET);
	web->ctx = mg_start2(&init, &error);
	if (!web->ctx) {
		int err = socket_listen_error(cfg->listen, cfg->port);

		mg_exit_library();
		buf_printf(problem, "cannot listen on %s (LISTEN, PORT): %s\n", ports, err ? strerror(-err) : text);
		return err ? err : -EIO;
	}
	if (mg_get_server_ports(web->ctx, 1, &port) == 1)
		web->port = port.port;
	take_upgrades(web);
	/* So that connections.c has learned from one connection before strangers come. */
	socket_knock(cfg->listen, web->port, KNOCK_MS);
	return 0;
}

int web_open(struct web **out, const struct web_parts *parts, struct buf *problem)
{
	struct web *web = calloc(1, sizeof *web);
	int err;

	if (!web)
		return -ENOMEM;
	web->parts = *parts;
	web->long_answers.most = parts->cfg->max_watchers;
	web->parts.started_us = clock_now_us();
	if (!(err = connections_open(&web->connections, parts->cfg, (size_t)web_workers(parts->cfg))))
		err = start(web, problem);
	if (err) {
		web_close(web);
		return err;
	}
	*out = web;
	return 0;
}

void web_end_streams(struct web *web)
{
	long_answers_stop(&web->long_answers);
	if (web->parts.hub)
		hub_ring(web->parts.hub);
}

void web_close(struct web *web)
{
	if (!web)
		return;
	web_end_streams(web);
	if (web->ctx) {
		mg_stop(web->ctx);
		mg_exit_library();
	}
	connections_close(web->connections);
	free(web);
}

int web_port(const struct web *web)
{
	return web->port;
}

void web_tend(struct web *web, int64_t now_us)
{
	connections_tend(web->connections, now_us);
}
