/* Keys on the line: what Twilio is told, by a job that runs here when it is told to, and what its answers mean. Beside
 * it tests/unit/line/test_calls.c has the stream that makes room for them. */
#include "server/line/calls_private.h"
#include "server/line/mailbox.h"
#include "server/work/twilio_rest.h"
#include "server/work/work.h"

#include <stdio.h>

static struct job *submitted;
static bool queue_full, post_fails;
static char told[8000];
static enum twilio_outcome outcome;
static int posted; /* the last answer; -1: none */

static bool stood_in_submit(struct jobs *jobs, struct job *job)
{
	(void)jobs;
	if (!queue_full)
		submitted = job;
	return !queue_full;
}

static void stood_in_redirect(
    const struct twilio *t, const char *call_sid, const char *twiml, struct twilio_answer *out);

static int stood_in_post(struct calls *calls, struct call_ref ref, struct mail *mail)
{
	(void)calls, (void)ref;
	posted = mail->answer;
	mail_free(mail);
	return post_fails ? -2 : 0;
}

#define jobs_submit stood_in_submit
#define twilio_redirect_call stood_in_redirect
#define calls_post stood_in_post
#include "server/line/keys/call_keys.c"
#undef jobs_submit
#undef twilio_redirect_call
#undef calls_post

#include "common/clock.h"
#include "server/agents/agent.h"
#include "server/fleet/local.h"
#include "server/phone/media_stream.h"
#include "server/phone/relay.h"
#include "tests/unit.h"

ONE_THREAD;

static void stood_in_redirect(
    const struct twilio *t, const char *call_sid, const char *twiml, struct twilio_answer *out)
{
	assert_string_equal(t->account_sid, "AC1");
	assert_string_equal(call_sid, "CA1");
	snprintf(told, sizeof told, "%s", twiml);
	*out = (struct twilio_answer){ .outcome = outcome };
}

static const struct agent agent = {
	.name = "desk", .variant = "", .fallback = { .rungs = { { .kind = RUNG_RECONNECT } }, .count = 1 }
};
static struct call line;
static struct calls table;
static struct config cfg;
static struct work work;
static struct tool_cancel *cancel;

static const char *const way[WAY_PARTS] = { [WAY_STREAM] = "wss://bridge.example.com/twilio/stream/",
	[WAY_ACTION] = "https://bridge.example.com/twilio/connect-action?rung=none&stream=",
	[WAY_REST] = "#rc=3&rp=all",
	[WAY_STATUS] = "https://bridge.example.com/twilio/stream-status" };

static int begin(void **state)
{
	(void)state;
	cfg = (struct config){ .twilio_account_sid = "AC1",
		.twilio_api_key_sid = "",
		.stream_grace_ms = 5000,
		.twilio_auth_tokens = { "token" },
		.twilio_auth_token_count = 1 };
	memset(&line, 0, sizeof line);
	memset(&table, 0, sizeof table);
	table.use.cfg = &cfg;
	table.use.work = &work;
	table.lines = &line;
	table.line_count = 1;
	assert_int_equal(fleet_local_open(&table.use.fleet, NULL, 4), 0);
	pthread_mutex_init(&table.lock, NULL);
	line.calls = &table;
	line.cfg = &cfg;
	assert_int_equal(call_open(&line), 0);
	call_renew(&line);
	line.state = LINE_LIVE;
	line.announced = true;
	line.agent = &agent;
	line.channel = &media_stream_channel;
	strcpy(line.call_sid, "CA1");
	strcpy(line.from, "+12025550123");
	strcpy(line.to, "+12025550100");
	calls_keep_way(&table, line.token, way);
	cancel = tool_cancel_new();
	submitted = NULL;
	queue_full = post_fails = false;
	outcome = TWILIO_OK;
	posted = -1;
	return 0;
}

