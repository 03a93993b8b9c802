#ifndef MODEL_REALTIME_TOOLS_H
#define MODEL_REALTIME_TOOLS_H
/* The part of the Realtime API that is about tools: functions the model
 * wants called, calls of MCP servers by the service, and our answers.
 */
#include "server/model/protocol.h"

/* The completed calls of functions in `items`: one item, or an array of them.
 * False without memory. */
bool realtime_take_calls(struct model_event *event, const cJSON *items);
/* Fills in event->mcp if the item is about an MCP server. */
void realtime_take_mcp(struct model_event *event, const cJSON *item);

void realtime_tool_call(struct buf *out, const char *id, const char *call_id, const char *name, const char *arguments);
void realtime_tool_result(struct buf *out, const char *id, const char *call_id, const char *result);
void realtime_approve(struct buf *out, const char *id, const char *mcp_id, bool yes);

#endif
