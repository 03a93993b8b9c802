#include "server/model/text/talk.h"

#include "common/json.h"
#include "common/json_out.h"

#include <stdlib.h>
#include <string.h>

/* The text APIs want words before the first answer, even where nobody has spoken. */
#define NOTHING_YET "The caller is on the line and has said nothing yet."
#define NO_RESULT "No result has come yet."

void talk_init(struct talk *t)
{
	memset(t, 0, sizeof *t);
}

static void free_item(struct talk_item *i)
{
	free(i->id);
	free(i->call_id);
	free(i->name);
	buf_free(&i->text);
}

void talk_free(struct talk *t)
{
	for (size_t i = 0; i < t->count; i++)
		free_item(&t->items[i]);
	free(t->items);
	talk_init(t);
}

/* ------------------------------------------------------------------------- items */

static size_t find(const struct talk *t, const char *id)
{
	size_t at = 0;

	while (at < t->count && (!*id || strcmp(t->items[at].id, id) != 0))
		at++;
	return at;
}

static void drop(struct talk *t, size_t at)
{
	t->bytes -= t->items[at].text.len;
	free_item(&t->items[at]);
	memmove(&t->items[at], &t->items[at + 1], (--t->count - at) * sizeof *t->items);
}

static void keep_bound(struct talk *t)
{
	while (t->count > TALK_ITEMS || (t->bytes > TALK_BYTES && t->count > 1))
		drop(t, 0);
}

static bool make_room(struct talk *t)
{
	size_t room = t->room ? 2 * t->room : 32;
	struct talk_item *more;

	if (t->count < t->room)
		return true;
	more = realloc(t->items, room * sizeof *more);
	if (!more)
		return false;
	t->items = more;
	t->room = room;
	return true;
}

static bool put(struct talk *t, const struct talk_item *like, const char *text, const char *after)
{
	struct talk_item item = { .kind = like->kind,
		.id = strdup(like->id),
		.call_id = strdup(like->call_id ? like->call_id : ""),
		.name = strdup(like->name ? like->name : "") };
	size_t at = find(t, after);

	buf_init(&item.text, TALK_BYTES);
	buf_puts(&item.text, text);
	if (!item.id || !item.call_id || !item.name || buf_error(&item.text) || !make_room(t)) {
		free_item(&item);
		return false;
	}
	at = at < t->count ? at + 1 : t->count;
	memmove(&t->items[at + 1], &t->items[at], (t->count - at) * sizeof *t->items);
	t->items[at] = item;
	t->count++;
	t->bytes += item.text.len;
	keep_bound(t);
	return true;
}

bool talk_put(struct talk *t, enum talk_kind kind, const char *id, const char *text, const char *after)
{
	return put(t, &(struct talk_item){ .kind = kind, .id = (char *)id }, text, after);
}

bool talk_put_call(struct talk *t, const struct model_tool_call *call)
{
	struct talk_item like = {
		.kind = TALK_CALL, .id = "", .call_id = (char *)call->call_id, .name = (char *)call->name
	};

	return put(t, &like, call->arguments, "");
}

void talk_add(struct talk *t, const char *id, const char *text)
{
	size_t at = find(t, id);
	struct talk_item *item = at < t->count ? &t->items[at] : NULL;
	size_t before = item ? item->text.len : 0;

	if (!item)
		return;
	buf_puts(&item->text, text);
	t->bytes += item->text.len - before;
	keep_bound(t);
}

/* ---------------------------------------------------------------------- commands */

static enum talk_kind kind_of(const char *role)
{
	return !strcmp(role, "assistant") ? TALK_AGENT : !strcmp(role, "system") ? TALK_NOTE : TALK_CALLER;
}

static bool take_message(struct talk *t, const cJSON *item, const char *after)
{
	const char *role = json_str(item, "role"), *id = json_str(item, "id");
	const char *text = json_str(cJSON_GetArrayItem(json_get(item, "content"), 0), "text");

	return role && text && talk_put(t, kind_of(role), id ? id : "", text, after ? after : "");
}

static bool take_result(struct talk *t, const cJSON *item)
{
	const char *call = json_str(item, "call_id"), *output = json_str(item, "output");
	struct talk_item like = { .kind = TALK_RESULT, .id = "", .call_id = (char *)call };

	return call && output && put(t, &like, output, "");
}

