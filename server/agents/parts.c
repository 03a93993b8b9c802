#include "server/agents/parts.h"

#include "common/json.h"
#include "common/json_out.h"
#include "common/schema.h"
#include "server/config/config_url.h"
#include "server/config/config_check.h"
#include "server/config/config_names.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The most of each kind, and the most bytes. A schema is measured as text, because it goes into every
 * session's configuration. */
enum { NUMBERS_MAX = 1000, LANGUAGES_MAX = 16, TOOLS_MAX = 64, MCP_MAX = 16, TRANSFERS_MAX = 64, WEBHOOKS_MAX = 16 };
enum { URL_MAX = 2048, SCHEMA_BYTES = 32768 };

#define AT(type, field) offsetof(struct type, field)

/* -------------------------------------------------------------------------- schemas */

/* schema_check answers in lines "place: sentence"; here each becomes a mistake at that place of the
 * file, or a note. A line without a place is told at r->path itself. */
static void tell_lines(struct reader *r, const struct buf *lines, bool mistakes)
{
	const char *line = buf_text(lines);

	while (*line) {
		size_t len = strcspn(line, "\n"), place = strcspn(line, ":");
		char key[128];

		snprintf(key, sizeof key, "%.*s", (int)(place < len ? place : 0), line);
		if (mistakes && place + 2 < len)
			reader_wrong_at(r, key, "%.*s", (int)(len - place - 2), line + place + 2);
		else if (mistakes)
			reader_wrong(r, "%.*s", (int)len, line);
		else
			buf_printf(r->notes, "%s: %s.%.*s\n", r->file, r->path, (int)len, line);
		line += len + (line[len] == '\n');
	}
}

/* OpenAI wants "properties" even where there are none. Owned; NULL without memory. */
static char *schema_text(const cJSON *value)
{
	cJSON *whole = cJSON_Duplicate(value, true);
	char *text = NULL;

	if (whole && (json_get(whole, "properties") || cJSON_AddObjectToObject(whole, "properties")))
		text = cJSON_PrintUnformatted(whole);
	cJSON_Delete(whole);
	return text;
}

/* A sound schema is kept as text: that of a tool, or of the outcome, which becomes save_record's. The model takes all of JSON Schema, while our own check of its
 * arguments knows a part (common/schema.h): keywords beyond that become notes. cJSON keeps a name
 * that stands twice in one object, and the two sides could then read different ones: refused. */
const char *part_schema(struct reader *r, const cJSON *value)
{
	const char *type = json_str(value, "type"), *kept = NULL;
	struct buf problem, ignored;
	char *text;

	if (!cJSON_IsObject(value) || !type || strcmp(type, "object") != 0) {
		reader_wrong(r, "must be a JSON Schema with \"type\": \"object\"");
		return NULL;
	}
	if (!json_unique(value)) {
		reader_wrong(r, "must not have a name twice in one object");
		return NULL;
	}
	buf_init(&problem, 0);
	buf_init(&ignored, 0);
	if (schema_check(value, &problem, &ignored) || schema_check_function(value, &problem)) {
		tell_lines(r, &problem, true);
	} else if (!(text = schema_text(value))) {
		agent_memory_keep_failed(r->memory);
	} else {
		tell_lines(r, &ignored, false);
		if (strlen(text) > SCHEMA_BYTES)
			reader_wrong(r, "must be at most %d bytes long", SCHEMA_BYTES);
		else
			kept = agent_memory_keep(r->memory, text, strlen(text));
		cJSON_free(text);
	}
	buf_free(&problem);
	buf_free(&ignored);
	return kept;
}

/* ---------------------------------------------------------------------- lists of text */

