#ifndef AGENT_LINK_H
#define AGENT_LINK_H
/* The call's link to the model: sessions come and go, the conversation stays.
 *
 * Agent loop only. The link owns the session, its connection, the attempts to have one,
 * its signs of life and the writing side. Other modules ask for its state alone. It
 * decides by that state and the time that is passed in.
 *
 *     LOST ──► DIALLING ──► CONFIGURING ──► REPLAYING ──► TALKING ──┐
 *      ▲ │        │              │               │          │   ▲   │ link_next.h: the next
 *      │ └──► GONE◄──────────────┘               │          │   └───┘ one is REPLAYING
 *      ├── an attempt failed; the next is dialled when its pause is over
 *      └─────────────────────────────────────────┴──────────┘ the session was lost
 *
 * A lost session is followed by another: RECONNECT_TRIES dials, the first at once, within
 * RECONNECT_SECONDS of the loss. A session that has answered, or talked for PROVED_US, begins
 * the count anew. The caller's audio waits meanwhile in the caller loop.
 *
 * Each turn of the loop: link_step, link_read, …, link_take_writer, …, link_ping,
 * link_flush, link_pass_writer; then poll with link_fds and link_deadline_us. After any
 * of these the state may be GONE, with `why`.
 */
#include "common/buf.h"
#include "common/clock.h"
#include "server/line/call.h"
#include "server/model/endpoints.h"
#include "server/model/session.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

enum link_state {
	LINK_LOST,        /* no usable session; one is dialled when it is due */
	LINK_DIALLING,    /* name, connection, TLS, upgrade */
	LINK_CONFIGURING, /* the service has answered, and is told the session's settings */
	LINK_REPLAYING,   /* ready, with the writer here: it is told the conversation before it */
	LINK_TALKING,
	LINK_GONE /* no session, and none to come; see `why` */
};

const char *link_state_name(enum link_state state); /* "talking" */

enum { LINK_FDS = 2, LINK_CLOSE_US = 300 * US_PER_MS };

/* A session, with all that is a fact of it alone. There are two at most, the current one and the next: what is
 * told, sent or judged is so of one of them, and never by what is known of the other. */
struct link_session {
	struct model_session *session;     /* owned; NULL: none. A dead one is kept until the writer is back */
	const struct model_access *access; /* its endpoint; without a session, where the current one is to be dialled */
	const struct model_protocol *protocol; /* what it speaks; of the current one never NULL */
	uint32_t no;                           /* among those dialled in the call, from 1 */
	bool deaf;                             /* it was opened with model_wish.protect: it answers no turn by itself */
	bool ready;                            /* it can be told the conversation: the current one from REPLAYING on */
	bool unsent;                           /* it is ours to write to, and has bytes to flush: poll for POLLOUT */
	bool more_to_read;                     /* its connection may hold messages that poll does not show */
	int write_error; /* negative errno of a failed write; messages that came before are read first */

	/* Once it is ready. */
	int64_t began_us;
	int64_t heard_us, pinged_us;    /* last sign of life of the connection, last order of a ping */
	bool was_pinged, answers_pings; /* it does so: then its silence is soon told from death */

	/* Once it is current and ready. */
	int64_t renew_us, force_us;
	bool brief; /* the service says that its end comes sooner than SESSION_RENEW_SECONDS */
};

struct link {
	struct call *call;
	const struct model_endpoints *endpoints;
	struct model_health *health; /* is told what came of each attempt; may be NULL */
	struct model_wish wish;      /* of the session that is dialled next */
	enum link_state state;
	enum call_end why; /* if GONE: the ending of the call; if LOST, what it would be */
	struct link_session current;
	struct link_session next; /* to come, beside one that talks */
	uint32_t last_no;         /* of the session dialled last */
	bool writer_is_ours;
	bool swap; /* the next one is to take its place: the writer, once here, is not passed on */

	uint32_t refused_no; /* of the last piece of the conversation that was refused, by our number for it */
	struct buf call_ids; /* link_ids.h: those of the event that was read last */
	int64_t now_us;      /* of this turn of the loop */
	int attempts;        /* sessions dialled, the next ones not counted */
	bool caller;         /* is there, and waits for the first session */
	int64_t last_try_us; /* with a caller: no first session is tried after this */
	int64_t retry_us;    /* if LOST: time of the next attempt */
	int tries;           /* since the last session that was a good one */
	int64_t lost_us;     /* the last loss since then; 0: none */
	int64_t broke_us;    /* a session's connection last broke then; 0: none has … */
	const struct model_access *broke_at; /* … and there */
	bool broke_again;                    /* so soon after another that the next session is to be had elsewhere */
	int64_t renewed_us;                  /* a brief session was last renewed then; 0: none was */
	bool said_brief;                     /* a renewal was put off, and that was said */
	bool waited_for;                     /* the caller waits for an answer: the loop sets this */
};

/* The first link_step dials the first session. `endpoints`, `health` and the pointers in `wish`
 * outlive the link. */
void link_open(struct link *l, struct call *c, const struct model_endpoints *endpoints, struct model_health *health,
    const struct model_wish *wish);
/* After the caller loop has left, or without one: the writer is ours. */
void link_close(struct link *l);

/* The stream began. From now on an attempt has SILENCE_MAX_MS, and all of them together
 * about SLOW_ANSWER_MAX_MS. Where another endpoint is left, an attempt has half as much, from its beginning. */
void link_caller_came(struct link *l, int64_t now_us);

/* Takes the next steps towards a session. If the state is REPLAYING afterwards, tell the
 * session the conversation with link_send, then call link_replayed. */
void link_step(struct link *l, int64_t now_us);
void link_replayed(struct link *l);

/* Only in TALKING: calls back with the session's events, up to a bound. */
typedef void link_event_fn(void *arg, const struct model_event *event, int64_t now_us);
void link_read(struct link *l, link_event_fn *each, void *arg, int64_t now_us);

/* Sends one whole message, through the ring if the caller loop has the writer. In other
 * states than REPLAYING and TALKING it is dropped. */
void link_send(struct link *l, const char *text, size_t len);

/* Takes the writer, if the caller loop has returned it. */
void link_take_writer(struct link *l);
/* Pings a session that is silent, and loses one that stays silent. */
void link_ping(struct link *l, int64_t now_us);
/* Sends unsent bytes, while the writer is ours. */
void link_flush(struct link *l);
/* Gives the caller loop the writer, if all bytes are out. Only while the caller is there. */
void link_pass_writer(struct link *l);

/* Enters GONE. The first reason stays. */
void link_give_up(struct link *l, enum call_end why);

/* Descriptors to poll beside the bell; unused ones are -1. INT64_MAX: no deadline. */
void link_fds(const struct link *l, struct pollfd fds[LINK_FDS]);
int64_t link_deadline_us(const struct link *l);

static inline bool link_opens(const struct link *l)
{
	return l->state == LINK_DIALLING || l->state == LINK_CONFIGURING;
}

static inline bool link_talks(const struct link *l)
{
	return l->state == LINK_TALKING;
}

/* NULL: no session. */
static inline const char *link_session_id(const struct link *l)
{
	return l->current.session ? model_session_id(l->current.session) : NULL;
}

/* At the end of the call: sends our Close, and reads until the model's. Blocks for LINK_CLOSE_US at most. */
void link_hang_up(struct link *l);

#endif
