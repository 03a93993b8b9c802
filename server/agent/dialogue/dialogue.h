#ifndef AGENT_DIALOGUE_H
#define AGENT_DIALOGUE_H
/* Turn-taking: who speaks, and what follows from each event. One pure machine.
 *
 * Events go in, each with its time. Orders come out, in the sequence in which they are
 * to be carried out. There is no clock in it, no I/O and no lock. One thread: the agent
 * loop.
 *
 *   dialogue_take    takes an event; then carry out d->orders
 *   dialogue_tick    after all events, until it returns false; carry out d->orders each time
 *   dialogue_due_us  the time of the next tick with something to do, if no event comes first
 *
 * The agent's speech is a list of utterances, from the wish to the last word:
 *
 *             | asked for | begins       | is over  | failed   | refused | talked over    | by the clock
 *   ----------+-----------+--------------+----------+----------+---------+----------------+------------------
 *   WANTED    | ASKED     | MAKING (1)   |          |          |         | forgotten (2)  | asked for once free
 *   EXPECTED  |           | MAKING       |          |          |         | cut, kept 2 s  | silence: again
 *   ASKED     |           | MAKING (3)   |          |          | again   | cut            | silence: again
 *   MAKING    |           |              | MADE (5) | again    | (4)     | cut, cancelled | silence (7): again (6)
 *   MADE      |           |              |          |          | (4)     | cut            |
 *
 * (1) The model began by itself, and that is the answer that was owed. (2) An answer is
 * forgotten; a cue, which was ordered from outside, stays. (3) An utterance that was cut
 * before it began is not played, and is cancelled if the model does not stop by itself.
 * (4) Only as busy: the response was the model's own, and ours is asked for again. (5) An
 * answer is what could be heard: without sound, and without a call of a tool, it is asked
 * for again like one that never began. (6) The end of a response may be lost, or
 * unreadable. It is over as well when its parts are over and nothing follows for REST_US
 * (REST_UNHEARD_US, if nothing came of it so far), or when the next response begins.
 * (7) For rules.slow_us, or for rules.silence_us in the middle of an item and once cut.
 *
 * When the session is lost, what it was making is over, and is heard as far as it came. What it
 * owed is owed by the next: an answer that was not whole is WANTED again (`rest`, if some of it is
 * to be heard: then it is asked for after that), and so is one that was EXPECTED or ASKED; words
 * from outside go back to their place. Nothing is asked for, and no wait ends, while there is none.
 *
 * An *aside* is a filler while an answer is being made and not heard, in a response beside
 * it. It is MAKING or MADE, nobody waits for it, and it ends when the answer is heard.
 *
 * *Silence* is what the caller hears: it begins with the end of the turn or our request,
 * and not before the queued audio is played. It may last for rules.silence_us, and goes on
 * where one response gives way to the next.
 *
 * *Again* comes after a pause. An answer that fails twice in a row ends the call, and so
 * does a greeting; with rules.renews another session is tried before. A cue is given up after three tries. Nobody waits for an utterance
 * that was cut; only a firm cue (last words) is then said again.
 *
 *   model's ears | what it means                      | leaves for
 *   -------------+------------------------------------+--------------------------------------------
 *   PROTECTING   | the greeting is not interrupted    | RESTORING: heard, key, failed, time; or DEAF
 *                | or the last turn is heard again    | RESTORING: heard, key, time; or DEAF
 *   RESTORING    | turn detection was asked for       | LISTENING: confirmed; or DEAF
 *   LISTENING    | the model answers turns by itself  | DEAF: firm last words
 *   DEAF         | no turn is answered any more       |
 *
 *   farewell | waits until                     | ends
 *   ---------+---------------------------------+--------------------------------------------
 *   SAYING   | its words are being made        | HEARING: made, given up; 25 s: the call ends
 *   HEARING  | they are heard, tools done      | the call ends: all is heard, or time is up
 *
 * A caller who speaks up calls off a farewell that is not firm.
 *
 * With rules.asks nothing is protected, and the model is told nothing about turns. What was
 * given to the phone is spoken, unless the phone says that it was INTERRUPTED: a voice, a key or a
 * turn alone cuts nothing of it. A turn, or keys, while an answer is asked for or made: if
 * nothing of that came yet it is stopped, and both are answered together; else they wait for its end.
 */
