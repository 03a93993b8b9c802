#include "server/phone/relay.h"

#include <stddef.h>
#include <stdint.h>

#include "tests/peers/fixture.h"
#include "tests/unit/phone/phone_kit.h"

ONE_THREAD;

static const char SESSION[] = "VX00000000000000000000000000000001", CALL[] = "CA00000000000000000000000000000001";

static struct phone_event parsed_of(const char *text, size_t len, char name[FOREIGN_ID_SIZE])
{
	return phone_begins(&relay_channel, text, len, name);
}

static struct phone_event parsed(const char *text)
{
	char name[FOREIGN_ID_SIZE];

	return parsed_of(text, strlen(text), name);
}

/* A setup of the fixtures; nothing of it is borrowed. */
static struct phone_event parsed_setup(const char *fixture_name, char name[FOREIGN_ID_SIZE])
{
	size_t len;
	char *text = fixture(fixture_name, &len);
	struct phone_event e = parsed_of(text, len, name);

	free(text);
	return e;
}

static void expect(const char *text, enum phone_event_type type)
{
	phone_expect(text, parsed(text), type);
}

static void expect_words(struct span text, const char *words)
{
	struct buf out;

	buf_init(&out, 0);
	foreign_put_text(&out, text);
	assert_string_equal(buf_text(&out), words);
	buf_free(&out);
}

/* ------------------------------------------------------------------- from Twilio */

