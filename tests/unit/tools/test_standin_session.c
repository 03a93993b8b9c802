/* The stand-in model over its own wire: TLS, WebSocket, events. The client here
 * is OpenSSL and a few lines; both ends are in one process, over a socket pair.
 */
#include "tools/stamps.h"
#include "tools/standin_model/worker.h"
#include "tools/standin_model/options.h"
#include "tools/standin_model/script.h"
#include "tools/kit/base64.h"
#include "tools/kit/text.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "build/tmp/standin-XXXXXX";
static struct service service;
static struct script script;
static struct worker *worker;
static SSL_CTX *client_context;
static unsigned long connections;
static uint64_t started;

/* The client. */

struct client {
	SSL *ssl;
	int fd;
	struct text in;
	char status[64]; /* the upgrade's first line */
};

static void client_connect(struct client *c, const char *target)
{
	int pair[2];
	struct timeval guard = { .tv_sec = 30 };
	struct text ask = { 0 };
	char *end = NULL, block[4096];

	*c = (struct client){ 0 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	c->fd = pair[0];
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &guard, sizeof guard);
	assert_int_equal(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
	worker_add(worker, pair[1], ++connections, mono_ns());
	c->ssl = SSL_new(client_context);
	SSL_set_fd(c->ssl, c->fd);
	SSL_set_tlsext_host_name(c->ssl, "model.test");
	SSL_set1_host(c->ssl, "model.test");
	if (SSL_connect(c->ssl) != 1)
		return;
	text_printf(&ask,
	    "GET %s HTTP/1.1\r\nHost: model.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer k\r\n\r\n",
	    target);
	SSL_write(c->ssl, ask.data, (int)ask.len);
	text_free(&ask);
	while (!end) {
		int n = SSL_read(c->ssl, block, sizeof block);

		if (n <= 0)
			return;
		text_add(&c->in, block, (size_t)n);
		end = strstr(c->in.data, "\r\n\r\n");
	}
	snprintf(c->status, sizeof c->status, "%.*s", (int)strcspn(c->in.data, "\r"), c->in.data);
	text_drop(&c->in, (size_t)(end - c->in.data) + 4);
}

static void client_close(struct client *c)
{
	SSL_free(c->ssl);
	close(c->fd);
	text_free(&c->in);
}

static void client_frame(struct client *c, unsigned opcode, const void *payload, size_t len)
{
	static const uint8_t mask[4] = { 9, 8, 7, 6 };
	uint8_t head[8] = { (uint8_t)(0x80 | opcode) };
	struct text frame = { 0 };
	const uint8_t *bytes = payload;

	if (len < 126) {
		head[1] = (uint8_t)(0x80 | len);
		text_add(&frame, head, 2);
	} else {
		head[1] = 0x80 | 126;
		head[2] = (uint8_t)(len >> 8);
		head[3] = (uint8_t)len;
		assert_true(len < 65536);
		text_add(&frame, head, 4);
	}
	text_add(&frame, mask, 4);
	for (size_t i = 0; i < len; i++)
		text_add(&frame, &(char){ (char)(bytes[i] ^ mask[i % 4]) }, 1);
	assert_int_equal(SSL_write(c->ssl, frame.data, (int)frame.len), (int)frame.len);
	text_free(&frame);
}

static void client_send(struct client *c, const char *event)
{
	client_frame(c, 1, event, strlen(event));
}

static void client_audio(struct client *c, const uint8_t *audio, size_t len)
{
	struct text event = { 0 };

	text_puts(&event, "{\"type\":\"input_audio_buffer.append\",\"audio\":\"");
	text_base64(&event, audio, len);
	text_puts(&event, "\"}");
	client_send(c, event.data);
	text_free(&event);
}

/* mu-law: silence, or a loud tone. */
static void client_speak(struct client *c, int ms, bool loud)
{
	uint8_t frame[160];

	for (int i = 0; i < 160; i++)
		frame[i] = !loud ? 0xff : (uint8_t)(i / 10 % 2 ? 0x90 : 0x10);
	for (; ms > 0; ms -= 20)
		client_audio(c, frame, sizeof frame);
}

/* The next frame's opcode, its payload in *out; -1 when the connection is over. */
static int client_next(struct client *c, struct text *out)
{
	char block[16384];

	for (;;) {
		const uint8_t *p = (const uint8_t *)c->in.data;
		size_t head = 2, len = c->in.len >= 2 ? p[1] & 0x7f : 0;

		if (len == 126)
			head = 4;
		else if (len == 127)
			head = 10;
		if (c->in.len >= head && head > 2) {
			len = 0;
			for (size_t i = 2; i < head; i++)
				len = len << 8 | p[i];
		}
		if (c->in.len >= head && c->in.len >= head + len) {
			int opcode = p[0] & 15;

			text_clear(out);
			text_add(out, c->in.data + head, len);
			text_drop(&c->in, head + len);
			return opcode;
		}
		int n = SSL_read(c->ssl, block, sizeof block);

		if (n <= 0)
			return -1;
		text_add(&c->in, block, (size_t)n);
	}
}

static cJSON *next_event(struct client *c)
{
	struct text message = { 0 };
	cJSON *event = NULL;

	if (client_next(c, &message) == 1)
		event = cJSON_Parse(message.data);
	text_free(&message);
	return event;
}

static const char *string_at(const cJSON *object, const char *path)
{
	char copy[128], *rest = copy, *name;

	snprintf(copy, sizeof copy, "%s", path);
	while (object && (name = strsep(&rest, ".")))
		object = cJSON_GetObjectItemCaseSensitive(object, name);
	return cJSON_IsString(object) ? object->valuestring : "";
}

static bool is(const cJSON *event, const char *type)
{
	return strcmp(string_at(event, "type"), type) == 0;
}

/* The next event, which must be that. Caller deletes. */
static cJSON *expect(struct client *c, const char *type)
{
	cJSON *event = next_event(c);

	if (!event)
		fail_msg("the connection ended; %s was expected", type);
	if (!is(event, type))
		fail_msg("%s instead of %s", string_at(event, "type"), type);
	return event;
}

/* Skips what comes before it. Caller deletes. */
static cJSON *wait_for(struct client *c, const char *type)
{
	for (;;) {
		cJSON *event = next_event(c);

		if (!event)
			fail_msg("the connection ended; %s was expected", type);
		if (is(event, type))
			return event;
		cJSON_Delete(event);
	}
}

static void drop(cJSON *event)
{
	cJSON_Delete(event);
}

/* Looks at things of it, each a path and its value, and drops it. */
static void check_and_drop(cJSON *event, const char *const *things)
{
	for (; *things; things += 2)
		assert_string_equal(string_at(event, things[0]), things[1]);
	drop(event);
}

#define HAS(event, ...) check_and_drop(event, (const char *const[]){ __VA_ARGS__, NULL })

static void expect_error(struct client *c, const char *code)
{
	cJSON *event = expect(c, "error");

	assert_string_equal(string_at(event, "error.code"), code);
	drop(event);
}

#define TARGET "/v1/realtime?model=gpt-realtime-2.1"
#define UPDATE(more) \
	"{\"type\":\"session.update\",\"event_id\":\"c_1\",\"session\":{\"type\":\"realtime\",\"audio\":{\"input\":{" \
	"\"format\":{\"type\":\"audio/pcmu\"},\"transcription\":{\"model\":\"gpt-transcribe\"}," \
	"\"turn_detection\":{\"type\":\"server_vad\",\"silence_duration_ms\":500}}," \
	"\"output\":{\"format\":{\"type\":\"audio/pcmu\"}}}" more "}}"

/* A session that speaks mu-law. */
static void begin(struct client *c, const char *target)
{
	client_connect(c, target);
	drop(expect(c, "session.created"));
	client_send(c, UPDATE(""));
	drop(expect(c, "session.updated"));
}

/* The record of the newest connection. Caller deletes *all. */
static const cJSON *newest_record(cJSON **all)
{
	char path[64], text[1 << 18];
	FILE *f;
	size_t len;

	snprintf(path, sizeof path, "%s/report.json", directory);
	assert_int_equal(report_write(path, started, mono_ns()), 0);
	f = fopen(path, "r");
	len = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	text[len] = '\0';
	*all = cJSON_Parse(text);
	assert_non_null(*all);
	const cJSON *sessions = cJSON_GetObjectItem(*all, "per_session");

	return cJSON_GetArrayItem(sessions, cJSON_GetArraySize(sessions) - 1);
}

static double number_at(const cJSON *object, const char *path)
{
	char copy[128], *rest = copy, *name;

	snprintf(copy, sizeof copy, "%s", path);
	while (object && (name = strsep(&rest, ".")))
		object = cJSON_GetObjectItemCaseSensitive(object, name);
	return cJSON_IsNumber(object) ? object->valuedouble : NAN;
}

static void assert_violations(double expected)
{
	cJSON *all;

	assert_float_equal(number_at(newest_record(&all), "violation_count"), expected, 0);
	cJSON_Delete(all);
}

/* Tests. */

/* Of the test under way. */
static struct client us;

static void a_session_begins_at_24_khz(void **state)
{
	cJSON *event;

	(void)state;
	client_connect(&us, TARGET);
	assert_string_equal(us.status, "HTTP/1.1 101 Switching Protocols");
	event = expect(&us, "session.created");
	assert_string_equal(string_at(event, "session.audio.input.format.type"), "audio/pcm");
	assert_float_equal(number_at(event, "session.audio.output.format.rate"), 24000, 0);
	assert_float_equal(number_at(event, "session.audio.input.turn_detection.silence_duration_ms"), 200, 0);
	drop(event);
	client_send(&us, UPDATE(""));
	event = expect(&us, "session.updated");
	assert_string_equal(string_at(event, "session.audio.input.format.type"), "audio/pcmu");
	assert_float_equal(number_at(event, "session.audio.input.turn_detection.prefix_padding_ms"), 300, 0);
	drop(event);
	assert_violations(0);
	client_close(&us);
}

static void a_planted_field_is_refused_and_nothing_applied(void **state)
{
	(void)state;
	client_connect(&us, TARGET);
	drop(expect(&us, "session.created"));
	client_send(&us, UPDATE(",\"temperature\":0.8"));
	HAS(expect(&us, "error"), "error.code", "unknown_parameter", "error.param", "session.temperature",
	    "error.event_id", "c_1");
	client_send(&us, "{\"type\":\"session.update\",\"session\":{\"type\":\"realtime\",\"instructions\":\"x\"}}");
	HAS(expect(&us, "session.updated"), "session.audio.input.format.type", "audio/pcm");
	assert_violations(1);
	client_close(&us);
}

static void silence_gets_no_answer(void **state)
{
	(void)state;
	begin(&us, TARGET);
	client_speak(&us, 10000, false);
	client_send(&us, "{\"type\":\"input_audio_buffer.clear\"}");
	drop(expect(&us, "input_audio_buffer.cleared"));
	client_close(&us);
}

static void a_turn_comes_in_the_real_order(void **state)
{
	static const char *const order[] = { "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped",
		"input_audio_buffer.committed", "conversation.item.added", "conversation.item.done", "response.created",
		"response.output_item.added", "conversation.item.added", "response.content_part.added",
		"response.output_audio_transcript.delta", "response.output_audio.delta", "response.output_audio.done",
		"response.output_audio_transcript.done", "response.content_part.done", "conversation.item.done",
		"response.output_item.done", "response.done", "rate_limits.updated" };
	enum { COUNT = sizeof order / sizeof order[0] };
	double audio = 0;
	bool transcribed = false;

	(void)state;
	begin(&us, TARGET);
	client_speak(&us, 400, false);
	client_speak(&us, 1000, true);
	client_speak(&us, 600, false);
	for (size_t i = 0; i < COUNT;) {
		cJSON *event = next_event(&us);
		const char *type = string_at(event, "type"), *delta = string_at(event, "delta");

		if (is(event, "input_audio_buffer.speech_started"))
			assert_float_equal(number_at(event, "audio_start_ms"), 100, 0);
		if (is(event, "input_audio_buffer.speech_stopped"))
			assert_float_equal(number_at(event, "audio_end_ms"), 1900, 0);
		if (is(event, "response.output_audio.delta"))
			audio += (double)strlen(delta) / 4 * 3 / 8;
		if (is(event, "response.done")) {
			assert_string_equal(string_at(event, "response.status"), "completed");
			assert_true(number_at(event, "response.usage.total_tokens") > 0);
		}
		if (strncmp(type, "conversation.item.input_audio_transcription", 43) == 0)
			transcribed = true;
		else if (i < 11 || strcmp(type, order[i]) == 0)
			assert_string_equal(type, order[i++]);
		else /* more deltas, mixed */
			assert_true(strcmp(type, order[9]) == 0 || strcmp(type, order[10]) == 0);
		drop(event);
	}
	assert_true(audio > 1000);
	if (!transcribed)
		drop(wait_for(&us, "conversation.item.input_audio_transcription.completed"));
	assert_violations(0);
	client_close(&us);
}

/* A long answer is going on; its item in *item, unless that is NULL. */
static void begin_long_answer(struct client *c, char item[64])
{
	cJSON *event;

	client_send(c, "{\"type\":\"response.create\",\"response\":{\"instructions\":\"Greet the caller.\"}}");
	drop(expect(c, "response.created"));
	event = wait_for(c, "response.output_audio.delta");
	if (item)
		snprintf(item, 64, "%s", string_at(event, "item_id"));
	drop(event);
}

/* In a session with those faults the caller speaks into such an answer. */
static void begin_interrupted(struct client *c, const char *target)
{
	begin(c, target);
	begin_long_answer(c, NULL);
	client_speak(c, 200, true);
	drop(wait_for(c, "input_audio_buffer.speech_started"));
}

static void speech_cuts_an_answer_short(void **state)
{
	(void)state;
	begin_interrupted(&us, TARGET "&fault=long-answer%3D600");
	drop(expect(&us, "response.output_audio.done"));
	HAS(wait_for(&us, "response.done"), "response.status", "cancelled", "response.status_details.reason",
	    "turn_detected");
	client_close(&us);
}

static void late_audio_follows_a_cut_when_ordered(void **state)
{
	(void)state;
	begin_interrupted(&us, TARGET "&fault=long-answer%3D600&fault=late-deltas%3D2");
	drop(expect(&us, "response.output_audio.delta"));
	drop(expect(&us, "response.output_audio.delta"));
	drop(expect(&us, "response.output_audio.done"));
	client_close(&us);
}

static void answer_has_no_sound_when_ordered(void **state)
{
	static const char *const hows[][4] = {
		{ "text", "response.output_text.done", "completed", NULL },
		{ "words", "response.output_audio_transcript.done", "completed", NULL },
		{ "nothing", "response.created", "completed", NULL },
		{ "content_filter", "response.created", "incomplete", "content_filter" },
		{ "max_tokens", "response.created", "incomplete", "max_output_tokens" },
	};
	char target[200];
	cJSON *done;

	(void)state;
	for (size_t i = 0; i < sizeof hows / sizeof hows[0]; i++) {
		snprintf(target, sizeof target, TARGET "&fault=no-audio%%3D%s%%3A1", hows[i][0]);
		begin(&us, target);
		client_send(&us, "{\"type\":\"response.create\"}");
		drop(wait_for(&us, hows[i][1]));
		done = wait_for(&us, "response.done");
		assert_string_equal(string_at(done, "response.status"), hows[i][2]);
		assert_float_equal(number_at(done, "response.usage.output_token_details.audio_tokens"), 0, 0);
		if (hows[i][3])
			assert_string_equal(string_at(done, "response.status_details.reason"), hows[i][3]);
		drop(done);
		client_send(&us, "{\"type\":\"response.create\"}");
		drop(wait_for(&us, "response.output_audio.delta"));
		client_close(&us);
	}
}

static void event_is_lost_or_doubled_when_ordered(void **state)
{
	(void)state;
	begin(
	    &us, TARGET "&fault=no-audio%3Dnothing&fault=lose%3Dresponse.created%3A1&fault=twice%3Dresponse.done%3A1");
	client_send(&us, "{\"type\":\"response.create\"}");
	drop(expect(&us, "response.done"));
	drop(expect(&us, "response.done"));
	drop(expect(&us, "rate_limits.updated"));
	client_send(&us, "{\"type\":\"response.create\"}");
	drop(expect(&us, "response.created"));
	client_close(&us);
}

static void send_truncate(struct client *c, const char *item, int ms)
{
	char event[200];

	snprintf(event, sizeof event,
	    "{\"type\":\"conversation.item.truncate\",\"item_id\":\"%s\",\"content_index\":0,\"audio_end_ms\":%d}",
	    item, ms);
	client_send(c, event);
}

static void truncation_goes_no_further_than_the_audio(void **state)
{
	char item[64], produced[64];
	cJSON *event;

	(void)state;
	begin(&us, TARGET);
	begin_long_answer(&us, item);
	drop(wait_for(&us, "rate_limits.updated"));
	send_truncate(&us, item, 600000);
	event = expect(&us, "error");
	assert_string_equal(string_at(event, "error.code"), "invalid_value");
	assert_int_equal(
	    sscanf(string_at(event, "error.message"), "Audio content of %63[0-9]ms is already shorter", produced), 1);
	drop(event);
	send_truncate(&us, item, atoi(produced) + 1);
	expect_error(&us, "invalid_value");
	send_truncate(&us, item, atoi(produced));
	HAS(expect(&us, "conversation.item.truncated"), "item_id", item);
	send_truncate(&us, "item_of_nobody", 0);
	expect_error(&us, "item_truncate_invalid_item_id");
	client_close(&us);
}

static void requests_out_of_place_get_their_errors(void **state)
{
	(void)state;
	begin(&us, TARGET "&fault=long-answer%3D600");
	client_send(&us, "{\"type\":\"response.cancel\"}");
	expect_error(&us, "response_cancel_not_active");
	client_speak(&us, 80, false);
	client_send(&us, "{\"type\":\"input_audio_buffer.commit\"}");
	expect_error(&us, "input_audio_buffer_commit_empty");
	begin_long_answer(&us, NULL);
	client_send(&us, "{\"type\":\"response.create\"}");
	HAS(wait_for(&us, "error"), "error.code", "conversation_already_has_active_response");
	client_send(&us,
	    "{\"type\":\"session.update\",\"session\":{\"type\":\"realtime\",\"audio\":{\"output\":{\"voice\":"
	    "\"cedar\"}}}}");
	HAS(wait_for(&us, "error"), "error.code", "cannot_update_voice");
	client_send(&us, "{\"type\":\"response.cancel\"}");
	HAS(wait_for(&us, "response.done"), "response.status_details.reason", "client_cancelled");
	client_close(&us);
}

static void text_can_be_had_beside_the_conversation(void **state)
{
	(void)state;
	begin(&us, TARGET "&fault=long-answer%3D600");
	begin_long_answer(&us, NULL);
	client_send(&us,
	    "{\"type\":\"response.create\",\"response\":{\"conversation\":\"none\",\"output_modalities\":[\"text\"],"
	    "\"metadata\":{\"purpose\":\"summary\"}}}");
	drop(wait_for(&us, "response.output_text.done"));
	HAS(wait_for(&us, "response.done"), "response.status", "completed", "response.metadata.purpose", "summary");
	client_close(&us);
}

static void an_item_is_created_and_answered(void **state)
{
	(void)state;
	begin(&us, TARGET);
	client_send(&us,
	    "{\"type\":\"conversation.item.create\",\"item\":{\"id\":\"item_mine\",\"type\":\"message\",\"role\":"
	    "\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"12345#\"}]}}");
	HAS(expect(&us, "conversation.item.added"), "item.id", "item_mine");
	drop(expect(&us, "conversation.item.done"));
	client_send(&us, "{\"type\":\"response.create\"}");
	HAS(wait_for(&us, "response.output_audio_transcript.done"), "transcript", script.typed.say);
	drop(wait_for(&us, "rate_limits.updated"));
	client_send(&us, "{\"type\":\"conversation.item.delete\",\"item_id\":\"item_mine\"}");
	drop(expect(&us, "conversation.item.deleted"));
	client_send(&us, "{\"type\":\"conversation.item.retrieve\",\"item_id\":\"item_mine\"}");
	expect_error(&us, "item_retrieve_invalid_item_id");
	client_close(&us);
}

#define IN_TEXT \
	"{\"type\":\"session.update\",\"session\":{\"type\":\"realtime\",\"output_modalities\":[\"text\"]," \
	"\"audio\":{\"input\":{\"turn_detection\":null}}}}"

static void ask_in_text(struct client *c, const char *words)
{
	char item[400];

	snprintf(item, sizeof item,
	    "{\"type\":\"conversation.item.create\",\"item\":{\"type\":\"message\",\"role\":\"user\",\"content\":"
	    "[{\"type\":\"input_text\",\"text\":\"%s\"}]}}",
	    words);
	client_send(c, item);
	drop(wait_for(c, "conversation.item.done"));
	client_send(c, "{\"type\":\"response.create\"}");
}

static void a_session_in_text_answers_what_was_typed(void **state)
{
	(void)state;
	begin(&us, TARGET);
	client_send(&us, IN_TEXT);
	drop(wait_for(&us, "session.updated"));
	ask_in_text(&us, script.turns[1].hear);
	HAS(wait_for(&us, "response.output_text.done"), "text", script.turns[1].say);
	HAS(wait_for(&us, "response.done"), "response.status", "completed");
	ask_in_text(&us, "What nobody expected.");
	HAS(wait_for(&us, "response.output_text.done"), "text", script.turns[1].say);
	client_close(&us);
}

static void a_cut_answer_is_put_right_in_its_place(void **state)
{
	cJSON *all, *event, *last;
	char message[400];
	const cJSON *record, *kept;

	(void)state;
	begin(&us, TARGET "&fault=late-deltas%3D1");
	client_send(&us, IN_TEXT);
	drop(wait_for(&us, "session.updated"));
	ask_in_text(&us, script.turns[0].hear);
	event = wait_for(&us, "response.output_text.delta");
	client_send(&us, "{\"type\":\"response.cancel\"}");
	drop(wait_for(&us, "response.output_text.delta"));
	HAS(wait_for(&us, "response.done"), "response.status", "cancelled");
	snprintf(message, sizeof message,
	    "{\"type\":\"conversation.item.create\",\"previous_item_id\":\"%s\",\"item\":{\"type\":\"message\",\"role\":"
	    "\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"We are\"}]}}",
	    string_at(event, "item_id"));
	client_send(&us, message);
	snprintf(message, sizeof message, "{\"type\":\"conversation.item.delete\",\"item_id\":\"%s\"}",
	    string_at(event, "item_id"));
	client_send(&us, message);
	drop(wait_for(&us, "conversation.item.deleted"));
	drop(event);
	client_close(&us);
	for (;;) { /* until the session is over */
		record = newest_record(&all);
		kept = cJSON_GetObjectItem(record, "conversation");
		if (cJSON_GetArraySize(kept))
			break;
		cJSON_Delete(all);
	}
	assert_int_equal(cJSON_GetArraySize(kept), 2);
	last = cJSON_GetArrayItem(cJSON_GetObjectItem(cJSON_GetArrayItem(kept, 1), "content"), 0);
	assert_string_equal(string_at(last, "text"), "We are");
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(record, "deletes")), 1);
	cJSON_Delete(all);
}

