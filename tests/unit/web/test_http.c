#include "server/web/http.h"
#include "tests/unit.h"

#include <stdio.h>
#include <string.h>

ONE_THREAD;

#define VOICE "https://a.example/twilio/voice"

/* Of `start` nothing is left out. */
static void assert_logged(const char *start, const char *url, const char *logged)
{
	char text[200];
	struct buf out;

	snprintf(text, sizeof text, "%s%s", start, url);
	buf_init(&out, 0);
	url_put_loggable(&out, text);
	snprintf(text, sizeof text, "%s%s", start, logged);
	assert_string_equal(buf_text(&out), text);
	buf_free(&out);
}

static void log_shows_the_query_and_no_secrets(void **state)
{
	char longest[3000];
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	assert_logged(VOICE, "", "");
	assert_logged(VOICE, "?", "?");
	assert_logged(VOICE, "?tenant=a%40b&x=sip:c", "?tenant=a%40b&x=sip:c");
	assert_logged(VOICE, "?a=1&&b", "?a=1&&b");
	assert_logged(VOICE, "?token=abc&b=2", "?token=…&b=2");
	assert_logged(VOICE, "?Api_Key=abc&my-password=x", "?Api_Key=…&my-password=…");
	assert_logged(VOICE, "?From=%2B12025550123", "?From=…");
	assert_logged(VOICE, "?from=202-555-0123&year=2026", "?from=…&year=2026");
	assert_logged(VOICE, "?q=%20%20%20%20%20x", "?q=%20%20%20%20%20x");
	assert_logged(VOICE, "?x=0b4f8c2d1e6a7b3c9d5e8f7a6b5c4d3e", "?x=…");
	assert_logged(VOICE, "?x=abcdefghijklmnopqrstuvwxyzabcdefghi", "?x=…");
	assert_logged(VOICE, "?12025550123", "?…");
	assert_logged(VOICE, "?12025550123=x", "?…=…");
	assert_logged(VOICE, "/+12025550123/x", "/+…/x");
	assert_logged("", "http://127.0.0.1:38401/a", "http://127.0.0.1:38401/a");
	assert_logged("", "wss://a.example/twilio/stream/00112233?x=1", "wss://a.example/twilio/stream/…?x=1");
	assert_logged("", "/twilio/stream/00112233", "/twilio/stream/…");
	assert_logged("", "/twilio/stream/", "/twilio/stream/");
	assert_logged("", "wss://a.example/twilio/relay/00112233?x=1", "wss://a.example/twilio/relay/…?x=1");
	strcpy(longest, "/x?");
	while (strlen(longest) < sizeof longest - 10)
		strcat(longest, "abcd=ef&");
	buf_reset(&out);
	url_put_loggable(&out, longest);
	assert_in_range(out.len, 300, 400);
	memset(longest, 'x', sizeof longest - 1);
	buf_reset(&out);
	url_put_loggable(&out, longest);
	assert_in_range(out.len, 300, 400);
	buf_free(&out);
}

static void log_shows_neither_a_query_nor_the_token_of_a_call(void **state)
{
	static const struct {
		const char *url, *shown;
	} rows[] = {
		{ "/status", "/status" },
		{ "/calls?from=1", "/calls" },
		{ "/twilio/stream/abcdef", "/twilio/stream/" },
		{ "/twilio/relay/abcdef", "/twilio/relay/" },
		{ "wss://bridge.example.com/twilio/relay/abcdef?x=1", "wss://bridge.example.com/twilio/relay/" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(url_loggable(rows[i].url), strlen(rows[i].shown));
		assert_memory_equal(rows[i].url, rows[i].shown, strlen(rows[i].shown));
	}
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(log_shows_neither_a_query_nor_the_token_of_a_call),
	cmocka_unit_test(log_shows_the_query_and_no_secrets),
	{ 0 },
};