static int end(void **state)
{
	(void)state;
	if (submitted)
		submitted->drop(submitted);
	tool_cancel_release(cancel);
	call_close(&line);
	table.use.fleet->ops->close(table.use.fleet);
	return 0;
}

static enum keys_answer press(const char *digits)
{
	return call_press(&line, digits, cancel);
}

static void job_runs(void)
{
	struct job *job = submitted;

	submitted = NULL;
	job->run(job);
}

static void twilio_is_told_to_play_and_to_come_back(void **state)
{
	char first[CALL_TOKEN_SIZE], expected[2000];

	(void)state;
	memcpy(first, line.token, sizeof first);
	assert_int_equal(press("1w2#"), KEYS_OK);
	assert_string_not_equal(line.token, first);
	assert_true(call_is_pressing(&line));
	job_runs();
	snprintf(expected, sizeof expected,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Play digits=\"1w2#\"/>"
	    "<Connect action=\"https://bridge.example.com/twilio/connect-action?rung=none&amp;stream=1#rc=3&amp;rp=all\" method=\"POST\">"
	    "<Stream url=\"wss://bridge.example.com/twilio/stream/%s\" "
	    "statusCallback=\"https://bridge.example.com/twilio/stream-status\" statusCallbackMethod=\"POST\">"
	    "<Parameter name=\"caller\" value=\"+12025550123\"/><Parameter name=\"called\" value=\"+12025550100\"/>"
	    "</Stream></Connect></Response>\n",
	    line.token);
	assert_string_equal(told, expected);
	assert_int_equal(posted, KEYS_OK);
}

static void what_was_certainly_not_done_is_a_refusal(void **state)
{
	static const struct {
		enum twilio_outcome outcome;
		enum keys_answer answer;
	} cases[] = { { TWILIO_REFUSED, KEYS_REFUSED }, { TWILIO_BUSY, KEYS_REFUSED },
		{ TWILIO_NOT_SENT, KEYS_REFUSED }, { TWILIO_UNKNOWN, KEYS_UNANSWERED } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		outcome = cases[i].outcome;
		assert_int_equal(press("1"), KEYS_OK);
		job_runs();
		assert_int_equal(posted, cases[i].answer);
		assert_true(call_unpress(&line, posted == KEYS_REFUSED));
	}
}

/* The number of the stream that is there is what Twilio will ask about when that is lost. */
static void stream_that_stays_has_its_number_again(void **state)
{
	char announced[CALL_TOKEN_SIZE], sid[FOREIGN_ID_SIZE];

	(void)state;
	assert_int_equal(press("1"), KEYS_OK);
	memcpy(announced, line.token, sizeof announced);
	assert_int_equal(line.streams, 1);
	assert_true(call_unpress(&line, true));
	assert_int_equal(line.streams, 0);
	assert_int_equal(table.use.fleet->ops->claim(table.use.fleet, announced, sid, clock_now_us()), -ENOENT);
	call_stopped(&line);
	assert_int_equal(call_ended(&line), END_CALLER_HUNG_UP);
}

static void stream_that_is_lost_after_keys_were_refused_is_followed(void **state)
{
	char announced[CALL_TOKEN_SIZE], sid[FOREIGN_ID_SIZE];

	(void)state;
	assert_int_equal(press("1"), KEYS_OK);
	memcpy(announced, line.token, sizeof announced);
	assert_true(call_unpress(&line, true));
	line.bound = true;
	atomic_store(&line.started_us, 1);
	call_lose(&line, END_STREAM_SILENT);
	assert_int_equal(line.streams, 1);
	assert_string_not_equal(line.token, announced);
	assert_int_equal(table.use.fleet->ops->claim(table.use.fleet, line.token, sid, clock_now_us()), 0);
	assert_in_range(line.expires_us, 1, clock_now_us() + cfg.stream_grace_ms * US_PER_MS);
}

