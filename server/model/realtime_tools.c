/* A function is called by us; its result is an item with the same call_id. A
 * tool of an MCP server is called by the service itself: we hear of it, and
 * may be asked whether it is allowed.
 */
#include "server/model/realtime_tools.h"

#include <stdlib.h>
#include <string.h>

static const char *text_at(const cJSON *object, const char *key)
{
	const char *text = json_str(object, key);

	return text ? text : "";
}

/* An id or a name that can be sent back; "" if it is missing or too long.
 * The call stays in the list either way: the conversation then tells the
 * model, in a note, that it was not usable. */
static const char *name_at(const cJSON *object, const char *key)
{
	const char *name = text_at(object, key);

	return strlen(name) < MODEL_CALL_ID_SIZE ? name : "";
}

/* An interrupted response may hold an "incomplete" call, its arguments cut
 * off. */
static bool is_call(const cJSON *item)
{
	return !strcmp(text_at(item, "type"), "function_call") && !strcmp(text_at(item, "status"), "completed");
}

static void take_call(struct model_event *event, const cJSON *item)
{
	struct model_tool_call *call = &event->calls[event->call_count++];

	call->call_id = name_at(item, "call_id");
	call->name = name_at(item, "name");
	call->arguments = text_at(item, "arguments");
}

/* One item (response.output_item.done) or a list (response.done). The
 * strings stay in the tree; the array is new. */
bool realtime_take_calls(struct model_event *event, const cJSON *items)
{
	const cJSON *first = cJSON_IsArray(items) ? items->child : items,
		    *end = cJSON_IsArray(items) || !items ? NULL : items->next;
	size_t count = 0;

	for (const cJSON *item = first; item != end; item = item->next)
		count += is_call(item);
	if (!count)
		return true;
	event->calls = calloc(count, sizeof *event->calls);
	for (const cJSON *item = first; event->calls && item != end; item = item->next)
		if (is_call(item))
			take_call(event, item);
	return event->calls != NULL;
}

/* "error" is null in a call that went well. */
void realtime_take_mcp(struct model_event *event, const cJSON *item)
{
	const cJSON *error = json_get(item, "error");
	const char *type = text_at(item, "type");
	struct model_mcp_item *mcp = &event->mcp;

	if (!strcmp(type, "mcp_approval_request"))
		mcp->what = MODEL_MCP_ASKS;
	else if (strcmp(type, "mcp_call"))
		return;
	else
		mcp->what = error && !cJSON_IsNull(error) ? MODEL_MCP_FAILED : MODEL_MCP_CALLED;
	mcp->id = name_at(item, "id");
	mcp->server = name_at(item, "server_label");
	mcp->name = name_at(item, "name");
	mcp->arguments = text_at(item, "arguments");
}

/* ----------------------------------------------------------------- messages */

/* Both answers are items. Neither asks for a response. */
static void put_item_head(struct buf *out, const char *id, const char *type)
{
	buf_puts(out, "{\"type\":\"conversation.item.create\",\"event_id\":");
	json_put_cstring(out, id);
	buf_printf(out, ",\"item\":{\"type\":\"%s\"", type);
}

void realtime_tool_result(struct buf *out, const char *id, const char *call_id, const char *result)
{
	put_item_head(out, id, "function_call_output");
	buf_puts(out, ",\"call_id\":");
	json_put_cstring(out, call_id);
	buf_puts(out, ",\"output\":");
	json_put_cstring(out, result);
	buf_puts(out, "}}");
}

void realtime_approve(struct buf *out, const char *id, const char *mcp_id, bool yes)
{
	put_item_head(out, id, "mcp_approval_response");
	buf_puts(out, ",\"approval_request_id\":");
	json_put_cstring(out, mcp_id);
	buf_printf(out, ",\"approve\":%s}}", yes ? "true" : "false");
}
