#include "server/phone/signature.h"

#include "common/base64.h"
#include "common/digest.h"
#include "common/json.h"
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

ONE_THREAD;

#define VECTORS "tests/fixtures/twilio-signatures.json"

static const char token[] = "not-a-real-auth-token-000000000001";

/* ------------------------------------------------- the vectors of Twilio */

static char *read_file(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	char *text = malloc(1 << 20);

	assert_non_null(file);
	assert_non_null(text);
	*len = fread(text, 1, 1 << 20, file);
	fclose(file);
	return text;
}

static bool accepted(const cJSON *vector)
{
	const char *token_of_vector = json_str(vector, "auth_token");
	const char *url = json_str(vector, "url_received");
	const char *header = json_str(vector, "signature");
	const char *type = json_str(vector, "content_type");
	const char *body = json_str(vector, "body");
	struct signature_tokens tokens = { &token_of_vector, 1 };
	struct form form;
	bool valid;

	/* Of a body that is no form Twilio signs the URL alone, which carries its hash. */
	if (!type || !strcmp(type, "application/json"))
		return signature_valid(header, url, NULL, &tokens);
	assert_int_equal(form_parse(&form, body, strlen(body)), 0);
	valid = signature_valid(header, url, &form, &tokens);
	form_free(&form);
	return valid;
}

static void every_vector_is_judged_as_twilio_does(void **state)
{
	size_t len;
	char *text = read_file(VECTORS, &len);
	cJSON *all = json_parse(text, len);
	const cJSON *vector;
	int seen = 0, good = 0, bad = 0;

	(void)state;
	assert_non_null(all);
	cJSON_ArrayForEach(vector, json_get(all, "vectors"))
	{
		bool valid = accepted(vector);

		if (valid != json_bool(vector, "valid", !valid))
			fail_msg("%s: %s", json_str(vector, "name"), valid ? "accepted" : "refused");
		seen++;
		good += valid;
		bad += !valid;
	}
	assert_int_equal(seen, 25);
	assert_int_equal(good, 17);
	assert_int_equal(bad, 8);
	cJSON_Delete(all);
	free(text);
}

/* ------------------------------------------------------------- one by one */

static bool valid_url(const char *header, const char *url)
{
	const char *one = token;

	return signature_valid(header, url, NULL, &(struct signature_tokens){ &one, 1 });
}

static void any_of_several_tokens_will_do(void **state)
{
	const char *both[] = { "another-token", token };
	const char *header = "z0FJQ6p6qXUQUMdOFID4vd0dYRM=";
	const char *url = "wss://bridge.example.com/media";

	(void)state;
	assert_true(signature_valid(header, url, NULL, &(struct signature_tokens){ both, 2 }));
	assert_false(signature_valid(header, url, NULL, &(struct signature_tokens){ both, 1 }));
}

static void without_a_token_nothing_is_valid(void **state)
{
	(void)state;
	assert_false(signature_valid(
	    "z0FJQ6p6qXUQUMdOFID4vd0dYRM=", "wss://bridge.example.com/media", NULL, &(struct signature_tokens){ 0 }));
}