static bool take_call(struct talk *t, const cJSON *item)
{
	struct model_tool_call call = { json_str(item, "call_id"), json_str(item, "name"),
		json_str(item, "arguments") };

	return call.call_id && call.name && call.arguments && talk_put_call(t, &call);
}

bool talk_take(struct talk *t, const cJSON *message)
{
	const cJSON *item = json_get(message, "item");
	const char *type = json_str(message, "type"), *kind = json_str(item, "type"), *id;
	size_t at;

	if (type && kind && !strcmp(type, "conversation.item.create")) {
		if (!strcmp(kind, "message"))
			return take_message(t, item, json_str(message, "previous_item_id"));
		if (!strcmp(kind, "function_call"))
			return take_call(t, item);
		return !strcmp(kind, "function_call_output") && take_result(t, item);
	}
	if (!type || strcmp(type, "conversation.item.delete") != 0 || !(id = json_str(message, "item_id")))
		return false;
	at = find(t, id);
	if (at < t->count)
		drop(t, at);
	return true;
}

/* ---------------------------------------------------------------------- the bodies */

static const struct talk_item *find_call(const struct talk *t, enum talk_kind kind, const char *call_id)
{
	for (size_t i = 0; *call_id && i < t->count; i++)
		if (t->items[i].kind == kind && !strcmp(t->items[i].call_id, call_id))
			return &t->items[i];
	return NULL;
}

static const char *result_of(const struct talk *t, const struct talk_item *call)
{
	const struct talk_item *result = find_call(t, TALK_RESULT, call->call_id);

	return result ? buf_text(&result->text) : NO_RESULT;
}

/* Results stand behind their calls. One whose call is forgotten, or was made in another session, is
 * told as a note. */
static bool is_told(const struct talk *t, const struct talk_item *i)
{
	if (i->kind == TALK_RESULT)
		return i->text.len && !find_call(t, TALK_CALL, i->call_id);
	return i->kind == TALK_CALL ? *i->call_id && *i->name : i->text.len > 0;
}

static void put_message(struct json_out *j, const struct talk_item *i, const char *note)
{
	json_put_object(j, NULL);
	json_put_text(j, "role", i->kind == TALK_CALLER ? "user" : i->kind == TALK_AGENT ? "assistant" : note);
	if (i->kind == TALK_RESULT)
		json_put_format(j, "content", "The result of a tool: %s", buf_text(&i->text));
	else
		json_put_text_of(j, "content", buf_text(&i->text), i->text.len);
	json_put_end(j);
}

/* `function`: its members stand in an object of that name (chat). What a service demands by itself of
 * a schema would refuse those that people write, hence `strict`. False: there are none. */
static bool put_tools(struct json_out *j, const char *tools, bool within)
{
	cJSON *list = *tools ? json_parse(tools, strlen(tools)) : NULL;
	const cJSON *tool;
	bool any = false;

	cJSON_ArrayForEach(tool, list)
	{
		const char *type = json_str(tool, "type");

		if (!type || strcmp(type, "function") != 0)
			continue;
		if (!any)
			json_put_array(j, "tools");
		any = true;
		json_put_object(j, NULL);
		json_put_text(j, "type", "function");
		if (within)
			json_put_object(j, "function");
		json_put_text(j, "name", json_str(tool, "name"));
		if (json_str(tool, "description"))
			json_put_text(j, "description", json_str(tool, "description"));
		if (json_get(tool, "parameters"))
			json_put_tree(j, "parameters", json_get(tool, "parameters"));
		json_put_bool(j, "strict", false);
		if (within)
			json_put_end(j);
		json_put_end(j);
	}
	if (any)
		json_put_end(j);
	cJSON_Delete(list);
	return any;
}

static void put_tools_of(struct json_out *j, const struct talk_request *r, bool within)
{
	if (r->tools && put_tools(j, r->tools, within))
		json_put_text(j, "tool_choice", r->tools_off ? "none" : "auto");
}