/* A session that is told what was said in another goes on from there. */
#define TELL(more) "{\"type\":\"conversation.item.create\",\"event_id\":\"told\",\"item\":{" more "}}"
static void tell(struct client *c, const char *role, const char *words)
{
	struct text item = { 0 };

	text_printf(&item, TELL("\"type\":\"message\",\"role\":\"%s\",\"content\":[{\"type\":\"%s\",\"text\":\"%s\"}]"),
	    role, strcmp(role, "assistant") == 0 ? "output_text" : "input_text", words);
	client_send(c, text_str(&item));
	drop(wait_for(c, "conversation.item.done"));
	text_free(&item);
}

static void expect_said(struct client *c, const char *words)
{
	client_send(c, "{\"type\":\"response.create\"}");
	HAS(wait_for(c, "response.output_audio_transcript.done"), "transcript", words);
	drop(wait_for(c, "rate_limits.updated"));
}

static void a_conversation_that_is_told_is_gone_on_with(void **state)
{
	char said[32];

	(void)state;
	begin(&us, TARGET);
	tell(&us, "assistant", script.greeting.say);
	tell(&us, "user", script.turns[0].hear);
	expect_said(&us, script.turns[0].say);
	client_close(&us);

	begin(&us, TARGET);
	tell(&us, "user", script.turns[0].hear);
	snprintf(said, sizeof said, "%.*s", (int)(strcspn(script.turns[0].say, " ") + 1), script.turns[0].say);
	tell(&us, "assistant", said);
	tell(&us, "system", "The line was interrupted.");
	tell(&us, "assistant", "are open"); /* and broke off again */
	expect_said(&us, strstr(script.turns[0].say, "from nine"));
	client_speak(&us, 400, true);
	client_speak(&us, 600, false);
	HAS(wait_for(&us, "response.output_audio_transcript.done"), "transcript", script.turns[1].say);
	client_close(&us);
}

