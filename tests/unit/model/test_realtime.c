#include "server/model/realtime_parse.h"
#include "server/model/realtime_say.h"
#include "common/base64.h"

#include <stddef.h>

#include "tests/peers/fixture.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

ONE_THREAD;

/* ----------------------------------------------------------------- what comes in */

static const struct {
	const char *name; /* of the fixture, without openai- */
	enum model_event_type type;
	const char *response_id, *item_id, *text;
	int64_t ms;
} arriving[] = {
	{ "conversation-created", MODEL_IGNORED, "", "", "", 0 },
	{ "conversation-item-added-assistant", MODEL_IGNORED, "", "", "", 0 },
	{ "conversation-item-added-user-audio", MODEL_IGNORED, "", "", "", 0 },
	{ "conversation-item-added-user-audio-wire", MODEL_IGNORED, "", "", "", 0 },
	{ "conversation-item-added-user-text", MODEL_IGNORED, "", "", "", 0 },
	{ "conversation-item-created", MODEL_IGNORED, "", "", "", 0 },
	{ "conversation-item-deleted", MODEL_IGNORED, "", "", "", 0 },
	{ "conversation-item-done-assistant", MODEL_IGNORED, "", "", "", 0 },
	{ "conversation-item-done-user-audio", MODEL_IGNORED, "", "", "", 0 },
	{ "conversation-item-input_audio_transcription-completed", MODEL_TRANSCRIPT, "", "item_0002",
	    "What are your opening hours tomorrow?", 0 },
	{ "conversation-item-input_audio_transcription-completed-duration", MODEL_TRANSCRIPT, "", "item_0002",
	    "What are your opening hours tomorrow?", 0 },
	{ "conversation-item-input_audio_transcription-delta", MODEL_TRANSCRIPT_DELTA, "", "item_0002",
	    "What are your ", 0 },
	{ "conversation-item-input_audio_transcription-failed", MODEL_TRANSCRIPT_FAILED, "", "item_0002", "", 0 },
	{ "conversation-item-input_audio_transcription-segment", MODEL_IGNORED, "", "", "", 0 },
	{ "conversation-item-retrieved", MODEL_IGNORED, "", "", "", 0 },
	{ "conversation-item-truncated", MODEL_IGNORED, "", "", "", 0 },
	{ "error", MODEL_ERROR, "", "", "Unknown parameter: 'session.temperature'.", 0 },
	{ "error-active-response", MODEL_ERROR, "", "",
	    "Conversation already has an active response in progress: resp_0001. Wait until the response is finished "
	    "before creating a new one.",
	    0 },
	{ "error-cancel-not-active", MODEL_ERROR, "", "", "Cancellation failed: no active response found", 0 },
	{ "error-commit-empty", MODEL_ERROR, "", "",
	    "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but buffer only "
	    "has 0.00ms of audio.",
	    0 },
	{ "error-minimal", MODEL_ERROR, "", "", "Invalid JSON.", 0 },
	{ "error-server", MODEL_ERROR, "", "", "The server had an error while processing your request.", 0 },
	{ "error-session-expired", MODEL_ERROR, "", "", "Your session hit the maximum duration of 60 minutes.", 0 },
	{ "error-truncate-too-long", MODEL_ERROR, "", "", "Audio content of 1200ms is already shorter than 1340ms", 0 },
	{ "input_audio_buffer-cleared", MODEL_IGNORED, "", "", "", 0 },
	{ "input_audio_buffer-committed", MODEL_COMMITTED, "", "item_0002", "", 0 },
	{ "input_audio_buffer-dtmf_event_received", MODEL_UNKNOWN, "", "", "", 0 },
	{ "input_audio_buffer-speech_started", MODEL_SPEECH_STARTED, "", "item_0004", "", 3240 },
	{ "input_audio_buffer-speech_stopped", MODEL_SPEECH_STOPPED, "", "item_0004", "", 5720 },
	{ "input_audio_buffer-timeout_triggered", MODEL_IGNORED, "", "", "", 0 },
	{ "mcp_list_tools-completed", MODEL_IGNORED, "", "", "", 0 },
	{ "mcp_list_tools-failed", MODEL_MCP_LIST_FAILED, "", "item_0001", "", 0 },
	{ "mcp_list_tools-in_progress", MODEL_IGNORED, "", "", "", 0 },
	{ "output_audio_buffer-cleared", MODEL_UNKNOWN, "", "", "", 0 },
	{ "output_audio_buffer-started", MODEL_UNKNOWN, "", "", "", 0 },
	{ "output_audio_buffer-stopped", MODEL_UNKNOWN, "", "", "", 0 },
	{ "rate_limits-updated", MODEL_IGNORED, "", "", "", 0 },
	{ "rate_limits-updated-tokens-only", MODEL_IGNORED, "", "", "", 0 },
	{ "response-content_part-added", MODEL_RESPONSE_SIGN, "resp_0001", "", "", 0 },
	{ "response-content_part-added-text", MODEL_RESPONSE_SIGN, "resp_0001", "", "", 0 },
	{ "response-content_part-done", MODEL_RESPONSE_SIGN, "resp_0001", "", "", 0 },
	{ "response-content_part-done-text", MODEL_RESPONSE_SIGN, "resp_0001", "", "", 0 },
	{ "response-created", MODEL_RESPONSE_CREATED, "resp_0001", "", "", 0 },
	{ "response-created-wire", MODEL_RESPONSE_CREATED, "resp_0001", "", "", 0 },
	{ "response-done", MODEL_RESPONSE_DONE, "resp_0001", "", "", 0 },
	{ "response-done-cancelled-client", MODEL_RESPONSE_DONE, "resp_0001", "", "", 0 },
	{ "response-done-cancelled-turn_detected", MODEL_RESPONSE_DONE, "resp_0001", "", "", 0 },
	{ "response-done-failed", MODEL_RESPONSE_DONE, "resp_0001", "", "Rate limit reached.", 0 },
	{ "response-done-failed-quota", MODEL_RESPONSE_DONE, "resp_0001", "", "You exceeded your current quota.", 0 },
	{ "response-done-function_call", MODEL_RESPONSE_DONE, "resp_0001", "", "", 0 },
	{ "response-done-incomplete", MODEL_RESPONSE_DONE, "resp_0001", "", "", 0 },
	{ "response-done-incomplete-content_filter", MODEL_RESPONSE_DONE, "resp_0001", "", "", 0 },
	{ "response-done-out-of-band", MODEL_RESPONSE_DONE, "resp_0002", "", "", 0 },
	{ "response-done-out-of-band-wire", MODEL_RESPONSE_DONE, "resp_0002", "", "", 0 },
	{ "response-done-text", MODEL_RESPONSE_DONE, "resp_0001", "", "", 0 },
	{ "response-done-wire", MODEL_RESPONSE_DONE, "resp_0001", "", "", 0 },
	{ "response-function_call_arguments-delta", MODEL_RESPONSE_SIGN, "resp_0001", "", "", 0 },
	{ "response-function_call_arguments-done", MODEL_RESPONSE_SIGN, "resp_0001", "", "", 0 },
	{ "response-mcp_call-completed", MODEL_RESPONSE_SIGN, "", "", "", 0 },
	{ "response-mcp_call-failed", MODEL_RESPONSE_SIGN, "", "", "", 0 },
	{ "response-mcp_call-in_progress", MODEL_RESPONSE_SIGN, "", "", "", 0 },
	{ "response-mcp_call_arguments-delta", MODEL_RESPONSE_SIGN, "resp_0001", "", "", 0 },
	{ "response-mcp_call_arguments-done", MODEL_RESPONSE_SIGN, "resp_0001", "", "", 0 },
	{ "response-output_audio-delta", MODEL_AUDIO, "resp_0001", "item_0003", "", 0 },
	{ "response-output_audio-done", MODEL_AUDIO_DONE, "resp_0001", "item_0003", "", 0 },
	{ "response-output_audio_transcript-delta", MODEL_TEXT_DELTA, "resp_0001", "item_0003", "We open at ", 0 },
	{ "response-output_audio_transcript-delta-wire", MODEL_TEXT_DELTA, "resp_0001", "item_0003", "We", 0 },
	{ "response-output_audio_transcript-done", MODEL_TEXT_DONE, "resp_0001", "item_0003",
	    "We open at nine in the morning.", 0 },
	{ "response-output_item-added", MODEL_ITEM_ADDED, "resp_0001", "", "", 0 },
	{ "response-output_item-added-function_call", MODEL_ITEM_ADDED, "resp_0001", "", "", 0 },
	{ "response-output_item-done", MODEL_ITEM_DONE, "resp_0001", "item_0003", "", 0 },
	{ "response-output_item-done-function_call", MODEL_ITEM_DONE, "resp_0001", "item_0006", "", 0 },
	{ "response-output_text-delta", MODEL_TEXT_DELTA, "resp_0001", "item_0003", "We open at ", 0 },
	{ "response-output_text-done", MODEL_TEXT_DONE, "resp_0001", "item_0003", "We open at nine in the morning.",
	    0 },
	{ "session-created", MODEL_SESSION_CREATED, "", "", "", 0 },
	{ "session-created-wire", MODEL_SESSION_CREATED, "", "", "", 0 },
	{ "session-updated", MODEL_SESSION_UPDATED, "", "", "", 0 },
	{ "unknown-event", MODEL_UNKNOWN, "", "", "", 0 },
};

