/* The link to the model over a protocol that is not OpenAI's, with a caller loop's
 * uplink at its other end: sessions come, fail, are lost, and are replaced under a
 * conversation that goes on. */
#include "server/agent/link/link_next.h"
#include "server/agent/link/link_private.h"

#include "common/clock.h"
#include "server/caller/uplink.h"
#include "server/model/health.h"
#include "server/model/text/text_session.h"
#include "server/stats/stats.h"
#include "tests/peers/fake_model.h"
#include "tests/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>

enum { HANG_US = 60 * US_PER_S, CHUNK = 160, CHUNKS = 3000, MODELS = 2 };

static const struct fake_answer usual[] = { { "", "created s" }, { "configure", "ready s" }, { 0 } };
static const struct fake_answer failing[] = { { "", "created s\nerror retry -" }, { 0 } };
static const struct fake_answer refusing[] = { { "", "created s\nerror fatal -" }, { 0 } };
static const struct agent agent = { .openai_model = "m", .instructions = "" };
static const struct model_wish wish = { .agent = &agent, .instructions = "", .caller = "+1" };

static struct config cfg;
static struct fake_model *models[MODELS];
static struct model_endpoints endpoints;
static struct model_access *const to = endpoints.list;
static struct call *line;
static struct uplink uplink;
static struct link link;
static int64_t skew;        /* how far our time is ahead of the clock */
static bool caller_is_here; /* the agent loop passes the writer */
static unsigned visited;    /* bits of the states the link was in */
static char told[4096];     /* what the model told, a line each */
static void (*replay)(void);
static bool moment_is_good; /* for the next session to take its place */

static int64_t now(void)
{
	return clock_now_us() + skew;
}

/* ---------------------------------------------------------------------- the loops */

static void on_event(void *arg, const struct model_event *e, int64_t now_us)
{
	assert_ptr_equal(arg, &link);
	(void)now_us;
	snprintf(told + strlen(told), sizeof told - strlen(told), "%d %s\n", e->type, e->response_id);
}

static void note(void)
{
	visited |= 1u << link.state;
}

/* One turn of the agent loop, without the wait. */
static void turn(void)
{
	link_step(&link, now());
	note();
	if (link_may_swap(&link, moment_is_good)) {
		link_swap(&link);
		note();
	}
	if (link.state == LINK_REPLAYING) {
		if (replay)
			replay();
		link_replayed(&link);
	}
	link_read(&link, on_event, &link, now());
	link_take_writer(&link);
	link_ping(&link, now());
	link_flush(&link);
	if (caller_is_here)
		link_pass_writer(&link);
	note();
}

static void wait_for_something(void)
{
	struct pollfd fds[1 + LINK_FDS] = { { .fd = line->agent_bell.fd, .events = POLLIN } };

	link_fds(&link, fds + 1);
	poll(fds, 1 + LINK_FDS, clock_poll_ms(now(), link_deadline_us(&link)));
	if (fds[0].revents)
		bell_clear(&line->agent_bell);
}

/* Both loops in this thread, until the condition holds. */
#define UNTIL(condition) \
	for (int64_t until_us = clock_now_us() + HANG_US; !(condition);) { \
		if (clock_now_us() > until_us) \
			fail_msg("never: %s; the link is %s", #condition, link_state_name(link.state)); \
		turn(); \
		if (caller_is_here) \
			uplink_run(&uplink, now()); \
		if (!(condition) && !caller_is_here) \
			wait_for_something(); \
	}

static void put_chunk(int no)
{
	uint8_t chunk[CHUNK] = { (uint8_t)(no >> 8), (uint8_t)no };

	buf_put(&uplink.audio, chunk, sizeof chunk);
}

static void say(const char *text)
{
	link_send(&link, text, strlen(text));
}

/* ------------------------------------------------------------------ a text API's carrier */

static struct text_stream {
	const char *tells;
	bool read, left, drained;
} stream;
static int asked;

static struct text_stream *start_stream(
    struct text_carrier *carrier, const struct text_call *to_whom, struct bell *bell)
{
	(void)carrier, (void)to_whom;
	asked++;
	stream = (struct text_stream){ .tells = stream.tells };
	bell_ring(bell);
	return &stream;
}

static int next_piece(struct text_stream *s, const char **bytes, size_t *len)
{
	*bytes = s->tells;
	*len = strlen(s->tells);
	return !s->read;
}

static void taken(struct text_stream *s)
{
	s->read = true;
}

static int status(const struct text_stream *s)
{
	(void)s;
	return 200;
}

static enum text_over over(const struct text_stream *s, const char **words)
{
	(void)s;
	*words = "";
	return TEXT_OVER_WHOLE;
}

static int64_t retry_after_ms(const struct text_stream *s)
{
	(void)s;
	return -1;
}

static void leave(struct text_stream *s, bool drain)
{
	s->left = true;
	s->drained = drain;
}

static struct text_carrier carrier = { start_stream, next_piece, taken, status, over, retry_after_ms, leave };
static const struct agent by_requests = { .openai_model = "m",
	.instructions = "",
	.reasoning_effort = "",
	.model_protocol = MODEL_KIND_TEXT,
	.channel = CHANNEL_RELAY };

/* ------------------------------------------------------------------------- set-up */

static void begin(const struct fake_answer *first, const struct fake_answer *second)
{
	const struct fake_answer *answers[MODELS] = { first, second };

	memset(&cfg, 0, sizeof cfg);
	cfg.backlog_ms = 100000;
	cfg.session_renew_seconds = 3000;
	cfg.reconnect_seconds = 10;
	line = aligned_alloc(_Alignof(struct call), sizeof *line);
	memset(line, 0, sizeof *line);
	line->cfg = &cfg;
	assert_int_equal(call_open(line), 0);
	for (int i = 0; i < MODELS; i++) {
		models[i] = answers[i] ? fake_model_start(answers[i]) : NULL;
		if (models[i])
			fake_model_access(models[i], &to[i], &cfg);
	}
	endpoints.count = 1; /* the other is where a session is moved to */
	skew = 0;
	visited = 0;
	told[0] = '\0';
	replay = NULL;
	moment_is_good = true;
	caller_is_here = false;
	uplink_init(&uplink, line, -1, now());
	atomic_store(&line->said_to, UINT64_MAX); /* nothing that was sent is needed again */
	link_open(&link, line, &endpoints, NULL, &wish);
}

/* Both are endpoints, in this order. */
static void begin_with_two(const struct fake_answer *first, const struct fake_answer *second)
{
	begin(first, second);
	to[1].number = 2;
	endpoints.count = 2;
	cfg.silence_max_ms = cfg.slow_answer_max_ms = 60000;
	assert_int_equal(model_health_open(&endpoints.health, to, 2), 0);
	link_open(&link, line, &endpoints, endpoints.health, &wish);
}

static void end(void)
{
	/* As the caller loop leaves. */
	uplink_leave(&uplink);
	link_take_writer(&link);
	link_hang_up(&link);
	link_close(&link);
	uplink_close(&uplink);
	for (int i = 0; i < MODELS; i++) {
		if (!models[i])
			continue;
		fake_model_stop(models[i]);
		fake_model_access_close(&to[i]);
	}
	call_close(line);
	free(line);
	model_health_close(endpoints.health);
	endpoints.health = NULL;
}

static void expect_line(int model, const char *beginning, size_t n, const char *text)
{
	char got[200];

	fake_model_wait(models[model], beginning, n + 1);
	fake_model_line(models[model], beginning, n, got, sizeof got);
	assert_string_equal(got, text);
}

/* From the n-th on. */
#define EXPECT_LINES(model, beginning, n, ...) \
	do { \
		const char *const texts[] = { __VA_ARGS__ }; \
\
		for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) \
			expect_line(model, beginning, (n) + i, texts[i]); \
	} while (0)

