#ifndef OUTCOME_OUTCOMES_H
#define OUTCOME_OUTCOMES_H
/* The record that an agent's calls leave behind: filled in by its schema during
 * the call (save_record), or after it from the transcript by the text model.
 *
 * The store has the truth. A call whose agent has a schema opens a record when
 * it starts; when the store says that the call is over, a background job does
 * what is left to do, and closes it. So a server that dies in between finds the
 * record still open when it starts again. What does not follow the schema is
 * kept and marked; what cannot be had is tried once more, RECORD_RETRY_SECONDS
 * later. JOURNAL_OUTCOME (record.created) is told when a record is complete, at
 * least once.
 *
 * One for the whole program. Without a store there are no records.
 */
#include "common/buf.h"
#include "server/config/config.h"
#include "server/work/tool_call.h"

#include <stdbool.h>
#include <stdint.h>

struct agents;
struct jobs;
struct store;

/* Before any call, behind all who take JOURNAL_OUTCOME. All outlive it. */
void outcomes_open(const struct config *cfg, struct store *store, struct agents *agents, struct jobs *background);
void outcomes_close(void); /* once no job runs any more */

/* Appends a line if agents have a record to fill in and there is no place to
 * keep it. */
void outcomes_warnings(const struct config *cfg, struct agents *agents, struct buf *out);

/* save_record: a tool_builtin. To be offered only if there is a store. */
bool outcomes_save(const struct tool_call *call, struct buf *out);

/* Looks, every second, whether something is to be done, and has it done. For
 * main's tick; does not wait. */
void outcomes_tend(int64_t now_us);

#endif
