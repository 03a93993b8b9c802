#ifndef PHONE_RELAY_H
#define PHONE_RELAY_H
/* A call's ConversationRelay: Twilio hears and speaks, and only words cross the socket.
 *
 * stream.c opens, reads and ends the socket; relay.c says what a session says, relay_in.c
 * takes what the server sends, relay_mischief.c spoils it. A call may have several sessions,
 * one after the other.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/kit/form.h"
#include "tools/kit/sid.h"
#include "tools/kit/text.h"
#include "tools/phone/talker.h"

enum { RELAY_SESSIONS_MAX = 20, BAD_IN_A_ROW_MAX = 10 };

struct call;
struct caller_news;
struct step;

struct relay_session {
	char id[SID_SIZE];
	struct talker talker;
	uint64_t begun_ns, over_ns; /* 0: not yet */
	bool ended;                 /* `end` came */
	char *handoff;              /* owned; of `end`, or NULL */
	char *speaks, *hears;       /* languages in force, owned */
	int error_code;             /* with `failed` */
	const char *error;
	int bad_in_a_row;
	/* Since the last interruption: what was under way to us then may still come. */
	unsigned fences;         /* pings that are not answered */
	uint64_t fence_ns;       /* the last of them */
	bool unanswerable;       /* and nothing was said to the server since */
	struct talker_news news; /* of this tick */
};

struct relay {
	struct relay_session *session[RELAY_SESSIONS_MAX]; /* owned */
	size_t count;
	char prompt_language[40];                       /* "": what is heard */
	struct text languages, plays, digits, handoffs; /* asked for, a line each; digits together */
	struct text spoken;                             /* a line a cycle, once the call is over */
	/* Counted over all sessions. */
	uint64_t prompts, partials, dropped, interrupts, tokens, in_flight, stale, malformed, pings;
};

/* --- relay.c --- */
struct relay_session *relay_new_session(struct call *c);
/* The socket is open: setup, and the greeting. */
void relay_open(struct call *c);
/* What sounds in this tick, and what is told of it. True if something does. */
bool relay_speak(struct call *c, uint64_t now_ns);
/* What the caller did in it. */
void relay_follow(struct call *c, const struct caller_news *news);
/* Cuts off what is being said, if it may be; true if it was. */
bool relay_interrupt(struct call *c, int input);
void relay_prompt(struct call *c, const char *words, size_t len, bool last);
void relay_key(struct call *c, char key);
/* The caller hangs up, or the other side's `end` was taken: Twilio closes. */
void relay_hang_up(struct call *c);
/* The session is over, and c->end says how: after how long the action is asked for. */
uint64_t relay_over(struct call *c);
/* What the action is told of it. */
void relay_action_form(const struct call *c, struct form *f);
struct relay_session *relay_now(const struct call *c);
void relay_setup_message(const struct call *c, struct text *out);
/* Sends `error`. */
void relay_error(struct call *c, int code, const char *what);
/* All that was spoken, a line a cycle. */
void relay_spoken(const struct call *c, struct text *out);
/* Cycles that got words but no `last`, and were not cut off. */
long relay_unfinished(const struct call *c);
void relay_close(struct call *c);

/* --- relay_in.c --- */
void relay_text(struct call *c, const char *text, size_t len, uint64_t now_ns);
/* A pong: true if it is one of ours. */
bool relay_pong(struct call *c, const void *payload, size_t len);

/* --- relay_mischief.c --- */
/* Texts of a fault, as they are. */
void relay_send_texts(struct call *c, int fault);
/* Writes a setup that is none; false if none was asked for. */
bool relay_bad_setup(const struct call *c, struct text *out);
/* What Twilio says was heard: with its habits, and with faults. */
void relay_spoil_heard(const struct call *c, struct text *heard);
void relay_huge(struct call *c);
void relay_storm(struct call *c);
void relay_fail(struct call *c);
/* Is the session to fail before it is open? */
bool relay_is_unreachable(const struct call *c);

#endif
