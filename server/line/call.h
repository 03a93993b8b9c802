#ifndef LINE_CALL_H
#define LINE_CALL_H
/* One line of the table, and all that its two loops share. For these and server/line/.
 *
 * The caller loop runs on CivetWeb's thread and owns Twilio's socket; the agent
 * loop runs on the line's own pool thread and owns the conversation. What
 * crosses between them crosses in rings of small records, or is one of the
 * atomics below.
 */
#include "common/bell.h"
#include "common/ring.h"
#include "server/line/call_context.h"
#include "server/line/calls.h"
#include "server/line/heard.h"
#include "server/model/protocol.h"
#include "server/line/mailbox.h"
#include "server/news/journal.h"
#include "server/line/model_writer.h"
#include "server/phone/channel.h"
#include "server/store/store_calls.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct recording;

enum line_state {
	LINE_FREE,
	LINE_RESERVED, /* announced by a webhook; the agent loop dials */
	LINE_CLAIMED,  /* its token was spent; the upgrade is under way */
	LINE_LIVE,     /* the caller loop runs */
	LINE_ENDING    /* over; a loop is still in it */
};

/* Caller loop -> agent loop. Rare; the bell is rung for each. */
enum from_caller_type {
	FROM_STARTED = 1, /* the phone's start message came */
	FROM_FIRST_AUDIO, /* struct from_first_audio */
	FROM_HEARD,       /* struct heard: played to its end */
	FROM_CUT,         /* struct from_cut */
	FROM_INTERRUPTED, /* struct from_cut: the phone stopped playing by itself */
	FROM_DIGIT,       /* one char */
	FROM_LEFT         /* the caller loop is gone: struct from_cut says what was heard */
};

struct from_first_audio {
	uint32_t no;
	int64_t sent_us;
};

struct from_cut {
	uint32_t cut; /* count of cuts served with this */
	uint32_t count;
	struct heard items[HEARD_ITEMS];
};

/* Agent loop -> caller loop. */
enum to_caller_type {
	TO_AUDIO = 1, /* struct to_audio, then mu-law */
	TO_ITEM_END   /* uint32_t: the item's number; no more audio of it comes */
};

struct to_audio {
	uint32_t no;
	uint32_t unused;
};

enum {
	FROM_CALLER_BYTES = 64 * 1024,
	TO_CALLER_BYTES = 4 * 1024 * 1024,
	TO_CALLER_AUDIO_MAX = 300 * 1000 * 8, /* five minutes may wait to be played */
	CALL_TURNS_MAX = 1000, /* of one stream: kept in memory, and what numbers of the next begin after */
	CALL_TAG_SIZE = CALL_SID_SIZE
};

/* Written by one loop each, read by anyone; relaxed, since each stands alone. */
struct call_counters {
	_Atomic uint64_t frames_in, frames_out, dropped_ms, stale_ms, late_delta_ms, answer_dropped_ms, padded_ms,
	    underruns, cuts, digits, invalid_messages, unknown_events;
	_Atomic int64_t late_ms, late_max_ms; /* of caller audio, by media.timestamp */
	_Atomic int64_t backlog_ms;           /* caller audio waiting for the model now */
	_Atomic bool valve_open;
};

struct call {
	/* Constant from start to end of the program. */
	struct calls *calls;
	const struct config *cfg;
	uint32_t index;
	pthread_t thread; /* runs the agent loop of one call after the other */
	bool running;     /* the thread was started */
	struct bell caller_bell, agent_bell;

	/* Under calls->lock. */
	enum line_state state;
	uint32_t generation;
	int refs;           /* loops in it: 0, 1 or 2 */
	bool bound;         /* a caller loop has been in it */
	bool agent_called;  /* the pool thread was told to take up the call … */
	bool agent_due;     /* … and has not done so yet */
	bool remembered;    /* the list of the ended has it */
	int64_t expires_us; /* reserved and claimed lines */
	char token[CALL_TOKEN_SIZE];

