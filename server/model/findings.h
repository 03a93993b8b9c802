#ifndef MODEL_FINDINGS_H
#define MODEL_FINDINGS_H
/* What came of the last sessions: of all agents at once, where the service, the
 * key or the way there is to blame, and of each agent and variant, where its
 * file is. Part of health.c, which guards it with its lock.
 */
#include "common/json_out.h"
#include "server/agents/agents.h"
#include "server/model/trial.h"

enum { FINDING_NAME_SIZE = 65 };

struct finding {
	bool blocks;                   /* the failure will not pass by itself */
	char text[MODEL_FAILURE_SIZE]; /* the last failure; "" if the last attempt succeeded. Never "" if it blocks */
};

/* Of one agent and variant that something is known of. */
struct agent_finding {
	char name[FINDING_NAME_SIZE], variant[FINDING_NAME_SIZE];
	bool seen; /* by the round of trials that is under way, or made since the last */
	struct finding found;
	unsigned without; /* extras that its trial found refused */
	char lack[MODEL_LACK_SIZE];
};

struct findings {
	struct finding all;
	struct agent_finding *agents; /* owned; [count] */
	size_t count, room;
};

void findings_free(struct findings *f);

/* NULL: nothing is known of it, or with `make` there is no memory. Valid until the next one is made. */
struct agent_finding *findings_of(struct findings *f, const struct agent *agent, bool make);

/* Notes a failure; one that may pass does not hide one that will not. True if it is news that it
 * blocks. */
bool findings_note(struct finding *finding, const struct model_failure *failure);

/* The first agent that is refused, of those of this name (NULL: of all); NULL if not all of their
 * variants are. `known` (may be NULL) has those there are. */
const struct agent_finding *findings_refused(const struct findings *f, struct agents *known, const char *name);

/* Forgets the agents that were not seen. True: nothing of the rest failed the last time. */
bool findings_keep_seen(struct findings *f);

/* The agents' files are new: whatever was refused may be asked for again. */
void findings_ask_again(struct findings *f);

/* For /ready: the names of agents that are refused, as a member; nothing if there are none. */
void findings_put_refused(const struct findings *f, struct json_out *j);

/* For /status, into the object that is open. */
void findings_put_status(const struct findings *f, struct agents *known, struct json_out *j);

#endif
