#ifndef OUTCOME_OUTCOME_SAVE_H
#define OUTCOME_OUTCOME_SAVE_H
/* save_record, the model's tool during a call: its arguments are checked against the
 * agent's schema and kept. The model is told once what breaks the schema; the record is
 * kept all the same, marked as invalid. */
#include "common/buf.h"
#include "server/work/tool_call.h"

#include <pthread.h>

struct store;

enum { OUTCOME_SAVES_BUCKETS = 256 };

struct outcome_saves {
	struct store *store;
	pthread_mutex_t lock; /* for the buckets; held briefly */
	struct outcome_saving *of[OUTCOME_SAVES_BUCKETS];
};

void outcome_saves_open(struct outcome_saves *s, struct store *store);
void outcome_saves_close(struct outcome_saves *s);

/* Runs the tool once; arguments and result as for a tool_run. */
bool outcome_saves_take(struct outcome_saves *s, const struct tool_call *call, struct buf *out);

/* Forgets the counts of a call that is over. Any thread; waits for nothing. */
void outcome_saves_forget(struct outcome_saves *s, const char *call_sid);

#endif
