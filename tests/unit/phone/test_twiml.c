#include "server/phone/twiml.h"

#include "server/agents/agent.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

/* What was written; the next begins anew. */
static void check(const char *expected)
{
	assert_int_equal(buf_error(&written), 0);
	assert_string_equal(buf_text(&written), expected);
	buf_reset(&written);
}

static void stream_is_announced_with_its_urls_and_parties(void **state)
{
	(void)state;
	twiml_connect_stream(&written, &(struct twiml_stream){ .stream_url = "wss://a.example/twilio/stream/0123",
					   .action_url = "https://a.example/twilio/connect-action",
					   .status_url = "https://a.example/twilio/stream-status",
					   .caller = "+12025550123",
					   .called = "" });
	check(HEAD "<Response><Connect action=\"https://a.example/twilio/connect-action\" method=\"POST\">"
		   "<Stream url=\"wss://a.example/twilio/stream/0123\""
		   " statusCallback=\"https://a.example/twilio/stream-status\" statusCallbackMethod=\"POST\">"
		   "<Parameter name=\"caller\" value=\"+12025550123\"/></Stream></Connect></Response>\n");
	twiml_connect_stream(&written, &(struct twiml_stream){ "wss://a", "/b", "/c", "", "", "1w*#" });
	check(HEAD "<Response><Play digits=\"1w*#\"/><Connect action=\"/b\" method=\"POST\"><Stream url=\"wss://a\""
		   " statusCallback=\"/c\" statusCallbackMethod=\"POST\"></Stream></Connect></Response>\n");
}

static void session_is_announced_with_its_attributes_and_languages(void **state)
{
	static const struct relay_language languages[] = { { "es-ES", "Google", "es-ES-Chirp3-HD-Aoede", "", "" } };
	struct agent agent = { .name = "reception",
		.transcription_language = "en",
		.interruptible = true,
		.relay = { .languages = languages, .language_count = 1 } };

	(void)state;
	agent.relay.attributes[RELAY_speechTimeout] = "800";
	agent.relay.attributes[RELAY_hints] = "O'Neill & Sons";
	twiml_connect_relay(&written, &(struct twiml_relay){ .relay_url = "wss://a.example/twilio/relay/0123",
					  .action_url = "https://a.example/twilio/connect-action",
					  .agent = &agent,
					  .greeting = "Hello <there>",
					  .caller = "+12025550123",
					  .called = "" });
	check(
	    HEAD "<Response><Connect action=\"https://a.example/twilio/connect-action\" method=\"POST\">"
		 "<ConversationRelay url=\"wss://a.example/twilio/relay/0123\" welcomeGreeting=\"Hello &lt;there&gt;\""
		 " welcomeGreetingInterruptible=\"any\" language=\"en-US\" ttsProvider=\"ElevenLabs\""
		 " transcriptionProvider=\"Deepgram\" interruptible=\"any\" interruptSensitivity=\"high\""
		 " dtmfDetection=\"true\" reportInputDuringAgentSpeech=\"none\" preemptible=\"false\""
		 " hints=\"O&apos;Neill &amp; Sons\" debug=\"speaker-events tokens-played\" speechTimeout=\"800\">"
		 "<Language code=\"es-ES\" ttsProvider=\"Google\" voice=\"es-ES-Chirp3-HD-Aoede\"/>"
		 "<Parameter name=\"caller\" value=\"+12025550123\"/><Parameter name=\"agent\" value=\"reception\"/>"
		 "</ConversationRelay></Connect></Response>\n");
}

static void caller_cannot_write_markup(void **state)
{
	(void)state;
	twiml_connect_stream(&written, &(struct twiml_stream){ "", "", "", "\"/></Stream><Dial>+1900&'\n", "", NULL });
	assert_non_null(strstr(
	    buf_text(&written), "value=\"&quot;/&gt;&lt;/Stream&gt;&lt;Dial&gt;+1900&amp;&apos;&#10;\"/></Stream>"));
}

static void parameter_stays_below_twilios_limit(void **state)
{
	char caller[1000];
	(void)state;
	memset(caller, 'x', sizeof caller - 1);
	caller[sizeof caller - 1] = '\0';
	twiml_connect_stream(&written, &(struct twiml_stream){ "", "", "", caller, "", NULL });
	assert_in_range(strspn(strstr(buf_text(&written), "xxx"), "x"), 200, 493);
}

