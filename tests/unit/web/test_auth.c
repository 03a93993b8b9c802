#include "server/web/auth.h"

#include "common/base64.h"
#include "common/digest.h"
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

static struct config cfg;

static int clear(void **state)
{
	(void)state;
	cfg = (struct config){ .public_url = "",
		.trusted_proxies = { "127.0.0.0/8", "10.1.2.3" },
		.trusted_proxy_count = 2,
		.api_token = "",
		.api_read_token = "",
		.api_jwt_secret = "",
		.twilio_validate = true };
	return 0;
}

static struct request from(const char *peer, const struct http_header *headers, size_t count)
{
	struct request q = { .method = "GET", .path = "/x", .peer = peer, .body = "", .header_count = count };

	memcpy(q.headers, headers, count * sizeof *headers);
	return q;
}

#define FROM(peer, ...) \
	from(peer, (struct http_header[]){ __VA_ARGS__ }, \
	    sizeof((struct http_header[]){ __VA_ARGS__ }) / sizeof(struct http_header))

static const char *public_url(struct request q)
{
	static char text[512];
	struct buf out;

	buf_init(&out, 0);
	snprintf(text, sizeof text, "%s", auth_public_url(&cfg, &q, &out) ? buf_text(&out) : "none");
	buf_free(&out);
	return text;
}

#define EXPECT_ADDRESS(address, ...) assert_string_equal(public_url(FROM(__VA_ARGS__)), address)

static void address_comes_from_the_setting_first(void **state)
{
	(void)state;
	cfg.public_url = "https://a.example/x";
	EXPECT_ADDRESS(
	    "https://a.example/x", "127.0.0.1", { "Host", "b.example" }, { "X-Forwarded-Host", "c.example" });
}

static void address_comes_from_a_trusted_proxy_second(void **state)
{
	(void)state;
	EXPECT_ADDRESS("https://a.example", "10.1.2.3", { "Host", "inside:8080" }, { "X-Forwarded-Proto", "https" },
	    { "X-Forwarded-Host", "a.example" });
	EXPECT_ADDRESS(
	    "https://a.example", "127.0.0.1", { "host", "a.example" }, { "x-forwarded-proto", "HTTPS, http" });
	EXPECT_ADDRESS(
	    "http://b.example", "127.0.0.1", { "Host", "a.example" }, { "X-Forwarded-Host", "b.example, c.example" });
}

static void address_of_a_stranger_is_its_host(void **state)
{
	(void)state;
	EXPECT_ADDRESS("http://a.example:8080", "10.1.2.4", { "Host", "a.example:8080" },
	    { "X-Forwarded-Proto", "https" }, { "X-Forwarded-Host", "evil.example" });
}

static void host_that_is_none_gives_no_address(void **state)
{
	static const char *const hosts[] = { "", "a\"b", "a<b", "a/b", "user@a", "a?b", "\xff", "," };

	(void)state;
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
		EXPECT_ADDRESS("none", "127.0.0.1", { "Host", hosts[i] });
	EXPECT_ADDRESS("none", "127.0.0.1", { "Accept", "*/*" });
}

