#ifndef LINE_CALLS_H
#define LINE_CALLS_H
/* The table of lines: all calls. The web side sees calls through this header and
 * those named here.
 *
 * The life of a call, as the web side drives it:
 *   webhook          calls_reserve    a line, a single-use token; dialling begins (calls_admit.h)
 *   upgrade          calls_claim      the token is spent
 *   WebSocket ready  calls_carry      runs the caller loop; returns when it is over (calls_carry.h)
 *   connect-action   calls_after_stream   how it ended, for the TwiML that follows (calls_after.h)
 * Where a stream was lost, connect-action's calls_go_on leads back to calls_claim (calls_carry.h).
 * On a channel of requests each of them is a calls_visit (calls_carry.h), from the voice webhook on.
 * Readers of calls, live and ended: calls_shown.h.
 * A reservation without a claim, and a claim without calls_carry, expires after 15 s; a parked call after STREAM_GRACE_MS.
 *
 * All functions: any thread. None waits for a call's loops, except calls_carry,
 * which is one of them, calls_go_on, for a caller loop to leave, and calls_close.
 */
#include "common/foreign.h"
#include "common/json_out.h"
#include "server/config/config.h"
#include "server/store/store_calls.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct calls;
struct agent;
struct agents;          /* who answers; see server/agents/agents.h */
struct mail;            /* a letter to a call; see server/line/mailbox.h */
struct fleet;           /* knowledge shared by the instances; see server/fleet/fleet.h */
struct fleet_said;      /* a conversation; see there, too */
struct recorder;        /* writes calls to files; NULL: none */
struct work;            /* the pools for slow things; see server/work/work.h */
struct phone_channel;   /* how callers reach us; see server/phone/channel.h */
struct model_endpoints; /* how to reach the model; see server/model/endpoints.h */
struct model_health;    /* whether it answers; see server/model/health.h */
struct voice;           /* the agents' fixed lines as sound; see server/voice/voice.h */
struct spending;        /* prices, and what the days have cost; see server/money/spending.h */

enum { CALL_TOKEN_SIZE = 33 };

/* A call as named from outside. A stale handle is recognised, never followed. */
struct call_ref {
	uint32_t index;
	uint32_t generation;
};

/* Parts of the addresses in the TwiML with which a stream is opened. */
enum call_way {
	WAY_STREAM, /* the token goes behind it */
	WAY_ACTION, /* the stream's number goes behind it … */
	WAY_REST,   /* … and this */
	WAY_STATUS,
	WAY_PARTS
};

struct call_facts {           /* borrowed; from the voice webhook */
	const char *call_sid; /* required, at most FOREIGN_ID_SIZE - 1 */
	const char *from;     /* as Twilio says it; see server/phone/party.h */
	const char *to;
	const char *direction; /* inbound or outbound; "" unknown */

	/* For outbound calls and returning ones; NULL for the rest. */
	const char *agent_name; /* NULL: the agent that answers `to` */
	const char *contact_name, *business_name;
	const char *metadata;             /* a JSON object, as text */
	const char *greeting;             /* a template, instead of the agent's */
	const struct agent *agent;        /* this very one, instead of `agent_name` */
	const struct fleet_said *said;    /* of a returning call, like the next three; see struct call_context */
	const char *back_from, *back_why; /* the second of every returning call */
	const char *lost_session;         /* Twilio's name of the session that broke off before it */
	int64_t turns;                    /* numbers up to here were given to turns of that call; 0: the fleet knows */
	const char *record;               /* "off", "local" or "twilio", instead of the agent's */
	bool detected;                    /* Twilio was asked to tell people from machines */
};

/* Whether we called that person. */
static inline bool call_facts_outbound(const struct call_facts *facts)
{
	return facts->direction && !strcmp(facts->direction, "outbound");
}

struct calls_count {
	int live;     /* a stream is up, or was, and the next one is awaited: */
	int parked;   /* of these, so many */
	int reserved; /* announced, no stream yet */
	int ending;   /* over, a loop still in it; not counted against the limit */
	int limit;    /* MAX_CALLS */
	bool draining;
	bool day_full; /* new calls are refused with CALL_COST … */
	bool day_over; /* … and will be when those that are up are over */
};

