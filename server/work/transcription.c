#include "server/work/transcription.h"

#include "common/foreign.h"
#include "server/model/realtime_parse.h"
#include "server/model/text/text_access.h"
#include "server/work/fetch.h"

#include <stdio.h>
#include <string.h>

enum {
	TRY_MS = 120 * 1000,
	ANSWER_MAX = 256 * 1024 /* ten minutes of speech are a tenth of it */
};

bool transcription_wanted(const struct config *cfg)
{
	return *cfg->voicemail_model && (*cfg->voicemail_api_key || *cfg->openai_api_key);
}

bool transcription_by_twilio(const struct config *cfg)
{
	return *cfg->voicemail_model && !transcription_wanted(cfg);
}

static void fail(struct text_answer *out, enum text_outcome outcome, const char *problem)
{
	out->outcome = outcome;
	snprintf(out->problem, sizeof out->problem, "%s", problem);
}

void transcription_read(const char *body, size_t len, struct text_answer *out, struct model_usage *used)
{
	cJSON *answer = foreign_json(body, len);
	const char *text = json_str(answer, "text");

	if (!cJSON_IsObject(answer))
		fail(out, TEXT_NONSENSE, "the transcription API answered with something that is not JSON");
	else if (!text)
		fail(out, TEXT_NONSENSE, "the transcription API's answer has no text in it");
	else if (!(out->text = strdup(text)))
		fail(out, TEXT_UNAVAILABLE, "out of memory");
	else
		fail(out, TEXT_OK, "");
	realtime_take_usage(used, json_get(answer, "usage"));
	cJSON_Delete(answer);
}

static void ask(
    const struct fetch_request *request, struct text_answer *out, struct model_usage *used, int64_t *retry_after_s)
{
	static const struct text_api_names names = { "the transcription API",
		"VOICEMAIL_API_KEY, or OPENAI_API_KEY in its place", "VOICEMAIL_API_URL and VOICEMAIL_MODEL" };
	struct fetch_response got;

	fetch(request, &got);
	*retry_after_s = got.retry_after_s;
	out->took_ms = got.took_ms;
	if (!text_answer_failed(&got, &names, out))
		transcription_read(buf_text(&got.body), got.body.len, out, used);
	fetch_response_free(&got);
}

/* The form is read from the disk while it is sent. The key is in a header, and never in a log. */
void transcription_ask(const struct config *cfg, const char *file, const char *language, const _Atomic bool *cancel,
    struct text_answer *out, struct model_usage *used, int64_t *retry_after_s)
{
	const struct fetch_part parts[] = {
		{ .name = "model", .value = cfg->voicemail_model },
		{ .name = "response_format", .value = "json" },
		{ .name = "file", .file = file, .name_there = "message.wav", .type = "audio/wav" },
		{ .name = "language", .value = language },
	};
	struct fetch_request request = { .method = "POST",
		.parts = parts,
		.part_count = sizeof parts / sizeof *parts - !*language,
		.timeout_ms = TRY_MS,
		.response_max = ANSWER_MAX,
		.ca_file = cfg->https_ca_file,
		.cancel = cancel };
	struct buf url, headers;
	const char *line;

	*out = (struct text_answer){ .outcome = TEXT_UNAVAILABLE, .problem = "out of memory", .tries = 1 };
	*used = (struct model_usage){ 0 };
	*retry_after_s = -1;
	buf_init(&url, 0);
	buf_init(&headers, 0);
	text_access_put_place(cfg, cfg->voicemail_api_url, "audio/transcriptions", &url);
	request.url = buf_text(&url);
	request.header_count = text_access_put_key(cfg, request.url, cfg->voicemail_api_key, &headers);
	line = buf_text(&headers);
	for (size_t i = 0; i < request.header_count; i++, line += strlen(line) + 1)
		request.headers[i] = line;
	if (!buf_error(&url) && !buf_error(&headers))
		ask(&request, out, used, retry_after_s);
	if (headers.data)
		explicit_bzero(headers.data, headers.cap);
	buf_free(&headers);
	buf_free(&url);
}
