/* The simulated phone's parts, without a network: a phone that is wrong would
 * make every test that uses it worthless. */
#include "tools/kit/g711.h"
#include "tools/phone/agent.h"
#include "tools/phone/caller.h"
#include "tools/phone/clock.h"
#include "tools/phone/ears.h"
#include "tools/phone/faults.h"
#include "tools/phone/http.h"
#include "tools/phone/message.h"
#include "tools/phone/playout.h"
#include "tools/phone/twiml.h"
#include "tools/phone/wav.h"
#include "tools/phone/xml.h"
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ONE_THREAD;

/* --- sound --- */

static void a_wav_of_16_khz_becomes_8_khz_of_the_same_length(void **state)
{
	char path[] = "build/tmp/phone-test-XXXXXX", why[200];
	uint8_t row[8000];
	struct speech s;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < sizeof row; i++)
		row[i] = i >= 2000 && i < 6000 ? (i / 8 % 2 ? 0x90 : 0x10) : 0xFF;
	assert_int_equal(wav_write(path, row, row, sizeof row), 0);
	assert_int_equal(wav_read(&s, path, why, sizeof why), -1); /* stereo */
	{
		/* The same bytes, called mono of 16 kHz: 16000 samples, a second. */
		FILE *f = fopen(path, "r+b");

		assert_non_null(f);
		fseek(f, 22, SEEK_SET);
		fputc(1, f);
		fseek(f, 24, SEEK_SET);
		fwrite("\x80\x3e\0\0", 1, 4, f);
		fclose(f);
	}
	assert_int_equal(wav_read(&s, path, why, sizeof why), 0);
	assert_int_equal(s.len, 8000);
	assert_in_range(s.voice_begin, 1700, 2100);
	assert_in_range(s.voice_end, 5900, 6300);
	speech_free(&s);
	unlink(path);
}

/* --- XML and TwiML --- */

static void broken_xml_is_refused(void **state)
{
	static const char *const bad[] = { "", "Response", "<Response>", "<Response></Respons>",
		"<Response/><Response/>", "<Response/>x", "x<Response/>", "<Response a=1/>",
		"<Response a=\"1\" a=\"2\"/>", "<Response a=\"<\"/>", "<Response>&</Response>",
		"<Response>&nbsp;</Response>", "<Response>a & b</Response>", "<Response><Say>a</Response></Say>",
		"<Response>\x01</Response>", "<Response>\xff</Response>", "<!DOCTYPE x><Response/>", "<Response",
		"<Response a>", "<Response a=\"1\"b=\"2\"/>", "<Response>&#0;</Response>",
		"<Response>&#xD800;</Response>", "<Response><!-- </Response>", "<Response>]]></Response>",
		"< Response/>", "<Response a=\"1/>" };
	char why[200];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct xml *x = xml_read(bad[i], strlen(bad[i]), why, sizeof why);

		if (x)
			fail_msg("taken: %s", bad[i]);
	}
	assert_null(xml_read("<a>\0</a>", 8, why, sizeof why));
}

static void escapes_in_xml_are_undone(void **state)
{
	static const char doc[] = "\xEF\xBB\xBF<?xml version=\"1.0\"?>\n<!-- c --><R a='&lt;&quot;&#x20AC;'>"
				  "x&amp;y<![CDATA[<&>]]>&#233;<b/></R>\n";
	char why[200];
	struct xml *x = xml_read(doc, sizeof doc - 1, why, sizeof why);

	(void)state;
	assert_non_null(x);
	assert_string_equal(xml_attr(x, "a"), "<\"\xE2\x82\xAC");
	assert_string_equal(x->text, "x&y<&>\xC3\xA9");
	assert_string_equal(x->children->name, "b");
	xml_free(x);
}

static const char *twiml_error(const char *doc)
{
	static char why[300];
	struct twiml t;
	int err = twiml_read(&t, doc, strlen(doc), why, sizeof why);

	twiml_free(&t);
	return err ? why : NULL;
}

