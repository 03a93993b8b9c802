#include "server/model/text/reply_calls.h"

#include "common/foreign.h"
#include "common/json.h"

#include <stdio.h>
#include <string.h>

void reply_calls_init(struct reply_calls *c)
{
	for (size_t i = 0; i < REPLY_CALLS; i++) {
		buf_init(&c->of[i].id, FOREIGN_ID_SIZE);
		buf_init(&c->of[i].name, FOREIGN_ID_SIZE);
		buf_init(&c->of[i].arguments, REPLY_CALL_BYTES);
	}
}

void reply_calls_free(struct reply_calls *c)
{
	for (size_t i = 0; i < REPLY_CALLS; i++) {
		buf_free(&c->of[i].id);
		buf_free(&c->of[i].name);
		buf_free(&c->of[i].arguments);
	}
}

void reply_calls_take(struct reply_calls *c, const cJSON *part)
{
	const cJSON *function = json_get(part, "function");
	const char *id = json_str(part, "id"), *name = json_str(function, "name");
	const char *arguments = json_str(function, "arguments");
	struct reply_call *call;
	double index = 0;

	json_num(part, "index", &index);
	if (!(index >= 0 && index < REPLY_CALLS))
		return;
	call = &c->of[(size_t)index];
	/* Some services repeat id and name with each part. */
	if (id && !call->id.len)
		buf_puts(&call->id, id);
	if (name && !call->name.len)
		buf_puts(&call->name, name);
	if (arguments)
		buf_puts(&call->arguments, arguments);
}

/* The ids go back to the service in the conversation. One that would grow too long stays as it is. */
void reply_calls_name(cJSON *item, const char *response)
{
	const char *id = json_str(item, "call_id");
	char own[REPLY_CALL_ID + 1];

	if (id && *id && snprintf(own, sizeof own, "%s.%s", response, id) <= REPLY_CALL_ID)
		cJSON_ReplaceItemInObjectCaseSensitive(item, "call_id", cJSON_CreateString(own));
}

/* A call whose arguments were too long, or that never got a name, is told all the same: the
 * conversation then says so to the model. */
cJSON *reply_calls_list(const struct reply_calls *c, const char *response)
{
	cJSON *list = NULL;

	for (size_t i = 0; i < REPLY_CALLS; i++) {
		const struct reply_call *call = &c->of[i];
		cJSON *item = call->id.len || call->name.len ? cJSON_CreateObject() : NULL;

		if (!item)
			continue;
		cJSON_AddStringToObject(item, "type", "function_call");
		cJSON_AddStringToObject(item, "status", "completed");
		cJSON_AddStringToObject(item, "call_id", buf_text(&call->id));
		cJSON_AddStringToObject(item, "name", buf_text(&call->name));
		cJSON_AddStringToObject(
		    item, "arguments", buf_error(&call->arguments) ? "" : buf_text(&call->arguments));
		reply_calls_name(item, response);
		if (!list)
			list = cJSON_CreateArray();
		cJSON_AddItemToArray(list, item);
	}
	return list;
}