enum { ARRIVING = sizeof arriving / sizeof arriving[0] };

static void every_event_of_the_fixtures_is_what_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRIVING; i++) {
		char name[128];
		struct model_event e;
		size_t len;
		char *text;

		snprintf(name, sizeof name, "openai-%s", arriving[i].name);
		text = fixture(name, &len);
		realtime_parse(text, len, AUDIO_PCMU, &e);
		if (e.type != arriving[i].type)
			fail_msg("%s gives %d, not %d", name, e.type, arriving[i].type);
		if (strcmp(e.text, arriving[i].text))
			fail_msg("%s says \"%s\"", name, e.text);
		assert_string_equal(e.response_id, arriving[i].response_id);
		assert_string_equal(e.item_id, arriving[i].item_id);
		assert_int_equal(e.ms, arriving[i].ms);
		realtime_release(&e);
		free(text);
	}
}

static bool from_us(const char *name)
{
	static const char *const ours[] = { "openai-session-update", "openai-session-update-*",
		"openai-input_audio_buffer-append", "openai-input_audio_buffer-commit",
		"openai-input_audio_buffer-clear", "openai-output_audio_buffer-clear",
		"openai-conversation-item-create-*", "openai-conversation-item-delete",
		"openai-conversation-item-retrieve", "openai-conversation-item-truncate", "openai-response-create",
		"openai-response-create-*", "openai-response-cancel", "openai-response-cancel-*" };

	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
		if (!fnmatch(ours[i], name, 0))
			return true;
	return false;
}

static void count_if_listed(const char *name, void *arg)
{
	if (from_us(name))
		return;
	for (size_t i = 0; i < ARRIVING; i++)
		if (!strcmp(name + strlen("openai-"), arriving[i].name)) {
			++*(size_t *)arg;
			return;
		}
	fail_msg("%s is in no table", name);
}

static void no_event_of_the_fixtures_is_left_out(void **state)
{
	size_t listed = 0;

	(void)state;
	fixtures("openai-*", count_if_listed, &listed);
	assert_int_equal(listed, ARRIVING);
}

/* The wire cut anywhere: no event, and nothing read beyond the end. */
static void no_beginning_of_an_event_is_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRIVING; i++) {
		char name[128];
		size_t len;
		char *text;

		snprintf(name, sizeof name, "openai-%s", arriving[i].name);
		text = fixture(name, &len);
		while (len && text[len - 1] != '}')
			len--;
		for (size_t n = 0; n < len; n++) {
			struct model_event e;
			char *part = malloc(n ? n : 1);

			assert_non_null(part);
			memcpy(part, text, n);
			realtime_parse(part, n, AUDIO_PCMU, &e);
			/* Types of which nothing else is read may be told by their name,
			 * and audio by its fields. */
			if (e.type != MODEL_INVALID && e.type != MODEL_UNKNOWN && e.type != MODEL_IGNORED &&
			    e.type != MODEL_AUDIO)
				fail_msg("%s: %zu bytes of it are an event", name, n);
			realtime_release(&e);
			free(part);
		}
		free(text);
	}
}

static struct model_event parsed(const char *text)
{
	struct model_event e;

	realtime_parse(text, strlen(text), AUDIO_PCMU, &e);
	return e;
}

/* A fixture as an event; the text, which the caller frees after it is released. */
static char *parse_fixture(const char *name, struct model_event *e)
{
	size_t len;
	char *text = fixture(name, &len);

	realtime_parse(text, len, AUDIO_PCMU, e);
	return text;
}

static void expect_type(const char *text, enum model_event_type type)
{
	struct model_event e = parsed(text);

	if (e.type != type)
		fail_msg("%s gives %d, not %d", text, e.type, type);
	realtime_release(&e);
}

/* `json`: as it stands between the quotes. */
static void expect_transcript(const char *json, const char *text)
{
	char event[256];
	struct model_event e;

	snprintf(event, sizeof event,
	    "{\"type\":\"conversation.item.input_audio_transcription.completed\",\"item_id\":\"i\",\"transcript\":\"%s\"}",
	    json);
	e = parsed(event);
	assert_int_equal(e.type, MODEL_TRANSCRIPT);
	assert_string_equal(e.text, text);
	realtime_release(&e);
}

static void audio_is_handed_out_as_it_came(void **state)
{
	size_t len;
	char *text = fixture("openai-response-output_audio-delta", &len);
	struct model_event e;
	uint8_t audio[1024];

	(void)state;
	realtime_parse(text, len, AUDIO_PCMU, &e);
	assert_null(e.kept);
	assert_true(e.audio.p >= text && e.audio.p + e.audio.n <= text + len);
	assert_int_equal(base64_decode(audio, e.audio.p, e.audio.n), 200);
	free(text);
}

static void speech_is_told_even_if_its_details_are_missing(void **state)
{
	static const char *const vague[] = {
		"{\"type\":\"input_audio_buffer.speech_started\"}",
		"{\"type\":\"input_audio_buffer.speech_started\",\"item_id\":null,\"audio_start_ms\":null}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof vague / sizeof vague[0]; i++) {
		struct model_event e = parsed(vague[i]);

		assert_int_equal(e.type, MODEL_SPEECH_STARTED);
		assert_string_equal(e.item_id, "");
		assert_int_equal(e.ms, -1);
		realtime_release(&e);
	}
	expect_type("{\"type\":\"input_audio_buffer.speech_stopped\",\"item_id\":\"i\"}", MODEL_SPEECH_STOPPED);
}

static void a_nul_does_not_lose_a_transcript(void **state)
{
	(void)state;
	expect_transcript("a\\u0000b", "a\xef\xbf\xbd"
				       "b");
}

