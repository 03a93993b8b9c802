#include "tools/text_model/judge.h"

#include "tools/kit/member.h"

#include <stdio.h>
#include <string.h>

static bool listed(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += n)
		if (at > list && at[-1] == ' ' && at[n] == ' ')
			return true;
	return false;
}

static const char response_fields[] =
    " model instructions input text max_output_tokens store stream stream_options tools tool_choice parallel_tool_calls "
    "reasoning temperature top_p metadata safety_identifier prompt_cache_key truncation include service_tier user ";
static const char chat_fields[] =
    " model messages stream stream_options max_tokens max_completion_tokens store tools tool_choice parallel_tool_calls "
    "reasoning_effort temperature top_p metadata safety_identifier prompt_cache_key service_tier response_format user ";

static const char *judge_fields(const cJSON *object, const char *known)
{
	const cJSON *each;

	cJSON_ArrayForEach(each, object)
	{
		if (!listed(known, each->string))
			return "there is a field it does not know";
		if (cJSON_GetObjectItemCaseSensitive(object, each->string) != each)
			return "a field is there twice";
	}
	return NULL;
}

static const char *judge_tools(const cJSON *tools, bool chat)
{
	const cJSON *each;

	cJSON_ArrayForEach(each, tools)
	{
		const cJSON *function = chat ? member(each, "function") : each;
		const char *name = member_text(function, "name", "");

		if (strcmp(member_text(each, "type", ""), "function") != 0)
			return "a tool is no function";
		if (!*name || strlen(name) > 64 ||
		    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != strlen(name))
			return "a tool's name will not do";
		if (!cJSON_IsObject(member(function, "parameters")))
			return "a tool has no parameters";
		if (chat && member(each, "name"))
			return "a tool's name is beside its function";
	}
	return NULL;
}

/* Parts of a message: each of the one type its role has. */
static const char *judge_parts(const cJSON *content, const char *type)
{
	const cJSON *part;

	if (cJSON_IsString(content))
		return NULL;
	if (!cJSON_IsArray(content) || !content->child)
		return "a message has no content";
	cJSON_ArrayForEach(part, content)
	{
		if (strcmp(member_text(part, "type", ""), type) != 0)
			return "a part of a message has a type that its role does not";
		if (!member_text(part, "text", NULL))
			return "a part of a message has no text";
	}
	return NULL;
}

/* --- Responses --- */

static bool has_before(const cJSON *items, const cJSON *until, const char *type, const char *call_id)
{
	for (const cJSON *each = items->child; each && each != until; each = each->next)
		if (strcmp(member_text(each, "type", ""), type) == 0 &&
		    strcmp(member_text(each, "call_id", ""), call_id) == 0)
			return true;
	return false;
}

static const char *judge_item(const cJSON *items, const cJSON *item)
{
	const char *type = member_text(item, "type", "message"), *role = member_text(item, "role", "");
	const char *call_id = member_text(item, "call_id", "");

	if (strcmp(type, "message") == 0 && !listed(" user assistant system developer ", role))
		return "a message has no role";
	if (strcmp(type, "message") == 0)
		return judge_parts(
		    member(item, "content"), strcmp(role, "assistant") == 0 ? "output_text" : "input_text");
	if (!*call_id || strlen(call_id) > 64)
		return "call_id will not do";
	if (strcmp(type, "function_call") == 0) {
		if (!member_text(item, "name", NULL) || !member_text(item, "arguments", NULL))
			return "a call lacks its name or its arguments";
		if (has_before(items, item, "function_call", call_id))
			return "a call is there twice";
		return has_before(items, NULL, "function_call_output", call_id) ? NULL
										: "no tool output found for a call";
	}
	if (strcmp(type, "function_call_output") != 0)
		return "an item's type is not known";
	if (!member_text(item, "output", NULL))
		return "an output is no string";
	return has_before(items, item, "function_call", call_id) ? NULL : "no call found for an output";
}

static const char *judge_input(const cJSON *request)
{
	const cJSON *input = member(request, "input"), *item;
	const char *wrong = NULL;

	if (cJSON_IsString(input))
		return *input->valuestring ? NULL : "input is empty";
	if (!cJSON_IsArray(input) || (!input->child && !member_text(request, "instructions", NULL)))
		return "input is missing";
	for (item = input->child; item && !wrong; item = item->next)
		wrong = judge_item(input, item);
	return wrong;
}

/* --- Chat Completions --- */

/* How many of an assistant's calls have this id. */
static int calls_of(const cJSON *message, const char *id)
{
	const cJSON *call;
	int n = 0;

	cJSON_ArrayForEach(call, member(message, "tool_calls"))
	{
		n += !id || strcmp(member_text(call, "id", ""), id) == 0;
	}
	return n;
}

/* The assistant's message that a tool's message is for: other tools' may stand between. */
static const cJSON *asker_of(const cJSON *message)
{
	while (message && strcmp(member_text(message, "role", ""), "tool") == 0)
		message = message->prev && message->prev->next ? message->prev : NULL;
	return message;
}

static int results_after(const cJSON *message)
{
	int n = 0;

	for (message = message->next; message && strcmp(member_text(message, "role", ""), "tool") == 0;
	     message = message->next)
		n++;
	return n;
}