static void a_call_that_is_told_may_have_its_output(void **state)
{
	static struct line_call call = { .name = (char *)"look" };
	static struct line then;

	(void)state;
	then.say = script.turns[1].say;
	memcpy(then.audio, script.turns[1].audio, sizeof then.audio);
	memcpy(then.audio_len, script.turns[1].audio_len, sizeof then.audio_len);
	script.turns[0].calls[0] = call;
	script.turns[0].call_count = 1;
	script.turns[0].then = &then;
	begin(&us, TARGET);
	tell(&us, "user", script.turns[0].hear);
	client_send(
	    &us, TELL("\"id\":\"c1\",\"type\":\"function_call\",\"call_id\":\"call_of_before\",\"name\":\"look\","
		      "\"arguments\":\"{}\""));
	drop(wait_for(&us, "conversation.item.done"));
	client_send(&us, TELL("\"type\":\"function_call_output\",\"call_id\":\"call_of_before\",\"output\":\"{}\""));
	drop(wait_for(&us, "conversation.item.done"));
	expect_said(&us, then.say);
	client_close(&us);
	assert_violations(0);
	script.turns[0].call_count = 0;
	script.turns[0].then = NULL;
}

static void an_item_is_refused_as_ordered(void **state)
{
	(void)state;
	begin(&us, TARGET "&fault=refuse-item%3Dassistant:1");
	tell(&us, "user", "Hello.");
	client_send(&us,
	    TELL(
		"\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"Hm.\"}]"));
	HAS(wait_for(&us, "error"), "error.code", "invalid_value", "error.event_id", "told");
	tell(&us, "assistant", "Hm.");
	client_close(&us);
}