/* A session is talked to, and the caller loop has the writer. */
static void begin_ready(void)
{
	begin(usual, NULL);
	UNTIL(link_talks(&link));
}

static void begin_talking(const struct fake_answer *second)
{
	begin(usual, second);
	caller_is_here = true;
	UNTIL(!link.writer_is_ours);
}

/* ---------------------------------------------------------------------- one session */

static void session_is_dialled_configured_and_talked_to(void **state)
{
	(void)state;
	begin(usual, NULL);
	assert_int_equal(link.state, LINK_LOST);
	assert_null(link_session_id(&link));
	UNTIL(link_talks(&link));
	assert_int_equal(visited, 1 << LINK_DIALLING | 1 << LINK_CONFIGURING | 1 << LINK_REPLAYING | 1 << LINK_TALKING);
	assert_string_equal(link_session_id(&link), "s");
	fake_model_tell(models[0], "begun r1");
	UNTIL(told[0]);
	say("ask say_1");
	link_flush(&link);
	expect_line(0, "ask", 0, "ask say_1");
	end();
}

static void nothing_is_said_to_nobody(void **state)
{
	(void)state;
	begin(usual, NULL);
	say("ask say_1"); /* dropped */
	UNTIL(link.state == LINK_CONFIGURING);
	say("ask say_2");
	UNTIL(link_talks(&link));
	say("ask say_3");
	link_flush(&link);
	expect_line(0, "ask", 0, "ask say_3");
	link_give_up(&link, END_MODEL_FAILED);
	link_give_up(&link, END_MODEL_LOST);
	assert_int_equal(link.why, END_MODEL_FAILED); /* the first reason stays */
	say("ask say_4");
	link_flush(&link);
	end();
}

static void attempt_that_fails_is_followed_by_two_more_each_after_a_pause(void **state)
{
	(void)state;
	begin(failing, NULL);
	UNTIL(link.attempts == 1 && link.state == LINK_LOST);
	for (int attempt = 2; attempt <= 3; attempt++) {
		int64_t due = link_deadline_us(&link);

		assert_true(due > now());
		link_step(&link, due - 1);
		assert_int_equal(link.state, LINK_LOST);
		link_step(&link, due);
		assert_int_equal(link.state, LINK_DIALLING);
		UNTIL(link.state == LINK_LOST || link.state == LINK_GONE);
		assert_int_equal(link.attempts, attempt);
	}
	assert_int_equal(link.state, LINK_GONE);
	assert_int_equal(link.why, END_MODEL_UNREACHABLE);
	assert_null(link_session_id(&link));
	end();
}

static void expect_gone(int attempts, enum call_end why)
{
	UNTIL(link.state == LINK_GONE);
	assert_int_equal(link.attempts, attempts);
	assert_int_equal(link.why, why);
}

static void gone_after(int attempts, enum call_end why)
{
	expect_gone(attempts, why);
	end();
}

/* It takes the connection, and that is all. */
static const struct fake_answer nothing[] = { { 0 } };

static void wait_for_nothing(void)
{
	cfg.silence_max_ms = 4000;
	cfg.slow_answer_max_ms = 8000;
	UNTIL(link.state == LINK_CONFIGURING);
}

static void model_that_says_nothing_is_given_up_when_the_caller_is_out_of_patience(void **state)
{
	(void)state;
	begin(nothing, NULL);
	wait_for_nothing();
	assert_true(link_deadline_us(&link) > now() + 4 * US_PER_S);
	link_caller_came(&link, now());
	for (int attempt = 1; attempt <= 2; attempt++) {
		UNTIL(link.attempts == attempt && link.state == LINK_CONFIGURING);
		assert_in_range(link_deadline_us(&link), now(), now() + 4 * US_PER_S);
		skew += 4 * US_PER_S;
	}
	gone_after(2, END_MODEL_UNREACHABLE);
}

static void no_attempt_is_made_for_a_caller_who_has_waited_for_long(void **state)
{
	(void)state;
	begin(failing, NULL);
	turn();
	assert_int_equal(link.state, LINK_DIALLING);
	cfg.silence_max_ms = 60000;
	cfg.slow_answer_max_ms = 12000;
	link_caller_came(&link, now());
	skew = 12 * (int64_t)US_PER_S;
	gone_after(1, END_MODEL_UNREACHABLE);
}

static void refusal_that_stays_so_is_not_tried_again(void **state)
{
	(void)state;
	begin(refusing, NULL);
	gone_after(1, END_MODEL_REFUSED);
}

