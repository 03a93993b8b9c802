#ifndef OUTCOME_OUTCOMES_H
#define OUTCOME_OUTCOMES_H
/* The record that an agent's calls leave behind: filled in by its schema during
 * the call (save_record), or after it from the transcript by the text model.
 *
 * The store has the truth. A call whose agent has a schema opens a record when
 * it starts; when the call is over, a background job does what is left to do, and
 * closes it. So a server that dies in between finds the record still open when
 * it starts again. What does not follow the schema is kept and marked; what
 * cannot be had is tried once more, RECORD_RETRY_SECONDS later. JOURNAL_OUTCOME
 * (record.created) is told when a record is complete, at least once.
 */
#include "common/buf.h"
#include "server/config/config.h"
#include "server/work/tool_call.h"

struct agents;
struct jobs;
struct outcomes;
struct store;

/* Before any call, behind all who take JOURNAL_OUTCOME; listens to the journal
 * itself. Takes up what is still open. All outlive it. 0 or -errno. */
int outcomes_open(struct outcomes **out, const struct config *cfg, struct store *store, struct agents *agents,
    struct jobs *background);

/* Once no job runs any more. Fine with NULL. */
void outcomes_close(struct outcomes *outcomes);

/* Appends a line if agents have a record to fill in and there is no place to
 * keep it. */
void outcomes_warnings(const struct config *cfg, struct agents *agents, struct buf *out);

/* save_record; its argument is a struct outcomes. */
tool_run outcomes_save;

#endif
