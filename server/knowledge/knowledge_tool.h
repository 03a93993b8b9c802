#ifndef KNOWLEDGE_KNOWLEDGE_TOOL_H
#define KNOWLEDGE_KNOWLEDGE_TOOL_H
/* search_knowledge, as the model calls it: the agent's folder is looked up, in
 * its arguments' `query`; counted and timed for /status. */
#include "common/buf.h"
#include "server/work/tool_call.h"

#include <stdbool.h>

struct agents;
struct knowledge;

/* A tool_run; its argument is a struct knowledge. */
tool_run search_tool;

/* The folders of all agents are wanted from now on: at start, and again when
 * there are other agents. */
void search_follow_agents(struct knowledge *k, struct agents *agents);

/* For --check: what of those folders nobody will find, a line each. */
void search_warnings(struct agents *agents, struct buf *out);

#endif