static void fields_of_a_wrong_type_make_it_invalid(void **state)
{
	static const char *const wrong[] = {
		"",
		"{",
		"null",
		"[]",
		"\"response.done\"",
		"{}",
		"{\"type\":\"error\"",
		"{\"type\":null}",
		"{\"type\":error}",
		"{\"type\":\"response.output_audio.delta\",\"response_id\":\"r\",\"item_id\":\"i\",\"delta\":null}",
		"{\"typ\":\"error\"}",
		"{\"type\":\"error\"}",
		"{\"type\":\"error\",\"error\":null}",
		"{\"type\":\"error\",\"error\":\"x\"}",
		"{\"type\":\"session.created\"}",
		"{\"type\":\"session.updated\",\"session\":[]}",
		"{\"type\":\"input_audio_buffer.speech_started\",\"item_id\":7,\"audio_start_ms\":1}",
		"{\"type\":\"input_audio_buffer.speech_started\",\"audio_start_ms\":\"1\"}",
		"{\"type\":\"input_audio_buffer.speech_stopped\",\"audio_end_ms\":1e300}",
		"{\"type\":\"input_audio_buffer.speech_stopped\",\"audio_end_ms\":-1}",
		"{\"type\":\"input_audio_buffer.committed\",\"item_id\":null}",
		"{\"type\":\"response.created\",\"response\":{\"id\":null}}",
		"{\"type\":\"response.created\",\"response\":{\"id\":\"\"}}",
		"{\"type\":\"response.created\",\"response\":\"resp_1\"}",
		"{\"type\":\"response.done\",\"response\":{\"status\":\"completed\"}}",
		"{\"type\":\"response.output_audio.delta\",\"response_id\":\"r\",\"item_id\":\"i\"}",
		"{\"type\":\"response.output_audio.delta\",\"item_id\":\"i\",\"delta\":\"AAAA\"}",
		"{\"type\":\"response.output_audio.delta\",\"response_id\":\"\",\"item_id\":\"i\",\"delta\":\"AAAA\"}",
		"{\"type\":\"response.output_audio.done\",\"response_id\":\"r\"}",
		"{\"type\":\"response.output_audio_transcript.delta\",\"response_id\":\"r\",\"item_id\":\"i\",\"delta\":7}",
		"{\"type\":\"conversation.item.input_audio_transcription.completed\",\"item_id\":\"i\",\"transcript\":null}",
		"{\"type\":\"response.output_item.added\",\"response_id\":{}}",
		/* JSON that is none */
		"{\"type\":\"response.created\",\"response\":{\"id\":\"r\"}} x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		expect_type(wrong[i], MODEL_INVALID);
}

/* The service repeats our metadata; nobody else's are ours. */
static void asides_are_known_by_their_metadata(void **state)
{
	static const struct {
		const char *metadata;
		bool aside;
	} rows[] = { { "{\"purpose\":\"filler\"}", true }, { "{\"purpose\":\"summary\"}", false }, { "{}", false },
		{ "null", false }, { "\"aside\"", false } };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
		struct model_event e;
		char text[256];

		snprintf(text, sizeof text,
		    "{\"type\":\"response.%s\",\"response\":{\"id\":\"r\",\"status\":\"completed\",\"metadata\":%s}}",
		    i % 2 ? "done" : "created", rows[i / 2].metadata);
		realtime_parse(text, strlen(text), AUDIO_PCMU, &e);
		assert_int_equal(e.type, i % 2 ? MODEL_RESPONSE_DONE : MODEL_RESPONSE_CREATED);
		assert_int_equal(e.aside, rows[i / 2].aside);
		realtime_release(&e);
	}
}

/* Whatever else is wrong with it, a response is billed; not by a transcript's price. */
static void usage_of_an_end_that_makes_no_sense_is_taken(void **state)
{
	static const char done[] = "{\"type\":\"response.done\",\"response\":{\"id\":7,\"usage\":{\"input_tokens\":9,"
				   "\"output_tokens\":3}}}",
			  transcript[] = "{\"type\":\"conversation.item.input_audio_transcription.completed\","
					 "\"transcript\":\"x\",\"usage\":{\"type\":\"duration\",\"seconds\":4}}";
	struct model_event e;

	(void)state;
	realtime_parse(done, sizeof done - 1, AUDIO_PCMU, &e);
	assert_int_equal(e.type, MODEL_INVALID);
	assert_int_equal(e.usage.n[USAGE_TEXT_IN], 9);
	assert_int_equal(e.usage.n[USAGE_TEXT_OUT], 3);
	realtime_release(&e);
	realtime_parse(transcript, sizeof transcript - 1, AUDIO_PCMU, &e);
	assert_int_equal(e.type, MODEL_INVALID);
	assert_int_equal(e.usage.n[USAGE_MS], 0);
	realtime_release(&e);
}

/* The ids of an event that is read from a tree, and of one that is scanned. */
static void expect_ids(const char *id, const char *taken)
{
	char text[12000];
	struct model_event e;

	snprintf(text, sizeof text, "{\"type\":\"response.created\",\"response\":{\"id\":\"%s\"}}", id);
	e = parsed(text);
	assert_int_equal(e.type, MODEL_RESPONSE_CREATED);
	assert_string_equal(e.response_id, taken);
	realtime_release(&e);
	snprintf(text, sizeof text,
	    "{\"type\":\"response.output_audio.delta\",\"response_id\":\"r\",\"item_id\":\"%s\",\"delta\":\"\"}", id);
	e = parsed(text);
	assert_int_equal(e.type, MODEL_AUDIO);
	assert_string_equal(e.response_id, "r");
	assert_string_equal(e.item_id, taken);
	realtime_release(&e);
}

static void ids_are_as_long_as_the_service_likes(void **state)
{
	static const size_t sizes[] = { 63, 64, 65, 511, 512, 513, 600, 10240 };
	char id[10241], taken[FOREIGN_ID_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		memset(id, 'x', sizes[i]);
		id[sizes[i]] = '\0';
		foreign_id_take(taken, id, sizes[i]);
		assert_int_equal(strcmp(taken, id) == 0, sizes[i] <= 512);
		expect_ids(id, taken);
	}
}

static void ids_of_audio_are_what_they_mean(void **state)
{
	static const char *const ids[][2] = { { "i\\u0041", "iA" }, { "\\n", "\n" }, { "\x7f", "\x7f" },
		{ "\xc3\xa9", "\xc3\xa9" }, { "\xff", "\xef\xbf\xbd" }, { "\\ud83d", "\xef\xbf\xbd" } };

	(void)state;
	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
		expect_ids(ids[i][0], ids[i][1]);
}

static void expect_mended(const char *text, size_t len, enum model_event_type type)
{
	struct model_event e;

	realtime_parse(text, len, AUDIO_PCMU, &e);
	if (e.type != type)
		fail_msg("%.*s gives %d, not %d", (int)len, text, e.type, type);
	realtime_release(&e);
}

#define MENDED(text, type) expect_mended(text, sizeof text - 1, type)

/* Each kind of fault, in each kind of event. */
static void one_bad_character_loses_no_event(void **state)
{
	(void)state;
	expect_transcript("Party \\ud83d", "Party \xef\xbf\xbd");
	expect_transcript("a\xff", "a\xef\xbf\xbd");
	MENDED("\xef\xbb\xbf{\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}", MODEL_RESPONSE_CREATED);
	MENDED("{\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}\0", MODEL_RESPONSE_CREATED);
	MENDED("{\"x\":\"\\ud83d\",\"type\":\"response.done\",\"response\":{\"id\":\"r\",\"status\":\"completed\"}}",
	    MODEL_RESPONSE_DONE);
	MENDED("{\"type\":\"response.output_audio.delta\",\"response_id\":\"r\",\"item_id\":\"i\0\",\"delta\":\"\"}",
	    MODEL_AUDIO);
	MENDED("\xef\xbb\xbf{\"type\":\"response.output_audio.delta\",\"response_id\":\"r\",\"item_id\":\"i\","
	       "\"delta\":\"AAAA\"}",
	    MODEL_AUDIO);
	MENDED("{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]],"
	       "\"type\":\"response.output_audio.delta\",\"response_id\":\"r\",\"item_id\":\"i\",\"delta\":\"AAAA\"}",
	    MODEL_AUDIO);
}