/* Wrong elements are told and left out. */
void part_strings(struct reader *r, const cJSON *list, size_t max, const char *(*check)(const char *),
    const char *const **out, size_t *count)
{
	size_t n = reader_array(r, list, max);
	const char **kept = n ? agent_memory_alloc(r->memory, n * sizeof *kept) : NULL;
	const cJSON *value = n ? list->child : NULL;

	*count = 0;
	*out = kept;
	for (size_t i = 0; kept && i < n; i++, value = value->next) {
		size_t mark = reader_enter_element(r, i);
		const char *text = reader_text(r, value, 1024), *how = NULL;

		if (text) {
			how = *text ? check(text) : "must not be empty";
			for (size_t j = 0; !how && j < *count; j++)
				how = strcmp(kept[j], text) ? NULL : "is there twice";
		}
		if (how)
			reader_wrong(r, "%s", how);
		else if (text)
			kept[(*count)++] = agent_memory_keep(r->memory, text, strlen(text));
		reader_leave(r, mark);
	}
}

void part_numbers(struct reader *r, const cJSON *value, void *agent)
{
	struct agent *p = agent;

	part_strings(r, value, NUMBERS_MAX, check_e164, &p->numbers, &p->number_count);
}

void part_languages(struct reader *r, const cJSON *value, void *agent)
{
	struct agent *p = agent;

	part_strings(r, value, LANGUAGES_MAX, check_language, &p->languages, &p->language_count);
}

/* ---------------------------------------------------------------------- small readers */

static const struct setting required_prose = { .type = SETTING_TEXT, .most = 4096, .check = check_prose };
static const struct setting optional_prose = {
	.type = SETTING_TEXT, .fallback = "", .most = 4096, .check = check_prose
};
static const struct setting url = { .type = SETTING_TEXT, .most = URL_MAX, .check = check_service_url };

static void read_name(struct reader *r, const cJSON *value, void *name)
{
	const char *text = reader_name(r, value);

	if (text)
		*(const char **)name = text;
}

/* With mistakes inside, the list is still whole: nobody reads it, as the file is refused. */
void *part_list(struct reader *r, const cJSON *list, size_t max, const struct key *keys, size_t size, const void *blank,
    size_t *count)
{
	size_t n = reader_array(r, list, max);
	char *items = n ? agent_memory_alloc(r->memory, n * size) : NULL;
	const cJSON *value = n ? list->child : NULL;

	*count = items ? n : 0;
	for (size_t i = 0; i < *count; i++, value = value->next) {
		size_t mark = reader_enter_element(r, i);

		memcpy(items + i * size, blank, size);
		reader_object(r, value, keys, NULL, items + i * size);
		reader_leave(r, mark);
	}
	return items;
}

/* Items are told apart by their first member: a name, a label, a URL. No two may share it. Since it
 * stands first in each of these structs, one function serves them all. */
static void tell_doubles(struct reader *r, const char *key, const void *items, size_t size, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *name = *(const char *const *)((const char *)items + i * size);

		for (size_t j = 0; j < i; j++) {
			size_t mark;

			if (!*name || strcmp(name, *(const char *const *)((const char *)items + j * size)) != 0)
				continue;
			mark = reader_enter_element(r, i);
			reader_wrong_at(r, key, "is the same as that of [%zu]", j);
			reader_leave(r, mark);
			break;
		}
	}
}

/* ---------------------------------------------------------------------------- tools */

/* A tool is a function of the model's session that we answer by a signed request to `url`. */

static void read_tool_name(struct reader *r, const cJSON *value, void *tool)
{
	static const char *const builtin[] = { "end_call", "transfer_call", "search_knowledge", "save_record" };
	struct agent_tool *t = tool;

	read_name(r, value, &t->name);
	for (size_t i = 0; i < sizeof builtin / sizeof *builtin; i++)
		if (!strcmp(t->name, builtin[i]))
			reader_wrong(r, "must not be that of a built-in tool");
}

static void read_parameters(struct reader *r, const cJSON *value, void *tool)
{
	const char *schema = part_schema(r, value);

	if (schema)
		((struct agent_tool *)tool)->parameters = schema;
}

static const struct setting tool_timeout = { .type = SETTING_INT, .min = 100, .max = 60000, .unit = "ms" };
static const struct setting filler = { .type = SETTING_TEXT, .fallback = "", .most = 300, .check = check_prose };

