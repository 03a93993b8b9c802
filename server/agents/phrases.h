#ifndef AGENTS_PHRASES_H
#define AGENTS_PHRASES_H
/* The sentences of our own that people hear besides the conversation: when every line
 * is busy, when the model is lost, when a call has to end. An agent's file may word each
 * of them (`phrases`). Otherwise the built-in text of the agent's first language is
 * spoken, or the English one.
 *
 * Most are read out by Twilio (<Say>). MACHINE, ONE_MOMENT and STILL_THERE are spoken by the model, and so are
 * the two limits and IDLE, as long as it can speak. ONE_MOMENT is Twilio's where calls come by gather, and also
 * said by us on a relay to a caller who waits.
 *
 * Pure. Any thread.
 */
#include <stdbool.h>

/* Name, and key in an agent's file. */
#define PHRASES(X) \
	X(BUSY, "busy")                 /* every line is taken */ \
	X(DRAINING, "draining")         /* the server is being restarted, before a call or during it */ \
	X(DAY_COST, "day_cost")         /* the day would cost more than MAX_DAY_COST */ \
	X(CALLER_BUSY, "caller_busy")   /* the caller has MAX_CALLS_PER_CALLER up */ \
	X(CALLER_OFTEN, "caller_often") /* the caller has made MAX_CALLS_PER_CALLER_HOUR */ \
	X(BLOCKED, "blocked")           /* the caller is among BLOCK_CALLERS */ \
	X(NOT_ALLOWED, "not_allowed")   /* the caller is not among ALLOW_CALLERS */ \
	X(APOLOGY, "apology")           /* a fault, before a call or during it */ \
	X(UNANSWERED, "unanswered")     /* a person was dialled for the caller, and is not to be had */ \
	X(UNAVAILABLE, "unavailable")   /* the same, before a message is asked for */ \
	X(CALL_AGAIN, "call_again")     /* the last words to a caller who has heard one of those */ \
	X(OUTBOUND, "outbound")         /* instead of all above, to somebody whom we called */ \
	X(OUTBOUND_END, "outbound_end") /* the last words to somebody whom we called and who has heard one of those */ \
	X(TIME_LIMIT, "time_limit")     /* the call has reached its longest time */ \
	X(IDLE, "idle")                 /* nobody has spoken for long */ \
	X(COST_LIMIT, \
	    "cost_limit") /* the call has reached its cost limit; or the agent's own goodbye was not heard */ \
	X(CONNECTING, "connecting")       /* before a person is dialled in the agent's place */ \
	X(VOICEMAIL, "voicemail")         /* the caller may leave a message, up to the # key */ \
	X(MESSAGE_TAKEN, "message_taken") /* and has left one */ \
	X(MACHINE, "machine")             /* left on an answering machine, without a message of the agent's */ \
	X(ONE_MOMENT, "one_moment")       /* the answer takes its time */ \
	X(TROUBLE, "trouble")             /* the agent is gone, and what comes next is still to be tried */ \
	X(STILL_THERE, "still_there")     /* nothing has been heard of the caller for a while */ \
	X(NOT_HEARD, "not_heard")         /* by gather: the caller said nothing */ \
	X(UNCLEAR, "unclear")             /* by gather: what the caller said was not understood */

enum phrase {
#define X(name, key) PHRASE_##name,
	PHRASES(X)
#undef X
	    PHRASE_COUNT
};

enum { PHRASE_MAX = 1000 }; /* bytes of one; Twilio reads 4096 characters */

struct agent;
struct cJSON;
struct reader;
struct setting;

struct spoken { /* borrowed from the agent, or constant; never NULL */
	const char *text;
	const char *language; /* for <Say>, as in es-ES; "": left to Twilio */
	const char *voice;    /* for <Say>; "": left to Twilio */
	bool own;             /* the agent's own words, not built-in ones */
};

/* NULL is an agent without anything of its own: English. */
struct spoken phrase_of(const struct agent *p, enum phrase phrase);

/* What is heard of it during a call by a stream, in the agent's own voice, and made in advance (voice/). NULL: it is not
 * heard there, or the agent has no words for it and we have none in its language. */
const char *phrase_on_stream(const struct agent *p, enum phrase phrase);

/* Other words of the agent's, as Twilio reads them. */
struct spoken spoken_words(const struct agent *p, const char *text);

/* The agent's first language as Twilio names it: es-ES; `otherwise` where that is not known here. */
const char *agent_language_tag(const struct agent *p, const char *otherwise);

/* As Twilio has them: es-ES, cmn-Hans-CN. */
bool is_language_tag(const char *text);

/* Its key in an agent's file. */
const char *phrase_key(enum phrase phrase);

/* For agent_file.c: reads `phrases` into a struct agent, and `instant_answers`; the rules for say_voice and
 * say_language. */
void phrases_read(struct reader *r, const struct cJSON *value, void *agent);
void instants_read(struct reader *r, const struct cJSON *value, void *agent);
extern const struct setting say_voice_rule;
extern const struct setting say_language_rule;

#endif