#include "common/clock.h"
#include "common/foreign.h"
#include "server/line/heard.h"
#include "server/stats/endings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DIALOGUE_ORDERS = 48, /* at most, after one event: one for each item, and a few */
	DIGITS_MAX = 64,
	UTTERANCES_MAX = 32,
	ITEMS_MAX = HEARD_ITEMS,
	CUES_MAX = 8,       /* pending ones */
	CUE_TRIES = 3,      /* before a cue is given up */
	RUNS_MAX = 128,     /* tools in one call; further ones are answered with an error */
	MUTE_ACTS_MAX = 16, /* answers in a row that only call tools, before one is a failure */
	BATCHES_MAX = 16    /* responses with results that the model was not told yet */
};

/* Times, in microseconds. */
enum {
	REST_US = 400 * US_PER_MS,          /* from the end of its last part to its own end … */
	REST_UNHEARD_US = 3 * US_PER_S,     /* … and if nothing came of it so far, since it may be thinking */
	GHOST_US = 2 * US_PER_S,            /* a response that was cut before it began begins within this, or never */
	RETRY_US = 500 * US_PER_MS,         /* pause before a failed answer is asked for again */
	ANSWER_TRIES = 2,                   /* failures in a row that end the call */
	DIGITS_PAUSE_US = 1500 * US_PER_MS, /* without a key, ends a group of keys */
	LONG_SPEECH_US = 20 * US_PER_S,     /* longer "speech" of the caller is taken for noise */
	HEAR_AGAIN_US = 2 * US_PER_S,       /* for a turn that a session only hears once more */
	AFTER_SPEECH_US = 300 * US_PER_MS,  /* for the model to answer a turn by itself */
	IN_FLIGHT_US = 300 * US_PER_MS,     /* an answer that began so soon after a result cannot know it */
	FILLER_US = 1 * US_PER_S,           /* a tool without words of the model before it is noticed after this */
	FAREWELL_WORDS_US = 25 * US_PER_S,  /* for the words to be made, other utterances before them included */
	FAREWELL_MARGIN_US = 5 * US_PER_S,  /* added to the length of the words */
	FAREWELL_LONGEST_US = 30 * US_PER_S /* for the words to be heard, once they are made */
};

struct dialogue_rules {
	bool greets;        /* the agent speaks first */
	bool recalled;      /* the caller is back: the model is told the conversation, and goes on */
	bool interruptible; /* by voice */
	bool renews; /* a session of which no answer can be had is followed by another, once, before the call ends */
	bool asks;   /* the model is asked to answer a turn; and only the phone itself interrupts, as it speaks */
	int64_t protect_us; /* protection of the greeting, from its first audio; 0: none */
	int64_t idle_us;    /* silence of both sides that ends the call; 0: none does */
	int64_t silence_us; /* that a waiting caller may hear … */
	int64_t slow_us;    /* … and while there is a sign of an answer; not less */
};

/* ---------------------------------------------------------------------------- events */

