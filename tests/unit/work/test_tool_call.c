/* A call of a tool, against a server that answers as it is told. */
#include "server/work/tool_call.h"

#include "common/json.h"
#include "server/agents/agent_memory.h"
#include "server/work/fetch.h"
#include "server/work/signing.h"
#include "server/work/work.h"
#include "tests/peers/http_peer.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECRET "the agent's own"

enum { LONG_MS = 60000, SHORT_MS = 200, GUARD_S = 60, REQUEST_SIZE = 128 * 1024 };

/* ------------------------------------------------------------------ the tool's side */

static struct http_peer *peer;
static _Atomic int peer_status, peer_asked;
static _Atomic bool peer_holds; /* it answers once told to: */
static sem_t peer_may, peer_has;
static char request[REQUEST_SIZE]; /* the last one; read when its answer is here */

static int answer_tool(void *arg, const char *text)
{
	(void)arg;
	snprintf(request, sizeof request, "%s", text);
	atomic_fetch_add(&peer_asked, 1);
	sem_post(&peer_has);
	if (atomic_load(&peer_holds))
		sem_wait(&peer_may);
	return atomic_load(&peer_status);
}

/* ------------------------------------------------------------------- the call's side */

static struct config cfg;
static struct work work = { .cfg = &cfg };
static struct agent_memory *agent_memory;
static struct agent *agent;
static struct tool_cancel *cancel;
static char url[64];

static struct {
	pthread_mutex_t lock;
	pthread_cond_t news;
	int count;
	char call_id[80], json[TOOL_ANSWER_MAX + 1];
	enum tool_failure failure;
	struct tool_asker asker;
} told = { .lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER };

static void take_answer(
    const struct tool_asker *asker, const char *call_id, enum tool_failure failure, const char *json)
{
	pthread_mutex_lock(&told.lock);
	told.count++;
	told.failure = failure;
	told.asker = *asker;
	snprintf(told.call_id, sizeof told.call_id, "%s", call_id);
	snprintf(told.json, sizeof told.json, "%s", json);
	pthread_cond_signal(&told.news);
	pthread_mutex_unlock(&told.lock);
}

static void wait_for_answers(int count)
{
	struct timespec until;
	int got, err = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += GUARD_S;
	pthread_mutex_lock(&told.lock);
	while (told.count < count && !err)
		err = pthread_cond_timedwait(&told.news, &told.lock, &until);
	got = told.count;
	pthread_mutex_unlock(&told.lock);
	assert_int_equal(got, count);
}

static void start(const char *call_id, const char *name, const char *arguments, int timeout_ms)
{
	struct tool_call *call =
	    tool_call_new(agent, cancel, call_id, name, arguments, "{\"call_sid\":\"CA1\",\"from\":\"+12025550123\"}");

	assert_non_null(call);
	snprintf(call->call_sid, sizeof call->call_sid, "CA1");
	call->asker = (struct tool_asker){ &work, 7, 3 };
	call->finished = take_answer;
	tool_call_submit(call, &work, timeout_ms);
}

/* One call, and what comes of it. */
static enum tool_failure ask(const char *name, const char *arguments)
{
	int before = told.count;

	start("call_1", name, arguments, LONG_MS);
	wait_for_answers(before + 1);
	return told.failure;
}

static void error_is(const char *code)
{
	cJSON *tree = json_parse(told.json, strlen(told.json));
	const cJSON *error = json_get(tree, "error");

	assert_non_null(error);
	assert_string_equal(json_str(error, "code"), code);
	assert_true(strlen(json_str(error, "message")) > 10);
	cJSON_Delete(tree);
}

