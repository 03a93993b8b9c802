/* Memory that is refused: it is counted, and of each reader of strangers' text every request is refused in turn. */
#include "common/memory.h"

#include "common/foreign.h"
#include "server/model/realtime_parse.h"
#include "server/model/text/reply.h"
#include "server/phone/form.h"
#include "server/phone/media_stream.h"
#include "server/phone/relay.h"
#include "tests/peers/fixture.h"
#include "tests/unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Of this thread: requests that are granted before one is refused; negative: all are. */
static _Thread_local int granted = -1;

static bool refuse_one(size_t size)
{
	(void)size;
	return granted >= 0 && granted-- == 0;
}

/* The compiler knows what a request is for, and leaves out those without use. */
static void *(*volatile ask)(size_t) = malloc;

static void what_is_refused_is_counted_once(void **state)
{
	void *first, *second;

	(void)state;
	memory_missed();
	granted = 1;
	first = ask(1);
	second = ask(1);
	assert_non_null(first);
	assert_null(second);
	assert_int_equal(memory_missed(), 1);
	assert_int_equal(memory_missed(), 0);
	free(first);
}

static void every_kind_of_request_can_be_refused(void **state)
{
	const char *volatile text = "text";
	char *copy;

	(void)state;
	memory_missed();
	granted = 0, assert_null(calloc(3, 5));
	granted = 0, assert_null(realloc(NULL, 5));
	granted = 0, assert_null(aligned_alloc(64, 64));
	granted = 0, assert_null(strdup(text));
	granted = 0, assert_null(strndup(text, 2));
	granted = 0, assert_null(cJSON_CreateObject());
	assert_int_equal(memory_missed(), 6);
	copy = strndup(text, 2);
	assert_string_equal(copy, "te");
	free(copy);
	copy = strndup(text, 9);
	assert_string_equal(copy, text);
	free(copy);
}

static void *missed_elsewhere(void *arg)
{
	granted = 0;
	arg = ask(1);
	return arg;
}

static void a_thread_does_not_know_of_another(void **state)
{
	pthread_t other;

	(void)state;
	memory_missed();
	pthread_create(&other, NULL, missed_elsewhere, NULL);
	pthread_join(other, NULL);
	assert_int_equal(memory_missed(), 0);
}

/* ------------------------------------------------------------------- readers of text */

/* Again and again, each time another request is refused, until there are so few. None is refused
 * unnoticed; sanitizers see what is left behind. */
static void walk(void (*read)(const char *text, size_t len), const char *text, size_t len)
{
	unsigned missed;
	int turn = 0;

	do {
		memory_missed();
		granted = turn++;
		read(text, len);
		missed = granted < 0;
		assert_int_equal(memory_missed(), missed);
		granted = -1;
	} while (missed);
	assert_true(turn < 5000);
}

static void read_event(const char *text, size_t len)
{
	struct model_event e;

	realtime_parse(text, len, AUDIO_PCMU, &e);
	realtime_release(&e);
}

static void read_foreign(const char *text, size_t len)
{
	cJSON_Delete(foreign_json(text, len));
}

static void read_form(const char *text, size_t len)
{
	struct form form;

	form_parse(&form, text, len);
	form_free(&form);
}

static void read_phone(const char *text, size_t len)
{
	struct phone_stream stream = { 0 };
	struct phone_event e;

	media_stream_channel.parse(&stream, text, len, &e);
	relay_channel.parse(&stream, text, len, &e);
}

static void read_reply(const char *text, size_t len)
{
	struct text_reply reply;

	for (enum text_api api = TEXT_API_RESPONSES; api <= TEXT_API_CHAT; api++) {
		text_reply_begin(&reply, api, "a", false);
		text_reply_take(&reply, text, len);
		text_reply_end(&reply, NULL);
		text_reply_free(&reply);
	}
}

static void read_fixture(const char *name, void *read)
{
	size_t len;
	char *text = fixture(name, &len);

	walk(*(void (**)(const char *, size_t))read, text, len);
	free(text);
}

#define WALKS(reader, pattern) \
	static void reader##_is_refused_each_request(void **state) \
	{ \
		void (*read)(const char *, size_t) = reader; \
\
		(void)state; \
		assert_true(fixtures(pattern, read_fixture, &read) > 5); \
	}

WALKS(read_event, "openai-[ceis]*")
WALKS(read_foreign, "openai-error*")
WALKS(read_phone, "conversationrelay-*")
WALKS(read_reply, "openai-response-output*")

static void texts_that_are_mended_are_refused_each_request(void **state)
{
	static const char *const texts[] = {
		"{\"a\":\"\\ud800\",\"b\":[1,{\"c\":null}]}", "{\"a\":\"\x01\xff\"}", "",
		"{\"type\":\"response.output_audio_transcript.delta\",\"response_id\":\"r\",\"item_id\":\"i\","
		"\"delta\":\"\\ud800\"}",
		"{\"type\":\"response.output_audio.delta\",\"response_id\":\"\\u0072\",\"item_id\":\"i\",\"delta\":\"AA\"}"
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		walk(read_foreign, texts[i], strlen(texts[i]));
		walk(read_event, texts[i], strlen(texts[i]));
	}
	walk(read_form, "CallSid=CA1&From=%2B1202&Note=a+b&&x", 36);
}

FIXTURE(refusing, memory_refuse = refuse_one)

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(what_is_refused_is_counted_once),
	cmocka_unit_test(every_kind_of_request_can_be_refused),
	cmocka_unit_test(a_thread_does_not_know_of_another),
	cmocka_unit_test(read_event_is_refused_each_request),
	cmocka_unit_test(read_foreign_is_refused_each_request),
	cmocka_unit_test(read_phone_is_refused_each_request),
	cmocka_unit_test(read_reply_is_refused_each_request),
	cmocka_unit_test(texts_that_are_mended_are_refused_each_request),
	GROUP(refusing, NULL),
};
