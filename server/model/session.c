/* DIALLING has the client's own deadlines, MODEL_CONNECT_MS a step.
 * AWAITING_CREATED: the upgrade is through, which proves little, since a
 * wrong key may be refused later by a Close. CONFIGURING: our session.update
 * is out. READY: the session has the format asked for. An event without use
 * in its phase is skipped.
 */
#include "server/model/session.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/ws_client.h"
#include "server/model/errors.h"
#include "server/stats/stats.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_MESSAGE = 16 << 20,
	SESSION_STEPS = 3 /* the service may take so many times MODEL_CONNECT_MS to set a session up */
};

enum phase { DIALLING, AWAITING_CREATED, CONFIGURING, READY, FAILED };

struct socket {
	struct model_session base; /* first: one is the other */
	struct ws_client *client;  /* owned */
	enum phase phase;
	unsigned asked; /* configurations sent */
	bool unsent;    /* our configuration is partly in our hands */
	bool said_unreadable;
	int64_t began_us, deadline_us;
	int64_t limit_us; /* for all of it; NEVER_US: each step has its own */
};

static const struct model_session_body body;

static bool has_agents_model(const struct socket *s)
{
	return model_access_has_agents_model(s->base.access, s->base.wish.agent);
}

/* The only way into FAILED. With FATAL the endpoint is not tried again, until a probe succeeds. */
static int fail(struct socket *s, const char *error_class, const char *code, enum model_error error, const char *text)
{
	const struct ws_failure *f = ws_client_failure(s->client);

	s->phase = FAILED;
	s->base.failure.error_class = error_class;
	s->base.failure.permanent = error == MODEL_FATAL;
	s->base.failure.moderated = error == MODEL_MODERATED;
	s->base.failure.agents_own = error == MODEL_FATAL && model_error_is_of_model(code) && has_agents_model(s);
	snprintf(s->base.failure.code, sizeof s->base.failure.code, "%s", code);
	model_access_explain(s->base.access, MODEL_KIND_REALTIME, text, code, f->http_status, f->body,
	    s->base.failure.text, sizeof s->base.failure.text);
	return -EPROTO;
}

/* Begins to dial. The headers hold the key, so their buffer is wiped. */
static int open_socket(struct model_session **out, const struct model_access *access, const struct model_wish *wish,
    struct bell *bell, int64_t now_us)
{
	struct socket *s = calloc(1, sizeof *s);
	struct ws_target target = {
		.host = access->host,
		.port = access->port,
		.resolver = access->resolver,
		.trust = access->trust,
		.sessions = access->sessions,
		.step_ms = access->cfg->model_connect_ms,
		.max_message = MAX_MESSAGE,
	};
	struct buf headers, path;
	int err;

	if (!s)
		return -ENOMEM;
	s->base.body = &body;
	s->base.access = access;
	s->base.protocol = model_access_protocol(access, wish);
	assert(!s->base.protocol->audio || s->base.protocol->formats & 1u << access->format);
	s->base.wish = *wish;
	s->base.wish.voice = model_access_voice(access, wish->agent);
	s->base.without = wish->without;
	s->began_us = now_us;
	s->limit_us = NEVER_US;
	buf_init(&headers, 8192);
	buf_init(&path, 0);
	s->base.protocol->headers(access, wish->caller, &headers);
	s->base.protocol->path(access, model_access_model(access, wish->agent), &path);
	target.headers = buf_text(&headers);
	target.path = buf_text(&path);
	err = buf_error(&headers) ? buf_error(&headers) : buf_error(&path);
	if (!err)
		err = ws_client_dial(&s->client, &target, bell);
	if (headers.data)
		explicit_bzero(headers.data, headers.cap);
	buf_free(&headers);
	buf_free(&path);
	if (err) {
		model_session_close(&s->base);
		return err;
	}
	*out = &s->base;
	return 0;
}

