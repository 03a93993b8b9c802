#ifndef LINE_CALL_CONTEXT_H
#define LINE_CALL_CONTEXT_H
/* The agent of one call, and the agent's texts with this call's values in place.
 *
 * It is made once, when the line is reserved. The line owns it until it is free, and
 * it stays constant: a reload of the agents does not reach calls that are up.
 */
#include "server/agents/agents.h"
#include "server/line/calls.h"

struct fleet_said;

enum { CALL_TEXT_MAX = 80 * 1024 }; /* bytes of each of the agent's texts with the values in place */

struct call_context {
	const struct agent *agent;     /* retained */
	char *instructions, *greeting; /* owned, like all texts below; never NULL once made */
	char *machine_message;
	const char *cut; /* the text that would be too long, and so is without the call's values; NULL: none */
	char *contact_name, *business_name; /* "": none */
	char *metadata;                     /* a JSON object; "": none */

	/* For a call that comes back, from a transfer nobody answered or after its session broke off. */
	struct fleet_said *said;    /* owned: the conversation so far; NULL: it is not such a call */
	char *back_from, *back_why; /* the person's name; Twilio's DialCallStatus; else "" */
	char *lost_session;         /* Twilio's name of the session that broke off; else "" */
};

/* Any thread. A text that is too long is logged, if the call has a name. 0; -ENOENT: no agent of that name; -EINVAL: the metadata is no
 * JSON object; -ENOMEM. On failure it owns nothing. */
int call_context_make(struct call_context *b, struct agents *agents, const struct call_facts *facts);
void call_context_free(struct call_context *b); /* fine with a zeroed or freed one */

/* The agent that answers what Twilio calls To; retained, never NULL. */
const struct agent *call_context_agent(struct agents *agents, const char *to);

/* Local time: "Tuesday, 4 March 2025, 14:05 (CET, UTC+01:00)". */
void call_context_time(int64_t wall_ms, char *out, size_t size);

#endif
