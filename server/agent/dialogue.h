#ifndef AGENT_DIALOGUE_H
#define AGENT_DIALOGUE_H
/* Who has the word, and what is to be done about it: one pure machine.
 *
 * Everything that happens goes in as an event with its time; what is to be done
 * comes out as orders, in the order in which they are to be carried out. There is
 * no clock in it, no I/O and no lock. One thread: the agent loop.
 *
 *   dialogue_take    an event; then carry out d->orders
 *   dialogue_tick    when all events are in, until it says false; after each, the orders
 *   dialogue_due_us  when dialogue_tick has something to do, if no event comes first
 *
 * What the agent says is a list of utterances, from the wish to the last word:
 *
 *             | asked for | begins       | is over  | failed   | refused | talked over    | by the clock
 *   ----------+-----------+--------------+----------+----------+---------+----------------+------------------
 *   WANTED    | ASKED     | MAKING (1)   |          |          |         | forgotten (2)  | asked for once free
 *   EXPECTED  |           | MAKING       |          |          |         | cut, kept 2 s  | 10 s: again
 *   ASKED     |           | MAKING (3)   |          |          | again   | cut            | 10 s: again
 *   MAKING    |           |              | MADE     | again    | (4)     | cut, cancelled | 20 s of silence: again
 *   MADE      |           |              |          |          | (4)     | cut            |
 *
 * (1) The model began by itself: that is the answer that was owed. (2) An answer;
 * cues, which somebody else ordered, stay. (3) One that was cut before it began is
 * not played, and cancelled if the model does not do so by itself. (4) Only as
 * busy: the response was the model's own, ours is to be asked for again.
 *
 * *Again* is after a pause. An answer that fails twice in a row ends the call; a
 * greeting that never begins is done without; a cue is given up after three times.
 * One that was cut is owed to nobody; only a firm cue (last words) is said again then.
 *
 *   model's ears | what it means                      | leaves for
 *   -------------+------------------------------------+--------------------------------------------
 *   PROTECTING   | the greeting is not interrupted    | RESTORING: heard, key, failed, time; or DEAF
 *   RESTORING    | turn detection was asked for       | LISTENING: confirmed; or DEAF
 *   LISTENING    | the model answers turns by itself  | DEAF: firm last words
 *   DEAF         | nobody is answered any more        |
 *
 *   farewell | what is waited for              | ends
 *   ---------+---------------------------------+--------------------------------------------
 *   SAYING   | its words are being made        | HEARING: made, given up; 25 s: the call ends
 *   HEARING  | they are heard, tools done      | the call ends: all is heard, or time is up
 *
 * The caller speaking up calls a farewell off that is not firm.
 */
#include "common/clock.h"
#include "server/line/heard.h"
#include "server/stats/endings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DIALOGUE_ID_SIZE = 64,
	DIALOGUE_ORDERS = 48, /* of one event: all items, and a handful */
	DIGITS_MAX = 64,
	UTTERANCES_MAX = 32,
	ITEMS_MAX = HEARD_ITEMS,
	CUES_MAX = 8,    /* that wait to be said */
	CUE_TRIES = 3,   /* before one is given up */
	RUNS_MAX = 128,  /* tools in one call; the model is told when it has had enough */
	BATCHES_MAX = 16 /* responses whose tools are not all told of */
};

