#ifndef OUTCOME_OUTCOME_SAVE_H
#define OUTCOME_OUTCOME_SAVE_H
/* save_record, as the model calls it during a call: what it says is held against
 * the agent's schema and kept; what does not follow is told to the model once,
 * and kept all the same. */
#include "common/buf.h"
#include "server/work/tool_call.h"

#include <pthread.h>

struct store;

enum { OUTCOME_SAVES_BUCKETS = 256 };

struct outcome_saves {
	struct store *store;
	pthread_mutex_t lock; /* what follows; held briefly */
	struct outcome_saving *of[OUTCOME_SAVES_BUCKETS];
};

void outcome_saves_open(struct outcome_saves *s, struct store *store);
void outcome_saves_close(struct outcome_saves *s);

/* One call of the tool: a tool_run. */
bool outcome_saves_take(struct outcome_saves *s, const struct tool_call *call, struct buf *out);

/* The call is over. Any thread; waits for nothing. */
void outcome_saves_forget(struct outcome_saves *s, const char *call_sid);

#endif
