#include "server/phone/twiml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

static void check(struct buf *b, const char *expected)
{
	assert_int_equal(buf_error(b), 0);
	assert_string_equal(buf_text(b), expected);
	buf_free(b);
}

static void stream_is_announced_with_its_urls_and_parties(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	twiml_connect_stream(&b, &(struct twiml_stream){ .stream_url = "wss://a.example/twilio/stream/0123",
				     .action_url = "https://a.example/twilio/connect-action",
				     .status_url = "https://a.example/twilio/stream-status",
				     .caller = "+12025550123",
				     .called = "" });
	check(&b, HEAD "<Response><Connect action=\"https://a.example/twilio/connect-action\" method=\"POST\">"
		       "<Stream url=\"wss://a.example/twilio/stream/0123\""
		       " statusCallback=\"https://a.example/twilio/stream-status\" statusCallbackMethod=\"POST\">"
		       "<Parameter name=\"caller\" value=\"+12025550123\"/></Stream></Connect></Response>\n");
}

static void caller_cannot_write_markup(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	twiml_connect_stream(&b, &(struct twiml_stream){ "", "", "", "\"/></Stream><Dial>+1900&'\n", "" });
	assert_non_null(
	    strstr(buf_text(&b), "value=\"&quot;/&gt;&lt;/Stream&gt;&lt;Dial&gt;+1900&amp;&apos;&#10;\"/></Stream>"));
	buf_free(&b);
}

static void parameter_stays_below_twilios_limit(void **state)
{
	char caller[1000];
	struct buf b;

	(void)state;
	memset(caller, 'x', sizeof caller - 1);
	caller[sizeof caller - 1] = '\0';
	buf_init(&b, 0);
	twiml_connect_stream(&b, &(struct twiml_stream){ "", "", "", caller, "" });
	assert_in_range(strspn(strstr(buf_text(&b), "xxx"), "x"), 200, 493);
	buf_free(&b);
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
	struct buf b;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		buf_init(&b, 0);
		xml_escape(&b, cases[i].in, strlen(cases[i].in));
		check(&b, cases[i].out);
	}
	buf_init(&b, 0);
	xml_escape(&b, "a\0b", 3);
	check(&b, "a\xef\xbf\xbd"
		  "b");
}

static void a_number_is_dialled_else_the_sentence_is_said(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	twiml_dial_or_say(&b, "+12025550177", "Sorry.");
	check(&b, HEAD "<Response><Dial>+12025550177</Dial></Response>\n");
	twiml_dial_or_say(&b, "", "Sorry & goodbye.");
	check(&b, HEAD "<Response><Say>Sorry &amp; goodbye.</Say><Hangup/></Response>\n");
}

static void a_hangup_is_a_whole_document(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	twiml_hangup(&b);
	check(&b, HEAD "<Response><Hangup/></Response>\n");
}

static void person_is_dialled_with_a_limit_and_told_of_afterwards(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	twiml_dial_person(&b, "+12025550177", 20, "https://a.example/twilio/dial-done?a=1&b=2");
	check(&b, HEAD "<Response><Dial timeout=\"20\" answerOnBridge=\"true\" method=\"POST\""
		       " action=\"https://a.example/twilio/dial-done?a=1&amp;b=2\"><Number>+12025550177</Number></Dial>"
		       "</Response>\n");
	twiml_dial_person(&b, "sip:a&b@c.example", 5, "x");
	check(&b, HEAD "<Response><Dial timeout=\"5\" answerOnBridge=\"true\" method=\"POST\" action=\"x\">"
		       "<Sip>sip:a&amp;b@c.example</Sip></Dial></Response>\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(person_is_dialled_with_a_limit_and_told_of_afterwards),
		cmocka_unit_test(stream_is_announced_with_its_urls_and_parties),
		cmocka_unit_test(caller_cannot_write_markup),
		cmocka_unit_test(parameter_stays_below_twilios_limit),
		cmocka_unit_test(bytes_that_are_no_text_become_a_replacement),
		cmocka_unit_test(a_number_is_dialled_else_the_sentence_is_said),
		cmocka_unit_test(a_hangup_is_a_whole_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
