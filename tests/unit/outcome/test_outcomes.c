#include "server/outcome/outcomes.h"

#include "common/clock.h"
#include "common/json.h"
#include "server/agents/agents.h"
#include "server/news/journal_json.h"
#include "server/news/journal_store.h"
#include "server/store/row.h"
#include "server/store/store_outcomes.h"
#include "server/work/jobs.h"
#include "tests/peers/http_peer.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A store, agents, the records' own jobs, and a text API that says what the test
 * has told it to. One for all tests; each has calls of its own. */
static struct config cfg;
static struct store *store;
static struct agents *agents;
static struct jobs *background;
static struct outcomes *outcomes;
static struct http_peer *far;
static char far_url[64];

static struct {
	pthread_mutex_t lock;
	const char *texts[8]; /* what the model says, in turn, the last for ever; NULL: 401 */
	int asked;
	char requests[8][8192];
	char answer[1024];
	int told; /* JOURNAL_OUTCOME */
	char last_told[4096];
} world = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int answer(void *arg, const char *request)
{
	const char *text;

	(void)arg;
	pthread_mutex_lock(&world.lock);
	snprintf(world.requests[world.asked % 8], sizeof world.requests[0], "%s", request);
	text = world.texts[world.asked < 7 ? world.asked : 7];
	world.asked++;
	if (text) {
		struct buf out;

		buf_init(&out, 0);
		buf_puts(
		    &out, "{\"status\":\"completed\",\"output\":[{\"content\":[{\"type\":\"output_text\",\"text\":");
		json_put_cstring(&out, text);
		buf_puts(&out, "}]}]}");
		snprintf(world.answer, sizeof world.answer, "%s", buf_text(&out));
		buf_free(&out);
		http_peer_say(far, world.answer);
	}
	pthread_mutex_unlock(&world.lock);
	return text ? 200 : 401;
}

/* What the text API will say: each of the texts, the last for ever. */
static void will_say(const char *first, const char *second)
{
	pthread_mutex_lock(&world.lock);
	world.asked = 0;
	world.told = 0;
	world.texts[0] = first;
	for (int i = 1; i < 8; i++)
		world.texts[i] = second;
	pthread_mutex_unlock(&world.lock);
}

static int counted(const int *count)
{
	int n;

	pthread_mutex_lock(&world.lock);
	n = *count;
	pthread_mutex_unlock(&world.lock);
	return n;
}

static int asked(void)
{
	return counted(&world.asked);
}

static int told(void)
{
	return counted(&world.told);
}

/* The text is somewhere in the n-th request, or in what was last told. */
static bool request_has(int n, const char *text)
{
	bool has;

	pthread_mutex_lock(&world.lock);
	has = strstr(n < 0 ? world.last_told : world.requests[n], text);
	pthread_mutex_unlock(&world.lock);
	return has;
}

static void listen_to_records(void *arg, const struct journal_entry *e)
{
	struct json_out j;
	struct buf json;

	(void)arg;
	if (e->kind != JOURNAL_OUTCOME)
		return;
	buf_init(&json, 0);
	j = json_out_to(&json);
	journal_put_entry(&j, NULL, e);
	pthread_mutex_lock(&world.lock);
	world.told++;
	snprintf(world.last_told, sizeof world.last_told, "%s", buf_text(&json));
	pthread_mutex_unlock(&world.lock);
	buf_free(&json);
}

static void put_agent(const char *name, const char *number, const char *fill)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s.json", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file,
	    "{\"numbers\":[\"%s\"],\"instructions\":\"x\",\"outcome\":{\"fill\":\"%s\",\"instructions\":\"Tables only.\","
	    "\"schema\":{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"},\"guests\":{\"type\":"
	    "\"integer\"}},\"required\":[\"name\",\"guests\"],\"additionalProperties\":false}}}",
	    number, fill);
	fclose(file);
}

static void begin_work(void)
{
	assert_int_equal(jobs_open(&background, "background", cfg.job_threads, 64), 0);
	assert_int_equal(outcomes_open(&outcomes, &cfg, store, agents, background), 0);
}

static void end_work(void)
{
	jobs_close(background);
	outcomes_close(outcomes);
}

