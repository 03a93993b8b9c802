/* The table of calls, with loops that only come and go, and a clock that stands
 * still until it is moved. */
#include "common/clock.h"
#include "server/model/health.h"
#include "server/money/spending.h"

#include <stdatomic.h>

static _Atomic int64_t stopped_us = 1000 * (int64_t)US_PER_S;

static int64_t stopped_clock(void)
{
	return atomic_load(&stopped_us);
}

static _Atomic bool day_full;
static _Atomic int holding; /* calls that have reserved, and not let go */

static void stood_in_look(struct spending *spending, struct spending_day *out)
{
	(void)spending;
	*out = (struct spending_day){ .full = atomic_load(&day_full), .over = atomic_load(&day_full) };
}

static bool stood_in_reserve(
    struct spending *spending, const char *agent, bool must, struct spending_hold *hold, struct spending_day *refused)
{
	(void)agent;
	stood_in_look(spending, refused);
	hold->live = must || !refused->full;
	atomic_fetch_add(&holding, hold->live);
	return hold->live;
}

static void stood_in_settle(struct spending *spending, struct spending_hold *hold, const char *agent)
{
	(void)spending, (void)agent;
	atomic_fetch_sub(&holding, hold->live);
	hold->live = false;
}

#define clock_now_us stopped_clock
#define spending_look stood_in_look
#define spending_reserve stood_in_reserve
#define spending_settle stood_in_settle
#include "server/line/call.c"
#include "server/line/calls.c"
#include "server/line/calls_admit.c"
#include "server/line/calls_after.c"
#include "server/line/calls_carry.c"
#include "server/line/calls_shown.c"
#undef clock_now_us
#undef spending_look
#undef spending_reserve
#undef spending_settle

#include "common/json.h"
#include "common/memory.h"
#include "server/fleet/local.h"
#include "server/line/keys/call_keys.h"
#include "server/line/call_cost.h"
#include "server/money/cost.h"
#include "server/news/journal_json.h"
#include "tests/unit.h"
#include "server/phone/media_stream.h"
#include "server/phone/relay.h"
#include "tests/peers/setup.h"

#include <limits.h>
#include <sched.h>
#include <sys/mman.h>
#include <time.h>

static struct config cfg;
static struct agents *who;
static struct fleet *fleet;
static struct calls *calls;

/* ----------------------------------------------------------------- the two loops */

static _Atomic int agents, callers;      /* loops running */
static _Atomic int carried;              /* caller loops ever */
static _Atomic bool stay;                /* agent loops do not leave */
static _Atomic bool lingers;             /* a caller loop does not, yet */
static _Atomic uint32_t seen_generation; /* by the last caller loop */
static _Atomic bool wrong_channel;       /* one of them found another than its agent's */

enum { SOCKET = 77, STALE = 78 }; /* the second must never be carried */

static _Atomic bool starved; /* an agent loop that leaves is refused all memory */
static _Thread_local bool starves;

static bool refuse(size_t size)
{
	(void)size;
	return starves;
}

static void wait_for_end(struct call *c, struct bell *bell)
{
	while (!call_ended(c) && !(bell == &c->caller_bell && call_lost(c))) {
		struct pollfd fd = { .fd = bell->fd, .events = POLLIN };

		poll(&fd, 1, -1);
		bell_clear(bell);
	}
}

static void agent_loop(struct call *c)
{
	char name[FOREIGN_ID_SIZE];

	atomic_fetch_add(&agents, 1);
	/* What the loop reads of the call without a lock. */
	snprintf(name, sizeof name, "%s", c->tag);
	pthread_mutex_lock(&c->shown_lock);
	call_talk_begin(&c->shown);
	buf_printf(&c->shown.turns, "[\"said in %s\"]", name);
	buf_puts(&c->shown.tools, "[]");
	pthread_mutex_unlock(&c->shown_lock);
	wait_for_end(c, &c->agent_bell);
	while (atomic_load(&stay))
		sched_yield();
	starves = atomic_load(&starved);
	calls_remember(c);
	starves = false;
	atomic_fetch_sub(&agents, 1);
}

static bool name_call(struct call *c, const char *call_sid)
{
	return !call_name(
	    c, &(struct call_facts){ .call_sid = call_sid, .from = "+12025550123", .to = "+12025550100" });
}

static void caller_loop(struct call *c, int fd)
{
	atomic_fetch_add(&carried, 1);
	if (fd == STALE)
		return;
	if (c->channel != phone_channel_of(c->agent))
		atomic_store(&wrong_channel, true);
	if (!c->announced)
		name_call(c, "CAunannounced");
	atomic_store_explicit(&c->started_us, stopped_clock(), memory_order_release);
	atomic_store(&seen_generation, c->generation);
	atomic_fetch_add(&callers, 1); /* its stream has started */
	wait_for_end(c, &c->caller_bell);
	while (atomic_load(&lingers))
		sched_yield();
	atomic_fetch_sub(&callers, 1);
	if (!call_ended(c))
		call_park(c, &carried);
}

/* By requests. */
static _Atomic int visits, left;
static _Atomic bool ends_in_visit;

static void visit_call(struct call *c, struct call_visit *visit)
{
	atomic_fetch_add(&visits, 1);
	atomic_store_explicit(&c->started_us, stopped_clock(), memory_order_release);
	visit->until_us = stopped_clock() + 90 * US_PER_S;
	if (atomic_load(&ends_in_visit))
		call_end(c, END_IDLE);
}

static void leave_call(struct call *c)
{
	(void)c;
	atomic_fetch_add(&left, 1);
}

struct stream {
	pthread_t thread;
	struct call_ref ref;
	int fd;
};

static void *carry(void *arg)
{
	const struct phone_channel *channel;
	struct stream *s = arg;

	pthread_mutex_lock(&calls->lock);
	channel = calls->lines[s->ref.index].channel;
	pthread_mutex_unlock(&calls->lock);
	calls_carry(calls, s->ref, s->fd, channel);
	return NULL;
}

static void stream_opens(struct stream *s, struct call_ref ref)
{
	s->ref = ref;
	s->fd = SOCKET;
	assert_int_equal(pthread_create(&s->thread, NULL, carry, s), 0);
}

/* ------------------------------------------------------------------------- helpers */

/* The line that has the call, as the table finds it. */
static struct call *line_of(const char *call_sid)
{
	struct call *c;

	pthread_mutex_lock(&calls->lock);
	c = calls_find_sid(calls, call_sid);
	pthread_mutex_unlock(&calls->lock);
	return c;
}

/* With the settings that the table names. */
static int open_table(void **state)
{
	struct buf problem;
	int err;

	buf_init(&problem, 0);
	err = config_load(&cfg, pairs_lookup, *state, &problem);
	if (!err)
		err = agents_open(&who, &cfg, &problem);
	if (!err)
		err = fleet_local_open(&fleet, NULL, cfg.max_calls);
	buf_free(&problem);
	atomic_store(&carried, 0);
	atomic_store(&seen_generation, 0);
	atomic_store(&visits, 0);
	atomic_store(&left, 0);
	atomic_store(&ends_in_visit, false);
	return err ? err
		   : calls_open(&calls, &(struct calls_parts){ .cfg = &cfg,
					    .agents = who,
					    .fleet = fleet,
					    .loops = { caller_loop, agent_loop, visit_call, leave_call } });
}

static const char *const three_lines[] = { "MAX_CALLS", "3", "MAX_CALL_SECONDS", "600", "OVERFLOW_NUMBER",
	"+12025550177", "MAX_CALLS_PER_CALLER", "0", "MAX_CALLS_PER_CALLER_HOUR", "0", NULL };

static const char *const only_words[] = { "FALLBACK", "none", NULL };
static const char *const people_first[] = { "FALLBACK", "dial,reconnect", NULL };

static int close_table(void **state)
{
	(void)state;
	atomic_store(&stay, false);
	atomic_store(&starved, false);
	atomic_store(&day_full, false);
	calls_close(calls);
	fleet->ops->close(fleet);
	agents_close(who);
	config_free(&cfg);
	return atomic_load(&agents) || atomic_load(&callers) || atomic_load(&wrong_channel) || atomic_load(&holding);
}