static const char *judge_message(const cJSON *message)
{
	const char *role = member_text(message, "role", ""), *id = member_text(message, "tool_call_id", "");
	const cJSON *content = member(message, "content");
	bool nothing = !content || cJSON_IsNull(content);

	if (!listed(" system developer user assistant tool ", role))
		return "a message has no role";
	if (strcmp(role, "tool") == 0 && calls_of(asker_of(message), id) != 1)
		return "a tool's message is not after its call";
	if (strcmp(role, "assistant") == 0 && calls_of(message, NULL) != results_after(message))
		return "tool_calls must be followed by tool messages";
	if (strcmp(role, "assistant") == 0 && nothing && calls_of(message, NULL))
		return NULL;
	return judge_parts(content, "text");
}

static const char *judge_messages(const cJSON *request)
{
	const cJSON *messages = member(request, "messages"), *message;
	const char *wrong = NULL;

	if (!cJSON_IsArray(messages) || !messages->child)
		return "messages is missing";
	for (message = messages->child; message && !wrong; message = message->next)
		wrong = judge_message(message);
	return wrong;
}

/* --- */

const char *judge_stream(const cJSON *request, bool chat)
{
	const char *wrong;

	if (!cJSON_IsObject(request))
		return "the body is not a JSON object";
	if (!*member_text(request, "model", ""))
		return "model is missing";
	wrong = judge_fields(request, chat ? chat_fields : response_fields);
	if (!wrong)
		wrong = chat ? judge_messages(request) : judge_input(request);
	return wrong ? wrong : judge_tools(member(request, "tools"), chat);
}

const char *judge_last_words(const cJSON *request)
{
	const cJSON *all = member(request, member(request, "messages") ? "messages" : "input"), *last, *content;

	if (cJSON_IsString(all))
		return all->valuestring;
	last = cJSON_GetArrayItem(all, cJSON_GetArraySize(all) - 1);
	content = member(last, "content");
	if (cJSON_IsString(member(last, "output")))
		return member_text(last, "output", "");
	if (cJSON_IsString(content))
		return content->valuestring;
	return member_text(cJSON_GetArrayItem(content, cJSON_GetArraySize(content) - 1), "text", "");
}

/* --- transcriptions: RFC 7578 --- */

static const char *judge_field(const char *name, const char *value, size_t len, struct judged_file *out)
{
	if (strcmp(name, "model") == 0) {
		snprintf(out->model, sizeof out->model, "%.*s", (int)len, value);
		return len ? NULL : "model is empty";
	}
	if (strcmp(name, "language") == 0) {
		snprintf(out->language, sizeof out->language, "%.*s", (int)len, value);
		return len == 2 ? NULL : "language is no ISO-639-1 code";
	}
	if (strcmp(name, "response_format") == 0)
		return len == 4 && !memcmp(value, "json", 4) ? NULL : "response_format is not json";
	return "there is a field it does not know";
}

static const char *judge_sound(const char *head, const char *value, size_t len, struct judged_file *out)
{
	out->bytes = len;
	if (!strstr(head, "filename=\""))
		return "the file has no name";
	if (!strstr(head, "audio/wav"))
		return "the file's type is not known";
	return len > 44 && !memcmp(value, "RIFF", 4) && !memcmp(value + 8, "WAVE", 4) ? NULL : "the file is no sound";
}

/* One part: its head ends in an empty line. */
static const char *judge_part(const char *part, size_t len, struct judged_file *out)
{
	const char *end = memmem(part, len, "\r\n\r\n", 4), *name;
	char head[512], named[64];

	if (!end || end - part >= (long)sizeof head)
		return "a part has no head";
	snprintf(head, sizeof head, "%.*s", (int)(end - part), part);
	name = strstr(head, "form-data; name=\"");
	if (!name || sscanf(name, "form-data; name=\"%63[^\"]\"", named) != 1)
		return "a part has no name";
	len -= (size_t)(end + 4 - part);
	return strcmp(named, "file") == 0 ? judge_sound(head, end + 4, len, out)
					  : judge_field(named, end + 4, len, out);
}

const char *judge_file(const char *type, const char *body, size_t len, struct judged_file *out)
{
	const char *boundary = strstr(type, "boundary="), *wrong = NULL, *next;
	char mark[100];
	size_t n;

	*out = (struct judged_file){ .bytes = 0 };
	if (strncmp(type, "multipart/form-data;", 20) != 0 || !boundary)
		return "Content-Type is not multipart/form-data";
	n = (size_t)snprintf(mark, sizeof mark, "\r\n--%.70s", boundary + strlen("boundary="));
	if (len < n || memcmp(body, mark + 2, n - 2) != 0)
		return "the body does not begin with the boundary";
	body += n - 2;
	len -= n - 2;
	while (!wrong && len > 2 && memcmp(body, "--", 2) != 0) {
		next = memmem(body, len, mark, n);
		if (!next)
			return "the body ends before the boundary";
		wrong = judge_part(body, (size_t)(next - body), out);
		len -= (size_t)(next + n - body);
		body = next + n;
	}
	if (!wrong && !*out->model)
		wrong = "model is missing";
	return wrong || out->bytes ? wrong : "file is missing";
}
