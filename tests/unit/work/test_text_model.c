#include "server/work/text_model.h"

#include "common/json.h"
#include "tests/peers/http_peer.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char strict_schema[] = "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}},"
				    "\"required\":[\"name\"],\"additionalProperties\":false}";
static const char loose_schema[] = "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}}}";

static struct config cfg;

static int set_up(void **state)
{
	(void)state;
	pairs_load(&cfg, (const char *const[]){ "OPENAI_API_KEY", "a-key", "TEXT_MODEL", "a-model", NULL });
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	config_free(&cfg);
	return 0;
}

static cJSON *request_for(const char *schema_text)
{
	cJSON *schema = json_parse(schema_text, strlen(schema_text)), *body;
	struct text_request request = { "Do \"this\".", "With\nthat.", schema };
	struct buf out;

	buf_init(&out, 0);
	text_model_put_request(&cfg, &request, &out);
	body = json_parse(out.data, out.len);
	assert_non_null(body);
	buf_free(&out);
	cJSON_Delete(schema);
	return body;
}

static void a_closed_schema_is_asked_for_strictly(void **state)
{
	cJSON *body = request_for(strict_schema);
	const cJSON *format = json_get(json_get(body, "text"), "format");
	char *schema = cJSON_PrintUnformatted(json_get(format, "schema"));

	(void)state;
	assert_string_equal(json_str(body, "model"), "a-model");
	assert_string_equal(json_str(body, "instructions"), "Do \"this\".");
	assert_string_equal(json_str(body, "input"), "With\nthat.");
	assert_string_equal(json_str(format, "type"), "json_schema");
	assert_true(json_bool(format, "strict", false));
	assert_string_equal(schema, strict_schema);
	assert_false(json_bool(body, "store", true));
	cJSON_free(schema);
	cJSON_Delete(body);
}

static void any_other_schema_stands_in_the_instructions(void **state)
{
	cJSON *body = request_for(loose_schema);

	(void)state;
	assert_string_equal(json_str(json_get(json_get(body, "text"), "format"), "type"), "json_object");
	assert_non_null(strstr(json_str(body, "instructions"), "JSON"));
	assert_non_null(strstr(json_str(body, "instructions"), loose_schema));
	cJSON_Delete(body);
}

static void chat_is_asked_for_the_same(void **state)
{
	const cJSON *format, *messages;
	cJSON *body;

	(void)state;
	cfg.text_api = TEXT_API_CHAT;
	body = request_for(strict_schema);
	messages = json_get(body, "messages");
	format = json_get(body, "response_format");
	assert_string_equal(json_str(cJSON_GetArrayItem(messages, 0), "content"), "Do \"this\".");
	assert_string_equal(json_str(cJSON_GetArrayItem(messages, 1), "content"), "With\nthat.");
	assert_string_equal(json_str(format, "type"), "json_schema");
	assert_true(json_bool(json_get(format, "json_schema"), "strict", false));
	cJSON_Delete(body);
}

