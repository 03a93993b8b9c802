#ifndef LINE_CALL_H
#define LINE_CALL_H
/* One line of the table, and everything that its two loops share. Only the loops and
 * server/line/ include it.
 *
 * The caller loop runs on CivetWeb's thread and owns Twilio's socket. The agent
 * loop runs on the line's own pool thread and owns the conversation. Data crosses
 * between them in rings of small messages, or in one of the atomics below.
 */
#include "audio/g711.h"
#include "common/bell.h"
#include "common/clock.h"
#include "common/ring.h"
#include "server/fleet/fleet.h"
#include "server/line/call_context.h"
#include "server/line/calls.h"
#include "server/line/heard.h"
#include "server/model/protocol.h"
#include "server/line/mailbox.h"
#include "server/news/journal.h"
#include "server/line/model_writer.h"
#include "server/money/spending.h"
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
	LINE_CLAIMED,  /* its token is spent; the upgrade is under way */
	LINE_LIVE,     /* the caller loop runs */
	LINE_PARKED,   /* its stream was lost, and the next one is awaited (line/calls_carry.h) */
	LINE_ENDING    /* the call is over; a loop is still in it */
};

/* Who has to come before anything new is said, once what is queued was: the caller has the word; an answer is
 * being made; a tool runs, which may take longer. */
enum call_awaits { AWAITS_MODEL, AWAITS_CALLER, AWAITS_TOOL };

/* Caller loop -> agent loop. Rare; the bell is rung for each. */
enum from_caller_type {
	FROM_STARTED = 1, /* the phone's start message came */
	FROM_PARKED,      /* struct from_cut: the stream was lost; says what was heard */
	FROM_BACK,        /* another stream has begun, and carries on */
	FROM_FIRST_AUDIO, /* struct from_first_audio */
	FROM_HEARD,       /* struct heard: played to its end */
	FROM_DRY,         /* struct from_dry: all that came of an item was played, and its end has not come */
	FROM_CUT,         /* struct from_cut */
	FROM_INTERRUPTED, /* struct from_cut: the phone stopped playing by itself; then its account of the words
			     that were heard, if they are not ours */
	FROM_DIGIT,       /* one char */
	FROM_LANGUAGE,    /* a language tag: that of the turn that follows */
	FROM_TEXT,        /* one bool: the turn is complete; then the caller's words so far, UTF-8 */
	FROM_VOICE,       /* one bool: the caller speaks; on a channel of audio by its level, while no model hears it */
	FROM_LEFT         /* the caller loop is gone: struct from_cut says what was heard */
};

struct from_first_audio {
	uint32_t no;
	int64_t sent_us;
};

struct from_dry {
	uint32_t no;
	uint32_t bytes; /* of mu-law, sent of it so far */
};

struct from_cut {
	uint32_t cut; /* count of cuts served with this */
	uint32_t count;
	struct heard items[HEARD_ITEMS];
};

/* Agent loop -> caller loop. */
enum to_caller_type {
	TO_AUDIO = 1, /* struct to_audio, then mu-law, or on a channel of text UTF-8 */
	TO_ITEM_END,  /* uint32_t: the item's number; no audio of it follows */
	TO_GREETED,   /* struct to_audio, then the words that the phone speaks by itself at its start */
	TO_LANGUAGE,  /* a language tag */
	TO_PLAY,      /* a URL */
	TO_KEYS       /* keys to be dialled */
};

struct to_audio {
	uint32_t no;
	uint32_t unused;
};

struct call_hand_over { /* whom the caller is handed over to */
	char name[FLEET_NAME_SIZE], number[FOREIGN_ID_SIZE];
	int ring_seconds;
};

/* Texts that are too long are cut. */
struct call_hand_over call_hand_over_to(const char *name, const char *number, int ring_seconds);

enum {
	FROM_CALLER_BYTES = 64 * 1024,
	TO_CALLER_BYTES = 4 * 1024 * 1024,
	TO_CALLER_AUDIO_MAX = 300 * 1000 * 8, /* five minutes may be pending */
	CALL_TURNS_MAX = 4000, /* turns of one stream in memory; the next stream's numbers begin after them */
	CALL_TAG_SIZE = FOREIGN_ID_SIZE
};