static void twiml_that_twilio_refuses_is_refused(void **state)
{
	static const struct {
		const char *document, *code;
	} bad[] = {
		{ "<Response><Stream url='wss://a/b'/></Response>", "12200" },
		{ "<response/>", "12100" },
		{ "<Response><Connect><Stream url='ws://a/b'/></Connect></Response>", "31922" },
		{ "<Response><Connect><Stream url='https://a/b'/></Connect></Response>", "31922" },
		{ "<Response><Connect><Stream/></Connect></Response>", "31923" },
		{ "<Response><Connect/></Response>", "12200" },
		{ "<Response><Connect><Stream url='wss://a/b' track='both_tracks'/></Connect></Response>", "31941" },
		{ "<Response><Connect><Stream url='wss://a/b'><Param/></Stream></Connect></Response>", "12200" },
		{ "<Response><Say><Pause/></Say", "12100" },
		{ "<Response><Hangup><Say/></Hangup></Response>", "12200" },
		{ "<Response><Play digits='1A'/></Response>", "12200" },
		{ "<Response><Play digits=''/></Response>", "12200" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		const char *why = twiml_error(bad[i].document);

		assert_non_null(why);
		assert_non_null(strstr(why, bad[i].code));
	}
}

static void twiml_is_read_in_order(void **state)
{
	static const char doc[] =
	    "<Response><Say> Hello &amp; welcome </Say><Connect action=\"/after\"><Stream url=\"wss://h/s/t\" name=\"n\" "
	    "statusCallback=\"https://h/st\"><Parameter name=\"a\" value=\"1 &lt; 2\"/></Stream></Connect>"
	    "<Dial action='/d'><Number>+12025550177</Number></Dial><Redirect method='GET'>/r</Redirect>"
	    "<Say voize='x'>no</Say></Response>";
	struct twiml t;
	char why[200];

	(void)state;
	assert_int_equal(twiml_read(&t, doc, sizeof doc - 1, why, sizeof why), 0);
	assert_int_equal(t.count, 5);
	assert_string_equal(t.verb[0].text, "Hello & welcome");
	assert_string_equal(t.verb[1].url, "wss://h/s/t");
	assert_string_equal(t.verb[1].action, "/after");
	assert_string_equal(t.verb[1].parameter[0].value, "1 < 2");
	assert_string_equal(t.verb[2].text, "+12025550177");
	assert_true(t.verb[3].get);
	assert_non_null(strstr(text_str(&t.notes), "voize"));
	twiml_free(&t);
}

/* --- HTTP and frames --- */

static void an_answer_is_read_at_any_split(void **state)
{
	static const char *const answers[] = { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n2\r\nhe\r\n3;x=1\r\nllo\r\n0\r\nT: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX: y\r\n\r\nhello" };
	char why[200], value[20];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		for (size_t split = 1; split < strlen(answers[i]); split++) {
			struct http_answer a = { 0 };

			assert_int_equal(http_feed(&a, answers[i], split, why, sizeof why), 0);
			assert_int_equal(
			    http_feed(&a, answers[i] + split, strlen(answers[i]) - split, why, sizeof why), 0);
			if (i == 2)
				assert_int_equal(http_feed(&a, NULL, 0, why, sizeof why), 0);
			assert_true(a.done);
			assert_string_equal(text_str(&a.body), "hello");
			assert_true(http_header(text_str(&a.head), "x", value, sizeof value));
			assert_string_equal(value, "y");
			http_free(&a);
		}
	}
}

static void an_answer_that_is_no_http_is_refused(void **state)
{
	static const char *const bad[] = { "hello\r\n\r\n", "HTTP/1.1 abc\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" };
	char why[200];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct http_answer a = { 0 };

		assert_int_equal(http_feed(&a, bad[i], strlen(bad[i]), why, sizeof why), -1);
		http_free(&a);
	}
}

#define SID "MZ00000000000000000000000000000001"

