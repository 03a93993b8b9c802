#include "server/model/access.h"

#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

static void parse_endpoint(struct model_access *a, const struct config *cfg, int number)
{
	struct buf errors;

	buf_init(&errors, 0);
	if (model_access_parse(a, cfg, number, &errors))
		fail_msg("%d: %s", number, buf_text(&errors));
	buf_free(&errors);
}

static void parse(struct model_access *a, struct config *cfg, const char *url, const char *model)
{
	const char *const pairs[] = { "OPENAI_REALTIME_URL", url, "OPENAI_MODEL", model, NULL };

	pairs_load(cfg, pairs);
	parse_endpoint(a, cfg, 1);
}

static void urls_are_taken_apart(void **state)
{
	static const struct {
		const char *url, *model, *host;
		int port;
		const char *path;
	} urls[] = {
		{ "wss://api.openai.com/v1/realtime", "gpt-realtime-2.1", "api.openai.com", 443,
		    "/v1/realtime?model=gpt-realtime-2.1" },
		{ "wss://localhost:8443/v1/realtime", "m", "localhost", 8443, "/v1/realtime?model=m" },
		{ "wss://h.example/", "m", "h.example", 443, "/?model=m" },
		{ "wss://h.example/r?trace=1", "m", "h.example", 443, "/r?trace=1&model=m" },
		{ "wss://h.example/r?model=other", "m", "h.example", 443, "/r?model=other" },
		{ "wss://h.example/r?a=b&model=other&c=d", "m", "h.example", 443, "/r?a=b&model=other&c=d" },
		{ "wss://h.example/r?models=x", "m", "h.example", 443, "/r?models=x&model=m" },
		{ "wss://h.example/r?submodel=x", "m", "h.example", 443, "/r?submodel=x&model=m" },
		{ "wss://h.example/r?a=model", "m", "h.example", 443, "/r?a=model&model=m" },
		{ "wss://res.openai.azure.com/openai/v1/realtime", "my-deployment", "res.openai.azure.com", 443,
		    "/openai/v1/realtime?model=my-deployment" },
		{ "wss://res.openai.azure.com/openai/realtime?api-version=2025-04-01-preview&deployment=d", "m",
		    "res.openai.azure.com", 443, "/openai/realtime?api-version=2025-04-01-preview&deployment=d" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
		struct model_access a;
		struct config cfg;
		struct buf path;

		parse(&a, &cfg, urls[i].url, urls[i].model);
		assert_string_equal(a.host, urls[i].host);
		assert_int_equal(a.port, urls[i].port);
		buf_init(&path, 0);
		a.protocol->path(&a, cfg.openai_model, &path);
		assert_string_equal(buf_text(&path), urls[i].path);
		buf_free(&path);
		config_free(&cfg);
	}
}

static void name_of_a_model_cannot_add_to_the_request(void **state)
{
	struct config cfg = { .openai_url = "wss://h.example/r" };
	struct model_access a;
	struct buf path;

	(void)state;
	parse_endpoint(&a, &cfg, 1);
	buf_init(&path, 0);
	a.protocol->path(&a, "a b&c=d\r\nX: y/\xc3\xbc~", &path);
	assert_string_equal(buf_text(&path), "/r?model=a%20b%26c%3Dd%0D%0AX%3A%20y%2F%C3%BC~");
	buf_free(&path);
}

static void what_is_too_long_is_said_and_not_cut(void **state)
{
	struct config cfg = { .openai_model = "m" };
	struct model_access a;
	struct buf errors;
	char *url = malloc(4000);

	(void)state;
	assert_non_null(url);
	strcpy(url, "wss://h.example/");
	memset(url + 16, 'x', 3000);
	url[3016] = '\0';
	cfg.openai_url = url;
	buf_init(&errors, 0);
	assert_int_equal(model_access_parse(&a, &cfg, 1, &errors), -EINVAL);
	assert_non_null(strstr(buf_text(&errors), "OPENAI_REALTIME_URL"));
	buf_reset(&errors);
	memset(url + 6, 'x', 500);
	assert_int_equal(model_access_parse(&a, &cfg, 1, &errors), -EINVAL);
	assert_true(errors.len > 0);
	buf_free(&errors);
	free(url);
}

/* The header lines for a caller with these settings at that endpoint, without the one that says
 * who we are; valid until the next call. */
static const char *headers_at(int number, const char *const *pairs, const char *caller)
{
	static char text[2048];
	char *agent;
	struct model_access a;
	struct config cfg;
	struct buf out;

	pairs_load(&cfg, pairs);
	buf_init(&out, 0);
	parse_endpoint(&a, &cfg, number);
	a.protocol->headers(&a, caller, &out);
	assert_int_equal(buf_error(&out), 0);
	snprintf(text, sizeof text, "%s", buf_text(&out));
	agent = strstr(text, "User-Agent: trunkline/");
	assert_non_null(agent);
	memmove(agent, strchr(agent, '\n') + 1, strlen(strchr(agent, '\n')));
	buf_free(&out);
	config_free(&cfg);
	return text;
}

static const char *headers(const char *const *pairs, const char *caller)
{
	return headers_at(1, pairs, caller);
}

static void key_goes_where_the_service_looks_for_it(void **state)
{
	static const char azure[] = "wss://res.openai.azure.com/openai/v1/realtime";
	const char *const plain[] = { "OPENAI_API_KEY", "sk-1", NULL };
	const char *const on_azure[] = { "OPENAI_API_KEY", "k1", "OPENAI_REALTIME_URL", azure, NULL };
	const char *const upper[] = { "OPENAI_API_KEY", "k1", "OPENAI_REALTIME_URL",
		"wss://RES.OpenAI.Azure.com/openai/v1/realtime", NULL };
	const char *const bearer[] = { "OPENAI_API_KEY", "k1", "OPENAI_REALTIME_URL", azure, "OPENAI_AUTH", "bearer",
		NULL };
	const char *const forced[] = { "OPENAI_API_KEY", "k1", "OPENAI_AUTH", "api-key", NULL };
	const char *const not_azure[] = { "OPENAI_API_KEY", "k1", "OPENAI_REALTIME_URL",
		"wss://res.openai.azure.com.example/r", NULL };

	(void)state;
	assert_string_equal(headers(plain, ""), "Authorization: Bearer sk-1\r\n");
	assert_string_equal(headers(on_azure, ""), "api-key: k1\r\n");
	assert_string_equal(headers(upper, ""), "api-key: k1\r\n");
	assert_string_equal(headers(bearer, ""), "Authorization: Bearer k1\r\n");
	assert_string_equal(headers(forced, ""), "api-key: k1\r\n");
	assert_string_equal(headers(not_azure, ""), "Authorization: Bearer k1\r\n");
}

static void organisation_and_project_are_named_if_there_are_any(void **state)
{
	const char *const pairs[] = { "OPENAI_API_KEY", "sk-1", "OPENAI_ORGANIZATION", "org_1", "OPENAI_PROJECT",
		"proj_2", "OPENAI_SAFETY_IDENTIFIER", "tenant-7", NULL };

	(void)state;
	assert_string_equal(headers(pairs, "+12025550123"),
	    "Authorization: Bearer sk-1\r\nOpenAI-Organization: org_1\r\nOpenAI-Project: proj_2\r\n"
	    "OpenAI-Safety-Identifier: tenant-7\r\n");
}

static void caller_is_told_apart_but_not_told(void **state)
{
	static const char *const nobody[] = { "", "anonymous", "+266696687", "+86282452253",
		"sip:anonymous@x.example" };
	const char *const pairs[] = { "OPENAI_API_KEY", "sk-1", "OPENAI_SAFETY_IDENTIFIER", "Caller", NULL };
	char first[2048];
	const char *id;

	(void)state;
	snprintf(first, sizeof first, "%s", headers(pairs, "+12025550123"));
	assert_string_equal(headers(pairs, "+12025550123"), first);
	assert_string_not_equal(headers(pairs, "+12025550124"), first);
	id = strstr(first, "OpenAI-Safety-Identifier: ");
	assert_non_null(id);
	assert_null(strstr(first, "2025550123"));
	assert_true(strlen(id) - strlen("OpenAI-Safety-Identifier: \r\n") <= 64);
	assert_string_equal(headers(pairs, "12025550123"), first); /* the same person */
	assert_non_null(strstr(headers(pairs, "client:alice"), "caller-"));
	/* Nobody known, and not one person for all of them either. */
	for (size_t i = 0; i < sizeof nobody / sizeof *nobody; i++)
		assert_string_equal(headers(pairs, nobody[i]), "Authorization: Bearer sk-1\r\n");
}

static void file_without_certificates_is_named(void **state)
{
	const char *const pairs[] = { "OPENAI_CA_FILE", "LICENSE", NULL };
	struct model_access a;
	struct config cfg;
	struct buf errors;

	(void)state;
	pairs_load(&cfg, pairs);
	buf_init(&errors, 0);
	assert_true(model_access_open(&a, &cfg, 1, NULL, &errors) < 0);
	assert_non_null(strstr(buf_text(&errors), "OPENAI_CA_FILE: LICENSE"));
	buf_free(&errors);
	config_free(&cfg);
}

/* Up to the next question. */
static const char *blamed(const struct model_access *a, int status, const char *code)
{
	static char text[512];
	struct buf out;

	buf_init(&out, 0);
	model_access_put_blame(&out, a, MODEL_KIND_REALTIME, status, code);
	snprintf(text, sizeof text, "%s", buf_text(&out));
	buf_free(&out);
	return text;
}

static void a_refusal_names_the_settings_to_look_at(void **state)
{
	const char *const pairs[] = { "OPENAI_REALTIME_URL_2", "wss://h.example/r", "OPENAI_MODEL_2", "m",
		"OPENAI_API_KEY_3", "k3", NULL };
	struct model_access a;
	struct config cfg;

	(void)state;
	pairs_load(&cfg, pairs);
	parse_endpoint(&a, &cfg, 1);
	assert_non_null(strstr(blamed(&a, 401, "http_401"), "OPENAI_API_KEY:"));
	assert_non_null(strstr(blamed(&a, 403, "http_403"), "OPENAI_PROJECT"));
	assert_non_null(strstr(blamed(&a, 404, "http_404"), "OPENAI_MODEL "));
	assert_non_null(strstr(blamed(&a, 404, "http_404"), "OPENAI_REALTIME_URL,"));
	/* A key that passes the upgrade and is refused in the session, or by its close. */
	assert_non_null(strstr(blamed(&a, 0, "invalid_request_error.invalid_api_key"), "OPENAI_API_KEY:"));
	assert_non_null(strstr(blamed(&a, 0, "model_not_found"), "OPENAI_MODEL "));
	assert_non_null(strstr(blamed(&a, 429, "credit_balance_exhausted"), "account behind OPENAI_API_KEY:"));
	assert_string_equal(blamed(&a, 503, "http_503"), "");
	assert_string_equal(blamed(&a, 0, ""), "");
	/* Each of another endpoint is its own, or the first's. */
	parse_endpoint(&a, &cfg, 2);
	assert_non_null(strstr(blamed(&a, 401, "http_401"), "OPENAI_API_KEY: it is wrong, revoked, or of another "
							    "service than OPENAI_REALTIME_URL_2 names"));
	assert_non_null(strstr(blamed(&a, 404, "http_404"), "OPENAI_MODEL_2 "));
	parse_endpoint(&a, &cfg, 3);
	assert_non_null(strstr(blamed(&a, 401, "http_401"), "OPENAI_API_KEY_3: it is wrong, revoked, or of another "
							    "service than OPENAI_REALTIME_URL names"));
	config_free(&cfg);
}

static void expect_asked(const struct model_access *a, const struct agent *agent, const char *model, const char *voice)
{
	assert_string_equal(model_access_model(a, agent), model);
	assert_string_equal(model_access_voice(a, agent), voice);
}

/* What another endpoint leaves out is the first's; model and voice are the agent's. */
static void another_endpoint_has_what_it_says_and_else_what_the_first_has(void **state)
{
	static const char azure[] = "wss://res.openai.azure.com/openai/v1/realtime";
	const char *const pairs[] = { "OPENAI_API_KEY", "k1", "OPENAI_PROJECT", "p1", "OPENAI_AUDIO_FORMAT", "pcma",
		"OPENAI_REALTIME_URL_2", azure, "OPENAI_API_KEY_2", "k2", "OPENAI_MODEL_2", "front-desk",
		"OPENAI_VOICE_2", "alloy", "OPENAI_AUDIO_FORMAT_2", "PCM", "OPENAI_MODEL_3", "m3", "OPENAI_AUTH_3",
		"api-key", NULL };
	static const struct agent_endpoint own[] = { { .number = 3, .model = "mine", .voice = "cedar" },
		{ .number = 2 } };
	struct agent plain = { .openai_model = "m", .voice = "marin" },
		     particular = { .openai_model = "m", .voice = "marin", .endpoints = own, .endpoint_count = 2 };
	struct model_access a;
	struct config cfg;
	struct buf text;

	(void)state;
	assert_string_equal(headers_at(1, pairs, ""), "Authorization: Bearer k1\r\nOpenAI-Project: p1\r\n");
	assert_string_equal(headers_at(2, pairs, ""), "api-key: k2\r\n"); /* the project is the first key's */
	assert_string_equal(headers_at(3, pairs, ""), "api-key: k1\r\nOpenAI-Project: p1\r\n");
	pairs_load(&cfg, pairs);
	buf_init(&text, 0);
	parse_endpoint(&a, &cfg, 2);
	assert_string_equal(a.host, "res.openai.azure.com");
	assert_int_equal(a.format, AUDIO_PCM);
	expect_asked(&a, &plain, "front-desk", "alloy");
	expect_asked(&a, &particular, "front-desk", "alloy");
	a.protocol->path(&a, model_access_model(&a, &plain), &text);
	assert_string_equal(buf_text(&text), "/openai/v1/realtime?model=front-desk");
	parse_endpoint(&a, &cfg, 3);
	assert_string_equal(a.host, "api.openai.com");
	assert_int_equal(a.format, AUDIO_PCMA);
	expect_asked(&a, &plain, "m3", "marin");
	expect_asked(&a, &particular, "mine", "cedar");
	parse_endpoint(&a, &cfg, 1);
	expect_asked(&a, &particular, "m", "marin");
	buf_free(&text);
	config_free(&cfg);
}

static void the_words_of_a_refusal_are_cut_and_never_hold_the_key(void **state)
{
	const char *const pairs[] = { "OPENAI_API_KEY", "sk-proj-a/b", NULL };
	static const struct {
		const char *body, *words;
	} cases[] = {
		{ "", "" },
		{ "{\"error\":{\"message\":\"No such\\ndeployment.\",\"code\":null}}", "No such deployment." },
		{ "{\"error\":{\"message\":\"cut in the mid", "{\"error\":{\"message\":\"cut in the mid" },
		{ "{\"detail\":\"other\"}", "{\"detail\":\"other\"}" },
		{ "Bearer sk-proj-a/b is wrong", "" },
		{ "{\"error\":{\"message\":\"sk-proj-a\\/b is wrong\"}}", "" },
		{ "Bearer another-1 is wrong", "" },
	};
	struct model_access a = { 0 };
	struct config cfg;
	struct buf words;
	char page[400];

	(void)state;
	pairs_load(&cfg, pairs);
	a.cfg = &cfg;
	a.key = "another-1";
	buf_init(&words, 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		buf_reset(&words);
		model_access_put_words(&words, &a, cases[i].body);
		assert_string_equal(buf_text(&words), cases[i].words);
	}
	snprintf(page, sizeof page, "<p>%0*d", 196, 0);
	strcat(page, "\xc3\xbc and more");
	buf_reset(&words);
	model_access_put_words(&words, &a, page);
	assert_int_equal(words.len, 199); /* a letter of two bytes lies across the cut */
	buf_free(&words);
	config_free(&cfg);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(urls_are_taken_apart),
	cmocka_unit_test(name_of_a_model_cannot_add_to_the_request),
	cmocka_unit_test(what_is_too_long_is_said_and_not_cut),
	cmocka_unit_test(key_goes_where_the_service_looks_for_it),
	cmocka_unit_test(another_endpoint_has_what_it_says_and_else_what_the_first_has),
	cmocka_unit_test(organisation_and_project_are_named_if_there_are_any),
	cmocka_unit_test(caller_is_told_apart_but_not_told),
	cmocka_unit_test(file_without_certificates_is_named),
	cmocka_unit_test(a_refusal_names_the_settings_to_look_at),
	cmocka_unit_test(the_words_of_a_refusal_are_cut_and_never_hold_the_key),
	{ 0 },
};
