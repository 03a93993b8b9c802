/* Names in the environment that were meant as settings. */
#include "server/config/config_names.h"

#include "server/config/config_table.h"
#include "tests/unit.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

static struct buf said;

/* What is said of an environment of these "NAME=value" strings, up to a NULL. */
static const char *told(bool all, const char *const *environment)
{
	buf_free(&said);
	buf_init(&said, 0);
	config_names((char *const *)(uintptr_t)environment, all, &said);
	return buf_text(&said);
}

static const char *told_of(const char *pair)
{
	return told(true, (const char *[]){ "PATH=/bin", pair, "HOME=/root", NULL });
}

static const char *told_of_file(const char *pair)
{
	char list[128];

	snprintf(list, sizeof list, CONFIG_NAMES_OF_FILE "=PORT %.*s", (int)strcspn(pair, "="), pair);
	return told(true, (const char *[]){ "PORT=1", pair, list, NULL });
}

static int free_said(void **state)
{
	(void)state;
	buf_free(&said);
	return 0;
}

static void our_names_are_not_told(void **state)
{
	char pair[80];

	(void)state;
	for (const struct setting *s = config_table; s->name; s++) {
		snprintf(pair, sizeof pair, "%s=1", s->name);
		assert_string_equal(told_of(pair), "");
		assert_string_equal(told_of_file(pair), "");
	}
}

static void a_slip_names_the_setting_that_was_meant(void **state)
{
	static const char *const slips[][2] = { { "MAX_CALS", "MAX_CALLS" }, { "MAX_CALLSS", "MAX_CALLS" },
		{ "MXA_CALLS", "MAX_CALLS" }, { "max_calls", "MAX_CALLS" }, { "OPENAI_APIKEY", "OPENAI_API_KEY" },
		{ "OPEN_AI_API_KEY", "OPENAI_API_KEY" }, { "TWILIO_AUTHTOKEN", "TWILIO_AUTH_TOKEN" },
		{ "PUBLIC_URI", "PUBLIC_URL" }, { "Port", "PORT" }, { "DATADIR", "DATA_DIR" } };
	char pair[80], words[120];

	(void)state;
	for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
		snprintf(pair, sizeof pair, "%s=secret", slips[i][0]);
		snprintf(
		    words, sizeof words, "%s is no setting of this server: is %s meant?\n", slips[i][0], slips[i][1]);
		assert_string_equal(told_of(pair), words);
		assert_string_equal(told(false, (const char *[]){ pair, NULL }), words);
	}
}

static void what_others_have_in_their_environment_is_not_told(void **state)
{
	static const char *const theirs[] = { "SHLVL=1", "LISTEN_FDS=1", "LISTEN_PID=7", "EDITOR=vi", "TERM=dumb",
		"https_proxy=http://p:1", "NO_PROXY=localhost", "HOSTNAME=h", "HOST=h", "DEBUG=1", "DOMAIN=d", "SORT=1",
		"PORTS=1", "RECORDS=1", "KUBERNETES_PORT=tcp://1", "TRUNKLINE_SERVICE_HOST=1", "SSL_CERT_FILE=/x",
		"MAX_CALS=", "=odd", "odd",
		"A_NAME_THAT_IS_LONGER_THAN_ANY_SETTING_OF_OURS_COULD_EVER_BE_IN_THE_TABLE=1" };

	(void)state;
	for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++)
		assert_string_equal(told_of(theirs[i]), "");
}