static int open_all(void **state)
{
	const char *const pairs[] = { "AGENTS_DIR", folder, NULL };
	struct buf problem;
	char data[96];

	buf_init(&problem, 0);
	folder_begin(state);
	put_agent("both", "+12025550101", "both");
	put_agent("after", "+12025550102", "after");
	put_agent("call", "+12025550103", "call");
	pairs_load(&cfg, pairs);
	snprintf(data, sizeof data, "%s/data", folder);
	if (http_begin(state) || store_open(&store, data, 0, &problem) || agents_open(&agents, &cfg, &problem))
		fail_msg("%s", buf_text(&problem));
	buf_free(&problem);
	far = http_peer_start(answer, NULL);
	snprintf(far_url, sizeof far_url, "http://127.0.0.1:%d/v1/responses", http_peer_port(far));
	cfg.text_api_url = far_url;
	cfg.record_retry_seconds = 1;
	journal_store_open(store);
	journal_add_sink(listen_to_records, NULL);
	begin_work();
	return 0;
}

static int close_all(void **state)
{
	end_work();
	store_close(store);
	agents_close(agents);
	http_peer_stop(far);
	http_end(state);
	cfg.text_api_url = "";
	config_free(&cfg);
	return folder_end(NULL);
}

/* --------------------------------------------------------------------- a call's life */

static void tell(const char *name, struct journal_entry entry)
{
	entry.agent = agents_by_name(agents, name);
	entry.wall_ms = clock_wall_ms();
	journal_tell(&entry);
	agent_release(entry.agent);
}

static int stream; /* 0; 1 once a call has come back: reserved later, or it is late news of the first */

static void tell_state(const char *sid, const char *agent, enum journal_kind kind, const char *type)
{
	int64_t reserved_ms = 1795255200000 + stream * INT64_C(3600000); /* 2026-11-21, 10:00 */
	struct call_summary call = { .direction = "inbound",
		.from = "+12025550123",
		.to = "+12025550101",
		.reserved_ms = reserved_ms,
		.started_ms = reserved_ms + 1000,
		.seconds = 42,
		.stage = CALL_IS_LIVE,
		.state = "live" };

	snprintf(call.call_sid, sizeof call.call_sid, "%s", sid);
	if (kind == JOURNAL_ENDED) {
		call.stage = CALL_IS_OVER;
		call.state = "ended";
		call.ended_ms = reserved_ms + 43000;
	}
	tell(agent, (struct journal_entry){ .kind = kind, .type = type, .call_sid = sid, .call = &call });
}

static void begin(const char *sid, const char *agent)
{
	tell_state(sid, agent, JOURNAL_STARTED, "call.started");
}

static void end(const char *sid, const char *agent)
{
	tell_state(sid, agent, JOURNAL_ENDED, "call.ended");
}

static void say(const char *sid, const char *agent, int64_t no, const struct call_turn *turn)
{
	tell(agent,
	    (struct journal_entry){ .kind = JOURNAL_TURN, .type = "turn", .call_sid = sid, .no = no, .turn = turn });
}

static bool save(const char *sid, const char *name, const char *arguments, struct buf *out)
{
	const struct agent *agent = agents_by_name(agents, name);
	struct tool_call call = { .agent = agent, .arguments = (char *)arguments };
	bool ok;

	buf_reset(out);
	snprintf(call.call_sid, sizeof call.call_sid, "%s", sid);
	ok = outcomes_save(outcomes, &call, out);
	agent_release(agent);
	return ok;
}

/* The call's record, or NULL; caller deletes. */
static cJSON *record_of(const char *sid)
{
	struct outcome_filter filter = { .call_sid = sid, .since_ms = INT64_MIN, .until_ms = INT64_MAX, .limit = 5 };
	struct buf out;
	cJSON *list, *outcome;

	buf_init(&out, 0);
	store_flush(store, 5000);
	assert_int_equal(store_outcomes_list(store, &filter, &out), 0);
	list = json_parse(out.data, out.len);
	outcome = cJSON_DetachItemFromArray(cJSON_GetObjectItem(list, "records"), 0);
	cJSON_Delete(list);
	buf_free(&out);
	return outcome;
}

