#ifndef MODEL_HEALTH_H
#define MODEL_HEALTH_H
/* Whether the model is available at each endpoint, to all agents and to each: for whoever is about to
 * dial, for /ready and for /status.
 *
 * At start and after a reload a session is opened at each endpoint for each agent and variant,
 * with all that a call's would have. What was refused is tried every 30 s
 * until it succeeds. Calls tell what came of theirs. A failure that may pass
 * never closes the door, except to agents in text: a text API that fails twice in a row gets no more
 * calls until it answers a trial; an endpoint that fails so twice in a row is left out by calls while another
 * is well, and tried after 2 s, and then ever more seldom. A failure that lies with an agent's file (its model,
 * voice, tools) closes it for that agent alone, at that endpoint. One thread of its own; the
 * questions may come from any thread.
 */
#include "common/json_out.h"
#include "server/agents/agents.h"
#include "server/model/findings.h"
#include "server/model/session.h"

#include <stdbool.h>
#include <stdint.h>

enum { HEALTH_PROBE_SECONDS = 30, HEALTH_FAILING_SECONDS = 2 };

struct model_health;
struct work;

/* Nothing is known yet: the model is believed to answer. The endpoints are borrowed. 0 or -errno. */
int model_health_open(struct model_health **out, const struct model_access *endpoints, size_t count);
void model_health_close(struct model_health *health); /* fine with NULL */

/* Declares an agent's tools, as for a call: tool_list_put. */
typedef void model_declare(struct buf *out, const struct work *work, const struct agent *agent);

/* Starts the thread: 0 or -errno. All are borrowed until model_health_stop. */
int model_health_probe(
    struct model_health *health, struct agents *agents, model_declare *declare, const struct work *work);
void model_health_stop(struct model_health *health); /* fine if it was not started */

/* True: no agent's calls can be carried, for a reason that will not pass by itself. */
bool model_health_blocks(struct model_health *health);

/* True: no variant of this agent can have its model anywhere, and that will not pass by itself, or its text
 * API fails; the reason, for the operator, is in `why`. NULL health: false. */
bool model_health_refuses(struct model_health *health, const struct agent *agent, char why[MODEL_FAILURE_SIZE]);

/* The state of that endpoint for this agent. NULL health: it is well. */
enum way_state model_health_way(
    struct model_health *health, const struct model_access *endpoint, const struct agent *agent);

/* True: a call of this agent would only wait for an apology. NULL health: false. */
static inline bool model_health_shut(struct model_health *health, const struct agent *agent)
{
	char why[MODEL_FAILURE_SIZE];

	/* Nothing tries the text API again for a stand-in: its calls do. */
	return agent->model_protocol == MODEL_KIND_TEXT && !agent->stands_in &&
	       model_health_refuses(health, agent, why);
}

/* A call's result there: connected after so long (negative: to nothing yet), or failed. Any thread. NULL health: it is
 * counted only. */
void model_health_ok(
    struct model_health *health, const struct model_access *endpoint, const struct agent *agent, int64_t connect_ms);
void model_health_failed(struct model_health *health, const struct model_access *endpoint, const struct agent *agent,
    const struct model_failure *failure);
/* Each event of a call's session: the model may refuse to go on once it is connected, as it does when
 * the money is gone. */
void model_health_heard(struct model_health *health, const struct model_access *endpoint, const struct agent *agent,
    const struct model_event *event);

/* A session was opened, and was of no use, so that the call took another: the same as a failure that may pass, but
 * one which only an answer refutes. `code` is for counting, `text` a sentence. */
void model_health_useless(struct model_health *health, const struct model_access *endpoint, const struct agent *agent,
    const char *code, const char *text);

/* A session that talked was closed for this reason, of this class. */
void model_health_closed(struct model_health *health, const struct model_access *endpoint, const struct agent *agent,
    enum model_error error, const char *reason);

/* The extras that the agent's trial found refused there since the start or the last reload: a call that leaves
 * them out is spared the refusal. NULL health: none. */
unsigned model_health_without(
    struct model_health *health, const struct model_access *endpoint, const struct agent *agent);

/* For /ready: the names of the agents that are refused, the state of the text API if an agent has it, and the
 * states of the endpoints if there are several, as members;
 * nothing if there are none. */
void model_health_put_ready(struct model_health *health, struct json_out *j);

/* For /status, into the object that is open. */
void model_health_put_status(struct model_health *health, struct json_out *j);

#endif