#define DIALOGUE_EVENTS(X) \
	/* the link */ \
	X(MODEL_READY) /* a session is ready; resent: it hears the last turn again, and answers it; heard_again: and does not */ \
	X(MODEL_AWAY) /* there is none, for now, or another: what the last one was making is over */ \
	X(CONFIGURED) /* the session has confirmed a change of its settings */ \
	/* the caller loop */ \
	X(CALLER_THERE) /* the stream began */ \
	X(FIRST_AUDIO)  /* no, at_us: an item's first audio went out */ \
	X(HEARD)        /* heard[0]: an item was played to its end */ \
	X(DRY)          /* no, count: so many bytes of an item were played, and then there was no more */ \
	X(CUT)          /* cut, heard[count]: play-out was cut, with what was heard by then */ \
	X(INTERRUPTED) /* the same, done by the phone itself, which takes nothing before it is answered by CUT_PLAYOUT */ \
	X(CALLER_LEFT) /* heard[count] */ \
	X(KEY)         /* key */ \
	/* the model, about the caller */ \
	X(CALLER_BEGAN) /* the caller speaks */ \
	X(CALLER_ENDED) /* at_us: the end of the speech; 0: unknown */ \
	X(TURN)         /* the caller's turn is complete, and needs an answer */ \
	/* the model's responses */ \
	X(BEGAN)     /* response, aside: it is one of ours, for certain */ \
	X(SIGN)      /* response, "" if unknown: a sign of life */ \
	X(AUDIO)     /* response, item, count: bytes of it, 0 is not heard */ \
	X(PART)      /* response: another part of it begins */ \
	X(PART_OVER) /* response, item: it is complete; acts: it calls a tool */ \
	X(OVER)      /* response, failed, turn_detected, aside; claims; text: the record's word for its end */ \
	X(REFUSED)   /* request (0: unknown), busy */ \
	/* tools: run is the toolbox's number, from 1 */ \
	X(TOOL_CALLED) /* run, response, text: the filler, NULL none, "" the model's own words; at_us: its deadline */ \
	X(TOOL_ANSWERED) /* run */ \
	X(TOOL_ENDS)     /* run, response, end: the call is to end with the words of that response */ \
	X(TOLD)          /* the model was told something that it has to answer */ \
	/* orders from outside */ \
	X(SAY)     /* text, exact */ \
	X(GOODBYE) /* text, exact, firm, end */ \
	X(MACHINE) /* text, which outlives the call: the message to leave; exact */

enum dialogue_event_type {
#define X(name) EVENT_##name,
	DIALOGUE_EVENTS(X)
#undef X
	    EVENT_COUNT
};

struct dialogue_event { /* all borrowed until dialogue_take returns */
	enum dialogue_event_type type;
	const char *response, *item; /* NULL is "" */
	const char *text;
	const char *
	    claims; /* the model's account of a response that did not fail; NULL also: stopped for the caller's voice */
	const struct heard *heard;
	uint32_t count, cut, no, run, request;
	int64_t at_us;
	enum call_end end;
	bool failed, turn_detected, acts, busy, exact, firm, aside, resent, heard_again;
	char key;
};

/* ---------------------------------------------------------------------------- orders */

#define DIALOGUE_ORDERS_ALL(X) \
	/* to the model */ \
	X(GREET)  /* request: ask for the greeting */ \
	X(ASK)    /* request: ask for an answer */ \
	X(SPEAK)  /* request, text, exact, rest, filler: ask for these words; a filler's "" are the model's own … */ \
	X(ASIDE)  /* … the same, beside the response that is being made */ \
	X(CANCEL) /* response */ \
	X(LISTEN) /* turn detection as configured */ \
	X(DEAF)   /* … and neither answering nor interrupting */ \
	X(KEYS)   /* text: the digits */ \
	X(TOOL_RESULT) /* run */ \
	X(RENEW)       /* no answer can be had of this session: another one, and then it is told so (MODEL_AWAY) */ \
	/* to the caller loop */ \
	X(CUT_PLAYOUT) /* cut: its number; all that is queued is stale */ \
	X(PLAY)        /* no, item, first: play this event's audio; dialogue_received says how much it was */ \
	X(PASS_OVER)   /* do not play this event's audio */ \
	X(ITEM_MADE)   /* no, item, over, text, play: it is complete; play false: not to be played to its end */ \
	/* for the record */ \
	X(ITEM_OVER)  /* item, text: the end of its response (or ITEM_MADE has it, with `over`) */ \
	X(ITEM_HEARD) /* item, heard, made_ms, interrupted; truncate it for the model, unless truncate_ms is -1 */ \
	X(LATENCY)    /* item ("" unknown), after_event_us, after_speech_us (-1 unknown): of an answer */ \
	X(ANSWERED)   /* response: it is over, and something came of it */ \
	X(RETRIED)    /* an answer did not come, or failed; it is asked for again */ \
	X(NO_ANSWER)  /* an answer did not come */ \
	X(SILENT)     /* text: an answer ended, and there was nothing to hear; the model's account of it */ \
	X(STOPPED)    /* an answer stopped in the middle */ \
	X(RESTED)     /* response: its parts are over, and so it counts as over */ \
	X(UNTOLD)     /* response: its end was never told, and the next has begun */ \
	X(TOOL_LATE)  /* run: its time is up; it counts as answered */ \
	X(CALLED_OFF) /* run (0: none): no farewell; the tool behind it counts as answered */ \
	X(UNSAID)     /* words ordered from outside are not said: the caller is handed over first */ \
	X(UNHEARD)    /* the last words were not heard to their end in time */ \
	X(END)        /* end, said: with last words that were heard */

