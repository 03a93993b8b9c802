#include "tools/standin_model/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct item *items_new(struct session *s, enum item_kind kind, const char *status)
{
	struct item *item = need(sizeof *item);

	item->kind = kind;
	item->status = status;
	session_new_id(s, "item", item->id);
	return item;
}

void items_free_one(struct item *item)
{
	free(item->words);
	free(item->known);
	text_free(&item->audio);
	free(item->call_id);
	cJSON_Delete(item->given);
	free(item);
}

void items_free(struct session *s)
{
	for (size_t i = 0; i < s->item_count; i++)
		items_free_one(s->items[i]);
	free(s->items);
}

void items_add(struct session *s, struct item *item, size_t at)
{
	if (s->item_count == s->item_room) {
		s->item_room = s->item_room ? s->item_room * 2 : 16;
		s->items = realloc(s->items, s->item_room * sizeof s->items[0]);
		if (!s->items)
			abort();
	}
	memmove(s->items + at + 1, s->items + at, (s->item_count - at) * sizeof s->items[0]);
	s->items[at] = item;
	s->item_count++;
}

static size_t find(const struct session *s, const char *id)
{
	size_t i = 0;

	while (i < s->item_count && strcmp(s->items[i]->id, id) != 0)
		i++;
	return i;
}

double items_audio_ms(const struct item *item)
{
	return (double)item->audio_bytes / format_bytes_per_ms(item->format);
}

static void put_given(struct text *out, const struct item *item)
{
	cJSON *copy = cJSON_Duplicate(item->given, 1);
	char *json;

	cJSON_DeleteItemFromObjectCaseSensitive(copy, "id");
	cJSON_DeleteItemFromObjectCaseSensitive(copy, "object");
	cJSON_DeleteItemFromObjectCaseSensitive(copy, "status");
	json = cJSON_PrintUnformatted(copy);
	text_puts(out, json + 1); /* without the brace that opens it */
	free(json);
	cJSON_Delete(copy);
}

static void put_call(struct text *out, const struct item *item)
{
	const char *name = strchr(item->call_name, '/');
	bool begun = strcmp(item->status, "in_progress") == 0;

	if (name)
		text_printf(out,
		    "\"type\":\"mcp_call\",\"server_label\":\"%.*s\",\"name\":\"%s\",\"approval_request_id\":null,\"error\":null",
		    (int)(name - item->call_name), item->call_name, name + 1);
	else
		text_printf(out, "\"type\":\"function_call\",\"name\":\"%s\",\"call_id\":\"%s\"", item->call_name,
		    item->call_id);
	text_field(out, "arguments", begun ? "" : item->words);
	if (name)
		text_field(out, "output", begun ? NULL : CALLED_THERE);
	text_puts(out, "}");
}

void items_put_json(struct text *out, const struct item *item, bool with_audio)
{
	text_printf(out, "{\"id\":\"%s\",\"object\":\"realtime.item\",\"status\":\"%s\",", item->id, item->status);
	switch (item->kind) {
	case ITEM_GIVEN:
		put_given(out, item);
		return;
	case ITEM_CALL:
		put_call(out, item);
		return;
	case ITEM_USER_AUDIO:
		text_puts(out, "\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_audio\"");
		if (with_audio) {
			text_puts(out, ",\"audio\":\"");
			text_base64(out, (const uint8_t *)item->audio.data, item->audio.len);
			text_puts(out, "\"");
		}
		text_field(out, "transcript", with_audio ? item->words : NULL);
		text_puts(out, "}]}");
		return;
	case ITEM_ANSWER_AUDIO:
	case ITEM_ANSWER_TEXT:
		text_puts(out, "\"type\":\"message\",\"role\":\"assistant\",\"content\":[");
		if (strcmp(item->status, "in_progress") != 0) {
			bool audio = item->kind == ITEM_ANSWER_AUDIO;

			text_printf(out, "{\"type\":\"%s\",\"%s\":", audio ? "output_audio" : "output_text",
			    audio ? "transcript" : "text");
			text_json(out, item->words);
			text_puts(out, "}");
		}
		text_puts(out, "]}");
		return;
	}
}

