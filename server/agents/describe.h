#ifndef AGENTS_DESCRIBE_H
#define AGENTS_DESCRIBE_H
/* One line that describes an agent, for --check. It holds whole numbers: not for
 * logs. */
#include "common/buf.h"
#include "server/agents/agent.h"

void agent_describe(const struct agent *p, bool answers_rest, struct buf *out);

#endif