static void close_tells_by_its_class_how_the_call_ends(void **state)
{
	static const struct {
		const char *close;
		enum call_end why;
	} ways[] = { { "!", END_MODEL_LOST }, { "!retry", END_MODEL_LOST }, { "!renew", END_MODEL_EXPIRED },
		{ "!fatal", END_MODEL_REFUSED } };

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		begin_ready();
		fake_model_tell(models[0], ways[i].close);
		UNTIL(link.state == LINK_GONE);
		assert_int_equal(link.why, ways[i].why);
		assert_int_equal(link_deadline_us(&link), INT64_MAX);
		end();
	}
}

static void lost_at(int64_t us)
{
	link_ping(&link, us - 1);
	assert_int_equal(link.state, LINK_TALKING);
	link_ping(&link, us);
	assert_int_equal(link.state, LINK_GONE);
	assert_int_equal(link.why, END_MODEL_LOST);
	end();
}

static void silent_session_is_asked_and_then_given_up(void **state)
{
	int64_t heard;

	(void)state;
	begin_ready();
	assert_true(link.current.was_pinged); /* at once, and it does not answer */
	heard = link.current.heard_us = link.current.pinged_us;
	assert_int_equal(link_deadline_us(&link), heard + 20 * US_PER_S);
	link_ping(&link, heard + 20 * US_PER_S - 1);
	assert_false(link.current.unsent);
	link_ping(&link, heard + 20 * US_PER_S);
	assert_true(link.current.unsent);
	assert_int_equal(link_deadline_us(&link), heard + 40 * US_PER_S);
	link_ping(&link, heard + 40 * US_PER_S);
	assert_int_equal(link_deadline_us(&link), heard + 45 * US_PER_S);
	lost_at(heard + 45 * US_PER_S);
}

/* One that has answered a ping is soon known to be dead: sooner, while the caller waits. */
static void session_that_answers_pings_no_more_is_lost_soon(void **state)
{
	int64_t heard;

	(void)state;
	begin_ready();
	UNTIL(link.current.answers_pings);
	heard = link.current.heard_us;
	assert_int_equal(link_deadline_us(&link), heard + 3 * US_PER_S);
	link.waited_for = true;
	assert_int_equal(link_deadline_us(&link), heard + 700 * US_PER_MS);
	link_ping(&link, heard + 700 * US_PER_MS);
	/* It may be our own fault: the answer is not waited for before the ping has left. */
	assert_int_equal(link_deadline_us(&link), heard + 45 * US_PER_S);
	link.now_us = heard + 900 * US_PER_MS;
	link_flush(&link);
	assert_int_equal(link_deadline_us(&link), heard + 2400 * US_PER_MS);
	lost_at(heard + 2400 * US_PER_MS);
}

/* ---------------------------------------------------------------------- the writer */

static void orders_go_by_whoever_has_the_writer_in_their_order(void **state)
{
	(void)state;
	begin_ready();
	say("item a");
	turn();
	caller_is_here = true;
	UNTIL(!link.writer_is_ours);
	assert_true(model_writer_is_held_by(&line->writer, WRITER_CALLER));
	say("item b");
	put_chunk(1);
	uplink_run(&uplink, now());
	say("item c");
	uplink_run(&uplink, now());
	EXPECT_LINES(0, "", 1, "item a", "item b", "hear 160 1", "item c");
	end();
}

static void writer_that_is_asked_back_comes_with_all_that_was_ordered(void **state)
{
	(void)state;
	begin_talking(NULL);
	say("item a");
	model_writer_ask_back(&line->writer, &line->caller_bell);
	put_chunk(1);
	uplink_run(&uplink, now());
	assert_true(model_writer_is_held_by(&line->writer, WRITER_AGENT));
	say("item b"); /* before we know */
	link_take_writer(&link);
	assert_true(link.writer_is_ours && link.current.unsent);
	say("item c");
	link_flush(&link);
	link_pass_writer(&link);
	uplink_run(&uplink, now());
	EXPECT_LINES(0, "", 1, "item a", "item b", "item c");
	expect_line(0, "", 4, "hear 160 1"); /* it waited for whoever comes next */
	end();
}

static void count_reset(void *arg, const char *error_class, const char *code, uint64_t count)
{
	if (!strcmp(error_class, "connection") && !strcmp(code, "ECONNRESET"))
		*(uint64_t *)arg = count;
}

static void caller_loop_that_cannot_write_loses_the_session(void **state)
{
	uint64_t resets = 0;

	(void)state;
	begin_talking(NULL);
	atomic_store(&line->writer.failed, -ECONNRESET);
	model_writer_pass(&line->writer, WRITER_AGENT, &line->agent_bell);
	UNTIL(link.state == LINK_GONE);
	assert_int_equal(link.state, LINK_GONE);
	assert_int_equal(link.why, END_MODEL_LOST);
	assert_true(link.writer_is_ours);
	stat_model_errors(count_reset, &resets);
	assert_int_equal(resets, 1);
	end();
}

/* ---------------------------------------------------------------------- two endpoints */

static void second_endpoint_is_dialled_at_once_when_the_first_fails(void **state)
{
	(void)state;
	begin_with_two(failing, usual);
	UNTIL(link.attempts == 1 && link.state == LINK_LOST);
	assert_ptr_equal(link.current.access, &to[1]);
	assert_true(link_deadline_us(&link) <= now());
	UNTIL(link_talks(&link));
	assert_int_equal(link.attempts, 2);
	assert_ptr_equal(link.current.access, &to[1]);
	fake_model_tell(models[1], "begun r1");
	UNTIL(strstr(told, "r1"));
	end();
}

static void what_one_endpoint_refuses_the_other_is_asked_for(void **state)
{
	(void)state;
	begin_with_two(refusing, usual);
	UNTIL(link_talks(&link));
	assert_int_equal(link.attempts, 2);
	assert_int_equal(model_health_way(endpoints.health, &to[0], &agent), WAY_REFUSED);
	link_close(&link);
	/* The next call does not ask again. */
	link_open(&link, line, &endpoints, endpoints.health, &wish);
	UNTIL(link_talks(&link));
	assert_int_equal(link.attempts, 1);
	assert_int_equal(fake_model_count(models[0], ""), 1);
	end();
}

