/* What Twilio's answers mean, on its own documents; against the REST stand-in
 * it is tested in e2e/outbound.sh. */
#include "server/work/twilio_rest.h"

#include "common/json.h"
#include "tests/unit.h"

#include <stdio.h>
#include <string.h>

#include <stdint.h>

ONE_THREAD;

static struct fetch_response http;
static struct twilio_answer said;

static void answers(int status, const char *body)
{
	http = (struct fetch_response){ .failure = FETCH_OK, .sent = true, .status = status, .retry_after_s = -1 };
	buf_init(&http.body, 0);
	buf_puts(&http.body, body);
	twilio_judge(&http, &said);
	buf_free(&http.body);
}

static void answers_fixture(int status, const char *name)
{
	char path[200], text[16384];
	size_t n;
	FILE *file;

	snprintf(path, sizeof path, "tests/fixtures/twilio-rest-%s.json", name);
	file = fopen(path, "r");
	assert_non_null(file);
	n = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[n] = '\0';
	answers(status, text);
}

static void a_created_call_has_its_name(void **state)
{
	(void)state;
	answers_fixture(201, "call-created");
	assert_int_equal(said.outcome, TWILIO_OK);
	assert_string_equal(json_str(said.json, "sid"), "CA00000000000000000000000000000001");
	assert_string_equal(said.message, "");
	twilio_answer_free(&said);
	answers_fixture(201, "recording-created");
	assert_int_equal(said.outcome, TWILIO_OK);
	twilio_answer_free(&said);
}

/* Without its name nobody would know whether the call was placed. */
static void a_bad_character_hides_no_call(void **state)
{
	(void)state;
	answers(201, "{\"sid\":\"CA1\",\"caller_name\":\"Joe \\ud83d\"}");
	assert_int_equal(said.outcome, TWILIO_OK);
	assert_string_equal(json_str(said.json, "sid"), "CA1");
	twilio_answer_free(&said);
}

static void a_long_message_is_cut_between_characters(void **state)
{
	char body[800] = "{\"message\":\"x", *at = body + strlen(body);

	(void)state;
	for (int i = 0; i < 300; i++)
		at = stpcpy(at, "\xc3\xa9");
	strcpy(at, "\"}");
	answers(400, body);
	assert_int_equal(strlen(said.message), TWILIO_MESSAGE_SIZE - 1);
	assert_true(utf8_valid(said.message, strlen(said.message)));
	twilio_answer_free(&said);
	memmove(body + 13, body + 12, strlen(body + 12) + 1);
	answers(400, body);
	assert_int_equal(strlen(said.message), TWILIO_MESSAGE_SIZE - 2);
	assert_true(utf8_valid(said.message, strlen(said.message)));
	assert_null(strchr(said.message, '?'));
	twilio_answer_free(&said);
}

