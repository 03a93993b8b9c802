/* Every event owns what it points at (`kept` a tree, `mended` a text), so that an answer may end and
 * the next begin while somebody still looks at it. Ids are our own where the service has none. */
#include "server/model/text/reply.h"

#include "common/foreign.h"
#include "common/json.h"
#include "server/model/errors.h"
#include "server/model/text/usage.h"
#include "server/model/realtime_parse.h"
#include "server/model/realtime_tools.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------ the queue */

/* NULL without memory: the event is lost, as if the service had not told it. */
static struct model_event *put(struct text_reply *r, enum model_event_type type)
{
	struct model_event *e = r->queued < REPLY_QUEUE ? calloc(1, sizeof *e) : NULL;

	if (!e)
		return NULL;
	e->type = type;
	e->text = "";
	e->aside = r->aside;
	memcpy(e->response_id, r->id, sizeof e->response_id);
	r->queue[r->queued++] = e;
	return e;
}

static void put_text(struct text_reply *r, enum model_event_type type, const char *item_id, const char *text)
{
	struct model_event *e = put(r, type);

	if (!e)
		return;
	snprintf(e->item_id, sizeof e->item_id, "%s", item_id);
	e->mended = strdup(text);
	e->text = e->mended ? e->mended : "";
}

bool text_reply_next(struct text_reply *r, struct model_event *out)
{
	if (!r->queued)
		return false;
	*out = *r->queue[0];
	free(r->queue[0]);
	memmove(r->queue, r->queue + 1, --r->queued * sizeof *r->queue);
	return true;
}

void text_reply_begin(struct text_reply *r, enum text_api api, const char *id, bool aside)
{
	memset(r, 0, sizeof *r);
	r->api = api;
	r->aside = aside;
	snprintf(r->id, sizeof r->id, "%s", id);
	buf_init(&r->text, REPLY_TEXT_BYTES);
	reply_calls_init(&r->calls);
	put(r, MODEL_RESPONSE_CREATED);
}

void text_reply_free(struct text_reply *r)
{
	struct model_event e;

	while (text_reply_next(r, &e))
		realtime_release(&e);
	buf_free(&r->text);
	reply_calls_free(&r->calls);
}

/* --------------------------------------------------------------------------- the end */

/* An answer that breaks off is billed, too, and nobody says what. About four bytes are a token. */
static void estimate_usage(struct text_reply *r)
{
	enum { BYTES_OF_TOKEN = 4 };

	if (r->counted || !r->asked_bytes)
		return;
	r->usage.n[USAGE_TEXT_IN] = (int64_t)r->asked_bytes / BYTES_OF_TOKEN;
	r->usage.n[USAGE_TEXT_OUT] = (int64_t)r->text.len / BYTES_OF_TOKEN;
}

static struct model_event *put_done(struct text_reply *r, enum model_status status, const char *code)
{
	struct model_event *e = r->over ? NULL : put(r, MODEL_RESPONSE_DONE);

	r->over = true;
	if (!e)
		return NULL;
	e->status = status;
	e->usage = r->usage;
	snprintf(e->code, sizeof e->code, "%s", code);
	if (status == MODEL_INCOMPLETE)
		e->error = model_error_of("", code);
	return e;
}

static void put_failed(struct text_reply *r, int status, const char *code, const char *text)
{
	struct model_event *e = put_done(r, MODEL_FAILED, code);

	if (!e)
		return;
	e->error = model_error_of_answer(status, code);
	e->mended = strdup(text);
	e->text = e->mended ? e->mended : "";
}

/* Of {"code", "type", "message"}, wherever it stood. */
static const char *code_of(const cJSON *error, const char *otherwise)
{
	const char *code = json_str(error, "code"), *type = json_str(error, "type");

	return code ? code : type && strcmp(type, "error") != 0 ? type : otherwise;
}

static void put_error(struct text_reply *r, int status, const cJSON *error, const char *otherwise)
{
	const char *message = json_str(error, "message");

	put_failed(r, status, code_of(error, otherwise), message ? message : "");
}

enum model_error text_reply_class(const struct reply_failure *failure)
{
	cJSON *body = failure->status ? foreign_json(failure->body, strlen(failure->body)) : NULL;
	enum model_error class = model_error_of_answer(
	    failure->status, code_of(json_get(body, "error"), failure->status ? "" : failure->code));

	cJSON_Delete(body);
	return class;
}