/* The two loops of a call, given by main. The table starts them and knows nothing else
 * about them. Each returns when the call is over. */
struct call;
struct call_visit; /* see server/line/calls_carry.h */
struct call_loops {
	void (*caller)(struct call *c, int fd); /* `fd` is Twilio's socket */
	void (*agent)(struct call *c);
	/* On a channel of requests instead of `caller`, one at a time: a turn of it. */
	void (*visit)(struct call *c, struct call_visit *visit);
	/* After the end of a call without a caller loop, in its place: between two requests, or streams. */
	void (*leave)(struct call *c);
};

enum admission {
	CALL_ADMITTED,
	CALL_FULL,
	CALL_DRAINING,
	CALL_COST,  /* with it the day would cost more than MAX_DAY_COST */
	CALL_MODEL, /* its agent's text API fails */
	/* Refused to this caller, not to others; see calls_admit.h. */
	CALL_CALLER_BUSY,  /* MAX_CALLS_PER_CALLER are up */
	CALL_CALLER_OFTEN, /* MAX_CALLS_PER_CALLER_HOUR were made */
	CALL_BLOCKED,      /* BLOCK_CALLERS */
	CALL_NOT_ALLOWED,  /* ALLOW_CALLERS */
	CALL_OVER,         /* that call is over: its webhook has been sent once more */
	CALL_NO_SID,
	CALL_NO_AGENT, /* no agent of that name, or the metadata is no JSON object */
	CALL_NO_MEMORY
};

/* What the table and its loops use. All of it outlives the table. */
struct calls_parts {
	const struct config *cfg;
	const struct model_endpoints *endpoints;
	struct model_health *health;
	struct agents *agents;
	struct work *work;
	struct fleet *fleet;
	struct recorder *recorder; /* NULL: none */
	struct voice *voice;       /* NULL: no lines are kept */
	struct spending *spending; /* NULL: the built-in prices, and no limit */
	struct call_loops loops;
};

/* The size of the table: MAX_CALLS, and a few lines for calls that are ending. */
uint32_t calls_lines(const struct config *cfg);

/* Makes the table and starts one pool thread a line. `parts` is copied. 0 or -errno. */
int calls_open(struct calls **out, const struct calls_parts *parts);

/* Ends all calls and joins the pool. No calls_carry may be running. Fine with NULL. */
void calls_close(struct calls *calls);

/* Ends a reserved or live call, named by CallSid. 0, or -ENOENT. */
int calls_end(struct calls *calls, const char *call_sid, enum call_end why);

/* Stops admitting. Reserved calls may still bind. */
void calls_drain(struct calls *calls);

/* Ends all live and reserved calls. */
void calls_end_all(struct calls *calls, enum call_end why);

/* Housekeeping, about four times a second: ends expired reservations, calls that the phone has ceased to ask
 * for, and calls that their agent loop has not ended a minute after the agent's max_call_seconds. */
void calls_reap(struct calls *calls);

void calls_count(struct calls *calls, struct calls_count *out);

/* For /status, into the object that is open. */
void calls_put_status(struct calls *calls, struct json_out *j);

/* Any thread. Takes the letter, and frees it if it is not delivered. 0; -ENOENT:
 * that call is over; -EBUSY: its mailbox is full; -ENOMEM: `mail` is NULL. */
int calls_post(struct calls *calls, struct call_ref ref, struct mail *mail);

/* The handle of a live or reserved call. 0 or -ENOENT. */
int calls_find(struct calls *calls, const char *call_sid, struct call_ref *out);

/* The call's agent, retained for the caller (agent_release); `live`: its
 * stream is up. NULL: the call is over. */
const struct agent *calls_agent(struct calls *calls, struct call_ref ref, bool *live);

/* --- parts of the program that the loops reach through the table --- */
const struct model_endpoints *calls_endpoints(const struct calls *calls);
struct model_health *calls_health(const struct calls *calls);
struct work *calls_work(const struct calls *calls);
struct fleet *calls_fleet(const struct calls *calls);
struct agents *calls_agents(const struct calls *calls);
struct recorder *calls_recorder(const struct calls *calls);
struct voice *calls_voice(const struct calls *calls);

#endif
