#ifndef KNOWLEDGE_KNOWLEDGE_TOOL_H
#define KNOWLEDGE_KNOWLEDGE_TOOL_H
/* search_knowledge, as the model calls it: the agent's folder is looked up, in
 * its arguments' `query`; counted and timed for /status. */
#include "common/buf.h"
#include "server/work/tool_call.h"

#include <stdbool.h>

struct agents;

/* A tool_run; needs no argument. */
tool_run search_tool;

/* The folders of all agents are wanted from now on; at start, and again when
 * there are other agents. Its type is agents_changed. */
void search_follow_agents(void *agents);

/* For --check: what of those folders nobody will find, a line each. */
void search_warnings(struct agents *agents, struct buf *out);

#endif