static void what_a_failed_answer_was_to_say_is_still_owed(void **state)
{
	(void)state;
	begin(&us, TARGET "&fault=fail%3Dserver:1");
	client_send(&us, IN_TEXT);
	drop(wait_for(&us, "session.updated"));
	ask_in_text(&us, script.turns[1].hear);
	HAS(wait_for(&us, "response.done"), "response.status", "failed");
	client_send(&us, "{\"type\":\"response.create\"}");
	HAS(wait_for(&us, "response.output_text.done"), "text", script.turns[1].say);
	client_close(&us);
}

static void a_request_for_an_answer_is_refused_as_ordered(void **state)
{
	static const char request[] = "{\"type\":\"response.create\",\"event_id\":\"mine\"}";

	(void)state;
	begin(&us, TARGET "&fault=refuse-create%3Dnamed:1");
	client_send(&us, request);
	HAS(wait_for(&us, "error"), "error.type", "server_error", "error.event_id", "mine");
	client_send(&us, request);
	drop(wait_for(&us, "response.done"));
	client_close(&us);
	begin(&us, TARGET "&fault=refuse-create%3Dunnamed");
	client_send(&us, request);
	HAS(wait_for(&us, "error"), "error.type", "server_error", "error.event_id", "");
	client_close(&us);
}