/* It may be well, and no answer can be had. */
static void session_that_gives_no_answers_is_followed_by_one_elsewhere(void **state)
{
	(void)state;
	begin_with_two(usual, usual);
	cfg.reconnect_tries = 3;
	UNTIL(link_talks(&link));
	assert_ptr_equal(link.current.access, &to[0]);
	link_lose(&link, END_MODEL_FAILED);
	assert_ptr_equal(link.current.access, &to[1]);
	UNTIL(link_talks(&link));
	assert_ptr_equal(link.current.access, &to[1]);
	end();
}

/* A call that had to go elsewhere does not stay there: not after a loss, if the first is well by then. */
static void lost_elsewhere_the_first_that_is_well_is_dialled(void **state)
{
	(void)state;
	begin_with_two(usual, usual);
	cfg.reconnect_tries = 3;
	UNTIL(link_talks(&link));
	link_lose(&link, END_MODEL_FAILED);
	UNTIL(link_talks(&link));
	assert_ptr_equal(link.current.access, &to[1]);
	link_proved(&link);
	link_lose(&link, END_MODEL_LOST);
	assert_ptr_equal(link.current.access, &to[0]);
	UNTIL(link_talks(&link));
	/* At the first it is weather. */
	link_proved(&link);
	link.broke_us -= 60 * US_PER_S;
	link_lose(&link, END_MODEL_LOST);
	assert_ptr_equal(link.current.access, &to[0]);
	end();
}

/* Which is the first, the agent's own order says. */
static void lost_elsewhere_the_agents_first_is_dialled(void **state)
{
	static struct agent_endpoint order[] = { { .number = 2 }, { .number = 1 } };
	static const struct agent other = {
		.openai_model = "m", .instructions = "", .endpoints = order, .endpoint_count = 2
	};
	uint64_t elsewhere = atomic_load(&stats.model_elsewhere);

	(void)state;
	begin_with_two(usual, usual);
	cfg.reconnect_tries = 3;
	link_open(&link, line, &endpoints, endpoints.health,
	    &(struct model_wish){ .agent = &other, .instructions = "", .caller = "+1" });
	UNTIL(link_talks(&link));
	assert_ptr_equal(link.current.access, &to[1]);
	assert_int_equal(atomic_load(&stats.model_elsewhere), elsewhere);
	link_lose(&link, END_MODEL_FAILED);
	UNTIL(link_talks(&link));
	assert_ptr_equal(link.current.access, &to[0]);
	assert_int_equal(atomic_load(&stats.model_elsewhere), elsewhere + 1);
	link_proved(&link);
	link_lose(&link, END_MODEL_LOST);
	assert_ptr_equal(link.current.access, &to[1]);
	UNTIL(link_talks(&link));
	link_proved(&link);
	link.broke_us -= 60 * US_PER_S;
	link_lose(&link, END_MODEL_LOST);
	assert_ptr_equal(link.current.access, &to[1]);
	end();
}

/* It answers, and is lost each time: each answer makes the session a good one, and the endpoint is none. */
static void lost_again_in_a_minute_another_is_dialled(void **state)
{
	(void)state;
	begin_with_two(usual, usual);
	cfg.reconnect_tries = 3;
	for (int i = 0; i < 2; i++) {
		UNTIL(link_talks(&link));
		link_proved(&link);
		link_lose(&link, END_MODEL_LOST);
		assert_ptr_equal(link.current.access, &to[0]);
		UNTIL(link_talks(&link));
		link_proved(&link);
		link_lose(&link, END_MODEL_LOST);
		assert_ptr_equal(link.current.access, &to[1]);
		assert_int_equal(model_health_way(endpoints.health, &to[0], &agent), i ? WAY_FAILING : WAY_WELL);
		UNTIL(link_talks(&link));
		link.broke_us -= 60 * US_PER_S;
		link_proved(&link);
		link_lose(&link, END_MODEL_LOST);
		link.broke_us = 0;
	}
	/* New calls leave it out, and so does this one. */
	assert_ptr_equal(link.current.access, &to[1]);
	end();
}

static void loss_at_another_endpoint_is_not_held_against_this_one(void **state)
{
	(void)state;
	begin_with_two(usual, usual);
	cfg.reconnect_tries = 3;
	UNTIL(link_talks(&link));
	link_proved(&link);
	model_health_useless(endpoints.health, &to[0], &agent, "quiet", "it failed once");
	link.broke_us = link.now_us;
	link.broke_at = &to[1];
	link_lose(&link, END_MODEL_LOST);
	assert_int_equal(model_health_way(endpoints.health, &to[0], &agent), WAY_WELL);
	end();
}

static void refused_by_both_the_call_ends_and_failing_at_both_it_ends_after_three_tries(void **state)
{
	(void)state;
	begin_with_two(refusing, refusing);
	gone_after(2, END_MODEL_REFUSED);
	begin_with_two(failing, failing);
	gone_after(3, END_MODEL_UNREACHABLE);
}

static void what_is_moderated_is_asked_for_nowhere_else(void **state)
{
	static const struct fake_answer moderated[] = { { "", "created s\nerror moderated -" }, { 0 } };

	(void)state;
	begin_with_two(moderated, usual);
	expect_gone(1, END_MODEL_MODERATED);
	assert_int_equal(fake_model_count(models[1], ""), 0);
	assert_int_equal(model_health_way(endpoints.health, &to[0], &agent), WAY_WELL); /* for the next caller */
	end();
}

/* Half the patience of a caller, who is on his way. */
static void endpoint_that_says_nothing_is_left_early_for_another(void **state)
{
	(void)state;
	begin_with_two(nothing, usual);
	wait_for_nothing();
	assert_in_range(link_deadline_us(&link), now(), now() + 2 * US_PER_S);
	skew += 2 * US_PER_S;
	UNTIL(link_talks(&link));
	assert_int_equal(link.attempts, 2);
	end();
}

/* ------------------------------------------------------------ one session for another */

static void tell_past(void)
{
	assert_true(link.writer_is_ours);
	say("item past_1 caller hello");
}