static int log_errors_only(void **state)
{
	(void)state;
	log_setup(LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
	memory_refuse = refuse;
	return 0;
}

static void pass(int64_t us)
{
	atomic_fetch_add(&stopped_us, us);
}

static struct calls_count count(void)
{
	struct calls_count n;

	calls_count(calls, &n);
	return n;
}

/* Waits, not forever, for something that other threads bring about. */
#define UNTIL(what) \
	do { \
		time_t guard = time(NULL) + 30; \
\
		while (!(what)) { \
			if (time(NULL) > guard) \
				fail_msg("never: %s", #what); \
			sched_yield(); \
		} \
	} while (0)

static bool all_free(void)
{
	struct calls_count n = count();

	return n.live + n.reserved + n.ending == 0;
}

static enum admission reserve(const char *call_sid, char token[CALL_TOKEN_SIZE])
{
	struct call_facts facts = {
		.call_sid = call_sid, .from = "+12025550123", .to = "+12025550199", .direction = "inbound"
	};

	return calls_reserve(calls, &facts, token);
}

static enum admission reserve_for(const char *call_sid, const struct agent *agent, char token[CALL_TOKEN_SIZE])
{
	return calls_reserve(calls, &(struct call_facts){ .call_sid = call_sid, .agent = agent }, token);
}

static _Thread_local enum call_after heard_after; /* of the last question */

static enum call_end after_stream(const char *call_sid)
{
	return calls_after_stream(calls, call_sid, "", END_STREAM_LOST, &heard_after);
}

static void handed_over(const char *call_sid)
{
	struct fleet_transfer t = {
		.name = "office", .number = "+12025550177", .ring_seconds = 20, .said = fleet_said_new(0)
	};

	snprintf(t.call_sid, sizeof t.call_sid, "%s", call_sid);
	fleet->ops->transfer_put(fleet, &t, stopped_clock());
}

static struct call_ref claimed(const char *call_sid)
{
	char token[CALL_TOKEN_SIZE];
	struct call_ref ref = { 0 };

	assert_int_equal(reserve(call_sid, token), CALL_ADMITTED);
	assert_int_equal(calls_claim(calls, token, &media_stream_channel, &ref), 0);
	return ref;
}

static void append(void *arg, const struct call_summary *call)
{
	struct json_out *j = arg;

	json_put_object(j, NULL);
	journal_put_call(j, call, NULL, false);
	json_put_end(j);
}

static void list_json(struct buf *out)
{
	struct json_out j = json_out_to(out);

	json_put_object(&j, NULL);
	json_put_array(&j, "calls");
	calls_each(calls, append, &j);
	json_put_end(&j);
	json_put_end(&j);
}

static cJSON *listed(void)
{
	struct buf out;
	cJSON *tree;

	buf_init(&out, 0);
	list_json(&out);
	assert_int_equal(buf_error(&out), 0);
	tree = json_parse(buf_text(&out), out.len);
	if (!tree)
		fail_msg("not JSON: %s", buf_text(&out));
	buf_free(&out);
	return tree;
}

/* Appends what is told of one call; nothing if it is not known. */
static void one_json(const char *call_sid, struct buf *out)
{
	struct json_out j = json_out_to(out);
	struct call_summary call;
	struct call_talk talk;

	if (calls_one(calls, call_sid, &call, &talk))
		return;
	json_put_object(&j, NULL);
	journal_put_call(&j, &call, &talk, true);
	json_put_end(&j);
	call_summary_free(&call);
	call_talk_free(&talk);
}

/* The same; the caller deletes it. */
static cJSON *told(const char *call_sid)
{
	struct buf out;
	cJSON *tree = NULL;

	buf_init(&out, 0);
	one_json(call_sid, &out);
	if (out.len) {
		tree = json_parse(buf_text(&out), out.len);
		if (!tree)
			fail_msg("not JSON: %s", buf_text(&out));
	}
	buf_free(&out);
	return tree;
}

/* ---------------------------------------------------------------------- admission */

static void same_call_gets_the_same_token_before_and_after_its_stream(void **state)
{
	char first[CALL_TOKEN_SIZE], again[CALL_TOKEN_SIZE];
	struct stream s;
	struct call_ref ref;

	(void)state;
	assert_int_equal(reserve("CA1", first), CALL_ADMITTED);
	assert_int_equal(strlen(first), CALL_TOKEN_SIZE - 1);
	assert_int_equal(reserve("CA1", again), CALL_ADMITTED);
	assert_string_equal(first, again);
	assert_int_equal(count().reserved, 1);
	assert_int_equal(calls_claim(calls, first, &media_stream_channel, &ref), 0);
	stream_opens(&s, ref);
	UNTIL(count().live == 1);
	assert_int_equal(reserve("CA1", again), CALL_ADMITTED);
	assert_string_equal(first, again);
	assert_int_equal(count().reserved, 0);
	assert_int_equal(calls_claim(calls, again, &media_stream_channel, &ref), -ENOENT);
	assert_int_equal(calls_end(calls, "CA1", END_CALLER_HUNG_UP), 0);
	pthread_join(s.thread, NULL);
}

static void call_without_a_name_is_not_admitted(void **state)
{
	char token[CALL_TOKEN_SIZE], name[FOREIGN_ID_SIZE + 1];

	(void)state;
	assert_int_equal(reserve(NULL, token), CALL_NO_SID);
	assert_int_equal(reserve("", token), CALL_NO_SID);
	memset(name, 'C', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	assert_int_equal(reserve(name, token), CALL_NO_SID);
	name[FOREIGN_ID_SIZE - 1] = '\0';
	assert_int_equal(reserve(name, token), CALL_ADMITTED);
}

static void table_is_full_at_its_limit_and_a_line_being_left_does_not_count(void **state)
{
	uint64_t full = stat_get(calls_refused_full);
	char token[CALL_TOKEN_SIZE];

	(void)state;
	for (int round = 0; round < 3; round++) {
		char name[32];

		atomic_store(&stay, true);
		for (int i = 0; i < 3; i++) {
			snprintf(name, sizeof name, "CA%d.%d", round, i);
			assert_int_equal(reserve(name, token), CALL_ADMITTED);
		}
		assert_int_equal(reserve("CAfull", token), CALL_FULL);
		assert_int_equal(reserve(name, token), CALL_ADMITTED); /* it has its line */
		/* Ended, though its loop is still there: the next one is admitted. */
		assert_int_equal(calls_end(calls, name, END_OPERATOR_ENDED), 0);
		assert_int_equal(count().ending, 1);
		snprintf(name, sizeof name, "CAnext.%d", round);
		assert_int_equal(reserve(name, token), CALL_ADMITTED);
		assert_int_equal(reserve("CAfull", token), CALL_FULL);
		calls_end_all(calls, END_DRAINED);
		atomic_store(&stay, false);
		UNTIL(all_free());
	}
	assert_int_equal(stat_get(calls_refused_full) - full, 6);
	assert_int_equal(calls->taken, 0);
}

static void draining_table_admits_nobody_but_lets_the_reserved_in(void **state)
{
	char token[CALL_TOKEN_SIZE];
	struct call_ref ref;
	struct stream s;

	(void)state;
	assert_int_equal(reserve("CA1", token), CALL_ADMITTED);
	calls_drain(calls);
	assert_true(count().draining);
	assert_int_equal(reserve("CA2", token), CALL_DRAINING);
	assert_int_equal(calls_claim_unannounced(calls, &ref), -ESHUTDOWN);
	assert_int_equal(reserve("CA1", token), CALL_ADMITTED);
	assert_int_equal(calls_claim(calls, token, &media_stream_channel, &ref), 0);
	stream_opens(&s, ref);
	UNTIL(count().live == 1);
	calls_end_all(calls, END_DRAINED);
	pthread_join(s.thread, NULL);
	assert_int_equal(after_stream("CA1"), END_DRAINED);
}

static void a_day_that_is_full_refuses_calls_that_come_in_only(void **state)
{
	static const struct fleet_said nothing;
	struct call_facts placed = { .call_sid = "CAplaced", .direction = "outbound" };
	struct call_facts back = { .call_sid = "CAback", .direction = "inbound", .said = &nothing };
	uint64_t refused = stat_get(calls_refused_cost), full = stat_get(calls_refused_full);
	char token[CALL_TOKEN_SIZE], again[CALL_TOKEN_SIZE];
	struct call_ref ref;

	(void)state;
	assert_int_equal(reserve("CA1", token), CALL_ADMITTED);
	assert_false(count().day_full);
	atomic_store(&day_full, true);
	assert_true(count().day_full);
	assert_true(count().day_over);
	assert_int_equal(reserve("CA2", again), CALL_COST);
	assert_int_equal(reserve("CA1", again), CALL_ADMITTED); /* it is here already */
	assert_string_equal(token, again);
	assert_int_equal(calls_claim_unannounced(calls, &ref), -EDQUOT);
	assert_int_equal(stat_get(calls_refused_cost), refused + 2);
	assert_int_equal(stat_get(calls_refused_full), full);
	/* What we asked for ourselves, and what comes back to us. */
	assert_int_equal(calls_reserve(calls, &placed, token), CALL_ADMITTED);
	assert_int_equal(calls_reserve(calls, &back, token), CALL_ADMITTED);
	/* What the day has cost is said first, as before anything else. */
	calls_drain(calls);
	assert_int_equal(reserve("CA2", token), CALL_COST);
}

/* Nobody waits for an apology that is known before. */
static void call_of_an_agent_whose_text_api_fails_is_not_taken(void **state)
{
	static const char *const in_text[] = { "CHANNEL", "relay", "MODEL_PROTOCOL", "text", NULL };
	const struct model_access endpoint = { .number = 1, .host = "h", .key = "k" };
	const struct model_event no_answer = {
		.type = MODEL_RESPONSE_DONE, .status = MODEL_FAILED, .error = MODEL_RETRY, .text = ""
	};
	uint64_t refused = stat_get(calls_refused_model);
	char token[CALL_TOKEN_SIZE];
	struct model_health *health;
	const struct agent *agent;
	struct agents *in_words = NULL;
	static struct config text_cfg; /* of use to its agents until the table is closed */

	(void)state;
	pairs_load(&text_cfg, in_text);
	assert_int_equal(agents_open(&in_words, &text_cfg, &(struct buf){ 0 }), 0);
	assert_int_equal(model_health_open(&health, &endpoint, 1), 0);
	agent = agents_by_name(in_words, "default");
	assert_non_null(agent);
	calls->use.health = health;
	model_health_heard(health, &endpoint, agent, &no_answer);
	assert_int_equal(reserve_for("CA1", agent, token), CALL_ADMITTED);
	model_health_heard(health, &endpoint, agent, &no_answer);
	assert_int_equal(reserve_for("CA2", agent, token), CALL_MODEL);
	assert_int_equal(reserve_for("CA1", agent, token), CALL_ADMITTED); /* it is here already */
	assert_int_equal(reserve("CA3", token), CALL_ADMITTED);            /* its agent has another model */
	assert_int_equal(stat_get(calls_refused_model), refused + 1);
	calls->use.health = NULL;
	calls_end(calls, "CA1", END_OPERATOR_ENDED);
	UNTIL(count().reserved == 1);
	model_health_close(health);
	agent_release(agent);
	agents_close(in_words);
}

/* --------------------------------------------------------- one caller among others */

static const char *const for_each_caller[] = { "MAX_CALLS", "6", "MAX_CALLS_PER_CALLER", "2",
	"MAX_CALLS_PER_CALLER_HOUR", "5", "BLOCK_CALLERS",
	"+4917, +12025550166,sip:bob@spam.example,sip:eve*,client:mallory", NULL };

static enum admission reserve_from(const char *call_sid, const char *from)
{
	struct call_facts facts = { .call_sid = call_sid, .from = from, .to = "+12025550199", .direction = "inbound" };
	char token[CALL_TOKEN_SIZE];

	return calls_reserve(calls, &facts, token);
}

static void hang_up(const char *call_sid)
{
	assert_int_equal(calls_end(calls, call_sid, END_CALLER_HUNG_UP), 0);
}

/* How the call is listed to have ended; "" if it is not. */
static const char *listed_as(const char *call_sid)
{
	static char reason[32];
	cJSON *tree = told(call_sid);

	snprintf(reason, sizeof reason, "%s", tree ? json_str(json_get(tree, "ending"), "reason") : "");
	cJSON_Delete(tree);
	return reason;
}

static void one_caller_has_so_many_calls_at_once_in_whatever_spelling(void **state)
{
	uint64_t busy = stat_get(calls_refused_caller_busy), ended = stat_get(ended[END_CALLER_BUSY]);
	cJSON *tree;

	(void)state;
	assert_int_equal(reserve_from("CA1", "+12025550123"), CALL_ADMITTED);
	assert_int_equal(reserve_from("CA1", "+12025550123"), CALL_ADMITTED); /* again, and counted once */
	assert_int_equal(reserve_from("CA2", "tel:+1 (202) 555-0123;ext=7"), CALL_ADMITTED);
	for (int again = 0; again < 3; again++)
		assert_int_equal(reserve_from("CA3", "12025550123"), CALL_CALLER_BUSY);
	assert_int_equal(stat_get(calls_refused_caller_busy) - busy, 1);
	assert_int_equal(stat_get(ended[END_CALLER_BUSY]) - ended, 1);
	assert_string_equal(listed_as("CA3"), "caller_busy");
	tree = told("CA3");
	assert_string_equal(json_str(tree, "state"), "ended");
	assert_string_equal(json_str(tree, "from"), "12025550123");
	assert_string_equal(json_str(tree, "agent"), "default");
	assert_non_null(json_get(tree, "ended_at"));
	assert_null(json_get(tree, "started_at"));
	cJSON_Delete(tree);
	assert_int_equal(reserve_from("CA4", "+12025550124"), CALL_ADMITTED);
	hang_up("CA2");
	assert_int_equal(reserve_from("CA3", "12025550123"), CALL_CALLER_BUSY); /* the same answer as before */
	assert_int_equal(reserve_from("CA5", "+12025550123"), CALL_ADMITTED);
	pass(KNOWN_US + US_PER_S);
	assert_int_equal(reserve_from("CA3", "12025550123"), CALL_OVER);
	assert_int_equal(stat_get(calls_refused_caller_busy) - busy, 1);
}

static void one_caller_makes_so_many_calls_an_hour(void **state)
{
	uint64_t often = stat_get(calls_refused_caller_often);
	char name[32];

	(void)state;
	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof name, "CA%d", i);
		assert_int_equal(reserve_from(name, "+12025550123"), CALL_ADMITTED);
		hang_up(name);
	}
	assert_int_equal(reserve_from("CA5", "+12025550123"), CALL_CALLER_OFTEN);
	assert_int_equal(reserve_from("CA5", "+12025550123"), CALL_CALLER_OFTEN);
	assert_int_equal(stat_get(calls_refused_caller_often) - often, 1);
	assert_string_equal(listed_as("CA5"), "caller_often");
	assert_int_equal(reserve_from("CA6", "+12025550124"), CALL_ADMITTED);
	hang_up("CA6");
	pass(50 * 60 * (int64_t)US_PER_S);
	assert_int_equal(reserve_from("CA7", "+12025550123"), CALL_CALLER_OFTEN);
	pass(10 * 60 * (int64_t)US_PER_S);
	assert_int_equal(reserve_from("CA8", "+12025550123"), CALL_ADMITTED);
	UNTIL(count().ending == 0);
}

static void who_withholds_the_number_is_one_caller(void **state)
{
	static const char *const spellings[] = { "anonymous", "Restricted", "+266696687", "", "sip:anonymous@10.0.0.1",
		"+7378742833", "sip:x@anonymous.invalid", "BLOCKED", "Unavailable", " ", NULL };
	char name[32];

	(void)state;
	assert_int_equal(reserve_from("CAa", "Anonymous"), CALL_ADMITTED);
	assert_int_equal(reserve_from("CAb", "unknown"), CALL_ADMITTED);
	for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
		snprintf(name, sizeof name, "CA%zu", i);
		assert_int_equal(reserve_from(name, spellings[i]), CALL_CALLER_BUSY);
	}
	assert_int_equal(reserve_from("CAc", "266696687"), CALL_ADMITTED); /* somebody's number */
	assert_int_equal(reserve_from("CAd", "client:anonymous"), CALL_ADMITTED);
}

static void calls_without_a_line_and_calls_we_place_do_not_count(void **state)
{
	struct call_facts placed = { .from = "+12025550123", .to = "+12025550123", .direction = "outbound" };
	char token[CALL_TOKEN_SIZE], name[32];

	(void)state;
	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof name, "CAout%d", i);
		placed.call_sid = name;
		assert_int_equal(calls_reserve(calls, &placed, token), CALL_ADMITTED);
	}
	assert_int_equal(reserve_from("CA1", "+12025550124"), CALL_ADMITTED);
	assert_int_equal(reserve_from("CA2", "+12025550125"), CALL_ADMITTED);
	/* Every line is taken: for the hour that is no call. */
	for (int i = 0; i < 7; i++) {
		snprintf(name, sizeof name, "CAfull%d", i);
		assert_int_equal(reserve_from(name, "+12025550123"), CALL_FULL);
		assert_string_equal(listed_as(name), "");
	}
	calls_end_all(calls, END_OPERATOR_ENDED);
	assert_int_equal(reserve_from("CA3", "+12025550123"), CALL_ADMITTED);
	assert_int_equal(reserve_from("CAfull1", "+12025550123"), CALL_ADMITTED);
	assert_int_equal(reserve_from("CA4", "+12025550123"), CALL_CALLER_BUSY);
}

static void who_comes_back_is_not_refused_and_no_new_call(void **state)
{
	char token[CALL_TOKEN_SIZE], name[32];
	struct fleet_transfer t = { .call_sid = "CAback", .name = "office", .from = "+12025550123" };

	(void)state;
	assert_int_equal(reserve_from("CAback", "+12025550123"), CALL_ADMITTED);
	assert_int_equal(calls_end(calls, "CAback", END_TRANSFERRED), 0);
	assert_int_equal(reserve_from("CA1", "+12025550123"), CALL_ADMITTED);
	assert_int_equal(reserve_from("CA2", "+12025550123"), CALL_ADMITTED);
	assert_int_equal(reserve_from("CAback", "+12025550123"), CALL_OVER); /* a person has the caller */
	fleet->ops->transfer_put(fleet, &t, stopped_clock());
	assert_int_equal(calls_come_back(calls, "CAback", "busy", token), CALL_ADMITTED);
	hang_up("CA1");
	assert_int_equal(reserve_from("CA3", "+12025550123"), CALL_CALLER_BUSY); /* the one that came back is up */
	hang_up("CAback");
	hang_up("CA2");
	for (int i = 4; i < 6; i++) {
		snprintf(name, sizeof name, "CA%d", i);
		assert_int_equal(reserve_from(name, "+12025550123"), CALL_ADMITTED);
		hang_up(name);
	}
	assert_int_equal(reserve_from("CA6", "+12025550123"), CALL_CALLER_OFTEN);
}