static void every_message_of_the_fixtures_is_what_it_is(void **state)
{
	static const struct {
		const char *name;
		enum phone_event_type type;
		const char *words; /* NULL: it has none */
	} arriving[] = {
		{ "setup", PHONE_STARTED, NULL },
		{ "setup-outbound", PHONE_STARTED, NULL },
		{ "prompt", PHONE_TEXT, "What are your opening hours tomorrow?" },
		{ "prompt-partial", PHONE_TEXT, "What are your open" },
		{ "dtmf", PHONE_KEY, NULL },
		{ "interrupt", PHONE_INTERRUPTED, "We open at nine in the" },
		{ "interrupt-string-duration", PHONE_INTERRUPTED, "We open at nine in the" },
		{ "error", PHONE_COMPLAINT, "Invalid message received, code: 64107, message: {\"type\":\"text\"}" },
		{ "info-agent-speaking", PHONE_NOTHING, NULL },
		{ "info-client-speaking", PHONE_VOICE, NULL },
		{ "info-round-trip-delay", PHONE_NOTHING, NULL },
		{ "info-tokens-played", PHONE_PLAYED, "We open at nine" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof arriving / sizeof *arriving; i++) {
		char name[100], id[FOREIGN_ID_SIZE];
		struct phone_event e;
		size_t len;
		char *text;

		snprintf(name, sizeof name, "conversationrelay-%s", arriving[i].name);
		text = fixture(name, &len);
		e = parsed_of(text, len, id);
		if (e.type != arriving[i].type)
			fail_msg("%s gives %d", name, e.type);
		if (arriving[i].words)
			expect_words(e.text, arriving[i].words);
		else
			assert_null(e.text.p);
		assert_int_equal(e.key, e.type == PHONE_KEY ? '1' : '\0');
		assert_false(e.on);
		if (e.type == PHONE_INTERRUPTED)
			assert_int_equal(e.spoken_ms, 460);
		free(text);
	}
}

static void it_says_what_it_can_do(void **state)
{
	(void)state;
	assert_true(relay_channel.text && relay_channel.closes);
	assert_false(relay_channel.audio || relay_channel.marks);
	assert_null(relay_channel.put_audio);
	assert_null(relay_channel.put_clear);
	assert_null(relay_channel.put_mark);
}

static void setup_names_the_session_the_call_and_who_is_in_it(void **state)
{
	char name[FOREIGN_ID_SIZE];
	struct phone_event e = parsed_setup("conversationrelay-setup", name);

	(void)state;
	assert_null(e.unusable);
	assert_string_equal(name, SESSION);
	assert_string_equal(e.call_sid, CALL);
	assert_string_equal(e.caller, "+12025550123");
	assert_string_equal(e.called, "+12025550100");
	/* As of the webhook of such a call: From is ours. */
	e = parsed_setup("conversationrelay-setup-outbound", name);
	assert_string_equal(e.caller, "+12025550100");
	assert_string_equal(e.called, "+12025550123");
}

static void a_setup_that_cannot_be_used_says_why(void **state)
{
	static const char *const unusable[] = { "{\"type\":\"setup\"}", "{\"type\":\"setup\",\"sessionId\":\"VX1\"}",
		"{\"type\":\"setup\",\"sessionId\":\"VX1\",\"callSid\":\"\"}",
		"{\"type\":\"setup\",\"sessionId\":\"VX1\",\"callSid\":7}",
		"{\"type\":\"setup\",\"sessionId\":\"VX1\",\"callSid\":null}",
		"{\"type\":\"setup\",\"sessionId\":\"VX1\",\"callSid\":\"C A\"}",
		"{\"type\":\"setup\",\"callSid\":\"CA1\"}", "{\"type\":\"setup\",\"sessionId\":[],\"callSid\":\"CA1\"}",
		"{\"type\":\"setup\",\"sessionId\":\"\",\"callSid\":\"CA1\"}",
		"{\"type\":\"setup\",\"sessionId\":\"V\\\"X\",\"callSid\":\"CA1\"}",
		"{\"type\":\"setup\",\"sessionId\":\"VX1\",\"callSid\":\"CA1\"" };
	char name[FOREIGN_ID_SIZE], text[3000], huge[1001];

	(void)state;
	for (size_t i = 0; i < sizeof unusable / sizeof *unusable; i++) {
		struct phone_event e = parsed_of(unusable[i], strlen(unusable[i]), name);

		if (e.type != PHONE_STARTED || !e.unusable || name[0])
			fail_msg("taken: %s", unusable[i]);
	}
	memset(huge, 'x', 1000);
	huge[1000] = '\0';
	snprintf(text, sizeof text, "{\"type\":\"setup\",\"sessionId\":\"VX1\",\"callSid\":\"%s\"}", huge);
	assert_non_null(parsed(text).unusable);
	snprintf(text, sizeof text, "{\"type\":\"setup\",\"sessionId\":\"%s\",\"callSid\":\"CA1\"}", huge);
	assert_non_null(parsed(text).unusable);
	/* What else is missing or odd costs itself alone. */
	snprintf(text, sizeof text,
	    "{\"from\":7,\"to\":\"%s\",\"customParameters\":\"\\ud83d\",\"callSid\":\"CA1\","
	    "\"sessionId\":\"VX1\",\"type\":\"setup\"}",
	    huge);
	assert_null(parsed(text).unusable);
	assert_string_equal(parsed(text).caller, "");
	assert_string_equal(parsed(text).called, "");
}

static void a_second_setup_is_told_and_renames_nothing(void **state)
{
	static const char second[] = "{\"type\":\"setup\",\"sessionId\":\"VX2\",\"callSid\":\"CA1\"}";
	struct phone_stream s = { .id = "VX1" };
	struct phone_event e;

	(void)state;
	relay_channel.parse(&s, second, sizeof second - 1, &e);
	assert_int_equal(e.type, PHONE_STARTED);
	assert_string_equal(s.id, "VX1");
}

static void only_a_last_prompt_ends_the_turn(void **state)
{
	struct phone_event e = parsed("{\"type\":\"prompt\",\"voicePrompt\":\"hello\",\"last\":true}");

	(void)state;
	assert_true(e.last);
	e = parsed("{\"last\":false,\"voicePrompt\":\"hello\",\"type\":\"prompt\"}");
	assert_int_equal(e.type, PHONE_TEXT);
	assert_false(e.last);
	expect("{\"type\":\"prompt\",\"voicePrompt\":\"hello\"}", PHONE_INVALID);
	expect("{\"type\":\"prompt\",\"voicePrompt\":\"hello\",\"last\":\"true\"}", PHONE_INVALID);
	expect("{\"type\":\"prompt\",\"voicePrompt\":\"hello\",\"last\":1}", PHONE_INVALID);
	expect("{\"type\":\"prompt\",\"voicePrompt\":\"hello\",\"last\":null}", PHONE_INVALID);
	expect("{\"type\":\"prompt\",\"last\":true}", PHONE_INVALID);
	expect("{\"type\":\"prompt\",\"voicePrompt\":null,\"last\":true}", PHONE_INVALID);
	expect("{\"type\":\"prompt\",\"voicePrompt\":{},\"last\":true}", PHONE_INVALID);
	expect("{\"type\":\"prompt\"}", PHONE_INVALID);
}

static void a_prompt_says_in_which_language_it_is_or_not(void **state)
{
	static const char *const none[] = { "null", "7", "\"\"", "\"x\"", "\"es ES\"", "\"es\\u0000\"", "[\"es\"]",
		"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"" };
	char text[200];

	(void)state;
	assert_true(span_is(
	    parsed("{\"type\":\"prompt\",\"voicePrompt\":\"No\",\"last\":true,\"lang\":\"es-ES\"}").language, "es-ES"));
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		snprintf(text, sizeof text, "{\"type\":\"prompt\",\"voicePrompt\":\"No\",\"last\":true,\"lang\":%s}",
		    none[i]);
		expect(text, PHONE_TEXT);
		assert_null(parsed(text).language.p);
	}
}

static void a_prompt_of_blanks_is_nobodys_turn(void **state)
{
	static const char *const blanks[] = { "", " ", "  \t ", "\\n\\t\\r \\u0020", "\\u00a0\\u3000\\u2003",
		"\xc2\xa0", "\xe3\x80\x80", "\xe2\x80\x8b", "\\ufeff" };
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++) {
		snprintf(text, sizeof text, "{\"type\":\"prompt\",\"voicePrompt\":\"%s\",\"last\":true}", blanks[i]);
		expect(text, PHONE_NOTHING);
		snprintf(text, sizeof text, "{\"type\":\"prompt\",\"voicePrompt\":\"%sa\",\"last\":true}", blanks[i]);
		expect(text, PHONE_TEXT);
	}
}

