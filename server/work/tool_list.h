#ifndef WORK_TOOL_LIST_H
#define WORK_TOOL_LIST_H
/* The tools an agent's model may call, as the session's configuration declares
 * them: the agent's own, ours, and MCP servers. Pure.
 */
#include "common/buf.h"
#include "server/agents/agent.h"

struct cJSON;
struct work;

/* Appends a JSON array. May hold keys of MCP servers: never log it. `work` knows which of
 * ours there are. */
void tool_list_put(struct buf *out, const struct work *work, const struct agent *agent);

/* Something that the phone does, behind what was said before: but for keys, on a relay only. */
enum tool_phone { TOOL_PHONE_NONE, TOOL_PHONE_LANGUAGE, TOOL_PHONE_PLAY, TOOL_PHONE_KEYS };

/* NONE: no such tool, or this agent has none, or one of its own by that name. */
enum tool_phone tool_list_phone(const struct agent *agent, const char *name);

/* What the model wants it to do, by its arguments: one of the agent's languages or sounds, or what
 * is to be keys. NULL: it is not one of those. Borrowed from either. */
const char *tool_list_phone_wish(const struct agent *agent, enum tool_phone what, const struct cJSON *arguments);

/* The destination of that name, NULL if the agent has none. */
const struct agent_destination *tool_list_destination(const struct agent *agent, const char *name);

#endif
