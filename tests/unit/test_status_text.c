#include "server/status_text.h"
#include "tests/peers/setup.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

ONE_THREAD;

static void assert_status(const char *status_json, const char *ready_json, const char *wanted)
{
	cJSON *status = json_of(status_json), *ready = json_of(ready_json);

	status_text(status, ready, &written);
	assert_written(wanted);
	cJSON_Delete(status);
	cJSON_Delete(ready);
}

#define SOUND \
	"\"version\":\"1.2.3\",\"uptime_seconds\":93784.5," \
	"\"calls\":{\"live\":3,\"limit\":100,\"total\":250,\"ended\":{\"caller_hung_up\":240,\"model_lost\":2,\"stream_lost\":1}}," \
	"\"agents\":{\"names\":[\"desk\",\"night\"],\"last_error\":null},"

static void what_matters_when_all_is_well(void **state)
{
	(void)state;
	assert_status(
	    "{" SOUND
	    "\"model\":{\"available\":true,\"last_connect_ms\":180,\"last_failure\":null,\"agents_refused\":[],"
	    "\"agents_lacking\":[]},\"latency\":{\"answer_after_speech\":{\"count\":9,\"p50_ms\":612.5,\"p90_ms\":1400}},"
	    "\"store\":{\"failing\":false,\"db_bytes\":1200000,\"waiting\":0},\"cost\":{\"today_usd\":12.5,\"reserved_usd\":3.5,\"limit_usd\":40}}",
	    "{\"status\":\"ready\"}",
	    "Trunkline 1.2.3 takes calls; up 1 day 2:03:04\n"
	    "calls      3 live of at most 100; since the start 250, 3 ended by a fault\n"
	    "model      can be had, last connected in 180 ms; answers after 0.61 s (half of them), 1.40 s (9 of 10)\n"
	    "agents     desk, night\n"
	    "store      sound, 1.2 MB\n"
	    "cost       $12.50 today of at most $40.00; reserved by calls that are up $3.50\n");
}

static void what_is_wrong_is_told_last(void **state)
{
	(void)state;
	assert_status(
	    "{\"version\":\"1.2.3\",\"uptime_seconds\":5,\"calls\":{\"live\":100,\"reserved\":1,\"limit\":100,\"total\":7,"
	    "\"refused_full\":4,\"refused_blocked\":2},\"agents\":{\"names\":[],\"last_error\":\"desk.json: line 1\\u001b[2J\"},"
	    "\"model\":{\"available\":false,\"last_connect_ms\":null,\"last_failure\":\"HTTP 401: look at OPENAI_API_KEY\","
	    "\"agents_refused\":[{\"agent\":\"desk\",\"variant\":\"b\",\"reason\":\"no such voice\"}],"
	    "\"agents_lacking\":[{\"agent\":\"night\",\"variant\":null,\"lack\":\"noise reduction\"}]},"
	    "\"store\":{\"failing\":true,\"db_bytes\":10,\"waiting\":3,\"lost\":2,\"last_error\":\"disk full\"},"
	    "\"cost\":{\"today_usd\":0},\"recording\":{\"last_error\":\"disk full\"},"
	    "\"outbound\":{\"placed\":2,\"queued\":1,\"ringing\":0,\"refused\":1},"
	    "\"outbox\":{\"waiting\":5,\"delivered\":6,\"failed\":7,\"parked\":1,\"lost\":0}}",
	    "{\"status\":\"model\"}",
	    "Trunkline 1.2.3 takes no call: the model cannot be had; up 0:05\n"
	    "calls      100 live of at most 100, 1 beginning; since the start 7, 4 refused as every line was taken, 2 refused for BLOCK_CALLERS\n"
	    "model      CANNOT BE HAD\n"
	    "agents     none\n"
	    "store      FAILING, 10 bytes, 3 rows to be written\n"
	    "cost       $0.00 today\n"
	    "calls out  1 queued, 0 ringing; since the start 2 placed, 1 refused by Twilio\n"
	    "webhooks   5 waiting; since the start 6 delivered, 7 attempts failed\n"
	    "warning    model: HTTP 401: look at OPENAI_API_KEY\n"
	    "warning    agent desk/b is refused by the model: no such voice\n"
	    "warning    agent night has its session otherwise than asked: noise reduction\n"
	    "warning    the agents' files were not read anew, those from before stay: desk.json: line 1\xef\xbf\xbd[2J\n"
	    "warning    store: disk full\n"
	    "warning    2 rows were lost, as the store failed for too long\n"
	    "warning    recording: disk full\n"
	    "warning    1 webhooks were given up (GET /outbox?state=parked)\n");
}