static void blocked_callers_are_refused_by_number_beginning_and_name(void **state)
{
	static const char *const blocked[] = { "+491701234567", "4917", "+49 17 0", "+12025550166",
		"sip:bob@Spam.Example:5060", "sip:eve@anywhere.example", "client:mallory", "sip:EVE@x" };
	static const char *const others[] = { "+12025550167", "+4916", "sip:bobby@spam.example",
		"sip:bob@spam.example.org", "client:mallory2", "client:4917", "whatsapp:+491701234567", "anonymous" };
	uint64_t count_before = stat_get(calls_refused_blocked);
	char name[32];

	(void)state;
	for (size_t i = 0; i < sizeof blocked / sizeof *blocked; i++) {
		struct party p = party_from(blocked[i]);

		if (!party_listed(&p, cfg.block_callers, cfg.block_caller_count) && strcmp(blocked[i], "4917") != 0)
			fail_msg("not blocked: %s", blocked[i]);
	}
	assert_int_equal(reserve_from("CAb", blocked[0]), CALL_BLOCKED);
	assert_int_equal(reserve_from("CAb", blocked[0]), CALL_BLOCKED);
	assert_string_equal(listed_as("CAb"), "blocked");
	assert_int_equal(stat_get(calls_refused_blocked) - count_before, 1);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		snprintf(name, sizeof name, "CA%zu", i);
		if (reserve_from(name, others[i]) != CALL_ADMITTED)
			fail_msg("blocked: %s", others[i]);
		hang_up(name);
		UNTIL(all_free());
	}
}

static const char *const allowed[] = { "BLOCK_CALLERS", "+12025550166", "ALLOW_CALLERS", "+1202*,Withheld", NULL };

static void only_allowed_callers_are_answered_and_those_we_call(void **state)
{
	uint64_t before = stat_get(calls_refused_not_allowed);
	struct call_facts placed = {
		.call_sid = "CAout", .from = "+12025550199", .to = "+49", .direction = "outbound"
	};
	char token[CALL_TOKEN_SIZE];

	(void)state;
	assert_int_equal(reserve_from("CA1", "+12025550123"), CALL_ADMITTED);
	assert_int_equal(reserve_from("CA2", "anonymous"), CALL_ADMITTED);
	assert_int_equal(reserve_from("CA3", "+491701234567"), CALL_NOT_ALLOWED);
	assert_int_equal(reserve_from("CA4", "sip:+12025550123@example.com"), CALL_NOT_ALLOWED); /* nobody vouches */
	assert_int_equal(reserve_from("CA5", "+12025550166"), CALL_BLOCKED);
	assert_string_equal(listed_as("CA3"), "not_allowed");
	assert_int_equal(stat_get(calls_refused_not_allowed) - before, 2);
	assert_int_equal(calls_reserve(calls, &placed, token), CALL_ADMITTED);
}

static void refused_callers_push_out_no_call_that_was_answered(void **state)
{
	char name[32];

	(void)state;
	assert_int_equal(reserve_from("CAreal", "+12025550123"), CALL_ADMITTED);
	hang_up("CAreal");
	UNTIL(all_free());
	for (int i = 0; i < 2 * ENDED_CALLS; i++) {
		snprintf(name, sizeof name, "CA%d", i);
		assert_int_equal(reserve_from(name, "+4917"), CALL_BLOCKED);
	}
	assert_string_equal(listed_as("CAreal"), "caller_hung_up");
	assert_string_equal(listed_as("CA199"), "blocked");
	assert_string_equal(listed_as("CA99"), "");
}

/* ------------------------------------------------------------------- sent once more */

static void webhook_of_a_call_that_is_over_starts_nothing(void **state)
{
	uint64_t total = stat_get(calls_total);
	char token[CALL_TOKEN_SIZE];

	(void)state;
	assert_int_equal(reserve("CA1", token), CALL_ADMITTED);
	assert_false(calls_over(calls, "CA1"));
	hang_up("CA1");
	UNTIL(all_free());
	for (int i = 0; i < 3; i++) {
		assert_true(calls_over(calls, "CA1"));
		assert_int_equal(reserve("CA1", token), CALL_OVER);
		pass(3600 * (int64_t)US_PER_S);
	}
	assert_string_equal(listed_as("CA1"), "caller_hung_up");
	assert_int_equal(stat_get(calls_total) - total, 1);
	assert_true(all_free());
	assert_false(calls_over(calls, "CAother"));
}

static const struct fleet_ops *real_ops;

/* While the call is let in, another request of the same call begins it and ends it. */
static int begun_and_ended_meanwhile(struct fleet *f, const struct fleet_arrival *call, int64_t now_us)
{
	char token[CALL_TOKEN_SIZE];

	f->ops = real_ops;
	assert_int_equal(reserve(call->call_sid, token), CALL_ADMITTED);
	assert_int_equal(calls_end(calls, call->call_sid, END_CALLER_HUNG_UP), 0);
	return real_ops->caller_enter(f, call, now_us);
}

static void call_that_ends_while_it_is_let_in_stays_over(void **state)
{
	struct fleet_ops ops = *fleet->ops;
	uint64_t total = stat_get(calls_total);
	char token[CALL_TOKEN_SIZE];

	(void)state;
	cfg.max_calls_per_caller = 1;
	real_ops = fleet->ops;
	ops.caller_enter = begun_and_ended_meanwhile;
	fleet->ops = &ops;
	assert_int_equal(reserve("CA1", token), CALL_OVER);
	assert_int_equal(stat_get(calls_total) - total, 1);
	UNTIL(all_free());
	assert_int_equal(reserve("CA2", token), CALL_ADMITTED); /* nothing of it counts as up */
}

/* Where Twilio's fallback address is ours, too. */
static void after_a_fault_twilio_may_ask_again_twice(void **state)
{
	char token[CALL_TOKEN_SIZE];

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_false(calls_over(calls, "CA1"));
		assert_int_equal(reserve("CA1", token), CALL_ADMITTED);
		assert_int_equal(calls_end(calls, "CA1", END_NEVER_STREAMED), 0);
		UNTIL(all_free());
		pass(US_PER_S);
	}
	assert_int_equal(reserve("CA1", token), CALL_OVER);
	assert_int_equal(reserve("CA2", token), CALL_ADMITTED);
	assert_int_equal(calls_end(calls, "CA2", END_STREAM_LOST), 0);
	UNTIL(all_free());
	pass(KNOWN_US + 1);
	assert_int_equal(reserve("CA2", token), CALL_OVER);
}

/* ------------------------------------------------------------------------- tokens */

static void token_is_good_once(void **state)
{
	char token[CALL_TOKEN_SIZE], other[CALL_TOKEN_SIZE];
	struct call_ref ref;

	(void)state;
	assert_int_equal(reserve("CA1", token), CALL_ADMITTED);
	assert_int_equal(reserve("CA2", other), CALL_ADMITTED);
	assert_string_not_equal(token, other);
	assert_int_equal(calls_claim(calls, token, &media_stream_channel, &ref), 0);
	assert_int_equal(calls_claim(calls, token, &media_stream_channel, &ref), -ENOENT);
	assert_int_equal(calls_claim(calls, other, &media_stream_channel, &ref), 0);
}

static void token_that_is_almost_right_is_wrong(void **state)
{
	char token[CALL_TOKEN_SIZE], wrong[CALL_TOKEN_SIZE + 1];
	struct call_ref ref;

	(void)state;
	assert_int_equal(reserve("CA1", token), CALL_ADMITTED);
	assert_int_equal(calls_claim(calls, "", &media_stream_channel, &ref), -ENOENT);
	for (size_t i = 0; i < CALL_TOKEN_SIZE - 1; i++) {
		memcpy(wrong, token, sizeof token);
		wrong[i] ^= 1;
		assert_int_equal(calls_claim(calls, wrong, &media_stream_channel, &ref), -ENOENT);
		wrong[i] = '\0';
		assert_int_equal(calls_claim(calls, wrong, &media_stream_channel, &ref), -ENOENT);
	}
	memcpy(wrong, token, sizeof token);
	strcat(wrong, "0");
	assert_int_equal(calls_claim(calls, wrong, &media_stream_channel, &ref), -ENOENT);
	assert_int_equal(calls_claim(calls, token, &media_stream_channel, &ref), 0);
}

static void token_expires_by_itself(void **state)
{
	char token[CALL_TOKEN_SIZE];
	struct call_ref ref;

	(void)state;
	assert_int_equal(reserve("CA1", token), CALL_ADMITTED);
	pass(CLAIM_US - 1);
	calls_reap(calls);
	assert_int_equal(count().reserved, 1);
	pass(1);
	assert_int_equal(
	    calls_claim(calls, token, &media_stream_channel, &ref), -ENOENT); /* the reaper need not have come */
	calls_reap(calls);
	assert_int_equal(count().reserved, 0);
	assert_int_equal(calls_claim(calls, token, &media_stream_channel, &ref), -ENOENT);
	assert_int_equal(after_stream("CA1"), END_NEVER_STREAMED);
	UNTIL(all_free());
}

static void claim_that_is_never_carried_expires(void **state)
{
	struct call_ref ref;

	(void)state;
	ref = claimed("CA1");
	pass(CLAIM_US - 1);
	calls_reap(calls);
	assert_int_equal(count().reserved, 1);
	pass(1);
	calls_reap(calls);
	UNTIL(all_free());
	calls_carry(calls, ref, STALE, &media_stream_channel); /* too late: returns at once */
	assert_int_equal(atomic_load(&carried), 0);
	assert_int_equal(after_stream("CA1"), END_NEVER_STREAMED);
}

static void abandoned_claim_ends_the_call_at_once(void **state)
{
	struct call_ref ref;

	(void)state;
	ref = claimed("CA1");
	calls_abandon(calls, ref);
	UNTIL(all_free());
	assert_int_equal(after_stream("CA1"), END_STREAM_LOST);
}

/* ------------------------------------------------------------------------ letters */

static int post(struct call_ref ref)
{
	return calls_post(calls, ref, mail_new(MAIL_SAY, NULL, "something"));
}

static void letters_reach_the_call_they_are_for_and_no_other(void **state)
{
	struct call_ref old, fresh, found = { 99, 99 };

	(void)state;
	old = claimed("CA1");
	assert_int_equal(calls_find(calls, "CA1", &found), 0);
	assert_memory_equal(&found, &old, sizeof old);
	assert_int_equal(calls_find(calls, "CA2", &found), -ENOENT);
	assert_int_equal(calls_find(calls, "", &found), -ENOENT);
	for (int i = 0; i < MAILBOX_MAX; i++)
		assert_int_equal(post(old), 0);
	assert_int_equal(post(old), -EBUSY);
	assert_int_equal(calls_post(calls, old, NULL), -ENOMEM);
	calls_abandon(calls, old);
	assert_int_equal(post(old), -ENOENT);
	assert_int_equal(calls_find(calls, "CA1", &found), -ENOENT);
	UNTIL(all_free());
	fresh = claimed("CA2");
	assert_int_equal(fresh.index, old.index);
	assert_int_equal(post(old), -ENOENT);
	assert_int_equal(post((struct call_ref){ 4711, 1 }), -ENOENT);
	/* What the last call left unread is not the next one's. */
	assert_null(mailbox_take(&calls->lines[fresh.index].mail));
	assert_int_equal(post(fresh), 0);
}

/* ---------------------------------------------------------------- transferred */

static void who_comes_back_gets_the_same_answer_however_often_twilio_asks(void **state)
{
	char first[CALL_TOKEN_SIZE], again[CALL_TOKEN_SIZE];
	uint64_t back = stat_get(calls_transfers_back), answered = stat_get(calls_transfers_answered);
	struct call_ref ref;

	(void)state;
	handed_over("CA1");
	assert_int_equal(calls_come_back(calls, "CA1", "busy", first), CALL_ADMITTED);
	assert_int_equal(calls_come_back(calls, "CA1", "busy", again), CALL_ADMITTED);
	assert_string_equal(again, first);
	assert_int_equal(calls_claim(calls, first, &media_stream_channel, &ref), 0);
	assert_int_equal(calls_come_back(calls, "CA1", "busy", again), CALL_NO_SID); /* it is there */
	calls_stay_away(calls, "CA1");
	assert_int_equal(stat_get(calls_transfers_back) - back, 1);
	assert_int_equal(stat_get(calls_transfers_answered) - answered, 0);
	calls_abandon(calls, ref);
	UNTIL(all_free());
}

static void who_was_answered_does_not_come_back(void **state)
{
	char token[CALL_TOKEN_SIZE];
	uint64_t back = stat_get(calls_transfers_back), answered = stat_get(calls_transfers_answered);

	(void)state;
	calls_stay_away(calls, "CA1"); /* nobody handed that one over */
	handed_over("CA1");
	calls_stay_away(calls, "CA1");
	assert_int_equal(calls_come_back(calls, "CA1", "no-answer", token), CALL_NO_SID); /* late news */
	assert_int_equal(reserve("CA2", token), CALL_ADMITTED);
	assert_int_equal(calls_come_back(calls, "CA2", "no-answer", token), CALL_NO_SID);
	assert_int_equal(stat_get(calls_transfers_back) - back, 0);
	assert_int_equal(stat_get(calls_transfers_answered) - answered, 1);
}