static void what_cannot_be_read_says_its_type(void **state)
{
	struct model_event e = parsed("{\"type\":\"response.done\",\"response\":7}");

	(void)state;
	assert_int_equal(e.type, MODEL_INVALID);
	assert_string_equal(e.code, "response.done");
	realtime_release(&e);
	e = parsed("{\"type\":\"response.done\",\"response\":");
	assert_string_equal(e.code, "response.done");
	realtime_release(&e);
	e = parsed("nonsense");
	assert_int_equal(e.type, MODEL_INVALID);
	assert_string_equal(e.code, "");
	realtime_release(&e);
}

static void unknown_event_is_known_by_its_name(void **state)
{
	struct model_event e;
	char *text = parse_fixture("openai-unknown-event", &e);

	(void)state;
	assert_int_equal(e.type, MODEL_UNKNOWN);
	assert_string_equal(e.code, "response.some_future_event");
	free(text);
}

/* Each is replaced once, not looked for again from the beginning: that would
 * take hours. */
static void flood_of_nuls_is_read_in_one_pass(void **state)
{
	static const char head[] =
	    "{\"type\":\"conversation.item.input_audio_transcription.completed\",\"item_id\":\"i\","
	    "\"transcript\":\"";
	enum { NULS = 1000 * 1000 };
	char *text = malloc(sizeof head + 6 * NULS + 2), *at = text;
	struct model_event e;

	(void)state;
	assert_non_null(text);
	at = stpcpy(at, head);
	for (int i = 0; i < NULS; i++)
		at = stpcpy(at, "\\u0000");
	at = stpcpy(at, "\"}");
	realtime_parse(text, (size_t)(at - text), AUDIO_PCMU, &e);
	assert_int_equal(e.type, MODEL_TRANSCRIPT);
	assert_int_equal(strlen(e.text), 3 * NULS);
	realtime_release(&e);
	free(text);
}

static void only_a_nul_is_replaced(void **state)
{
	(void)state;
	expect_transcript("a\\u0000\\\\u0000\\\\\\u0000\\u00000", "a\xef\xbf\xbd\\u0000\\\xef\xbf\xbd\xef\xbf\xbd"
								  "0");
}

static void numbers_may_be_integers_or_fractions(void **state)
{
	struct model_event e =
	    parsed("{\"type\":\"input_audio_buffer.speech_stopped\",\"item_id\":\"i\",\"audio_end_ms\":5720.75}");

	(void)state;
	assert_int_equal(e.type, MODEL_SPEECH_STOPPED);
	assert_int_equal(e.ms, 5720);
	realtime_release(&e);
}

static void end_of_an_answer_tells_how(void **state)
{
	static const struct {
		const char *name, *status, *code;
	} ends[] = { { "openai-response-done", "completed", "" }, { "openai-response-done-wire", "completed", "" },
		{ "openai-response-done-cancelled-client", "cancelled", "client_cancelled" },
		{ "openai-response-done-cancelled-turn_detected", "cancelled", "turn_detected" },
		{ "openai-response-done-incomplete", "incomplete", "max_output_tokens" },
		{ "openai-response-done-incomplete-content_filter", "incomplete", "content_filter" },
		{ "openai-response-done-failed", "failed", "rate_limit_exceeded" },
		{ "openai-response-done-failed-quota", "failed", "insufficient_quota" } };
	struct model_event e;

	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		char *text = parse_fixture(ends[i].name, &e);

		assert_string_equal(model_status_name(e.status), ends[i].status);
		assert_string_equal(e.code, ends[i].code);
		assert_int_equal(e.reason == MODEL_TURN_DETECTED, !strcmp(ends[i].code, "turn_detected"));
		assert_int_equal(e.error == MODEL_MODERATED, !strcmp(ends[i].code, "content_filter"));
		realtime_release(&e);
		free(text);
	}
	/* What is not documented is no success. */
	e = parsed("{\"type\":\"response.done\",\"response\":{\"id\":\"r\",\"status\":\"splendid\"}}");
	assert_int_equal(e.status, MODEL_FAILED);
	assert_string_equal(e.code, "unknown");
	realtime_release(&e);
}

static void expect_error(const char *type, const char *code, enum model_error error)
{
	char text[256];
	struct model_event e;

	snprintf(text, sizeof text, "{\"type\":\"error\",\"error\":{\"type\":\"%s\"%s%s%s}}", type,
	    code ? ",\"code\":\"" : "", code ? code : "", code ? "\"" : "");
	e = parsed(text);
	assert_int_equal(e.type, MODEL_ERROR);
	assert_int_equal(e.error, error);
	realtime_release(&e);
}

static void errors_have_the_class_their_code_gives_them(void **state)
{
	static const struct {
		const char *name;
		enum model_error error;
		const char *code, *refused_id;
	} errors[] = {
		{ "openai-error", MODEL_HARMLESS, "unknown_parameter", "c_0001" },
		{ "openai-error-active-response", MODEL_HARMLESS, "conversation_already_has_active_response",
		    "c_0030" },
		{ "openai-error-cancel-not-active", MODEL_HARMLESS, "response_cancel_not_active", "c_0040" },
		{ "openai-error-commit-empty", MODEL_HARMLESS, "input_audio_buffer_commit_empty", "c_0010" },
		{ "openai-error-minimal", MODEL_HARMLESS, "invalid_request_error", "" },
		{ "openai-error-server", MODEL_RETRY, "server_error", "" },
		{ "openai-error-session-expired", MODEL_RENEW, "session_expired", "" },
		{ "openai-error-truncate-too-long", MODEL_HARMLESS, "invalid_value", "c_0027" },
		{ "openai-response-done-failed", MODEL_RETRY, "rate_limit_exceeded", "" },
		{ "openai-response-done-failed-quota", MODEL_FATAL, "insufficient_quota", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		struct model_event e;
		char *text = parse_fixture(errors[i].name, &e);

		assert_int_equal(e.error, errors[i].error);
		assert_string_equal(e.code, errors[i].code);
		assert_string_equal(e.refused_id, errors[i].refused_id);
		assert_int_equal(e.refused, MODEL_REQUEST_NONE); /* no id of ours */
		assert_int_equal(e.reason == MODEL_BUSY, !strcmp(errors[i].name, "openai-error-active-response"));
		realtime_release(&e);
		free(text);
	}
	/* An answer may fail without an error, or with a status that we do not know. */
	for (int i = 0; i < 3; i++) {
		static const char *const details[] = { "null", "{\"type\":\"failed\",\"error\":null}",
			"{\"error\":{\"type\":\"invalid_request_error\",\"code\":null,\"message\":\"no\"}}" };
		struct model_event e;
		char text[256];

		snprintf(text, sizeof text,
		    "{\"type\":\"response.done\",\"response\":{\"id\":\"r\",\"status\":\"%s\",\"status_details\":%s}}",
		    i ? "failed" : "lost", details[i]);
		e = parsed(text);
		assert_int_equal(e.status, MODEL_FAILED);
		assert_int_equal(e.error, MODEL_RETRY);
		assert_string_equal(e.code, i == 2 ? "invalid_request_error" : "unknown");
		realtime_release(&e);
	}
	/* As the reason of a close frame has it. */
	assert_int_equal(realtime_close_class("invalid_request_error.invalid_api_key"), MODEL_FATAL);
	expect_error("insufficient_quota", NULL, MODEL_FATAL);
	expect_error("invalid_request_error", "inference_rate_limit_exceeded", MODEL_RETRY);
	assert_int_equal(realtime_close_class(""), MODEL_HARMLESS);
	assert_string_equal(model_error_name(MODEL_FATAL), "fatal");
}

static void refusal_tells_which_of_our_requests_it_means(void **state)
{
	static const enum model_request requests[] = { MODEL_REQUEST_CONFIGURE, MODEL_REQUEST_ANSWER,
		MODEL_REQUEST_CANCEL, MODEL_REQUEST_HEARD, MODEL_REQUEST_KEYS, MODEL_REQUEST_TOOL, MODEL_REQUEST_PAST };
	static const char *const others[] = { "", "say", "says_7", "_7", "c_0001", "SAY_7" };
	char text[256], id[MODEL_REQUEST_ID_SIZE];
	struct model_event e;

	(void)state;
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		model_request_id(requests[i], UINT32_MAX, id);
		snprintf(text, sizeof text, "{\"type\":\"error\",\"error\":{\"event_id\":\"%s\"}}", id);
		e = parsed(text);
		assert_int_equal(e.refused, requests[i]);
		assert_string_equal(e.refused_id, id);
		realtime_release(&e);
	}
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		assert_int_equal(model_request_of(others[i]), MODEL_REQUEST_NONE);
}