static void session_is_replaced_under_a_conversation_that_goes_on(void **state)
{
	(void)state;
	begin_talking(usual);
	put_chunk(1);
	UNTIL(!uplink.audio.len);
	replay = tell_past;
	visited = 0;
	assert_true(link_replace(&link, &to[1], now()));
	assert_false(link_replace(&link, &to[1], now())); /* one is on its way */
	UNTIL(link.current.access == &to[1] && !link.writer_is_ours);
	assert_int_equal(visited, 1 << LINK_REPLAYING | 1 << LINK_TALKING);
	put_chunk(2);
	UNTIL(!uplink.audio.len);
	fake_model_tell(models[1], "begun r2");
	UNTIL(strstr(told, "r2"));
	fake_model_wait(models[0], "(end)", 1);
	expect_line(0, "hear", 0, "hear 160 1");
	EXPECT_LINES(1, "", 1, "item past_1 caller hello", "hear 160 2");
	assert_int_equal(line->writer.session, 2);
	assert_int_equal(line->uplink_base, CHUNK); /* the model counts anew, the call goes on */
	assert_int_equal(uplink.sent, 2 * CHUNK);
	/* Its ids may begin anew. */
	fake_model_tell(models[1], "begun r1");
	UNTIL(strstr(told, " 2.r1\n"));
	end();
}

static void next_session_that_cannot_be_had_changes_nothing(void **state)
{
	static const struct fake_answer never[] = { { "", "!fatal" }, { 0 } };

	(void)state;
	begin_talking(never);
	assert_true(link_replace(&link, &to[1], now()));
	UNTIL(!link.next.session);
	assert_int_equal(link.state, LINK_TALKING);
	assert_ptr_equal(link.current.access, &to[0]);
	fake_model_tell(models[0], "begun r1");
	UNTIL(strstr(told, "r1"));
	end();
}

static void old_session_lost_before_the_next_is_ready_is_no_end(void **state)
{
	static const struct fake_answer slow[] = { { "", "created s" }, { "item go", "ready s" }, { 0 } };

	(void)state;
	begin_talking(slow);
	assert_true(link_replace(&link, &to[1], now()));
	UNTIL(fake_model_count(models[1], "configure"));
	fake_model_tell(models[0], "!");
	UNTIL(link.state == LINK_CONFIGURING);
	assert_ptr_equal(link.current.access, &to[1]);
	assert_true(link.writer_is_ours);
	say("item lost"); /* nobody is there */
	put_chunk(1);     /* … but audio waits */
	fake_model_tell(models[1], "ready s");
	UNTIL(link_talks(&link) && !uplink.audio.len);
	expect_line(1, "", 1, "hear 160 1");
	end();
}

static void end_of_the_call_finds_the_writer_wherever_it_is(void **state)
{
	(void)state;
	begin_talking(usual);
	assert_true(link_replace(&link, &to[1], now()));
	while (!link.swap)
		turn();
	assert_false(link.writer_is_ours);
	atomic_store(&line->end, END_CALLER_HUNG_UP);
	assert_true(link.current.was_pinged && link_deadline_us(&link) > now());
	end();
}

/* ---------------------------------------------------------------------- lost, and again */

static const struct fake_answer never_ready[] = { { "", "created s\nerror retry -" }, { 0 } };

/* A session of the first model is talked to; what comes after it is the second's. */
static void begin_and_lose(const struct fake_answer *second, int tries)
{
	begin_talking(second);
	cfg.reconnect_tries = tries;
	to[0].port = to[second ? 1 : 0].port;
	visited = 0;
	fake_model_tell(models[0], "!");
	UNTIL(link.state == LINK_LOST);
}

static void lost_session_is_followed_by_another_at_once(void **state)
{
	(void)state;
	begin_and_lose(NULL, 3);
	replay = tell_past;
	put_chunk(1);
	say("item lost"); /* nobody is there */
	UNTIL(link_talks(&link) && !uplink.audio.len);
	assert_int_equal(visited,
	    1 << LINK_LOST | 1 << LINK_DIALLING | 1 << LINK_CONFIGURING | 1 << LINK_REPLAYING | 1 << LINK_TALKING);
	assert_int_equal(line->writer.session, 2);
	assert_int_equal(link.tries, 1);
	expect_line(0, "item", 0, "item past_1 caller hello");
	expect_line(0, "hear", 0, "hear 160 1");
	end();
}

static void each_try_comes_after_a_longer_pause_and_has_two_seconds(void **state)
{
	int64_t pause = 250 * US_PER_MS, began_us;

	(void)state;
	begin_and_lose(never_ready, 5);
	for (;; pause = earlier(2 * pause, US_PER_S * 2)) {
		UNTIL(link.state == LINK_DIALLING);
		began_us = now();
		assert_true(link_deadline_us(&link) <= began_us + 2 * US_PER_S);
		UNTIL(link.state == LINK_LOST || link.state == LINK_GONE);
		if (link.state == LINK_GONE)
			break;
		assert_in_range(link.retry_us, began_us + pause / 2, now() + pause);
		skew += later(link.retry_us - now(), 0);
	}
	assert_int_equal(link.tries, 5);
	assert_int_equal(link.why, END_MODEL_LOST);
	end();
}

static void no_try_is_made_after_all_their_time(void **state)
{
	(void)state;
	begin_and_lose(never_ready, 20);
	UNTIL(link.tries == 1 && link.state == LINK_LOST);
	skew += 10 * US_PER_S;
	UNTIL(link.state == LINK_GONE);
	assert_int_equal(link.tries, 2);
	assert_int_equal(link.why, END_MODEL_LOST);
	end();
}

static void sessions_that_are_lost_at_once_count_as_tries(void **state)
{
	static const struct fake_answer flaps[] = { { "", "created s" }, { "configure", "ready s\n!" }, { 0 } };

	(void)state;
	begin_and_lose(flaps, 3);
	UNTIL(link.state == LINK_GONE);
	assert_int_equal(fake_model_count(models[1], "configure"), 3);
	assert_int_equal(line->writer.session, 4);
	end();
}

static void session_that_was_a_good_one_begins_the_count_anew(void **state)
{
	(void)state;
	begin_and_lose(NULL, 2);
	for (int loss = 1; loss <= 3; loss++) {
		UNTIL(link_talks(&link));
		if (loss == 1)
			link_proved(&link); /* it answered */
		else
			skew += 30 * US_PER_S; /* it talked for long */
		fake_model_tell(models[0], "!");
		UNTIL(link.state == LINK_LOST);
		assert_int_equal(link.tries, 0);
	}
	UNTIL(link_talks(&link));
	assert_int_equal(line->writer.session, 5);
	end();
}

