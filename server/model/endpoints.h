#ifndef MODEL_ENDPOINTS_H
#define MODEL_ENDPOINTS_H
/* The ways to the model, in order: OPENAI_REALTIME_URL and its like, _2 and _3. A call begins with the
 * first that is well, and goes on to the next when one fails it.
 *
 * Made once, at start; any thread after. What is known of each is the model's health (health.h).
 */
#include "server/model/access.h"

struct model_health;

struct model_endpoints {
	struct model_access list[CONFIG_ENDPOINTS_MAX];
	size_t count;
	struct model_health *health; /* borrowed; NULL: all are believed to be well */
};

/* 0, or negative with a sentence in `error`. `health` is for its opener to set. */
int model_endpoints_open(struct model_endpoints *e, const struct config *cfg, struct buf *error);
void model_endpoints_close(struct model_endpoints *e); /* fine if it was not opened, but zeroed */

/* The first of those that the agent takes, in its order, be it well or not. */
const struct model_access *model_endpoints_first(const struct model_endpoints *e, const struct agent *agent);

/* True if the agent takes `a` before `b`. */
bool model_endpoints_before(const struct model_endpoints *e, const struct agent *agent, const struct model_access *a,
    const struct model_access *b);

/* Where the agent's next session is to be opened. `last`: NULL for a first try, which is made
 * in any case; else where the last one failed: then the next in the agent's order, round to `last`
 * itself, and NULL if all are refused. One that is failing is taken only if no other is left. */
const struct model_access *model_endpoints_next(
    const struct model_endpoints *e, const struct agent *agent, const struct model_access *last);

#endif