/* `words`: a part of what is said to differ; NULL: nothing does. */
static void expect_format(const char *text, size_t len, enum audio_format format, const char *words)
{
	struct model_event e;

	realtime_parse(text, len, format, &e);
	assert_true(e.type == MODEL_SESSION_CREATED || e.type == MODEL_SESSION_UPDATED);
	if (!words)
		assert_string_equal(e.mismatch, "");
	else if (!strstr(e.mismatch, words) || !e.mismatch[0])
		fail_msg("\"%s\" does not tell of %s", e.mismatch, words);
	realtime_release(&e);
}

static void format_is_compared_both_ways(void **state)
{
	static const struct {
		const char *session, *words;
		enum audio_format format;
	} wrong[] = {
		{ "{\"audio\":{\"input\":{\"format\":{\"type\":\"audio/pcmu\"}},"
		  "\"output\":{\"format\":{\"type\":\"audio/pcm\",\"rate\":24000}}}}",
		    "output", AUDIO_PCMU },
		{ "{}", "not told", AUDIO_PCMU },
		{ "{\"audio\":{\"input\":{\"format\":{\"type\":\"audio/pcm\",\"rate\":1e300}}}}", "", AUDIO_PCM },
		{ "{\"audio\":{\"input\":{\"format\":\"g711_ulaw\"}}}", "", AUDIO_PCMU },
	};
	size_t len;
	char *text = fixture("openai-session-updated", &len), message[512];

	(void)state;
	expect_format(text, len, AUDIO_PCMU, NULL);
	expect_format(text, len, AUDIO_PCMA, "audio/pcmu");
	expect_format(text, len, AUDIO_PCM, "");
	free(text);

	text = fixture("openai-session-created-wire", &len); /* 24 kHz until told otherwise */
	expect_format(text, len, AUDIO_PCM, NULL);
	expect_format(text, len, AUDIO_PCMU, "");
	free(text);

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		snprintf(message, sizeof message, "{\"type\":\"session.updated\",\"session\":%s}", wrong[i].session);
		expect_format(message, strlen(message), wrong[i].format, wrong[i].words);
	}
}

static void session_in_text_answers_in_text_and_its_audio_does_not_matter(void **state)
{
	static const struct {
		const char *session, *wrong;
	} rows[] = {
		{ "{\"output_modalities\":[\"text\"],\"audio\":{\"output\":{\"format\":{\"type\":\"audio/pcm\"}}}}",
		    "" },
		{ "{\"output_modalities\":[\"audio\"]}", "it answers in audio, not in text" },
		{ "{\"output_modalities\":[\"text\",\"audio\"]}", "it answers in text, not in text" },
		{ "{\"output_modalities\":[7]}", "it answers in a form not told, not in text" },
		{ "{}", "it answers in a form not told, not in text" }
	};
	static const char created[] = "{\"type\":\"session.created\",\"session\":{}}";
	char message[300];
	struct model_event e;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		snprintf(message, sizeof message, "{\"type\":\"session.updated\",\"session\":%s}", rows[i].session);
		realtime_parse_text(message, strlen(message), AUDIO_PCMU, &e);
		assert_int_equal(e.type, MODEL_SESSION_UPDATED);
		assert_string_equal(e.mismatch, rows[i].wrong);
		realtime_release(&e);
	}
	realtime_parse_text(created, strlen(created), AUDIO_PCMU, &e);
	assert_string_equal(e.mismatch, "");
	realtime_release(&e);
}

/* ------------------------------------------------------------------ what goes out */

/* Every path of the documented messages of one type, with what stands there:
 * ".session.audio.input.format.type string". */
struct shape {
	char *lines[512];
	size_t count;
	const char *type; /* of the message, while collecting */
};

static const char *kind_of(const cJSON *value)
{
	static const struct {
		int types;
		const char *kind;
	} kinds[] = { { cJSON_String, "string" }, { cJSON_Number, "number" }, { cJSON_True | cJSON_False, "bool" },
		{ cJSON_NULL, "null" }, { cJSON_Array, "array" } };

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (value->type & kinds[i].types)
			return kinds[i].kind;
	return "object";
}

static bool shape_has(const struct shape *s, const char *line)
{
	for (size_t i = 0; i < s->count; i++)
		if (!strcmp(s->lines[i], line))
			return true;
	return false;
}

static void shape_add(struct shape *s, const char *line)
{
	if (shape_has(s, line))
		return;
	assert_true(s->count < sizeof s->lines / sizeof s->lines[0]);
	s->lines[s->count++] = strdup(line);
}

/* Walks a message; `each` is told every path in it. */
static void walk(const cJSON *value, const char *path, void (*each)(void *arg, const char *line), void *arg)
{
	char line[256];
	const cJSON *child;

	snprintf(line, sizeof line, "%s %s", path, kind_of(value));
	each(arg, line);
	cJSON_ArrayForEach(child, value)
	{
		char below[200];

		snprintf(below, sizeof below, "%.150s%s%.40s", path, cJSON_IsArray(value) ? "[]" : ".",
		    cJSON_IsArray(value) ? "" : child->string);
		walk(child, below, each, arg);
	}
}

static void collect_line(void *arg, const char *line)
{
	shape_add(arg, line);
}

static void collect(const char *name, void *arg)
{
	struct shape *s = arg;
	size_t len;
	char *text;
	cJSON *tree;

	if (!from_us(name))
		return;
	text = fixture(name, &len);
	tree = json_parse(text, len);
	assert_non_null(tree);
	if (!strcmp(json_str(tree, "type"), s->type))
		walk(tree, "", collect_line, s);
	cJSON_Delete(tree);
	free(text);
}

/* Collected once for each type. */
static const struct shape *shape_of(const char *type)
{
	static struct shape shapes[12];
	struct shape *s = shapes;

	while (s->type && strcmp(s->type, type))
		s++;
	if (s->type)
		return s;
	assert_true(s < shapes + 11);
	s->type = strdup(type);
	fixtures("openai-*", collect, s);
	/* Documented as nullable; no fixture shows it. */
	if (!strcmp(type, "session.update"))
		shape_add(s, ".session.audio.input.transcription null");
	return s;
}

struct check {
	const struct shape *shape;
	char surplus[256]; /* the first line that is in no fixture */
};

static void check_line(void *arg, const char *line)
{
	struct check *c = arg;

	if (!c->surplus[0] && !shape_has(c->shape, line))
		snprintf(c->surplus, sizeof c->surplus, "%s", line);
}

/* What in the message is not documented; "" if all is. */
static const char *undocumented(const cJSON *tree)
{
	static struct check c;

	memset(&c, 0, sizeof c);
	c.shape = shape_of(json_str(tree, "type"));
	walk(tree, "", check_line, &c);
	return c.surplus;
}

/* The message as a tree, after it was found to be of a documented shape; the
 * caller deletes it. */
static cJSON *checked(struct buf *message)
{
	cJSON *tree;
	const char *surplus;

	assert_int_equal(buf_error(message), 0);
	tree = json_parse(buf_text(message), message->len);
	if (!tree)
		fail_msg("not JSON: %s", buf_text(message));
	surplus = undocumented(tree);
	if (surplus[0])
		fail_msg("not documented: %s in %s", surplus, buf_text(message));
	buf_reset(message);
	return tree;
}