static void words_of_every_script_and_length_are_taken(void **state)
{
	char *text = malloc(80000);
	size_t len;

	(void)state;
	expect_words(parsed("{\"type\":\"prompt\",\"voicePrompt\":\"\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \\u200f\\u05d0\","
			    "\"last\":true}")
			 .text,
	    "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xe2\x80\x8f\xd7\x90");
	expect_words(
	    parsed("{\"type\":\"prompt\",\"voicePrompt\":\"well \\ud83d\",\"last\":true}").text, "well \xef\xbf\xbd");
	expect_words(
	    parsed("{\"type\":\"prompt\",\"voicePrompt\":\"\\ud83d\\ude00\",\"last\":true}").text, "\xf0\x9f\x98\x80");
	len = (size_t)sprintf(text, "{\"type\":\"prompt\",\"last\":true,\"voicePrompt\":\"");
	for (int i = 0; i < 10000; i++)
		len += (size_t)sprintf(text + len, "%s", "\xe4\xbd\xa0");
	sprintf(text + len, "\"}");
	assert_int_equal(parsed(text).text.n, 30000);
	free(text);
}

static void an_interruption_is_one_whatever_it_says(void **state)
{
	static const struct {
		const char *fields;
		int64_t spoken_ms;
	} told[] = { { ",\"durationUntilInterruptMs\":460.75", 460 },
		{ ",\"durationUntilInterruptMs\":\"460.75\"", 460 }, { ",\"durationUntilInterruptMs\":0", 0 },
		{ ",\"durationUntilInterruptMs\":1e3", 1000 }, { ",\"durationUntilInterruptMs\":\"\"", -1 },
		{ ",\"durationUntilInterruptMs\":\"soon\"", -1 }, { ",\"durationUntilInterruptMs\":\"12ms\"", -1 },
		{ ",\"durationUntilInterruptMs\":\"0x10\"", -1 }, { ",\"durationUntilInterruptMs\":-1", -1 },
		{ ",\"durationUntilInterruptMs\":1e300", -1 }, { ",\"durationUntilInterruptMs\":1e9999", -1 },
		{ ",\"durationUntilInterruptMs\":null", -1 }, { ",\"durationUntilInterruptMs\":{}", -1 },
		{ ",\"durationUntilInterruptMs\":true", -1 },
		{ ",\"durationUntilInterruptMs\":99999999999999999999999999999999999", -1 }, { "", -1 } };
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
		struct phone_event e;

		snprintf(
		    text, sizeof text, "{\"type\":\"interrupt\"%s,\"utteranceUntilInterrupt\":\"We\"}", told[i].fields);
		e = parsed(text);
		assert_int_equal(e.type, PHONE_INTERRUPTED);
		if (e.spoken_ms != told[i].spoken_ms)
			fail_msg("%s gives %d", told[i].fields, (int)e.spoken_ms);
		expect_words(e.text, "We");
	}
	/* Nothing was heard of us; and: it does not say what. */
	assert_non_null(parsed("{\"type\":\"interrupt\",\"utteranceUntilInterrupt\":\"\"}").text.p);
	expect("{\"type\":\"interrupt\",\"utteranceUntilInterrupt\":7}", PHONE_INTERRUPTED);
	assert_null(parsed("{\"type\":\"interrupt\",\"utteranceUntilInterrupt\":7}").text.p);
	assert_null(parsed("{\"type\":\"interrupt\"}").text.p);
}

