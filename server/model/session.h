#ifndef MODEL_SESSION_H
#define MODEL_SESSION_H
/* Opening a session with the model: dial, wait until it says that it was
 * created, configure, and compare the session it then shows with the one
 * asked for. Only then may audio flow: until then the service takes and
 * makes 24 kHz PCM, and says nothing if fed anything else.
 *
 * A step machine like ws_client, for one thread. The agent loop uses it for
 * a call; a trial (trial.h) to see whether a call would work.
 * Once ready, its owner reads events and sends commands.
 */
#include "common/bell.h"
#include "common/clock.h"
#include "server/model/access.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

struct model_session;
struct ws_client;

enum { MODEL_FAILURE_SIZE = 512 };

struct model_failure {
	const char *error_class;       /* lookup, connect, tls, upgrade, session, timeout */
	char code[64];                 /* HTTP status, TLS number, error code; for counting */
	char text[MODEL_FAILURE_SIZE]; /* a sentence for people, which names the settings to look at */
	bool permanent;                /* will not pass by itself: key, name, certificate, settings */
	bool agents_own;               /* permanent, and lies with this agent's file: model, voice, tools */
	bool moderated;                /* not for this service, and for no other */
};

/* The end of a session that was ready. */
struct model_ended {
	int code;           /* of the service's Close; 0: none */
	const char *reason; /* with it; or "" */
};

/* What a session is made of. One that is a WebSocket is here (session.c), one of requests over HTTP in
 * text/text_session.c: it has no connection of its own, is ready at once, and leaves NULL what those
 * would need. */
struct model_session_body {
	int (*step)(struct model_session *s, int64_t now_us);
	void (*poll)(const struct model_session *s, struct pollfd *fd);
	int64_t (*deadline_us)(const struct model_session *s);
	void (*limit)(struct model_session *s, int64_t until_us);
	bool (*connected)(const struct model_session *s);
	bool (*resumed)(const struct model_session *s);
	struct ws_client *(*client)(struct model_session *s);
	int (*read)(struct model_session *s, struct model_event *out, bool *wants_flush);
	int (*send)(struct model_session *s, const char *text, size_t len);
	bool (*ping)(struct model_session *s);
	int (*flush)(struct model_session *s);
	struct model_ended (*ended)(const struct model_session *s);
	void (*leave)(struct model_session *s);
	void (*hang_up)(struct model_session *s, int64_t until_us);
	void (*close)(struct model_session *s);
};

struct model_session {
	const struct model_session_body *body;
	const struct model_access *access;
	const struct model_protocol *protocol;
	struct model_wish wish;
	unsigned without; /* extras that the service did not know: the session is without them */
	int64_t connect_ms;
	int64_t expires_s; /* Unix time at which it ends, by the service's clock; 0: it does not say */
	char id[FOREIGN_ID_SIZE];
	struct model_failure failure;
};

/* Whose session it is, for the log. */
static inline const char *model_session_tag(const struct model_session *s)
{
	return s->wish.tag ? s->wish.tag : "model";
}

/* `access` and everything in `wish` are borrowed until the session is ready (by one over HTTP until it
 * is closed), the bell until it is closed. 0 or negative without memory, or when a setting cannot be
 * sent; all other failures come from the steps. */
int model_session_open(struct model_session **out, const struct model_access *access, const struct model_wish *wish,
    struct bell *bell, int64_t now_us);

/* 1: ready. 0: not yet. Negative: failed; see model_session_failure. */
static inline int model_session_step(struct model_session *s, int64_t now_us)
{
	return s->body->step ? s->body->step(s, now_us) : 1;
}

/* What to poll for, beside the bell; fd -1: nothing. */
static inline void model_session_poll(const struct model_session *s, struct pollfd *fd)
{
	if (s->body->poll)
		s->body->poll(s, fd);
	else
		*fd = (struct pollfd){ .fd = -1 };
}

static inline int64_t model_session_deadline_us(const struct model_session *s)
{
	return s->body->deadline_us ? s->body->deadline_us(s) : NEVER_US;
}

/* It fails if it is not ready by then. */
static inline void model_session_limit(struct model_session *s, int64_t until_us)
{
	if (s->body->limit)
		s->body->limit(s, until_us);
}

/* Past the upgrade: it is being configured, or is ready. */
static inline bool model_session_connected(const struct model_session *s)
{
	return !s->body->connected || s->body->connected(s);
}

static inline const struct model_failure *model_session_failure(const struct model_session *s)
{
	return &s->failure;
}

/* All that follow: only after a step has returned 1. */

/* Its connection, for a loop that writes to it by itself; NULL: it has none of that kind. */
static inline struct ws_client *model_session_client(struct model_session *s)
{
	return s->body->client ? s->body->client(s) : NULL;
}

static inline unsigned model_session_without(const struct model_session *s)
{
	return s->without;
}

static inline const char *model_session_id(const struct model_session *s)
{
	return s->id;
}

static inline int64_t model_session_expires_s(const struct model_session *s)
{
	return s->expires_s;
}

static inline bool model_session_resumed(const struct model_session *s)
{
	return s->body->resumed && s->body->resumed(s);
}

/* -1: nothing was connected to yet, so it proves nothing about the service. */
static inline int64_t model_session_connect_ms(const struct model_session *s)
{
	return s->connect_ms;
}

/* Reader only. 1: an event; release it. 2: a sign of life, and no event. 0: nothing now. Negative: over
 * for good, as ws_client_read says it. *wants_flush likewise. */
static inline int model_session_read(struct model_session *s, struct model_event *out, bool *wants_flush)
{
	return s->body->read(s, out, wants_flush);
}

static inline void model_session_release(struct model_session *s, struct model_event *event)
{
	s->protocol->release(event);
}

/* Writer only: as ws_client_send_text and ws_client_flush. */
static inline int model_session_send(struct model_session *s, const char *text, size_t len)
{
	return s->body->send(s, text, len);
}

static inline int model_session_flush(struct model_session *s)
{
	return s->body->flush ? s->body->flush(s) : 0;
}

/* Writer only. True: it is alive, and there will be no pong. */
static inline bool model_session_ping(struct model_session *s)
{
	return !s->body->ping || s->body->ping(s);
}

static inline struct model_ended model_session_ended(const struct model_session *s)
{
	return s->body->ended ? s->body->ended(s) : (struct model_ended){ .reason = "" };
}

/* The end of a session that is ready, by the owner of the writing side.
 * Sends our Close without waiting for an answer; then only
 * model_session_close may follow. */
static inline void model_session_leave(struct model_session *s)
{
	s->body->leave(s);
}

/* The same, but reads on until the service's own Close: blocks until then,
 * or `until_us`. */
static inline void model_session_hang_up(struct model_session *s, int64_t until_us)
{
	if (s->body->hang_up)
		s->body->hang_up(s, until_us);
	else
		s->body->leave(s);
}

static inline void model_session_close(struct model_session *s) /* fine with NULL */
{
	if (s)
		s->body->close(s);
}

#endif