static void the_names_of_similar_programs_are_told_with_ours(void **state)
{
	(void)state;
	assert_string_equal(told_of("WEBHOOK_URL=https://x"),
	    "WEBHOOK_URL is no setting of this server: here it is called PUBLIC_URL.\n");
	assert_string_equal(told_of("TWILIO_API_SECRET=x"),
	    "TWILIO_API_SECRET is no setting of this server: here it is called TWILIO_API_KEY_SECRET.\n");
	assert_non_null(strstr(told_of("SYSTEM_MESSAGE=x"), "INSTRUCTIONS"));
	assert_non_null(strstr(told_of("VOICE=x"), "OPENAI_VOICE"));
	assert_non_null(strstr(told_of("REDIS_HOST=x"), "REDIS_HOST is no setting of this server: no Redis is needed"));
	assert_non_null(strstr(told_of("SSL_CERT_PATH=x"), "proxy in front"));
	assert_null(strstr(told_of("OPENAI_KEY=sk-secret"), "sk-secret"));
	/* Common names only where they can be meant for nobody else. */
	assert_non_null(strstr(told_of_file("HOST=0.0.0.0"), "here it is called LISTEN"));
	assert_non_null(strstr(told_of_file("DEBUG=1"), "LOG_LEVEL"));
}

static void names_that_are_read_are_told_with_what_comes_of_them(void **state)
{
	static const char *const cases[][3] = {
		{ "WEBSOCKET_TIMEOUT=7000", "A=1", "WEBSOCKET_TIMEOUT is read as MODEL_CONNECT_MS, its name here.\n" },
		{ "WEBSOCKET_TIMEOUT=7000", "MODEL_CONNECT_MS=1",
		    "WEBSOCKET_TIMEOUT is not read, as MODEL_CONNECT_MS is set, its name here.\n" },
		{ "TWILIO_CONVERSATION_RELAY_ENABLED=True",
		    "CHANNEL=", "TWILIO_CONVERSATION_RELAY_ENABLED is read as CHANNEL=relay.\n" },
		{ "TWILIO_CONVERSATION_RELAY_ENABLED=false", "A=1",
		    "TWILIO_CONVERSATION_RELAY_ENABLED changes nothing: it does so only as true/1/on/yes, and is then read as "
		    "CHANNEL=relay.\n" },
		{ "ENABLE_REALTIME_FALLBACK=on", "A=1",
		    "ENABLE_REALTIME_FALLBACK is read as FALLBACK=reconnect,text,dial.\n" },
		{ "USE_REALTIME_API=no", "CHANNEL=stream",
		    "USE_REALTIME_API is not read, as CHANNEL is set, its name here.\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(told(false, (const char *[]){ cases[i][0], cases[i][1], NULL }), cases[i][2]);
}

static void of_a_file_every_name_without_use_is_told(void **state)
{
	(void)state;
	assert_string_equal(told_of_file("FLAVOUR=1"),
	    "FLAVOUR, in .env, is no setting of this server, and no agent's file names it.\n");
	assert_string_equal(told_of("FLAVOUR=1"), "");
	assert_string_equal(told_of_file("FLAVOUR="), "");
	assert_string_equal(told_of_file("https_proxy=http://p:1"), "");
	/* Before the agents are read nobody knows. */
	assert_string_equal(told(false, (const char *[]){ "FLAVOUR=1", CONFIG_NAMES_OF_FILE "=FLAVOUR", NULL }), "");
}

static void what_an_agents_file_names_is_in_use(void **state)
{
	(void)state;
	setenv("DESK_TOKENS", "abc", 1);
	assert_string_equal(config_env("DESK_TOKENS"), "abc");
	assert_null(config_env("API_TOKEM")); /* close to one of ours, too */
	assert_string_equal(told_of_file("DESK_TOKENS=abc"), "");
	assert_string_equal(told_of_file("API_TOKEM=abc"), "");
	assert_true(*told_of_file("DESK_TOKEN=abc"));
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test_teardown(our_names_are_not_told, free_said),
	cmocka_unit_test_teardown(a_slip_names_the_setting_that_was_meant, free_said),
	cmocka_unit_test_teardown(what_others_have_in_their_environment_is_not_told, free_said),
	cmocka_unit_test_teardown(the_names_of_similar_programs_are_told_with_ours, free_said),
	cmocka_unit_test_teardown(names_that_are_read_are_told_with_what_comes_of_them, free_said),
	cmocka_unit_test_teardown(of_a_file_every_name_without_use_is_told, free_said),
	cmocka_unit_test_teardown(what_an_agents_file_names_is_in_use, free_said),
	{ 0 },
};
