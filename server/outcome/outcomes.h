#ifndef OUTCOME_OUTCOMES_H
#define OUTCOME_OUTCOMES_H
/* The records of calls, in the shape of the agent's schema: filled in by the model during
 * the call (save_record), or by the text model from the transcript afterwards.
 *
 * The store has the truth. A call whose agent has a schema opens a record when it
 * starts. After the call a background job completes the record and closes it, so a
 * server that dies in between finds it open at the next start. A record that breaks
 * the schema is kept and marked. One that could not be filled in is tried once more,
 * RECORD_RETRY_SECONDS later. JOURNAL_OUTCOME (record.created) is told for a complete
 * record, at least once.
 */
#include "common/buf.h"
#include "server/config/config.h"
#include "server/work/tool_call.h"

struct agents;
struct jobs;
struct outcomes;
struct store;

/* Before any call, and after all sinks that take JOURNAL_OUTCOME; adds a sink of its own.
 * Takes up the records that are still open. All arguments outlive it. 0 or -errno. */
int outcomes_open(struct outcomes **out, const struct config *cfg, struct store *store, struct agents *agents,
    struct jobs *background);

/* After the last background job. Fine with NULL. */
void outcomes_close(struct outcomes *outcomes);

/* Appends a line if agents have a schema and there is no store to keep records. */
void outcomes_warnings(const struct config *cfg, struct agents *agents, struct buf *out);

/* The tool save_record; its argument is a struct outcomes. */
tool_run outcomes_save;

#endif