/* Twilio asks twice at the same moment: while one question is being answered, another comes. */
struct question {
	pthread_t thread;
	enum admission answer;
	char token[CALL_TOKEN_SIZE];
	_Atomic bool begun;
};

static struct question second;

static void *ask_as_well(void *arg)
{
	struct question *q = arg;

	atomic_store(&q->begun, true);
	q->answer = calls_come_back(calls, "CA1", "busy", q->token);
	return NULL;
}

static int taken_while_asked_again(struct fleet *f, const char *call_sid, struct fleet_transfer *out, int64_t now_us)
{
	int err;

	f->ops = real_ops;
	err = real_ops->transfer_take(f, call_sid, out, now_us);
	assert_int_equal(pthread_create(&second.thread, NULL, ask_as_well, &second), 0);
	while (!atomic_load(&second.begun))
		sched_yield();
	poll(NULL, 0, 20); /* long enough for an answer that does not wait */
	return err;
}

static void questions_at_the_same_moment_get_the_same_answer(void **state)
{
	struct fleet_ops ops = *fleet->ops;
	char token[CALL_TOKEN_SIZE];

	(void)state;
	handed_over("CA1");
	atomic_store(&second.begun, false);
	real_ops = fleet->ops;
	ops.transfer_take = taken_while_asked_again;
	fleet->ops = &ops;
	assert_int_equal(calls_come_back(calls, "CA1", "busy", token), CALL_ADMITTED);
	pthread_join(second.thread, NULL);
	assert_int_equal(second.answer, CALL_ADMITTED);
	assert_string_equal(second.token, token);
}

/* ----------------------------------------------------------------- stale handles */

static void stale_handle_does_not_reach_the_next_caller(void **state)
{
	struct call_ref old, fresh;
	struct stream s;

	(void)state;
	old = claimed("CA1");
	pass(CLAIM_US);
	calls_reap(calls);
	UNTIL(all_free());
	fresh = claimed("CA2");
	assert_int_equal(fresh.index, old.index); /* the same line, another call */
	assert_int_not_equal(fresh.generation, old.generation);
	calls_abandon(calls, old);
	calls_carry(calls, old, STALE, &media_stream_channel);
	assert_int_equal(count().reserved, 1);
	assert_int_equal(atomic_load(&carried), 0);
	stream_opens(&s, fresh);
	UNTIL(count().live == 1 && atomic_load(&callers) == 1);
	calls_carry(calls, fresh, STALE, &media_stream_channel); /* nor twice the same */
	calls_abandon(calls, fresh);
	assert_int_equal(count().live, 1);
	assert_int_equal(atomic_load(&carried), 1);
	assert_int_equal(calls_end(calls, "CA1", END_OPERATOR_ENDED), -ENOENT);
	assert_int_equal(calls_end(calls, "CA2", END_OPERATOR_ENDED), 0);
	pthread_join(s.thread, NULL);
	assert_int_equal(atomic_load(&seen_generation), fresh.generation);
}

/* ------------------------------------------------------------- by which channel it comes */

static const char *const in_words[] = { "CHANNEL", "relay", "GREETING_MODE", "exact", "GREETING",
	"Hello, this is the desk.", "MAX_CALLS_PER_CALLER", "0", "MAX_CALLS_PER_CALLER_HOUR", "0", NULL };

static void call_is_announced_by_the_channel_of_its_agent_and_with_its_greeting(void **state)
{
	struct call_announced announced;
	char token[CALL_TOKEN_SIZE];

	(void)state;
	assert_int_equal(reserve("CA1", token), CALL_ADMITTED);
	assert_true(calls_announced(calls, token, &announced));
	assert_ptr_equal(announced.channel, &relay_channel);
	assert_string_equal(announced.agent->name, "default");
	assert_string_equal(announced.welcome, "Hello, this is the desk.");
	call_announced_free(&announced);
	/* Who comes back has been greeted. */
	calls_end(calls, "CA1", END_TRANSFERRED);
	handed_over("CA1");
	assert_int_equal(calls_come_back(calls, "CA1", "busy", token), CALL_ADMITTED);
	assert_true(calls_announced(calls, token, &announced));
	assert_ptr_equal(announced.channel, &relay_channel);
	assert_string_equal(announced.welcome, "");
	call_announced_free(&announced);
	calls_end(calls, "CA1", END_OPERATOR_ENDED);
	assert_false(calls_announced(calls, token, &announced));
}

static void greeting_too_long_for_twiml_is_the_agents(void **state)
{
	char token[CALL_TOKEN_SIZE], greeting[WELCOME_MAX + 2] = "";
	struct call_facts facts = { .call_sid = "CA1", .greeting = greeting };
	struct call_announced announced;

	(void)state;
	memset(greeting, '&', WELCOME_MAX);
	assert_int_equal(calls_reserve(calls, &facts, token), CALL_ADMITTED);
	assert_true(calls_announced(calls, token, &announced));
	assert_int_equal(strlen(announced.welcome), WELCOME_MAX);
	call_announced_free(&announced);
	facts.call_sid = "CA2";
	greeting[WELCOME_MAX] = '&';
	assert_int_equal(calls_reserve(calls, &facts, token), CALL_ADMITTED);
	assert_true(calls_announced(calls, token, &announced));
	assert_string_equal(announced.welcome, "");
	call_announced_free(&announced);
}

static void token_of_another_channel_is_not_spent(void **state)
{
	char token[CALL_TOKEN_SIZE];
	struct call_ref ref;

	(void)state;
	assert_int_equal(reserve("CA1", token), CALL_ADMITTED);
	assert_int_equal(calls_claim(calls, token, &media_stream_channel, &ref), -EPROTOTYPE);
	assert_int_equal(calls_claim(calls, token, &relay_channel, &ref), 0);
	assert_int_equal(calls_claim(calls, token, &relay_channel, &ref), -ENOENT);
	calls_abandon(calls, ref);
}

/* Somebody's own TwiML opens the other one for that number. */
static void unannounced_call_by_another_channel_than_its_agents_gets_no_name(void **state)
{
	struct call_ref ref;

	(void)state;
	assert_int_equal(calls_claim_unannounced(calls, &ref), 0);
	calls->lines[ref.index].channel = &media_stream_channel;
	assert_string_equal(call_name(&calls->lines[ref.index], &(struct call_facts){ .call_sid = "CA1" }),
	    "its agent's calls come by another channel");
	calls->lines[ref.index].channel = &relay_channel;
	assert_null(call_name(&calls->lines[ref.index], &(struct call_facts){ .call_sid = "CA1" }));
	calls_abandon(calls, ref);
}

/* As Twilio says of it, with its name for the session. */
static enum call_end after_session(const char *call_sid, const char *session)
{
	return calls_after_stream(calls, call_sid, session, END_STREAM_LOST, &heard_after);
}

static void session_that_broke_off_is_opened_anew_once_and_goes_on_with_the_conversation(void **state)
{
	char token[CALL_TOKEN_SIZE], again[CALL_TOKEN_SIZE], third[CALL_TOKEN_SIZE];
	struct call_announced announced;
	uint64_t back = stat_get(calls_transfers_back), anew = stat_get(relay_reconnected);
	struct call_ref ref;
	struct stream s;
	struct call *c;

	(void)state;
	assert_int_equal(reserve("CA1", token), CALL_ADMITTED);
	assert_int_equal(calls_claim(calls, token, &relay_channel, &ref), 0);
	stream_opens(&s, ref);
	UNTIL(atomic_load(&callers) == 1);
	c = &calls->lines[ref.index];
	pthread_mutex_lock(&c->shown_lock);
	c->said = fleet_said_new(1);
	assert_true(fleet_said_add(c->said, false, "Are you open?", 13));
	pthread_mutex_unlock(&c->shown_lock);
	/* It is up here until Twilio says that it is not. */
	assert_int_equal(after_session("CA1", "VX1"), END_STREAM_LOST);
	assert_int_equal(calls_reconnect(calls, "CA1", "VX1", again), CALL_ADMITTED);
	assert_string_not_equal(again, token);
	pthread_join(s.thread, NULL);
	c = line_of("CA1");
	assert_int_equal(c->context.said->count, 1);
	assert_string_equal(c->context.said->turns[0].text, "Are you open?");
	assert_string_equal(c->to, "+12025550199");
	assert_true(calls_announced(calls, again, &announced));
	assert_string_equal(announced.welcome, "");
	call_announced_free(&announced);
	/* Twilio asks again, before and after the new one has opened: the same answer, and nothing ends. */
	assert_int_equal(after_session("CA1", "VX1"), END_STREAM_LOST);
	assert_int_equal(calls_reconnect(calls, "CA1", "VX1", third), CALL_ADMITTED);
	assert_string_equal(third, again);
	assert_int_equal(calls_claim(calls, again, &relay_channel, &ref), 0);
	stream_opens(&s, ref);
	UNTIL(atomic_load(&callers) == 1);
	assert_int_equal(after_session("CA1", "VX1"), END_STREAM_LOST);
	assert_int_equal(calls_reconnect(calls, "CA1", "VX1", third), CALL_ADMITTED);
	assert_string_equal(third, again);
	assert_int_equal(count().live, 1);
	assert_int_equal(stat_get(relay_reconnected) - anew, 1);
	assert_int_equal(stat_get(calls_transfers_back) - back, 0);
	/* The next one is not opened a third time. */
	assert_int_equal(after_session("CA1", "VX2"), END_STREAM_LOST);
	assert_int_equal(calls_reconnect(calls, "CA1", "VX2", third), CALL_NO_SID);
	pthread_join(s.thread, NULL);
	UNTIL(all_free());
}

/* What the loops know at their end is told in time, as a rule; or too late, and then nothing happens. */
static void session_that_broke_off_goes_on_with_its_last_words(void **state)
{
	struct call *c = calloc(1, sizeof *c);
	char token[CALL_TOKEN_SIZE], again[CALL_TOKEN_SIZE];

	(void)state;
	c->calls = calls;
	c->channel = &relay_channel;
	c->context.lost_session = "";
	snprintf(c->call_sid, sizeof c->call_sid, "CA1");
	atomic_store(&c->end, END_STREAM_LOST);
	pthread_mutex_init(&c->shown_lock, NULL);
	assert_int_equal(reserve("CA1", token), CALL_ADMITTED);
	assert_int_equal(after_session("CA1", "VX1"), END_NEVER_STREAMED);
	for (int i = 0; i < 2; i++) {
		c->said = fleet_said_new(1);
		assert_true(fleet_said_add(c->said, false, "Are you open?", 13));
		call_keep_said(c);
		assert_null(c->said);
		assert_int_equal(calls_reconnect(calls, "CA1", "VX1", again), CALL_ADMITTED);
		assert_int_equal(line_of("CA1")->context.said->count, 1);
	}
	pthread_mutex_destroy(&c->shown_lock);
	free(c);
}

/* Twilio could not reach us: nothing has been said. */
static void session_that_never_began_is_opened_anew_too(void **state)
{
	char token[CALL_TOKEN_SIZE], again[CALL_TOKEN_SIZE];

	(void)state;
	assert_int_equal(reserve("CA1", token), CALL_ADMITTED);
	assert_int_equal(after_session("CA1", "VX1"), END_NEVER_STREAMED);
	assert_int_equal(calls_reconnect(calls, "CA1", "VX1", again), CALL_ADMITTED);
	assert_int_equal(line_of("CA1")->context.said->count, 0);
	assert_int_equal(after_session("CA1", "VX2"), END_NEVER_STREAMED);
	assert_int_equal(calls_reconnect(calls, "CA1", "VX2", token), CALL_NO_SID);
}

static void what_was_ended_on_purpose_is_not_opened_anew(void **state)
{
	char token[CALL_TOKEN_SIZE];

	(void)state;
	assert_int_equal(reserve("CA1", token), CALL_ADMITTED);
	assert_int_equal(calls_after_stream(calls, "CA1", "VX1", END_CALLER_HUNG_UP, &heard_after), END_CALLER_HUNG_UP);
	assert_int_equal(calls_reconnect(calls, "CA1", "VX1", token), CALL_NO_SID);
}

/* One that never opened, too, or broke the protocol. The next one is the last. */
static void stream_that_broke_off_is_opened_anew_once(void **state)
{
	static const enum call_end ends[] = { END_STREAM_LOST, END_STREAM_SILENT, END_STREAM_INVALID };
	static const char *const sids[] = { "CA1", "CA2", "CA3" };
	char token[CALL_TOKEN_SIZE], again[CALL_TOKEN_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		assert_int_equal(reserve(sids[i], token), CALL_ADMITTED);
		if (ends[i] != END_STREAM_LOST)
			calls_end(calls, sids[i], ends[i]);
		assert_int_equal(
		    after_session(sids[i], "stream"), ends[i] == END_STREAM_LOST ? END_NEVER_STREAMED : ends[i]);
		UNTIL(all_free());
		for (int twice = 0; twice < 2; twice++)
			assert_int_equal(calls_reconnect(calls, sids[i], "stream", again), CALL_ADMITTED);
		assert_int_equal(after_session(sids[i], "again"), END_NEVER_STREAMED);
		assert_int_equal(calls_reconnect(calls, sids[i], "again", token), CALL_NO_SID);
		UNTIL(all_free());
	}
	cfg.stream_grace_ms = 0;
	assert_int_equal(reserve("CA4", token), CALL_ADMITTED);
	assert_int_equal(after_session("CA4", "stream"), END_NEVER_STREAMED);
	assert_int_equal(calls_reconnect(calls, "CA4", "stream", token), CALL_NO_SID);
}