static const char *at(const cJSON *tree, const char *path)
{
	static char text[32];
	char part[64];

	while (*path) {
		size_t n = strcspn(path, ".");

		snprintf(part, sizeof part, "%.*s", (int)n, path);
		tree = cJSON_IsArray(tree) ? cJSON_GetArrayItem(tree, atoi(part)) : json_get(tree, part);
		path += path[n] ? n + 1 : n;
	}
	if (!tree)
		return "(absent)";
	if (cJSON_IsString(tree))
		return tree->valuestring;
	if (cJSON_IsNumber(tree))
		snprintf(text, sizeof text, "%g", tree->valuedouble);
	return cJSON_IsNumber(tree)  ? text
	       : cJSON_IsTrue(tree)  ? "true"
	       : cJSON_IsFalse(tree) ? "false"
				     : kind_of(tree);
}

struct wanted {
	const char *path, *value;
};

/* Of a documented shape, and with these values at their paths; the last is empty. */
static void check_message(struct buf *message, const struct wanted *wanted)
{
	cJSON *tree = checked(message);

	for (; wanted->path; wanted++)
		if (strcmp(at(tree, wanted->path), wanted->value))
			fail_msg("%s is %s, not %s", wanted->path, at(tree, wanted->path), wanted->value);
	cJSON_Delete(tree);
}

#define CHECK_MESSAGE(message, ...) check_message(message, (const struct wanted[]){ __VA_ARGS__, { 0 } })

static void field_that_is_not_documented_is_noticed(void **state)
{
	static const char *const planted[] = {
		"{\"type\":\"session.update\",\"session\":{\"type\":\"realtime\",\"temperature\":0.8}}",
		"{\"type\":\"session.update\",\"session\":{\"type\":\"realtime\",\"audio\":{\"input\":{\"format\":"
		"\"g711_ulaw\"}}}}",
		"{\"type\":\"session.update\",\"session\":{\"type\":\"realtime\",\"max_output_tokens\":true}}",
		"{\"type\":\"response.cancel\",\"item_id\":\"i\"}",
		"{\"type\":\"conversation.item.truncate\",\"item_id\":\"i\",\"content_index\":0,\"audio_end_ms\":\"1\"}",
		"{\"type\":\"input_audio_buffer.append\",\"audio\":\"AAAA\",\"event_id\":7}",
		"{\"type\":\"response.something\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof planted / sizeof planted[0]; i++) {
		cJSON *tree = cJSON_Parse(planted[i]);

		assert_non_null(tree);
		if (!undocumented(tree)[0])
			fail_msg("passed: %s", planted[i]);
		cJSON_Delete(tree);
	}
}

static struct buf out;

/* Before each test, and after it. */
static int empty_out(void **state)
{
	(void)state;
	buf_free(&out);
	buf_init(&out, 0);
	return 0;
}

/* What the session is to be, for the built-in agent under some settings. */
struct settings {
	struct config cfg;
	struct agent agent;
	struct model_wish wish;
};

static void settings_load(struct settings *s, const char *const *pairs)
{
	pairs_load(&s->cfg, pairs);
	agent_from_config(&s->agent, &s->cfg);
	s->wish = (struct model_wish){ .agent = &s->agent, .instructions = s->cfg.instructions };
}

static void configure(const struct settings *s, unsigned without)
{
	realtime_configure(&out, "cfg_1", &s->wish, s->cfg.audio_format, without);
}

static void session_is_configured_as_the_settings_say(void **state)
{
	static const char *const pairs[] = { "INSTRUCTIONS", "Say \"hello\".", "OPENAI_VOICE", "cedar",
		"TRANSCRIPTION_LANGUAGE", "de", "VAD_THRESHOLD", "0.65", "VAD_PREFIX_MS", "250", "VAD_SILENCE_MS",
		"450", "MAX_OUTPUT_TOKENS", "700", "NOISE_REDUCTION", "far_field", "REASONING_EFFORT", "low",
		"OPENAI_SPEED", "1.25", NULL };
	struct settings s;

	(void)state;
	settings_load(&s, pairs);
	configure(&s, 0);
	CHECK_MESSAGE(&out, { "type", "session.update" }, { "event_id", "cfg_1" }, { "session.type", "realtime" },
	    { "session.output_modalities.0", "audio" }, { "session.instructions", "Say \"hello\"." },
	    { "session.audio.input.format.type", "audio/pcmu" }, { "session.audio.output.format.type", "audio/pcmu" },
	    { "session.audio.input.format.rate", "(absent)" }, { "session.audio.output.voice", "cedar" },
	    { "session.audio.output.speed", "1.25" }, { "session.audio.input.transcription.model", "gpt-transcribe" },
	    { "session.audio.input.transcription.language", "de" },
	    { "session.audio.input.noise_reduction.type", "far_field" },
	    { "session.audio.input.turn_detection.type", "server_vad" },
	    { "session.audio.input.turn_detection.threshold", "0.65" },
	    { "session.audio.input.turn_detection.prefix_padding_ms", "250" },
	    { "session.audio.input.turn_detection.silence_duration_ms", "450" },
	    { "session.audio.input.turn_detection.create_response", "true" },
	    { "session.audio.input.turn_detection.interrupt_response", "true" }, { "session.reasoning.effort", "low" },
	    { "session.max_output_tokens", "700" });

	/* For services that know less. */
	configure(&s, MODEL_EXTRAS);
	CHECK_MESSAGE(&out, { "session.audio.output.speed", "(absent)" },
	    { "session.audio.input.noise_reduction", "(absent)" }, { "session.reasoning", "(absent)" },
	    { "session.audio.input.format.type", "audio/pcmu" });
	configure(&s, MODEL_EXTRA_SPEED);
	CHECK_MESSAGE(&out, { "session.audio.output.speed", "(absent)" },
	    { "session.audio.input.noise_reduction.type", "far_field" }, { "session.reasoning.effort", "low" });
	config_free(&s.cfg);
}

static void extras_at_fault_are_told_by_the_parameter(void **state)
{
	(void)state;
	assert_int_equal(realtime_extras_at_fault(NULL), MODEL_EXTRAS);
	assert_int_equal(realtime_extras_at_fault("session.reasoning.effort"), MODEL_EXTRA_REASONING);
	assert_int_equal(realtime_extras_at_fault("audio.output.speed"), MODEL_EXTRA_SPEED);
	assert_int_equal(
	    realtime_extras_at_fault("session.audio.input.transcription.languages[1]"), MODEL_EXTRA_LANGUAGES);
	assert_int_equal(realtime_extras_at_fault("session.audio.input.noise_reduction"), MODEL_EXTRA_NOISE_REDUCTION);
	assert_int_equal(realtime_extras_at_fault("session.tools[0].parameters"), 0);
}

/* The session that came back, against the one asked for. */
static const char *differences(const struct settings *s, const char *session)
{
	static char said[400];
	struct model_event e = { 0 };
	struct buf differs;

	buf_init(&differs, 0);
	buf_reset(&out);
	configure(s, 0);
	e.kept = json_parse(session, strlen(session));
	assert_non_null(e.kept);
	realtime_compare(&differs, &out, &e);
	snprintf(said, sizeof said, "%s", buf_text(&differs));
	cJSON_Delete(e.kept);
	buf_reset(&out);
	buf_free(&differs);
	return said;
}