static void what_stays_so_ends_the_tries(void **state)
{
	(void)state;
	begin_and_lose(refusing, 3);
	UNTIL(link.state == LINK_GONE);
	assert_int_equal(link.tries, 1);
	assert_int_equal(link.why, END_MODEL_REFUSED);
	end();
	begin_talking(NULL);
	cfg.reconnect_tries = 3;
	link_lose(&link, END_MODEL_REFUSED);
	assert_int_equal(link.state, LINK_GONE);
	assert_int_equal(link.why, END_MODEL_REFUSED);
	end();
}

static void caller_loop_that_holds_the_writer_is_waited_for(void **state)
{
	(void)state;
	begin_talking(NULL);
	cfg.reconnect_tries = 3;
	link_lose(&link, END_MODEL_LOST);
	for (int i = 0; i < 3; i++) {
		link_step(&link, now());
		assert_int_equal(link.state, LINK_LOST); /* the caller loop uses its connection */
		assert_non_null(link.current.session);
	}
	assert_int_equal(link_deadline_us(&link), INT64_MAX);
	UNTIL(link_talks(&link));
	end();
}

/* ---------------------------------------------------------------------------- renewal */

/* The loop is woken for it: by its descriptor, or first by the resolver's bell. */
static void next_wakes_the_loop(void)
{
	struct pollfd bell = { .fd = line->agent_bell.fd, .events = POLLIN }, fds[LINK_FDS];

	link_fds(&link, fds);
	if (fds[1].fd < 0)
		assert_int_equal(poll(&bell, 1, HANG_US / US_PER_MS), 1);
}

static void next_session_is_told_before_it_takes_over_at_a_good_moment(void **state)
{
	uint64_t refused;

	(void)state;
	begin_talking(usual);
	moment_is_good = false;
	replay = tell_past;
	link.current.renew_us = link.current.force_us = NEVER_US;
	assert_false(link_renew(&link, now()));
	assert_true(link_replace(&link, &to[1], now()));
	next_wakes_the_loop();
	UNTIL(link.next.ready);
	link_send_next(&link, "item past_0 caller hi", 21);
	refused = stat_get(model_replay_refused);
	fake_model_tell(models[1], "error harmless past_7"); /* three times, and it is one piece */
	fake_model_tell(models[1], "error harmless past_7");
	fake_model_tell(models[1], "error harmless past_7");
	put_chunk(1);
	UNTIL(!uplink.audio.len && fake_model_count(models[1], "item") && !link.writer_is_ours &&
	      stat_get(model_replay_refused) > refused);
	assert_ptr_equal(link.current.access, &to[0]); /* it goes on */
	fake_model_tell(models[0], "begun r1");
	UNTIL(strstr(told, "r1"));
	/* A good moment, and gone before the writer is here. */
	assert_false(link_may_swap(&link, true));
	uplink_run(&uplink, now());
	UNTIL(!link.writer_is_ours && !link.swap);
	assert_ptr_equal(link.current.access, &to[0]);
	moment_is_good = true;
	UNTIL(link.current.access == &to[1] && !link.writer_is_ours);
	put_chunk(2);
	UNTIL(!uplink.audio.len);
	expect_line(0, "hear", 0, "hear 160 1");
	EXPECT_LINES(1, "item", 0, "item past_0 caller hi", "item past_1 caller hello");
	expect_line(1, "hear", 0, "hear 160 2");
	assert_int_equal(stat_get(model_replay_refused), refused + 1);
	end();
}

static void next_session_that_is_lost_before_its_turn_is_dialled_again_later(void **state)
{
	(void)state;
	begin_talking(usual);
	moment_is_good = false;
	assert_true(link_replace(&link, &to[1], now()));
	UNTIL(link.next.ready);
	fake_model_tell(models[1], "!");
	UNTIL(!link.next.session);
	assert_int_equal(link.state, LINK_TALKING);
	assert_true(link.current.renew_us > now());
	assert_false(link_renew(&link, now()));
	skew += 11 * US_PER_S;
	to[0].port = to[1].port;
	assert_true(link_renew(&link, now()));
	UNTIL(link.next.ready);
	end();
}

/* It is pinged while it waits: what is dead is not taken. */
static void next_session_that_dies_before_its_turn_is_found_out(void **state)
{
	int64_t heard;

	(void)state;
	begin_talking(usual);
	moment_is_good = false;
	link.current.renew_us = link.current.force_us = NEVER_US;
	assert_true(link_replace(&link, &to[1], now()));
	UNTIL(link.next.answers_pings && !link.next.unsent);
	heard = link.next.heard_us;
	fake_model_rest(models[1], true);
	assert_int_equal(link_next_due_us(&link), heard + 3 * US_PER_S);
	link_step(&link, heard + 3 * US_PER_S - 1);
	assert_true(link.next.pinged_us <= heard);
	link_step(&link, heard + 3 * US_PER_S);
	assert_int_equal(link.next.pinged_us, heard + 3 * US_PER_S);
	assert_int_equal(link_next_due_us(&link), heard + 4500 * US_PER_MS);
	link_step(&link, heard + 4500 * US_PER_MS - 1);
	assert_non_null(link.next.session);
	link_step(&link, heard + 4500 * US_PER_MS);
	assert_null(link.next.session);
	assert_int_equal(link.state, LINK_TALKING);
	assert_true(link.current.renew_us > now());
	fake_model_rest(models[1], false);
	end();
}

/* The session that talks may have no word against it; but no other is asked. */
static void next_session_that_is_moderated_is_not_dialled_again(void **state)
{
	static const struct fake_answer moderated[] = { { "", "created s\nerror moderated -" }, { 0 } };

	(void)state;
	for (int ready = 0; ready < 2; ready++) {
		begin_talking(ready ? usual : moderated);
		moment_is_good = false;
		assert_true(link_replace(&link, &to[1], now()));
		if (ready) {
			UNTIL(link.next.ready);
			fake_model_tell(models[1], "error moderated -");
		}
		UNTIL(!link.next.session);
		assert_int_equal(link.state, LINK_TALKING);
		assert_int_equal(link_renew_us(&link), NEVER_US);
		end();
	}
}

