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
 * When the caller is away, all that he has not heard is cut. What is being made is stopped; an answer or a cue of which
 * he missed something is WANTED again, as after a lost session, and asked for when he is there. An answer that was
 * EXPECTED or ASKED goes on, and waits for him in the queue. Tools run on; nothing is asked for, and no silence counts.
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
 * A *known* line has its sound already: it needs no session, is MADE as soon as it begins, and is never made again.
 *
 *   known line | begins                                             | instead of           | is cut by
 *   -----------+----------------------------------------------------+----------------------+------------------------------
 *   GREETING   | with the stream, once                              | the model's greeting | voice, key; if protected, key
 *   HOLD       | WAITED, unless there is still sound to be heard    | a tone               | voice, key
 *   SORRY      | GONE, or no session answers: the call ends with it | END                  | nothing
 *   IDLE       | nobody has spoken, and there is no session         | END                  | voice, key: it is called off
 *   *_LIMIT    | GOODBYE with it, and there is no session           | a cue                | nothing
 *   STILL_THERE| the caller is to be asked, and there is no session | a cue                | voice, key
 *   INSTANT    | WRITTEN with it, if nothing else is owed           | the model's answer   | voice, key
 *
 * HOLD is no part of the conversation, and ends no silence: an answer is waited for as without it, and is played
 * behind it.
 *
 * With rules.instant the model is asked for each answer, and not before the words of the turn are known, or WORDS_US have
 * passed.
 *
 * Without a session the caller's voice is known from its level alone (caller/gate.h); it counts until there is one.
 *
 *   of the caller          | since                              | what follows
 *   -----------------------+------------------------------------+-------------------------------------------
 *   nothing is heard       | both are silent, and all is played | he is asked whether he is there: again, if
 *   nothing is understood: | the first sound behind the last    | nothing changes; the third time a farewell
 *   music, on hold         | words, with short pauses at most   | (for the music a firm one)
 *
 * Words, keys, and a turn of which nobody has said that it has no words begin that count anew.
 *
 * With rules.asks nothing is protected, and the model is told nothing about turns. What was
 * given to the phone is spoken, unless the phone says that it was INTERRUPTED: a voice, a key or a
 * turn alone cuts nothing of it. A turn, or keys, while an answer is asked for or made: if
 * nothing of that came yet it is stopped, and both are answered together; else they wait for its end.
 */
#include "common/clock.h"
#include "common/foreign.h"
#include "server/agent/dialogue/dialogue_events.h"
#include "server/line/heard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DIALOGUE_ORDERS = 48, /* at most, after one event: one for each item, and a few */
	DIGITS_MAX = 64,
	UTTERANCES_MAX = 32,
	ITEMS_MAX = HEARD_ITEMS,
	IDS_REPLACED = 4,   /* more than one event replaces */
	CUES_MAX = 8,       /* pending ones */
	CUE_TRIES = 3,      /* before a cue is given up */
	RUNS_MAX = 128,     /* tools in one call; further ones are answered with an error */
	MUTE_ACTS_MAX = 16, /* answers in a row that call tools while nothing is heard, before one is a failure */
	QUESTIONS_MAX = 2,  /* in a row, whether the caller is still there */
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
	HEAR_AGAIN_US = 2 * US_PER_S,       /* for a turn that a session only hears once more … */
	PLACE_US = 1 * US_PER_S,            /* … and for its words, which the caller waits for in silence */
	HEAR_REST_US = 1 * US_PER_S,        /* for what is left of the caller's words, where some are lost */
	AFTER_SPEECH_US = 300 * US_PER_MS,  /* for the model to answer a turn by itself */
	WORDS_US = 300 * US_PER_MS,         /* for the words of a turn, with rules.instant */
	MUSIC_PAUSE_US = 15 * US_PER_S,     /* between two sounds of the caller's; longer, and it is no music */
	ASK_AGAIN_US = 10 * US_PER_S,       /* over music, where rules.reprompt_us is 0 */
	IN_FLIGHT_US = 300 * US_PER_MS,     /* an answer that began so soon after a result cannot know it */
	FILLER_US = 1 * US_PER_S,           /* a tool without words of the model before it is noticed after this */
	FAREWELL_WORDS_US = 25 * US_PER_S,  /* for the words to be made, other utterances before them included */
	FAREWELL_MARGIN_US = 5 * US_PER_S,  /* added to the length of the words */
	FAREWELL_LONGEST_US = 30 * US_PER_S /* for the words to be heard, once they are made */
};

struct dialogue_words { /* as those of an event */
	const char *text;
	bool exact;
};

