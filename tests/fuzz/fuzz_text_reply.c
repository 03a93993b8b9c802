/* What a text API streams: the first byte chooses API and size of the pieces, the rest is the body. */
#include "common/sse.h"
#include "server/model/text/reply.h"
#include "server/model/realtime_parse.h"
#include "server/model/text/talk.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static struct talk talk;
static unsigned overs;

static void must(bool promise)
{
	if (!promise)
		abort();
}

static void look(struct text_reply *r)
{
	struct model_event e;

	while (text_reply_next(r, &e)) {
		must(e.type <= MODEL_ERROR && e.text && !strcmp(e.response_id, "resp_1"));
		must(memchr(e.item_id, '\0', sizeof e.item_id) && memchr(e.code, '\0', sizeof e.code));
		must(!e.call_count == !e.calls);
		must((e.type != MODEL_TEXT_DELTA && e.type != MODEL_TEXT_DONE) || e.item_id[0]);
		if (e.type == MODEL_ITEM_ADDED && e.item_id[0])
			talk_put(&talk, TALK_AGENT, e.item_id, "", "");
		if (e.type == MODEL_TEXT_DELTA)
			talk_add(&talk, e.item_id, e.text);
		for (size_t i = 0; i < e.call_count; i++)
			talk_put_call(&talk, &e.calls[i]);
		overs += e.type == MODEL_RESPONSE_DONE;
		realtime_release(&e);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct agent agent = { .openai_model = "m", .reasoning_effort = "" };
	enum text_api api = size && *data & 1 ? TEXT_API_CHAT : TEXT_API_RESPONSES;
	struct talk_request request = { .talk = &talk, .agent = &agent, .instructions = "" };
	size_t piece = size ? 1 + (size_t)(*data >> 1) : 1;
	struct text_reply reply;
	struct buf body;
	struct sse sse;
	cJSON *tree;

	talk_init(&talk);
	overs = 0;
	sse_init(&sse, 4096);
	text_reply_begin(&reply, api, "resp_1", false);
	for (size_t at = 1; at < size; at += piece) {
		struct span bytes = { (const char *)data + at, at + piece < size ? piece : size - at }, event;

		while (sse_next(&sse, &bytes, &event)) {
			text_reply_take(&reply, event.p, event.n);
			look(&reply);
		}
		must(!bytes.n);
	}
	text_reply_end(&reply, NULL);
	look(&reply);
	must(overs == 1); /* whatever came, an answer ends once */
	buf_init(&body, 0);
	if (api == TEXT_API_CHAT)
		talk_put_chat(&body, &request);
	else
		talk_put_responses(&body, &request);
	tree = json_parse(buf_text(&body), body.len);
	must(tree || buf_error(&body));
	cJSON_Delete(tree);
	buf_free(&body);
	text_reply_free(&reply);
	sse_free(&sse);
	talk_free(&talk);
	return 0;
}