void items_send(struct session *s, const char *type, const struct item *item, bool with_previous)
{
	struct text *out = event_open(s, type);
	size_t at = find(s, item->id);

	if (with_previous) {
		text_field(out, "previous_item_id", at > 0 && at <= s->item_count ? s->items[at - 1]->id : NULL);
	}
	text_puts(out, ",\"item\":");
	items_put_json(out, item, strcmp(type, "conversation.item.retrieved") == 0);
	event_send(s);
}

static void refuse(struct session *s, const char *code, const char *param, const char *message, const char *event_id)
{
	session_send_error(
	    s, &(struct session_error){ .code = code, .param = param, .message = message, .event_id = event_id });
}

/* Where a created item goes: item_count + 1 if the item it should follow is not there. */
static size_t place_after(const struct session *s, const char *previous)
{
	if (!previous)
		return s->item_count;
	if (strcmp(previous, "root") == 0)
		return 0;
	return find(s, previous) + 1;
}

static const char *item_type(const struct item *item)
{
	return item->kind == ITEM_CALL ? "function_call" : member_text(item->given, "type", "message");
}

/* A call, the model's own or one that it is told of. */
static struct item *find_call(const struct session *s, const char *call_id)
{
	for (size_t i = 0; i < s->item_count; i++) {
		struct item *item = s->items[i];

		if (strcmp(item_type(item), "function_call") == 0 &&
		    strcmp(item->given ? member_text(item->given, "call_id", "") : item->call_id, call_id) == 0)
			return item;
	}
	return NULL;
}

/* Each call gets one output; with the last of its answer the model can go on. */
static void take_output(struct session *s, const char *call_id)
{
	struct item *call = find_call(s, call_id);
	bool all = true;

	if (!call) {
		record_violation(s->record, "output for a call that was not made: %.60s", call_id);
		return;
	}
	if (call->has_output)
		record_violation(s->record, "a second output for call %.60s", call_id);
	if (strcmp(call->status, "completed") != 0)
		record_violation(s->record, "output for a call that was never finished: %.60s", call_id);
	call->has_output = true;
	if (call->given) {
		s->then = script_then(s->service->script, member_text(call->given, "name", ""));
		return;
	}
	for (size_t i = 0; i < s->item_count; i++) {
		const struct item *other = s->items[i];

		if (other->kind == ITEM_CALL && strcmp(other->answer_id, call->answer_id) == 0 &&
		    strcmp(other->call_id, call_id) != 0 && strcmp(other->status, "completed") == 0)
			all = all && other->has_output;
	}
	if (all)
		s->then = call->then;
}

static const char *words_of(const struct item *item)
{
	const cJSON *part = cJSON_GetArrayItem(member(item->given, "content"), 0);

	return !item->given ? item->words : member_text(part, "text", member_text(part, "transcript", NULL));
}

static bool is_of(const struct item *item, const char *role)
{
	return strcmp(member_text(item->given, "role", ""), role) == 0;
}

/* An answer may be in pieces, if it was lost more than once; what the client notes between them does not matter. */
const struct line *items_broken_off(const struct session *s, const char **rest)
{
	size_t first = s->item_count, last = first;
	const struct line *line = NULL;
	struct text said = { 0 };

	while (first && (s->items[first - 1]->known || is_of(s->items[first - 1], "assistant") ||
			    is_of(s->items[first - 1], "system")))
		first--;
	for (size_t from = first; from < last && !line; from++) {
		text_clear(&said);
		for (size_t i = from; i < last; i++) {
			const struct item *item = s->items[i];
			const char *words = item->known                ? item->known
					    : is_of(item, "assistant") ? words_of(item)
								       : NULL;

			text_printf(&said, "%s ", words ? words : "");
		}
		line = script_rest(s->service->script, text_str(&said), rest);
	}
	text_free(&said);
	return line;
}

