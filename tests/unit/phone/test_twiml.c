#include "server/phone/twiml.h"

#include "server/agents/agent.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	twiml_connect_stream(&written, &(struct twiml_stream){ "", "", "", "\"/></Stream><Dial>+1900&'\n", "" });
	assert_non_null(strstr(
	    buf_text(&written), "value=\"&quot;/&gt;&lt;/Stream&gt;&lt;Dial&gt;+1900&amp;&apos;&#10;\"/></Stream>"));
}

static void parameter_stays_below_twilios_limit(void **state)
{
	char caller[1000];
	(void)state;
	memset(caller, 'x', sizeof caller - 1);
	caller[sizeof caller - 1] = '\0';
	twiml_connect_stream(&written, &(struct twiml_stream){ "", "", "", caller, "" });
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
	twiml_dial_person(&written, "+12025550177", 20, "https://a.example/twilio/dial-done?a=1&b=2", "");
	check(HEAD "<Response><Dial timeout=\"20\" answerOnBridge=\"true\" method=\"POST\""
		   " action=\"https://a.example/twilio/dial-done?a=1&amp;b=2\"><Number>+12025550177</Number></Dial>"
		   "</Response>\n");
	twiml_dial_person(&written, "+12025550177", 5, "x", "+12025550100");
	check(HEAD "<Response><Dial timeout=\"5\" answerOnBridge=\"true\" method=\"POST\" action=\"x\""
		   " callerId=\"+12025550100\"><Number>+12025550177</Number></Dial></Response>\n");
	/* As a name is good enough there, the person sees it. */
	twiml_dial_person(&written, "sip:a&b@c.example", 5, "x", "+12025550100");
	check(HEAD "<Response><Dial timeout=\"5\" answerOnBridge=\"true\" method=\"POST\" action=\"x\">"
		   "<Sip>sip:a&amp;b@c.example</Sip></Dial></Response>\n");
	twiml_dial_person(&written, "SIPS:a@c.example", 5, "x", "");
	check(HEAD "<Response><Dial timeout=\"5\" answerOnBridge=\"true\" method=\"POST\" action=\"x\">"
		   "<Sip>SIPS:a@c.example</Sip></Dial></Response>\n");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, written_begin, written_end)

const struct CMUnitTest unit_tests[] = {
	CASE(person_is_dialled_with_a_limit_and_told_of_afterwards),
	CASE(stream_is_announced_with_its_urls_and_parties),
	CASE(session_is_announced_with_its_attributes_and_languages),
	CASE(caller_cannot_write_markup),
	CASE(parameter_stays_below_twilios_limit),
	CASE(bytes_that_are_no_text_become_a_replacement),
	CASE(sentence_is_said_with_what_is_known_of_its_voice),
	CASE(a_hangup_is_a_whole_document),
	{ 0 },
};
