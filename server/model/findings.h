#ifndef MODEL_FINDINGS_H
#define MODEL_FINDINGS_H
/* What came of the last sessions at each endpoint: of all agents at once, where the service, the
 * key or the way there is to blame, and of each agent and variant, where its
 * file is. Part of health.c, which guards it with its lock.
 */
#include "common/json_out.h"
#include "server/agents/agents.h"
#include "server/model/trial.h"

enum {
	FINDINGS_TEXT = CONFIG_ENDPOINTS_MAX, /* the text API: a way beside the endpoints */
	FINDINGS_WAYS,
	FINDING_NAME_SIZE = 65,
	FAILING_AFTER = 2 /* failures in a row: the next call would only wait for another */
};

struct finding {
	bool blocks;                   /* the failure will not pass by itself */
	bool in_answer;                /* it was met in an answer: a session alone proves nothing */
	unsigned failures;             /* that may pass, since the last success */
	char text[MODEL_FAILURE_SIZE]; /* the last failure; "" if the last attempt succeeded. Never "" if it blocks */
};

/* The state of an endpoint, for all agents or for one. */
enum way_state { WAY_WELL, WAY_FAILING, WAY_REFUSED };

/* Of one agent and variant that something is known of. */
struct agent_finding {
	char name[FINDING_NAME_SIZE], variant[FINDING_NAME_SIZE];
	bool seen;     /* by the round of trials that is under way, or made since the last */
	unsigned ways; /* bits of those it takes */
	struct agent_at {
		struct finding found;
		unsigned without; /* extras that its trial found refused */
		char lack[MODEL_LACK_SIZE];
	} at[FINDINGS_WAYS];
};

struct findings {
	const struct model_access *endpoints; /* [endpoint_count] */
	size_t endpoint_count;
	struct finding all[FINDINGS_WAYS];
	int64_t connect_ms[FINDINGS_WAYS]; /* of the last session; -1: none yet */
	struct agent_finding *agents;      /* owned; [count] */
	size_t count, room;
	size_t listed, in_text; /* how many agents there were in the last round, and of these with the text API */
};

void findings_init(struct findings *f, const struct model_access *endpoints, size_t count);
void findings_free(struct findings *f);

static inline bool findings_in_text(const struct agent *agent)
{
	return agent->model_protocol == MODEL_KIND_TEXT;
}

/* An endpoint, or for an agent in text the text API: the place of what is known. */
size_t findings_place(const struct findings *f, const struct model_access *endpoint, const struct agent *agent);
bool findings_has(const struct findings *f, size_t way);
const struct model_access *findings_access(const struct findings *f, size_t way);

/* The ways that the agent takes, as bits. */
unsigned findings_ways(const struct findings *f, const struct agent *agent);

/* NULL: nothing is known of it, or with `make` there is no memory. Valid until the next one is made. */
struct agent_finding *findings_of(struct findings *f, const struct agent *agent, bool make);

/* Notes a failure; one that may pass does not hide one that will not. */
void findings_note(struct finding *finding, const struct model_failure *failure, bool in_answer);

enum way_state findings_state(const struct finding *finding);

/* Notes it where it belongs, and returns that: with the agent, or with that endpoint for all; what is
 * wrong with a key, or the money behind it, then also with all endpoints that are shown the same. */
struct finding *findings_note_at(struct findings *f, size_t endpoint, const struct agent *agent,
    const struct model_failure *failure, bool in_answer, enum way_state *before);

/* It is well again; the log says so, if it was not. */
void findings_clear(struct findings *f, size_t way);
/* To the log: that it fails or is refused from now on. */
void findings_tell(const struct findings *f, size_t way, const struct agent *agent, const struct model_failure *failure,
    enum way_state state);

/* The state of that endpoint for this agent. */
enum way_state findings_way(struct findings *f, size_t endpoint, const struct agent *agent);

/* All of the agent's endpoints are refused to all; of the first of them. Or the text API fails, and there is
 * no other. NULL: they are not. */
const struct finding *findings_all_refused(const struct findings *f, const struct agent *agent);

/* The first agent that is refused, of those of this name (NULL: of all), and why; NULL if not all of their
 * variants are. `known` (may be NULL) has those there are. */
const struct finding *findings_refused(const struct findings *f, struct agents *known, const char *name);

/* All endpoints are refused to all, or all agents are refused, or have the text API alone, which fails. */
bool findings_block(const struct findings *f, struct agents *known);

/* Keeps what the agent's trial there found lacking. True: nobody has been told that sentence yet. */
bool findings_keep_lack(
    struct findings *f, size_t endpoint, const struct agent *agent, const struct model_trial_result *result);

/* Forgets the agents that were not seen. */
void findings_keep_seen(struct findings *f);

/* Nothing failed there the last time, for any agent. */
bool findings_good(const struct findings *f, size_t endpoint);

/* The agents' files are new: whatever was refused may be asked for again. */
void findings_ask_again(struct findings *f);

/* For /ready: the names of agents that are refused, and if there are several endpoints their states, as
 * members; nothing if there are none. */
void findings_put_ready(const struct findings *f, struct json_out *j);

/* For /status, into the object that is open. */
void findings_put_status(const struct findings *f, struct agents *known, struct json_out *j);

#endif