#define BACK(speed, voice, tools, reasoning) \
	"{\"session\":{\"type\":\"realtime\",\"id\":\"s\",\"output_modalities\":[\"audio\"],\"instructions\":\"i\"," \
	"\"audio\":{\"input\":{\"format\":{\"type\":\"audio/pcmu\"},\"transcription\":null,\"noise_reduction\":null," \
	"\"turn_detection\":{\"type\":\"semantic_vad\",\"eagerness\":\"auto\",\"create_response\":true," \
	"\"interrupt_response\":true,\"idle_timeout_ms\":null}},\"output\":{\"format\":{\"type\":\"audio/pcmu\"}," \
	"\"speed\":" speed ",\"voice\":" voice "}},\"tools\":" tools ",\"tool_choice\":\"auto\"," reasoning \
	"\"max_output_tokens\":\"inf\"}}"

static void what_came_back_is_compared_with_what_was_asked(void **state)
{
	static const char *const pairs[] = { "INSTRUCTIONS", "i", "OPENAI_VOICE", "voice_1", "TRANSCRIPTION_MODEL",
		"off", "TURN_DETECTION", "semantic_vad", "OPENAI_SPEED", "1.1", "REASONING_EFFORT", "low",
		"MAX_OUTPUT_TOKENS", "inf", "NOISE_REDUCTION", "off", NULL };
	static const char tools[] = "[{\"type\":\"function\",\"name\":\"a\"},{\"type\":\"mcp\",\"server_label\":\"m\","
				    "\"authorization\":\"k\"}]";
	struct settings s;

	(void)state;
	settings_load(&s, pairs);
	s.wish.tools = tools;
	assert_string_equal(differences(&s, BACK("1.10000002", "{\"id\":\"voice_1\"}",
						"[{\"name\":\"a\",\"strict\":false},{\"server_label\":\"m\"}]",
						"\"reasoning\":{\"effort\":\"low\"},")),
	    "");
	assert_string_equal(differences(&s, BACK("1.1", "\"voice_1\"", "[{\"name\":\"a\"},{\"server_label\":\"m\"}]",
						"\"reasoning\":{\"effort\":\"low\"},")),
	    "");
	assert_string_equal(differences(&s, BACK("1", "\"alloy\"", "[{\"name\":\"b\"}]", "")),
	    "audio.output.voice is another, audio.output.speed is 1, not 1.1, reasoning is missing, tool a is missing, "
	    "tool m is missing");
	s.wish.agent = &s.agent;
	s.agent.voice = "marin";
	assert_string_equal(differences(&s, BACK("1.1", "\"alloy\"", "[{\"name\":\"a\"},{\"server_label\":\"m\"}]",
						"\"reasoning\":null,")),
	    "audio.output.voice is \"alloy\", not \"marin\", reasoning is missing");
	config_free(&s.cfg);
}

static void every_combination_of_settings_is_documented(void **state)
{
	static const char *const formats[] = { "pcmu", "pcma", "pcm" },
				 *const vads[] = { "server_vad", "semantic_vad" },
				 *const voices[] = { "marin", "voice_1234" },
				 *const models[] = { "gpt-transcribe", "off" }, *const efforts[] = { "", "xhigh" },
				 *const tokens[] = { "inf", "4096" }, *const speeds[] = { "1", "0.3" },
				 *const noises[] = { "off", "near_field" }, *const interruptible[] = { "on", "off" };

	(void)state;
	for (unsigned i = 0; i < 3 * 256; i++) {
		const char *const pairs[] = { "OPENAI_AUDIO_FORMAT", formats[i / 256], "TURN_DETECTION", vads[i & 1],
			"OPENAI_VOICE", voices[i >> 1 & 1], "TRANSCRIPTION_MODEL", models[i >> 2 & 1],
			"REASONING_EFFORT", efforts[i >> 3 & 1], "MAX_OUTPUT_TOKENS", tokens[i >> 4 & 1],
			"OPENAI_SPEED", speeds[i >> 5 & 1], "NOISE_REDUCTION", noises[i >> 6 & 1], "INTERRUPTIBLE",
			interruptible[i >> 7 & 1], NULL };
		struct settings s;

		settings_load(&s, pairs);
		s.wish.protect = i % 3 == 0;
		configure(&s, i % 16);
		cJSON_Delete(checked(&out));
		realtime_turns(&out, "cfg_2", &s.agent, false);
		cJSON_Delete(checked(&out));
		config_free(&s.cfg);
	}
}

/* No audio is billed by a session in text, and none is asked for. */
static void session_in_text_asks_for_text_and_no_turn_detection(void **state)
{
	static const char *const pairs[] = { "INSTRUCTIONS", "Be brief.", "OPENAI_SPEED", "1.1", "REASONING_EFFORT",
		"low", "NOISE_REDUCTION", "near_field", "MAX_OUTPUT_TOKENS", "600", NULL };
	struct settings s;

	(void)state;
	settings_load(&s, pairs);
	s.wish.tools = "[{\"type\":\"function\",\"name\":\"a\"}]";
	assert_int_equal(realtime_extras_text(&s.agent), MODEL_EXTRA_REASONING);
	realtime_configure_text(&out, "cfg_1", &s.wish, AUDIO_PCM, 0);
	CHECK_MESSAGE(&out, { "event_id", "cfg_1" }, { "session.type", "realtime" },
	    { "session.output_modalities.0", "text" }, { "session.output_modalities.1", "(absent)" },
	    { "session.instructions", "Be brief." }, { "session.audio.input.turn_detection", "null" },
	    { "session.audio.input.format", "(absent)" }, { "session.audio.input.noise_reduction", "(absent)" },
	    { "session.audio.input.transcription", "(absent)" }, { "session.audio.output", "(absent)" },
	    { "session.reasoning.effort", "low" }, { "session.tools.0.name", "a" }, { "session.tool_choice", "auto" },
	    { "session.max_output_tokens", "600" });
	realtime_configure_text(&out, "cfg_2", &s.wish, AUDIO_PCM, MODEL_EXTRA_REASONING);
	CHECK_MESSAGE(&out, { "session.reasoning", "(absent)" });
	config_free(&s.cfg);
}

static void several_languages_are_for_models_that_know_them(void **state)
{
	static const char *const two[] = { "en", "es" };
	struct settings s;

	(void)state;
	settings_load(&s, NULL);
	s.agent.languages = two;
	s.agent.language_count = 2;
	configure(&s, 0);
	CHECK_MESSAGE(&out, { "session.audio.input.transcription.languages.0", "en" },
	    { "session.audio.input.transcription.languages.1", "es" },
	    { "session.audio.input.transcription.language", "(absent)" });
	s.agent.transcription_model = "whisper-1"; /* would be refused with them */
	configure(&s, 0);
	CHECK_MESSAGE(&out, { "session.audio.input.transcription.languages", "(absent)" });
	s.agent.transcription_model = "gpt-transcribe";
	s.agent.transcription_language = "es"; /* said outright */
	configure(&s, 0);
	CHECK_MESSAGE(&out, { "session.audio.input.transcription.languages", "(absent)" },
	    { "session.audio.input.transcription.language", "es" });
	config_free(&s.cfg);
}

static void protected_session_neither_answers_nor_interrupts(void **state)
{
	struct settings s;

	(void)state;
	settings_load(&s, NULL);
	s.wish.protect = true;
	configure(&s, 0);
	CHECK_MESSAGE(&out, { "session.audio.input.turn_detection.create_response", "false" },
	    { "session.audio.input.turn_detection.interrupt_response", "false" });
	/* And then it does again. */
	realtime_turns(&out, "cfg_2", &s.agent, false);
	CHECK_MESSAGE(&out, { "session.type", "realtime" }, { "session.instructions", "(absent)" },
	    { "session.audio.input.turn_detection.create_response", "true" },
	    { "session.audio.input.turn_detection.interrupt_response", "true" });
	s.agent.interruptible = false;
	realtime_turns(&out, "cfg_3", &s.agent, false);
	CHECK_MESSAGE(&out, { "session.audio.input.turn_detection.create_response", "true" },
	    { "session.audio.input.turn_detection.interrupt_response", "false" });
	/* Of an agent with instant answers a turn interrupts, and is answered when we ask. */
	s.agent.interruptible = true;
	s.agent.instant_count = 1;
	realtime_turns(&out, "cfg_4", &s.agent, false);
	CHECK_MESSAGE(&out, { "session.audio.input.turn_detection.create_response", "false" },
	    { "session.audio.input.turn_detection.interrupt_response", "true" });
	config_free(&s.cfg);
}

