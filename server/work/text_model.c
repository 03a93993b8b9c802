/* One question to the text API, with its retries. It runs on a
 * background thread after a call, when nobody waits: so it may be slow, but
 * must say in the end whether another attempt, later, makes sense.
 */
#include "server/work/text_model.h"

#include "common/backoff.h"
#include "common/clock.h"
#include "common/foreign.h"
#include "common/json_out.h"
#include "common/log.h"
#include "common/schema.h"
#include "server/model/text/text_access.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
	TRIES = 3,
	TRY_MS = 60000,
	ALL_MS = 120000,
	WAIT_STEP_MS = 200,
	ANSWER_MAX = 512 * 1024,
	OUTPUT_TOKENS = 8192 /* thinking included */
};

/* ----------------------------------------------------------------------- asking for */

/* "json_schema" with `strict` binds the model's tokens to the schema;
 * "json_object" promises JSON of any shape. Chat has the schema one level
 * deeper. */
static void put_format(struct json_out *j, const char *key, const cJSON *schema, bool chat)
{
	bool strict = schema_is_strict(schema);

	json_put_object(j, key);
	json_put_text(j, "type", strict ? "json_schema" : "json_object");
	if (strict) {
		if (chat)
			json_put_object(j, "json_schema");
		json_put_text(j, "name", "record");
		json_put_bool(j, "strict", true);
		json_put_tree(j, "schema", schema);
		if (chat)
			json_put_end(j);
	}
	json_put_end(j);
}

/* In JSON mode the word JSON must be in the request, and only the schema in the
 * text tells the model which fields there are. */
static void put_instructions(struct json_out *j, const char *key, const struct text_request *request)
{
	struct buf text;
	char *schema = schema_is_strict(request->schema) ? NULL : cJSON_PrintUnformatted(request->schema);

	buf_init(&text, 0);
	buf_puts(&text, request->instructions);
	if (schema)
		buf_printf(&text, "\n\nAnswer with one JSON object that follows this JSON Schema:\n%s", schema);
	json_put_text_of(j, key, buf_text(&text), text.len);
	buf_free(&text);
	cJSON_free(schema);
}

static void put_responses(struct json_out *j, const struct text_request *request)
{
	put_instructions(j, "instructions", request);
	json_put_text(j, "input", request->input);
	json_put_object(j, "text");
	put_format(j, "format", request->schema, false);
	json_put_end(j);
	json_put_int(j, "max_output_tokens", OUTPUT_TOKENS);
	json_put_bool(j, "store", false);
}

static void put_chat(struct json_out *j, const struct text_request *request)
{
	json_put_array(j, "messages");
	json_put_object(j, NULL);
	json_put_text(j, "role", "system");
	put_instructions(j, "content", request);
	json_put_end(j);
	json_put_object(j, NULL);
	json_put_text(j, "role", "user");
	json_put_text(j, "content", request->input);
	json_put_end(j);
	json_put_end(j);
	put_format(j, "response_format", request->schema, true);
	json_put_int(j, "max_completion_tokens", OUTPUT_TOKENS);
}

void text_model_put_request(const struct config *cfg, const struct text_request *request, struct buf *out)
{
	struct json_out j = json_out_to(out);

	json_put_object(&j, NULL);
	json_put_text(&j, "model", cfg->text_model);
	if (cfg->text_api == TEXT_API_CHAT)
		put_chat(&j, request);
	else
		put_responses(&j, request);
	json_put_end(&j);
}

/* -------------------------------------------------------------------------- reading */

static void say(struct text_answer *out, enum text_outcome outcome, const char *format, const char *word)
{
	out->outcome = outcome;
	snprintf(out->problem, sizeof out->problem, format, word ? word : "no reason given");
}

/* The texts of all messages. Items of reasoning have no such parts. */
static void collect(const cJSON *output, struct buf *text, const char **refusal)
{
	const cJSON *item, *part;

	cJSON_ArrayForEach(item, output) cJSON_ArrayForEach(part, json_get(item, "content"))
	{
		const char *type = json_str(part, "type");

		if (type && !strcmp(type, "output_text") && json_str(part, "text"))
			buf_puts(text, json_str(part, "text"));
		if (type && !strcmp(type, "refusal"))
			*refusal = json_str(part, "refusal") ? json_str(part, "refusal") : "";
	}
}