/* One loop writes each counter, any thread reads it. Relaxed: no counter vouches for
 * another one, or for other memory. */
struct call_counters {
	_Atomic uint64_t frames_in, frames_out, dropped_ms, stale_ms, late_delta_ms, answer_dropped_ms, padded_ms,
	    underruns, cuts, digits, invalid_messages, unknown_events;
	_Atomic int64_t late_ms, late_max_ms; /* of caller audio, by media.timestamp */
	_Atomic int64_t backlog_ms;           /* caller audio pending for the model now */
	_Atomic bool valve_open;
};

struct call_press {
	bool on;         /* Twilio was asked to play keys, and to open the stream that is announced … */
	bool stopped;    /* … and the one that there was has been stopped since */
	int64_t play_us; /* how long they take */
};

struct call {
	/* Constant from start to end of the program. */
	struct calls *calls;
	const struct config *cfg;
	uint32_t index;
	pthread_t thread; /* runs the agent loop of one call after another */
	bool running;     /* the thread was started */
	struct bell caller_bell, agent_bell;

	/* Under calls->lock. */
	enum line_state state;
	uint32_t generation;
	int refs;                  /* loops in it: 0, 1 or 2 */
	bool bound;                /* a caller loop is or was in it */
	bool agent_called;         /* the pool thread was told to take up the call … */
	bool agent_due;            /* … and has not done so yet */
	bool remembered;           /* ended_calls has it */
	int64_t expires_us;        /* reserved, claimed and parked lines, and those that requests carry */
	int losses;                /* of its stream, so far */
	int streams;               /* that were announced after its first: the number of the last one */
	struct call_press press;   /* keys, in place of the stream */
	char *way[WAY_PARTS];      /* owned; NULL: the stream is none of our TwiML's (line/keys/call_keys.h) */
	bool absent;               /* a reference stands for a caller loop that is not there */
	void *parked;              /* what that left (caller/caller_loop.c); NULL: nothing */
	struct spending_hold hold; /* what it may cost; spending's lock guards what is in it */
	char token[CALL_TOKEN_SIZE];

	/* Written under calls->lock: at the reservation, or by the caller loop when
	 * an unannounced stream starts. Both come before the agent loop begins, so
	 * the loops read it without the lock. */
	char call_sid[FOREIGN_ID_SIZE];
	char from[FOREIGN_ID_SIZE], to[FOREIGN_ID_SIZE], direction[24];
	char tag[CALL_TAG_SIZE]; /* for logs */
	bool announced;
	int64_t reserved_us, reserved_wall_ms;
	const struct agent *agent;   /* context.agent; never NULL while the line is taken */
	struct call_context context; /* owned */
	enum recording_mode record;
	bool detected;      /* Twilio was asked for machine detection, which it bills per answered call */
	int64_t first_turn; /* the number of its first turn; not 0 if the call had a stream before */