/* ------------------------------------------------------------------------- by requests */

static const char *const by_requests[] = { "CHANNEL", "gather", "MAX_CALLS_PER_CALLER", "0",
	"MAX_CALLS_PER_CALLER_HOUR", "0", NULL };

static int ask(const char *call_sid)
{
	return calls_visit(calls, call_sid, &(struct call_visit){ .words = "", .keys = "" });
}

static void requests_carry_a_call_until_it_is_over(void **state)
{
	char token[CALL_TOKEN_SIZE];
	struct call_ref ref;

	(void)state;
	assert_int_equal(ask("CA1"), -ENOENT);
	assert_int_equal(reserve("CA1", token), CALL_ADMITTED);
	assert_int_equal(calls_claim(calls, token, &media_stream_channel, &ref), -EPROTOTYPE);
	assert_int_equal(ask("CA1"), 0);
	assert_int_equal(count().live, 1);
	assert_int_equal(ask("CA1"), 0);
	assert_int_equal(ask("CA2"), -ENOENT);
	assert_int_equal(ask(""), -ENOENT);
	assert_int_equal(atomic_load(&visits), 2);
	assert_int_equal(calls_end(calls, "CA1", END_OPERATOR_ENDED), 0);
	assert_int_equal(ask("CA1"), -ENOENT);
	calls_reap(calls);
	UNTIL(all_free());
	assert_int_equal(atomic_load(&left), 1);
	assert_int_equal(after_stream("CA1"), END_OPERATOR_ENDED);
}

static void request_by_which_the_call_ends_is_its_last(void **state)
{
	char token[CALL_TOKEN_SIZE];

	(void)state;
	assert_int_equal(reserve("CA1", token), CALL_ADMITTED);
	assert_int_equal(ask("CA1"), 0);
	atomic_store(&ends_in_visit, true);
	assert_int_equal(ask("CA1"), -ENOENT);
	UNTIL(all_free());
	assert_int_equal(atomic_load(&left), 1);
	assert_int_equal(atomic_load(&visits), 2);
	assert_int_equal(after_stream("CA1"), END_IDLE);
}

static void phone_that_asks_no_more_was_hung_up(void **state)
{
	char token[CALL_TOKEN_SIZE];

	(void)state;
	assert_int_equal(reserve("CA1", token), CALL_ADMITTED);
	assert_int_equal(ask("CA1"), 0);
	pass(90 * US_PER_S - 1);
	calls_reap(calls);
	assert_int_equal(count().live, 1);
	pass(1);
	calls_reap(calls);
	UNTIL(all_free());
	assert_int_equal(atomic_load(&left), 1);
	assert_int_equal(after_stream("CA1"), END_CALLER_HUNG_UP);
}

static void closing_ends_calls_by_requests(void **state)
{
	char token[CALL_TOKEN_SIZE];

	(void)state;
	assert_int_equal(reserve("CA1", token), CALL_ADMITTED);
	assert_int_equal(reserve("CA2", token), CALL_ADMITTED);
	assert_int_equal(ask("CA1"), 0);
}

static enum admission in_text(const char *call_sid, const char *session, char token[CALL_TOKEN_SIZE])
{
	struct call_facts facts = { .call_sid = call_sid, .from = "+12025550123", .to = "+12025550199" };
	const struct agent *agent = calls_speaker(calls, &facts);
	enum admission answer = calls_in_text(calls, &facts, agent, session, token);

	agent_release(agent);
	return answer;
}

static void conversation_that_broke_off_goes_on_in_text_with_what_was_said(void **state)
{
	char token[CALL_TOKEN_SIZE], again[CALL_TOKEN_SIZE];
	struct call_announced announced;
	struct call *c;

	(void)state;
	assert_int_equal(reserve("CA1", token), CALL_ADMITTED);
	c = line_of("CA1");
	pthread_mutex_lock(&c->shown_lock);
	c->said = fleet_said_new(1);
	assert_true(fleet_said_add(c->said, false, "Are you open?", 13));
	pthread_mutex_unlock(&c->shown_lock);
	assert_int_equal(calls_end(calls, "CA1", END_MODEL_LOST), 0);
	assert_int_equal(calls_reconnect(calls, "CA1", "stream", token), CALL_NO_SID);
	assert_int_equal(in_text("CA1", "stream", token), CALL_ADMITTED);
	assert_true(calls_announced(calls, token, &announced));
	assert_true(announced.channel->requests);
	assert_true(announced.agent->stands_in);
	assert_string_equal(announced.welcome, "");
	call_announced_free(&announced);
	assert_string_equal(line_of("CA1")->context.said->turns[0].text, "Are you open?");
	assert_int_equal(ask("CA1"), 0);
	/* Asked again, by whoever asks what comes after that stream: the same, and nothing ends. */
	assert_int_equal(calls_after_stream(calls, "CA1", "stream", END_STREAM_LOST, &heard_after), END_MODEL_LOST);
	assert_int_equal(in_text("CA1", "stream", again), CALL_ADMITTED);
	assert_string_equal(again, token);
	/* It is not followed by another one. */
	assert_int_equal(calls_end(calls, "CA1", END_MODEL_FAILED), 0);
	assert_int_equal(in_text("CA1", "text", again), CALL_NO_SID);
	calls_reap(calls);
}

static void call_that_never_had_an_agent_may_begin_in_text(void **state)
{
	char token[CALL_TOKEN_SIZE], again[CALL_TOKEN_SIZE];

	(void)state;
	assert_int_equal(in_text("CA1", "text", token), CALL_ADMITTED);
	assert_true(line_of("CA1")->agent->stands_in);
	assert_int_equal(in_text("CA1", "text", again), CALL_ADMITTED);
	assert_string_equal(again, token);
}

static void what_ended_on_purpose_does_not_go_on_in_text(void **state)
{
	static const enum call_end ends[] = { END_AGENT_ENDED, END_CALLER_HUNG_UP, END_TRANSFERRED };
	static const char *const sids[] = { "CA1", "CA2", "CA3" };
	char token[CALL_TOKEN_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		assert_int_equal(reserve(sids[i], token), CALL_ADMITTED);
		calls_end(calls, sids[i], ends[i]);
		assert_int_equal(in_text(sids[i], "text", token), CALL_NO_SID);
	}
}

/* The session of its model was made for the other one. */
static void call_that_comes_by_another_channel_than_announced_is_ended(void **state)
{
	struct call_ref ref = claimed("CA1");

	(void)state;
	calls_carry(calls, ref, STALE, &relay_channel);
	UNTIL(all_free());
	assert_int_equal(atomic_load(&carried), 0);
	assert_int_equal(after_stream("CA1"), END_STREAM_LOST);
}

static void handle_from_nowhere_is_ignored(void **state)
{
	struct call_ref nowhere = { .index = 1 << 20, .generation = 1 };

	(void)state;
	calls_carry(calls, nowhere, STALE, &media_stream_channel);
	calls_abandon(calls, nowhere);
	nowhere.index = 0;
	nowhere.generation = 0;
	calls_carry(calls, nowhere, STALE, &media_stream_channel);
	assert_int_equal(atomic_load(&carried), 0);
}

/* -------------------------------------------------------------------- lost streams */

static char next_token[CALL_TOKEN_SIZE];

static bool goes_on(const char *call_sid, unsigned stream)
{
	return calls_go_on(calls, call_sid, "stream", stream, next_token);
}

static bool is_parked(void)
{
	return count().parked == 1;
}

/* Its stream, the first or a later one, is up; another thread is in it. */
static void up(struct stream *s, struct call_ref ref)
{
	int before = atomic_load(&callers);

	stream_opens(s, ref);
	UNTIL(atomic_load(&callers) == before + 1);
}

static struct call_ref parked(const char *call_sid)
{
	struct call_ref ref = claimed(call_sid);
	struct stream s;

	up(&s, ref);
	call_lose(calls_line(calls, ref), END_STREAM_LOST);
	pthread_join(s.thread, NULL);
	assert_true(is_parked());
	return ref;
}

static void stream_that_was_lost_is_followed_on_its_line(void **state)
{
	struct call_ref ref = parked("CA1"), again;
	char token[CALL_TOKEN_SIZE];
	struct stream s;

	(void)state;
	assert_int_equal(count().live, 1);
	assert_int_equal(after_stream("CAother"), CALL_NOT_ENDED);
	assert_true(goes_on("CA1", 0));
	memcpy(token, next_token, sizeof token);
	assert_true(goes_on("CA1", 0)); /* asked twice */
	assert_string_equal(next_token, token);
	assert_int_equal(calls_claim(calls, token, &relay_channel, &again), -EPROTOTYPE);
	assert_int_equal(calls_claim(calls, token, &media_stream_channel, &again), 0);
	assert_int_equal(again.index, ref.index);
	assert_int_equal(again.generation, ref.generation);
	assert_true(is_parked());
	assert_int_equal(calls_claim(calls, token, &media_stream_channel, &again), -ENOENT); /* it is spent */
	up(&s, ref);
	assert_int_equal(count().parked, 0);
	UNTIL(atomic_load(&agents) >= 1);
	assert_int_equal(atomic_load(&agents), 1); /* one conversation */
	/* The same question once more, which came late, ends nothing. */
	assert_true(goes_on("CA1", 0));
	assert_int_equal(count().live, 1);
	pass(60 * (int64_t)US_PER_S);
	calls_reap(calls);
	assert_int_equal(count().live, 1);
	assert_int_equal(calls_end(calls, "CA1", END_CALLER_HUNG_UP), 0);
	pthread_join(s.thread, NULL);
	UNTIL(all_free());
	assert_int_equal(atomic_load(&left), 0); /* nobody had to leave for a loop */
}

/* It was passed to a caller loop that had left by then; of one that is there it is not taken. */
static void writer_comes_back_from_a_loop_that_is_not_there(void **state)
{
	struct call_ref ref = parked("CA1");
	struct call *c = calls_line(calls, ref);
	struct stream s;

	(void)state;
	model_writer_pass(&c->writer, WRITER_CALLER, &c->caller_bell);
	call_return_writer(c);
	assert_true(model_writer_is_held_by(&c->writer, WRITER_AGENT));
	assert_true(goes_on("CA1", 0));
	assert_int_equal(calls_claim(calls, next_token, &media_stream_channel, &ref), 0);
	up(&s, ref);
	model_writer_pass(&c->writer, WRITER_CALLER, &c->caller_bell);
	call_return_writer(c);
	assert_true(model_writer_is_held_by(&c->writer, WRITER_CALLER));
	call_lose(c, END_STREAM_LOST);
	pthread_join(s.thread, NULL);
	assert_true(model_writer_is_held_by(&c->writer, WRITER_AGENT));
}

static void stream_that_does_not_come_back_in_time_is_the_end(void **state)
{
	struct call_ref ref = parked("CA1"), again;

	(void)state;
	assert_true(goes_on("CA1", 0));
	pass(cfg.stream_grace_ms * US_PER_MS - 1);
	calls_reap(calls);
	assert_true(is_parked());
	pass(1);
	assert_int_equal(calls_claim(calls, next_token, &media_stream_channel, &again), -ENOENT);
	calls_reap(calls);
	UNTIL(all_free());
	assert_int_equal(atomic_load(&left), 1);
	assert_false(goes_on("CA1", 0));
	assert_int_equal(after_stream("CA1"), END_STREAM_LOST);
	calls_carry(calls, ref, STALE, &media_stream_channel); /* too late */
	assert_int_equal(atomic_load(&carried), 1);
	/* Then another line goes on with it, once. */
	assert_int_equal(calls_reconnect(calls, "CA1", "stream", next_token), CALL_ADMITTED);
	calls_end(calls, "CA1", END_OPERATOR_ENDED);
}

static void question_of_twilios_parks_a_call_that_seemed_well(void **state)
{
	struct call_ref ref = claimed("CA1");
	struct stream s;

	(void)state;
	up(&s, ref);
	assert_false(goes_on("CA1", 1)); /* there was no such stream */
	assert_true(goes_on("CA1", 0));
	pthread_join(s.thread, NULL);
	assert_true(is_parked());
	assert_int_equal(calls_claim(calls, next_token, &media_stream_channel, &ref), 0);
	/* Twilio resets its socket right after the upgrade. */
	calls_abandon(calls, ref);
	assert_true(is_parked());
	assert_true(goes_on("CA1", 1));
	assert_int_equal(calls_claim(calls, next_token, &media_stream_channel, &ref), 0);
	up(&s, ref);
	calls_end(calls, "CA1", END_CALLER_HUNG_UP);
	pthread_join(s.thread, NULL);
}

/* As on a machine that has no time for it. */
static void *linger(void *arg)
{
	(void)arg;
	poll(NULL, 0, 20);
	atomic_store(&lingers, false);
	return NULL;
}

static void token_of_the_next_stream_is_good_when_it_is_given(void **state)
{
	struct call_ref ref = claimed("CA1");
	pthread_t thread;
	struct stream s;

	(void)state;
	up(&s, ref);
	atomic_store(&lingers, true);
	assert_int_equal(pthread_create(&thread, NULL, linger, NULL), 0);
	assert_true(goes_on("CA1", 0));
	assert_int_equal(calls_claim(calls, next_token, &media_stream_channel, &ref), 0);
	pthread_join(thread, NULL);
	pthread_join(s.thread, NULL);
	calls_abandon(calls, ref);
}

