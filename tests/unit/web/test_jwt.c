#include "server/web/jwt.h"

#include "common/digest.h"
#include "tests/unit.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

ONE_THREAD;

#define SECRET "0123456789abcdef0123456789abcdef"

enum { NOW = 1800000000 };

/* ------------------------------------------------------------ making tokens */

static char *put_base64url(char *out, const void *bytes, size_t len)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i += 3) {
		uint32_t bits =
		    (uint32_t)p[i] << 16 | (i + 1 < len ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < len ? p[i + 2] : 0u);

		for (size_t k = 0; k < 4 && i + k <= len; k++)
			*out++ = letters[bits >> (18 - 6 * k) & 63];
	}
	*out = '\0';
	return out;
}

/* A token of these texts, signed as it should be. */
static const char *token(const char *header, const char *claims)
{
	static char text[16384];
	uint8_t mac[SHA256_BYTES];
	char *end = put_base64url(text, header, strlen(header));

	*end++ = '.';
	end = put_base64url(end, claims, strlen(claims));
	hmac_sha256(SECRET, strlen(SECRET), text, (size_t)(end - text), mac);
	*end++ = '.';
	put_base64url(end, mac, sizeof mac);
	return text;
}

static enum role role; /* of the last token */

static enum jwt_verdict judge(const char *text)
{
	return jwt_check(text, SECRET, strlen(SECRET), NOW, &role);
}

#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define CLAIMS "{\"exp\":1800000001}"

/* ------------------------------------------------------------------ the RFC */

/* RFC 7515, appendix A.1. */
static const char rfc_token[] = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
				".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
				"cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
				".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

static const uint8_t rfc_key[] = { 3, 35, 53, 75, 43, 15, 165, 188, 131, 126, 6, 101, 119, 123, 166, 143, 90, 179, 40,
	230, 240, 84, 201, 40, 169, 15, 132, 178, 210, 80, 46, 191, 211, 251, 90, 146, 210, 6, 71, 239, 150, 138, 180,
	195, 119, 98, 61, 34, 61, 46, 33, 114, 5, 46, 79, 8, 192, 205, 154, 245, 103, 208, 128, 163 };

static void example_of_the_rfc_is_good_until_its_end(void **state)
{
	(void)state;
	assert_int_equal(jwt_check(rfc_token, rfc_key, sizeof rfc_key, 1300819379, &role), JWT_GOOD);
	assert_int_equal(jwt_check(rfc_token, rfc_key, sizeof rfc_key, 1300819380, &role), JWT_EXPIRED);
	assert_int_equal(jwt_check(rfc_token, rfc_key, sizeof rfc_key - 1, 1300819379, &role), JWT_SIGNATURE);
}

static void every_changed_character_is_noticed(void **state)
{
	char text[sizeof rfc_token];

	(void)state;
	for (size_t i = 0; i < sizeof rfc_token - 1; i++) {
		memcpy(text, rfc_token, sizeof text);
		text[i] = text[i] == 'A' ? 'B' : 'A';
		if (jwt_check(text, rfc_key, sizeof rfc_key, 1300819379, &role) == JWT_GOOD)
			fail_msg("character %zu may be another", i);
	}
	for (size_t len = 0; len < sizeof rfc_token - 1; len++) {
		memcpy(text, rfc_token, sizeof text);
		text[len] = '\0';
		assert_int_not_equal(jwt_check(text, rfc_key, sizeof rfc_key, 1300819379, &role), JWT_GOOD);
	}
}

/* ----------------------------------------------------------------- the parts */

static void other_algorithms_and_kinds_are_refused_however_signed(void **state)
{
	static const char *const headers[] = { JSON({ "alg" : "none" }), JSON({ "alg" : "None" }), JSON({ "alg" : "" }),
		JSON({ "alg" : "RS256" }), JSON({ "alg" : "HS512" }), JSON({ "alg" : "HS384" }),
		JSON({ "alg" : "hs256" }), JSON({ "alg" : "HS256 " }), JSON({ "alg" : ["HS256"] }),
		JSON({ "alg" : null }), JSON({ "alg" : 256 }), "{}", JSON({ "Alg" : "HS256" }), JSON({ "typ" : "JWT" }),
		JSON({ "alg" : "HS256", "typ" : "JWE" }), JSON({ "alg" : "HS256", "typ" : null }),
		JSON({ "alg" : "HS256", "typ" : 1 }), JSON({ "alg" : "HS256", "crit" : ["b64"], "b64" : false }) };

	(void)state;
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		if (judge(token(headers[i], CLAIMS)) != JWT_ALGORITHM)
			fail_msg("%s: %d", headers[i], judge(token(headers[i], CLAIMS)));
	}
	assert_int_equal(judge(token(JSON({ "alg" : "HS256" }), CLAIMS)), JWT_GOOD);
	assert_int_equal(judge(token(JSON({ "alg" : "HS256", "kid" : "1" }), CLAIMS)), JWT_GOOD);
}