	/* Crossing threads. Each ring has one writer and one reader. */
	struct ring from_caller;      /* caller loop -> agent loop */
	struct ring to_caller;        /* agent loop -> caller loop */
	struct model_writer writer;   /* to the model */
	struct mailbox mail;          /* any thread -> agent loop */
	_Atomic uint64_t stale_to;    /* agent loop sets it before it counts a cut */
	_Atomic uint32_t cuts_wanted; /* agent loop counts, caller loop serves */
	_Atomic int64_t cut_asked_us; /* time of the interruption; set before the count */
	_Atomic int end;              /* enum call_end; the first reason wins */
	_Atomic int lost; /* enum call_end: its stream is, and the call ends by this if no other one comes */
	_Atomic bool parted,
	    unheard;         /* the agent has said goodbye, or that we are sorry, or not to its end; set before `end` */
	_Atomic int parting; /* enum call_end, of a goodbye that the phone has and has not said yet */
	_Atomic int may_press;        /* enum keys_answer (line/keys/keys.h); set by the agent loop; 0: not yet */
	_Atomic bool caller_speaking; /* set by the agent loop; padding depends on it */
	/* Positions of the caller's audio are bytes of mu-law, counted over the whole call as they are sent to the
	 * model; what is sent again keeps its position. */
	_Atomic uint64_t said_to; /* set by the agent loop: nothing before it need be sent again */
	_Atomic uint64_t
	    gone_to; /* set by the caller loop: sound before it is gone that no session can hear any more */
	_Atomic uint64_t uplink_base;     /* set by the caller loop: where the input of the session began */
	_Atomic int64_t uplink_anchor_us; /* time at which position 0 was said; INT64_MIN: unknown */
	_Atomic int64_t waits_since_us; /* set by the agent loop: the caller waits and no audio is queued; 0: not so */
	_Atomic int64_t started_us;     /* arrival of Twilio's start; 0 before */
	_Atomic int64_t ended_us;       /* time at which `end` was set; 0 before */
	struct call_counters counters;
	/* Of the sessions at each endpoint. The agent loop names the model, which is borrowed from what outlives the
	 * call, and adds. NULL: none there so far; at the first, the agent's. */
	struct call_model {
		_Atomic(const char *) name;
		_Atomic int64_t used[USAGE_COUNT];
	} models[CONFIG_ENDPOINTS_MAX];
	int model_at;                                    /* agent loop: the place of the session's */
	_Atomic int64_t transcription_used[USAGE_COUNT]; /* agent loop adds */

	/* The conversation as HTTP readers see it. The agent loop publishes it with
	 * trylock, so that no reader can make it wait. */
	pthread_mutex_t shown_lock;
	struct call_talk shown;
	struct fleet_said *said; /* owned; the same for whoever goes on with it; NULL: the talk is well */

	/* The caller's channel, which is the agent's, is constant from the reservation on, as the model's session
	 * depends on it; without an announcement, from the binding on. The caller loop writes the channel's state until
	 * FROM_STARTED. */
	const struct phone_channel *channel;
	struct phone_stream stream;

	/* Held by the line. The caller loop sets it at the start; the last loop to
	 * leave takes it out under calls->lock. NULL: not recorded here. */
	_Atomic(struct recording *) recording;

	/* On a channel of requests there is no caller loop: each request is a turn of it, one at a time. */
	pthread_mutex_t visit_lock; /* taken before the table's */
	void *visits;               /* under visit_lock: what the turns keep (caller/gather.c) */
	_Atomic int awaits;         /* enum call_awaits: by the agent loop … */
	_Atomic uint64_t taken_to;  /* … when it has taken all before this position of from_caller */
};

/* Ends the call. The first reason wins, and both bells ring. Any thread, no lock held. */
void call_end(struct call *c, enum call_end why);
/* Each of a call's loops, once a turn: ends the call if this thread was refused memory since. What came of
 * the refusal, a message that was not understood or not sent, is not known here, and need not be. */
void call_mind_memory(struct call *c);

static inline enum call_end call_ended(struct call *c)
{
	return (enum call_end)atomic_load_explicit(&c->end, memory_order_acquire);
}

/* By what its stream was lost, since when the call is parked, or is to be (line/calls_carry.h). CALL_NOT_ENDED: it was not. The
 * caller loop leaves when it is. */
static inline enum call_end call_lost(struct call *c)
{
	return (enum call_end)atomic_load_explicit(&c->lost, memory_order_acquire);
}

/* Agent loop. The position of `ms` of the session's input, as the model counts them. */
static inline uint64_t call_position(struct call *c, int64_t ms)
{
	return atomic_load_explicit(&c->uplink_base, memory_order_relaxed) + (uint64_t)ms * G711_BYTES_PER_MS;
}

/* Agent loop. The time at which a position was said, and what had been said by a time. INT64_MIN and 0: unknown,
 * as after each new session until it has all that waited for it. */
