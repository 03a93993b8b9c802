#include "server/model/text/text_request.h"

#include "common/backoff.h"
#include "common/json.h"
#include "server/model/text/text_access.h"

#include <errno.h>
#include <string.h>

enum {
	REQUEST_MAX = 2 << 20, /* the conversation, the instructions and the tools, escaped */
	FIRST_MS = 30000,
	SILENT_MS = 20000
};

static void put_body(const struct model_session *s, const struct talk *talk, const cJSON *asked, struct buf *out)
{
	const char *instructions = json_str(asked, "instructions"), *choice = json_str(asked, "tool_choice");
	const struct model_wish *wish = &s->wish;
	struct talk_request request = { .talk = talk,
		.agent = wish->agent,
		.instructions = instructions ? instructions : wish->instructions,
		.effort = s->without & MODEL_EXTRA_REASONING ? "" : wish->agent->reasoning_effort,
		.tools = wish->tools,
		.tools_off = choice && !strcmp(choice, "none"),
		.max_tokens = wish->agent->max_output_tokens };
	struct buf person;

	buf_init(&person, 0);
	model_access_put_person(s->access->cfg, wish->caller, &person);
	request.person = buf_text(&person);
	if (s->access->cfg->text_api == TEXT_API_CHAT)
		talk_put_chat(out, &request);
	else
		talk_put_responses(out, &request);
	buf_free(&person);
}

static struct text_stream *send(
    const struct model_access *access, const struct buf *body, int delay_ms, struct bell *bell)
{
	struct text_call call = { .body = body,
		.delay_ms = delay_ms,
		.ca_file = access->cfg->https_ca_file,
		.connect_ms = access->cfg->model_connect_ms,
		.first_ms = FIRST_MS,
		.silent_ms = SILENT_MS };
	struct text_stream *stream = NULL;
	struct buf url, headers;
	const char *line;

	buf_init(&url, 0);
	buf_init(&headers, 0);
	text_access_put_url(access->cfg, &url);
	call.header_count = text_access_put_headers(access->cfg, &headers);
	line = buf_text(&headers);
	for (size_t i = 0; !buf_error(&headers) && i < call.header_count; i++, line += strlen(line) + 1)
		call.headers[i] = line;
	call.url = buf_text(&url);
	if (!buf_error(&url) && !buf_error(&headers) && !buf_error(body))
		stream = access->carrier->start(access->carrier, &call, bell);
	if (headers.data)
		explicit_bzero(headers.data, headers.cap);
	buf_free(&headers);
	buf_free(&url);
	return stream;
}

struct text_stream *text_request_start(const struct model_session *s, const struct talk *talk, const cJSON *asked,
    int delay_ms, struct bell *bell, size_t *bytes, const char **why)
{
	struct text_stream *stream;
	struct buf body;

	buf_init(&body, REQUEST_MAX);
	put_body(s, talk, asked, &body);
	stream = send(s->access, &body, delay_ms, bell);
	*bytes = body.len;
	if (!stream)
		*why = buf_error(&body) == -E2BIG ? "the conversation is too large for a request"
						  : "out of memory for a request";
	buf_free(&body);
	return stream;
}

int64_t text_request_pause_ms(int tries, int64_t asked_ms)
{
	/* Longer than any caller waits. */
	static const struct backoff pause = { .first_ms = 250, .most_ms = 2000, .asked_most_s = 3600 };

	return backoff_ms(&pause, tries, asked_ms / 1000, backoff_chance());
}