static void news_of_the_session_says_who_speaks_and_what_was_played(void **state)
{
	(void)state;
	assert_true(parsed("{\"type\":\"info\",\"name\":\"agentSpeaking\",\"value\":\"off\"}").on);
	expect("{\"type\":\"info\",\"name\":\"agentSpeaking\",\"value\":\"off\"}", PHONE_PLAYED);
	assert_true(parsed("{\"type\":\"info\",\"name\":\"clientSpeaking\",\"value\":\"on\"}").on);
	expect("{\"type\":\"info\",\"name\":\"clientSpeaking\",\"value\":\"on\"}", PHONE_VOICE);
	assert_false(parsed("{\"type\":\"info\",\"name\":\"tokensPlayed\",\"value\":\"off\"}").on);
	/* What it gains over time is news, not nonsense. */
	expect("{\"type\":\"info\",\"name\":\"clientSpeaking\",\"value\":true}", PHONE_UNKNOWN);
	expect("{\"type\":\"info\",\"name\":\"clientSpeaking\",\"value\":\"perhaps\"}", PHONE_UNKNOWN);
	expect("{\"type\":\"info\",\"name\":\"agentSpeaking\"}", PHONE_UNKNOWN);
	expect("{\"type\":\"info\",\"name\":\"tokensPlayed\",\"value\":7}", PHONE_UNKNOWN);
	expect("{\"type\":\"info\",\"name\":\"weather\",\"value\":\"on\"}", PHONE_UNKNOWN);
	expect("{\"type\":\"info\",\"name\":7,\"value\":\"on\"}", PHONE_UNKNOWN);
	expect("{\"type\":\"info\"}", PHONE_UNKNOWN);
}

static void keys_and_complaints_may_be_odd(void **state)
{
	(void)state;
	for (const char *k = "0123456789*#ABCD"; *k; k++) {
		char text[] = "{\"type\":\"dtmf\",\"digit\":\"?\"}";

		*strchr(text, '?') = *k;
		assert_int_equal(parsed(text).key, *k);
	}
	expect("{\"type\":\"dtmf\",\"digit\":7}", PHONE_KEY);
	expect("{\"type\":\"dtmf\",\"digit\":\"12\"}", PHONE_INVALID);
	expect("{\"type\":\"dtmf\",\"digit\":\"w\"}", PHONE_INVALID);
	expect("{\"type\":\"dtmf\",\"digit\":\"\"}", PHONE_INVALID);
	expect("{\"type\":\"dtmf\",\"digit\":[]}", PHONE_INVALID);
	expect("{\"type\":\"dtmf\"}", PHONE_INVALID);
	expect("{\"type\":\"error\"}", PHONE_COMPLAINT);
	expect("{\"type\":\"error\",\"description\":64107}", PHONE_COMPLAINT);
	assert_null(parsed("{\"type\":\"error\",\"description\":64107}").text.p);
}

static void nonsense_is_invalid_and_news_is_unknown(void **state)
{
	static const char *const invalid[] = { "", " ", "x", "null", "[]", "{", "{}", "\"setup\"", "{\"type\"}",
		"{\"type\":", "{\"type\":7}", "{\"type\":null}", "{\"type\":[\"setup\"]}", "{\"event\":\"start\"}",
		"{'type':'setup'}" };

	(void)state;
	for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++)
		expect(invalid[i], PHONE_INVALID);
	expect("{\"type\":\"confetti\"}", PHONE_UNKNOWN);
	expect("{\"type\":\"\"}", PHONE_UNKNOWN);
	expect("{\"type\":\"media\",\"media\":{\"payload\":\"AAAA\"}}", PHONE_UNKNOWN);
	expect("{\"type\":\"text\",\"token\":\"hello\"}", PHONE_UNKNOWN); /* it is we who say that */
	expect("{\"unknown\":{\"type\":\"x\"},\"type\":\"dtmf\",\"digit\":\"1\",\"more\":[]}", PHONE_KEY);
}

static void what_belongs_to_a_stream_is_told_from_nonsense(void **state)
{
	(void)state;
	expect("{\"event\":\"media\",\"media\":{\"payload\":\"AAAA\"}}", PHONE_INVALID);
	assert_non_null(strstr(parsed("{\"event\":\"start\"}").unusable, "/twilio/stream"));
	assert_non_null(strstr(parsed("{\"type\":\"media\"}").unusable, "/twilio/stream"));
	assert_null(parsed("{\"type\":\"confetti\"}").unusable);
	assert_null(parsed("{}").unusable);
}