static void messages_must_have_exactly_their_fields(void **state)
{
	static const char *const bad[] = { "", "{", "{}", "[]", "null", "{\"event\":\"media\"}",
		"{\"event\":\"media\",\"streamSid\":\"" SID "\",\"media\":{}}",
		"{\"event\":\"media\",\"streamSid\":\"" SID "\",\"media\":{\"payload\":7}}",
		"{\"event\":\"media\",\"streamSid\":\"" SID
		"\",\"media\":{\"payload\":\"/w==\",\"track\":\"outbound\"}}",
		"{\"event\":\"media\",\"streamSid\":\"" SID "\",\"media\":{\"payload\":\"/w==\"},\"x\":1}",
		"{\"event\":\"media\",\"streamSid\":\"MZ1\",\"media\":{\"payload\":\"/w==\"}}",
		"{\"event\":\"media\",\"media\":{\"payload\":\"/w==\"}}",
		"{\"event\":\"media\",\"streamSid\":\"" SID
		"\",\"media\":{\"payload\":\"/w==\"},\"mark\":{\"name\":\"x\"}}",
		"{\"event\":\"mark\",\"streamSid\":\"" SID "\"}",
		"{\"event\":\"mark\",\"streamSid\":\"" SID "\",\"mark\":\"x\"}",
		"{\"event\":\"clear\",\"streamSid\":\"" SID "\",\"mark\":{\"name\":\"x\"}}",
		"{\"event\":\"clear\",\"event\":\"clear\",\"streamSid\":\"" SID "\"}",
		"{\"event\":\"stop\",\"streamSid\":\"" SID "\"}", "{\"event\":\"clear\",\"streamSid\":\"" SID "\"}x",
		"{\"event\":\"clear\",\"streamSid\":\"" SID "\",}",
		"{\"event\":\"mark\",\"streamSid\":\"" SID "\",\"mark\":{\"name\":\"\xff\"}}",
		"{\"event\":\"mark\",\"streamSid\":\"" SID "\",\"mark\":{\"name\":\"\n\"}}" };
	static const char good[] =
	    " { \"streamSid\" : \"" SID "\",\"mark\":{\"name\":\"a\\\"b\\u00e9\\\\\"},\"event\":\"mark\" } ";
	struct message m;
	const char *why;
	char *name;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (message_read(&m, bad[i], strlen(bad[i]), SID, &why) == 0)
			fail_msg("taken: %s", bad[i]);
	assert_int_equal(message_read(&m, good, sizeof good - 1, SID, &why), 0);
	assert_int_equal(m.kind, MESSAGE_MARK);
	name = message_unescape(m.value, m.len);
	assert_string_equal(name, "a\"b\xC3\xA9\\");
	free(name);
	assert_null(message_unescape("\\u0000", 6));
	assert_null(message_unescape("\\x", 2));
	assert_null(message_unescape("\\ud800", 6));
}

/* --- play-out --- */

static struct playout playout;

static size_t echoes(struct mark *last)
{
	struct mark m;
	size_t n = 0;

	while (playout_next_echo(&playout, &m)) {
		*last = m;
		free(m.name);
		n++;
	}
	return n;
}

/* One mark came back, because what is before it was played. */
static void one_played(void)
{
	struct mark m;

	assert_int_equal(echoes(&m), 1);
	assert_false(m.flushed);
}

static void play_loud(size_t len)
{
	uint8_t audio[1600];

	memset(audio, 0x10, sizeof audio);
	assert_true(len <= sizeof audio);
	playout_media(&playout, audio, len);
}

/* Before each test, and after it. */
static int empty_playout(void **state)
{
	(void)state;
	playout_close(&playout);
	playout_init(&playout, 0);
	return 0;
}

static void a_mark_comes_back_when_what_precedes_it_was_played(void **state)
{
	struct mark m;
	uint8_t out[TICK_BYTES];

	(void)state;
	play_loud(320);
	playout_mark(&playout, "two ticks");
	play_loud(100);
	playout_mark(&playout, "three");
	assert_int_equal(echoes(&m), 0);
	assert_int_equal(playout_tick(&playout, out), 160); /* plays the first 20 ms */
	assert_int_equal(echoes(&m), 0);
	assert_int_equal(playout_tick(&playout, out), 160);
	assert_int_equal(echoes(&m), 0); /* the second 20 ms are still in the air */
	assert_int_equal(playout_tick(&playout, out), 100);
	assert_int_equal(out[99], 0x10);
	assert_int_equal(out[100], MULAW_SILENCE);
	one_played();
	assert_int_equal(playout_tick(&playout, out), 0);
	one_played();
}