/* The console may say https://Bridge.Example.com, and PUBLIC_URL another spelling. */
static void signature_is_checked_with_the_hosts_capitals_too(void **state)
{
	static const char token[] = "not-a-real-auth-token-000000000001";
	static const struct {
		const char *known, *signed_as, *host;
		bool valid;
	} cases[] = {
		{ "https://bridge.example.com", "https://bridge.example.com/v?a=1", "x.example", true },
		{ "https://Bridge.Example.com", "https://bridge.example.com/v?a=1", "x.example", true },
		{ "https://bridge.example.com", "https://Bridge.Example.com/v?a=1", "Bridge.Example.com", true },
		{ "https://bridge.example.com:8443", "https://BRIDGE.example.com:8443/v?a=1", "BRIDGE.example.com",
		    true },
		{ "https://bridge.example.com", "https://Bridge.Example.com/v?a=1", "bridge.example.com", false },
		/* Another name is another host, whatever it begins with. */
		{ "https://bridge.example.com", "https://Bridge.Example/v?a=1", "Bridge.Example", false },
		{ "https://bridge.example.com", "https://evil.example/v?a=1", "evil.example", false },
	};
	(void)state;
	cfg.twilio_validate = true;
	cfg.twilio_auth_tokens[0] = token;
	cfg.twilio_auth_token_count = 1;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char header[BASE64_SIZE(SHA1_BYTES) + 1] = "";
		uint8_t mac[SHA1_BYTES];
		struct buf base, url;
		struct request q;

		hmac_sha1(token, strlen(token), cases[i].signed_as, strlen(cases[i].signed_as), mac);
		base64_encode(header, mac, sizeof mac);
		q = FROM("127.0.0.1", { "Host", cases[i].host }, { "X-Twilio-Signature", header });
		q.path = "/v";
		q.query = "a=1";
		cfg.public_url = cases[i].known;
		buf_init(&base, 0);
		buf_init(&url, 0);
		if (auth_twilio(&cfg, &q, NULL, &base, &url) != cases[i].valid)
			fail_msg("signed %s, known %s, Host %s", cases[i].signed_as, cases[i].known, cases[i].host);
		assert_string_equal(buf_text(&base), cases[i].known);
		buf_free(&base);
		buf_free(&url);
	}
}

static void client_behind_a_trusted_proxy_is_whom_that_proxy_saw(void **state)
{
	struct request q = FROM("127.0.0.1", { "X-Forwarded-For", "198.51.100.9, 203.0.113.1" });
	struct request stranger = FROM("203.0.113.7", { "X-Forwarded-For", "198.51.100.9" });
	struct request plain = FROM("127.0.0.1", { "Host", "localhost" });
	char out[64];

	(void)state;
	assert_string_equal(auth_client(&cfg, &q, out, sizeof out), "203.0.113.1");
	assert_string_equal(auth_client(&cfg, &stranger, out, sizeof out), "203.0.113.7");
	assert_string_equal(auth_client(&cfg, &plain, out, sizeof out), "");
}

static void what_is_no_address_names_no_client(void **state)
{
	static const char *const addresses[] = { "203.0.113.1", "203.0.113.1:443", "2001:db8::1", "[2001:db8::1]:443" };
	static const char *const others[] = { "", "unknown", "garbage-17", "203.0.113", "203.0.113.1,", "[203.0.113.1",
		"2001:db8::1%eth0" };
	char text[1000], out[64];
	struct request q = FROM("127.0.0.1", { "X-Forwarded-For", text });

	(void)state;
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		snprintf(text, sizeof text, "%s", addresses[i]);
		assert_string_equal(auth_client(&cfg, &q, out, sizeof out), addresses[i]);
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		snprintf(text, sizeof text, "%s", others[i]);
		assert_string_equal(auth_client(&cfg, &q, out, sizeof out), "");
	}
	memset(text, '1', sizeof text - 1);
	assert_string_equal(auth_client(&cfg, &q, out, sizeof out), "");
}

/* ------------------------------------------------------------- the operator */

static const char *why;

static enum verdict may(struct request q, enum role needed)
{
	enum verdict verdict;

	why = NULL;
	verdict = auth_operator(&cfg, &q, needed, 1300819379, &why);
	assert_true(verdict == AUTH_OPEN || (why && *why));
	return verdict;
}

#define MAY(role, ...) may(FROM(__VA_ARGS__), role)
#define READS(...) MAY(ROLE_READ, "127.0.0.1", __VA_ARGS__)

static void nothing_configured_opens_to_nobody(void **state)
{
	(void)state;
	assert_int_equal(READS({ "Host", "localhost" }), AUTH_TOKEN_MISSING);
	assert_int_equal(READS({ "Authorization", "Bearer " }), AUTH_TOKEN_WRONG);
	assert_int_equal(READS({ "Authorization", "Bearer t" }), AUTH_TOKEN_WRONG);
}