static int begin(void **state)
{
	static struct agent_tool tools[2];

	(void)state;
	peer = http_peer_start(answer_tool, NULL);
	atomic_store(&peer_status, 200);
	atomic_store(&peer_asked, 0);
	atomic_store(&peer_holds, false);
	sem_init(&peer_may, 0, 0);
	sem_init(&peer_has, 0, 0);
	http_peer_say_as(peer, "application/json", "{\"booked\":true}");
	snprintf(url, sizeof url, "http://127.0.0.1:%d/book", http_peer_port(peer));
	tools[0] = (struct agent_tool){ .name = "book", .url = url };
	/* Nobody listens there: port 1 is not for such as us. */
	tools[1] = (struct agent_tool){ .name = "dead", .url = "http://127.0.0.1:1/" };
	cfg.https_ca_file = "";
	agent_memory = agent_memory_new();
	agent = agent_memory_new_agent(agent_memory); /* its reference is the agent's now */
	agent->tools = tools;
	agent->tool_count = 2;
	agent->signing_secret = SECRET;
	agent->knowledge = agent->outcome_schema = "";
	cancel = tool_cancel_new();
	told.count = 0;
	told.json[0] = '\0';
	return jobs_open(&work.tools, "tools", 1, 1);
}

static int end(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		sem_post(&peer_may);
	jobs_close(work.tools);
	http_peer_stop(peer);
	tool_cancel_release(cancel);
	agent_release(agent);
	tool_set_builtin(&work, TOOL_SEARCH_KNOWLEDGE, NULL, NULL);
	return 0;
}

/* -------------------------------------------------------------------- what is asked */

static void check_refused(const char *tool, const char *arguments, enum tool_failure failure, const char *code)
{
	assert_int_equal(ask(tool, arguments), failure);
	error_is(code);
}

static void it_is_asked_once_signed_and_by_a_key_of_its_own(void **state)
{
	char value[600], again[640];
	const char *body;
	struct buf signature;
	int64_t at;

	(void)state;
	start("call/\xc3\xa4 1", "book", "{\"day\":1}", LONG_MS);
	wait_for_answers(1);
	assert_int_equal(told.failure, TOOL_OK);
	assert_string_equal(told.json, "{\"booked\":true}");
	assert_string_equal(told.call_id, "call/\xc3\xa4 1");
	assert_ptr_equal(told.asker.to, &work);
	assert_int_equal(told.asker.index * 10 + told.asker.generation, 73);
	assert_int_equal(atomic_load(&peer_asked), 1);
	assert_int_equal(strncmp(request, "POST /book HTTP/1.1\r\n", 21), 0);
	assert_string_equal(http_peer_header(request, "Content-Type", value, sizeof value), "application/json");
	assert_string_equal(http_peer_header(request, "Accept-Encoding", value, sizeof value), "gzip, deflate");
	assert_string_equal(http_peer_header(request, "Idempotency-Key", value, sizeof value), "CA1-call%2F%C3%A4%201");
	body = strstr(request, "\r\n\r\n") + 4;
	assert_string_equal(body, "{\"tool\":\"book\",\"call_id\":\"call/\xc3\xa4 1\",\"arguments\":{\"day\":1},"
				  "\"call\":{\"call_sid\":\"CA1\",\"from\":\"+12025550123\"}}");
	http_peer_header(request, "Trunkline-Signature", value, sizeof value);
	assert_int_equal(strncmp(value, "t=", 2), 0);
	at = strtoll(value + 2, NULL, 10);
	assert_true(at > 1700000000);
	buf_init(&signature, 0);
	signing_put_header(&signature, SECRET, at, body, strlen(body));
	snprintf(again, sizeof again, "Trunkline-Signature: %s", value);
	assert_string_equal(buf_text(&signature), again);
	buf_free(&signature);
}

static void without_a_secret_nothing_is_signed(void **state)
{
	char value[600];

	(void)state;
	agent->signing_secret = "";
	assert_int_equal(ask("book", ""), TOOL_OK);
	assert_string_equal(http_peer_header(request, "Trunkline-Signature", value, sizeof value), "");
	assert_non_null(strstr(request, "\"arguments\":{},"));
	assert_int_equal(ask("book", " \r\n"), TOOL_OK);
	assert_non_null(strstr(request, "\"arguments\":{},"));
}