static void a_mark_with_nothing_before_it_comes_back_at_once(void **state)
{
	(void)state;
	playout_mark(&playout, "idle");
	one_played();
}

static void a_clear_drops_audio_and_returns_all_marks(void **state)
{
	struct mark m;
	uint8_t out[TICK_BYTES];
	size_t flushed;

	(void)state;
	play_loud(160);
	playout_mark(&playout, "first");
	play_loud(1600);
	playout_mark(&playout, "second");
	playout_mark(&playout, "third");
	playout_tick(&playout, out);
	playout_tick(&playout, out);
	assert_int_equal(echoes(&m), 1);
	assert_int_equal(playout_clear(&playout, &flushed), 1440);
	assert_int_equal(flushed, 2);
	assert_int_equal(echoes(&m), 2);
	assert_true(m.flushed);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(playout_tick(&playout, out), 0);
		assert_int_equal(out[0], MULAW_SILENCE);
	}
	/* What comes after plays, and its mark is honest again. */
	play_loud(160);
	playout_mark(&playout, "new");
	assert_int_equal(echoes(&m), 0);
	assert_int_equal(playout_tick(&playout, out), 160);
	playout_tick(&playout, out);
	one_played();
}

static void audio_is_played_in_order_through_any_queue(void **state)
{
	uint8_t audio[5000], out[TICK_BYTES];
	size_t put = 0, got = 0;

	(void)state;
	for (int round = 0; round < 400; round++) {
		size_t n = (size_t)(round * 97 % 400);

		for (size_t i = 0; i < n; i++)
			audio[i] = (uint8_t)((put + i) * 31 >> 3);
		put += n;
		assert_int_equal(playout_media(&playout, audio, n), 0);
		n = playout_tick(&playout, out);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(out[i], (uint8_t)((got + i) * 31 >> 3));
		got += n;
	}
	assert_true(put > got);
	while ((put = playout_tick(&playout, out)) > 0)
		got += put;
	assert_int_equal(got, playout.received);
}

static void more_than_ten_minutes_are_thrown_away(void **state)
{
	uint8_t *audio = need(8000 * 60);

	(void)state;
	for (int minute = 0; minute < 10; minute++)
		assert_int_equal(playout_media(&playout, audio, 8000 * 60), 0);
	assert_int_equal(playout_media(&playout, audio, 1000), 1000);
	assert_int_equal(playout.refused, 1000);
	free(audio);
}

static void a_late_phone_begins_every_answer_late(void **state)
{
	uint8_t audio[160] = { 1 }, out[TICK_BYTES];
	size_t marks;

	(void)state;
	playout_init(&playout, 3);
	for (int answer = 0; answer < 2; answer++) {
		playout_media(&playout, audio, sizeof audio);
		for (int i = 0; i < 3; i++)
			assert_int_equal(playout_tick(&playout, out), 0);
		assert_int_equal(playout_tick(&playout, out), 160);
		assert_int_equal(playout_tick(&playout, out), 0);
	}
	playout_clear(&playout, &marks);
}

static void the_position_grows_within_a_tick(void **state)
{
	uint8_t audio[400] = { 1 }, out[TICK_BYTES];

	(void)state;
	playout_media(&playout, audio, 320);
	assert_int_equal(playout_position(&playout, 5 * NS_PER_MS), 0);
	playout_tick(&playout, out);
	assert_int_equal(playout_position(&playout, 5 * NS_PER_MS), 40);
	assert_int_equal(playout_position(&playout, 50 * NS_PER_MS), 160);
	playout_tick(&playout, out);
	assert_int_equal(playout_position(&playout, 0), 160);
}

/* --- answers and scripts --- */