static inline int64_t call_position_us(struct call *c, uint64_t position)
{
	int64_t anchor = atomic_load_explicit(&c->uplink_anchor_us, memory_order_relaxed);

	return anchor == INT64_MIN ? INT64_MIN : anchor + (int64_t)(position * US_PER_MS / G711_BYTES_PER_MS);
}

static inline uint64_t call_said_by(struct call *c, int64_t at_us)
{
	int64_t anchor = atomic_load_explicit(&c->uplink_anchor_us, memory_order_relaxed);

	return anchor == INT64_MIN || at_us <= anchor ? 0 : (uint64_t)(at_us - anchor) * G711_BYTES_PER_MS / US_PER_MS;
}

/* Agent loop: no audio before the position need be sent to another session. It only grows. */
static inline void call_said_to(struct call *c, uint64_t position)
{
	if (position > atomic_load_explicit(&c->said_to, memory_order_relaxed))
		atomic_store_explicit(&c->said_to, position, memory_order_relaxed);
}

/* Agent loop. Something was said after the position that another session would need, and is gone, up to there. */
static inline uint64_t call_gone_to(struct call *c)
{
	return atomic_load_explicit(&c->gone_to, memory_order_relaxed);
}

static inline bool call_lost_after(struct call *c, uint64_t position)
{
	uint64_t said_to = atomic_load_explicit(&c->said_to, memory_order_relaxed);

	return call_gone_to(c) > (position > said_to ? position : said_to);
}

/* Agent loop, before it ends the call as TRANSFERRED: keeps what connect-action and a return of the caller
 * need to know. Takes `said`, the conversation; NULL: none of it. */
void call_hand_over(struct call *c, const struct call_hand_over *to, struct fleet_said *said, int64_t now_us);

/* Agent loop, once `said` is published for the last time: whoever goes on with a session that broke off gets
 * the last words, too, and what was heard of ours. Twilio asks for it a second later, as a rule. */
void call_keep_said(struct call *c);

bool call_has_parted(const struct call *c); /* its last words were heard; any thread */
bool call_bound(struct call *c);            /* a caller loop is or was in it; no lock held */

/* Tells the journal about this call: adds its CallSid, its agent and the time to the
 * entry. A call without a CallSid is left out. Either loop, no lock held. */
void call_tell(struct call *c, struct journal_entry entry);

const char *recording_mode_name(enum recording_mode mode);
enum recording_mode recording_mode_of(const char *word); /* an unknown word: off */

/* --- for the table; under its lock, except the last three --- */

static inline bool call_takes_line(enum line_state state)
{
	return state != LINE_FREE && state != LINE_ENDING;
}

/* Makes a free line a reserved one for the next call, with a fresh token. */
void call_renew(struct call *c);

/* Moves the context into the call, which owns it until the line is free. `context` is
 * zeroed. The first one of a call only: an earlier one is not freed. */
void call_take_context(struct call *c, struct call_context *context);
void call_set_tag(struct call *c);

/* The person on the line: who calls, or whom we called. Borrowed from the call. */
const char *call_person(const struct call *c);

/* Copies From or To as `read` spells it. One that is cut would be somebody else's, so a longer one is
 * left out. `call_sid` is for the log. */
struct party;
void call_copy_party(
    const char *call_sid, char out[FOREIGN_ID_SIZE], struct party (*read)(const char *), const char *text);

/* The words with which the phone greets by itself, on a channel of text; "": the agent greets, or nobody.
 * Borrowed from the call. */
const char *call_welcome(const struct call *c);

/* Lets the pool thread take up the call; a repetition rings its bell only. The
 * call's facts must be complete: the loops read them without the lock. */
void call_wake(struct call *c);

/* As call_end. */
void call_end_locked(struct call *c, enum call_end why);

/* At the start and end of the table. 0 or -errno; close copes with half an open. */
int call_open(struct call *c);
void call_close(struct call *c);

/* After each call, when both loops have left it: empties rings, mail and conversation,
 * and gives back their memory. Nothing said in it may reach the next caller. */
void call_clean(struct call *c);

#endif