static void operator_has_the_token_wherever_it_comes_from(void **state)
{
	(void)state;
	cfg.api_token = "t";
	assert_int_equal(MAY(ROLE_ADMIN, "127.0.0.1", { "Host", "[::1]:8080" }), AUTH_TOKEN_MISSING);
	assert_int_equal(MAY(ROLE_ADMIN, "127.0.0.1", { "Authorization", "Basic t" }), AUTH_TOKEN_MISSING);
	assert_int_equal(MAY(ROLE_ADMIN, "127.0.0.1", { "Authorization", "Bearer T" }), AUTH_TOKEN_WRONG);
	assert_int_equal(MAY(ROLE_ADMIN, "127.0.0.1", { "Authorization", "Bearer " }), AUTH_TOKEN_WRONG);
	assert_int_equal(MAY(ROLE_ADMIN, "192.168.1.2", { "Authorization", "Bearer t" }), AUTH_OPEN);
	assert_int_equal(MAY(ROLE_ADMIN, "127.0.0.1", { "authorization", "bearer   t" }), AUTH_OPEN);
}

static void who_has_no_token_is_told_where_it_is(void **state)
{
	(void)state;
	cfg.api_token = "t";
	assert_int_equal(READS({ "Host", "localhost" }), AUTH_TOKEN_MISSING);
	assert_string_equal(why, "send the header Authorization: Bearer API_TOKEN");
	assert_int_equal(READS({ "Authorization", "Bearer x" }), AUTH_TOKEN_WRONG);
	assert_string_equal(why, "the token is not API_TOKEN");
	cfg.api_token = cfg.made_api_token;
	assert_int_equal(READS({ "Host", "localhost" }), AUTH_TOKEN_MISSING);
	assert_non_null(strstr(why, "DATA_DIR/api-token or the log has it"));
	assert_int_equal(READS({ "Authorization", "Bearer x" }), AUTH_TOKEN_WRONG);
	assert_non_null(strstr(why, "DATA_DIR/api-token or the log has it"));
}

static void token_for_reading_reads(void **state)
{
	(void)state;
	cfg.api_token = "t";
	cfg.api_read_token = "r";
	assert_int_equal(MAY(ROLE_READ, "10.0.0.1", { "Authorization", "Bearer r" }), AUTH_OPEN);
	assert_int_equal(MAY(ROLE_CALL, "10.0.0.1", { "Authorization", "Bearer r" }), AUTH_ROLE);
	assert_int_equal(MAY(ROLE_ADMIN, "10.0.0.1", { "Authorization", "Bearer r" }), AUTH_ROLE);
	assert_int_equal(MAY(ROLE_CALL, "10.0.0.1", { "Authorization", "Bearer t" }), AUTH_OPEN);
}

/* HS256, exp 1300819380; the second with scope "call". */
#define JWT_OF_NO_SCOPE "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjEzMDA4MTkzODB9.cxnRdb6tJqxZhxDOlan7KzchXkcxNwqvxqtJhXgKr6U"
#define JWT_FOR_CALLS \
	"eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjEzMDA4MTkzODAsInNjb3BlIjoiY2FsbCJ9." \
	"Pmp99t4iFt68F3txTzMrH_auxFyM3bVfMzNV4_maSv8"

static void signed_token_opens_as_far_as_its_scope(void **state)
{
	(void)state;
	cfg.api_jwt_secret = "0123456789abcdef0123456789abcdef";
	assert_int_equal(READS({ "Host", "localhost" }), AUTH_TOKEN_MISSING);
	assert_int_equal(READS({ "Authorization", "Bearer t" }), AUTH_TOKEN_WRONG);
	assert_int_equal(MAY(ROLE_ADMIN, "127.0.0.1", { "Authorization", "Bearer " JWT_OF_NO_SCOPE }), AUTH_OPEN);
	assert_int_equal(READS({ "Authorization", "Bearer " JWT_FOR_CALLS }), AUTH_OPEN);
	assert_int_equal(MAY(ROLE_CALL, "127.0.0.1", { "Authorization", "Bearer " JWT_FOR_CALLS }), AUTH_OPEN);
	assert_int_equal(MAY(ROLE_ADMIN, "127.0.0.1", { "Authorization", "Bearer " JWT_FOR_CALLS }), AUTH_ROLE);
	cfg.api_token = "t";
	assert_int_equal(MAY(ROLE_ADMIN, "127.0.0.1", { "Authorization", "Bearer t" }), AUTH_OPEN);
	assert_int_equal(READS({ "Authorization", "Bearer " JWT_OF_NO_SCOPE }), AUTH_OPEN);
	cfg.api_jwt_secret = "";
	assert_int_equal(READS({ "Authorization", "Bearer " JWT_OF_NO_SCOPE }), AUTH_TOKEN_WRONG);
}

