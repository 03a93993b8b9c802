#ifndef AGENT_DIALOGUE_EVENTS_H
#define AGENT_DIALOGUE_EVENTS_H
/* What goes into the dialogue, and what comes out: see dialogue.h. */
#include "server/line/heard.h"
#include "server/stats/endings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The lines that may be known. */
enum known_line {
	KNOWN_NONE,
	KNOWN_GREETING,
	KNOWN_HOLD,
	KNOWN_STILL_THERE,
	KNOWN_INSTANT, /* the agent's answer to what the caller said, of which there are several */
	KNOWN_SORRY,   /* from here on the call ends with it */
	KNOWN_IDLE,
	KNOWN_TIME_LIMIT,
	KNOWN_COST_LIMIT,
	KNOWN_COUNT
};

/* ---------------------------------------------------------------------------- events */

#define DIALOGUE_EVENTS(X) \
	/* the link */ \
	X(MODEL_READY) /* a session is ready; deaf: it was opened so that it answers no turn; resent: it hears the last turn \
	                * again, and answers it; heard_again: and that was answered before; lost: something \
	                * was said meanwhile that is lost, and if nothing more is heard, the caller has to be asked for it; \
	                * alone: nothing can be said beside an answer */ \
	X(MODEL_AWAY) /* there is none, for now, or another: what the last one was making is over */ \
	X(GONE)       /* end: there is none, and none will be. False: the call ends without a word */ \
	X(CONFIGURED) /* the session has confirmed a change of its settings */ \
	/* the caller loop */ \
	X(CALLER_THERE) /* the stream began, or the next one did */ \
	X(CALLER_AWAY) /* heard[count]: it was lost, and another one may come; the phone takes nothing before a CUT_PLAYOUT */ \
	X(FIRST_AUDIO) /* no, at_us: an item's first audio went out */ \
	X(HEARD)       /* heard[0]: an item was played to its end */ \
	X(DRY)         /* no, count: so many bytes of an item were played, and then there was no more */ \
	X(CUT)         /* cut, heard[count]: play-out was cut, with what was heard by then */ \
	X(INTERRUPTED) /* the same, done by the phone itself, which takes nothing before it is answered by CUT_PLAYOUT */ \
	X(CALLER_LEFT) /* heard[count] */ \
	X(WAITED)      /* the caller waits in silence (dialogue_waits_us) for so long that he may be told so */ \
	X(KEY)         /* key */ \
	/* the model, about the caller */ \
	X(CALLER_BEGAN) /* the caller speaks */ \
	X(CALLER_ENDED) /* at_us: the end of the speech; 0: unknown */ \
	X(TURN)         /* the caller's turn is complete, and needs an answer */ \
	X(PLACED)       /* a turn that was heard again stands where it was said */ \
	X(WRITTEN)      /* text: a turn as it was written down, "" without words; with rules.asks TURN says so. \
	                 * newest: it is the last TURN; known: INSTANT if there is such an answer to it */ \
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
	X(GOODBYE) /* text, exact, firm, end; known: the same words, if they are */ \
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
	enum known_line known;
	bool failed, turn_detected, acts, busy, exact, firm, aside, deaf, resent, heard_again, lost, alone, newest;
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
	X(PLAY_KNOWN)  /* no, item, known: play this line, and mark its end; likewise. The item has a name of ours */ \
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
	X(QUIET) /* no: the caller is asked whether he is there, for the first or second time in a row; 0: goodbye */ \
	X(UNHEARD) /* the last words were not heard to their end in time */ \
	X(END)     /* end, said: with last words that were heard */

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
	enum known_line known;
	bool exact, filler, first, play, over, interrupted, said;
	bool rest; /* the caller has heard the beginning of these words */
};

#endif