/* Times. What is a time of day to somebody is in microseconds. */
enum {
	CREATED_US = 10 * US_PER_S,         /* from response.create, or the end of a turn, to response.created */
	QUIET_US = 20 * US_PER_S,           /* between two events of one response */
	GHOST_US = 2 * US_PER_S,            /* a response that was cut before it began shows within this, or never */
	RETRY_US = 500 * US_PER_MS,         /* before a failed answer is asked for again */
	BUSY_MAX = 40,                      /* refusals as busy, RETRY_US apart, before they count as a failure */
	ANSWER_TRIES = 2,                   /* in a row, before the call is given up */
	DIGITS_PAUSE_US = 1500 * US_PER_MS, /* no key for so long ends a group */
	PROTECT_GUARD_US = 15 * US_PER_S,   /* a greeting that never begins protects no longer */
	LONG_SPEECH_US = 20 * US_PER_S,     /* a caller who "speaks" for longer is noise */
	AFTER_SPEECH_US = 300 * US_PER_MS,  /* the model answers a turn by itself: it has this to begin */
	IN_FLIGHT_US = 300 * US_PER_MS,     /* an answer begun so soon after we told cannot know of it */
	FILLER_US = 1 * US_PER_S,           /* a caller notices that nothing happens … */
	FILLER_SPOKE_US = 4 * US_PER_S,     /* … later, if the model has just said something */
	FAREWELL_WORDS_US = 25 * US_PER_S,  /* for the words to be made, whatever is being said before */
	FAREWELL_MARGIN_US = 5 * US_PER_S,  /* over the words' length */
	FAREWELL_LONGEST_US = 30 * US_PER_S /* from when they were made */
};

struct dialogue_rules {
	bool greets;        /* the agent speaks first */
	bool recalled;      /* the caller is back: the model is told what was said, and answers that */
	bool interruptible; /* by voice */
	int64_t protect_us; /* of the greeting, from its first audio; 0: none */
	int64_t idle_us;    /* nobody says anything for so long: the call ends; 0: never */
};

/* ------------------------------------------------------------------- what happens */

#define DIALOGUE_EVENTS(X) \
	/* the link */ \
	X(MODEL_READY) /* a session is there */ \
	X(MODEL_AWAY)  /* … is not, for now */ \
	X(CONFIGURED)  /* the session took what it was told */ \
	/* the caller loop */ \
	X(CALLER_THERE) /* the stream began */ \
	X(FIRST_AUDIO)  /* no, at_us: an item's first audio went out */ \
	X(HEARD)        /* heard[0]: an item was played to its end */ \
	X(CUT)          /* cut, heard[count]: play-out was cut, and what was heard up to there */ \
	X(INTERRUPTED)  /* the same, by the phone itself */ \
	X(CALLER_LEFT)  /* heard[count] */ \
	X(KEY)          /* key */ \
	/* the model: what the caller does */ \
	X(CALLER_BEGAN) /* to speak */ \
	X(CALLER_ENDED) /* at_us: when the speech ended; 0: unknown */ \
	X(TURN)         /* what was said is to be answered */ \
	/* the model: what it says */ \
	X(BEGAN)      /* response */ \
	X(SIGN)       /* response, "" if unknown: a sign of life */ \
	X(AUDIO)      /* response, item */ \
	X(AUDIO_OVER) /* response, item */ \
	X(OVER)       /* response, failed, turn_detected; text: how it ended, in the record's word */ \
	X(REFUSED)    /* request (0: not told which), busy */ \
	/* tools: run is a number from 1, the loop's */ \
	X(TOOL_CALLED) /* run, response, text: the filler, NULL none, "" the model's own words; at_us: its deadline */ \
	X(TOOL_ANSWERED) /* run */ \
	X(TOOL_ENDS)     /* run, response, end: the call is to end with the words of that response */ \
	X(TOLD)          /* the model was told something, and is to say something to it */ \
	/* orders from outside */ \
	X(SAY)     /* text, exact */ \
	X(GOODBYE) /* text, exact, firm, end */ \
	X(MACHINE) /* text, which outlives the call: what to leave on it */

enum dialogue_event_type {
#define X(name) EVENT_##name,
	DIALOGUE_EVENTS(X)
#undef X
	    EVENT_COUNT
};

struct dialogue_event { /* all borrowed for the call of dialogue_take */
	enum dialogue_event_type type;
	const char *response, *item; /* NULL is "" */
	const char *text;
	const struct heard *heard;
	uint32_t count, cut, no, run, request;
	int64_t at_us;
	enum call_end end;
	bool failed, turn_detected, busy, exact, firm;
	char key;
};