struct dialogue_rules {
	bool greets;        /* the agent speaks first */
	bool recalled;      /* the caller is back: the model is told the conversation, and goes on */
	bool interruptible; /* by voice */
	bool renews;  /* a session of which no answer can be had is followed by another, once, before the call ends */
	bool instant; /* the model answers no turn by itself: what is said may have an answer that is known */
	bool asks;    /* the model is asked to answer a turn; and only the phone itself interrupts, as it speaks */
	int64_t protect_us;  /* protection of the greeting, from its first audio; 0: none */
	int64_t idle_us;     /* silence of both sides that ends the call; 0: none does */
	int64_t reprompt_us; /* the same, after which the caller is asked whether he is still there; 0: never */
	int64_t music_us;    /* sound from the caller's side without words, after which the same is asked; 0: never */
	struct dialogue_words still_there, parting; /* that question, and the last words; they outlive the call */
	int64_t silence_us;                         /* that a waiting caller may hear … */
	int64_t slow_us;                            /* … and while there is a sign of an answer; not less */
	bool knows[KNOWN_COUNT];                    /* the lines that are known */
};

/* --------------------------------------------------------------------- its own state */

enum utterance_kind {
	UTTERANCE_ANSWER,
	UTTERANCE_GREETING,
	UTTERANCE_SAY,
	UTTERANCE_FILLER,
	UTTERANCE_STILL_THERE,
	UTTERANCE_GOODBYE
};

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
	enum known_line known; /* what it says; NONE: it has to be made */
	bool cut;              /* the caller talked over it: nothing more of it is played or waited for */
	bool cancel;           /* it was cut before it began, and the model does not stop by itself */
	bool begun;            /* its beginning was told */
	bool said;             /* something came of it: sound to be heard, or a call of a tool */
	bool answered;         /* that was told, once */
	bool acts;             /* it called a tool … */
	bool goes_on;          /* … after its last sound */
	bool resting;          /* its last part is over, and no other has begun */
	bool aside;            /* it is a filler beside the active one, and yields to it */
	bool rest;             /* what its session made of it is heard first */
	bool instant;          /* a known answer may take its place */
	bool filled;           /* such a filler was asked for in this pause of it */
	uint32_t turn;         /* the expected utterance that its response may really be */
	uint32_t request;      /* our number, as long as it may be refused; else 0 */
	uint32_t response;     /* its id, by which it is found (utterance_response); 0 before it began */
	int64_t since_us;      /* it, or its end, is waited for since then; 0: since its beginning */
	int64_t alive_us;      /* its last sign of life */
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
	bool known;     /* they are a known line, without a session: no tool is waited for, and nothing is missed */
	uint32_t words; /* the utterance with its words; 0: they are a cue */
	uint32_t run;   /* the tool behind it; 0: none */
	int64_t deadline_us;
};

struct quiet {              /* the caller, of whom nothing is heard or understood */
	uint32_t asked;     /* whether he is there, so many times in a row … */
	int64_t asked_us;   /* … and when for the last time */
	bool music;         /* … since nothing is understood */
	bool unwritten;     /* a turn may have words: that was not told yet */
	int64_t sounds_us;  /* he is heard since then, and not understood; 0: he is not */
	int64_t sounded_us; /* the last that was heard of him */
};

struct dialogue {
	struct dialogue_rules rules;
	bool model, caller; /* a session is ready; the stream is there */
	bool alone;         /* the session says nothing beside an answer */
	bool greeted;
	bool over; /* the end of the call was ordered: nothing begins any more */

	/* The caller. */
	enum ears ears;
	bool deaf_due;     /* the model is to be told that it is deaf */
	bool turn_waiting; /* the caller said something during a protected greeting */
	bool speaking;
	int64_t protect_until_us;
	int64_t hears_until_us; /* the session hears a turn once more that was answered before; 0: it does not */
	int64_t placing_us;     /* since then that turn is to be put in its place (utterance_placed_us); 0: none is */
	int64_t speech_us;      /* beginning of the caller's speech */
	int64_t voice_us;       /* last voice of either side, for rules.idle_us */
	int64_t silent_from_us; /* the caller hears all that was queued until then */
	int64_t held_until_us;  /* … and the known HOLD, which is not counted in */
	int64_t stop_event_us, stop_speech_us; /* end of the turn to be answered; 0: none */
	char digits[DIGITS_MAX + 1];
	size_t digit_count;
	int64_t digits_due_us;
	struct quiet quiet;
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
	int mute_acts;           /* answers that called tools since the caller spoke, or heard one before RUNS_MAX */
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

	/* The ids of responses and items, as the model gave them: owned, NULL where there was none yet. Orders
	 * borrow them, so the last ones to be replaced stay for a while. */
	char *responses[UTTERANCES_MAX], *item_ids[ITEMS_MAX], *replaced[IDS_REPLACED];
	uint32_t last_replaced;

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
