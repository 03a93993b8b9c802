#ifndef AGENTS_DESCRIBE_H
#define AGENTS_DESCRIBE_H
/* An agent in a line, for --check. Whole numbers are in it: not for logs. */
#include "common/buf.h"
#include "server/agents/agent.h"

void agent_describe(const struct agent *p, bool answers_rest, struct buf *out);

#endif
