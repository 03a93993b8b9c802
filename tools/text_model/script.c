#include "tools/text_model/script.h"

#include "tools/kit/file.h"
#include "tools/kit/http.h"
#include "tools/kit/member.h"
#include "tools/text_model/judge.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct script {
	cJSON *rules;
	int *taken; /* of each rule: answers given */
	pthread_mutex_t lock;
};

struct script *script_load(const char *path)
{
	struct text text = { 0 };
	cJSON *rules = file_read(path, &text) ? NULL : cJSON_Parse(text_str(&text)), *rule;
	struct script *script;

	text_free(&text);
	cJSON_ArrayForEach(rule, rules) if (!cJSON_IsArray(member(rule, "then")) || !member(rule, "then")->child)
	{
		cJSON_Delete(rules);
		rules = NULL;
		break;
	}
	if (!cJSON_IsArray(rules)) {
		fprintf(stderr, "text-model: %s is not a script\n", path);
		cJSON_Delete(rules);
		return NULL;
	}
	script = need(sizeof *script);
	script->rules = rules;
	script->taken = need(((size_t)cJSON_GetArraySize(rules) + 1) * sizeof *script->taken);
	pthread_mutex_init(&script->lock, NULL);
	return script;
}

const cJSON *script_next(struct script *script, const char *body)
{
	const cJSON *rule, *answer = NULL;
	cJSON *request = cJSON_Parse(body);
	const char *words = judge_last_words(request);
	int no = 0;

	pthread_mutex_lock(&script->lock);
	cJSON_ArrayForEach(rule, script->rules)
	{
		const cJSON *when = member(rule, "when"), *then = member(rule, "then");
		int last = cJSON_GetArraySize(then) - 1;

		if ((!cJSON_IsString(when) || strstr(body, when->valuestring)) &&
		    strstr(words, member_text(rule, "last", ""))) {
			answer = cJSON_GetArrayItem(then, script->taken[no] < last ? script->taken[no] : last);
			script->taken[no]++;
			break;
		}
		no++;
	}
	pthread_mutex_unlock(&script->lock);
	cJSON_Delete(request);
	return answer;
}

/* ---------------------------------------------------------------------- answering */

static void add_part(cJSON *response, const char *type, const char *name, const char *text)
{
	cJSON *output = cJSON_AddArrayToObject(response, "output"), *thought = cJSON_CreateObject();
	cJSON *message = cJSON_CreateObject(), *content, *part = cJSON_CreateObject();

	cJSON_AddStringToObject(thought, "type", "reasoning");
	cJSON_AddArrayToObject(thought, "summary");
	cJSON_AddItemToArray(output, thought);
	cJSON_AddStringToObject(message, "type", "message");
	cJSON_AddStringToObject(message, "role", "assistant");
	content = cJSON_AddArrayToObject(message, "content");
	cJSON_AddStringToObject(part, "type", type);
	cJSON_AddStringToObject(part, name, text);
	cJSON_AddArrayToObject(part, "annotations");
	cJSON_AddItemToArray(content, part);
	cJSON_AddItemToArray(output, message);
}

/* A response object as the Responses API gives it. */
static char *response_object(const cJSON *answer)
{
	const char *incomplete = member_text(answer, "incomplete", NULL), *failed = member_text(answer, "failed", NULL);
	const char *refusal = member_text(answer, "refusal", NULL), *text = member_text(answer, "text", NULL);
	const cJSON *json = member(answer, "json");
	char *printed = json ? cJSON_PrintUnformatted(json) : NULL, *out;
	cJSON *response = cJSON_CreateObject(), *usage;

	cJSON_AddStringToObject(response, "id", "resp_standin");
	cJSON_AddStringToObject(response, "object", "response");
	cJSON_AddStringToObject(response, "status", incomplete ? "incomplete" : failed ? "failed" : "completed");
	if (failed)
		cJSON_AddStringToObject(cJSON_AddObjectToObject(response, "error"), "code", failed);
	else
		cJSON_AddNullToObject(response, "error");
	if (incomplete)
		cJSON_AddStringToObject(cJSON_AddObjectToObject(response, "incomplete_details"), "reason", incomplete);
	if (refusal)
		add_part(response, "refusal", "refusal", refusal);
	else if (text || printed)
		add_part(response, "output_text", "text", printed ? printed : text);
	else
		cJSON_AddArrayToObject(response, "output");
	usage = cJSON_AddObjectToObject(response, "usage");
	cJSON_AddNumberToObject(usage, "input_tokens", 321);
	cJSON_AddNumberToObject(usage, "output_tokens", 45);
	cJSON_AddNumberToObject(usage, "total_tokens", 366);
	out = cJSON_PrintUnformatted(response);
	cJSON_Delete(response);
	free(printed);
	return out;
}