/* It was on its way for long: two streams have followed meanwhile. */
static void question_about_an_earlier_stream_ends_nothing(void **state)
{
	struct call_ref ref = parked("CA1");
	struct stream s;

	(void)state;
	assert_true(goes_on("CA1", 0));
	assert_int_equal(calls_claim(calls, next_token, &media_stream_channel, &ref), 0);
	up(&s, ref);
	assert_true(goes_on("CA1", 1));
	pthread_join(s.thread, NULL);
	assert_int_equal(calls_claim(calls, next_token, &media_stream_channel, &ref), 0);
	up(&s, ref);
	assert_true(goes_on("CA1", 0));
	assert_int_equal(count().live, 1);
	assert_int_equal(count().parked, 0);
	assert_false(goes_on("CA1", UINT_MAX));
	calls_end(calls, "CA1", END_CALLER_HUNG_UP);
	pthread_join(s.thread, NULL);
}

static void fourth_loss_ends_the_call(void **state)
{
	struct call_ref ref = parked("CA1");
	struct stream s;

	(void)state;
	for (unsigned loss = 1; loss <= STREAM_LOSSES_MAX; loss++) {
		assert_true(goes_on("CA1", loss - 1));
		assert_int_equal(calls_claim(calls, next_token, &media_stream_channel, &ref), 0);
		up(&s, ref);
		call_lose(calls_line(calls, ref), END_STREAM_SILENT);
		pthread_join(s.thread, NULL);
		assert_int_equal(count().parked, loss < STREAM_LOSSES_MAX);
	}
	UNTIL(all_free());
	assert_int_equal(after_stream("CA1"), END_STREAM_SILENT);
}

static void asks_for_keys(struct call *c, int64_t play_us)
{
	pthread_mutex_lock(&calls->lock);
	call_announce_stream(c);
	c->press = (struct call_press){ .on = true, .play_us = play_us };
	pthread_mutex_unlock(&calls->lock);
}

/* It is no loss of the stream, and its token is good until the grace after the last key is over. */
static void stop_makes_room_for_keys(void **state)
{
	enum { PLAY_US = 32 * US_PER_S };
	char token[CALL_TOKEN_SIZE];
	struct call_ref ref = claimed("CA1");
	struct call *c = calls_line(calls, ref);
	struct stream s;

	(void)state;
	up(&s, ref);
	asks_for_keys(c, PLAY_US);
	memcpy(token, c->token, sizeof token);
	call_stopped(c);
	pthread_join(s.thread, NULL);
	assert_true(is_parked());
	call_stopped(c);
	assert_int_equal(c->losses, 0);
	pass(PLAY_US + cfg.stream_grace_ms * US_PER_MS - 1);
	calls_reap(calls);
	assert_true(is_parked());
	assert_int_equal(calls_claim(calls, token, &media_stream_channel, &ref), 0);
	up(&s, ref);
	assert_false(c->press.on);
	/* Now a stop is one. */
	call_stopped(c);
	pthread_join(s.thread, NULL);
	UNTIL(all_free());
	assert_int_equal(after_stream("CA1"), END_CALLER_HUNG_UP);
}

/* Whatever Twilio asks first, by its number: the stream that was to make room, or the one behind the keys. */
static void stream_behind_keys_that_does_not_come_is_a_lost_one(void **state)
{
	char token[CALL_TOKEN_SIZE];
	struct call_ref ref = claimed("CA1");
	struct call *c = calls_line(calls, ref);
	struct stream s;

	(void)state;
	up(&s, ref);
	asks_for_keys(c, US_PER_S);
	memcpy(token, c->token, sizeof token);
	assert_true(goes_on("CA1", 0));
	assert_string_equal(next_token, token);
	pthread_join(s.thread, NULL);
	assert_true(is_parked());
	assert_false(goes_on("CA1", 1)); /* it could not be opened */
	assert_int_equal(after_stream("CA1"), END_STREAM_LOST);
	calls_reap(calls);
	UNTIL(all_free());
	assert_int_equal(calls_reconnect(calls, "CA1", "stream", next_token), CALL_ADMITTED);
	calls_end(calls, "CA1", END_OPERATOR_ENDED);
}

static void parked_call_keeps_its_place_and_can_be_ended(void **state)
{
	char token[CALL_TOKEN_SIZE];
	struct call_ref ref = parked("CA1"), found;
	bool live;

	(void)state;
	assert_int_equal(reserve("CA2", token), CALL_ADMITTED);
	assert_int_equal(reserve("CA3", token), CALL_ADMITTED);
	assert_int_equal(reserve("CA4", token), CALL_FULL);
	assert_int_equal(calls_find(calls, "CA1", &found), 0);
	assert_int_equal(found.generation, ref.generation);
	agent_release(calls_agent(calls, found, &live));
	assert_true(live);
	assert_int_equal(calls_end(calls, "CA1", END_OPERATOR_ENDED), 0);
	calls_reap(calls);
	UNTIL(count().live == 0 && count().ending == 0);
	assert_int_equal(atomic_load(&left), 1);
	assert_false(goes_on("CA1", 0));
	assert_int_equal(after_stream("CA1"), END_OPERATOR_ENDED);
	/* Its token opens nothing, of any call. */
	assert_int_equal(calls_claim(calls, next_token, &media_stream_channel, &found), -ENOENT);
}

static void draining_server_takes_a_call_back(void **state)
{
	struct call_ref ref = parked("CA1");
	struct stream s;

	(void)state;
	calls_drain(calls);
	assert_true(goes_on("CA1", 0));
	assert_int_equal(calls_claim(calls, next_token, &media_stream_channel, &ref), 0);
	up(&s, ref);
	calls_end_all(calls, END_DRAINED);
	pthread_join(s.thread, NULL);
	UNTIL(all_free());
}

static void table_closes_over_a_parked_call(void **state)
{
	(void)state;
	parked("CA1"); /* and close_table */
}

static void loss_that_leads_nowhere_ends_the_call(void **state)
{
	struct call_ref ref;
	struct stream s;
	struct call *c;

	(void)state;
	for (int way = 0; way < 3; way++) {
		ref = claimed(way == 0 ? "CA1" : way == 1 ? "CA2" : "CA3");
		up(&s, ref);
		c = calls_line(calls, ref);
		if (way == 0) /* the last goodbye is being heard */
			atomic_store(&c->parting, END_AGENT_ENDED);
		if (way == 1)
			cfg.stream_grace_ms = 0;
		call_lose(c, way == 2 ? END_INTERNAL_ERROR : END_STREAM_LOST);
		cfg.stream_grace_ms = 5000;
		pthread_join(s.thread, NULL);
		assert_int_equal(count().parked, 0);
	}
	assert_int_equal(after_stream("CA1"), END_AGENT_ENDED);
	assert_int_equal(after_stream("CA2"), END_STREAM_LOST);
	assert_int_equal(after_stream("CA3"), END_INTERNAL_ERROR);
}

static void agent_whose_ladder_begins_otherwise_is_not_waited_for(void **state)
{
	struct call_ref ref = claimed("CA1");
	struct stream s;

	(void)state;
	up(&s, ref);
	call_lose(calls_line(calls, ref), END_STREAM_LOST);
	pthread_join(s.thread, NULL);
	assert_int_equal(count().parked, 0);
	assert_int_equal(after_stream("CA1"), END_STREAM_LOST);
}

static void parked_call_is_shown_as_one(void **state)
{
	cJSON *tree;

	(void)state;
	parked("CA1");
	tree = listed();
	assert_string_equal(json_str(cJSON_GetArrayItem(cJSON_GetObjectItem(tree, "calls"), 0), "state"), "parked");
	cJSON_Delete(tree);
}

/* ------------------------------------------------------------------------- endings */

static void first_reason_wins(void **state)
{
	struct stream s;

	(void)state;
	stream_opens(&s, claimed("CA1"));
	UNTIL(count().live == 1);
	assert_int_equal(calls_end(calls, "CA1", END_MODEL_LOST), 0);
	assert_int_equal(calls_end(calls, "CA1", END_OPERATOR_ENDED), -ENOENT);
	assert_int_equal(after_stream("CA1"), END_MODEL_LOST);
	pthread_join(s.thread, NULL);
	UNTIL(all_free());
	assert_int_equal(after_stream("CA1"), END_MODEL_LOST); /* Twilio may ask again */
}

static void end_that_twilio_knows_first_is_named_by_what_there_was(void **state)
{
	char token[CALL_TOKEN_SIZE];
	struct stream s;

	(void)state;
	assert_int_equal(reserve("CA1", token), CALL_ADMITTED);
	assert_int_equal(after_stream("CA1"), END_NEVER_STREAMED);
	stream_opens(&s, claimed("CA2"));
	UNTIL(count().live == 1);
	assert_int_equal(after_stream("CA2"), END_STREAM_LOST);
	pthread_join(s.thread, NULL);
	assert_int_equal(after_stream("CA3"), CALL_NOT_ENDED);
}

static void endings_are_kept_two_minutes(void **state)
{
	char token[CALL_TOKEN_SIZE];

	(void)state;
	assert_int_equal(reserve("CA1", token), CALL_ADMITTED);
	calls_end(calls, "CA1", END_MODEL_REFUSED);
	pass(KEPT_US);
	assert_int_equal(after_stream("CA1"), END_MODEL_REFUSED);
	pass(1);
	assert_int_equal(after_stream("CA1"), CALL_NOT_ENDED);
}

/* All lines lost at once, many times over: none of it is forgotten. */
static void mass_of_endings_is_kept(void **state)
{
	enum { ENDINGS = 2048 };
	char token[CALL_TOKEN_SIZE], name[32];

	(void)state;
	for (int i = 0; i < ENDINGS; i++) {
		snprintf(name, sizeof name, "CA%d", i);
		assert_int_equal(reserve(name, token), CALL_ADMITTED);
		assert_int_equal(calls_end(calls, name, END_MODEL_LOST), 0);
		UNTIL(all_free());
	}
	for (int i = 0; i < ENDINGS; i += 100) {
		snprintf(name, sizeof name, "CA%d", i);
		assert_int_equal(after_stream(name), END_MODEL_LOST);
	}
}

static void newest_ending_of_a_call_that_streamed_twice_is_told(void **state)
{
	char token[CALL_TOKEN_SIZE];

	(void)state;
	for (size_t at = 0; at < 3; at++) {
		handed_over("CA1");
		assert_int_equal(calls_come_back(calls, "CA1", "busy", token), CALL_ADMITTED);
		calls_end(calls, "CA1", END_OPERATOR_ENDED);
		UNTIL(all_free());
		pass(US_PER_S);
		handed_over("CA1");
		assert_int_equal(calls_come_back(calls, "CA1", "busy", token), CALL_ADMITTED);
		calls_end(calls, "CA1", END_MODEL_LOST);
		assert_int_equal(after_stream("CA1"), END_MODEL_LOST);
		UNTIL(all_free());
		pass(US_PER_S);
	}
}

static void calls_that_twilio_has_not_asked_about_are_counted(void **state)
{
	static const enum call_end whys[] = { END_CALLER_HUNG_UP, END_MODEL_LOST, END_NEVER_STREAMED, END_DRAINED };
	char token[CALL_TOKEN_SIZE], name[32];

	(void)state;
	assert_int_equal(calls_unasked(calls), 0);
	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof name, "CA%zu", i);
		assert_int_equal(reserve(name, token), CALL_ADMITTED);
		calls_end(calls, name, whys[i]);
	}
	/* Who hung up, or never had a stream, is not asked about. */
	assert_int_equal(calls_unasked(calls), 2);
	after_stream("CA1");
	assert_int_equal(calls_unasked(calls), 1);
	pass(ASK_US);
	assert_int_equal(calls_unasked(calls), 0);
}

static void longest_call_is_ended(void **state)
{
	struct stream s;

	(void)state;
	stream_opens(&s, claimed("CA1"));
	UNTIL(count().live == 1 && atomic_load(&callers) == 1);
	UNTIL(atomic_load(&seen_generation) == s.ref.generation); /* it has started, and no other before it */
	/* Its agent loop has a minute more. */
	pass(659 * (int64_t)US_PER_S);
	calls_reap(calls);
	assert_int_equal(count().live, 1);
	pass(US_PER_S);
	calls_reap(calls);
	pthread_join(s.thread, NULL);
	assert_int_equal(after_stream("CA1"), END_TIME_LIMIT);
}

/* By the agent, or else by what follows the stream. */
static void goodbye_is_said_once(void **state)
{
	static const enum call_end limits[] = { END_TIME_LIMIT, END_COST_LIMIT, END_IDLE, END_MODEL_LOST };
	static const enum call_after parted[] = { AFTER_HANGUP, AFTER_HANGUP, AFTER_HANGUP, AFTER_SORRY };

	(void)state;
	for (int i = 0; i < 8; i++) {
		struct stream s;
		char name[16];

		snprintf(name, sizeof name, "CA%d", i);
		stream_opens(&s, claimed(name));
		UNTIL(count().live == 1);
		atomic_store(&calls->lines[s.ref.index].parted, i % 2);
		calls_end(calls, name, limits[i / 2]);
		pthread_join(s.thread, NULL);
		UNTIL(count().live == 0);
		assert_int_equal(after_stream(name), limits[i / 2]);
		assert_int_equal(heard_after, i % 2 ? parted[i / 2] : call_ending(limits[i / 2])->after);
	}
}