enum dialogue_order_type {
#define X(name) ORDER_##name,
	DIALOGUE_ORDERS_ALL(X)
#undef X
	    ORDER_COUNT
};

struct dialogue_order { /* pointers are valid until the next event or tick */
	enum dialogue_order_type type;
	const char *response, *item, *text;
	uint32_t request, cut, no, run;
	int64_t after_event_us, after_speech_us, truncate_ms;
	struct heard heard;
	uint32_t made_ms;
	enum call_end end;
	bool exact, filler, first, play, over, interrupted, said;
	bool rest; /* the caller has heard the beginning of these words */
};

/* --------------------------------------------------------------------- its own state */

enum utterance_kind { UTTERANCE_ANSWER, UTTERANCE_GREETING, UTTERANCE_SAY, UTTERANCE_FILLER, UTTERANCE_GOODBYE };

enum utterance_state {
	UTTERANCE_FREE,
	UTTERANCE_WANTED,
	UTTERANCE_EXPECTED, /* the model is to answer a turn by itself, or to go on after a tool of its own */
	UTTERANCE_ASKED,
	UTTERANCE_MAKING,
	UTTERANCE_MADE
};

struct utterance {
	uint32_t no; /* 1, 2, 3 … over the call */
	enum utterance_kind kind;
	enum utterance_state state;
	bool cut;          /* the caller talked over it: nothing more of it is played or waited for */
	bool cancel;       /* it was cut before it began, and the model does not stop by itself */
	bool begun;        /* its beginning was told */
	bool said;         /* something came of it: sound to be heard, or a call of a tool */
	bool answered;     /* that was told, once */
	bool goes_on;      /* it called a tool after its last sound */
	bool resting;      /* its last part is over, and no other has begun */
	bool aside;        /* it is a filler beside the active one, and yields to it */
	bool rest;         /* what its session made of it is heard first */
	bool filled;       /* such a filler was asked for in this pause of it */
	uint32_t turn;     /* the expected utterance that its response may really be */
	uint32_t request;  /* our number, as long as it may be refused; else 0 */
	uint32_t response; /* its id, by which it is found (utterance_response); 0 before it began */
	int64_t since_us;  /* it, or its end, is waited for since then; 0: since its beginning */
	int64_t alive_us;  /* its last sign of life */
	/* A cue: words besides the answers, ordered from outside or by a tool. */
	char *text; /* owned; NULL: none */
	bool exact, firm;
	int tries;
	uint32_t place; /* cues are said in the order of these */
};

struct item {               /* a stretch of audio; the caller loop knows it by its number */
	uint32_t no;        /* 0: none */
	uint32_t utterance; /* its number */
	uint32_t id;        /* by which it is found (item_id) */
	uint64_t received;  /* mu-law bytes */
	bool complete;      /* the model has made all of it */
	bool over;          /* heard to its end, or cut */
};

enum run_state { RUN_NONE, RUN_RUNNING, RUN_ANSWERED, RUN_TOLD };

struct run {
	enum run_state state;
	uint32_t batch;
	bool ends;          /* the call ends with it; nobody waits for its answer */
	const char *filler; /* borrowed from the agent; NULL: none */
	int64_t began_us, deadline_us;
};

struct batch {              /* the tools of one response; their results are told together */
	uint32_t no;        /* 0: free */
	uint32_t utterance; /* its number */
	bool filled;        /* a filler was said, or is not needed */
	bool last;          /* the call ends with this */
};

enum ears { EARS_LISTENING, EARS_PROTECTING, EARS_RESTORING, EARS_DEAF };

enum farewell_state { FAREWELL_NONE, FAREWELL_SAYING, FAREWELL_HEARING };

struct farewell {
	enum farewell_state state;
	enum call_end end;
	bool firm;
	bool said;      /* the words of a cue were made, and not given up; false with a tool's own words */
	uint32_t words; /* the utterance with its words; 0: they are a cue */
	uint32_t run;   /* the tool behind it; 0: none */
	int64_t deadline_us;
};

