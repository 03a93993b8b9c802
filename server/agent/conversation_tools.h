#ifndef AGENT_CONVERSATION_TOOLS_H
#define AGENT_CONVERSATION_TOOLS_H
/* The tools that the model calls: their beginning, their results, and those that end the
 * call. The dialogue decides when the model is told a result. Agent loop only.
 */
#include "server/agent/conversation.h"
#include "server/line/mailbox.h"

/* An item of a response is made, or the response is over (before the dialogue is told
 * so): begins the tool calls in it, each once. */
void conversation_tools_called(struct conversation *con, const struct model_event *event, int64_t now_us);
/* Events of MCP servers, which the model's service calls by itself. */
void conversation_mcp_item(struct conversation *con, const struct model_event *event, int64_t now_us);
void conversation_mcp_list_failed(struct conversation *con, const struct model_event *event, int64_t now_us);

/* The result of a tool came by mail. */
void conversation_tool_answered(struct conversation *con, const struct mail *mail, int64_t now_us);

/* Orders. tell_result: tells the model a result. late: the dialogue waits for the tool no
 * longer, and it is answered by an error. called_off: the same for the tool (0: none)
 * behind a farewell that the caller has called off. */
void conversation_tell_result(struct conversation *con, const struct dialogue_order *o, int64_t now_us);
void conversation_tool_late(struct conversation *con, const struct dialogue_order *o, int64_t now_us);
void conversation_called_off(struct conversation *con, const struct dialogue_order *o, int64_t now_us);

/* At the end of the call: running jobs are told to stop; everything is freed. */
void conversation_tools_cancel(struct conversation *con);
void conversation_tools_free(struct conversation *con);

#endif