/* A tool of an MCP server was called before: what it has told comes next. */
static void take_note(struct session *s, const char *words)
{
	char name[64];

	if (words && sscanf(words, "The tool %63s was called here", name) == 1 && strchr(name, '/')) {
		s->then = script_then(s->service->script, name);
		s->owed = NULL;
	}
}

/* What others say in a session in text (a cut answer put right) leaves the caller's words to be answered.
 * Elsewhere words that the caller says in the script are taken as said, and an answer to them as given. */
static void take_message(struct session *s, const struct item *item, const char *role)
{
	bool user = strcmp(role, "user") == 0;
	const char *words = words_of(item);
	int turn = user && words && !s->settings.text_only ? script_find_turn(s->service->script, words) : -1;

	s->typed = turn < 0 && (user || (s->settings.text_only && s->typed));
	if (strcmp(role, "assistant") == 0) {
		s->owed = s->then = NULL;
		s->spoke = true;
	}
	if (turn >= 0) {
		s->owed = script_turn(s->service->script, turn);
		s->turns_heard = turn + 1;
	}
	if (!user)
		return;
	text_clear(&s->typed_words);
	text_puts(&s->typed_words, words ? words : "");
}

static void note_item(struct session *s, const cJSON *given, const char *previous)
{
	cJSON *note = cJSON_Duplicate(given, 1);

	if (previous)
		cJSON_AddStringToObject(note, "previous_item_id", previous);
	record_add(s->record->items, note);
}

void items_record(struct session *s)
{
	for (size_t i = 0; !options.load && i < s->item_count; i++) {
		struct text json = { 0 };

		items_put_json(&json, s->items[i], false);
		record_add(s->record->conversation, cJSON_Parse(json.data));
		text_free(&json);
	}
}

void items_create(struct session *s, const cJSON *event, const char *event_id, uint64_t now)
{
	const cJSON *given = member(event, "item");
	const char *id = member_text(given, "id", NULL), *role = member_text(given, "role", NULL),
		   *type = member_text(given, "type", NULL);
	size_t at = place_after(s, member_text(event, "previous_item_id", NULL));
	struct item *item;
	char *json;

	(void)now;
	if (strcmp(s->faults->f[FAULT_REFUSE_ITEM].what, role ? role : type) == 0 &&
	    fault_again(s->faults, FAULT_REFUSE_ITEM)) {
		refuse(s, "invalid_value", "item", "This item is refused on purpose.", event_id);
		return;
	}
	if (at > s->item_count) {
		refuse(s, "invalid_value", "previous_item_id", "Previous item not found.", event_id);
		return;
	}
	if (id && find(s, id) < s->item_count) {
		refuse(s, "invalid_value", "item.id", "An item of that id exists already.", event_id);
		return;
	}
	item = items_new(s, ITEM_GIVEN, "completed");
	item->given = cJSON_Duplicate(given, 1);
	if (id)
		snprintf(item->id, sizeof item->id, "%s", id);
	items_add(s, item, at);
	items_send(s, "conversation.item.added", item, true);
	items_send(s, "conversation.item.done", item, true);
	/* What is put before others has been answered, or is put right. */
	if (at + 1 == s->item_count || !role || strcmp(role, "user") != 0)
		take_message(s, item, role ? role : "");
	if (is_of(item, "system"))
		take_note(s, words_of(item));
	json = cJSON_PrintUnformatted(given);
	s->text_tokens += (long)strlen(json) / 4;
	session_say(s, "item: %s", json);
	note_item(s, given, member_text(event, "previous_item_id", NULL));
	free(json);
	if (strcmp(type, "function_call") == 0)
		s->owed = NULL; /* it is what was made of it */
	if (strcmp(type, "function_call_output") == 0)
		take_output(s, member_text(given, "call_id", NULL));
}

static void note_truncate(struct session *s, const char *id, long end_ms, const struct item *item, const char *refused)
{
	cJSON *note = cJSON_CreateObject();

	cJSON_AddStringToObject(note, "item_id", id);
	cJSON_AddNumberToObject(note, "audio_end_ms", (double)end_ms);
	if (item)
		cJSON_AddNumberToObject(note, "produced_ms", items_audio_ms(item));
	cJSON_AddStringToObject(note, "refused", refused);
	record_add(s->record->truncates, note);
	session_say(s, "truncate %s at %ld ms of %.0f: %s", id, end_ms, item ? items_audio_ms(item) : 0.0,
	    *refused ? refused : "done");
}