struct dialogue {
	struct dialogue_rules rules;
	bool model, caller; /* a session is ready; the stream is there */
	bool greeted;
	bool over; /* the end of the call was ordered: nothing begins any more */

	/* The caller. */
	enum ears ears;
	bool deaf_due;     /* the model is to be told that it is deaf */
	bool turn_waiting; /* the caller said something during a protected greeting */
	bool speaking;
	int64_t protect_until_us;
	int64_t hears_until_us; /* the session hears a turn once more that was answered before; 0: it does not */
	int64_t speech_us;      /* beginning of the caller's speech */
	int64_t voice_us;       /* last voice of either side, for rules.idle_us */
	int64_t silent_from_us; /* the caller hears all that was queued until then */
	int64_t stop_event_us, stop_speech_us; /* end of the turn to be answered; 0: none */
	char digits[DIGITS_MAX + 1];
	size_t digit_count;
	int64_t digits_due_us;
	const char *machine; /* a message is to be left, once stream and model are there */
	bool machine_exact;

	/* The agent. */
	struct utterance utterances[UTTERANCES_MAX];
	struct item items[ITEMS_MAX]; /* at their number, modulo */
	uint32_t last_utterance, last_item, last_request, last_place;
	uint32_t active;         /* the utterance that is being made, as far as we know; 0: none */
	uint32_t untold;         /* the last one counts as over, though its end was not told: it may go on; 0: none */
	int64_t expected_us;     /* deadline for one to begin; NEVER_US: none */
	int64_t not_before_us;   /* pause after a failure: nothing is asked for before */
	bool goes_on;            /* the last answer did, so that another is to come */
	int mute_acts;           /* answers in a row that called tools, and were not heard */
	bool renewed;            /* another session was ordered since the last answer */
	int failures;            /* in a row … */
	int64_t failing_us;      /* … and since when the caller waits for the first of them */
	int64_t busy_us;         /* the first of the refusals as busy, in a row; 0: none */
	uint32_t cuts, cut_upto; /* how many; items up to this number are cut */
	struct farewell farewell;

	/* Tools. */
	struct run runs[RUNS_MAX];
	struct batch batches[BATCHES_MAX];
	uint32_t last_batch, last_run;
	uint32_t aside;  /* the request for one that has not begun; 0: none */
	bool told;       /* the model was told results, and has to answer them … */
	int64_t told_us; /* … since then */

	/* The ids of responses and items, as the model gave them. They are long, and lie
	 * apart from what is gone through at every event. */
	char responses[UTTERANCES_MAX][FOREIGN_ID_SIZE], item_ids[ITEMS_MAX][FOREIGN_ID_SIZE];

	size_t walk; /* the place where dialogue_tick looks next */
	struct dialogue_order orders[DIALOGUE_ORDERS];
	size_t order_count;
};

/* For dialogue*.c, whose functions are of these kinds: takes an event (false: it changes
 * nothing); tells when something is due; does what is due. */
typedef bool dialogue_handler(struct dialogue *d, const struct dialogue_event *e, int64_t now_us);
typedef int64_t dialogue_time(struct dialogue *d);
typedef void dialogue_act(struct dialogue *d, int64_t now_us);

void dialogue_init(struct dialogue *d, const struct dialogue_rules *rules);
void dialogue_free(struct dialogue *d);

/* Takes an event. False: it changes nothing. That matters for orders from outside (too
 * much at once, or the call is ending already) and for tools (too many, or too late). */
bool dialogue_take(struct dialogue *d, const struct dialogue_event *event, int64_t now_us);

/* So many bytes of mu-law of an item were queued, after ORDER_PLAY or ORDER_ITEM_MADE.
 * May be called while orders are carried out. */
void dialogue_received(struct dialogue *d, uint32_t no, size_t bytes, int64_t now_us);

/* Does one thing that is due. False: nothing is due. */
bool dialogue_tick(struct dialogue *d, int64_t now_us);

/* The time of the next due thing; NEVER_US: none without another event. */
int64_t dialogue_due_us(const struct dialogue *d);

/* The audio of an item; 0 if it is none of the last ITEMS_MAX. */
uint32_t dialogue_made_ms(const struct dialogue *d, uint32_t no);

#endif