static const struct key tool_keys[] = {
	{ "name", .read = read_tool_name, .required = true },
	{ "description", AT(agent_tool, description), .rule = &required_prose, .required = true },
	{ "parameters", .read = read_parameters },
	{ "url", AT(agent_tool, url), .rule = &url, .required = true },
	{ "timeout_ms", AT(agent_tool, timeout_ms), .rule = &tool_timeout },
	{ "filler", AT(agent_tool, filler), .rule = &filler },
	{ .name = NULL },
};

void part_tools(struct reader *r, const cJSON *value, void *agent)
{
	static const struct agent_tool blank = { .name = "",
		.description = "",
		.parameters = "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}",
		.url = "",
		.timeout_ms = 8000,
		.filler = "" };
	struct agent *p = agent;

	p->tools = part_list(r, value, TOOLS_MAX, tool_keys, sizeof blank, &blank, &p->tool_count);
	tell_doubles(r, "name", p->tools, sizeof blank, p->tool_count);
}

/* --------------------------------------------- servers of tools, on the model's side */

/* The model's service talks to these by itself, over the Internet: we only pass the address on, and
 * what they say never reaches us before the model has it. */

/* Any word will do: the server names its tools as it likes. */
static const char *check_any(const char *text)
{
	return strlen(text) > 128 ? "must be at most 128 bytes long" : NULL;
}

static void read_label(struct reader *r, const cJSON *value, void *entry)
{
	read_name(r, value, &((struct agent_mcp *)entry)->label);
}

static void read_mcp_url(struct reader *r, const cJSON *value, void *entry)
{
	const char *text = reader_text(r, value, URL_MAX);

	if (!text)
		return;
	if (strncasecmp(text, "https://", 8) != 0 || check_service_url(text))
		reader_wrong(r, "must look like https://host/path: the model's side calls it over the Internet");
	else
		((struct agent_mcp *)entry)->url = agent_memory_keep(r->memory, text, strlen(text));
}

static void read_allowed(struct reader *r, const cJSON *value, void *entry)
{
	struct agent_mcp *e = entry;

	e->allows_some = true;
	part_strings(r, value, TOOLS_MAX, check_any, &e->allowed, &e->allowed_count);
}

static void read_approval(struct reader *r, const cJSON *value, void *entry)
{
	(void)entry;
	if (!cJSON_IsString(value) || strcmp(value->valuestring, "never") != 0)
		reader_wrong(r, "must be never: in a telephone call there is nobody to approve");
}

/* As with the signing secret, the file holds the variable's name and never the key. */
static void read_authorization(struct reader *r, const cJSON *value, void *entry)
{
	const char *name = reader_name(r, value), *secret = name ? config_env(name) : NULL;

	if (!name)
		return;
	if (!secret || !*secret || check_token(secret))
		reader_wrong(r, "names %s, which is not set, or not to one word", name);
	else
		((struct agent_mcp *)entry)->authorization = agent_memory_keep(r->memory, secret, strlen(secret));
}

static const struct key mcp_keys[] = {
	{ "label", .read = read_label, .required = true },
	{ "url", .read = read_mcp_url, .required = true },
	{ "allowed_tools", .read = read_allowed },
	{ "require_approval", .read = read_approval },
	{ "authorization_env", .read = read_authorization },
	{ .name = NULL },
};

void part_mcp_servers(struct reader *r, const cJSON *value, void *agent)
{
	static const struct agent_mcp blank = { .label = "", .url = "", .authorization = "" };
	struct agent *p = agent;

	p->mcps = part_list(r, value, MCP_MAX, mcp_keys, sizeof blank, &blank, &p->mcp_count);
	tell_doubles(r, "label", p->mcps, sizeof blank, p->mcp_count);
}

/* ------------------------------------------------------------------------- endpoints */

static const struct setting endpoint_number = { .type = SETTING_INT, .min = 1, .max = CONFIG_ENDPOINTS_MAX };

static const struct key endpoint_keys[] = {
	{ "number", AT(agent_endpoint, number), .rule = &endpoint_number, .required = true },
	{ "model", AT(agent_endpoint, model), .setting = "OPENAI_MODEL" },
	{ "voice", AT(agent_endpoint, voice), .setting = "OPENAI_VOICE" },
	{ .name = NULL },
};

/* Addresses and keys stay with the settings: files are shared, and a file's address would be shown
 * the settings' key. */
