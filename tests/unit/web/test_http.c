#include "server/web/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define VOICE "https://a.example/twilio/voice"

static void log_shows_the_query_and_no_secrets(void **state)
{
	static const char *const rows[][2] = {
		{ VOICE, VOICE },
		{ VOICE "?", VOICE "?" },
		{ VOICE "?tenant=a%40b&x=sip:c", VOICE "?tenant=a%40b&x=sip:c" },
		{ VOICE "?a=1&&b", VOICE "?a=1&&b" },
		{ VOICE "?token=abc&b=2", VOICE "?token=…&b=2" },
		{ VOICE "?Api_Key=abc&my-password=x", VOICE "?Api_Key=…&my-password=…" },
		{ VOICE "?From=%2B12025550123", VOICE "?From=…" },
		{ VOICE "?from=202-555-0123&year=2026", VOICE "?from=…&year=2026" },
		{ VOICE "?q=%20%20%20%20%20x", VOICE "?q=%20%20%20%20%20x" },
		{ VOICE "?x=0b4f8c2d1e6a7b3c9d5e8f7a6b5c4d3e", VOICE "?x=…" },
		{ VOICE "?x=abcdefghijklmnopqrstuvwxyzabcdefghi", VOICE "?x=…" },
		{ VOICE "?12025550123", VOICE "?…" },
		{ VOICE "?12025550123=x", VOICE "?…=…" },
		{ VOICE "/+12025550123/x", VOICE "/+…/x" },
		{ "http://127.0.0.1:38401/a", "http://127.0.0.1:38401/a" },
		{ "wss://a.example/twilio/stream/00112233?x=1", "wss://a.example/twilio/stream/…?x=1" },
		{ "/twilio/stream/00112233", "/twilio/stream/…" },
		{ "/twilio/stream/", "/twilio/stream/" },
	};
	char longest[3000];
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		buf_reset(&out);
		url_put_loggable(&out, rows[i][0]);
		assert_string_equal(buf_text(&out), rows[i][1]);
	}
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_shows_the_query_and_no_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
