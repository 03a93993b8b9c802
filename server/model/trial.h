#ifndef MODEL_TRIAL_H
#define MODEL_TRIAL_H
/* A session opened for nobody: to see whether a call would work, or to have something said that is kept. */
#include "server/model/session.h"

enum { MODEL_LACK_SIZE = 400 };

struct model_trial_result {
	struct model_failure failure;
	int64_t connect_ms;
	unsigned without;           /* extras that the service refused */
	char lack[MODEL_LACK_SIZE]; /* what the session lacks of what was asked for, in words; or "" */
};

/* Opens one as a call of this agent would, with these tools, and closes it again, for the probe and
 * --check; compares all that came back with what was asked for. Blocks, bounded by MODEL_CONNECT_MS
 * for each step or until `stop` rings (then -ECANCELED). `stop` may be NULL. With `asks` it has one
 * answer made too, until that begins, which costs a little; by requests, always. 0, or negative with `failure` filled in. */
int model_trial(const struct model_access *access, const struct agent *agent, const char *tools, bool asks,
    struct bell *stop, struct model_trial_result *out);

/* Is told each event of the session, once that is ready. False: enough was heard; the session is closed, which ends
 * the answer. */
typedef bool model_trial_ear(void *arg, const struct model_event *e);

/* Has an agent's model say these words exactly, in its voice and at its speed, by a session without its
 * instructions and tools. Blocks, with MODEL_CONNECT_MS for each step of the session and `patience_ms` for the
 * answer, or until `stop` rings (then -ECANCELED). 0: the answer is over, or `ear` has heard enough, and it did not fail. Negative with
 * `failure` filled in. */
int model_trial_say(const struct model_access *access, const struct agent *agent, const char *words,
    int64_t patience_ms, model_trial_ear *ear, void *arg, struct bell *stop, struct model_failure *failure);

#endif