/* Waits until the record is in that state; a guard against hanging, not a measure. */
static cJSON *until_record(const char *sid, bool complete, const char *status)
{
	for (int i = 0; i < 1200; i++) {
		cJSON *outcome = record_of(sid);

		if (outcome && json_bool(outcome, "complete", !complete) == complete &&
		    !strcmp(json_str(outcome, "status"), status))
			return outcome;
		cJSON_Delete(outcome);
		usleep(25000);
	}
	fail_msg("%s never became %s", sid, status);
	return NULL;
}

static void expect_record(const cJSON *outcome, const char *json, const char *source)
{
	char *text = cJSON_PrintUnformatted(json_get(outcome, "record"));

	assert_string_equal(text, json);
	assert_string_equal(json_str(outcome, "source"), source);
	cJSON_free(text);
}

#define GOOD "{\"name\":\"Sam\",\"guests\":2}"
#define OTHER "{\"name\":\"Sam\",\"guests\":3}"
#define BAD "{\"name\":\"Sam\",\"guests\":\"two\"}"
#define SAID(words) (&(struct call_turn){ .who = "caller", .text = words })
#define HELLO SAID("A table for two, I am Sam.")

/* One in which nothing but HELLO is said. */
static void a_call(const char *call_sid)
{
	begin(call_sid, "after");
	say(call_sid, "after", 0, HELLO);
	end(call_sid, "after");
}

/* Waits for a record of that state, and looks at it. */
static void until_filled(const char *call_sid, bool complete, const char *status, const char *json, const char *source)
{
	cJSON *outcome = until_record(call_sid, complete, status);

	expect_record(outcome, json, source);
	cJSON_Delete(outcome);
}

static void what_is_saved_in_the_call_is_the_record(void **state)
{
	struct buf out;
	cJSON *outcome;

	(void)state;
	buf_init(&out, 0);
	will_say(OTHER, OTHER);
	begin("CA-saved", "both");
	assert_true(save("CA-saved", "both", OTHER, &out));
	assert_true(save("CA-saved", "both", GOOD, &out)); /* the caller thought again */
	assert_string_equal(buf_text(&out), "{\"saved\":true}");
	outcome = record_of("CA-saved");
	assert_false(json_bool(outcome, "complete", true));
	assert_int_equal(told(), 0);
	cJSON_Delete(outcome);
	say("CA-saved", "both", 0, HELLO);
	end("CA-saved", "both");
	outcome = until_record("CA-saved", true, "valid");
	expect_record(outcome, GOOD, "call");
	assert_int_equal(asked(), 0);
	assert_int_equal(told(), 1);
	cJSON_Delete(outcome);
	buf_free(&out);
}

static void a_wrong_one_is_told_kept_and_never_replaces_a_right_one(void **state)
{
	struct buf out;
	cJSON *told, *outcome;

	(void)state;
	buf_init(&out, 0);
	begin("CA-wrong", "call");
	assert_false(save("CA-wrong", "call", BAD, &out));
	told = json_parse(out.data, out.len);
	assert_string_equal(json_str(json_get(told, "problems")->child, "path"), "guests");
	assert_non_null(strstr(json_str(json_get(told, "error"), "message"), "call save_record again"));
	cJSON_Delete(told);
	assert_false(save("CA-wrong", "call", BAD, &out));
	assert_non_null(strstr(buf_text(&out), "Do not call save_record again"));
	assert_false(save("CA-wrong", "call", "[]", &out));
	outcome = record_of("CA-wrong");
	assert_string_equal(json_str(outcome, "status"), "invalid");
	expect_record(outcome, BAD, "call");
	cJSON_Delete(outcome);
	assert_true(save("CA-wrong", "call", GOOD, &out));
	assert_false(save("CA-wrong", "call", BAD, &out));
	outcome = record_of("CA-wrong");
	assert_string_equal(json_str(outcome, "status"), "valid");
	expect_record(outcome, GOOD, "call");
	cJSON_Delete(outcome);
	for (int i = 0; i < 20; i++)
		save("CA-wrong", "call", GOOD, &out);
	assert_non_null(strstr(buf_text(&out), "too_often"));
	buf_free(&out);
	end("CA-wrong", "call");
	cJSON_Delete(until_record("CA-wrong", true, "valid"));
}