static void cut(const char *name, void *arg)
{
	char id[FOREIGN_ID_SIZE], *text;
	size_t len;

	(void)arg;
	text = fixture(name, &len);
	for (size_t n = 0; n < len; n++) {
		char *beginning = malloc(n ? n : 1);

		assert_non_null(beginning);
		memcpy(beginning, text, n);
		parsed_of(beginning, n, id);
		free(beginning);
	}
	free(text);
}

static void no_beginning_of_a_message_is_read_beyond_its_end(void **state)
{
	(void)state;
	assert_true(fixtures("conversationrelay-*", cut, NULL) > 12);
}

/* --------------------------------------------------------------------- to Twilio */

static void expect_fixture(struct buf *out, const char *name)
{
	size_t len;
	char *text = fixture(name, &len);
	cJSON *ours = json_parse(buf_text(out), out->len), *theirs = json_parse(text, len);

	if (!cJSON_Compare(ours, theirs, true))
		fail_msg("not as %s: %s", name, buf_text(out));
	cJSON_Delete(ours);
	cJSON_Delete(theirs);
	free(text);
	buf_free(out);
	buf_init(out, 0);
}

static void messages_of_ours_are_those_of_the_fixtures(void **state)
{
	struct phone_stream s = { .id = "VX1" };
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	relay_channel.put_text(&s, &out, "We open at nine ", 16, false);
	expect_fixture(&out, "conversationrelay-out-text");
	relay_channel.put_text(&s, &out, "", 0, true);
	expect_fixture(&out, "conversationrelay-out-text-last");
	relay_channel.put_language(&s, &out, "es-ES");
	expect_fixture(&out, "conversationrelay-out-language");
	relay_channel.put_text(&s, &out, "Abrimos", 7, false);
	assert_string_equal(
	    buf_text(&out), "{\"type\":\"text\",\"token\":\"Abrimos\",\"last\":false,\"lang\":\"es-ES\"}");
	buf_reset(&out);
	relay_channel.put_keys(&s, &out, "1w2#");
	expect_fixture(&out, "conversationrelay-out-send-digits");
	/* A string, though it looks like an object. */
	relay_channel.put_end(
	    &s, &out, "{\"reason\":\"transfer\",\"to\":\"+12025550177\",\"summary\":\"Caller asks for billing.\"}");
	expect_fixture(&out, "conversationrelay-out-end");
	relay_channel.put_play(&s, &out, "https://bridge.example.com/audio/hold.mp3");
	assert_string_equal(
	    buf_text(&out), "{\"type\":\"play\",\"source\":\"https://bridge.example.com/audio/hold.mp3\",\"loop\":1}");
	buf_free(&out);
}

static void text_goes_out_as_it_is_with_its_spaces(void **state)
{
	static const char text[] = " say \"hi\"\n\xd7\xa9 \xf0\x9f\x98\x80\\ ";
	struct phone_stream s = { .id = "VX1" };
	struct buf out;
	cJSON *tree;

	(void)state;
	buf_init(&out, 0);
	relay_channel.put_text(&s, &out, text, sizeof text - 1, false);
	tree = json_parse(buf_text(&out), out.len);
	assert_string_equal(json_str(tree, "token"), text);
	assert_true(cJSON_IsFalse(json_get(tree, "last")));
	cJSON_Delete(tree);
	buf_free(&out);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(every_message_of_the_fixtures_is_what_it_is),
	cmocka_unit_test(it_says_what_it_can_do),
	cmocka_unit_test(setup_names_the_session_the_call_and_who_is_in_it),
	cmocka_unit_test(a_setup_that_cannot_be_used_says_why),
	cmocka_unit_test(a_second_setup_is_told_and_renames_nothing),
	cmocka_unit_test(only_a_last_prompt_ends_the_turn),
	cmocka_unit_test(a_prompt_says_in_which_language_it_is_or_not),
	cmocka_unit_test(a_prompt_of_blanks_is_nobodys_turn),
	cmocka_unit_test(words_of_every_script_and_length_are_taken),
	cmocka_unit_test(an_interruption_is_one_whatever_it_says),
	cmocka_unit_test(news_of_the_session_says_who_speaks_and_what_was_played),
	cmocka_unit_test(keys_and_complaints_may_be_odd),
	cmocka_unit_test(nonsense_is_invalid_and_news_is_unknown),
	cmocka_unit_test(what_belongs_to_a_stream_is_told_from_nonsense),
	cmocka_unit_test(no_beginning_of_a_message_is_read_beyond_its_end),
	cmocka_unit_test(messages_of_ours_are_those_of_the_fixtures),
	cmocka_unit_test(text_goes_out_as_it_is_with_its_spaces),
	{ 0 },
};