static void answers_are_told_from_what_is_none(void **state)
{
#define MESSAGE(part) "{\"status\":\"completed\",\"output\":[{\"type\":\"reasoning\"},{\"content\":[" part "]}]}"
#define CHOICE(message, finish) "{\"choices\":[{\"message\":{" message "},\"finish_reason\":\"" finish "\"}]}"
	static const struct {
		const char *body, *text;
		enum text_outcome outcome;
	} cases[] = {
		{ MESSAGE("{\"type\":\"output_text\",\"text\":\"{}\"}"), "{}", TEXT_OK },
		{ MESSAGE("{\"type\":\"output_text\",\"text\":\"a\"},{\"type\":\"output_text\",\"text\":\"b\"}"), "ab",
		    TEXT_OK },
		{ MESSAGE("{\"type\":\"output_text\",\"text\":\"a\\ud83d\"}"), "a\xef\xbf\xbd", TEXT_OK },
		{ MESSAGE("{\"type\":\"refusal\",\"refusal\":\"no\"}"), NULL, TEXT_REFUSED },
		{ MESSAGE("{\"type\":\"refusal\"}"), NULL, TEXT_REFUSED },
		{ MESSAGE("{\"type\":\"output_text\",\"text\":7}"), NULL, TEXT_NONSENSE },
		{ MESSAGE(""), NULL, TEXT_NONSENSE },
		{ "{\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":\"max_output_tokens\"},\"output\":[{"
		  "\"content\":[{\"type\":\"output_text\",\"text\":\"{\"}]}]}",
		    NULL, TEXT_CUT_SHORT },
		{ "{\"status\":\"failed\",\"error\":{\"code\":\"server_error\"}}", NULL, TEXT_UNAVAILABLE },
		{ CHOICE("\"content\":\"{}\"", "stop"), "{}", TEXT_OK },
		{ CHOICE("\"content\":\"{\"", "length"), NULL, TEXT_CUT_SHORT },
		{ CHOICE("\"content\":null,\"refusal\":\"no\"", "stop"), NULL, TEXT_REFUSED },
		{ CHOICE("\"content\":7", "stop"), NULL, TEXT_NONSENSE },
		{ "{\"choices\":[]}", NULL, TEXT_NONSENSE },
		{ "{}", NULL, TEXT_NONSENSE },
		{ "[]", NULL, TEXT_NONSENSE },
		{ "<html>", NULL, TEXT_NONSENSE },
		{ "", NULL, TEXT_NONSENSE },
		{ "{\"status\":\"completed\",\"output\":{\"a\":{\"content\":[1,null,\"x\"]}}}", NULL, TEXT_NONSENSE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct text_answer answer = { .tries = 0 };

		text_model_read(cases[i].body, strlen(cases[i].body), &answer);
		if (answer.outcome != cases[i].outcome)
			fail_msg("%s: outcome %d", cases[i].body, (int)answer.outcome);
		assert_int_equal(!*answer.problem, answer.outcome == TEXT_OK);
		if (cases[i].text)
			assert_string_equal(answer.text, cases[i].text);
		else
			assert_null(answer.text);
		text_answer_free(&answer);
	}
}

static void what_was_used_is_counted(void **state)
{
	static const char body[] = "{\"usage\":{\"input_tokens\":12,\"output_tokens\":-3}}";
	static const char chat[] = "{\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}";
	struct text_answer answer = { .input_tokens = 1 };

	(void)state;
	text_model_read(body, strlen(body), &answer);
	assert_int_equal(answer.input_tokens, 13);
	assert_int_equal(answer.output_tokens, 0);
	text_model_read(chat, strlen(chat), &answer);
	assert_int_equal(answer.input_tokens, 20);
	assert_int_equal(answer.output_tokens, 2);
	text_answer_free(&answer);
}

/* ------------------------------------------------------------------- over HTTP */

struct far_end {
	struct http_peer *peer;
	const int *statuses; /* the last for ever */
	int asked;
	char url[64], authorization[64];
};

static int answer(void *arg, const char *request)
{
	struct far_end *far = arg;
	int status = far->statuses[far->asked];

	if (far->statuses[far->asked + 1])
		far->asked++;
	http_peer_header(request, "Authorization", far->authorization, sizeof far->authorization);
	http_peer_say(far->peer, status == 200
				     ? MESSAGE("{\"type\":\"output_text\",\"text\":\"{}\"}")
				     : "{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"key a-key\"}}");
	return status == 1 ? 0 : status;
}

static enum text_outcome ask(const int *statuses, int *tries, char *problem)
{
	struct far_end far = { .statuses = statuses };
	cJSON *schema = json_parse(strict_schema, strlen(strict_schema));
	struct text_request request = { "do", "it", schema };
	struct text_answer got;

	far.peer = http_peer_start(answer, &far);
	snprintf(far.url, sizeof far.url, "http://127.0.0.1:%d/v1/responses", http_peer_port(far.peer));
	cfg.text_api_url = far.url;
	text_model_ask(&cfg, &request, NULL, &got);
	*tries = got.tries;
	snprintf(problem, sizeof got.problem, "%s", got.problem);
	assert_string_equal(far.authorization, "Bearer a-key");
	text_answer_free(&got);
	http_peer_stop(far.peer);
	cJSON_Delete(schema);
	return got.outcome;
}

static void what_may_pass_is_tried_again_and_what_may_not_is_not(void **state)
{
	static const struct {
		int statuses[4];
		enum text_outcome outcome;
		int tries;
	} cases[] = {
		{ { 200 }, TEXT_OK, 1 }, { { 503, 200 }, TEXT_OK, 2 },
		{ { 1, 200 }, TEXT_OK, 2 }, /* hangs up without a word */
		{ { 400 }, TEXT_NOT_ALLOWED, 1 }, { { 401 }, TEXT_NOT_ALLOWED, 1 }, { { 302 }, TEXT_NOT_ALLOWED, 1 },
		{ { 429 }, TEXT_NOT_ALLOWED, 1 }, /* no money left */
	};
	char problem[200];
	int tries;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(ask(cases[i].statuses, &tries, problem), cases[i].outcome);
		assert_int_equal(tries, cases[i].tries);
		assert_null(strstr(problem, "a-key"));
	}
	assert_string_equal(problem, "the text API answered 429: insufficient_quota");
	ask((const int[4]){ 401 }, &tries, problem);
	assert_non_null(strstr(problem, "answered 401"));
	assert_non_null(strstr(problem, "; look at TEXT_API_KEY"));
	ask((const int[4]){ 404 }, &tries, problem);
	assert_non_null(strstr(problem, "; look at TEXT_API_URL and TEXT_MODEL"));
}

static void who_is_stopped_asks_no_more(void **state)
{
	static const _Atomic bool stop = true;
	cJSON *schema = json_parse(strict_schema, strlen(strict_schema));
	struct text_request request = { "do", "it", schema };
	struct text_answer got;

	(void)state;
	cfg.text_api_url = "http://127.0.0.1:1/";
	text_model_ask(&cfg, &request, &stop, &got);
	assert_int_equal(got.outcome, TEXT_CANCELLED);
	text_answer_free(&got);
	cJSON_Delete(schema);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

const struct CMUnitTest unit_tests[] = {
	TEST(a_closed_schema_is_asked_for_strictly),
	TEST(any_other_schema_stands_in_the_instructions),
	TEST(chat_is_asked_for_the_same),
	TEST(answers_are_told_from_what_is_none),
	TEST(what_was_used_is_counted),
	TEST(what_may_pass_is_tried_again_and_what_may_not_is_not),
	TEST(who_is_stopped_asks_no_more),
	GROUP(http_begin, http_end),
};