static void arguments_with_a_bad_character_are_mended(void **state)
{
	(void)state;
	assert_int_equal(ask("book", "{\"day\":\"Mon \\ud83d\"}"), TOOL_OK);
	assert_non_null(strstr(request, "\"arguments\":{\"day\":\"Mon \\ufffd\"},"));
	assert_int_equal(ask("book", "{\"day\":\"M\\u0000on\"}"), TOOL_OK);
	assert_non_null(strstr(request, "\"arguments\":{\"day\":\"M\\ufffdon\"},"));
}

/* ------------------------------------------------------------------ what comes of it */

static void every_answer_is_one_the_model_can_use(void **state)
{
	static const struct {
		int status;
		const char *type, *body;
		enum tool_failure failure;
		const char *json; /* or the error's code */
	} cases[] = {
		{ 200, "application/json; charset=utf-8", "[1,2]", TOOL_OK, "[1,2]" },
		{ 201, "application/hal+json", "\"done\"", TOOL_OK, "\"done\"" },
		{ 202, "text/html", "", TOOL_OK, "{\"ok\":true}" },
		{ 200, "application/json", "{\"a\":\"x \\ud83d\"}", TOOL_OK, "{\"a\":\"x \\ufffd\"}" },
		{ 200, "application/json", "\xef\xbb\xbf{\"a\":\"\xff\"}", TOOL_OK, "{\"a\":\"\xef\xbf\xbd\"}" },
		{ 200, "application/json", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
		    TOOL_OK, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[null]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]" },
		{ 200, "text/html", "<p>Hello</p>", TOOL_BAD_ANSWER, "bad_answer" },
		{ 200, "", "{}", TOOL_OK, "{}" },
		{ 200, "text/json", "{}", TOOL_OK, "{}" },
		{ 200, "Application/Vnd.Api+JSON;v=1", "{}", TOOL_OK, "{}" },
		{ 200, "application/json", "\xef\xbb\xbf{\n  \"a\": [1, 12345678901234567890]\n}\n", TOOL_OK,
		    "{\"a\":[1,12345678901234567890]}" },
		{ 200, "", "Booked.", TOOL_BAD_ANSWER, "bad_answer" },
		{ 200, "image/svg+json", "{}", TOOL_BAD_ANSWER, "bad_answer" },
		{ 200, "application/+json", "{}", TOOL_BAD_ANSWER, "bad_answer" },
		{ 200, "text/plain", "{}", TOOL_BAD_ANSWER, "bad_answer" },
		{ 200, "application/json", "{\"a\":", TOOL_BAD_ANSWER, "bad_answer" },
		{ 200, "application/json", "{} and more", TOOL_BAD_ANSWER, "bad_answer" },
		{ 0, "", "", TOOL_LOST, "connection_lost" },
	};
	static const int refusals[] = { 302, 404, 500 };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		atomic_store(&peer_status, cases[i].status);
		http_peer_say_as(peer, cases[i].type, cases[i].body);
		assert_int_equal(ask("book", "{}"), cases[i].failure);
		if (cases[i].failure == TOOL_OK)
			assert_string_equal(told.json, cases[i].json);
		else
			error_is(cases[i].json);
	}
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		atomic_store(&peer_status, refusals[i]);
		http_peer_say_as(peer, "application/json", "{}");
		assert_int_equal(ask("book", "{}"), TOOL_STATUS);
		error_is("refused");
	}
	/* None was asked twice. */
	assert_int_equal(atomic_load(&peer_asked), sizeof cases / sizeof *cases + sizeof refusals / sizeof *refusals);
}