static void add_tokens(int64_t *to, const cJSON *usage, const char *key)
{
	double n;

	if (json_num(usage, key, &n) && n >= 0 && n < 1e12)
		*to += (int64_t)n;
}

/* Added up over the tries: each of them is billed. */
static void read_usage(const cJSON *usage, struct text_answer *out)
{
	add_tokens(&out->input_tokens, usage, "input_tokens");
	add_tokens(&out->input_tokens, usage, "prompt_tokens");
	add_tokens(&out->output_tokens, usage, "output_tokens");
	add_tokens(&out->output_tokens, usage, "completion_tokens");
}

/* Chat's first choice. `finish`: "length" or "content_filter" if it was cut short. */
static void collect_choice(const cJSON *choice, struct buf *text, const char **refusal, const char **finish)
{
	const cJSON *message = json_get(choice, "message");
	const char *words = json_str(message, "content"), *reason = json_str(choice, "finish_reason");

	*refusal = json_str(message, "refusal");
	if (words)
		buf_puts(text, words);
	if (reason && strcmp(reason, "stop") != 0)
		*finish = reason;
}

/* Of a 200. The status inside may still say that the answer failed or was
 * cut short. */
void text_model_read(const char *body, size_t len, struct text_answer *out)
{
	cJSON *answer = foreign_json(body, len);
	const char *status = json_str(answer, "status"), *refusal = NULL;
	const char *finish = NULL;
	struct buf text;

	buf_init(&text, ANSWER_MAX);
	free(out->text);
	out->text = NULL;
	if (cJSON_IsArray(json_get(answer, "choices")))
		collect_choice(cJSON_GetArrayItem(json_get(answer, "choices"), 0), &text, &refusal, &finish);
	else
		collect(json_get(answer, "output"), &text, &refusal);
	read_usage(json_get(answer, "usage"), out);
	if (!cJSON_IsObject(answer))
		say(out, TEXT_NONSENSE, "the text API answered with something that is not JSON", "");
	else if (refusal)
		say(out, TEXT_REFUSED, "the text model refused: %.120s", refusal);
	else if (finish)
		say(out, TEXT_CUT_SHORT, "the text model's answer was cut short (%.60s)", finish);
	else if (status && !strcmp(status, "incomplete"))
		say(out, TEXT_CUT_SHORT, "the text model's answer was cut short (%.60s)",
		    json_str(json_get(answer, "incomplete_details"), "reason"));
	else if (status && strcmp(status, "completed") != 0)
		say(out, TEXT_UNAVAILABLE, "the text model failed (%.60s)",
		    json_str(json_get(answer, "error"), "code"));
	else if (!text.len || buf_error(&text))
		say(out, TEXT_NONSENSE, "the text model's answer has no text in it", "");
	else if (!(out->text = strdup(buf_text(&text))))
		say(out, TEXT_UNAVAILABLE, "out of memory", "");
	else
		say(out, TEXT_OK, "", "");
	buf_free(&text);
	cJSON_Delete(answer);
}

/* The body of a failure. Its message is not repeated: it may quote the key.
 * An exhausted quota is a 429 as well, but does not pass by waiting. */
static void read_error(const struct fetch_response *got, const struct text_api_names *names, struct text_answer *out)
{
	cJSON *body = foreign_json(buf_text(&got->body), got->body.len);
	const cJSON *error = json_get(body, "error");
	const char *code = json_str(error, "code") ? json_str(error, "code") : json_str(error, "type");
	bool spent = code && !strcmp(code, "insufficient_quota");
	bool passes = (got->status == 429 && !spent) || got->status == 408 || got->status >= 500;

	out->outcome = passes ? TEXT_UNAVAILABLE : TEXT_NOT_ALLOWED;
	snprintf(out->problem, sizeof out->problem, "%s answered %d%s%.60s%s%s", names->api, got->status,
	    code ? ": " : "", code ? code : "", got->status == 401 || got->status == 404 ? "; look at " : "",
	    got->status == 401   ? names->key
	    : got->status == 404 ? names->place
				 : "");
	cJSON_Delete(body);
}