/* More than is read at once: what we hold, poll does not show. */
static void what_the_next_session_says_is_read_to_its_end(void **state)
{
	enum { MANY = 150 };

	(void)state;
	begin_talking(usual);
	moment_is_good = false;
	link.current.renew_us = NEVER_US;
	assert_true(link_replace(&link, &to[1], now()));
	UNTIL(link.next.ready);
	for (int i = 0; i < MANY; i++)
		fake_model_tell(models[1], "error harmless past_0");
	fake_model_tell(models[1], "error fatal -");
	for (int i = 0; i < 100 && link.next.session; i++) {
		struct pollfd fd = { .fd = -1 };

		turn();
		link_next_poll(&link, &fd);
		assert_true(!link.next.session || link_next_due_us(&link) == 0 || poll(&fd, 1, HANG_US / US_PER_MS));
	}
	assert_null(link.next.session);
	end();
}

static void next_session_that_is_ready_takes_the_place_of_a_lost_one(void **state)
{
	(void)state;
	begin_talking(usual);
	cfg.reconnect_tries = 1;
	moment_is_good = false;
	assert_true(link_replace(&link, &to[1], now()));
	UNTIL(link.next.ready);
	fake_model_tell(models[0], "!");
	UNTIL(link.current.access == &to[1] && link_talks(&link));
	assert_int_equal(line->writer.session, 2);
	assert_int_equal(fake_model_count(models[1], "configure"), 1);
	end();
}

static void session_is_renewed_before_the_service_ends_it(void **state)
{
	static const struct fake_answer brief[] = { { "", "created s 40" }, { "configure", "ready s" }, { 0 } };

	(void)state;
	begin(usual, brief);
	UNTIL(link_talks(&link));
	assert_int_equal(link.current.renew_us, link.current.began_us + (3000 - 60) * (int64_t)US_PER_S);
	assert_int_equal(link.current.force_us, link.current.began_us + (3000 - 15) * (int64_t)US_PER_S);
	assert_true(link_replace(&link, &to[1], now()));
	UNTIL(link.current.access == &to[1]);
	assert_in_range(
	    link.current.renew_us, link.current.began_us + 20 * US_PER_S, link.current.began_us + 36 * US_PER_S);
	assert_true(link.current.renew_us < link.current.force_us &&
		    link.current.force_us <= link.current.began_us + 40 * US_PER_S);
	end();
}

/* The first of them is believed; a call is not renewed all the time for a service that says so every time. */
static void sessions_that_end_in_a_moment_are_not_renewed_all_the_time(void **state)
{
	static const struct fake_answer brief[] = { { "", "created s 5" }, { "configure", "ready s" }, { 0 } };
	uint64_t late = atomic_load(&stats.model_renewals_late);

	(void)state;
	begin(brief, brief);
	UNTIL(link_talks(&link));
	assert_true(link.current.renew_us < link.current.began_us + 5 * US_PER_S);
	for (uint32_t no = 2; no <= 4; no++) {
		assert_int_equal(atomic_load(&stats.model_renewals_late), late + (no > 2 ? no - 2 : 0));
		assert_true(link_replace(&link, &to[(no - 1) % MODELS], now()));
		UNTIL(link.current.no == no && link_talks(&link));
		assert_int_equal(link.current.renew_us, link.current.began_us + 60 * US_PER_S);
		assert_true(link.current.renew_us < link.current.force_us &&
			    link.current.force_us < link.current.renew_us + 5 * US_PER_S);
		assert_false(link_renew(&link, now()));
	}
	end();
}

/* --------------------------------------------------------------- with two real threads */

static _Atomic bool stop;
static int chunks_put;

static void *run_caller(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		struct pollfd fds[2] = { { .fd = line->caller_bell.fd, .events = POLLIN },
			{ .fd = uplink_fd(&uplink), .events = POLLOUT } };

		if (chunks_put < CHUNKS)
			put_chunk(chunks_put++);
		uplink_run(&uplink, now());
		poll(fds, 2, 1);
		if (fds[0].revents)
			bell_clear(&line->caller_bell);
	}
	return NULL;
}

/* Every message once, in one piece, on one of the sessions, and in order on each. */
static void expect_everything_once(int items)
{
	static uint8_t heard[CHUNKS];
	static uint8_t noted[CHUNKS];

	memset(heard, 0, sizeof heard);
	memset(noted, 0, sizeof noted);
	for (int i = 0; i < MODELS; i++) {
		int last_chunk = -1, last_item = -1, bytes, no;
		size_t count = fake_model_count(models[i], "");
		char got[100];

		for (size_t n = 0; n < count; n++) {
			fake_model_line(models[i], "", n, got, sizeof got);
			if (sscanf(got, "hear %d %d", &bytes, &no) == 2) {
				assert_int_equal(bytes % CHUNK, 0);
				assert_true(no > last_chunk);
				for (int at = no; at < no + bytes / CHUNK; at++)
					heard[at]++;
				last_chunk = no;
			} else if (sscanf(got, "item %d", &no) == 1) {
				assert_true(no > last_item);
				noted[no]++;
				last_item = no;
			} else if (strncmp(got, "configure", 9) && strcmp(got, "(end)")) {
				fail_msg("\"%s\" is no message of ours", got);
			}
		}
	}
	for (int i = 0; i < chunks_put; i++)
		assert_int_equal(heard[i], 1);
	for (int i = 0; i < items; i++)
		assert_int_equal(noted[i], 1);
}

static void nothing_is_lost_doubled_or_torn_while_sessions_change(void **state)
{
	enum { CHANGES = 10 };
	int64_t until = clock_now_us() + HANG_US;
	int changes = 0, items = 0;
	pthread_t caller;
	char item[32];

	(void)state;
	begin(usual, usual);
	chunks_put = 0;
	atomic_store(&stop, false);
	UNTIL(link_talks(&link));
	caller_is_here = true;
	assert_int_equal(pthread_create(&caller, NULL, run_caller, NULL), 0);
	while (changes < CHANGES || link.next.session || link.writer_is_ours) {
		const struct model_access *other = link.current.access == &to[0] ? &to[1] : &to[0];

		assert_true(clock_now_us() < until && link.state == LINK_TALKING);
		snprintf(item, sizeof item, "item %d", items++);
		say(item);
		if (changes < CHANGES && link_replace(&link, other, now()))
			changes++;
		turn();
		if (link.next.session)
			wait_for_something();
	}
	for (int64_t quiet = clock_now_us() + 50 * US_PER_MS; clock_now_us() < quiet;)
		turn();
	atomic_store(&stop, true);
	pthread_join(caller, NULL);
	UNTIL(!uplink.audio.len && !uplink.unsent);
	uplink_leave(&uplink);
	link_take_writer(&link);
	link_hang_up(&link);
	fake_model_wait(models[0], "(end)", 6);
	fake_model_wait(models[1], "(end)", 5);
	expect_everything_once(items);
	end();
}

