#ifndef AGENTS_LOAD_H
#define AGENTS_LOAD_H
/* From files to a set of agents. Only server/agents/ needs it; blocks on the
 * disk. */
#include "common/buf.h"
#include "server/agents/agent_set.h"

/* Every agent of AGENTS_DIR and the built-in one. `problem` gets a line for each
 * mistake of each file, `notes` one for each oddity that is no mistake. 0 and one
 * reference in `out`, or -EINVAL, or -ENOMEM. */
int agents_load(struct agent_set **out, const struct config *cfg, struct buf *problem, struct buf *notes);

#endif
