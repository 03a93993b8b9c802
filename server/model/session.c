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

struct model_session {
	const struct model_access *access;
	const struct model_protocol *protocol;
	struct ws_client *client; /* owned */
	struct model_wish wish;
	enum phase phase;
	unsigned without; /* extras that were refused, now or before (wish) */
	unsigned asked;   /* configurations sent */
	bool unsent;      /* our configuration is partly in our hands */
	bool said_unreadable;
	int64_t began_us, deadline_us;
	int64_t limit_us; /* for all of it; NEVER_US: each step has its own */
	int64_t connect_ms;
	char id[FOREIGN_ID_SIZE];
	struct model_failure failure;
};

/* The only way into FAILED. `permanent`: /ready says no, and the link does
 * not try again. */
static int fail(struct model_session *s, const char *error_class, const char *code, bool permanent, const char *text)
{
	const struct ws_failure *f = ws_client_failure(s->client);
	const char *blame = model_access_blame(f->http_status, code);
	struct buf words;

	s->phase = FAILED;
	s->failure.error_class = error_class;
	s->failure.permanent = permanent;
	snprintf(s->failure.code, sizeof s->failure.code, "%s", code);
	buf_init(&words, 0);
	model_access_put_words(&words, s->access, f->body);
	snprintf(s->failure.text, sizeof s->failure.text, "%s%s%s%s%s", text, blame ? "; " : "", blame ? blame : "",
	    words.len ? "; the server says: " : "", buf_text(&words));
	buf_free(&words);
	return -EPROTO;
}

/* Fatal for the agents with this model, not for others. */
static bool is_of_model(const char *code)
{
	return strstr(code, "model_not_found");
}

/* Begins to dial. The headers hold the key, so their buffer is wiped. */
int model_session_open(struct model_session **out, const struct model_access *access, const struct model_wish *wish,
    struct bell *bell, int64_t now_us)
{
	struct model_session *s = calloc(1, sizeof *s);
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
	s->access = access;
	s->protocol = model_access_protocol(access, wish);
	assert(!s->protocol->audio || s->protocol->formats & 1u << access->format);
	s->wish = *wish;
	s->without = wish->without;
	s->began_us = now_us;
	s->limit_us = NEVER_US;
	buf_init(&headers, 8192);
	buf_init(&path, 0);
	s->protocol->headers(access, wish->caller, &headers);
	s->protocol->path(access, wish->agent->openai_model, &path);
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
		model_session_close(s);
		return err;
	}
	*out = s;
	return 0;
}

/* Classes are in the order of the client's stages. BearSSL's 54, 56, 60 and
 * 62: certificate expired, for another name, with too short a key, of an unknown issuer. */
static int dial_failed(struct model_session *s)
{
	static const char *const classes[] = { "lookup", "connect", "tls", "upgrade", "upgrade" };
	const struct ws_failure *f = ws_client_failure(s->client);
	bool timeout = f->err == -ETIMEDOUT;
	/* A name that does not exist, a certificate that does not fit and a
	 * refused key stay so; the rest may be weather. */
	bool permanent = f->http_status == 400 || f->http_status == 401 || f->http_status == 403 ||
			 f->http_status == 404 || f->tls_error == 54 || f->tls_error == 56 || f->tls_error == 60 ||
			 f->tls_error == 62 || (f->stage == WS_LOOKUP && f->err == -ENOENT);
	char code[32];

	if (timeout)
		snprintf(code, sizeof code, "timeout");
	else if (f->http_status)
		snprintf(code, sizeof code, "http_%d", f->http_status);
	else if (f->tls_error)
		snprintf(code, sizeof code, "tls_%d", f->tls_error);
	else
		snprintf(code, sizeof code, "%s", strerrorname_np(-f->err) ? strerrorname_np(-f->err) : "unknown");
	fail(s, classes[f->stage], code, permanent, f->text);
	/* The path names the agent's model. */
	s->failure.agents_own =
	    !s->access->names_model && (f->http_status == 400 || f->http_status == 403 || f->http_status == 404);
	return -EPROTO;
}

/* Once, and once more for each extra that was refused, under another id. */
static int send_configuration(struct model_session *s, int64_t now_us)
{
	char id[MODEL_REQUEST_ID_SIZE];
	struct buf message;
	int err;

	buf_init(&message, 0);
	model_request_id(MODEL_REQUEST_CONFIGURE, ++s->asked, id);
	s->protocol->configure(&message, id, &s->wish, s->access->format, s->without);
	err = buf_error(&message);
	if (!err)
		err = ws_client_send_text(s->client, buf_text(&message), message.len);
	buf_free(&message);
	if (err)
		return fail(s, "session", "send", false, "could not send the session's configuration");
	s->unsent = true;
	s->phase = CONFIGURING;
	s->deadline_us = now_us + (int64_t)s->access->cfg->model_connect_ms * SESSION_STEPS * US_PER_MS;
	return 0;
}

/* The message is made again, instead of being kept by each call for its trial. */
static void compare(struct model_session *s, const struct model_event *e)
{
	struct buf asked;

	buf_init(&asked, 0);
	s->protocol->configure(&asked, "", &s->wish, s->access->format, s->without);
	s->protocol->compare(s->wish.differs, &asked, e);
	buf_free(&asked);
}

/* A format other than ours is permanent: the next attempt would get the
 * same. */