static void bytes_that_are_no_text_become_a_replacement(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "SAN JOSÉ 🙂", "SAN JOSÉ 🙂" },
		{ "a\x01z\x1f\x7f", "a\xef\xbf\xbdz\xef\xbf\xbd\x7f" },
		{ "\xff", "\xef\xbf\xbd" },
		{ "\xc3", "\xef\xbf\xbd" },                                 /* cut short */
		{ "\xc0\xbc", "\xef\xbf\xbd\xef\xbf\xbd" },                 /* overlong '<' */
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* a surrogate */
		{ "\xef\xbf\xbe\xef\xbf\xbf", "\xef\xbf\xbd\xef\xbf\xbd" }, /* not in XML */
		{ "\xe2\x82<", "\xef\xbf\xbd\xef\xbf\xbd&lt;" },            /* '<' is not swallowed */
		{ "\t\r\n", "&#9;&#13;&#10;" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		xml_escape(&written, cases[i].in, strlen(cases[i].in));
		check(cases[i].out);
	}
	xml_escape(&written, "a\0b", 3);
	check("a\xef\xbf\xbd"
	      "b");
}

static void sentence_is_said_with_what_is_known_of_its_voice(void **state)
{
	(void)state;
	twiml_say_hangup(&written, &(struct twiml_say){ "Sorry & goodbye.", "", "" });
	check(HEAD "<Response><Say>Sorry &amp; goodbye.</Say><Hangup/></Response>\n");
	twiml_say_hangup(&written, &(struct twiml_say){ "Adiós.", "Polly.Lucia", "es-ES" });
	check(HEAD "<Response><Say voice=\"Polly.Lucia\" language=\"es-ES\">Adiós.</Say><Hangup/></Response>\n");
}

static void a_hangup_is_a_whole_document(void **state)
{
	(void)state;
	twiml_hangup(&written);
	check(HEAD "<Response><Hangup/></Response>\n");
}

static void person_is_dialled_with_a_limit_and_told_of_afterwards(void **state)
{
	(void)state;
	twiml_dial_person(&written, NULL,
	    &(struct twiml_dial){ "+12025550177", 20, "https://a.example/twilio/dial-done?a=1&b=2", "" });
	check(HEAD "<Response><Dial timeout=\"20\" answerOnBridge=\"true\" method=\"POST\""
		   " action=\"https://a.example/twilio/dial-done?a=1&amp;b=2\"><Number>+12025550177</Number></Dial>"
		   "</Response>\n");
	twiml_dial_person(&written, &(struct twiml_say){ "Hold <on>.", "", "en-US" },
	    &(struct twiml_dial){ "+12025550177", 5, "x", "+12025550100" });
	check(HEAD
	    "<Response><Say language=\"en-US\">Hold &lt;on&gt;.</Say><Dial timeout=\"5\" answerOnBridge=\"true\" method=\"POST\" action=\"x\""
	    " callerId=\"+12025550100\"><Number>+12025550177</Number></Dial></Response>\n");
	/* As a name is good enough there, the person sees it. */
	twiml_dial_person(&written, NULL, &(struct twiml_dial){ "sip:a&b@c.example", 5, "x", "+12025550100" });
	check(HEAD "<Response><Dial timeout=\"5\" answerOnBridge=\"true\" method=\"POST\" action=\"x\">"
		   "<Sip>sip:a&amp;b@c.example</Sip></Dial></Response>\n");
	twiml_dial_person(&written, NULL, &(struct twiml_dial){ "SIPS:a@c.example", 5, "x", "" });
	check(HEAD "<Response><Dial timeout=\"5\" answerOnBridge=\"true\" method=\"POST\" action=\"x\">"
		   "<Sip>SIPS:a@c.example</Sip></Dial></Response>\n");
}

static void message_is_taken_after_words_and_goes_on_also_without_one(void **state)
{
	const struct twiml_record record = { 120, "https://a.example/l?a=1&b=2#rc=3", "https://a.example/news", NULL };

	(void)state;
	twiml_take_message(&written, &(struct twiml_say){ "Sorry.", "Polly.Mia", "" },
	    &(struct twiml_say){ "Speak.", "", "en-US" }, &record);
	check(HEAD "<Response><Say voice=\"Polly.Mia\">Sorry.</Say><Say language=\"en-US\">Speak.</Say>"
		   "<Record playBeep=\"true\" maxLength=\"120\" timeout=\"10\" finishOnKey=\"#\" method=\"POST\""
		   " action=\"https://a.example/l?a=1&amp;b=2#rc=3\" recordingStatusCallback=\"https://a.example/news\""
		   " recordingStatusCallbackEvent=\"completed absent\"/>"
		   "<Redirect method=\"POST\">https://a.example/l?a=1&amp;b=2#rc=3</Redirect></Response>\n");
	twiml_take_message(&written, NULL, &(struct twiml_say){ "Speak.", "", "" }, &record);
	assert_non_null(strstr(buf_text(&written), "<Response><Say>Speak.</Say><Record "));
	twiml_take_message(&written, NULL, NULL, &(struct twiml_record){ 120, "a", "b", .words_url = "c?d=1&e=2" });
	assert_non_null(strstr(buf_text(&written), " transcribe=\"true\" transcribeCallback=\"c?d=1&amp;e=2\" "));
}