static void what_a_tool_says_against_a_call_reaches_the_model(void **state)
{
	char *large = malloc(TOOL_ANSWER_MAX + 2);

	(void)state;
	atomic_store(&peer_status, 422);
	http_peer_say_as(peer, "application/problem+json", "{ \"title\": \"That day is full\" }");
	check_refused("book", "{}", TOOL_STATUS, "refused");
	assert_string_equal(told.json,
	    "{\"error\":{\"code\":\"refused\",\"message\":\"The tool refused; its own words "
	    "are in \\\"answer\\\".\"},\"status\":422,\"answer\":{\"title\":\"That day is full\"}}");
	/* A page, a stack trace, or what cannot be handed on whole is none of the model's business. */
	http_peer_say_as(peer, "text/html", "<p>Full</p>");
	check_refused("book", "{}", TOOL_STATUS, "refused");
	assert_null(strstr(told.json, "Full"));
	http_peer_say_as(peer, "application/json", "{\"title\":\"Full\"");
	check_refused("book", "{}", TOOL_STATUS, "refused");
	assert_null(strstr(told.json, "Full"));
	atomic_store(&peer_status, 500);
	http_peer_say_as(peer, "application/json", "{\"trace\":\"Full\"}");
	check_refused("book", "{}", TOOL_STATUS, "refused");
	assert_null(strstr(told.json, "Full"));
	atomic_store(&peer_status, 404);
	for (int size = TOOL_ANSWER_MAX - 1; size <= TOOL_ANSWER_MAX + 1; size++) {
		memset(large, '1', (size_t)size);
		large[size] = '\0';
		http_peer_say_as(peer, "application/json", large);
		check_refused("book", "{}", TOOL_STATUS, "refused");
		assert_null(strstr(told.json, "111"));
	}
	free(large);
}

static void an_answer_too_large_is_none(void **state)
{
	char *large = malloc(TOOL_ANSWER_MAX + 2);

	(void)state;
	memset(large, '1', TOOL_ANSWER_MAX + 1);
	large[TOOL_ANSWER_MAX + 1] = '\0';
	http_peer_say_as(peer, "application/json", large);
	check_refused("book", "{}", TOOL_BAD_ANSWER, "bad_answer");
	/* So is one that mending makes too large: it was done, which "busy" would deny. */
	memset(large, 'x', TOOL_ANSWER_MAX - 1);
	large[0] = large[TOOL_ANSWER_MAX - 2] = '"';
	large[1] = '\xff';
	large[TOOL_ANSWER_MAX - 1] = '\0';
	http_peer_say_as(peer, "application/json", large);
	check_refused("book", "{}", TOOL_BAD_ANSWER, "bad_answer");
	free(large);
}

static void nobody_there_is_told_as_nothing_done(void **state)
{
	(void)state;
	check_refused("dead", "{}", TOOL_UNREACHABLE, "unreachable");
}

static void no_answer_in_time_is_told_as_not_known(void **state)
{
	(void)state;
	atomic_store(&peer_holds, true);
	start("call_1", "book", "{}", SHORT_MS);
	wait_for_answers(1);
	assert_int_equal(told.failure, TOOL_TIMEOUT);
	error_is("timeout");
}

/* ------------------------------------------------------------------ what is not asked */

static void what_makes_no_sense_is_not_asked(void **state)
{
	char *long_one = malloc(TOOL_ARGUMENTS_MAX + 16);

	(void)state;
	check_refused("book", "{broken", TOOL_BAD_CALL, "bad_arguments");
	assert_int_equal(ask("book", "[1]"), TOOL_BAD_CALL);
	assert_int_equal(ask("book", "{} {}"), TOOL_BAD_CALL);
	assert_int_equal(ask("nobody", "{}"), TOOL_BAD_CALL);
	snprintf(long_one, TOOL_ARGUMENTS_MAX + 16, "{\"a\":\"%0*d\"}", TOOL_ARGUMENTS_MAX, 1);
	assert_int_equal(ask("book", long_one), TOOL_BAD_CALL);
	assert_int_equal(atomic_load(&peer_asked), 0);
	free(long_one);
}

/* One is being asked, and its answer waited for. */
static void hold_the_first(void)
{
	atomic_store(&peer_holds, true);
	start("call_1", "book", "{}", LONG_MS);
	sem_wait(&peer_has);
}

static void when_the_call_is_over_nobody_is_asked_or_waited_for(void **state)
{
	(void)state;
	hold_the_first();
	start("call_2", "book", "{}", LONG_MS); /* behind it */
	atomic_store(&cancel->on, true);
	wait_for_answers(2);
	assert_int_equal(told.failure, TOOL_CANCELLED);
	assert_string_equal(told.call_id, "call_2");
	assert_int_equal(atomic_load(&peer_asked), 1);
}