/* Classes are in the order of the client's stages. */
static int dial_failed(struct socket *s)
{
	static const char *const classes[] = { "lookup", "connect", "tls", "upgrade", "upgrade" };
	const struct ws_failure *f = ws_client_failure(s->client);
	char code[MODEL_CODE_SIZE];
	enum model_error error = model_error_of_dialling(f, code);

	fail(s, classes[f->stage], code, error, f->text);
	/* The path names the agent's model. */
	s->base.failure.agents_own = error == MODEL_FATAL && has_agents_model(s) && !model_error_is_of_key(code) &&
				     (f->http_status == 400 || f->http_status == 403 || f->http_status == 404);
	return -EPROTO;
}

/* Once, and once more for each extra that was refused, under another id. */
static int send_configuration(struct socket *s, int64_t now_us)
{
	char id[MODEL_REQUEST_ID_SIZE];
	struct buf message;
	int err;

	buf_init(&message, 0);
	model_request_id(MODEL_REQUEST_CONFIGURE, ++s->asked, id);
	s->base.protocol->configure(&message, id, &s->base.wish, s->base.access->format, s->base.without);
	err = buf_error(&message);
	if (!err)
		err = ws_client_send_text(s->client, buf_text(&message), message.len);
	buf_free(&message);
	if (err)
		return fail(s, "session", "send", MODEL_RETRY, "could not send the session's configuration");
	s->unsent = true;
	s->phase = CONFIGURING;
	s->deadline_us = now_us + (int64_t)s->base.access->cfg->model_connect_ms * SESSION_STEPS * US_PER_MS;
	return 0;
}

/* The message is made again, instead of being kept by each call for its trial. */
static void compare(struct socket *s, const struct model_event *e)
{
	struct buf asked;

	buf_init(&asked, 0);
	s->base.protocol->configure(&asked, "", &s->base.wish, s->base.access->format, s->base.without);
	s->base.protocol->compare(s->base.wish.differs, &asked, e);
	buf_free(&asked);
}

/* A format other than ours is permanent: the next attempt would get the
 * same. */
static int on_updated(struct socket *s, const struct model_event *e, int64_t now_us)
{
	char text[256];

	if (e->mismatch[0]) {
		snprintf(text, sizeof text, "the model took the configuration but %s", e->mismatch);
		return fail(s, "session", "wrong_format", MODEL_FATAL, text);
	}
	if (e->session_id[0])
		memcpy(s->base.id, e->session_id, sizeof s->base.id);
	if (s->base.wish.differs)
		compare(s, e);
	s->phase = READY;
	s->base.connect_ms = (now_us - s->began_us) / US_PER_MS;
	return 0;
}

/* No error is harmless here: the session is not the one asked for. */
static int on_error(struct socket *s, const struct model_event *e, int64_t now_us)
{
	unsigned extras;
	char text[256];

	snprintf(text, sizeof text, "the model refused the session (%s): %s", e->code, e->text);
	if (e->error != MODEL_HARMLESS)
		return fail(s, "session", e->code, e->error, text);
	/* A field of our configuration is not known there: once more without that one, if it is an
	 * extra. An error that names no field is taken for that, too, be there extras or not. */
	extras = e->extras & s->base.protocol->extras(s->base.wish.agent) & ~s->base.without;
	if (s->phase == CONFIGURING && (extras || (e->extras == MODEL_EXTRAS && s->asked == 1))) {
		s->base.without |= extras;
		return send_configuration(s, now_us);
	}
	fail(s, "session", e->code, MODEL_FATAL, text);
	s->base.failure.agents_own = true;
	return -EPROTO;
}

static void unreadable(struct socket *s, const char *type)
{
	stat_add(model_invalid_events, 1);
	log_write(s->said_unreadable ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, model_session_tag(&s->base),
	    "model: an event before the session was ready cannot be read, and is ignored; type=%s", type);
	s->said_unreadable = true;
}

/* session.created proves that a model answers, not only its front: the
 * configuration waits for it. */