static void what_was_said_fills_it_in_after_the_call(void **state)
{
	(void)state;
	will_say(GOOD, GOOD);
	begin("CA-after", "after");
	say("CA-after", "after", 0, HELLO);
	say("CA-after", "after", 1,
	    &(struct call_turn){ .who = "agent",
		.spoken = true,
		.text = "Certainly. We also have a terrace.",
		.heard_known = true,
		.heard_text = "Certainly. We also",
		.heard_len = strlen("Certainly."),
		.interrupted = true });
	say("CA-after", "after", 2, &(struct call_turn){ .who = "keys", .text = "42" });
	/* He hangs up on it, and nothing is left of the one behind it. */
	say("CA-after", "after", 3,
	    &(struct call_turn){ .who = "agent",
		.spoken = true,
		.text = "At noon. A taxi will come.",
		.heard_known = true,
		.heard_text = "At noon.",
		.heard_len = strlen("At noon.") });
	say("CA-after", "after", 4,
	    &(struct call_turn){
		.who = "agent", .spoken = true, .text = "It is paid.", .heard_known = true, .heard_text = "" });
	say("CA-after", "after", 5, &(struct call_turn){ .who = "agent", .spoken = true, .text = "Goodbye." });
	end("CA-after", "after");
	until_filled("CA-after", true, "valid", GOOD, "after");
	assert_int_equal(asked(), 1);
	assert_true(request_has(0, "From +12025550123 to +12025550101, began 2026-11-21T10:00:01.000Z, 42 seconds."));
	assert_true(request_has(0, "Caller: A table for two, I am Sam.\\nAgent: Certainly.\\nCaller pressed: 42\\n"
				   "Agent: At noon.\\nAgent: Goodbye.\\n"));
	assert_true(request_has(0, "Tables only."));
	assert_true(request_has(-1, "\"id\":\"rec_"));
}

static void what_breaks_the_schema_is_asked_for_once_more(void **state)
{
	cJSON *outcome;

	(void)state;
	will_say(BAD, GOOD);
	a_call("CA-again");
	until_filled("CA-again", true, "valid", GOOD, "after");
	assert_int_equal(asked(), 2);
	assert_true(request_has(1, "- guests must be a whole number\\n"));
	will_say(BAD, BAD);
	a_call("CA-never");
	outcome = until_record("CA-never", true, "invalid");
	expect_record(outcome, BAD, "after");
	assert_string_equal(json_str(json_get(outcome, "problems")->child, "sentence"), "must be a whole number");
	cJSON_Delete(outcome);
	assert_int_equal(asked(), 2);
}

static void what_cannot_be_had_is_kept_as_failed_and_tried_once_more(void **state)
{
	cJSON *outcome;

	(void)state;
	cfg.record_retry_seconds = 3600;
	will_say(NULL, GOOD);
	a_call("CA-down");
	outcome = until_record("CA-down", false, "failed");
	assert_int_equal(told(), 0);
	assert_string_equal(json_str(json_get(outcome, "problems")->child, "sentence"),
	    "the text API answered 401; look at TEXT_API_KEY, or OPENAI_API_KEY in its place");
	cJSON_Delete(outcome);
	/* The hour has passed, and another server has begun. */
	end_work();
	store_write(store, "UPDATE records SET next_at = 1 WHERE call_sid = 'CA-down'", "");
	begin_work();
	outcome = until_record("CA-down", true, "valid");
	expect_record(outcome, GOOD, "after");
	assert_int_equal(told(), 1);
	cJSON_Delete(outcome);
	cfg.record_retry_seconds = 1;
	will_say(NULL, NULL);
	a_call("CA-dead");
	cJSON_Delete(until_record("CA-dead", true, "failed"));
	assert_int_equal(asked(), 2);
	assert_int_equal(told(), 1);
}

static void what_was_saved_wrong_stays_when_nothing_better_can_be_had(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	will_say(NULL, NULL);
	begin("CA-half", "both");
	say("CA-half", "both", 0, HELLO);
	save("CA-half", "both", BAD, &out);
	end("CA-half", "both");
	until_filled("CA-half", true, "invalid", BAD, "call");
	buf_free(&out);
}

static void an_agent_that_was_to_save_and_did_not_leaves_a_failed_one(void **state)
{
	cJSON *outcome;

	(void)state;
	begin("CA-forgot", "call");
	say("CA-forgot", "call", 0, HELLO);
	end("CA-forgot", "call");
	outcome = until_record("CA-forgot", true, "failed");
	assert_string_equal(
	    json_str(json_get(outcome, "problems")->child, "sentence"), "the agent saved nothing during the call");
	cJSON_Delete(outcome);
}

