/* What the model sends, as the agent loop reads it. */
#include "common/base64.h"
#include "server/model/realtime.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void must(bool promise)
{
	if (!promise)
		abort();
}

/* What each event promises to carry. */
static void promises(const struct model_event *e)
{
	bool response = false, item = false;

	switch (e->type) {
	case MODEL_INVALID:
	case MODEL_UNKNOWN:
	case MODEL_IGNORED:
	case MODEL_ERROR:
		break;
	case MODEL_SESSION_CREATED:
	case MODEL_SESSION_UPDATED:
		must(
		    memchr(e->session_id, '\0', sizeof e->session_id) && memchr(e->mismatch, '\0', sizeof e->mismatch));
		break;
	case MODEL_SPEECH_STARTED:
	case MODEL_SPEECH_STOPPED:
		must(e->ms >= -1);
		break;
	case MODEL_COMMITTED:
	case MODEL_TRANSCRIPT_DELTA:
	case MODEL_TRANSCRIPT:
	case MODEL_TRANSCRIPT_FAILED:
	case MODEL_MCP_LIST_FAILED:
		item = true;
		break;
	case MODEL_RESPONSE_SIGN:
		break;
	case MODEL_RESPONSE_CREATED:
	case MODEL_ITEM_ADDED:
	case MODEL_ITEM_DONE:
	case MODEL_RESPONSE_DONE:
		response = true;
		break;
	case MODEL_AUDIO:
	case MODEL_AUDIO_DONE:
	case MODEL_TEXT_DELTA:
	case MODEL_TEXT_DONE:
		response = item = true;
		break;
	}
	must(!response || e->response_id[0]);
	must(!item || e->item_id[0]);
	must(e->status <= MODEL_FAILED && e->reason <= MODEL_BUSY && e->refused <= MODEL_REQUEST_PAST);
}

/* What may be sent back fits, whatever it was. */
static void answer_tools(const struct model_event *e)
{
	const struct model_mcp_item *mcp = &e->mcp;
	struct buf out;

	buf_init(&out, 0);
	must(!e->call_count == !e->calls && e->call_count < 100000);
	for (size_t i = 0; i < e->call_count; i++) {
		const struct model_tool_call *call = &e->calls[i];

		must(strlen(call->call_id) < FOREIGN_ID_SIZE && strlen(call->name) < FOREIGN_ID_SIZE);
		realtime_protocol.tool_result(&out, "tool_1", call->call_id, call->arguments);
	}
	if (mcp->what != MODEL_MCP_NONE) {
		must(strlen(mcp->id) < FOREIGN_ID_SIZE && mcp->server && mcp->name && mcp->arguments && mcp->output);
		realtime_protocol.approve(&out, "tool_2", mcp->id, false);
	}
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct model_event e;

	realtime_protocol.parse((const char *)data, size, size % 3 ? AUDIO_PCMU : AUDIO_PCM, &e);
	must(e.type >= MODEL_INVALID && e.type <= MODEL_ERROR);
	must(e.text != NULL);
	must(memchr(e.response_id, '\0', sizeof e.response_id) && memchr(e.item_id, '\0', sizeof e.item_id));
	must(memchr(e.code, '\0', sizeof e.code) && memchr(e.refused_id, '\0', sizeof e.refused_id));
	must(model_error_name(e.error) != NULL);
	promises(&e);
	answer_tools(&e);
	if (e.type == MODEL_AUDIO) {
		uint8_t *audio = malloc(BASE64_DECODED_MAX(e.audio.n));

		const char *text = e.mended ? e.mended : (const char *)data;

		must(e.audio.p >= text && e.audio.p + e.audio.n <= text + (e.mended ? strlen(text) : size));
		if (audio)
			json_base64(e.audio, audio);
		free(audio);
	}
	realtime_protocol.release(&e);
	return 0;
}