/* What a tool gave, as each API names it. */
static void put_result(struct json_out *j, const struct talk *t, const struct talk_item *i, bool chat)
{
	json_put_object(j, NULL);
	json_put_text(j, chat ? "role" : "type", chat ? "tool" : "function_call_output");
	json_put_text(j, chat ? "tool_call_id" : "call_id", i->call_id);
	json_put_text(j, chat ? "content" : "output", result_of(t, i));
	json_put_end(j);
}

static void put_person(struct json_out *j, const struct talk_request *r)
{
	if (*r->person)
		json_put_text(j, "safety_identifier", r->person);
}

static void put_call(struct json_out *j, const struct talk *t, const struct talk_item *i)
{
	json_put_object(j, NULL);
	json_put_text(j, "type", "function_call");
	json_put_text(j, "call_id", i->call_id);
	json_put_text(j, "name", i->name);
	json_put_text(j, "arguments", buf_text(&i->text));
	json_put_end(j);
	put_result(j, t, i, false);
}

/* Nothing is stored there: the conversation is here. */
void talk_put_responses(struct buf *out, const struct talk_request *r)
{
	const struct talk *t = r->talk;
	struct json_out j = json_out_to(out);
	bool empty = true;

	json_put_object(&j, NULL);
	json_put_text(&j, "model", r->agent->openai_model);
	json_put_bool(&j, "stream", true);
	json_put_bool(&j, "store", false);
	json_put_text(&j, "instructions", r->instructions);
	json_put_array(&j, "input");
	for (size_t i = 0; i < t->count; i++) {
		if (!is_told(t, &t->items[i]))
			continue;
		empty = false;
		if (t->items[i].kind == TALK_CALL)
			put_call(&j, t, &t->items[i]);
		else
			put_message(&j, &t->items[i], "developer");
	}
	if (empty) {
		json_put_object(&j, NULL);
		json_put_text(&j, "role", "developer");
		json_put_text(&j, "content", NOTHING_YET);
		json_put_end(&j);
	}
	json_put_end(&j);
	put_tools_of(&j, r, false);
	if (*r->effort) {
		json_put_object(&j, "reasoning");
		json_put_text(&j, "effort", r->effort);
		json_put_end(&j);
	}
	put_person(&j, r);
	if (r->max_tokens)
		json_put_int(&j, "max_output_tokens", r->max_tokens);
	json_put_end(&j);
}

static void put_chat_call(struct json_out *j, const struct talk *t, const struct talk_item *i)
{
	json_put_object(j, NULL);
	json_put_text(j, "role", "assistant");
	json_put_null(j, "content");
	json_put_array(j, "tool_calls");
	json_put_object(j, NULL);
	json_put_text(j, "id", i->call_id);
	json_put_text(j, "type", "function");
	json_put_object(j, "function");
	json_put_text(j, "name", i->name);
	json_put_text(j, "arguments", buf_text(&i->text));
	json_put_end(j);
	json_put_end(j);
	json_put_end(j);
	json_put_end(j);
	put_result(j, t, i, true);
}

/* "system" and not "developer": the services that speak this API and are not OpenAI's know only the
 * older word. */
void talk_put_chat(struct buf *out, const struct talk_request *r)
{
	const struct talk *t = r->talk;
	struct json_out j = json_out_to(out);

	json_put_object(&j, NULL);
	json_put_text(&j, "model", r->agent->openai_model);
	json_put_bool(&j, "stream", true);
	json_put_object(&j, "stream_options");
	json_put_bool(&j, "include_usage", true);
	json_put_end(&j);
	json_put_array(&j, "messages");
	json_put_object(&j, NULL);
	json_put_text(&j, "role", "system");
	json_put_text(&j, "content", r->instructions);
	json_put_end(&j);
	for (size_t i = 0; i < t->count; i++) {
		if (!is_told(t, &t->items[i]))
			continue;
		if (t->items[i].kind == TALK_CALL)
			put_chat_call(&j, t, &t->items[i]);
		else
			put_message(&j, &t->items[i], "system");
	}
	json_put_end(&j);
	put_tools_of(&j, r, true);
	if (*r->effort)
		json_put_text(&j, "reasoning_effort", r->effort);
	put_person(&j, r);
	if (r->max_tokens)
		json_put_int(&j, "max_completion_tokens", r->max_tokens);
	json_put_end(&j);
}