void text_reply_cancel(struct text_reply *r)
{
	struct model_event e;

	if (r->over)
		return;
	/* What has come and was not looked at yet is not wanted any more, but for its beginning. */
	while (r->queued > 1) {
		e = *r->queue[--r->queued];
		free(r->queue[r->queued]);
		realtime_release(&e);
	}
	if (r->queued && r->queue[0]->type != MODEL_RESPONSE_CREATED && text_reply_next(r, &e))
		realtime_release(&e);
	estimate_usage(r);
	put_done(r, MODEL_CANCELLED, "client_cancelled");
}

/* ------------------------------------------------------------------------- functions */

/* One item, or a list of them. The event owns the tree they stand in. */
static void put_calls(struct text_reply *r, cJSON *tree, const cJSON *items)
{
	struct model_event *e = put(r, MODEL_ITEM_DONE);

	if (e && realtime_take_calls(e, items))
		e->kept = tree;
	else
		cJSON_Delete(tree);
}

/* ---------------------------------------------------------------------- the Responses API */

/* Some services call the first item of every answer the same. Ids are not sent back, so ours may be
 * longer than theirs. */
static bool take_item_id(const struct text_reply *r, char out[FOREIGN_ID_SIZE], const cJSON *object, const char *key)
{
	const char *id = json_str(object, key);
	char whole[2 * FOREIGN_ID_SIZE];
	int len;

	if (!id || !*id)
		return false;
	len = snprintf(whole, sizeof whole, "%s.%.*s", r->id, FOREIGN_ID_SIZE - 1, id);
	return foreign_id_take(out, whole, (size_t)len);
}

static void on_item_added(struct text_reply *r, const cJSON *event)
{
	const cJSON *item = json_get(event, "item");
	const char *type = json_str(item, "type");

	if (!type || strcmp(type, "message") != 0 || !take_item_id(r, r->item_id, item, "id")) {
		put(r, MODEL_RESPONSE_SIGN);
		return;
	}
	buf_reset(&r->text);
	put_text(r, MODEL_ITEM_ADDED, r->item_id, "");
}

static void on_delta(struct text_reply *r, const cJSON *event)
{
	const char *delta = json_str(event, "delta");
	char item_id[FOREIGN_ID_SIZE];

	if (!delta || !take_item_id(r, item_id, event, "item_id")) {
		put(r, MODEL_INVALID);
		return;
	}
	buf_puts(&r->text, delta);
	put_text(r, MODEL_TEXT_DELTA, item_id, delta);
}

static void on_text_done(struct text_reply *r, const cJSON *event)
{
	const char *text = json_str(event, "text");
	char item_id[FOREIGN_ID_SIZE];

	if (!text)
		text = json_str(event, "refusal");
	if (!text || !take_item_id(r, item_id, event, "item_id"))
		put(r, MODEL_INVALID);
	else
		put_text(r, MODEL_TEXT_DONE, item_id, text);
}

/* True: the tree belongs to an event now. */
static bool on_item_done(struct text_reply *r, cJSON *event)
{
	cJSON *item = cJSON_GetObjectItemCaseSensitive(event, "item");
	const char *type = json_str(item, "type"), *status = json_str(item, "status");
	struct model_event *e;

	if (type && !strcmp(type, "function_call") && status && !strcmp(status, "completed")) {
		reply_calls_name(item, r->id);
		put_calls(r, event, item);
		return true;
	}
	e = put(r, type && !strcmp(type, "message") ? MODEL_ITEM_DONE : MODEL_RESPONSE_SIGN);
	if (e)
		take_item_id(r, e->item_id, item, "id");
	return false;
}

static void on_over(struct text_reply *r, const cJSON *event)
{
	const cJSON *response = json_get(event, "response");
	const char *type = json_str(event, "type");
	const char *reason = json_str(json_get(response, "incomplete_details"), "reason");

	r->counted |= text_usage_take(&r->usage, json_get(response, "usage"));
	if (!strcmp(type, "response.completed"))
		put_done(r, MODEL_COMPLETED, "");
	else if (!strcmp(type, "response.incomplete"))
		put_done(r, MODEL_INCOMPLETE, reason ? reason : "");
	else
		put_error(r, 0, json_get(response, "error"), "unknown");
}

static void on_error(struct text_reply *r, const cJSON *event)
{
	put_error(r, 0, cJSON_IsObject(json_get(event, "error")) ? json_get(event, "error") : event, "unknown");
}

static const struct {
	const char *type;
	void (*take)(struct text_reply *r, const cJSON *event);
} kinds[] = {
	{ "response.output_item.added", on_item_added },
	{ "response.output_text.delta", on_delta },
	{ "response.refusal.delta", on_delta },
	{ "response.output_text.done", on_text_done },
	{ "response.refusal.done", on_text_done },
	{ "response.completed", on_over },
	{ "response.incomplete", on_over },
	{ "response.failed", on_over },
	{ "error", on_error },
};

