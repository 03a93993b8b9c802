#ifndef WORK_TOOL_LIST_H
#define WORK_TOOL_LIST_H
/* The tools an agent's model may call, as the session's configuration declares
 * them: the agent's own, ours, and MCP servers. Pure.
 */
#include "common/buf.h"
#include "server/agents/agent.h"

struct work;

/* Appends a JSON array. May hold keys of MCP servers: never log it. `work` knows which of
 * ours there are. */
void tool_list_put(struct buf *out, const struct work *work, const struct agent *agent);

/* The destination of that name, NULL if the agent has none. */
const struct agent_destination *tool_list_destination(const struct agent *agent, const char *name);

#endif