static int take_event(struct socket *s, struct ws_message *m, int64_t now_us)
{
	const struct model_protocol *protocol = s->base.protocol;
	struct model_event e;
	int err = 0;

	if (m->opcode == WS_BINARY)
		unreadable(s, "binary");
	if (m->opcode != WS_TEXT)
		return 0;
	protocol->parse(m->data, m->len, s->base.access->format, &e);
	if (e.type == MODEL_SESSION_CREATED && s->phase == AWAITING_CREATED) {
		memcpy(s->base.id, e.session_id, sizeof s->base.id);
		s->base.expires_s = e.expires_s;
		err = send_configuration(s, now_us);
	} else if (e.type == MODEL_SESSION_UPDATED && s->phase == CONFIGURING) {
		err = on_updated(s, &e, now_us);
	} else if (e.type == MODEL_ERROR) {
		err = on_error(s, &e, now_us);
	} else if (e.type == MODEL_INVALID) {
		unreadable(s, e.code[0] ? e.code : "unknown");
	} else if (e.type == MODEL_UNKNOWN) {
		stat_add(model_unknown_events, 1);
	}
	protocol->release(&e);
	return err;
}

/* A refused key may arrive this way, as the reason of a Close. */
static int ended(struct socket *s, int err)
{
	const char *reason = ws_client_close_reason(s->client);
	enum model_error error = s->base.protocol->close_class(reason);
	char text[256];

	snprintf(text, sizeof text, "the connection ended before the session was ready (%s, close code %d%s%.100s)",
	    strerror(-err), ws_client_close_code(s->client), reason[0] ? ": " : "", reason);
	return fail(s, "session", reason[0] ? reason : "closed", error, text);
}

/* Stops once it is ready: the next message is for the session's owner. */
static int read_events(struct socket *s, int64_t now_us)
{
	while (s->phase == AWAITING_CREATED || s->phase == CONFIGURING) {
		struct ws_message m;
		bool wants_flush = false;
		int got = ws_client_read(s->client, &m, &wants_flush);
		int err;

		s->unsent |= wants_flush;
		if (got < 0)
			return ended(s, got);
		if (got == 0)
			break;
		err = take_event(s, &m, now_us);
		if (err)
			return err;
	}
	return 0;
}

/* After each wake-up. Events come before the deadline: an answer that is
 * here counts, even if this thread looks late. */
static int step(struct model_session *session, int64_t now_us)
{
	struct socket *s = (struct socket *)session;
	int err;

	if (s->phase == DIALLING) {
		err = ws_client_step(s->client, now_us);
		if (err < 0)
			return dial_failed(s);
		if (err == 0 && now_us >= s->limit_us)
			return fail(
			    s, "timeout", "connection", MODEL_RETRY, "no connection while the caller was patient");
		if (err == 0)
			return 0;
		s->phase = AWAITING_CREATED;
		s->deadline_us = now_us + (int64_t)s->base.access->cfg->model_connect_ms * SESSION_STEPS * US_PER_MS;
	}
	if (s->phase == FAILED)
		return -EPROTO;
	err = read_events(s, now_us);
	if (err)
		return err;
	if (s->unsent) {
		err = ws_client_flush(s->client);
		if (err && err != -EAGAIN)
			return ended(s, err);
		s->unsent = err == -EAGAIN;
	}
	/* Ready is ready only when nothing of ours is left in the air. */
	if (s->phase == READY && !s->unsent)
		return 1;
	if (now_us >= earlier(s->deadline_us, s->limit_us))
		return fail(s, "timeout", s->phase == CONFIGURING ? "session.updated" : "session.created", MODEL_RETRY,
		    s->phase == CONFIGURING ? "no session.updated in time" : "no session.created in time");
	return 0;
}

static void what_to_poll(const struct model_session *session, struct pollfd *fd)
{
	const struct socket *s = (const struct socket *)session;

	fd->fd = ws_client_fd(s->client);
	fd->events = s->phase == DIALLING ? ws_client_events(s->client) : s->unsent ? POLLIN | POLLOUT : POLLIN;
}