/* All other events about a response are signs that it is alive. */
static bool take_event(struct text_reply *r, cJSON *event)
{
	const char *type = json_str(event, "type");
	struct model_event *e;

	if (type && !strcmp(type, "response.output_item.done"))
		return on_item_done(r, event);
	for (size_t i = 0; type && i < sizeof kinds / sizeof *kinds; i++) {
		if (strcmp(type, kinds[i].type) != 0)
			continue;
		kinds[i].take(r, event);
		return false;
	}
	if (!type && cJSON_IsObject(json_get(event, "error"))) {
		on_error(r, event);
		return false;
	}
	e = put(r, !type ? MODEL_INVALID : strncmp(type, "response.", 9) ? MODEL_UNKNOWN : MODEL_RESPONSE_SIGN);
	if (e && type)
		snprintf(e->code, sizeof e->code, "%s", type);
	return false;
}

/* ------------------------------------------------------------------ Chat Completions */

static void take_words(struct text_reply *r, const char *words)
{
	if (!*r->item_id) {
		snprintf(r->item_id, sizeof r->item_id, "msg_%.500s", r->id);
		put_text(r, MODEL_ITEM_ADDED, r->item_id, "");
	}
	buf_puts(&r->text, words);
	put_text(r, MODEL_TEXT_DELTA, r->item_id, words);
}

static void end_chat(struct text_reply *r)
{
	bool complete = !strcmp(r->finish, "stop") || strstr(r->finish, "call"); /* "tool_calls" */
	cJSON *list = complete ? reply_calls_list(&r->calls, r->id) : NULL;
	struct model_event *e;

	if (*r->item_id) {
		put_text(r, MODEL_TEXT_DONE, r->item_id, buf_text(&r->text));
		e = put(r, MODEL_ITEM_DONE);
		if (e)
			memcpy(e->item_id, r->item_id, sizeof e->item_id);
	}
	if (list)
		put_calls(r, list, list);
	estimate_usage(r);
	put_done(r, complete ? MODEL_COMPLETED : MODEL_INCOMPLETE, complete ? "" : r->finish);
}

/* The counts come in a chunk of their own behind the reason for the end, then "[DONE]". */
static void take_chunk(struct text_reply *r, const cJSON *chunk)
{
	const cJSON *choice = cJSON_GetArrayItem(json_get(chunk, "choices"), 0), *part;
	const cJSON *delta = json_get(choice, "delta");
	const char *words = json_str(delta, "content"), *finish = json_str(choice, "finish_reason");
	size_t before = r->queued;

	if (cJSON_IsObject(json_get(chunk, "error"))) {
		put_error(r, 0, json_get(chunk, "error"), "unknown");
		return;
	}
	if (!cJSON_IsArray(json_get(chunk, "choices"))) {
		put(r, MODEL_INVALID);
		return;
	}
	r->counted |= text_usage_take(&r->usage, json_get(chunk, "usage"));
	if (!words || !*words)
		words = json_str(delta, "refusal");
	if (words && *words)
		take_words(r, words);
	cJSON_ArrayForEach(part, json_get(delta, "tool_calls")) reply_calls_take(&r->calls, part);
	if (finish)
		snprintf(r->finish, sizeof r->finish, "%s", finish);
	if (r->queued == before)
		put(r, MODEL_RESPONSE_SIGN);
}

void text_reply_take(struct text_reply *r, const char *data, size_t len)
{
	bool done = len == 6 && !memcmp(data, "[DONE]", 6);
	bool taken = false;
	cJSON *tree;

	if (r->over || (done && r->api == TEXT_API_RESPONSES))
		return;
	if (done) {
		end_chat(r);
		return;
	}
	tree = foreign_json(data, len);
	if (!cJSON_IsObject(tree))
		put(r, MODEL_INVALID);
	else if (r->api == TEXT_API_RESPONSES)
		taken = take_event(r, tree);
	else
		take_chunk(r, tree);
	if (!taken)
		cJSON_Delete(tree);
}

void text_reply_end(struct text_reply *r, const struct reply_failure *failure)
{
	if (r->over)
		return;
	if (failure && failure->status) {
		cJSON *body = foreign_json(failure->body, strlen(failure->body));
		char code[32];

		snprintf(code, sizeof code, "http_%d", failure->status);
		put_error(r, failure->status, json_get(body, "error"), code);
		cJSON_Delete(body);
		return;
	}
	if (!failure && *r->finish) { /* some services forget their "[DONE]" */
		end_chat(r);
		return;
	}
	estimate_usage(r);
	put_failed(r, 0, failure ? failure->code : "stream_ended",
	    failure ? failure->text : "the text API ended its stream before the answer was over");
}