static void odd_json_is_refused(void **state)
{
	static const char *const odd[] = { "[]", "\"HS256\"", "null", "1", "x", "{\"alg\":\"HS256\"}x",
		"{\"alg\":\"HS256\"", JSON({ "alg" : "none", "alg" : "HS256" }),
		JSON({ "alg" : "HS256", "alg" : "HS256" }), JSON({ "alg" : "HS256", "a" : { "b" : 1, "b" : 2 } }),
		"{\"alg\":\"HS256\\u0000\"}", "\xff{\"alg\":\"HS256\"}" };
	static const char *const odd_claims[] = { "[1800000001]", JSON({ "exp" : 1, "exp" : 1800000001 }),
		"{\"exp\":1800000001}}", "null" };

	(void)state;
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		if (judge(token(odd[i], CLAIMS)) != JWT_MALFORMED)
			fail_msg("%s", odd[i]);
	}
	for (size_t i = 0; i < sizeof odd_claims / sizeof *odd_claims; i++)
		assert_int_equal(judge(token(HEADER, odd_claims[i])), JWT_MALFORMED);
}

static void three_parts_of_base64url_and_nothing_else(void **state)
{
	static const char *const shapes[] = { "", ".", "..", "...", "a", "a.b", "a..c", ".b.c", "a.b.", "a.b.c.d",
		"eyJhbGciOiJIUzI1NiJ9=.e30.AA", "eyJhbGciOiJIUzI1NiJ9 .e30.AA", "eyJhbGciOiJIUzI1Ni+9.e30.AA" };
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
		assert_int_equal(judge(shapes[i]), JWT_MALFORMED);
	snprintf(text, sizeof text, "%s=", token(HEADER, CLAIMS));
	assert_int_equal(judge(text), JWT_SIGNATURE);
	snprintf(text, sizeof text, "%s.", token(HEADER, CLAIMS));
	assert_int_equal(judge(text), JWT_MALFORMED);
	/* 32 bytes leave four bits of the last character over. */
	snprintf(text, sizeof text, "%s", token(HEADER, CLAIMS));
	text[strlen(text) - 1]++;
	assert_int_equal(judge(text), JWT_SIGNATURE);
}

static void long_ones_are_not_looked_at(void **state)
{
	static char claims[8192];

	(void)state;
	snprintf(claims, sizeof claims, JSON({ "exp" : 1800000001, "a" : "%02900d" }), 0);
	assert_int_equal(judge(token(HEADER, claims)), JWT_GOOD);
	snprintf(claims, sizeof claims, JSON({ "exp" : 1800000001, "a" : "%04000d" }), 0);
	assert_int_equal(judge(token(HEADER, claims)), JWT_MALFORMED);
}

static void another_secret_or_a_short_one_opens_nothing(void **state)
{
	const char *text = token(HEADER, CLAIMS);
	uint8_t mac[SHA256_BYTES];
	char by_short[512], *end;

	(void)state;
	assert_int_equal(jwt_check(text, "0123456789abcdef0123456789abcdeF", 32, NOW, &role), JWT_SIGNATURE);
	snprintf(by_short, sizeof by_short, "%s", text);
	end = strrchr(by_short, '.');
	hmac_sha256("", 0, by_short, (size_t)(end - by_short), mac);
	put_base64url(end + 1, mac, sizeof mac);
	assert_int_equal(jwt_check(by_short, "", 0, NOW, &role), JWT_SIGNATURE);
}

/* ----------------------------------------------------------------- the times */

