#ifndef WEB_TWILIO_LADDER_H
#define WEB_TWILIO_LADDER_H
/* The way down for a caller whom the agent cannot serve, or not any more: one rung of the agent's
 * `fallback` after the other (agents/fallback.h), then words of goodbye.
 *
 * Nothing of it is kept here. Where a call stands is in the address that Twilio asks when the rung
 * is over, so an answer depends on that address and its form alone: asked twice it is the same,
 * and a restart between two rungs loses nothing. Twilio signs the address. A rung that cannot be
 * begun, or that fails, leads to the next, never back.
 */
#include "server/agents/fallback.h"
#include "server/web/routes.h"

struct agent;
struct call_facts;

/* Why the call goes down, which says where it begins. */
#define LADDER_WHYS(X) \
	/* name     in addresses  words if there is nothing else, and the first kind of rung that can help */ \
	X(STREAM, "stream", APOLOGY, RECONNECT)            /* the stream or session was lost, not the model */ \
	X(MODEL, "model", APOLOGY, TEXT)                   /* the model is not to be had; or another fault */ \
	X(MODERATED, "moderated", APOLOGY, DIAL)           /* nor by another: it is about what was said */ \
	X(UNANSWERED, "unanswered", UNANSWERED, RECONNECT) /* after a transfer the agent cannot have the call back */ \
	X(BUSY, "busy", BUSY, DIAL)                        /* there is no line for a conversation; nor with these: */ \
	X(DRAINING, "draining", DRAINING, DIAL) \
	X(DAY_COST, "day_cost", DAY_COST, DIAL)

enum ladder_why {
#define X(name, word, phrase, from) LADDER_##name,
	LADDER_WHYS(X)
#undef X
	    LADDER_WHY_COUNT
};

/* The name of a call's own media stream, whose real one its action is not told. The stream that
 * follows it as a rung has another address, and the second name. */
#define LADDER_FIRST_STREAM "stream"
#define LADDER_NEXT_STREAM "again"

struct ladder_at { /* borrowed: from an address, or constant */
	enum ladder_why why;
	enum rung_kind rung;         /* that was tried last; RUNG_NONE: none yet */
	size_t number;               /* of a dial: the place of the number that was tried */
	bool said;                   /* the caller has heard that we are sorry */
	const char *agent, *variant; /* who had the call; "": whoever it is found to be */
	unsigned stream;             /* which of its line's streams is over, or, as it is put, will be: 0, 1, … */
	const char *session; /* not in the address: the name of the stream or session that was lost; "" for none */
};

/* Begins, in the answer to the webhook at hand. `session` as above. */
void ladder_begin(const struct web_parts *parts, const struct request *q, const struct call_facts *facts,
    enum ladder_why why, const char *session, struct response *r);

/* The rung at `at` has failed: answers with the next one that can be begun, or with words; to a caller who has hung up
 * with nothing. */
void ladder_next(const struct web_parts *parts, const struct request *q, const struct call_facts *facts,
    const struct ladder_at *at, struct response *r);

/* The stream named `session`, at `at`, was lost, and its call waits for the next one: answers with that. It is no step
 * down. False: it does not; nothing is answered. */
bool ladder_go_on(const struct web_parts *parts, const struct request *q, const struct call_facts *facts,
    const struct ladder_at *at, const char *session, struct response *r);

/* The conversation in text at `at` is not known here: if its process died, it begins once more. False: it is over, or
 * `at` is another rung; nothing is answered. */
bool ladder_text_again(const struct web_parts *parts, const struct request *q, const struct call_facts *facts,
    const struct ladder_at *at, struct response *r);

/* POST /twilio/ladder: Twilio is through with the rung in the address. */
route_handler webhook_ladder;

/* --- pure --- */

/* Moves to what is to be tried next. NULL: only words are left. */
const struct agent_rung *ladder_step(const struct agent *p, struct ladder_at *at);

/* Appends the place as a query; reads it back. False: the request has none. */
void ladder_put(struct buf *out, const struct ladder_at *at);
bool ladder_take(const struct request *q, struct ladder_at *out);

#endif