/* ----------------------------------------------------------------- what is to be done */

#define DIALOGUE_ORDERS_ALL(X) \
	/* to the model */ \
	X(RECALL)      /* tell it what was said before the caller came back */ \
	X(GREET)       /* request: ask for the greeting */ \
	X(ASK)         /* request: ask for an answer */ \
	X(SPEAK)       /* request, text, exact, filler: ask for these words; a filler's "" are the model's own */ \
	X(CANCEL)      /* response */ \
	X(LISTEN)      /* turn detection as configured */ \
	X(DEAF)        /* … and neither answering nor interrupting */ \
	X(KEYS)        /* text: the digits */ \
	X(TOOL_RESULT) /* run */ \
	/* to the caller loop */ \
	X(CUT_PLAYOUT) /* cut: its number; all that is queued is stale */ \
	X(PLAY)        /* no, item, first: what came with this event; dialogue_received tells how much it was */ \
	X(PASS_OVER)   /* … is not to be played */ \
	X(ITEM_MADE)   /* no, item, over, text, play: all of it is made; false: it is not played to its end */ \
	/* for the record */ \
	X(ITEM_OVER)  /* item, text: how its response ended (or ITEM_MADE says so with `over`) */ \
	X(ITEM_HEARD) /* item, heard, made_ms, interrupted; the model: only so far, unless truncate_ms is -1 */ \
	X(LATENCY)    /* item ("" if unknown), after_event_us, after_speech_us (-1 unknown): of an answer */ \
	X(RETRIED)    /* an answer did not come, or failed: it is asked for again */ \
	X(NO_ANSWER)  /* … did not come */ \
	X(STOPPED)    /* … stopped in the middle */ \
	X(TOOL_LATE)  /* run: its time is up; it counts as answered */ \
	X(CALLED_OFF) /* run (0: none): the farewell; the tool behind it counts as answered */ \
	X(UNHEARD)    /* the last words were not heard to their end in time */ \
	X(END)        /* end */

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
	bool exact, filler, first, play, over, interrupted;
};

/* --------------------------------------------------------------------- its own state */

enum utterance_kind { UTTERANCE_ANSWER, UTTERANCE_GREETING, UTTERANCE_SAY, UTTERANCE_FILLER, UTTERANCE_GOODBYE };

enum utterance_state {
	UTTERANCE_FREE,
	UTTERANCE_WANTED,
	UTTERANCE_EXPECTED, /* the model is to answer a turn by itself */
	UTTERANCE_ASKED,
	UTTERANCE_MAKING,
	UTTERANCE_MADE
};

struct utterance {
	uint32_t no; /* 1, 2, 3 … over the call */
	enum utterance_kind kind;
	enum utterance_state state;
	bool owed;                       /* the caller waits for it: a turn, keys; not a greeting */
	bool cut;                        /* the caller talked over it: no more of it is played, nobody waits for it */
	bool cancel;                     /* cut before it began: nobody but us will stop it */
	bool begun;                      /* its beginning was told */
	uint32_t turn;                   /* an utterance that is expected, and this if it is the model's own */
	uint32_t request;                /* of ours, as long as it may be refused; else 0 */
	char response[DIALOGUE_ID_SIZE]; /* "" before it began */
	int64_t alive_us;                /* its last sign of life */
	/* A cue: what the agent is to say besides its answers. */
	char *text; /* owned; NULL: none */
	bool exact, firm;
	int tries;
	uint32_t place; /* cues are said in the order of these */
};

struct item {               /* a stretch of audio, told of to the caller loop by its number */
	uint32_t no;        /* 0: none */
	uint32_t utterance; /* its number */
	char id[DIALOGUE_ID_SIZE];
	uint64_t received; /* mu-law bytes */
	bool complete;     /* the model has made all of it */
	bool over;         /* heard to its end, or cut: nothing more to tell */
};