static int64_t deadline_us(const struct model_session *session)
{
	const struct socket *s = (const struct socket *)session;

	return earlier(s->limit_us, s->phase == DIALLING ? ws_client_deadline_us(s->client) : s->deadline_us);
}

static void limit(struct model_session *session, int64_t until_us)
{
	struct socket *s = (struct socket *)session;

	s->limit_us = until_us;
}

static bool connected(const struct model_session *session)
{
	const struct socket *s = (const struct socket *)session;

	return s->phase != DIALLING && s->phase != FAILED;
}

/* ---------------------------------------------------------------------- once ready */

static struct ws_client *client(struct model_session *session)
{
	return ((struct socket *)session)->client;
}

static bool resumed(const struct model_session *session)
{
	return ws_client_resumed(((const struct socket *)session)->client);
}

static int read_event(struct model_session *s, struct model_event *out, bool *wants_flush)
{
	struct ws_message m;
	int got = ws_client_read(client(s), &m, wants_flush);

	if (got <= 0)
		return got;
	if (m.opcode == WS_TEXT)
		s->protocol->parse(m.data, m.len, s->access->format, out);
	else if (m.opcode == WS_BINARY)
		*out = (struct model_event){ .type = MODEL_INVALID, .code = "binary", .text = "" };
	return m.opcode == WS_TEXT || m.opcode == WS_BINARY ? 1 : 2;
}

static int send_message(struct model_session *s, const char *text, size_t len)
{
	return ws_client_send_text(client(s), text, len);
}

static bool ping(struct model_session *s)
{
	ws_client_send_ping(client(s));
	return false;
}

static int flush(struct model_session *s)
{
	return ws_client_flush(client(s));
}

static struct model_ended ended_how(const struct model_session *session)
{
	const struct socket *s = (const struct socket *)session;

	return (struct model_ended){ ws_client_close_code(s->client), ws_client_close_reason(s->client) };
}

static void leave(struct model_session *s)
{
	ws_client_send_close(client(s), WS_CLOSE_NORMAL);
	ws_client_flush(client(s));
}

/* Closing TCP with unread bytes resets it, and the reset may overtake our
 * Close. */
static void hang_up(struct model_session *session, int64_t until_us)
{
	const struct socket *s = (const struct socket *)session;
	struct ws_message m;
	bool ignored = false;

	ws_client_send_close(s->client, WS_CLOSE_NORMAL);
	for (;;) {
		struct pollfd fd = { .fd = ws_client_fd(s->client), .events = POLLIN };
		int64_t now = clock_now_us();
		int err = ws_client_flush(s->client);
		int got;

		if ((err && err != -EAGAIN) || now >= until_us)
			return;
		if (err)
			fd.events |= POLLOUT;
		while ((got = ws_client_read(s->client, &m, &ignored)) > 0 && clock_now_us() < until_us)
			;
		if (got < 0)
			return;
		poll(&fd, 1, clock_poll_ms(now, until_us));
	}
}

static void close_socket(struct model_session *s)
{
	ws_client_free(client(s));
	free(s);
}

static const struct model_session_body body = {
	.step = step,
	.poll = what_to_poll,
	.deadline_us = deadline_us,
	.limit = limit,
	.connected = connected,
	.resumed = resumed,
	.client = client,
	.read = read_event,
	.send = send_message,
	.ping = ping,
	.flush = flush,
	.ended = ended_how,
	.leave = leave,
	.hang_up = hang_up,
	.close = close_socket,
};

int model_session_open(struct model_session **out, const struct model_access *access, const struct model_wish *wish,
    struct bell *bell, int64_t now_us)
{
	return (wish->agent->model_protocol == MODEL_KIND_TEXT && access->text_open ? access->text_open : open_socket)(
	    out, access, wish, bell, now_us);
}
