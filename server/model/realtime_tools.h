#ifndef MODEL_REALTIME_TOOLS_H
#define MODEL_REALTIME_TOOLS_H
/* The part of the Realtime protocol that is about tools: functions the model
 * wants called, what the service did with MCP servers, and our answers. As
 * realtime.h: no I/O, no state.
 */
#include "server/model/realtime.h"

enum { MODEL_CALL_ID_SIZE = 128 };

/* A function the model wants called. Borrowed from the event; nothing is NULL. */
struct model_tool_call {
	const char *call_id;   /* "" if it cannot be used: missing, or longer than anything sensible */
	const char *name;      /* "" likewise */
	const char *arguments; /* as text; "" and what is no JSON come too */
};

/* The n-th *completed* call of a function in an ITEM_DONE or RESPONSE_DONE, from
 * 0; false if there are no more. */
bool realtime_tool_call(const struct model_event *event, size_t n, struct model_tool_call *out);

/* What the service did with an MCP server, in an ITEM_DONE. */
struct model_mcp_item {
	bool approval; /* it asks whether it may */
	bool failed;
	const char *id, *server, *name, *arguments; /* "" when absent */
};
bool realtime_mcp(const struct model_event *event, struct model_mcp_item *out);

/* The answer to a function call. */
void realtime_tool_output(struct buf *out, const char *event_id, const char *call_id, const char *output);
void realtime_mcp_approval(struct buf *out, const char *event_id, const char *request_id, bool approve);

#endif
