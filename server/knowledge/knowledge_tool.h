#ifndef KNOWLEDGE_KNOWLEDGE_TOOL_H
#define KNOWLEDGE_KNOWLEDGE_TOOL_H
/* search_knowledge, as the model calls it: searches the agent's folder for the
 * `query` in its arguments; counted and timed for /status. */
#include "common/buf.h"
#include "server/work/tool_call.h"

#include <stdbool.h>

struct agents;
struct knowledge;

/* A tool_run; its argument is a struct knowledge. */
tool_run search_tool;

/* Wants the folders of all agents: at start, and again after each reload. */
void search_follow_agents(struct knowledge *k, struct agents *agents);

/* For --check: the files of those folders that no search will find, a line each. */
void search_warnings(struct agents *agents, struct buf *out);

#endif