static void answers_are_parted_by_silence_and_clears(void **state)
{
	struct agent a = { 0 };
	uint32_t tick = 0;

	(void)state;
	for (int i = 0; i < 10; i++)
		agent_tick(&a, tick++, 160);
	tick += 5; /* a pause in a sentence */
	assert_false(agent_tick(&a, tick++, 160));
	assert_int_equal(a.count, 1);
	assert_int_equal(a.answers[0].gaps, 1);
	tick += ANSWER_GAP_TICKS;
	assert_true(agent_tick(&a, tick++, 160));
	agent_clear(&a, 800);
	assert_true(a.answers[1].cut);
	assert_int_equal(a.answers[1].unplayed_bytes, 800);
	assert_true(agent_tick(&a, tick++, 160));
	assert_int_equal(a.count, 3);
	agent_close(&a);
}

static struct script *script(const char *const *lines)
{
	struct script *s = need(sizeof *s);
	char why[300];

	for (int i = 0; lines[i]; i++)
		if (script_line(s, lines[i], "", i + 1, why, sizeof why) != 0)
			fail_msg("%s", why);
	return s;
}

static void drop(struct script *s)
{
	script_free(s);
	free(s);
}

/* A caller with a script, and the agent he hears. */
static struct caller caller;
static struct caller_news news;
static struct agent agent;
static struct script *played;
static uint8_t frame[TICK_BYTES];

static void begin(const char *const *lines)
{
	played = script(lines);
	agent = (struct agent){ 0 };
	caller_init(&caller, played);
}

#define BEGIN(...) begin((const char *const[]){ __VA_ARGS__, NULL })

static void tick(uint32_t t, size_t clears)
{
	caller_tick(&caller, &agent, t, clears, frame, &news);
}

static void end(void)
{
	agent_close(&agent);
	drop(played);
}

static void the_caller_waits_for_the_answer_to_him(void **state)
{
	uint32_t t = 0;

	(void)state;
	BEGIN("dtmf 1", "wait-agent-talking 40", "dtmf 2", "wait-agent-done 60", "hangup");
	agent_tick(&agent, t, 160); /* a greeting, before anything was said */
	t++;
	tick(t, 0);
	assert_int_equal(news.key, '1');
	for (int i = 0; i < 10; i++) { /* the greeting goes on: no answer to us */
		agent_tick(&agent, ++t, 160);
		tick(t, 0);
		assert_int_equal(news.key, 0);
	}
	agent_clear(&agent, 0);
	agent_tick(&agent, ++t, 160);
	tick(t, 1);
	assert_int_equal(news.key, 0);
	agent_tick(&agent, ++t, 160); /* 40 ms of the answer */
	tick(t, 1);
	assert_int_equal(news.key, '2');
	agent_clear(&agent, 0);
	agent_tick(&agent, ++t, 160);
	agent_tick(&agent, ++t, 160);
	for (int i = 0; i < 3; i++) {
		agent_tick(&agent, ++t, 0);
		tick(t, 2);
		assert_false(news.hangup);
	}
	agent_tick(&agent, ++t, 0);
	tick(t, 2);
	assert_true(news.hangup);
	assert_true(caller.finished);
	end();
}

static void the_caller_understands_chirps(void **state)
{
	struct ears ears = { 0 };
	struct speech answer;
	uint32_t t = 0;

	(void)state;
	BEGIN("words \"defigo\"", "wait-spoken \"fibade fibafi\"", "hangup");
	agent.ears = &ears;
	speech_of_words(&answer, "fibaba fibade fibafi");
	assert_string_equal(played->step[0].text, "defigo");
	assert_int_equal(played->step[0].kind, STEP_SAY);
	for (tick(t, 0); !caller_waits(&caller, &agent); tick(++t, 0))
		ears_wait(&ears, ears_hear(&ears, frame), false, t);
	for (int i = 0; i < 7; i++) {
		memset(frame, MULAW_SILENCE, sizeof frame);
		ears_wait(&ears, ears_hear(&ears, frame), caller_waits(&caller, &agent), ++t);
	}
	assert_int_equal(ears.longest_ticks, 7);
	for (size_t at = 0; at + TICK_BYTES <= answer.len; at += TICK_BYTES) {
		ears_wait(&ears, ears_hear(&ears, answer.data + at), caller_waits(&caller, &agent), ++t);
		tick(t, 0);
	}
	assert_true(caller.finished);
	assert_int_equal(ears.longest_ticks, 7);
	assert_true(ears_heard(&ears, "defigo fibaba", 0));
	assert_false(ears_heard(&ears, "defigo fibade", 0));
	speech_free(&answer);
	ears_close(&ears);
	end();
}