static void a_refusal_keeps_twilios_code_and_words(void **state)
{
	static const struct {
		const char *name;
		int status, code;
		enum twilio_outcome outcome;
	} cases[] = {
		{ "error-20003", 401, 20003, TWILIO_REFUSED },
		{ "error-20404", 404, 20404, TWILIO_REFUSED },
		{ "error-20429", 429, 20429, TWILIO_BUSY },
		{ "error-21211", 400, 21211, TWILIO_REFUSED },
		{ "error-21220", 400, 21220, TWILIO_REFUSED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		answers_fixture(cases[i].status, cases[i].name);
		assert_int_equal(said.outcome, cases[i].outcome);
		assert_int_equal(said.code, cases[i].code);
		assert_true(strlen(said.message) > 5);
		twilio_answer_free(&said);
	}
}

static void the_status_comes_before_the_body(void **state)
{
	static const struct {
		int status;
		enum twilio_outcome outcome;
		const char *body;
	} cases[] = {
		{ 503, TWILIO_UNKNOWN, "<html>upstream</html>" },
		/* A success whose body names nothing may have made a call. */
		{ 500, TWILIO_UNKNOWN, "{\"sid\":\"CA1\",\"status\":\"queued\"}" },
		{ 201, TWILIO_UNKNOWN, "<html>fine</html>" },
		{ 200, TWILIO_UNKNOWN, "[]" },
		{ 400, TWILIO_REFUSED, "" },
		{ 400, TWILIO_REFUSED, "{\"code\":\"21211\",\"message\":7}" },
		{ 302, TWILIO_REFUSED, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		answers(cases[i].status, cases[i].body);
		if (said.outcome != cases[i].outcome || said.code)
			fail_msg("%d %s: outcome %d, code %d", cases[i].status, cases[i].body, said.outcome, said.code);
		twilio_answer_free(&said);
	}
	answers(503, "<html>upstream</html>");
	assert_string_equal(said.message, "Twilio answered with HTTP status 503");
	twilio_answer_free(&said);
}

static void only_what_was_never_sent_may_be_sent_again(void **state)
{
	static const struct {
		enum fetch_failure failure;
		bool sent;
		enum twilio_outcome outcome;
	} cases[] = {
		{ FETCH_NOT_SENT, false, TWILIO_NOT_SENT },
		{ FETCH_UNKNOWN, true, TWILIO_UNKNOWN },
		{ FETCH_TIMEOUT, true, TWILIO_UNKNOWN },
		{ FETCH_TIMEOUT, false, TWILIO_NOT_SENT },
		{ FETCH_TOO_LARGE, true, TWILIO_UNKNOWN },
		{ FETCH_CANCELLED, true, TWILIO_UNKNOWN },
		{ FETCH_CANCELLED, false, TWILIO_NOT_SENT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		/* Even if a status had come: the answer is not whole. */
		http = (struct fetch_response){ .failure = cases[i].failure,
			.sent = cases[i].sent,
			.status = cases[i].sent ? 201 : 0,
			.error = "it broke off" };
		twilio_judge(&http, &said);
		assert_int_equal(said.outcome, cases[i].outcome);
		assert_string_equal(said.message, "it broke off");
		assert_null(said.json);
	}
}

static void a_message_stays_one_line_of_text(void **state)
{
	(void)state;
	answers(400, "{\"code\":1,\"message\":\"two\\nlines\\u0007\"}");
	assert_string_equal(said.message, "two lines ");
	twilio_answer_free(&said);
}

static void fields_are_encoded(void **state)
{
	struct buf form;

	(void)state;
	buf_init(&form, 0);
	twilio_put_field(&form, "To", "+12025550123");
	twilio_put_field(&form, "Twiml", "<Say>a & b = 50% \xc3\xa9</Say>");
	assert_string_equal(
	    buf_text(&form), "To=%2B12025550123&Twiml=%3CSay%3Ea%20%26%20b%20%3D%2050%25%20%C3%A9%3C%2FSay%3E");
	buf_free(&form);
}

static void dates_are_read(void **state)
{
	(void)state;
	assert_int_equal(twilio_date("Fri, 20 Nov 2026 10:15:28 +0000"), 1795169728);
	assert_int_equal(twilio_date(NULL), -1);
	assert_int_equal(twilio_date(""), -1);
	assert_int_equal(twilio_date("Fri, 20 Nov 2026"), -1);
	assert_int_equal(twilio_date("Fri, 20 Nov 2026 10:15:28 +0000 and more"), -1);
}

static void what_is_missing_is_said(void **state)
{
	struct config cfg = { .twilio_account_sid = "", .twilio_api_key_sid = "", .twilio_api_key_secret = "" };
	struct twilio t;

	(void)state;
	assert_string_equal(twilio_missing(&cfg), "TWILIO_ACCOUNT_SID is not set");
	cfg.twilio_account_sid = "ACx";
	assert_non_null(strstr(twilio_missing(&cfg), "TWILIO_AUTH_TOKEN"));
	cfg.twilio_auth_tokens[0] = "first";
	cfg.twilio_auth_tokens[1] = "second";
	cfg.twilio_auth_token_count = 2;
	assert_null(twilio_missing(&cfg));
	twilio_from_config(&t, &cfg, NULL);
	assert_string_equal(t.user, "ACx");
	assert_string_equal(t.password, "first");
	cfg.twilio_api_key_sid = "SKx";
	assert_non_null(strstr(twilio_missing(&cfg), "TWILIO_API_KEY_SECRET"));
	cfg.twilio_api_key_secret = "secret";
	assert_null(twilio_missing(&cfg));
	twilio_from_config(&t, &cfg, NULL);
	assert_string_equal(t.user, "SKx");
	assert_string_equal(t.password, "secret");
	assert_string_equal(t.account_sid, "ACx");
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(a_created_call_has_its_name),
	cmocka_unit_test(a_bad_character_hides_no_call),
	cmocka_unit_test(a_long_message_is_cut_between_characters),
	cmocka_unit_test(a_refusal_keeps_twilios_code_and_words),
	cmocka_unit_test(the_status_comes_before_the_body),
	cmocka_unit_test(only_what_was_never_sent_may_be_sent_again),
	cmocka_unit_test(a_message_stays_one_line_of_text),
	cmocka_unit_test(fields_are_encoded),
	cmocka_unit_test(dates_are_read),
	cmocka_unit_test(what_is_missing_is_said),
	{ 0 },
};