/* The type that goes with a code. */
static const char *type_of(int status, const char *code)
{
	if (strcmp(code, "insufficient_quota") == 0)
		return code;
	if (strcmp(code, "rate_limit_exceeded") == 0)
		return "requests";
	return status >= 500 ? "server_error" : "invalid_request_error";
}

cJSON *script_refusal(const char *wrong)
{
	bool key = strstr(wrong, "key") != NULL;
	cJSON *answer = cJSON_CreateObject();

	cJSON_AddNumberToObject(answer, "status", key ? 401 : 400);
	cJSON_AddStringToObject(answer, "code", key ? "invalid_api_key" : "invalid_value");
	return answer;
}

/* As /v1/audio/transcriptions gives it. */
static char *transcription_object(const cJSON *answer)
{
	cJSON *object = cJSON_CreateObject(), *usage;
	char *out;

	if (member_text(answer, "text", NULL))
		cJSON_AddStringToObject(object, "text", member_text(answer, "text", ""));
	usage = cJSON_AddObjectToObject(object, "usage");
	cJSON_AddStringToObject(usage, "type", "duration");
	cJSON_AddNumberToObject(usage, "seconds", 4);
	out = cJSON_PrintUnformatted(object);
	cJSON_Delete(object);
	return out;
}

bool script_response(const cJSON *answer, bool heard, struct text *out)
{
	int code = (int)member_number(answer, "status", 200), after = (int)member_number(answer, "retry_after", -1);
	const char *raw = member_text(answer, "raw", NULL), *type = member_text(answer, "type", "application/json");
	char extra[64] = "", *body;
	struct text error = { 0 };

	if (member_true(answer, "drop"))
		return false;
	if (after >= 0)
		snprintf(extra, sizeof extra, "Retry-After: %d\r\n", after);
	body = raw || code != 200 ? NULL : heard ? transcription_object(answer) : response_object(answer);
	if (!body && !raw)
		text_printf(&error,
		    "{\"error\":{\"message\":\"as scripted\",\"type\":\"%s\",\"param\":null,\"code\":\"%.100s\"}}",
		    type_of(code, member_text(answer, "code", "")), member_text(answer, "code", "scripted"));
	raw = raw ? raw : body ? body : text_str(&error);
	http_begin(out, code, type, strlen(raw), extra);
	text_printf(out, "Connection: close\r\n\r\n%s", raw);
	text_free(&error);
	free(body);
	return true;
}

/* ------------------------------------------------------------------------ judging */

static bool closed_throughout(const cJSON *schema)
{
	const cJSON *properties = member(schema, "properties"), *each;

	if (properties && !cJSON_IsFalse(member(schema, "additionalProperties")))
		return false;
	if (properties && cJSON_GetArraySize(properties) != cJSON_GetArraySize(member(schema, "required")))
		return false;
	if (member(schema, "minLength") || member(schema, "maxLength"))
		return false;
	cJSON_ArrayForEach(each, properties) if (!closed_throughout(each)) return false;
	return !member(schema, "items") || closed_throughout(member(schema, "items"));
}

static const char *judge_format(const cJSON *request, const char *words)
{
	const cJSON *format = member(member(request, "text"), "format");
	const char *type = member_text(format, "type", NULL), *name = member_text(format, "name", NULL);
	size_t len = name ? strlen(name) : 0;

	if (!type)
		return "text.format.type is missing";
	if (!strcmp(type, "json_object"))
		return strstr(words, "JSON") ? NULL : "json_object without the word JSON in the messages";
	if (strcmp(type, "json_schema") != 0)
		return "text.format.type is not known";
	if (!len || len > 64 || strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != len)
		return "text.format.name will not do";
	if (!cJSON_IsObject(member(format, "schema")))
		return "text.format.schema is missing";
	if (member_true(format, "strict") && !closed_throughout(member(format, "schema")))
		return "text.format.schema is not fit for strict mode";
	return NULL;
}

const char *script_violation(const char *body)
{
	static const char *const known[] = { "model", "instructions", "input", "text", "max_output_tokens", "store" };
	cJSON *request = cJSON_Parse(body);
	const char *wrong = NULL, *instructions = member_text(request, "instructions", NULL),
		   *input = member_text(request, "input", NULL);
	const cJSON *each;

	if (!cJSON_IsObject(request))
		wrong = "the body is not a JSON object";
	else if (!member_text(request, "model", NULL) || !*member_text(request, "model", NULL))
		wrong = "model is missing";
	else if (!instructions || !input || !*input)
		wrong = "instructions or input is missing";
	else
		wrong = judge_format(request, instructions);
	cJSON_ArrayForEach(each, request)
	{
		bool fits = false;

		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			fits |= !strcmp(each->string, known[i]);
		if (!fits && !wrong)
			wrong = "there is a field it does not know";
	}
	cJSON_Delete(request);
	return wrong;
}