static void half_an_emoji_comes_when_ordered(void **state)
{
	char *text;
	cJSON *event;

	(void)state;
	begin(&us, TARGET "&fault=long-word%3D20000");
	client_send(&us, IN_TEXT);
	drop(wait_for(&us, "session.updated"));
	ask_in_text(&us, "Go on.");
	event = wait_for(&us, "response.output_text.done");
	assert_int_equal(strlen(string_at(event, "text")), 20000);
	drop(event);
	client_close(&us);
	begin(&us, TARGET "&fault=half-emoji");
	client_send(&us, IN_TEXT);
	drop(wait_for(&us, "session.updated"));
	ask_in_text(&us, script.turns[0].hear);
	text = NULL;
	while (!text || !strstr(text, "\\ud83d\"")) {
		struct text message = { 0 };

		free(text);
		assert_int_equal(client_next(&us, &message), 1);
		text = need_copy(text_str(&message));
		text_free(&message);
	}
	free(text);
	client_close(&us);
}

static void words_come_ahead_of_their_sound_when_ordered(void **state)
{
	cJSON *event;

	(void)state;
	begin(&us, TARGET "&fault=words-ahead%3D60000");
	client_send(&us, "{\"type\":\"response.create\"}");
	event = wait_for(&us, "response.output_audio_transcript.delta");
	assert_string_equal(string_at(event, "delta"), script.greeting.say);
	drop(event);
	drop(wait_for(&us, "response.output_audio.delta"));
	client_close(&us);
}

