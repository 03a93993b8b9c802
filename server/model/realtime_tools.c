#include "server/model/realtime_tools.h"

#include <string.h>

static const char *text_at(const cJSON *object, const char *key)
{
	const char *text = json_str(object, key);

	return text ? text : "";
}

/* An id or a name that can be sent back; "" for what is none. */
static const char *name_at(const cJSON *object, const char *key)
{
	const char *name = text_at(object, key);

	return strlen(name) < MODEL_CALL_ID_SIZE ? name : "";
}

static bool is_call(const cJSON *item)
{
	return !strcmp(text_at(item, "type"), "function_call") && !strcmp(text_at(item, "status"), "completed");
}

bool realtime_tool_call(const struct model_event *event, size_t n, struct model_tool_call *out)
{
	const cJSON *item = cJSON_IsArray(event->items) ? event->items->child : event->items;

	for (; item; item = event->type == MODEL_ITEM_DONE ? NULL : item->next) {
		if (!is_call(item) || n-- > 0)
			continue;
		out->call_id = name_at(item, "call_id");
		out->name = name_at(item, "name");
		out->arguments = text_at(item, "arguments");
		return true;
	}
	return false;
}

bool realtime_mcp(const struct model_event *event, struct model_mcp_item *out)
{
	const cJSON *item = event->items, *error = json_get(item, "error");
	const char *type = text_at(item, "type");

	out->approval = !strcmp(type, "mcp_approval_request");
	if (!out->approval && strcmp(type, "mcp_call"))
		return false;
	out->failed = error && !cJSON_IsNull(error);
	out->id = name_at(item, "id");
	out->server = name_at(item, "server_label");
	out->name = name_at(item, "name");
	out->arguments = text_at(item, "arguments");
	return true;
}

/* ----------------------------------------------------------------- messages */

static void put_item_head(struct buf *out, const char *event_id, const char *type)
{
	buf_puts(out, "{\"type\":\"conversation.item.create\",\"event_id\":");
	json_put_cstring(out, event_id);
	buf_printf(out, ",\"item\":{\"type\":\"%s\"", type);
}

void realtime_tool_output(struct buf *out, const char *event_id, const char *call_id, const char *output)
{
	put_item_head(out, event_id, "function_call_output");
	buf_puts(out, ",\"call_id\":");
	json_put_cstring(out, call_id);
	buf_puts(out, ",\"output\":");
	json_put_cstring(out, output);
	buf_puts(out, "}}");
}

void realtime_mcp_approval(struct buf *out, const char *event_id, const char *request_id, bool approve)
{
	put_item_head(out, event_id, "mcp_approval_response");
	buf_puts(out, ",\"approval_request_id\":");
	json_put_cstring(out, request_id);
	buf_printf(out, ",\"approve\":%s}}", approve ? "true" : "false");
}