/* The stream broke off while the phone had the agent's last words; or they were not heard in time. */
static void goodbye_that_was_not_heard_is_said_by_what_follows_the_stream(void **state)
{
	static const struct {
		enum call_end parting, why, end;
		bool unheard;
		enum call_after after;
	} cases[] = {
		{ CALL_NOT_ENDED, END_AGENT_ENDED, END_AGENT_ENDED, false, AFTER_HANGUP },
		{ CALL_NOT_ENDED, END_AGENT_ENDED, END_AGENT_ENDED, true, AFTER_GOODBYE },
		{ CALL_NOT_ENDED, END_OPERATOR_ENDED, END_OPERATOR_ENDED, true, AFTER_GOODBYE },
		{ CALL_NOT_ENDED, END_STREAM_LOST, END_STREAM_LOST, false, AFTER_APOLOGY },
		{ END_AGENT_ENDED, END_STREAM_LOST, END_AGENT_ENDED, false, AFTER_GOODBYE },
		{ END_AGENT_ENDED, END_STREAM_STALLED, END_AGENT_ENDED, false, AFTER_GOODBYE },
		{ END_AGENT_ENDED, END_CALLER_HUNG_UP, END_CALLER_HUNG_UP, false, AFTER_HANGUP },
		{ END_TIME_LIMIT, END_STREAM_LOST, END_TIME_LIMIT, false, AFTER_TIME_LIMIT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct stream s;
		struct call *c;
		char name[16];

		snprintf(name, sizeof name, "CA%zu", i);
		stream_opens(&s, claimed(name));
		UNTIL(count().live == 1);
		c = &calls->lines[s.ref.index];
		atomic_store(&c->parting, (int)cases[i].parting);
		atomic_store(&c->unheard, cases[i].unheard);
		calls_end(calls, name, cases[i].why);
		pthread_join(s.thread, NULL);
		UNTIL(count().live == 0);
		assert_int_equal(after_stream(name), cases[i].end);
		assert_int_equal(heard_after, cases[i].after);
	}
}

/* ------------------------------------------------------------------- unannounced */

static void stream_nobody_announced_gets_a_line_and_then_a_name(void **state)
{
	struct call_ref ref, more;
	struct stream s;
	char token[CALL_TOKEN_SIZE];

	(void)state;
	assert_int_equal(calls_claim_unannounced(calls, &ref), 0);
	assert_int_equal(calls_claim_unannounced(calls, &more), 0);
	assert_int_equal(calls_claim_unannounced(calls, &more), 0);
	assert_int_equal(calls_claim_unannounced(calls, &more), -EBUSY);
	assert_int_equal(atomic_load(&agents), 0); /* not before it is known whose call it is */
	stream_opens(&s, ref);
	UNTIL(atomic_load(&agents) == 1);
	/* A webhook for it finds it, and changes nothing about it. */
	assert_int_equal(reserve("CAunannounced", token), CALL_ADMITTED);
	assert_false(calls->lines[ref.index].announced);
	assert_int_equal(calls_claim(calls, token, &media_stream_channel, &more), -ENOENT);
	assert_int_equal(calls_end(calls, "CAunannounced", END_OPERATOR_ENDED), 0);
	pthread_join(s.thread, NULL);
	pass(CLAIM_US);
	calls_reap(calls); /* those that were never carried leave too */
	UNTIL(all_free());
}

static void name_of_a_live_call_is_refused_and_of_a_reserved_one_taken_over(void **state)
{
	char token[CALL_TOKEN_SIZE];
	struct call_ref ref;
	struct stream s;

	(void)state;
	stream_opens(&s, claimed("CA1"));
	UNTIL(count().live == 1);
	assert_int_equal(reserve("CA2", token), CALL_ADMITTED);
	assert_int_equal(calls_claim_unannounced(calls, &ref), 0);
	assert_false(name_call(&calls->lines[ref.index], "CA1"));
	assert_string_equal(calls->lines[ref.index].call_sid, "");
	assert_true(name_call(&calls->lines[ref.index], "CA2"));
	assert_string_equal(calls->lines[ref.index].to, "+12025550100");
	assert_int_equal(
	    calls_claim(calls, token, &media_stream_channel, &ref), -ENOENT); /* the announcement is void */
	assert_int_equal(count().reserved, 1);
	assert_int_equal(calls_end(calls, "CA2", END_OPERATOR_ENDED), 0);
	assert_int_equal(after_stream("CA2"), END_OPERATOR_ENDED);
	assert_int_equal(calls_end(calls, "CA1", END_OPERATOR_ENDED), 0);
	pthread_join(s.thread, NULL);
}

/* --------------------------------------------------------------------------- shown */

static void live_calls_are_listed_first_then_the_ended_newest_first(void **state)
{
	char token[CALL_TOKEN_SIZE], name[32];
	cJSON *tree;
	const cJSON *list;

	(void)state;
	for (int i = 0; i < ENDED_CALLS + 20; i++) {
		snprintf(name, sizeof name, "CA%d", i);
		assert_int_equal(reserve(name, token), CALL_ADMITTED);
		calls_end(calls, name, END_OPERATOR_ENDED);
		UNTIL(all_free());
	}
	assert_int_equal(reserve("CAlive", token), CALL_ADMITTED);
	UNTIL(atomic_load(&agents) == 1);
	tree = listed();
	list = json_get(tree, "calls");
	assert_int_equal(cJSON_GetArraySize(list), 1 + ENDED_CALLS);
	assert_string_equal(json_str(cJSON_GetArrayItem(list, 0), "call_sid"), "CAlive");
	assert_string_equal(json_str(cJSON_GetArrayItem(list, 0), "state"), "reserved");
	for (int i = 0; i < ENDED_CALLS; i++) {
		snprintf(name, sizeof name, "CA%d", ENDED_CALLS + 19 - i);
		assert_string_equal(json_str(cJSON_GetArrayItem(list, i + 1), "call_sid"), name);
		assert_string_equal(json_str(cJSON_GetArrayItem(list, i + 1), "state"), "ended");
	}
	cJSON_Delete(tree);
	tree = told("CA119");
	assert_string_equal(json_str(json_get(tree, "ending"), "reason"), "operator_ended");
	cJSON_Delete(tree);
	assert_null(told("CA0")); /* the oldest are gone */
	assert_null(told("CA"));
	assert_null(told(""));
}

static void a_call_has_an_end_also_without_memory_for_what_was_said(void **state)
{
	char token[CALL_TOKEN_SIZE];
	cJSON *tree;

	(void)state;
	assert_int_equal(reserve("CA1", token), CALL_ADMITTED);
	UNTIL(atomic_load(&agents) == 1);
	atomic_store(&starved, true);
	calls_end(calls, "CA1", END_OPERATOR_ENDED);
	UNTIL(all_free());
	tree = told("CA1");
	assert_string_equal(json_str(tree, "state"), "ended");
	assert_string_equal(json_str(json_get(tree, "ending"), "reason"), "operator_ended");
	cJSON_Delete(tree);
}

static void what_was_said_in_the_last_call_is_not_shown_for_the_next(void **state)
{
	char token[CALL_TOKEN_SIZE];
	cJSON *tree;

	(void)state;
	assert_int_equal(reserve("CA1", token), CALL_ADMITTED);
	UNTIL(atomic_load(&agents) == 1);
	calls_end(calls, "CA1", END_OPERATOR_ENDED);
	UNTIL(all_free());
	for (int i = 0; i < 50; i++) {
		struct call_ref ref;
		bool begun;

		/* Its agent loop has not begun: nothing was said yet. */
		assert_int_equal(calls_claim_unannounced(calls, &ref), 0);
		pthread_mutex_lock(&calls->lock);
		begun = calls->lines[ref.index].shown.begun;
		pthread_mutex_unlock(&calls->lock);
		assert_false(begun);
		calls_end_all(calls, END_OPERATOR_ENDED);
		UNTIL(all_free());
	}
	tree = told("CA1");
	assert_string_equal(cJSON_GetArrayItem(json_get(tree, "turns"), 0)->valuestring, "said in CA1");
	cJSON_Delete(tree);
}

static void a_call_that_comes_back_goes_on_counting_its_turns(void **state)
{
	char token[CALL_TOKEN_SIZE];
	cJSON *tree;

	(void)state;
	for (int stream = 0; stream < 3; stream++) {
		if (stream)
			handed_over("CA1");
		assert_int_equal(
		    stream ? calls_come_back(calls, "CA1", "busy", token) : reserve("CA1", token), CALL_ADMITTED);
		tree = told("CA1");
		if (!stream)
			assert_null(json_get(tree, "first_turn"));
		else
			assert_int_equal(json_get(tree, "first_turn")->valueint, stream * CALL_TURNS_MAX);
		cJSON_Delete(tree);
		calls_end(calls, "CA1", END_OPERATOR_ENDED);
		UNTIL(all_free());
	}
	assert_int_equal(reserve("CA2", token), CALL_ADMITTED);
	tree = told("CA2");
	assert_null(json_get(tree, "first_turn"));
	cJSON_Delete(tree);
}

static void a_call_that_comes_back_is_recorded_as_before(void **state)
{
	struct call_facts facts = { .call_sid = "CAback", .to = "+12025550100", .record = "local", .detected = true };
	struct fleet_transfer t = { .call_sid = "CAback", .name = "office", .record = "local" };
	char token[CALL_TOKEN_SIZE];
	struct cost_use use;
	struct call *c;

	(void)state;
	assert_int_equal(calls_reserve(calls, &facts, token), CALL_ADMITTED);
	c = line_of("CAback");
	assert_int_equal(c->record, RECORDING_LOCAL);
	call_cost_use(c, stopped_clock(), &use);
	assert_true(use.machine_detection); /* whoever answers */
	calls_end(calls, "CAback", END_TRANSFERRED);
	fleet->ops->transfer_put(fleet, &t, stopped_clock());
	assert_int_equal(calls_come_back(calls, "CAback", "busy", token), CALL_ADMITTED);
	c = line_of("CAback");
	assert_int_equal(c->record, RECORDING_LOCAL); /* not as its agent has it */
	call_cost_use(c, stopped_clock(), &use);
	assert_false(use.machine_detection); /* billed once */
	assert_int_equal(calls_come_back(calls, "CAback", "busy", token), CALL_NO_SID);
}

static void what_sessions_use_is_told_by_their_models(void **state)
{
	struct call_spending spending = { 0 };
	struct call_facts facts = { .call_sid = "CAtwo", .to = "+12025550100" };
	struct model_usage some = { .n = { [USAGE_TEXT_IN] = 7 } };
	char token[CALL_TOKEN_SIZE];
	struct cost_use use;
	struct call *c;

	(void)state;
	assert_int_equal(calls_reserve(calls, &facts, token), CALL_ADMITTED);
	c = line_of("CAtwo");
	call_cost_use(c, stopped_clock(), &use);
	assert_string_equal(use.model, c->agent->openai_model);
	assert_null(use.others[0].model);
	call_cost_count(c, &spending, false, &some);
	call_cost_session(c, 2, "another");
	call_cost_count(c, &spending, false, &some);
	call_cost_count(c, &spending, false, &some);
	call_cost_session(c, 1, "its own");
	call_cost_count(c, &spending, false, &some);
	call_cost_use(c, stopped_clock(), &use);
	assert_string_equal(use.model, "its own");
	assert_int_equal(use.model_used.n[USAGE_TEXT_IN], 14);
	assert_string_equal(use.others[0].model, "another");
	assert_int_equal(use.others[0].used.n[USAGE_TEXT_IN], 14);
	assert_null(use.others[1].model);
}

static void free_line_holds_no_memory_of_its_last_call(void **state)
{
	static const uint8_t audio[1000];
	char token[CALL_TOKEN_SIZE];
	struct call *c = &calls->lines[0];
	unsigned char there;

	(void)state;
	assert_int_equal(reserve("CA1", token), CALL_ADMITTED);
	UNTIL(atomic_load(&agents) == 1);
	/* Nobody reads it any more. */
	atomic_store(&stay, true);
	calls_end(calls, "CA1", END_OPERATOR_ENDED);
	for (int i = 0; i < 1000; i++)
		assert_true(ring_put(&c->to_caller, TO_AUDIO, audio, sizeof audio));
	atomic_store(&stay, false);
	UNTIL(all_free());
	assert_int_equal(mincore(c->to_caller.data, 1, &there), 0);
	assert_int_equal(there & 1, 0);
	assert_int_equal(ring_used(&c->to_caller), 0);
	assert_null(c->shown.turns.data);
	assert_null(c->shown.tools.data);
}

static void call_is_found_at_every_moment_of_its_life(void **state)
{
	char token[CALL_TOKEN_SIZE], name[32];

	(void)state;
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof name, "CA%d", i);
		assert_int_equal(reserve(name, token), CALL_ADMITTED);
		calls_end(calls, name, END_OPERATOR_ENDED);
		do {
			cJSON *tree = told(name);

			assert_non_null(tree);
			cJSON_Delete(tree);
		} while (!all_free());
	}
}

/* ---------------------------------------------------------------------- all at once */

enum { ROUNDS = 300, USERS = 4 };

static bool over(struct call_ref ref)
{
	struct call *c = &calls->lines[ref.index];
	bool is;

	pthread_mutex_lock(&calls->lock);
	is = c->generation != ref.generation || call_ended(c);
	pthread_mutex_unlock(&calls->lock);
	return is;
}