static void turn_says_its_lines_and_listens_meanwhile_or_asks_again(void **state)
{
	struct twiml_turn turn = { .words = "One & two.\nThree.\n",
		.len = 18,
		.voice = "Polly.Mia",
		.language = "es-MX",
		.heard_in = "es-ES",
		.interruptible = true,
		.patience_seconds = 7,
		.next_url = "https://a.example/g?a=1&step=2#rc=3" };

	(void)state;
	twiml_turn(&written, &turn);
	check(HEAD
	    "<Response><Gather input=\"speech dtmf\" actionOnEmptyResult=\"true\" speechTimeout=\"auto\" timeout=\"7\""
	    " bargeIn=\"true\" language=\"es-ES\" method=\"POST\""
	    " action=\"https://a.example/g?a=1&amp;step=2#rc=3\">"
	    "<Say voice=\"Polly.Mia\" language=\"es-MX\">One &amp; two.</Say>"
	    "<Say voice=\"Polly.Mia\" language=\"es-MX\">Three.</Say></Gather>"
	    "<Redirect method=\"POST\">https://a.example/g?a=1&amp;step=2#rc=3</Redirect></Response>\n");
	turn = (struct twiml_turn){ .words = "", .voice = "", .language = "", .pause = true, .next_url = "/g" };
	twiml_turn(&written, &turn);
	check(HEAD "<Response><Pause length=\"1\"/><Redirect method=\"POST\">/g</Redirect></Response>\n");
}

/* In front of <Gather>, with the words before them: what stands in it ends when somebody speaks up. */
static void keys_in_a_turn_are_played_to_their_end(void **state)
{
	static const char words[] = "One.\n\x10"
				    "1w2#\nTwo.\n\x10"
				    "3\nFour.\n";
	struct twiml_turn turn = {
		.words = words, .len = sizeof words - 1, .voice = "", .language = "", .heard_in = "es", .next_url = "/g"
	};
	const char *gather;

	(void)state;
	twiml_turn(&written, &turn);
	gather = strstr(buf_text(&written), "<Gather");
	assert_non_null(strstr(buf_text(&written),
	    "<Response><Say>One.</Say><Play digits=\"1w2#\"/><Say>Two.</Say><Play digits=\"3\"/><Gather "));
	assert_non_null(strstr(gather, "><Say>Four.</Say></Gather>"));
	buf_reset(&written);
	turn.len = 7; /* they are not complete */
	turn.heard_in = NULL;
	twiml_turn(&written, &turn);
	assert_non_null(strstr(buf_text(&written), "<Say>One.</Say><Play digits=\"1\"/><Redirect"));
}

/* Between two words, or where there is none between two characters. */
static void words_over_twilios_limit_are_said_in_several(void **state)
{
	static char words[2 * TWIML_SAY_MAX];
	const char *first, *second;

	(void)state;
	memset(words, 'a', sizeof words - 1);
	words[TWIML_SAY_MAX - 10] = ' ';
	twiml_turn(
	    &written, &(struct twiml_turn){ .words = words, .len = TWIML_SAY_MAX + 1, .voice = "", .next_url = "" });
	first = strstr(buf_text(&written), "<Say>") + 5;
	second = strstr(first, "<Say>") + 5;
	assert_int_equal(strstr(first, "</Say>") - first, TWIML_SAY_MAX - 9);
	assert_int_equal(strstr(second, "</Say>") - second, 10);
	buf_reset(&written);
	memset(words, 'a', sizeof words - 1);
	memcpy(words + TWIML_SAY_MAX - 1, "\xc3\xa4", 2);
	twiml_turn(
	    &written, &(struct twiml_turn){ .words = words, .len = TWIML_SAY_MAX + 1, .voice = "", .next_url = "" });
	first = strstr(buf_text(&written), "<Say>") + 5;
	assert_int_equal(strstr(first, "</Say>") - first, TWIML_SAY_MAX - 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, written_begin, written_end)

const struct CMUnitTest unit_tests[] = {
	CASE(message_is_taken_after_words_and_goes_on_also_without_one),
	CASE(person_is_dialled_with_a_limit_and_told_of_afterwards),
	CASE(stream_is_announced_with_its_urls_and_parties),
	CASE(session_is_announced_with_its_attributes_and_languages),
	CASE(caller_cannot_write_markup),
	CASE(parameter_stays_below_twilios_limit),
	CASE(bytes_that_are_no_text_become_a_replacement),
	CASE(turn_says_its_lines_and_listens_meanwhile_or_asks_again),
	CASE(keys_in_a_turn_are_played_to_their_end),
	CASE(words_over_twilios_limit_are_said_in_several),
	CASE(sentence_is_said_with_what_is_known_of_its_voice),
	CASE(a_hangup_is_a_whole_document),
	{ 0 },
};
