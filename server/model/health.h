#ifndef MODEL_HEALTH_H
#define MODEL_HEALTH_H
/* Whether the model is available at all, for /ready and /status.
 *
 * One probe at start, then one every 30 s until one succeeds; again when a
 * call meets a failure that will not pass by itself. A failure that may pass
 * never closes the door. One thread of its own; the questions may come from
 * any thread.
 */
#include "common/json_out.h"
#include "server/agents/agents.h"
#include "server/model/session.h"

#include <stdbool.h>
#include <stdint.h>

enum { HEALTH_PROBE_SECONDS = 30 };

struct model_health;

/* Nothing is known yet: the model is believed to answer. 0 or -errno. */
int model_health_open(struct model_health **out);
void model_health_close(struct model_health *health); /* fine with NULL */

/* Starts the thread: 0 or -errno. Both are borrowed until model_health_stop. The probe
 * uses the agent that answers unknown numbers. */
int model_health_probe(struct model_health *health, const struct model_access *access, struct agents *agents);
void model_health_stop(struct model_health *health); /* fine if it was not started */

/* True: the last attempt failed for a reason that will not pass by itself. */
bool model_health_blocks(const struct model_health *health);

/* A call's result: connected after so long, or failed. Any thread. NULL: it is counted
 * only. */
void model_health_ok(struct model_health *health, int64_t connect_ms);
void model_health_failed(struct model_health *health, const struct model_failure *failure);

/* For /status, into the object that is open. */
void model_health_put_status(struct model_health *health, struct json_out *j);

#endif