void part_endpoints(struct reader *r, const cJSON *value, void *agent)
{
	static const struct agent_endpoint blank;
	struct agent *p = agent;

	p->endpoints =
	    part_list(r, value, CONFIG_ENDPOINTS_MAX, endpoint_keys, sizeof blank, &blank, &p->endpoint_count);
	if (cJSON_IsArray(value) && !value->child)
		reader_wrong(r, "must have one element at least; left out, all endpoints are taken");
	for (size_t i = 0; i < p->endpoint_count; i++) {
		size_t mark = reader_enter_element(r, i);

		if (p->endpoints[i].number && !config_has_endpoint(r->cfg, p->endpoints[i].number))
			reader_wrong_at(r, "number",
			    "names an endpoint that there is not: OPENAI_REALTIME_URL_%d is not set",
			    p->endpoints[i].number);
		for (size_t j = 0; j < i; j++)
			if (p->endpoints[i].number && p->endpoints[i].number == p->endpoints[j].number)
				reader_wrong_at(r, "number", "is the same as that of [%zu]", j);
		reader_leave(r, mark);
	}
}

/* ------------------------------------------------------------------------- transfers */

static void read_destination_name(struct reader *r, const cJSON *value, void *destination)
{
	read_name(r, value, &((struct agent_destination *)destination)->name);
}

static const struct setting destination = { .type = SETTING_TEXT, .most = 60, .check = check_destination };
static const struct setting ring_seconds = { .type = SETTING_INT, .min = 5, .max = 600, .unit = "s" };

static const struct key transfer_keys[] = {
	{ "name", .read = read_destination_name, .required = true },
	{ "number", AT(agent_destination, number), .rule = &destination, .required = true },
	{ "description", AT(agent_destination, description), .rule = &optional_prose },
	{ "ring_seconds", AT(agent_destination, ring_seconds), .rule = &ring_seconds },
	{ .name = NULL },
};

void part_transfers(struct reader *r, const cJSON *value, void *agent)
{
	static const struct agent_destination blank = {
		.name = "", .description = "", .number = "", .ring_seconds = 25
	};
	struct agent *p = agent;

	p->destinations =
	    part_list(r, value, TRANSFERS_MAX, transfer_keys, sizeof blank, &blank, &p->destination_count);
	tell_doubles(r, "name", p->destinations, sizeof blank, p->destination_count);
}

/* -------------------------------------------------------------------------- webhooks */

/* The bit of an event's name; 0 for an unknown name. */
static unsigned event_bit(const char *name)
{
	for (size_t i = 0; i < WEBHOOK_EVENTS; i++)
		if (!strcmp(webhook_event_names[i], name))
			return 1u << i;
	return 0;
}

static const char *check_event(const char *text)
{
	return event_bit(text) ? NULL
			       : "must be one of call.started, call.ended, call.failed, record.created, "
				 "call.reconnected, voicemail.left";
}

/* Left out, the list means all events (`blank` below). An empty list would mean a webhook that is
 * never sent, and that is taken for a slip. */
static void read_events(struct reader *r, const cJSON *value, void *webhook)
{
	struct agent_webhook *w = webhook;
	const char *const *names;
	size_t count;

	w->events = 0;
	if (cJSON_IsArray(value) && !value->child)
		reader_wrong(r, "must name one event at least; left out, all are sent");
	part_strings(r, value, WEBHOOK_EVENTS, check_event, &names, &count);
	for (size_t i = 0; i < count; i++)
		w->events |= event_bit(names[i]);
}

static const struct key webhook_keys[] = {
	{ "url", AT(agent_webhook, url), .rule = &url, .required = true },
	{ "events", .read = read_events },
	{ .name = NULL },
};

void part_webhooks(struct reader *r, const cJSON *value, void *agent)
{
	static const struct agent_webhook blank = { .url = "", .events = WEBHOOK_ALL };
	struct agent *p = agent;

	p->webhooks = part_list(r, value, WEBHOOKS_MAX, webhook_keys, sizeof blank, &blank, &p->webhook_count);
	tell_doubles(r, "url", p->webhooks, sizeof blank, p->webhook_count);
}