static void what_counts_of_header_and_url(void **state)
{
	/* Of wss://bridge.example.com/media, without and with a slash behind it. */
	static const char plain[] = "z0FJQ6p6qXUQUMdOFID4vd0dYRM=", slashed[] = "y7FOWs+5uuj1ahdu94jwS3EEYVQ=";
	const struct {
		const char *what, *header, *url;
		bool valid;
	} cases[] = {
		{ "missing header is refused", NULL, "wss://bridge.example.com/media", false },
		{ "as signed", plain, "wss://bridge.example.com/media", true },
		{ "host may be known with capitals", plain, "wss://Bridge.Example.COM/media", true },
		{ "path may not", plain, "wss://bridge.example.com/Media", false },
		{ "header with something behind it is refused",
		    "z0FJQ6p6qXUQUMdOFID4vd0dYRM= ", "wss://bridge.example.com/media", false },
		{ "slash is tried for WebSockets", slashed, "wss://bridge.example.com/media", true },
		{ "slash is tried for nothing else", slashed, "https://bridge.example.com/media", false },
		{ "URL may be known with a port that was not signed", plain, "wss://bridge.example.com:8443/media",
		    true },
		/* No signature can match; the point is that the URL is read without harm. */
		{ "IPv6 address", plain, "https://[2001:db8::1]/media", false },
		{ "IPv6 address and a port", plain, "https://[2001:db8::1]:8443/media", false },
		{ "fragment and password are not signed", plain, "wss://user:p%40ss@bridge.example.com/media#rc=2",
		    true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (valid_url(cases[i].header, cases[i].url) != cases[i].valid)
			fail_msg("%s", cases[i].what);
}

/* ------------------------------------------------- what is signed is not what is sent */

/* Twilio's signature of this text. */
static const char *signed_text(const char *text)
{
	static char header[BASE64_SIZE(SHA1_BYTES) + 1];
	uint8_t mac[SHA1_BYTES];

	hmac_sha1(token, strlen(token), text, strlen(text), mac);
	base64_encode(header, mac, sizeof mac);
	header[BASE64_SIZE(SHA1_BYTES)] = '\0';
	return header;
}

#define VOICE "https://bridge.example.com/twilio/voice"

static void every_spelling_of_twilios_libraries_is_known(void **state)
{
	static const struct {
		const char *signed_as, *known_as;
		bool valid;
	} cases[] = {
		/* Twilio's signer leaves them bare, its client escapes them; and the reverse. */
		{ VOICE "?t=a@b&x=sip:c", VOICE "?t=a%40b&x=sip%3Ac", true },
		{ VOICE "?t=a@b&x=sip:c", VOICE "?t=a%40b&x=sip%3ac", true },
		{ VOICE "?t=a%40b&x=sip%3Ac", VOICE "?t=a@b&x=sip:c", true },
		{ VOICE "?n=O'Brien", VOICE "?n=O%27Brien", true },
		{ VOICE "?n=O%27Brien", VOICE "?n=O'Brien", true },
		{ VOICE "?n=O'B&x=a%40b", VOICE "?n=O%27B&x=a@b", true },
		{ VOICE "?x=a@b%40c", VOICE "?x=a@b%40c", true },
		/* Others mean something else. */
		{ VOICE "?x=a&y=b", VOICE "?x=a%26y=b", false },
		{ VOICE "?x=a+b", VOICE "?x=a%20b", false },
		{ VOICE "?x=%41", VOICE "?x=A", false },
		{ VOICE "?x=a:b", VOICE "?x=a%40b", false },
		{ "https://bridge.example.com/a'b", "https://bridge.example.com/a%27b", false },
		/* Signed as entered, sent sorted; and the reverse. */
		{ VOICE "?b=2&a=1", VOICE "?a=1&b=2", true },
		{ VOICE "?a=1&b=2", VOICE "?b=2&a=1", true },
		{ VOICE "?d=4&b=2&c=3&a=1", VOICE "?a=1&b=2&c=3&d=4", true },
		{ VOICE "?a=1&b=2&c=3&d=4&e=5", VOICE "?e=5&d=4&c=3&b=2&a=1", true },
		{ VOICE "?e=5&d=4&c=3&b=2&a=1", VOICE "?a=1&b=2&c=3&d=4&e=5", false },
		{ VOICE "?to=sip:a@b&f=O'B", VOICE "?f=O%27B&to=sip%3Aa%40b", true },
		{ VOICE "?a=1&&b", VOICE "?a=1&&b", true },
		{ VOICE "?", VOICE "?", true },
		{ VOICE "?a=1&b=2", VOICE "?a=2&b=1", false },
		{ VOICE "?a=1&b=2", VOICE "?a=1", false },
		/* Which of two comes first may matter. */
		{ VOICE "?b=1&a=2&a=1", VOICE "?a=2&a=1&b=1", true },
		{ VOICE "?b=1&a=1&a=2", VOICE "?a=2&a=1&b=1", false },
		/* A host has no case, a path has. */
		{ VOICE, "https://Bridge.EXAMPLE.com/twilio/voice", true },
		{ "https://Bridge.Example.com/twilio/voice", "https://Bridge.Example.com/twilio/voice", true },
		{ "https://bridge.example.com:443/twilio/voice?b=1&a=2",
		    "https://BRIDGE.example.com/twilio/voice?a=2&b=1", true },
		{ "https://bridge.example.com/s", "wss://Bridge.example.com:443/s", true },
		{ VOICE, "https://bridge.example.com/Twilio/Voice", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (valid_url(signed_text(cases[i].signed_as), cases[i].known_as) != cases[i].valid)
			fail_msg("signed %s, known %s", cases[i].signed_as, cases[i].known_as);
}

/* A form of this size with a signature that fits nothing, and a query with everything in
 * it: the first texts are tried, and not all thousand of them. */
static void tries_are_bounded(void **state)
{
	static char body[FORM_MAX_BYTES + 1];
	const char *one = token, *right = VOICE "?d=@&c=:&b='&a=1", *url = VOICE "?a=1&b=%27&c=%3A&d=%40";
	struct signature_tokens tokens = { &one, 1 };
	struct buf text;
	struct form form;

	(void)state;
	memset(body, 'x', FORM_MAX_BYTES);
	assert_true(valid_url(signed_text(right), url));
	assert_int_equal(form_parse(&form, body, FORM_MAX_BYTES), 0);
	buf_init(&text, 0);
	buf_printf(&text, "%s%s", url, body);
	assert_true(signature_valid(signed_text(buf_text(&text)), url, &form, &tokens));
	buf_reset(&text);
	buf_printf(&text, "%s%s", right, body);
	assert_false(signature_valid(signed_text(buf_text(&text)), url, &form, &tokens));
	buf_free(&text);
	form_free(&form);
}

static int64_t cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

/* TSan makes our code many times slower, and the library's not at all. */
#ifdef __SANITIZE_THREAD__
enum { SLOWER = 400 };
#else
enum { SLOWER = 8 };
#endif

/* What a stranger can make us do costs about as much as to hash 2 MB, also with a query that has
 * thousands of spellings. */
static void refusing_costs_little(void **state)
{
	static char body[FORM_MAX_BYTES + 1], url[8192] = VOICE "?a=:&b='&c=%3A&d=";
	const char *one = token;
	struct signature_tokens tokens = { &one, 1 };
	int64_t began, hashing, refusing;
	uint8_t mac[SHA1_BYTES];
	struct form form;

	(void)state;
	memset(body, 'x', FORM_MAX_BYTES);
	memset(url + strlen(url), '@', sizeof url - strlen(url) - 1);
	assert_int_equal(form_parse(&form, body, FORM_MAX_BYTES), 0);
	began = cpu_us();
	for (int i = 0; i < 32; i++)
		hmac_sha1(token, strlen(token), body, FORM_MAX_BYTES, mac);
	hashing = cpu_us() - began;
	began = cpu_us();
	assert_false(signature_valid("AAAAAAAAAAAAAAAAAAAAAAAAAAA=", url, &form, &tokens));
	refusing = cpu_us() - began;
	assert_in_range(refusing, 0, SLOWER * hashing + 1000);
	form_free(&form);
}

static void url_that_is_none_is_refused(void **state)
{
	static const char *const urls[] = { "", "bridge.example.com/media", "ftp://bridge.example.com/media", "https:/",
		"https://", "wss://@", "wss://:/" };

	(void)state;
	for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
		assert_false(valid_url("z0FJQ6p6qXUQUMdOFID4vd0dYRM=", urls[i]));
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(every_vector_is_judged_as_twilio_does),
	cmocka_unit_test(any_of_several_tokens_will_do),
	cmocka_unit_test(without_a_token_nothing_is_valid),
	cmocka_unit_test(what_counts_of_header_and_url),
	cmocka_unit_test(every_spelling_of_twilios_libraries_is_known),
	cmocka_unit_test(tries_are_bounded),
	cmocka_unit_test(refusing_costs_little),
	cmocka_unit_test(url_that_is_none_is_refused),
	{ 0 },
};