static void times_are_checked_to_the_second(void **state)
{
	static const struct {
		const char *claims;
		enum jwt_verdict verdict;
	} cases[] = {
		{ "{}", JWT_CLAIMS },
		{ JSON({ "iat" : 1 }), JWT_CLAIMS },
		{ JSON({ "exp" : null }), JWT_CLAIMS },
		{ JSON({ "exp" : "1800000001" }), JWT_CLAIMS },
		{ JSON({ "exp" : true }), JWT_CLAIMS },
		{ JSON({ "exp" : -1 }), JWT_CLAIMS },
		{ JSON({ "exp" : 1e999 }), JWT_CLAIMS },
		{ JSON({ "exp" : 1800000001000 }), JWT_CLAIMS }, /* milliseconds */
		{ JSON({ "exp" : 1800000001, "nbf" : "0" }), JWT_CLAIMS },
		{ JSON({ "exp" : 1800000001, "iat" : [] }), JWT_CLAIMS },
		{ JSON({ "exp" : 0 }), JWT_EXPIRED },
		{ JSON({ "exp" : 1800000000 }), JWT_EXPIRED },
		{ JSON({ "exp" : 1800000000.5 }), JWT_GOOD },
		{ JSON({ "exp" : 1800000001 }), JWT_GOOD },
		{ JSON({ "exp" : 1800000001, "nbf" : 1800000060, "iat" : 1800000060 }), JWT_GOOD },
		{ JSON({ "exp" : 1900000000, "nbf" : 1800000061 }), JWT_NOT_YET },
		{ JSON({ "exp" : 1900000000, "iat" : 1800000061 }), JWT_NOT_YET },
		{ JSON({ "exp" : 1900000000, "sub" : "me", "aud" : ["x"] }), JWT_GOOD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (judge(token(HEADER, cases[i].claims)) != cases[i].verdict)
			fail_msg("%s: %d", cases[i].claims, judge(token(HEADER, cases[i].claims)));
	}
}

/* -------------------------------------------------------------------- roles */

static void scope_says_what_a_token_may_do(void **state)
{
	static const struct {
		const char *scope;
		enum role role;
	} cases[] = {
		{ "\"iat\":1", ROLE_ADMIN }, /* none: as before there was one */
		{ "\"scope\":\"read\"", ROLE_READ },
		{ "\"scope\":\"call\"", ROLE_CALL },
		{ "\"scope\":\"admin\"", ROLE_ADMIN },
		{ "\"scope\":\"call read\"", ROLE_CALL },
		{ "\"scope\":\"openid  read email\"", ROLE_READ },
		{ "\"scope\":\"\"", ROLE_NONE },
		{ "\"scope\":\"Admin\"", ROLE_NONE },
		{ "\"scope\":\"administrator readers\"", ROLE_NONE },
		{ "\"scope\":\"admi\"", ROLE_NONE },
		{ "\"scope\":null", ROLE_NONE },
		{ "\"scope\":true", ROLE_NONE },
		{ "\"scope\":[\"admin\"]", ROLE_NONE },
	};
	char claims[128];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(claims, sizeof claims, "{\"exp\":1800000001,%s}", cases[i].scope);
		assert_int_equal(judge(token(HEADER, claims)), JWT_GOOD);
		if (role != cases[i].role)
			fail_msg("%s: %d", cases[i].scope, role);
	}
}

static void token_that_is_not_good_may_do_nothing(void **state)
{
	(void)state;
	assert_int_equal(judge(token(HEADER, JSON({ "exp" : 1800000000, "scope" : "admin" }))), JWT_EXPIRED);
	assert_int_equal(role, ROLE_NONE);
	role = ROLE_ADMIN;
	assert_int_equal(judge("x"), JWT_MALFORMED);
	assert_int_equal(role, ROLE_NONE);
}

static void every_verdict_has_words(void **state)
{
	(void)state;
	for (int i = JWT_GOOD; i <= JWT_NOT_YET; i++)
		assert_true(strlen(jwt_verdict_text((enum jwt_verdict)i)) > 10);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(example_of_the_rfc_is_good_until_its_end),
	cmocka_unit_test(every_changed_character_is_noticed),
	cmocka_unit_test(other_algorithms_and_kinds_are_refused_however_signed),
	cmocka_unit_test(odd_json_is_refused),
	cmocka_unit_test(three_parts_of_base64url_and_nothing_else),
	cmocka_unit_test(long_ones_are_not_looked_at),
	cmocka_unit_test(another_secret_or_a_short_one_opens_nothing),
	cmocka_unit_test(times_are_checked_to_the_second),
	cmocka_unit_test(scope_says_what_a_token_may_do),
	cmocka_unit_test(token_that_is_not_good_may_do_nothing),
	cmocka_unit_test(every_verdict_has_words),
	{ 0 },
};