static void several_endpoints_are_told_and_what_ails_them(void **state)
{
	(void)state;
	assert_status(
	    "{" SOUND
	    "\"model\":{\"available\":true,\"last_connect_ms\":180,\"last_failure\":\"timeout\",\"endpoints\":["
	    "{\"number\":1,\"host\":\"a.example\",\"state\":\"failing\",\"last_failure\":\"timeout\"},"
	    "{\"number\":3,\"host\":\"b.example\",\"state\":\"well\",\"last_failure\":null}],"
	    "\"text_api\":{\"state\":\"failing\",\"last_failure\":\"http_503\"},\"agents_refused\":["
	    "{\"agent\":\"desk\",\"variant\":null,\"endpoint\":3,\"reason\":\"no such voice\"}]}}",
	    "{\"status\":\"ready\",\"endpoints\":[\"failing\",\"well\"]}",
	    "Trunkline 1.2.3 takes calls; up 1 day 2:03:04\n"
	    "calls      3 live of at most 100; since the start 250, 3 ended by a fault\n"
	    "model      can be had, last connected in 180 ms\n"
	    "text API   failing\n"
	    "endpoints  1 a.example is failing, 3 b.example is well\n"
	    "agents     desk, night\n"
	    "store      none: nothing is kept (DATA_DIR)\n"
	    "cost       $0.00 today\n"
	    "warning    endpoint 1: timeout\n"
	    "warning    text API: http_503\n"
	    "warning    agent desk is refused by the model at endpoint 3: no such voice\n");
}

static void every_state_has_its_words(void **state)
{
	static const char *const words[][2] = {
		{ "full", "takes no call: every line is taken (MAX_CALLS)" },
		{ "cost", "takes no call: MAX_DAY_COST is spent, or reserved by calls that are up" },
		{ "draining", "takes no call: it is shutting down" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		char ready[64];
		struct buf out;
		cJSON *tree;

		buf_init(&out, 0);
		snprintf(ready, sizeof ready, "{\"status\":\"%s\"}", words[i][0]);
		tree = json_parse(ready, strlen(ready));
		status_text(NULL, tree, &out);
		assert_non_null(strstr(buf_text(&out), words[i][1]));
		assert_non_null(strstr(buf_text(&out), "\nstore      none: nothing is kept (DATA_DIR)\n"));
		cJSON_Delete(tree);
		buf_free(&out);
	}
}

static void many_agents_are_counted(void **state)
{
	(void)state;
	assert_status(
	    "{\"agents\":{\"names\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\",\"12\",\"13\",\"14\"]},"
	    "\"model\":{\"available\":true},\"store\":null}",
	    "{\"status\":\"ready\"}",
	    "Trunkline  takes calls; up 0:00\ncalls      0 live of at most 0; since the start 0\nmodel      can be had\n"
	    "agents     1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 2 more\nstore      none: nothing is kept (DATA_DIR)\n"
	    "cost       $0.00 today\n");
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(what_matters_when_all_is_well),
	cmocka_unit_test(what_is_wrong_is_told_last),
	cmocka_unit_test(several_endpoints_are_told_and_what_ails_them),
	cmocka_unit_test(every_state_has_its_words),
	cmocka_unit_test(many_agents_are_counted),
	GROUP(written_begin, written_end),
};
