#ifndef AGENT_LINK_H
#define AGENT_LINK_H
/* The call's link to the model: sessions come and go, the conversation stays.
 *
 * Agent loop only. The link owns the session, its connection, the attempts to
 * have one, its signs of life and the writing side; nobody else asks which of
 * them there is. It decides by its state and the time it is given.
 *
 *     LOST ──► DIALLING ──► CONFIGURING ──► REPLAYING ──► TALKING ──┐
 *      ▲ │        │              │                          │   ▲   │ replaced: the next
 *      │ └──► GONE◄──────────────┴──────────────────────────┘   └───┘ one is REPLAYING
 *      └── an attempt failed; the next is dialled when its pause is over
 *
 * A session is replaced under a conversation that goes on: link_replace dials the
 * next one beside it. Once that is ready, the writing side is asked back, the old
 * session is closed, and the new one is to be told the conversation (REPLAYING).
 * The caller's audio waits meanwhile in the caller loop. If the old session is
 * lost before, the next one takes its place as soon as it is ready.
 *
 * Each turn of the loop: link_step, link_read, …, link_take_writer, …, link_ping,
 * link_flush, link_pass_writer; then poll with link_fds and link_deadline_us.
 * After any of these the state may be GONE, with `why`.
 */
#include "common/buf.h"
#include "server/line/call.h"
#include "server/model/access.h"
#include "server/model/session.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

enum link_state {
	LINK_LOST,        /* no session that could be talked to; one is dialled when it is due */
	LINK_DIALLING,    /* name, connection, TLS, upgrade */
	LINK_CONFIGURING, /* the service is there; it is told what the session is to be */
	LINK_REPLAYING,   /* ready, and ours alone: it is told what was said before it */
	LINK_TALKING,
	LINK_GONE /* no session any more, see `why` */
};

const char *link_state_name(enum link_state state); /* "talking" */

enum { LINK_FDS = 2 };

struct link {
	struct call *call;
	const struct model_access *access;     /* of the session, or the one to be dialled */
	const struct model_protocol *protocol; /* what the session speaks; never NULL */
	struct model_wish wish;
	enum link_state state;
	enum call_end why;             /* GONE: the ending it means */
	struct model_session *session; /* owned; NULL: none. A dead one is kept until the writer is back */
	struct ws_client *client;      /* the session's, from REPLAYING on */
	bool writer_is_ours;
	bool unsent;       /* … and it has something to flush: POLLOUT tells */
	bool more_to_read; /* the connection may hold messages that poll does not show */
	int write_error;   /* negative errno: writing failed; over once all was read that came before */

	/* The session to come, beside one that talks. */
	struct model_session *next; /* owned; NULL: none */
	const struct model_access *next_access;
	bool next_ready;

	int attempts;
	int64_t dialled_us;          /* when the first of them began */
	int64_t retry_us;            /* LOST: dial at */
	int64_t heard_us, pinged_us; /* the connection's last sign of life, our last ping */
};

/* The first session is dialled by the first link_step. What `access` and `wish`
 * point at outlives the link. */
void link_open(struct link *l, struct call *c, const struct model_access *access, const struct model_wish *wish);
/* When the caller loop has left, or never came: the writer is ours. */
void link_close(struct link *l);

/* Whatever is due about having a session. When it leaves REPLAYING, tell the
 * session with link_send what it must know, then call link_replayed. */
void link_step(struct link *l, int64_t now_us);
void link_replayed(struct link *l);

/* The conversation is to go on in another session, perhaps elsewhere (`access`).
 * False: one is on its way already, or there is none to be replaced. A next one
 * that cannot be had changes nothing: `next` is NULL again. */
bool link_replace(struct link *l, const struct model_access *access, const struct model_wish *wish, int64_t now_us);

/* Only in TALKING: hands out what the session tells, up to a bound. */
typedef void link_event_fn(void *arg, const struct model_event *event, int64_t now_us);
void link_read(struct link *l, link_event_fn *each, void *arg, int64_t now_us);

/* Sends one whole message, by whoever has the writer. In another state than
 * REPLAYING or TALKING it is dropped: nobody is there, or ever will be. */
void link_send(struct link *l, const char *text, size_t len);

/* Looks whether the caller loop has returned the writer. */
void link_take_writer(struct link *l);
/* Asks after a session that was silent for long, and gives up one that stays so. */
void link_ping(struct link *l, int64_t now_us);
/* Sends what is unsent, while the writer is ours. */
void link_flush(struct link *l);
/* Gives the caller loop the writer, if everything is out. Only while the caller is there. */
void link_pass_writer(struct link *l);

/* Nothing can be had of the model any more. The first reason stays. */
void link_give_up(struct link *l, enum call_end why);

/* What to poll beside the bell; unused ones are -1. INT64_MAX: no matter of time. */
void link_fds(const struct link *l, struct pollfd fds[LINK_FDS]);
int64_t link_deadline_us(const struct link *l);

static inline bool link_talks(const struct link *l)
{
	return l->state == LINK_TALKING;
}

/* NULL: there is no session. */
static inline const char *link_session_id(const struct link *l)
{
	return l->session ? model_session_id(l->session) : NULL;
}

/* The end of the call: our Close, then what the model still sends, until its own.
 * Blocks for CLOSE_US at most. */
void link_hang_up(struct link *l);

#endif
