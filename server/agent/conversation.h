#ifndef AGENT_CONVERSATION_H
#define AGENT_CONVERSATION_H
/* The state of a conversation, and the events that reach it. Agent loop only.
 *
 *   agent_loop.c           the loop: turns, deadlines, the end, readers
 *   conversation.c         events: from the model, the mail
 *   conversation_phone.c   events: from the caller loop
 *   conversation_model.c   what is said to the model, and what it knows
 *   conversation_session.c sessions with the model: they come and go under all of this
 *   conversation_waits.c   what a caller hears who waits
 *   dialogue/dialogue.h    decides what follows from an event
 *   conversation_orders.c  carries that out
 *   conversation_tools.c   the tools that the model calls
 *   conversation_keys.c    keys that the call presses
 *   conversation_known.c   lines that need no model
 *
 * Each event is noted where it is kept (timeline, counters, journal), and told to the
 * dialogue. The dialogue's orders are carried out before the next event.
 */
#include "common/clock.h"
#include "common/speakable.h"
#include "server/agent/dialogue/dialogue.h"
#include "server/agent/link/link.h"
#include "server/agent/timeline.h"
#include "server/agent/toolbox.h"
#include "server/model/words.h"
#include "server/line/call_cost.h"
#include "server/line/call.h"
#include "server/line/keys/keys.h"
#include "server/news/journal.h"

struct converter;
struct tool_cancel;
struct voice_line;

enum { SESSIONS_SHOWN = 16 };

/* A session with the model, for the record. */
struct session_seen {
	char *id;               /* owned; NULL: no memory, or no name */
	const char *endpoint;   /* its host */
	int64_t from_ms, to_ms; /* since the call was answered */
	const char *ended;      /* why; NULL: it goes on */
};

enum press_state {
	PRESS_NONE,
	PRESS_WAITING, /* until nothing is being said */
	PRESS_ASKED,   /* Twilio was */
	PRESS_PLAYING, /* it does, and the next stream is to come */
	PRESS_UNSURE   /* the same, if it did */
};

struct conversation {
	struct call *call;
	struct link link;                   /* the model */
	struct dialogue dialogue;           /* whose turn it is to speak */
	struct timeline timeline;           /* the turns */
	bool left;                          /* the caller loop is gone */
	bool said_unreadable, said_long_id; /* once a call is enough */
	char ended[FOREIGN_ID_SIZE];        /* the response whose end was told last */

	struct buf message;     /* the next one to the model */
	uint32_t requests_sent; /* for ids; requests for an answer have the dialogue's numbers */

	struct {                             /* the model's audio on its way to the caller */
		struct converter *converter; /* owned; NULL while the model speaks mu-law */
		struct buf decoded;          /* one delta */
		struct buf converted;        /* the same for the phone */
		uint32_t overflowed;         /* the item whose end was dropped, being too long to queue */
	} audio;

	struct {                                     /* on a channel of text */
		struct speakable speakable;          /* of the turn … */
		size_t turn;                         /* … with this place in the timeline, from 1; 0: none */
		char forming[MODEL_REQUEST_ID_SIZE]; /* the caller's turn, of which more is to come; "": none */
		char language[PHONE_LANGUAGE_SIZE];  /* the caller's, as the model knows it; "": the agent's first */
		bool welcome;                        /* what is to be played is spoken by the phone itself */
		uint32_t foreign_no;                 /* the item of which the phone says in its own words … */
		struct span foreign;                 /* … what was heard; borrowed, for the time of that event */
	} text;

	struct {
		struct session_seen seen[SESSIONS_SHOWN]; /* the newest, each at its number from 0, modulo … */
		size_t count;                             /* … of so many */
		uint32_t said_to; /* the number of the one that was told what a returning caller had said before */
		uint32_t told;    /* the number of the next one, if it was told what can be told beforehand */
		int64_t away_us;  /* there is none since then; 0: there is */
		bool told_rest;   /* the session was told that the answer to come is the rest of one */
	} sessions;

	struct {                  /* the caller, for something to hear */
		int64_t since_us; /* he does since then; 0: he does not */
		int64_t model_us; /* the same, for the model alone */
		int64_t line_us;  /* he is not told so before */
	} waits;

	struct {                  /* of the caller's turns, by positions of his audio */
		uint64_t begin;   /* the last that the model heard begin; 0: unknown */
		uint64_t end;     /* the last of which the model heard the end */
		uint64_t pending; /* the last that was not written down; 0: it was */
		size_t newest;    /* the place in the timeline, from 1, of the last; 0: none */
		bool answered;    /* … but something came of an answer to it */
		size_t again; /* the place in the timeline, from 1, of the turn that the session hears again; 0: none */
		bool lost;    /* something was lost before the session, and nobody has spoken in it yet … */
		bool torn;    /* … and what was spoken first began with it */
		size_t stray; /* … of one that was answered, and has been heard again, behind all that came of it */
	} spoken;

	struct { /* the model's tools */
		struct toolbox box;
		struct tool_cancel *cancel; /* owned; NULL: no memory */
		struct buf declared;        /* the list for the model; may hold keys of MCP servers */
	} tools;

	struct { /* keys to be pressed (conversation_keys.h) */
		enum press_state state;
		char digits[CALL_KEYS_MAX + 1];
		uint32_t run;     /* of the tool that wants them; 0: an operator does … */
		bool told;        /* … or it has its result */
		int64_t until_us; /* deadline of the state */
	} press;

	const struct voice_line *known[KNOWN_COUNT]; /* each to be released; NULL: it has to be made */
	const char *instant;                         /* the words of that one; NULL: none so far */
	char still_there[WORDS_PHRASE_SIZE], parting[WORDS_PHRASE_SIZE]; /* to a caller of whom nothing is heard */

	char machine[WORDS_PHRASE_SIZE]; /* the message to leave on an answering machine, if it is a phrase */

	struct call_hand_over hand_over; /* the person, if the farewell hands over */

	struct call_spending spending;
	struct {                   /* of cost or time, that the call has reached */
		enum call_end end; /* CALL_NOT_ENDED: none */
		int64_t told_us;   /* the goodbye began; 0: not yet */
	} limit;
	struct { /* times of the last publishing, and of the last FORMING */
		int64_t published_us, formed_us;
	} shown;
};

/* Ms since the stream's start; -1 before. */
static inline int64_t conversation_at_ms(const struct conversation *con, int64_t now_us)
{
	int64_t started = atomic_load_explicit(&con->call->started_us, memory_order_relaxed);

	return started ? (now_us - started) / US_PER_MS : -1;
}

/* An event of the model: a link_event_fn. */
void conversation_model_told(void *arg, const struct model_event *event, int64_t now_us);

void conversation_take_mail(struct conversation *con, int64_t now_us);

#endif