static void an_agent_that_is_gone_leaves_a_failed_one(void **state)
{
	cJSON *outcome;

	(void)state;
	begin("CA-gone", "after");
	say("CA-gone", "after", 0, HELLO);
	store_write(store, "UPDATE records SET agent = 'ghost' WHERE call_sid = 'CA-gone'", "");
	end("CA-gone", "after");
	outcome = until_record("CA-gone", true, "failed");
	assert_non_null(strstr(json_str(json_get(outcome, "problems")->child, "sentence"), "the agent is gone"));
	cJSON_Delete(outcome);
}

/* Whether the database has it at all. */
static bool is_open(const char *sid)
{
	sqlite3_stmt *s = NULL;
	sqlite3 *db;
	bool there;

	store_flush(store, 5000);
	db = store_reader(store);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT 1 FROM records WHERE call_sid = ?1", -1, &s, NULL), SQLITE_OK);
	sqlite3_bind_text(s, 1, sid, -1, SQLITE_STATIC);
	there = sqlite3_step(s) == SQLITE_ROW;
	sqlite3_finalize(s);
	store_reader_done(store, db);
	return there;
}

static void who_says_nothing_leaves_none(void **state)
{
	bool open = true;

	(void)state;
	will_say(GOOD, GOOD);
	begin("CA-silent", "after");
	say("CA-silent", "after", 0, &(struct call_turn){ .who = "agent", .spoken = true, .text = "Hello?" });
	end("CA-silent", "after");
	for (int i = 0; i < 1200 && open; i++) {
		usleep(25000);
		open = is_open("CA-silent");
	}
	assert_false(open);
	assert_null(record_of("CA-silent"));
	assert_int_equal(asked(), 0);
}

static void a_call_that_comes_back_opens_its_record_again(void **state)
{
	cJSON *outcome;

	(void)state;
	will_say(GOOD, OTHER);
	a_call("CA-back");
	cJSON_Delete(until_record("CA-back", true, "valid"));
	/* Twilio streams the same call once more, after a transfer nobody took. */
	stream = 1;
	begin("CA-back", "after");
	until_filled("CA-back", false, "valid", GOOD, "after");
	say("CA-back", "after", 1, SAID("We are three after all."));
	end("CA-back", "after");
	outcome = until_record("CA-back", true, "valid");
	cJSON_Delete(outcome);
	for (int i = 0; i < 1200; i++) {
		char *text;
		bool done;

		outcome = record_of("CA-back");
		text = cJSON_PrintUnformatted(json_get(outcome, "record"));
		done = !strcmp(text, OTHER);
		cJSON_free(text);
		cJSON_Delete(outcome);
		if (done) {
			stream = 0;
			return;
		}
		usleep(25000);
	}
	fail();
}

static void records_without_a_place_are_warned_of(void **state)
{
	struct config nowhere = cfg;
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	nowhere.data_dir = "/tmp";
	outcomes_warnings(&nowhere, agents, &out);
	assert_int_equal(out.len, 0);
	nowhere.data_dir = "";
	outcomes_warnings(&nowhere, agents, &out);
	assert_non_null(strstr(buf_text(&out), "no records are kept"));
	buf_free(&out);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(what_is_saved_in_the_call_is_the_record),
	cmocka_unit_test(a_wrong_one_is_told_kept_and_never_replaces_a_right_one),
	cmocka_unit_test(what_was_said_fills_it_in_after_the_call),
	cmocka_unit_test(what_breaks_the_schema_is_asked_for_once_more),
	cmocka_unit_test(what_cannot_be_had_is_kept_as_failed_and_tried_once_more),
	cmocka_unit_test(what_was_saved_wrong_stays_when_nothing_better_can_be_had),
	cmocka_unit_test(an_agent_that_was_to_save_and_did_not_leaves_a_failed_one),
	cmocka_unit_test(an_agent_that_is_gone_leaves_a_failed_one),
	cmocka_unit_test(who_says_nothing_leaves_none),
	cmocka_unit_test(a_call_that_comes_back_opens_its_record_again),
	cmocka_unit_test(records_without_a_place_are_warned_of),
	GROUP(open_all, close_all),
};
