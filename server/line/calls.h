#ifndef LINE_CALLS_H
#define LINE_CALLS_H
/* All calls: the table of lines. With the headers named here it is all that the
 * web side sees of a call.
 *
 * The life of a call, as the web side drives it:
 *   webhook          calls_reserve    a line, a single-use token; dialling begins (calls_admit.h)
 *   upgrade          calls_claim      the token is spent
 *   WebSocket ready  calls_carry      runs the caller loop; returns when it is over (calls_carry.h)
 *   connect-action   calls_after_stream   how it ended, for the TwiML that follows (calls_after.h)
 * What is told of it meanwhile and afterwards: calls_shown.h.
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
struct mail;          /* a letter to a call; see server/line/mailbox.h */
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
	const char *metadata;                    /* a JSON object, as text */
	const char *greeting;                    /* a template, instead of the agent's */
	const struct agent *agent;               /* the very one; goes before `agent_name` */
	const char *said, *back_from, *back_why; /* of a call that comes back, see struct call_context */
	const char *record;                      /* "off", "local" or "twilio", instead of the agent's */
	bool detected;                           /* Twilio was asked to tell people from machines */
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

/* Ends a reserved or live call, named by CallSid. 0, or -ENOENT. */
int calls_end(struct calls *calls, const char *call_sid, enum call_end why);

/* Stops admitting. Reserved calls may still bind. */
void calls_drain(struct calls *calls);

/* Ends all that is live or reserved. */
void calls_end_all(struct calls *calls, enum call_end why);

/* Housekeeping, about four times a second: ends what outlived its limits. */
void calls_reap(struct calls *calls);

void calls_count(struct calls *calls, struct calls_count *out);

/* Any thread. Takes the letter. 0; -ENOENT: that call is over; -EBUSY: too many
 * wait already. Not delivered, the letter is freed. NULL: -ENOMEM. */
int calls_post(struct calls *calls, struct call_ref ref, struct mail *mail);

/* A live or reserved call by its CallSid. 0 or -ENOENT. */
int calls_find(struct calls *calls, const char *call_sid, struct call_ref *out);

/* The call's agent, retained for the caller (agent_release); `live`: its
 * stream is up. NULL: it is over. */
const struct agent *calls_agent(struct calls *calls, struct call_ref ref, bool *live);

/* --- what the loops may ask of the table --- */
const struct model_access *calls_access(const struct calls *calls);
struct work *calls_work(const struct calls *calls);
struct fleet *calls_fleet(const struct calls *calls);
struct recorder *calls_recorder(const struct calls *calls);

#endif