static int on_updated(struct model_session *s, const struct model_event *e, int64_t now_us)
{
	char text[256];

	if (e->mismatch[0]) {
		snprintf(text, sizeof text, "the model took the configuration but %s", e->mismatch);
		return fail(s, "session", "wrong_format", true, text);
	}
	if (e->session_id[0])
		memcpy(s->id, e->session_id, sizeof s->id);
	if (s->wish.differs)
		compare(s, e);
	s->phase = READY;
	s->connect_ms = (now_us - s->began_us) / US_PER_MS;
	return 0;
}

/* No error is harmless here: the session is not the one asked for. */
static int on_error(struct model_session *s, const struct model_event *e, int64_t now_us)
{
	unsigned extras;
	char text[256];

	snprintf(text, sizeof text, "the model refused the session (%s): %s", e->code, e->text);
	if (e->error == MODEL_FATAL || e->error == MODEL_RENEW) {
		fail(s, "session", e->code, e->error == MODEL_FATAL, text);
		s->failure.agents_own = is_of_model(e->code);
		return -EPROTO;
	}
	if (e->error == MODEL_RETRY)
		return fail(s, "session", e->code, false, text);
	/* A field of our configuration is not known there: once more without that one, if it is an
	 * extra. An error that names no field is taken for that, too, be there extras or not. */
	extras = e->extras & s->protocol->extras(s->wish.agent) & ~s->without;
	if (s->phase == CONFIGURING && (extras || (e->extras == MODEL_EXTRAS && s->asked == 1))) {
		s->without |= extras;
		return send_configuration(s, now_us);
	}
	fail(s, "session", e->code, true, text);
	s->failure.agents_own = true;
	return -EPROTO;
}

static void unreadable(struct model_session *s, const char *type)
{
	stat_add(model_invalid_events, 1);
	log_write(s->said_unreadable ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, "model",
	    "an event before the session was ready cannot be read, and is ignored; type=%s", type);
	s->said_unreadable = true;
}

/* session.created proves that a model answers, not only its front: the
 * configuration waits for it. */
static int take_event(struct model_session *s, struct ws_message *m, int64_t now_us)
{
	const struct model_protocol *protocol = s->protocol;
	struct model_event e;
	int err = 0;

	if (m->opcode == WS_BINARY)
		unreadable(s, "binary");
	if (m->opcode != WS_TEXT)
		return 0;
	protocol->parse(m->data, m->len, s->access->format, &e);
	if (e.type == MODEL_SESSION_CREATED && s->phase == AWAITING_CREATED) {
		memcpy(s->id, e.session_id, sizeof s->id);
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
static int ended(struct model_session *s, int err)
{
	const char *reason = ws_client_close_reason(s->client);
	enum model_error error = s->protocol->close_class(reason);
	char text[256];

	snprintf(text, sizeof text, "the connection ended before the session was ready (%s, close code %d%s%.100s)",
	    strerror(-err), ws_client_close_code(s->client), reason[0] ? ": " : "", reason);
	fail(s, "session", reason[0] ? reason : "closed", error == MODEL_FATAL, text);
	s->failure.agents_own = is_of_model(reason);
	return -EPROTO;
}

/* Stops once it is ready: the next message is for the session's owner. */
static int read_events(struct model_session *s, int64_t now_us)
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
int model_session_step(struct model_session *s, int64_t now_us)
{
	int err;

	if (s->phase == DIALLING) {
		err = ws_client_step(s->client, now_us);
		if (err < 0)
			return dial_failed(s);
		if (err == 0 && now_us >= s->limit_us)
			return fail(s, "timeout", "connection", false, "no connection while the caller was patient");
		if (err == 0)
			return 0;
		s->phase = AWAITING_CREATED;
		s->deadline_us = now_us + (int64_t)s->access->cfg->model_connect_ms * SESSION_STEPS * US_PER_MS;
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
		return fail(s, "timeout", s->phase == CONFIGURING ? "session.updated" : "session.created", false,
		    s->phase == CONFIGURING ? "no session.updated in time" : "no session.created in time");
	return 0;
}

int model_session_fd(const struct model_session *s)
{
	return ws_client_fd(s->client);
}

short model_session_events(const struct model_session *s)
{
	if (s->phase == DIALLING)
		return ws_client_events(s->client);
	return s->unsent ? POLLIN | POLLOUT : POLLIN;
}

int64_t model_session_deadline_us(const struct model_session *s)
{
	return earlier(s->limit_us, s->phase == DIALLING ? ws_client_deadline_us(s->client) : s->deadline_us);
}

void model_session_limit(struct model_session *s, int64_t until_us)
{
	s->limit_us = until_us;
}

bool model_session_connected(const struct model_session *s)
{
	return s->phase != DIALLING && s->phase != FAILED;
}

const struct model_failure *model_session_failure(const struct model_session *s)
{
	return &s->failure;
}

struct ws_client *model_session_client(struct model_session *s)
{
	return s->client;
}

unsigned model_session_without(const struct model_session *s)
{
	return s->without;
}

const char *model_session_id(const struct model_session *s)
{
	return s->id;
}

bool model_session_resumed(const struct model_session *s)
{
	return ws_client_resumed(s->client);
}

int64_t model_session_connect_ms(const struct model_session *s)
{
	return s->connect_ms;
}

void model_session_leave(struct model_session *s)
{
	ws_client_send_close(s->client, WS_CLOSE_NORMAL);
	ws_client_flush(s->client);
}

/* Closing TCP with unread bytes resets it, and the reset may overtake our
 * Close. */
void model_session_hang_up(struct model_session *s, int64_t until_us)
{
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

void model_session_close(struct model_session *s)
{
	if (!s)
		return;
	ws_client_free(s->client);
	free(s);
}