	/* Written under calls->lock when reserved, or by the caller loop under
	 * it at start (unannounced streams), before the agent loop begins; read
	 * by the loops without. */
	char call_sid[CALL_SID_SIZE];
	char from[CALL_NUMBER_SIZE], to[CALL_NUMBER_SIZE], direction[24];
	char tag[CALL_TAG_SIZE]; /* for logs */
	bool announced;
	int64_t reserved_us, reserved_wall_ms;
	const struct agent *agent;   /* context.agent: who answers; never NULL while the line is taken */
	struct call_context context; /* what it is told; owned */
	enum recording_mode record;
	bool detected;      /* Twilio was asked who answers: that costs extra, whoever it is */
	int64_t first_turn; /* the number of its first: not 0 for a call that streamed before */

	/* Crossing threads. Each ring has one writer and one reader. */
	struct ring from_caller;          /* caller loop -> agent loop */
	struct ring to_caller;            /* agent loop -> caller loop */
	struct model_writer writer;       /* to the model */
	struct mailbox mail;              /* anybody -> agent loop */
	_Atomic uint64_t stale_to;        /* agent loop sets it before it counts a cut */
	_Atomic uint32_t cuts_wanted;     /* agent loop counts, caller loop serves */
	_Atomic int64_t cut_asked_us;     /* when the interruption was told; before the count */
	_Atomic int end;                  /* enum call_end; the first reason wins */
	_Atomic bool caller_speaking;     /* agent loop tells; padding depends on it */
	_Atomic int64_t uplink_anchor_us; /* when ms 0 of the model's input was said; INT64_MIN unknown */
	_Atomic int64_t started_us;       /* when Twilio's start came; 0 before */
	_Atomic int64_t ended_us;         /* when `end` was set */
	struct call_counters counters;
	_Atomic int64_t model_used[USAGE_COUNT], transcription_used[USAGE_COUNT]; /* agent loop adds */

	/* What HTTP readers see of the conversation: published by the agent loop
	 * with trylock, so that no reader can make it wait. */
	pthread_mutex_t shown_lock;
	struct call_talk shown;

	/* How the caller reaches us, and that channel's state: constant from the binding
	 * on, and written by the caller loop until FROM_STARTED. */
	const struct phone_channel *channel;
	struct phone_stream stream;

	/* Set by the caller loop at start, taken back under calls->lock when the
	 * line is left; held. NULL: not recorded here. */
	_Atomic(struct recording *) recording;
};

/* The first reason wins; both loops hear of it. Any thread, no lock held. */
void call_end(struct call *c, enum call_end why);

static inline enum call_end call_ended(struct call *c)
{
	return (enum call_end)atomic_load_explicit(&c->end, memory_order_acquire);
}

bool call_bound(struct call *c); /* a caller loop is or was in it; no lock held */

/* Tells the journal something about this call: fills in which, whose, and when. A
 * call without a name is not told of. Either loop, no lock held. */
void call_tell(struct call *c, struct journal_entry entry);

const char *recording_mode_name(enum recording_mode mode);
enum recording_mode recording_mode_of(const char *word); /* off if it is none */

/* --- the table's; all but the last three under its lock --- */

static inline bool call_takes_line(enum line_state state)
{
	return state == LINE_RESERVED || state == LINE_CLAIMED || state == LINE_LIVE;
}

/* As new, with a token, for the next call. */
void call_renew(struct call *c);

/* The call's own from now on, until the line is free. */
void call_take_context(struct call *c, struct call_context *context);
void call_set_tag(struct call *c);

/* The pool thread may take up the call, once. Not before it is known whose it is:
 * the loops read that without the lock. */
void call_wake(struct call *c);

/* As call_end. */
void call_end_locked(struct call *c, enum call_end why);

/* Once, when the table is made and when it goes: 0 or -errno; fine half open. */
int call_open(struct call *c);
void call_close(struct call *c);

/* After each call: as new, and without the memory that it took. What was said in it
 * is nobody's business in the next one. */
void call_clean(struct call *c);

#endif