static void a_call_of_a_tool_comes_with_its_arguments(void **state)
{
	static char name[] = "look_up", arguments[] = "{\"day\":\"\\\"friday\\\"\"}";
	cJSON *event;

	(void)state;
	script.greeting.calls[0] = (struct line_call){ .name = name, .arguments = arguments, .force = true };
	script.greeting.call_count = 1;
	begin(&us, TARGET);
	client_send(&us, "{\"type\":\"response.create\"}");
	HAS(wait_for(&us, "response.function_call_arguments.delta"), "delta", arguments);
	HAS(wait_for(&us, "response.function_call_arguments.done"), "name", name, "arguments", arguments);
	for (event = NULL; !event || strcmp(string_at(event, "item.type"), "function_call");) {
		drop(event);
		event = wait_for(&us, "response.output_item.done");
	}
	assert_string_equal(string_at(event, "item.name"), name);
	assert_string_equal(string_at(event, "item.arguments"), arguments);
	drop(event);
	drop(wait_for(&us, "response.done"));
	client_close(&us);
	script.greeting.call_count = 0;
}

static void audio_is_as_long_in_every_format(void **state)
{
	static const char *const formats[] = { "{\"type\":\"audio/pcmu\"}", "{\"type\":\"audio/pcma\"}",
		"{\"type\":\"audio/pcm\",\"rate\":24000}" };
	double ms[3] = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct client c;
		char update[200];

		client_connect(&c, TARGET);
		drop(expect(&c, "session.created"));
		snprintf(update, sizeof update,
		    "{\"type\":\"session.update\",\"session\":{\"type\":\"realtime\",\"audio\":{\"output\":{\"format\":%s}}}}",
		    formats[i]);
		client_send(&c, update);
		drop(expect(&c, "session.updated"));
		client_send(&c, "{\"type\":\"response.create\"}");
		for (bool done = false; !done;) {
			cJSON *event = next_event(&c);
			const char *delta = string_at(event, "delta");
			uint8_t *audio = malloc(strlen(delta) + 1);

			if (is(event, "response.output_audio.delta"))
				ms[i] += (double)base64_get(audio, delta, strlen(delta)) / (i == 2 ? 48 : 8);
			done = is(event, "response.done");
			free(audio);
			drop(event);
		}
		client_close(&c);
	}
	assert_float_equal(ms[0], ms[1], 0.2);
	assert_float_equal(ms[0], ms[2], 0.2);
	assert_true(ms[0] > 1000);
}