void items_truncate(struct session *s, const cJSON *event, const char *event_id)
{
	const char *id = member_text(event, "item_id", NULL);
	long end_ms = (long)member_number(event, "audio_end_ms", 0);
	long content = (long)member_number(event, "content_index", 0);
	size_t at = find(s, id);
	struct item *item = at < s->item_count ? s->items[at] : NULL;
	char message[120];

	if (!item) {
		note_truncate(s, id, end_ms, NULL, "unknown item");
		snprintf(message, sizeof message, "Item with item_id not found: %.40s", id);
		refuse(s, "item_truncate_invalid_item_id", "item_id", message, event_id);
		return;
	}
	if (item->kind != ITEM_ANSWER_AUDIO || content != 0) {
		note_truncate(s, id, end_ms, item, "not audio of an answer");
		refuse(s, "invalid_value", content ? "content_index" : "item_id",
		    "Only the audio of an assistant's message can be truncated.", event_id);
		return;
	}
	if ((double)end_ms > items_audio_ms(item)) {
		note_truncate(s, id, end_ms, item, "longer than produced");
		snprintf(message, sizeof message, "Audio content of %ldms is already shorter than %ldms",
		    (long)items_audio_ms(item), end_ms);
		refuse(s, "invalid_value", NULL, message, event_id);
		return;
	}
	note_truncate(s, id, end_ms, item, "");
	if (options.load)
		load_truncated(s, id, end_ms);
	if (item->known && items_audio_ms(item) > 0)
		item->known[(size_t)((double)strlen(item->known) * (double)end_ms / items_audio_ms(item))] = '\0';
	item->audio_bytes = (uint64_t)end_ms * (uint64_t)format_bytes_per_ms(item->format);
	/* What the caller did not hear is not to be in the context. */
	free(item->words);
	item->words = NULL;
	if (s->faults->f[FAULT_NO_TRUNCATED].on)
		return;
	text_printf(event_open(s, "conversation.item.truncated"),
	    ",\"item_id\":\"%s\",\"content_index\":0,\"audio_end_ms\":%ld", id, end_ms);
	event_send(s);
}

/* An answer that is over is only waiting to be freed. */
static bool in_use(const struct session *s, const struct item *item)
{
	for (const struct answer *a = s->answers; a; a = a->next) {
		if (a->over)
			continue;
		if (a->item == item)
			return true;
		for (int i = 0; i < a->call_count; i++)
			if (a->calls[i] == item)
				return true;
	}
	return false;
}

void items_delete(struct session *s, const cJSON *event, const char *event_id)
{
	const char *id = member_text(event, "item_id", NULL);
	size_t at = find(s, id);

	if (at == s->item_count || in_use(s, s->items[at])) {
		refuse(s, "item_delete_invalid_item_id", "item_id", "Item with item_id not found.", event_id);
		return;
	}
	record_add(s->record->deletes, cJSON_CreateString(id));
	if (s->items[at]->kind == ITEM_USER_AUDIO && at + 1 == s->item_count)
		s->owed = NULL; /* the question is taken back */
	text_printf(event_open(s, "conversation.item.deleted"), ",\"item_id\":\"%s\"", s->items[at]->id);
	event_send(s);
	items_free_one(s->items[at]);
	s->item_count--;
	memmove(s->items + at, s->items + at + 1, (s->item_count - at) * sizeof s->items[0]);
}

void items_retrieve(struct session *s, const cJSON *event, const char *event_id)
{
	const char *id = member_text(event, "item_id", NULL);
	size_t at = find(s, id);

	if (at == s->item_count) {
		refuse(s, "item_retrieve_invalid_item_id", "item_id", "Item with item_id not found.", event_id);
		return;
	}
	items_send(s, "conversation.item.retrieved", s->items[at], false);
}