static void *use(void *arg)
{
	unsigned no = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		char token[CALL_TOKEN_SIZE], name[32];
		struct call_ref ref;
		struct stream s;
		struct buf out;

		snprintf(name, sizeof name, "CA%u.%u", no, i);
		if (i % 5 == 4) {
			if (calls_claim_unannounced(calls, &ref))
				continue;
			snprintf(name, sizeof name, "CAunannounced");
		} else if (reserve(name, token) != CALL_ADMITTED ||
			   calls_claim(calls, token, &media_stream_channel, &ref)) {
			continue;
		}
		s.ref = ref;
		s.fd = SOCKET;
		if (pthread_create(&s.thread, NULL, carry, &s))
			continue;
		buf_init(&out, 0);
		list_json(&out);
		one_json(name, &out);
		buf_free(&out);
		if (i % 3 == 0)
			after_stream(name);
		else if (i % 3 == 1)
			calls_abandon(calls, ref);
		/* By name, or with all the others: it ends in any case. */
		while (!over(ref)) {
			calls_end(calls, name, END_OPERATOR_ENDED);
			if (i % 5 == 4)
				calls_end_all(calls, END_OPERATOR_ENDED);
			sched_yield();
		}
		pthread_join(s.thread, NULL);
	}
	return NULL;
}

static void *reap(void *arg)
{
	const _Atomic bool *over = arg;

	while (!atomic_load(over)) {
		calls_reap(calls);
		calls_unasked(calls);
		count();
		pass(US_PER_S / 10);
		sched_yield();
	}
	return NULL;
}

static void everybody_at_once_leaves_every_line_free(void **state)
{
	pthread_t users[USERS], reaper;
	_Atomic bool over = false;

	(void)state;
	assert_int_equal(pthread_create(&reaper, NULL, reap, &over), 0);
	for (uintptr_t i = 0; i < USERS; i++)
		assert_int_equal(pthread_create(&users[i], NULL, use, (void *)i), 0);
	for (size_t i = 0; i < USERS; i++)
		pthread_join(users[i], NULL);
	atomic_store(&over, true);
	pthread_join(reaper, NULL);
	UNTIL(all_free());
	assert_int_equal(calls->taken, 0);
	for (uint32_t i = 0; i < calls->line_count; i++)
		assert_int_equal(calls->lines[i].refs, 0);
	assert_true(atomic_load(&carried) > ROUNDS / 4);
}

static void call_is_told_who_it_is_for(void **state)
{
	struct call_facts facts = { .call_sid = "CA1",
		.to = "+12025550199",
		.agent_name = "default",
		.contact_name = "Ann",
		.metadata = "{\"order\":7}",
		.greeting = "Say hello to {{contact_name}} about {{metadata.order}}." };
	char token[CALL_TOKEN_SIZE];
	cJSON *call;

	(void)state;
	assert_int_equal(calls_reserve(calls, &facts, token), CALL_ADMITTED);
	assert_string_equal(calls->lines[0].context.greeting, "Say hello to Ann about 7.");
	assert_string_equal(calls->lines[0].context.instructions, cfg.instructions);
	assert_string_equal(calls->lines[0].context.metadata, "{\"order\":7}");
	call = told("CA1");
	assert_string_equal(json_str(call, "agent"), "default");
	assert_true(cJSON_IsNull(json_get(call, "variant")));
	cJSON_Delete(call);
	facts.call_sid = "CA2";
	facts.metadata = "[7]";
	assert_int_equal(calls_reserve(calls, &facts, token), CALL_NO_AGENT);
	facts.metadata = NULL;
	facts.agent_name = "nobody";
	assert_int_equal(calls_reserve(calls, &facts, token), CALL_NO_AGENT);
	assert_int_equal(count().reserved, 1);
	calls_end_all(calls, END_DRAINED);
	UNTIL(all_free());
	assert_null(calls->lines[0].agent);
}

/* The name of who speaks for the call. */
static const char *speaker(const struct call_facts *facts)
{
	static char name[80];
	const struct agent *p = calls_speaker(calls, facts);

	snprintf(name, sizeof name, "%s", p->name);
	agent_release(p);
	return name;
}

/* Whatever Twilio calls them, everybody after this reads one spelling. */
static void parties_are_kept_in_one_spelling(void **state)
{
	struct call_facts facts = { .call_sid = "CA1",
		.from = "\u202a+1 (202) 555-0123\u202c",
		.to = "sip:+12025550199@acme.sip.twilio.com;transport=tls",
		.greeting = "{{caller}} calls {{called}}." };
	char token[CALL_TOKEN_SIZE];

	(void)state;
	assert_int_equal(calls_reserve(calls, &facts, token), CALL_ADMITTED);
	assert_string_equal(calls->lines[0].from, "+12025550123");
	assert_string_equal(calls->lines[0].to, "+12025550199");
	assert_string_equal(calls->lines[0].context.greeting, "+12025550123 calls +12025550199.");
	facts.call_sid = "CA2";
	facts.from = "+266696687";
	assert_int_equal(calls_reserve(calls, &facts, token), CALL_ADMITTED);
	assert_string_equal(calls->lines[1].from, "anonymous");
	assert_string_equal(calls->lines[1].context.greeting, " calls +12025550199.");
	assert_string_equal(call_person(&calls->lines[1]), "anonymous");
	facts.call_sid = "CA3";
	facts.direction = "outbound";
	assert_int_equal(calls_reserve(calls, &facts, token), CALL_ADMITTED);
	assert_string_equal(call_person(&calls->lines[2]), "+12025550199");
	calls_end_all(calls, END_DRAINED);
	UNTIL(all_free());
}

/* Also of a call that was placed, whose To is the other's number, and of one that never had a line. */
static void who_had_the_call_speaks_after_it(void **state)
{
	char token[CALL_TOKEN_SIZE];
	struct call_facts facts = { .call_sid = "CA1",
		.from = "+12025550100",
		.to = "+12025550123",
		.direction = "outbound",
		.agent_name = "seller" };
	static const char desk[] = "{\"numbers\":[\"+12025550100\"]}";
	static const char seller[] = "{\"numbers\":[]}";
	const char *before = cfg.agents_dir;
	struct buf problem;

	folder_begin(state);
	folder_put("desk.json", desk, strlen(desk));
	folder_put("seller.json", seller, strlen(seller));
	buf_init(&problem, 0);
	cfg.agents_dir = folder;
	assert_int_equal(agents_reload(who, &problem), 0);
	assert_int_equal(calls_reserve(calls, &facts, token), CALL_ADMITTED);
	facts.agent_name = NULL;
	assert_string_equal(speaker(&facts), "seller");
	calls_end_all(calls, END_DRAINED);
	UNTIL(all_free());
	assert_string_equal(speaker(&facts), "seller");
	facts.call_sid = "CA2";
	assert_string_equal(speaker(&facts), "desk");
	facts.agent_name = "seller";
	assert_string_equal(speaker(&facts), "seller");
	facts.agent_name = "nobody";
	assert_string_equal(speaker(&facts), "desk");
	facts.direction = "inbound";
	assert_string_equal(speaker(&facts), "default");
	buf_free(&problem);
	cfg.agents_dir = before;
	folder_end(state);
}

static void closing_ends_what_is_left(void **state)
{
	char token[CALL_TOKEN_SIZE];

	(void)state;
	for (int i = 0; i < 3; i++) {
		char name[32];

		snprintf(name, sizeof name, "CA%d", i);
		assert_int_equal(reserve(name, token), CALL_ADMITTED);
	}
	/* close_table sees that no loop is left. */
}

#define WITH(name, pairs) cmocka_unit_test_prestate_setup_teardown(name, open_table, close_table, (void *)pairs)
#define CASE(name) WITH(name, three_lines)
#define IN_WORDS(name) WITH(name, in_words)
#define LIMITED(name) WITH(name, for_each_caller)

const struct CMUnitTest unit_tests[] = {
	LIMITED(one_caller_has_so_many_calls_at_once_in_whatever_spelling),
	LIMITED(one_caller_makes_so_many_calls_an_hour),
	LIMITED(who_withholds_the_number_is_one_caller),
	LIMITED(calls_without_a_line_and_calls_we_place_do_not_count),
	LIMITED(who_comes_back_is_not_refused_and_no_new_call),
	LIMITED(blocked_callers_are_refused_by_number_beginning_and_name),
	WITH(only_allowed_callers_are_answered_and_those_we_call, allowed),
	LIMITED(refused_callers_push_out_no_call_that_was_answered),
	CASE(webhook_of_a_call_that_is_over_starts_nothing),
	CASE(call_that_ends_while_it_is_let_in_stays_over),
	CASE(after_a_fault_twilio_may_ask_again_twice),
	CASE(same_call_gets_the_same_token_before_and_after_its_stream),
	CASE(call_without_a_name_is_not_admitted),
	CASE(table_is_full_at_its_limit_and_a_line_being_left_does_not_count),
	CASE(a_day_that_is_full_refuses_calls_that_come_in_only),
	CASE(draining_table_admits_nobody_but_lets_the_reserved_in),
	CASE(token_is_good_once),
	CASE(token_that_is_almost_right_is_wrong),
	CASE(token_expires_by_itself),
	CASE(claim_that_is_never_carried_expires),
	CASE(abandoned_claim_ends_the_call_at_once),
	CASE(letters_reach_the_call_they_are_for_and_no_other),
	CASE(who_comes_back_gets_the_same_answer_however_often_twilio_asks),
	CASE(who_was_answered_does_not_come_back),
	CASE(questions_at_the_same_moment_get_the_same_answer),
	CASE(stale_handle_does_not_reach_the_next_caller),
	IN_WORDS(call_is_announced_by_the_channel_of_its_agent_and_with_its_greeting),
	IN_WORDS(greeting_too_long_for_twiml_is_the_agents),
	IN_WORDS(session_that_broke_off_is_opened_anew_once_and_goes_on_with_the_conversation),
	IN_WORDS(session_that_broke_off_goes_on_with_its_last_words),
	IN_WORDS(session_that_never_began_is_opened_anew_too),
	IN_WORDS(what_was_ended_on_purpose_is_not_opened_anew),
	CASE(stream_that_broke_off_is_opened_anew_once),
	IN_WORDS(token_of_another_channel_is_not_spent),
	IN_WORDS(unannounced_call_by_another_channel_than_its_agents_gets_no_name),
	CASE(call_that_comes_by_another_channel_than_announced_is_ended),
	WITH(requests_carry_a_call_until_it_is_over, by_requests),
	WITH(request_by_which_the_call_ends_is_its_last, by_requests),
	WITH(phone_that_asks_no_more_was_hung_up, by_requests),
	WITH(closing_ends_calls_by_requests, by_requests),
	CASE(conversation_that_broke_off_goes_on_in_text_with_what_was_said),
	CASE(call_that_never_had_an_agent_may_begin_in_text),
	CASE(what_ended_on_purpose_does_not_go_on_in_text),
	CASE(handle_from_nowhere_is_ignored),
	CASE(stream_that_was_lost_is_followed_on_its_line),
	CASE(stream_that_does_not_come_back_in_time_is_the_end),
	CASE(writer_comes_back_from_a_loop_that_is_not_there),
	CASE(question_of_twilios_parks_a_call_that_seemed_well),
	CASE(token_of_the_next_stream_is_good_when_it_is_given),
	CASE(question_about_an_earlier_stream_ends_nothing),
	CASE(fourth_loss_ends_the_call),
	CASE(stop_makes_room_for_keys),
	CASE(stream_behind_keys_that_does_not_come_is_a_lost_one),
	CASE(parked_call_keeps_its_place_and_can_be_ended),
	CASE(draining_server_takes_a_call_back),
	CASE(table_closes_over_a_parked_call),
	CASE(loss_that_leads_nowhere_ends_the_call),
	WITH(agent_whose_ladder_begins_otherwise_is_not_waited_for, only_words),
	WITH(agent_whose_ladder_begins_otherwise_is_not_waited_for, people_first),
	CASE(parked_call_is_shown_as_one),
	CASE(first_reason_wins),
	CASE(end_that_twilio_knows_first_is_named_by_what_there_was),
	CASE(endings_are_kept_two_minutes),
	CASE(mass_of_endings_is_kept),
	CASE(newest_ending_of_a_call_that_streamed_twice_is_told),
	CASE(calls_that_twilio_has_not_asked_about_are_counted),
	CASE(longest_call_is_ended),
	CASE(call_of_an_agent_whose_text_api_fails_is_not_taken),
	CASE(goodbye_is_said_once),
	CASE(goodbye_that_was_not_heard_is_said_by_what_follows_the_stream),
	CASE(stream_nobody_announced_gets_a_line_and_then_a_name),
	CASE(name_of_a_live_call_is_refused_and_of_a_reserved_one_taken_over),
	CASE(live_calls_are_listed_first_then_the_ended_newest_first),
	CASE(a_call_has_an_end_also_without_memory_for_what_was_said),
	CASE(what_was_said_in_the_last_call_is_not_shown_for_the_next),
	CASE(a_call_that_comes_back_goes_on_counting_its_turns),
	CASE(a_call_that_comes_back_is_recorded_as_before),
	CASE(what_sessions_use_is_told_by_their_models),
	CASE(free_line_holds_no_memory_of_its_last_call),
	CASE(call_is_found_at_every_moment_of_its_life),
	CASE(everybody_at_once_leaves_every_line_free),
	CASE(call_is_told_who_it_is_for),
	CASE(parties_are_kept_in_one_spelling),
	CASE(who_had_the_call_speaks_after_it),
	CASE(closing_ends_what_is_left),
	GROUP(log_errors_only, NULL),
};