static void a_wait_gives_up_at_its_limit(void **state)
{
	(void)state;
	BEGIN("wait-agent-done 100 200");
	for (uint32_t t = 0; t < 10; t++) {
		tick(t, 0);
		assert_null(news.gave_up);
		assert_int_equal(frame[0], MULAW_SILENCE);
	}
	tick(10, 0);
	assert_ptr_equal(news.gave_up, &played->step[0]);
	assert_true(news.hangup);
	end();
}

static void a_script_that_only_repeats_does_not_hang(void **state)
{
	(void)state;
	BEGIN("repeat");
	tick(0, 0);
	assert_false(news.hangup);
	end();
}

static void a_script_with_a_mistake_is_refused(void **state)
{
	static const char *const bad[] = { "say", "say /nonexistent.wav", "silence", "silence x", "silence 5 6",
		"dance", "dtmf 12x", "wait-agent-done 5 y", "hangup now", "silence -5" };
	char why[300];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct script *s = need(sizeof *s);

		if (script_line(s, bad[i], "", 1, why, sizeof why) == 0)
			fail_msg("taken: %s", bad[i]);
		drop(s);
	}
}

static void faults_take_a_value_and_a_time(void **state)
{
	struct fault f[FAULT_COUNT] = { 0 };

	(void)state;
	assert_int_equal(fault_set(f, "late=300@4000"), 0);
	assert_true(f[FAULT_LATE].on);
	assert_int_equal(f[FAULT_LATE].value, 300);
	assert_int_equal(f[FAULT_LATE].at_ms, 4000);
	assert_int_equal(fault_set(f, "cut=fin@10"), 0);
	assert_int_equal(f[FAULT_CUT].value, 1);
	assert_int_equal(fault_set(f, "no-echo"), 0);
	assert_int_equal(fault_set(f, "no-ech"), -1);
	assert_int_equal(fault_set(f, "late=x"), -1);
	assert_int_equal(fault_set(f, "late=3y"), -1);
}

#define PLAYOUT_TEST(name) cmocka_unit_test_setup_teardown(name, empty_playout, empty_playout)

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(a_wav_of_16_khz_becomes_8_khz_of_the_same_length),
	cmocka_unit_test(broken_xml_is_refused),
	cmocka_unit_test(escapes_in_xml_are_undone),
	cmocka_unit_test(twiml_that_twilio_refuses_is_refused),
	cmocka_unit_test(twiml_is_read_in_order),
	cmocka_unit_test(an_answer_is_read_at_any_split),
	cmocka_unit_test(an_answer_that_is_no_http_is_refused),
	cmocka_unit_test(messages_must_have_exactly_their_fields),
	PLAYOUT_TEST(a_mark_comes_back_when_what_precedes_it_was_played),
	PLAYOUT_TEST(a_mark_with_nothing_before_it_comes_back_at_once),
	PLAYOUT_TEST(a_clear_drops_audio_and_returns_all_marks),
	PLAYOUT_TEST(audio_is_played_in_order_through_any_queue),
	PLAYOUT_TEST(more_than_ten_minutes_are_thrown_away),
	PLAYOUT_TEST(a_late_phone_begins_every_answer_late),
	PLAYOUT_TEST(the_position_grows_within_a_tick),
	cmocka_unit_test(answers_are_parted_by_silence_and_clears),
	cmocka_unit_test(the_caller_waits_for_the_answer_to_him),
	cmocka_unit_test(the_caller_understands_chirps),
	cmocka_unit_test(a_wait_gives_up_at_its_limit),
	cmocka_unit_test(a_script_that_only_repeats_does_not_hang),
	cmocka_unit_test(a_script_with_a_mistake_is_refused),
	cmocka_unit_test(faults_take_a_value_and_a_time),
	{ 0 },
};