static void nonsense_is_answered_and_counted(void **state)
{
	struct text message = { 0 };

	(void)state;
	begin(&us, TARGET);
	client_send(&us, "{\"type\":\"response.create\"");
	drop(expect(&us, "error"));
	client_send(&us, "{\"type\":\"input_audio_buffer.append\",\"audio\":\"@@@@\"}");
	expect_error(&us, "invalid_value");
	client_send(&us, "{\"type\":\"input_audio_buffer.append\",\"audio\":\"\",\"volume\":1}");
	expect_error(&us, "unknown_parameter");
	assert_violations(3);
	client_frame(&us, 2, "\1\2\3", 3);
	assert_int_equal(client_next(&us, &message), 8);
	assert_memory_equal(message.data, "\x03\xeb", 2); /* 1003 */
	text_free(&message);
	client_close(&us);
}

static void connections_are_lost_as_ordered(void **state)
{
	struct text message = { 0 };
	int opcode;

	(void)state;
	begin(&us, TARGET "&fault=drop%3Dfin:answer");
	client_send(&us, "{\"type\":\"response.create\"}");
	while ((opcode = client_next(&us, &message)) == 1)
		;
	assert_int_equal(opcode, -1);
	client_close(&us);
	begin(&us, TARGET "&fault=drop%3D1011-gone:speech");
	client_speak(&us, 200, true);
	drop(wait_for(&us, "input_audio_buffer.speech_started"));
	assert_int_equal(client_next(&us, &message), 8);
	assert_memory_equal(message.data, "\x03\xf3gone", 6);
	text_free(&message);
	client_close(&us);
}

static void a_session_says_when_it_ends(void **state)
{
	cJSON *created;

	(void)state;
	client_connect(&us, TARGET "&fault=expires%3D1");
	created = expect(&us, "session.created");
	assert_in_range(number_at(created, "session.expires_at") - (double)time(NULL) + 10, 10, 11);
	drop(created);
	HAS(wait_for(&us, "error"), "error.code", "session_expired");
	client_close(&us);
}

static void a_refused_upgrade_has_a_status_and_a_reason(void **state)
{
	(void)state;
	client_connect(&us, "/v1/elsewhere?model=m");
	assert_string_equal(us.status, "HTTP/1.1 404 Not Found");
	client_close(&us);
}

static void send_stamped(struct client *c, struct stamp stamp)
{
	uint8_t frame[STAMP_UNIT];

	memset(frame, 0xff, sizeof frame);
	stamp.kind = STAMP_CALLER;
	stamp.call = 77;
	stamp.sent_ns = mono_ns();
	stamp_put(frame, &stamp);
	client_audio(c, frame, sizeof frame);
}

/* The next event, while frames go on as from a phone. */
static cJSON *next_while_sending(struct client *c, struct stamp *stamp)
{
	struct pollfd ready = { .fd = c->fd, .events = POLLIN };

	while (!c->in.len && !SSL_has_pending(c->ssl) && poll(&ready, 1, 20) == 0) {
		stamp->seq++;
		send_stamped(c, *stamp);
	}
	return next_event(c);
}

static void send_until(const char *type, struct stamp *phone)
{
	for (bool done = false; !done;) {
		cJSON *event = next_while_sending(&us, phone);

		done = is(event, type);
		drop(event);
	}
}

static void stamps_measure_both_ways(void **state)
{
	/* Number 3 is lost, 5 comes twice, 8 comes late. */
	static const uint32_t sent[] = { 0, 1, 2, 4, 5, 5, 6, 7, 9, 8, 10 };
	struct text answer = { 0 };
	struct stamp stamp = { 0 }, phone = { .seq = 10 };
	size_t at = 0;
	cJSON *all;
	bool done = false;

	(void)state;
	begin(&us, TARGET);
	for (size_t i = 0; i < sizeof sent / sizeof sent[0]; i++)
		send_stamped(&us, (struct stamp){ .seq = sent[i] });
	/* An answer by the clock … */
	while (!done) {
		cJSON *event = next_while_sending(&us, &phone);
		const char *delta = string_at(event, "delta");

		if (is(event, "response.output_audio.delta")) {
			text_reserve(&answer, strlen(delta));
			answer.len += (size_t)base64_get((uint8_t *)answer.data + answer.len, delta, strlen(delta));
		}
		done = is(event, "response.done");
		drop(event);
	}
	for (uint32_t unit = 0; unit < 10; unit++) {
		assert_true(stamp_find((uint8_t *)answer.data, answer.len, &at, &stamp));
		assert_int_equal(stamp.kind, STAMP_ANSWER);
		assert_int_equal(stamp.seq, unit);
		assert_int_equal(stamp.call, 77);
		assert_int_equal(stamp.turn, 1);
		assert_int_equal(stamp.flags, unit == 0 ? STAMP_FIRST : unit == 9 ? STAMP_LAST : 0);
	}
	/* … interrupted after its first audio, and cleared. */
	send_until("input_audio_buffer.speech_started", &phone);
	phone.turn = 1;
	phone.cleared_ns = mono_ns();
	phone.cleared_turn = 1;
	phone.played_ms = 150;
	send_until("input_audio_buffer.speech_stopped", &phone);
	newest_record(&all);
	assert_true(number_at(all, "load.frames") > 20);
	assert_float_equal(number_at(all, "load.lost"), 1, 0);
	assert_float_equal(number_at(all, "load.duplicated"), 1, 0);
	assert_float_equal(number_at(all, "load.reordered"), 1, 0);
	assert_float_equal(number_at(all, "load.padding_bytes"), 0, 0);
	assert_float_equal(number_at(all, "load.interruptions"), 1, 0);
	assert_float_equal(number_at(all, "load.interruption_to_clear.count"), 1, 0);
	assert_float_equal(number_at(all, "load.clears"), 1, 0);
	assert_float_equal(number_at(all, "load.unasked_clears"), 0, 0);
	cJSON_Delete(all);
	text_free(&answer);
	client_close(&us);
}