static void a_full_queue_is_said_at_once(void **state)
{
	(void)state;
	hold_the_first();
	start("call_2", "book", "{}", LONG_MS);
	assert_int_equal(told.count, 0);
	start("call_3", "book", "{}", LONG_MS);
	assert_int_equal(told.count, 1); /* within the call */
	assert_string_equal(told.call_id, "call_3");
	assert_int_equal(told.failure, TOOL_BUSY);
	error_is("busy");
	sem_post(&peer_may);
	sem_post(&peer_may);
	wait_for_answers(3);
	assert_int_equal(told.failure, TOOL_OK);
	assert_int_equal(atomic_load(&peer_asked), 2);
}

static void whose_turn_comes_too_late_is_not_asked(void **state)
{
	(void)state;
	hold_the_first();
	start("call_2", "book", "{}", 0);
	sem_post(&peer_may);
	wait_for_answers(2);
	assert_string_equal(told.call_id, "call_2");
	assert_int_equal(told.failure, TOOL_BUSY);
	error_is("busy");
	assert_int_equal(atomic_load(&peer_asked), 1);
}

static void a_pool_that_closes_answers_all_that_waits(void **state)
{
	(void)state;
	hold_the_first();
	start("call_2", "book", "{}", LONG_MS);
	atomic_store(&cancel->on, true);
	jobs_stop(work.tools);
	wait_for_answers(2);
	start("call_3", "book", "{}", LONG_MS);
	assert_int_equal(told.count, 3);
	assert_int_equal(told.failure, TOOL_BUSY);
}

/* -------------------------------------------------------------------------- our own */

static bool search(void *arg, const struct tool_call *call, struct buf *out)
{
	(void)arg;
	if (strstr(call->arguments, "large"))
		for (int i = 0; i <= TOOL_ANSWER_MAX; i++)
			buf_putc(out, 'x');
	else if (strstr(call->arguments, "nothing"))
		tool_put_error(out, "no_knowledge", "There is nothing to search.");
	else
		buf_puts(out, "{\"hits\":[]}");
	return !strstr(call->arguments, "nothing");
}

static void ours_are_done_here(void **state)
{
	(void)state;
	assert_int_equal(ask("search_knowledge", "{}"), TOOL_BAD_CALL); /* nobody does it */
	tool_set_builtin(&work, TOOL_SEARCH_KNOWLEDGE, search, NULL);
	assert_int_equal(ask("search_knowledge", "{}"), TOOL_BAD_CALL); /* this agent has nothing to search */
	agent->knowledge = "menu";
	assert_int_equal(ask("search_knowledge", "{\"query\":\"soup\"}"), TOOL_OK);
	assert_string_equal(told.json, "{\"hits\":[]}");
	check_refused("search_knowledge", "{\"query\":\"nothing\"}", TOOL_OWN, "no_knowledge");
	check_refused("search_knowledge", "{\"query\":\"large\"}", TOOL_BAD_ANSWER, "bad_answer");
	assert_false(atomic_load(&peer_asked));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

const struct CMUnitTest unit_tests[] = {
	CASE(it_is_asked_once_signed_and_by_a_key_of_its_own),
	CASE(without_a_secret_nothing_is_signed),
	CASE(arguments_with_a_bad_character_are_mended),
	CASE(every_answer_is_one_the_model_can_use),
	CASE(what_a_tool_says_against_a_call_reaches_the_model),
	CASE(an_answer_too_large_is_none),
	CASE(nobody_there_is_told_as_nothing_done),
	CASE(no_answer_in_time_is_told_as_not_known),
	CASE(what_makes_no_sense_is_not_asked),
	CASE(when_the_call_is_over_nobody_is_asked_or_waited_for),
	CASE(a_full_queue_is_said_at_once),
	CASE(whose_turn_comes_too_late_is_not_asked),
	CASE(a_pool_that_closes_answers_all_that_waits),
	CASE(ours_are_done_here),
	GROUP(http_begin, http_end),
};
