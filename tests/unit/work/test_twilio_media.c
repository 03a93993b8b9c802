/* Where recordings may be fetched from, and which part of one came; against the
 * REST stand-in it is tested in e2e/recording.sh. */
#include "server/work/twilio_media.h"
#include "tests/unit.h"

#include <stdint.h>

ONE_THREAD;

static const char *const api = "https://api.twilio.com";

static void twilio_is_where_the_settings_say(void **state)
{
	static const char *const ours[] = { "https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1",
		"https://API.Twilio.com/x", "https://api.twilio.com:443/x", "https://api.twilio.com/" };

	(void)state;
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		if (!twilio_media_is_ours(api, ours[i]))
			fail_msg("not taken: %s", ours[i]);
	assert_true(twilio_media_is_ours("https://api.twilio.com:443", "https://api.twilio.com/x"));
	assert_true(twilio_media_is_ours("https://localhost:8443", "https://localhost:8443/x"));
	assert_true(twilio_media_is_ours("https://[::1]:8443", "https://[::1]:8443/x"));
}

static void credentials_go_nowhere_else(void **state)
{
	static const char *const others[] = { "", "x", "/2010-04-01/x", "https://", "https:///x", "//api.twilio.com/x",
		"http://api.twilio.com/x", "http://api.twilio.com:443/x", "ftp://api.twilio.com/x", "https://x/",
		"https://api.twilio.com", "https://api.twilio.com.example.com/x", "https://api.twilio.co/x",
		"https://xapi.twilio.com/x", "https://api.twilio.com:8443/x", "https://api.twilio.com:4430/x",
		"https://api.twilio.com:/x", "https://api.twilio.com@example.com/x", "https://a@api.twilio.com/x",
		"https://api.twilio.com\\@example.com/x", "https://api.twilio.com/x@y", "https://api.twilio.com?/x",
		"https://api.twilio.com#/x", "https://api.twilio.com/x?y", "https://api.twilio.com/x#y",
		" https://api.twilio.com/x", "https://api.twilio.com/x y", "https://api.twilio.com/x\r\nX: y",
		"https://api.twilio.com/\xc3\xa4", "https://example.com/https://api.twilio.com/x" };

	(void)state;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (twilio_media_is_ours(api, others[i]))
			fail_msg("taken: %s", others[i]);
	assert_false(twilio_media_is_ours("https://localhost:8443", "https://localhost/x"));
	assert_false(twilio_media_is_ours("https://localhost:8443", "https://localhost:84430/x"));
}

static void a_part_is_what_its_header_says(void **state)
{
	static const char *const bad[] = { "", "bytes */100", "bytes 0-9/*", "bytes 0-9/", "bytes 9-0/10",
		"bytes 0-10/10", "items 0-9/10", "bytes 0-9/10 ", "bytes -5-9/10", "bytes 0-9/99999999999999999999" };
	int64_t first, last, size;

	(void)state;
	assert_true(twilio_media_range("bytes 5-57/271006", &first, &last, &size));
	assert_true(first == 5 && last == 57 && size == 271006);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (twilio_media_range(bad[i], &first, &last, &size))
			fail_msg("taken: %s", bad[i]);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(twilio_is_where_the_settings_say),
	cmocka_unit_test(credentials_go_nowhere_else),
	cmocka_unit_test(a_part_is_what_its_header_says),
	{ 0 },
};