static void append_of_the_fixture_is_ours_to_the_byte(void **state)
{
	size_t len;
	char *text = fixture("openai-input_audio_buffer-append", &len);
	struct span audio;
	uint8_t bytes[160];
	cJSON *t;

	(void)state;
	assert_true(json_scan(text, len, "audio", &audio));
	assert_int_equal(base64_decode(bytes, audio.p, audio.n), sizeof bytes);
	realtime_hear(&out, bytes, sizeof bytes);
	t = checked(&out);
	assert_int_equal(strlen(at(t, "audio")), audio.n);
	assert_memory_equal(at(t, "audio"), audio.p, audio.n);
	cJSON_Delete(t);
	free(text);
}

static void commands_are_documented_and_name_what_they_mean(void **state)
{
	(void)state;
	realtime_ask(&out, "say_1");
	CHECK_MESSAGE(&out, { "event_id", "say_1" }, { "response", "(absent)" });

	realtime_cancel(&out, "cancel_2", "resp_0001"); /* a bare one could kill the next answer */
	CHECK_MESSAGE(&out, { "response_id", "resp_0001" });

	realtime_heard_until(&out, "cut_3", "item_0003", 1340);
	CHECK_MESSAGE(&out, { "item_id", "item_0003" }, { "content_index", "0" }, { "audio_end_ms", "1340" });

	realtime_unheard(&out, "cut_4", "item_0004");
	CHECK_MESSAGE(&out, { "type", "conversation.item.delete" }, { "item_id", "item_0004" });

	realtime_item(&out, "keys_4", MODEL_ROLE_CALLER, "\"1\" \\ \n", "");
	CHECK_MESSAGE(&out, { "item.role", "user" }, { "item.content.0.type", "input_text" },
	    { "item.content.0.text", "\"1\" \\ \n" }, { "previous_item_id", "(absent)" }, { "item.id", "keys_4" });

	realtime_item(&out, "cut_5", MODEL_ROLE_AGENT, "We open", "item_0003");
	CHECK_MESSAGE(&out, { "item.role", "assistant" }, { "item.content.0.type", "output_text" },
	    { "item.content.0.text", "We open" }, { "previous_item_id", "item_0003" }, { "item.id", "cut_5" });
}

static void greet(const struct config *cfg)
{
	realtime_greet(&out, "say_1", cfg->instructions, cfg->greeting, cfg->greeting_mode == GREETING_EXACT);
}

static void greeting_repeats_the_instructions_and_uses_no_tools(void **state)
{
	static const char *const said[] = { "INSTRUCTIONS", "Be brief.", "GREETING", "Say hello in Welsh.", NULL };
	static const char *const exact[] = { "INSTRUCTIONS", "Be brief.", "GREETING_MODE", "exact", "GREETING",
		"Bore da.", NULL };
	struct config cfg;
	cJSON *t;

	(void)state;
	pairs_load(&cfg, said);
	greet(&cfg);
	CHECK_MESSAGE(
	    &out, { "response.tool_choice", "none" }, { "response.instructions", "Be brief.\n\nSay hello in Welsh." });
	config_free(&cfg);

	pairs_load(&cfg, exact);
	greet(&cfg);
	t = checked(&out);
	assert_ptr_equal(strstr(at(t, "response.instructions"), "Be brief."), at(t, "response.instructions"));
	assert_non_null(strstr(at(t, "response.instructions"), "exactly"));
	assert_non_null(strstr(at(t, "response.instructions"), "\nBore da."));
	cJSON_Delete(t);
	config_free(&cfg);
}

/* The stand-in model's side of this is in tests/unit/tools/. */
static void what_is_to_be_said_is_worded_as_the_standin_knows_it(void **state)
{
	char wanted[400];

	(void)state;
	realtime_say(&out, "say_1", "Be brief.", "Good bye.", true);
	snprintf(wanted, sizeof wanted, "Be brief.\n\n%sGood bye.", words_to_say("say"));
	CHECK_MESSAGE(&out, { "response.instructions", wanted });
	realtime_aside(&out, "say_3", "Be brief.", "One moment.", true);
	snprintf(wanted, sizeof wanted, "Be brief.\n\n%sOne moment.", words_to_say("say"));
	CHECK_MESSAGE(&out, { "response.instructions", wanted }, { "response.conversation", "none" },
	    { "response.metadata.purpose", "filler" }, { "response.tool_choice", "none" });
	realtime_greet(&out, "say_2", "Be brief.", "Hello.", true);
	snprintf(wanted, sizeof wanted, "Be brief.\n\n%sHello.", words_to_say("greeting"));
	CHECK_MESSAGE(&out, { "response.instructions", wanted });
}

static void message_too_large_for_its_buffer_is_an_error_not_half_a_message(void **state)
{
	static uint8_t bytes[4000];

	(void)state;
	buf_init(&out, 1000);
	realtime_hear(&out, bytes, sizeof bytes);
	assert_true(buf_error(&out) < 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, empty_out, empty_out)

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(every_event_of_the_fixtures_is_what_it_is),
	cmocka_unit_test(no_event_of_the_fixtures_is_left_out),
	cmocka_unit_test(no_beginning_of_an_event_is_one),
	cmocka_unit_test(audio_is_handed_out_as_it_came),
	cmocka_unit_test(speech_is_told_even_if_its_details_are_missing),
	cmocka_unit_test(a_nul_does_not_lose_a_transcript),
	cmocka_unit_test(fields_of_a_wrong_type_make_it_invalid),
	cmocka_unit_test(asides_are_known_by_their_metadata),
	cmocka_unit_test(usage_of_an_end_that_makes_no_sense_is_taken),
	cmocka_unit_test(ids_are_as_long_as_the_service_likes),
	cmocka_unit_test(ids_of_audio_are_what_they_mean),
	cmocka_unit_test(one_bad_character_loses_no_event),
	cmocka_unit_test(what_cannot_be_read_says_its_type),
	cmocka_unit_test(unknown_event_is_known_by_its_name),
	cmocka_unit_test(flood_of_nuls_is_read_in_one_pass),
	cmocka_unit_test(only_a_nul_is_replaced),
	cmocka_unit_test(numbers_may_be_integers_or_fractions),
	cmocka_unit_test(end_of_an_answer_tells_how),
	cmocka_unit_test(errors_have_the_class_their_code_gives_them),
	cmocka_unit_test(refusal_tells_which_of_our_requests_it_means),
	cmocka_unit_test(format_is_compared_both_ways),
	cmocka_unit_test(session_in_text_answers_in_text_and_its_audio_does_not_matter),
	TEST(session_in_text_asks_for_text_and_no_turn_detection),
	cmocka_unit_test(field_that_is_not_documented_is_noticed),
	TEST(session_is_configured_as_the_settings_say),
	TEST(extras_at_fault_are_told_by_the_parameter),
	TEST(what_came_back_is_compared_with_what_was_asked),
	TEST(every_combination_of_settings_is_documented),
	TEST(several_languages_are_for_models_that_know_them),
	TEST(protected_session_neither_answers_nor_interrupts),
	TEST(append_of_the_fixture_is_ours_to_the_byte),
	TEST(commands_are_documented_and_name_what_they_mean),
	TEST(greeting_repeats_the_instructions_and_uses_no_tools),
	TEST(what_is_to_be_said_is_worded_as_the_standin_knows_it),
	TEST(message_too_large_for_its_buffer_is_an_error_not_half_a_message),
	{ 0 },
};
