#ifndef OUTCOME_OUTCOME_FILL_H
#define OUTCOME_OUTCOME_FILL_H
/* A call's record from its transcript: asks the text model to fill in the agent's
 * schema, and checks the answer. If it breaks the schema, the model is asked once more
 * and told the problems. Blocks: for background jobs.
 */
#include "common/buf.h"
#include "server/agents/agent.h"
#include "server/store/store_outcomes.h"

#include <cjson/cJSON.h>
#include <stdatomic.h>
#include <stdbool.h>

struct schema_problems;

enum outcome_filled {
	OUTCOME_FILLED,   /* row->status is valid or invalid */
	OUTCOME_UNFILLED, /* no answer: row->status is failed, or still invalid from the call */
	OUTCOME_STOPPED   /* the server is stopping; the row is unchanged */
};

/* Changes row's status, source, json and problems. `transcript` has a line a turn. */
enum outcome_filled outcome_fill_in(const struct config *cfg, const struct agent *agent, const char *transcript,
    struct outcome_row *row, const _Atomic bool *cancel);

/* Puts `text` in place of an owned string; NULL is fine for both. */
void outcome_set(char **field, const char *text);

/* Sets the row's only problem, which is about the whole record. */
void outcome_set_problem(struct outcome_row *row, const char *sentence);

/* The texts of the request. Pure. */
void outcome_put_instructions(const struct agent *agent, struct buf *out);
void outcome_put_input(const struct outcome_row *row, const char *transcript, struct buf *out);
void outcome_put_again(const char *answer, const struct schema_problems *problems, struct buf *out);

#endif
