/* A function is called by us; its result is an item with the same call_id. A
 * tool of an MCP server is called by the service itself: we hear of it, and
 * may be asked whether it is allowed.
 */
#include "server/model/realtime_tools.h"

#include "server/model/realtime_say.h"

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

	return strlen(name) < FOREIGN_ID_SIZE ? name : "";
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
	mcp->output = text_at(item, "output");
}

/* ----------------------------------------------------------------- messages */

/* All are items. None asks for a response. */

void realtime_tool_call(struct buf *out, const char *id, const char *call_id, const char *name, const char *arguments)
{
	struct json_out j = realtime_begin_item(out, "function_call", id);

	json_put_text(&j, "call_id", call_id);
	json_put_text(&j, "name", name);
	json_put_text(&j, "arguments", arguments);
	json_put_end(&j);
	json_put_end(&j);
}

void realtime_tool_result(struct buf *out, const char *id, const char *call_id, const char *result)
{
	struct json_out j = realtime_begin_item(out, "function_call_output", id);

	json_put_text(&j, "call_id", call_id);
	json_put_text(&j, "output", result);
	json_put_end(&j);
	json_put_end(&j);
}

void realtime_approve(struct buf *out, const char *id, const char *mcp_id, bool yes)
{
	struct json_out j = realtime_begin_item(out, "mcp_approval_response", id);

	json_put_text(&j, "approval_request_id", mcp_id);
	json_put_bool(&j, "approve", yes);
	json_put_end(&j);
	json_put_end(&j);
}