static enum verdict from_page(const char *host, const char *origin)
{
	return MAY(ROLE_READ, "192.168.1.2", { "Host", host }, { "Origin", origin }, { "Authorization", "Bearer t" });
}

static void page_of_another_site_is_refused_whatever_it_shows(void **state)
{
	static const struct {
		const char *public_url, *host, *ours[2], *foreign[6]; /* origins, up to one that is NULL */
	} sites[] = {
		{ "", "127.0.0.1:8080", { "http://127.0.0.1:8080" },
		    { "http://127.0.0.1:3000", "http://127.0.0.1", "https://evil.example", "null", "" } },
		{ "", "phone.example.com", { "https://phone.example.com" }, { NULL } },
		{ "", "phone.example.com:80", { "http://Phone.example.com" }, { NULL } },
		{ "", "", { NULL }, { "http://" } },
		{ "https://phone.example.com/eu", "10.0.0.1:8080", { "https://phone.example.com" }, { NULL } },
		{ "https://phone.example.com:443", "10.0.0.1:8080", { "https://PHONE.example.com" }, { NULL } },
		{ "https://phone.example.com", "10.0.0.1:8080", { "http://10.0.0.1:8080" }, { NULL } },
		{ "https://phone.example.com", "phone.example.com", { NULL },
		    { "http://phone.example.com", "https://phone.example.com.evil.example", "https://phone.example.co",
			"chrome-extension://phone.example.com" } },
	};

	(void)state;
	cfg.api_token = "t";
	for (size_t i = 0; i < sizeof sites / sizeof *sites; i++) {
		cfg.public_url = sites[i].public_url;
		for (const char *const *origin = sites[i].ours; *origin; origin++)
			assert_int_equal(from_page(sites[i].host, *origin), AUTH_OPEN);
		for (const char *const *origin = sites[i].foreign; *origin; origin++)
			assert_int_equal(from_page(sites[i].host, *origin), AUTH_FOREIGN_PAGE);
	}
}

static void browser_says_for_whom_it_asks(void **state)
{
	static const char *const foreign[] = { "cross-site", "same-site", "Cross-Site", "" };

	(void)state;
	cfg.api_token = "t";
	for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
		assert_int_equal(
		    READS({ "Sec-Fetch-Site", foreign[i] }, { "Authorization", "Bearer t" }), AUTH_FOREIGN_PAGE);
	assert_int_equal(READS({ "Sec-Fetch-Site", "same-origin" }, { "Authorization", "Bearer t" }), AUTH_OPEN);
	assert_int_equal(READS({ "Sec-Fetch-Site", "none" }, { "Authorization", "Bearer t" }), AUTH_OPEN);
	/* Its tokens are not even looked at, and do not count as tries. */
	assert_int_equal(READS({ "Sec-Fetch-Site", "cross-site" }, { "Authorization", "Bearer x" }), AUTH_FOREIGN_PAGE);
}

#define TEST(name) cmocka_unit_test_setup(name, clear)

const struct CMUnitTest unit_tests[] = {
	TEST(address_comes_from_the_setting_first),
	TEST(address_comes_from_a_trusted_proxy_second),
	TEST(address_of_a_stranger_is_its_host),
	TEST(host_that_is_none_gives_no_address),
	TEST(signature_is_checked_with_the_hosts_capitals_too),
	TEST(client_behind_a_trusted_proxy_is_whom_that_proxy_saw),
	TEST(what_is_no_address_names_no_client),
	TEST(nothing_configured_opens_to_nobody),
	TEST(operator_has_the_token_wherever_it_comes_from),
	TEST(who_has_no_token_is_told_where_it_is),
	TEST(token_for_reading_reads),
	TEST(signed_token_opens_as_far_as_its_scope),
	TEST(page_of_another_site_is_refused_whatever_it_shows),
	TEST(browser_says_for_whom_it_asks),
	{ 0 },
};