/* The service, once for ordinary sessions and once for load. */

static int start(void **state)
{
	char ca[64];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	if (!service.contexts[0]) {
		if (!mkdtemp(directory) || ca_make(directory, "model.test"))
			return -1;
		snprintf(ca, sizeof ca, "%s/ca.pem", directory);
		client_context = SSL_CTX_new(TLS_client_method());
		SSL_CTX_set_verify(client_context, SSL_VERIFY_PEER, NULL);
		SSL_CTX_load_verify_locations(client_context, ca, NULL);
		for (int i = 0; i < CERTIFICATES; i++)
			service.contexts[i] = ca_context(directory, certificate_names[i], TLS1_2_VERSION, 1);
		options_parse(1, (char *[]){ "standin-model", NULL });
		options.first_delta_ms = 5;
		options.transcript_ms = 5;
		options.speed = 40;
		script_load(&script, "", NULL, true);
		service.script = &script;
		started = mono_ns();
	}
	worker = worker_start(&service);
	return 0;
}

static int start_load(void **state)
{
	options.load = true;
	options.load_answer_ms = 200;
	options.load_every_s = 0.2;
	options.load_cut_every = 1;
	options.load_cut_ms = 150;
	return start(state);
}

static int stop(void **state)
{
	(void)state;
	worker_stop(worker);
	report_free();
	return 0;
}

static void remove_directory(void)
{
	static const char *const files[] = { "ca", "good", "expired", "wrong-name", "unknown-root" };
	char path[64];

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		snprintf(path, sizeof path, "%s/%s.pem", directory, files[i]);
		unlink(path);
	}
	snprintf(path, sizeof path, "%s/report.json", directory);
	unlink(path);
	rmdir(directory);
	SSL_CTX_free(client_context);
	for (int i = 0; i < CERTIFICATES; i++)
		SSL_CTX_free(service.contexts[i]);
	script_free(&script);
}

int main(void)
{
	const struct CMUnitTest talking[] = {
		cmocka_unit_test(a_session_begins_at_24_khz),
		cmocka_unit_test(a_planted_field_is_refused_and_nothing_applied),
		cmocka_unit_test(silence_gets_no_answer),
		cmocka_unit_test(a_turn_comes_in_the_real_order),
		cmocka_unit_test(speech_cuts_an_answer_short),
		cmocka_unit_test(late_audio_follows_a_cut_when_ordered),
		cmocka_unit_test(answer_has_no_sound_when_ordered),
		cmocka_unit_test(event_is_lost_or_doubled_when_ordered),
		cmocka_unit_test(truncation_goes_no_further_than_the_audio),
		cmocka_unit_test(requests_out_of_place_get_their_errors),
		cmocka_unit_test(text_can_be_had_beside_the_conversation),
		cmocka_unit_test(a_session_in_text_answers_what_was_typed),
		cmocka_unit_test(a_cut_answer_is_put_right_in_its_place),
		cmocka_unit_test(a_conversation_that_is_told_is_gone_on_with),
		cmocka_unit_test(a_call_that_is_told_may_have_its_output),
		cmocka_unit_test(an_item_is_refused_as_ordered),
		cmocka_unit_test(what_a_failed_answer_was_to_say_is_still_owed),
		cmocka_unit_test(a_request_for_an_answer_is_refused_as_ordered),
		cmocka_unit_test(half_an_emoji_comes_when_ordered),
		cmocka_unit_test(words_come_ahead_of_their_sound_when_ordered),
		cmocka_unit_test(an_item_is_created_and_answered),
		cmocka_unit_test(a_call_of_a_tool_comes_with_its_arguments),
		cmocka_unit_test(audio_is_as_long_in_every_format),
		cmocka_unit_test(nonsense_is_answered_and_counted),
		cmocka_unit_test(connections_are_lost_as_ordered),
		cmocka_unit_test(a_session_says_when_it_ends),
		cmocka_unit_test(a_refused_upgrade_has_a_status_and_a_reason),
	};
	const struct CMUnitTest load[] = {
		cmocka_unit_test(stamps_measure_both_ways),
	};
	int failed = cmocka_run_group_tests(talking, start, stop) + cmocka_run_group_tests(load, start_load, stop);

	remove_directory();
	return failed;
}
