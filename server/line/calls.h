#ifndef LINE_CALLS_H
#define LINE_CALLS_H
/* All calls: the table of lines, the pool that serves them, and what is known
 * of those just over. This is all that the web side sees of a call.
 *
 * The life of a call, as the web side drives it:
 *   webhook          calls_reserve    a line, a single-use token; dialling begins
 *   upgrade          calls_claim      the token is spent
 *   WebSocket ready  calls_carry      runs the caller loop; returns when it is over
 *   connect-action   calls_after_stream   how it ended, for the TwiML that follows
 * A reservation that is not claimed, or a claim that is not carried, expires by
 * itself after 15 s.
 *
 * All functions: any thread, and none waits for a call's loops except
 * calls_carry (that *is* one) and calls_close.
 */
#include "server/config/config.h"
#include "server/phone/names.h"
#include "server/store/store_calls.h"

#include <stdbool.h>
#include <stdint.h>

struct calls;
struct agent;
struct agents;        /* who answers; see server/agents/agents.h */
struct fleet;         /* what instances share; see server/fleet/fleet.h */
struct recorder;      /* of calls, to files; NULL: none */
struct work;          /* the pools for slow things; see server/work/work.h */
struct phone_channel; /* how callers reach us; see server/phone/channel.h */
struct model_access;  /* how to reach the model; see server/model/access.h */

enum { CALL_TOKEN_SIZE = 33 };

/* A line as seen from outside: stale handles are recognised, never followed. */
struct call_ref {
	uint32_t index;
	uint32_t generation;
};

struct call_facts {           /* borrowed; what the voice webhook said */
	const char *call_sid; /* required, at most CALL_SID_SIZE - 1 */
	const char *from;     /* may be "anonymous", client:…, sip:…; cut at CALL_NUMBER_SIZE - 1 */
	const char *to;
	const char *direction; /* inbound or outbound; "" when nobody knows */

	/* Of outbound calls; NULL for the rest. */
	const char *agent_name; /* else the one that answers `to` */
	const char *contact_name, *business_name;
	const char *metadata;      /* a JSON object, as text */
	const char *greeting;      /* a template, instead of the agent's */
	const struct agent *agent; /* the very one; goes before `agent_name` */
	const char *said, *news;   /* of a call that comes back, see struct call_context */
	const char *record;        /* "off", "local" or "twilio", instead of the agent's */
	bool detected;             /* Twilio was asked to tell people from machines */
};

struct calls_count {
	int live;     /* a stream is up */
	int reserved; /* announced, no stream yet */
	int ending;   /* over, the loops not yet out of it; takes no line */
	int limit;    /* MAX_CALLS */
	bool draining;
	bool day_spent; /* calls that come in are refused with CALL_COST */
};

/* The two loops of a call, given by main: the table starts them and knows nothing
 * else of them. Each returns when the call is over for it. */
struct call;
struct call_loops {
	void (*caller)(struct call *c, int fd); /* `fd` is Twilio's socket */
	void (*agent)(struct call *c);
};

enum admission {
	CALL_ADMITTED,
	CALL_FULL,
	CALL_DRAINING,
	CALL_COST, /* the day has cost MAX_DAY_COST */
	CALL_NO_SID,
	CALL_NO_AGENT, /* of that name, or what it should be told makes no sense */
	CALL_NO_MEMORY
};

/* How many calls the table can hold: MAX_CALLS and a few that are being left. */
uint32_t calls_lines(const struct config *cfg);

/* Makes the table and starts one pool thread a line. All that is
 * passed in outlives it. 0 or -errno. */
int calls_open(struct calls **out, const struct config *cfg, const struct model_access *access, struct agents *agents,
    struct work *work, struct fleet *fleet, struct recorder *recorder, const struct call_loops *loops);

/* Ends what is left, joins the pool. No calls_carry may be running. */
void calls_close(struct calls *calls);

/* The same CallSid again, before or after its stream opened, gets the same
 * token and CALL_ADMITTED. CALL_COST is for calls that come in only: not for one
 * that comes back, or that we asked for ourselves. */
enum admission calls_reserve(struct calls *calls, const struct call_facts *facts, char token[CALL_TOKEN_SIZE]);

/* Spends a token. 0, or -ENOENT: unknown, expired or used. */
int calls_claim(struct calls *calls, const char *token, struct call_ref *out);

/* A line for a stream nobody announced; its facts come with its start message.
 * 0, -EBUSY: no line free, -ESHUTDOWN: draining, -EDQUOT: as CALL_COST. */
int calls_claim_unannounced(struct calls *calls, struct call_ref *out);

/* Carries the call over the phone's socket until it is over, Close handshake
 * included, in the channel's messages. `fd` is made non-blocking; closing it stays
 * with its owner. Returns at once if the claim has expired. */
void calls_carry(struct calls *calls, struct call_ref ref, int fd, const struct phone_channel *channel);

/* Instead, when the stream's socket was gone before it could be carried: a
 * Twilio that reset it behind its request. */
void calls_abandon(struct calls *calls, struct call_ref ref);

/* Ends a reserved or live call, named by CallSid. 0, or -ENOENT. */
int calls_end(struct calls *calls, const char *call_sid, enum call_end why);

/* How the call ended, now that Twilio says its stream is over: what is still
 * live or reserved ends as STREAM_LOST or NEVER_STREAMED by this. CALL_NOT_ENDED:
 * unknown here (another instance's, or over for more than two minutes). */
enum call_end calls_after_stream(struct calls *calls, const char *call_sid);

/* The number to dial when the call cannot be served here (any more): that of its
 * own agent, or while no agent has it, that of the agent who answers `to`. ""
 * if there is none. */
void calls_fallback(struct calls *calls, const char *call_sid, const char *to, char out[CALL_NUMBER_SIZE]);

/* A call that ended as TRANSFERRED: whom to dial, and for how long. False if
 * that is not known (any more). */
bool calls_destination(struct calls *calls, const char *call_sid, char number[CALL_NUMBER_SIZE], int *ring_seconds);

/* They were answered there: who comes back after that is not known any more. */
void calls_stay_away(struct calls *calls, const char *call_sid);

/* Nobody answered there: the caller comes back to the agent, on a line of the
 * same name; asked again before the stream is there, to the same. `why` is
 * Twilio's DialCallStatus. CALL_NO_SID: not known (any more). */
enum admission calls_come_back(struct calls *calls, const char *call_sid, const char *why, char token[CALL_TOKEN_SIZE]);

/* Stops admitting. Reserved calls may still bind. */
void calls_drain(struct calls *calls);

/* Ends all that is live or reserved. */
void calls_end_all(struct calls *calls, enum call_end why);

/* Calls of the last 5 s whose connect-action has not been asked for. */
int calls_unasked(struct calls *calls);

/* Housekeeping, about four times a second: ends what outlived its limits. */
void calls_reap(struct calls *calls);

void calls_count(struct calls *calls, struct calls_count *out);

/* Calls back with each call: live ones first, then the last 100 ended, newest
 * first. A call that is back from a transfer can be there twice. No lock is held
 * meanwhile. */
void calls_each(struct calls *calls, void (*each)(void *arg, const struct call_summary *call), void *arg);

/* One call, and what was said in it, both to be freed. 0 or -ENOENT. */
int calls_one(struct calls *calls, const char *call_sid, struct call_summary *call, struct call_talk *talk);

#endif
