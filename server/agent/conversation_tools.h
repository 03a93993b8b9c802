#ifndef AGENT_CONVERSATION_TOOLS_H
#define AGENT_CONVERSATION_TOOLS_H
/* The tools the model calls: begun, answered, and those that end the call. What is to
 * be told of them, and when, the dialogue decides. Agent loop only.
 */
#include "server/agent/conversation.h"
#include "server/line/mailbox.h"

/* An item of a response is made, or the response is over (before the dialogue is
 * told so): the calls in it are begun, each once. */
void conversation_tools_called(struct conversation *con, const struct model_event *event, int64_t now_us);
/* What the service did with an MCP server; it cannot have a server's list. */
void conversation_mcp_item(struct conversation *con, const struct model_event *event, int64_t now_us);
void conversation_mcp_list_failed(struct conversation *con, const struct model_event *event, int64_t now_us);

/* The answer of one came by mail. */
void conversation_tool_answered(struct conversation *con, const struct mail *mail, int64_t now_us);

/* Orders: a result is to be told; the dialogue waits for a tool no longer, and it is
 * answered by an error; a farewell was called off, and the tool behind it (0: none)
 * likewise. */
void conversation_tell_result(struct conversation *con, const struct dialogue_order *o, int64_t now_us);
void conversation_tool_late(struct conversation *con, const struct dialogue_order *o, int64_t now_us);
void conversation_called_off(struct conversation *con, const struct dialogue_order *o, int64_t now_us);

/* The call is over. */
void conversation_tools_cancel(struct conversation *con);
void conversation_tools_free(struct conversation *con);

#endif