enum run_state { RUN_NONE, RUN_RUNNING, RUN_ANSWERED, RUN_TOLD };

struct run {
	enum run_state state;
	uint32_t batch;
	bool ends;          /* the call ends with it: it is not waited for */
	const char *filler; /* borrowed from the agent; NULL: none */
	int64_t began_us, deadline_us;
};

struct batch {              /* the tools of one response: told of together */
	uint32_t no;        /* 0: free */
	uint32_t utterance; /* its number */
	bool filled;        /* a filler was said, or is not needed any more */
	bool last;          /* the call ends with this */
};

enum ears { EARS_LISTENING, EARS_PROTECTING, EARS_RESTORING, EARS_DEAF };

enum farewell_state { FAREWELL_NONE, FAREWELL_SAYING, FAREWELL_HEARING };

struct farewell {
	enum farewell_state state;
	enum call_end end;
	bool firm;
	uint32_t words; /* the utterance with them; 0: a goodbye, which is a cue */
	uint32_t run;   /* the tool behind it; 0: none */
	int64_t deadline_us;
};

struct dialogue {
	struct dialogue_rules rules;
	bool model, caller; /* they are there */
	bool greeted;
	bool over; /* the call was ordered to end: nothing begins any more */

	/* What the caller does. */
	enum ears ears;
	bool deaf_due;     /* the model does not know yet that it is deaf */
	bool turn_waiting; /* the caller said something to a protected greeting */
	bool speaking;
	int64_t protect_until_us;
	int64_t speech_us;                     /* since when somebody speaks */
	int64_t voice_us;                      /* the last of anybody's, for rules.idle_us */
	int64_t stop_event_us, stop_speech_us; /* of the turn to be answered; 0: none */
	char digits[DIGITS_MAX + 1];
	size_t digit_count;
	int64_t digits_due_us;
	const char *machine; /* a message is to be left, once stream and model are there */

	/* What the agent says. */
	struct utterance utterances[UTTERANCES_MAX];
	struct item items[ITEMS_MAX]; /* at their number, modulo */
	uint32_t last_utterance, last_item, last_request, last_place;
	uint32_t active;         /* the utterance that is being made, as far as we know; 0: none */
	int64_t expected_us;     /* one is to begin by then; NEVER_US: none */
	int64_t not_before_us;   /* nothing is asked for */
	int failures;            /* in a row */
	int busy;                /* refusals in a row because something else was active */
	uint32_t cuts, cut_upto; /* counted; items up to this number are cut */
	struct farewell farewell;

	/* Tools. */
	struct run runs[RUNS_MAX];
	struct batch batches[BATCHES_MAX];
	uint32_t last_batch, last_run;
	bool told; /* the model was told of tools, and is to say something to it … */
	int64_t told_us;

	size_t walk; /* where dialogue_tick looks next */
	struct dialogue_order orders[DIALOGUE_ORDERS];
	size_t order_count;
};

void dialogue_init(struct dialogue *d, const struct dialogue_rules *rules);
void dialogue_free(struct dialogue *d);

/* Something happened. False if that changes nothing, which matters for orders from
 * outside (too much at once, or the call is ending already) and for tools (too many;
 * too late). */
bool dialogue_take(struct dialogue *d, const struct dialogue_event *event, int64_t now_us);

/* So many bytes of mu-law were queued of an item that is to be played, or of its tail
 * when it is made. May be called while orders are carried out. */
void dialogue_received(struct dialogue *d, uint32_t no, size_t bytes);

/* Does one thing that is due. False: nothing is. */
bool dialogue_tick(struct dialogue *d, int64_t now_us);

/* When something is; NEVER_US: not before another event. */
int64_t dialogue_due_us(const struct dialogue *d);

/* Of the last ITEMS_MAX items: whether there was audio, and how much of it. */
bool dialogue_knows_item(const struct dialogue *d, const char *item_id);
uint32_t dialogue_made_ms(const struct dialogue *d, uint32_t no);

#endif