/* --------------------------------------------------------------------- by requests */

/* The same loop, over a session without a connection. */
static void a_text_api_is_talked_to_as_any_other_model(void **state)
{
	static const struct model_wish in_text = { .agent = &by_requests, .instructions = "", .text = true };
	char expected[100];

	(void)state;
	begin(usual, NULL);
	link_close(&link);
	cfg.openai_url = "wss://localhost/v1/realtime";
	cfg.text_api_url = cfg.text_api_key = cfg.openai_api_key = cfg.openai_organization = cfg.openai_project = "";
	cfg.openai_safety_identifier = "";
	text_access(&to[0], &carrier);
	link_open(&link, line, &endpoints, NULL, &in_text);
	assert_true(link.current.protocol == &text_protocol);
	UNTIL(link_talks(&link));
	stream.tells = "data: {\"type\":\"response.output_text.delta\",\"item_id\":\"m\",\"delta\":\"x\"}\n\n";
	say("{\"type\":\"response.create\",\"event_id\":\"say_1\"}");
	link_flush(&link);
	assert_int_equal(asked, 1);
	snprintf(expected, sizeof expected, "%d resp_say_1\n%d resp_say_1\n", MODEL_RESPONSE_CREATED, MODEL_TEXT_DELTA);
	UNTIL(strlen(told) >= strlen(expected));
	assert_string_equal(told, expected);
	say("{\"type\":\"response.cancel\",\"response_id\":\"resp_say_1\"}");
	assert_true(stream.left && !stream.drained);
	UNTIL(strlen(told) > strlen(expected));
	/* Silence is no sign of death: there is no connection. */
	for (int i = 0; i < 10; i++) {
		skew += 30 * US_PER_S;
		turn();
	}
	assert_true(link_talks(&link));
	end();
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(session_is_dialled_configured_and_talked_to),
	cmocka_unit_test(nothing_is_said_to_nobody),
	cmocka_unit_test(attempt_that_fails_is_followed_by_two_more_each_after_a_pause),
	cmocka_unit_test(model_that_says_nothing_is_given_up_when_the_caller_is_out_of_patience),
	cmocka_unit_test(no_attempt_is_made_for_a_caller_who_has_waited_for_long),
	cmocka_unit_test(refusal_that_stays_so_is_not_tried_again),
	cmocka_unit_test(close_tells_by_its_class_how_the_call_ends),
	cmocka_unit_test(silent_session_is_asked_and_then_given_up),
	cmocka_unit_test(session_that_answers_pings_no_more_is_lost_soon),
	cmocka_unit_test(orders_go_by_whoever_has_the_writer_in_their_order),
	cmocka_unit_test(writer_that_is_asked_back_comes_with_all_that_was_ordered),
	cmocka_unit_test(caller_loop_that_cannot_write_loses_the_session),
	cmocka_unit_test(second_endpoint_is_dialled_at_once_when_the_first_fails),
	cmocka_unit_test(what_one_endpoint_refuses_the_other_is_asked_for),
	cmocka_unit_test(session_that_gives_no_answers_is_followed_by_one_elsewhere),
	cmocka_unit_test(lost_elsewhere_the_first_that_is_well_is_dialled),
	cmocka_unit_test(lost_elsewhere_the_agents_first_is_dialled),
	cmocka_unit_test(lost_again_in_a_minute_another_is_dialled),
	cmocka_unit_test(loss_at_another_endpoint_is_not_held_against_this_one),
	cmocka_unit_test(refused_by_both_the_call_ends_and_failing_at_both_it_ends_after_three_tries),
	cmocka_unit_test(what_is_moderated_is_asked_for_nowhere_else),
	cmocka_unit_test(endpoint_that_says_nothing_is_left_early_for_another),
	cmocka_unit_test(session_is_replaced_under_a_conversation_that_goes_on),
	cmocka_unit_test(next_session_that_cannot_be_had_changes_nothing),
	cmocka_unit_test(old_session_lost_before_the_next_is_ready_is_no_end),
	cmocka_unit_test(end_of_the_call_finds_the_writer_wherever_it_is),
	cmocka_unit_test(lost_session_is_followed_by_another_at_once),
	cmocka_unit_test(each_try_comes_after_a_longer_pause_and_has_two_seconds),
	cmocka_unit_test(no_try_is_made_after_all_their_time),
	cmocka_unit_test(sessions_that_are_lost_at_once_count_as_tries),
	cmocka_unit_test(session_that_was_a_good_one_begins_the_count_anew),
	cmocka_unit_test(what_stays_so_ends_the_tries),
	cmocka_unit_test(caller_loop_that_holds_the_writer_is_waited_for),
	cmocka_unit_test(next_session_is_told_before_it_takes_over_at_a_good_moment),
	cmocka_unit_test(next_session_that_is_lost_before_its_turn_is_dialled_again_later),
	cmocka_unit_test(next_session_that_dies_before_its_turn_is_found_out),
	cmocka_unit_test(next_session_that_is_moderated_is_not_dialled_again),
	cmocka_unit_test(what_the_next_session_says_is_read_to_its_end),
	cmocka_unit_test(next_session_that_is_ready_takes_the_place_of_a_lost_one),
	cmocka_unit_test(session_is_renewed_before_the_service_ends_it),
	cmocka_unit_test(sessions_that_end_in_a_moment_are_not_renewed_all_the_time),
	cmocka_unit_test(nothing_is_lost_doubled_or_torn_while_sessions_change),
	cmocka_unit_test(a_text_api_is_talked_to_as_any_other_model),
	{ 0 },
};