static void stop_before_a_refusal_was_a_hang_up(void **state)
{
	(void)state;
	assert_int_equal(press("1"), KEYS_OK);
	line.bound = true;
	call_stopped(&line);
	assert_int_equal(call_ended(&line), CALL_NOT_ENDED);
	assert_int_equal(call_lost(&line), END_STREAM_LOST);
	assert_int_equal(press("2"), KEYS_AWAY);
	assert_false(call_unpress(&line, false)); /* it may be played yet */
	assert_int_equal(call_ended(&line), CALL_NOT_ENDED);
	assert_false(call_unpress(&line, true));
	assert_int_equal(call_ended(&line), END_CALLER_HUNG_UP);
}

/* Not by its stop: it may come back, as after any loss. */
static void stream_that_broke_off_before_a_refusal_is_waited_for(void **state)
{
	(void)state;
	assert_int_equal(press("1"), KEYS_OK);
	line.bound = true;
	call_lose(&line, END_STREAM_SILENT);
	assert_false(call_unpress(&line, true));
	assert_int_equal(call_ended(&line), CALL_NOT_ENDED);
	assert_int_equal(line.streams, 1);
	assert_int_equal(line.losses, 0);
}

static void line_that_cannot_is_left_as_it_was(void **state)
{
	char long_url[TWILIO_TWIML_MAX + 1];
	const char *longer[WAY_PARTS];

	(void)state;
	queue_full = true;
	assert_int_equal(press("1"), KEYS_UNABLE);
	queue_full = false;
	assert_false(call_is_pressing(&line));
	memset(long_url, 'a', sizeof long_url - 1);
	long_url[sizeof long_url - 1] = '\0';
	memcpy(longer, way, sizeof longer);
	longer[WAY_STATUS] = long_url;
	calls_keep_way(&table, line.token, longer);
	assert_int_equal(press("1"), KEYS_UNABLE);
	assert_null(submitted);
	assert_int_equal(line.streams, 0);
	call_clean(&line); /* no way is known */
	assert_int_equal(press("1"), KEYS_UNABLE);
	assert_int_equal(call_press(&line, "1", NULL), KEYS_UNABLE);
}

static void settings_say_whether_it_can(void **state)
{
	(void)state;
	assert_true(call_can_press(&line));
	cfg.stream_grace_ms = 0;
	assert_false(call_can_press(&line));
	cfg.stream_grace_ms = 1;
	cfg.twilio_account_sid = "";
	assert_false(call_can_press(&line));
	line.channel = &relay_channel;
	assert_true(call_can_press(&line));
	line.channel = &media_stream_channel;
	cfg.twilio_account_sid = "AC1";
	line.announced = false;
	assert_false(call_can_press(&line));
}

static void operator_is_told_what_the_loop_said_last(void **state)
{
	struct call_ref ref = { 0, line.generation };

	(void)state;
	assert_int_equal(calls_may_press(&table, ref), KEYS_NOT_LIVE);
	atomic_store(&line.may_press, KEYS_SPEAKING);
	assert_int_equal(calls_may_press(&table, ref), KEYS_SPEAKING);
	ref.generation++;
	assert_int_equal(calls_may_press(&table, ref), KEYS_LOST);
	ref.index = 1;
	assert_int_equal(calls_may_press(&table, ref), KEYS_LOST);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

const struct CMUnitTest unit_tests[] = {
	CASE(twilio_is_told_to_play_and_to_come_back),
	CASE(what_was_certainly_not_done_is_a_refusal),
	CASE(stream_that_stays_has_its_number_again),
	CASE(stream_that_is_lost_after_keys_were_refused_is_followed),
	CASE(stop_before_a_refusal_was_a_hang_up),
	CASE(stream_that_broke_off_before_a_refusal_is_waited_for),
	CASE(line_that_cannot_is_left_as_it_was),
	CASE(settings_say_whether_it_can),
	CASE(operator_is_told_what_the_loop_said_last),
	{ 0 },
};
