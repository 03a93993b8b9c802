/* What the model sends, as the agent loop reads it. */
#include "common/base64.h"
#include "server/model/realtime_tools.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
		must(cJSON_IsObject(e->session));
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
	must(e->type != MODEL_RESPONSE_DONE || e->status[0]);
}

/* What may be sent back fits, whatever it was. */
static void answer_tools(const struct model_event *e)
{
	struct model_tool_call call;
	struct model_mcp_item mcp;
	struct buf out;

	buf_init(&out, 0);
	for (size_t n = 0; realtime_tool_call(e, n, &call); n++) {
		must(strlen(call.call_id) < MODEL_CALL_ID_SIZE && strlen(call.name) < MODEL_CALL_ID_SIZE);
		realtime_tool_output(&out, "tool_1", call.call_id, call.arguments);
		must(n < 100000);
	}
	if (realtime_mcp(e, &mcp)) {
		must(strlen(mcp.id) < MODEL_CALL_ID_SIZE && mcp.server && mcp.name && mcp.arguments);
		realtime_mcp_approval(&out, "tool_2", mcp.id, false);
	}
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct model_event e;
	char what[160];

	realtime_parse((const char *)data, size, &e);
	must(e.type >= MODEL_INVALID && e.type <= MODEL_ERROR);
	must(e.text && e.status);
	must(memchr(e.response_id, '\0', sizeof e.response_id) && memchr(e.item_id, '\0', sizeof e.item_id));
	must(memchr(e.code, '\0', sizeof e.code) && memchr(e.client_event, '\0', sizeof e.client_event));
	must(realtime_error_name(e.error) != NULL);
	promises(&e);
	if (e.items)
		answer_tools(&e);
	if (e.type == MODEL_AUDIO) {
		uint8_t *audio = malloc(BASE64_DECODED_MAX(e.audio.n));

		must((const uint8_t *)e.audio.p >= data && (const uint8_t *)e.audio.p + e.audio.n <= data + size);
		if (audio)
			json_base64(e.audio, audio);
		free(audio);
	}
	if (e.session)
		for (int format = AUDIO_PCMU; format <= AUDIO_PCM; format++)
			realtime_format_ok(e.session, (enum audio_format)format, what, sizeof what);
	realtime_event_free(&e);
	return 0;
}
