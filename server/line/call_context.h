#ifndef LINE_CALL_CONTEXT_H
#define LINE_CALL_CONTEXT_H
/* What the agent of one call is told: its agent, and the agent's texts with
 * this call's values in place. Made once, when the line is reserved; constant
 * and the line's own until it is free, whatever is reloaded meanwhile.
 */
#include "server/agents/agents.h"
#include "server/line/calls.h"

struct call_context {
	const struct agent *agent;     /* retained */
	char *instructions, *greeting; /* owned, like all below; never NULL once made */
	char *machine_message;
	char *contact_name, *business_name; /* "" if there is none */
	char *metadata;                     /* a JSON object; "" if there is none */

	/* Of one that comes back from a person who did not answer; else "". */
	char *said;                 /* the conversation so far: a JSON array of {"role","text"} */
	char *back_from, *back_why; /* whom it could not be connected to; Twilio's DialCallStatus */
};

/* Any thread. 0; -ENOENT: no agent of that name; -EINVAL: the metadata is no
 * JSON object; -ENOMEM. */
int call_context_make(struct call_context *b, struct agents *agents, const struct call_facts *facts);
void call_context_free(struct call_context *b); /* fine with a zeroed or freed one */

/* "Tuesday, 4 March 2025, 14:05 (CET, UTC+01:00)". */
void call_context_time(int64_t wall_ms, char *out, size_t size);

#endif