bool text_answer_failed(const struct fetch_response *got, const struct text_api_names *names, struct text_answer *out)
{
	if (got->failure == FETCH_OK && got->status == 200)
		return false;
	if (got->failure == FETCH_OK) {
		read_error(got, names, out);
	} else if (got->failure == FETCH_CANCELLED) {
		say(out, TEXT_CANCELLED, "the server is being stopped", "");
	} else if (got->failure == FETCH_TOO_LARGE) {
		say(out, TEXT_NONSENSE, "the answer of %s is too large", names->api);
	} else {
		out->outcome = TEXT_UNAVAILABLE;
		snprintf(out->problem, sizeof out->problem, "%s cannot be had: %.150s", names->api, got->error);
	}
	return true;
}

/* --------------------------------------------------------------------------- asking */

/* Without a retry of its own. The key is in a header, and never in a log. */
static void ask_once(const struct config *cfg, const char *url, const struct buf *body, int timeout_ms,
    const _Atomic bool *cancel, struct text_answer *out, int64_t *retry_after_s)
{
	struct fetch_request request = { .method = "POST",
		.url = url,
		.body = buf_text(body),
		.body_len = body->len,
		.timeout_ms = timeout_ms,
		.response_max = ANSWER_MAX,
		.ca_file = cfg->https_ca_file,
		.cancel = cancel };
	static const struct text_api_names names = { "the text API", "TEXT_API_KEY, or OPENAI_API_KEY in its place",
		"TEXT_API_URL and TEXT_MODEL" };
	struct fetch_response got;
	struct buf headers;
	const char *line;

	buf_init(&headers, 0);
	request.header_count = text_access_put_headers(cfg, &headers);
	line = buf_text(&headers);
	for (size_t i = 0; i < request.header_count; i++, line += strlen(line) + 1)
		request.headers[i] = line;
	fetch(&request, &got);
	*retry_after_s = got.retry_after_s;
	if (!text_answer_failed(&got, &names, out))
		text_model_read(buf_text(&got.body), got.body.len, out);
	fetch_response_free(&got);
	if (headers.data)
		explicit_bzero(headers.data, headers.cap);
	buf_free(&headers);
}

/* False if it was cancelled meanwhile. */
static bool pause_ms(int64_t ms, const _Atomic bool *cancel)
{
	const struct timespec step = { .tv_nsec = WAIT_STEP_MS * 1000000L };

	for (; ms > 0; ms -= WAIT_STEP_MS) {
		if (cancel && atomic_load(cancel))
			return false;
		nanosleep(&step, NULL);
	}
	return true;
}

/* All tries and pauses end within ALL_MS: a pause that would pass it is not
 * begun. */
void text_model_ask(
    const struct config *cfg, const struct text_request *request, const _Atomic bool *cancel, struct text_answer *out)
{
	static const struct backoff tries = { .first_ms = 2000, .most_ms = 4000, .asked_most_s = ALL_MS / 1000 };
	int64_t began_us = clock_now_us(), left_ms = ALL_MS, retry_after_s;
	struct buf url, body;

	*out = (struct text_answer){ .outcome = TEXT_UNAVAILABLE, .problem = "out of memory" };
	buf_init(&url, 0);
	buf_init(&body, 0);
	text_access_put_url(cfg, &url);
	text_model_put_request(cfg, request, &body);
	while (!buf_error(&url) && !buf_error(&body)) {
		int64_t pause;

		ask_once(cfg, buf_text(&url), &body, (int)(left_ms < TRY_MS ? left_ms : TRY_MS), cancel, out,
		    &retry_after_s);
		out->tries++;
		pause = backoff_ms(&tries, out->tries, retry_after_s, backoff_chance());
		left_ms = ALL_MS - (clock_now_us() - began_us) / US_PER_MS - pause;
		if (out->outcome != TEXT_UNAVAILABLE || out->tries >= TRIES || left_ms <= 0)
			break;
		log_info("records", "%s; trying again in %lld ms", out->problem, (long long)pause);
		if (!pause_ms(pause, cancel)) {
			say(out, TEXT_CANCELLED, "the server is being stopped", "");
			break;
		}
	}
	out->took_ms = (clock_now_us() - began_us) / US_PER_MS;
	buf_free(&url);
	buf_free(&body);
}

void text_answer_free(struct text_answer *answer)
{
	free(answer->text);
	answer->text = NULL;
}
