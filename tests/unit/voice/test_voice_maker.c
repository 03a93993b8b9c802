/* The cache and its thread, with a model that says what a test wants. */
#include "server/voice/voice_take.h"

static enum voice_took stood_in_take(struct voice_take *out, const struct model_access *access,
    const struct agent *agent, const char *text, struct bell *stop);

/* The function; the struct keeps its name. */
#define voice_take(...) stood_in_take(__VA_ARGS__)
#include "server/voice/voice_maker.c"
#undef voice_take

#include "server/fleet/local.h"
#include "server/store/store.h"
#include "server/voice/voice.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOLD "One moment, please."

static struct config cfg;
static struct buf problem;
static struct agents *agents;
static struct fleet *fleet;
static struct spending *spending;
static struct model_endpoints endpoints;
static struct voice *voice;
static char data_dir[128], agents_dir[128];
static const struct agent *desk;

/* ---------------------------------------------------------------- what is said */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char silent_text[64];          /* this line is said without a sound, … */
static int silent_times;              /* … so often */
static enum voice_took taken;         /* of all others */
static _Atomic int takes, takes_hold; /* of all lines; of HOLD */

static enum voice_took stood_in_take(struct voice_take *out, const struct model_access *access,
    const struct agent *agent, const char *text, struct bell *stop)
{
	bool silent;
	size_t ms = strlen(text) * 60;

	(void)access, (void)agent, (void)stop;
	pthread_mutex_lock(&lock);
	memset(out, 0, sizeof *out);
	buf_init(&out->ulaw, 0);
	buf_init(&out->transcript, 0);
	silent = silent_times && !strcmp(text, silent_text);
	silent_times -= silent;
	for (size_t i = 0; i < ms * 8; i++)
		buf_putc(&out->ulaw, silent ? '\xff' : i & 4 ? '\x10' : '\x90');
	buf_puts(&out->transcript, text);
	out->used.n[USAGE_AUDIO_OUT] = 1000;
	snprintf(out->failure.text, sizeof out->failure.text, "nobody is there");
	atomic_fetch_add(&takes, 1);
	atomic_fetch_add(&takes_hold, !strcmp(text, HOLD));
	pthread_mutex_unlock(&lock);
	return taken;
}

/* -------------------------------------------------------------------- set-up */

static void put_agent(const char *voice_name, const char *greeting)
{
	char text[400];

	snprintf(text, sizeof text,
	    "{\"numbers\":[\"+12025550100\"],\"instructions\":\"Be kind.\",\"voice\":\"%s\","
	    "\"greeting\":{\"mode\":\"exact\",\"text\":\"%s\"}}",
	    voice_name, greeting);
	folder_put("agents/desk.json", text, strlen(text));
}

static void reload(void)
{
	agent_release(desk);
	if (agents_reload(agents, &problem))
		fail_msg("%s", buf_text(&problem));
	desk = agents_by_name(agents, "desk");
	voice_follow_agents(voice);
}

static int begin(void **state)
{
	folder_begin(state);
	snprintf(data_dir, sizeof data_dir, "%s", folder);
	snprintf(agents_dir, sizeof agents_dir, "%s/agents", folder);
	mkdir(agents_dir, 0700);
	put_agent("marin", "Welcome.");
	const char *const pairs[] = { "AGENTS_DIR", agents_dir, "DATA_DIR", data_dir, "VOICE_RATE", "600",
		"MAX_DAY_COST", "100", NULL };

	buf_init(&problem, 0);
	pairs_load(&cfg, pairs);
	memset(&endpoints, 0, sizeof endpoints);
	endpoints.count = 1;
	endpoints.list[0] = (struct model_access){ .cfg = &cfg, .number = 1, .key = "k" };
	taken = VOICE_TAKEN;
	silent_times = 0;
	atomic_store(&takes, 0);
	atomic_store(&takes_hold, 0);
	if (agents_open(&agents, &cfg, &problem) || fleet_local_open(&fleet, NULL, 1) ||
	    spending_open(&spending, &cfg, fleet, NULL, &problem))
		return -1;
	desk = agents_by_name(agents, "desk");
	return 0;
}

static void up(void)
{
	const struct voice_parts parts = {
		.cfg = &cfg, .endpoints = &endpoints, .agents = agents, .spending = spending
	};

	assert_int_equal(voice_open(&voice, &parts), 0);
}

static void down(void)
{
	voice_close(voice);
	voice = NULL;
}

static int end(void **state)
{
	down();
	agent_release(desk);
	agents_close(agents);
	spending_close(spending);
	fleet->ops->close(fleet);
	config_free(&cfg);
	buf_free(&problem);
	return folder_end(state);
}

static bool there(const char *text)
{
	const struct voice_line *line = voice_find(voice, desk, text);

	voice_release(line);
	return line;
}

static bool all_done(void)
{
	return atomic_load(&voice->wanted) && !atomic_load(&voice->missing);
}

/* -------------------------------------------------------------------- the tests */

static void lines_are_made_once_and_found(void **state)
{
	struct spending_day day;
	int made;

	(void)state;
	up();
	until_true(all_done());
	assert_true(there("Welcome."));
	assert_true(there(HOLD));
	assert_false(there("Something else."));
	made = atomic_load(&takes);
	assert_int_equal(made, atomic_load(&voice->wanted));
	spending_look(spending, &day);
	assert_true(day.spent_usd > 0);
	assert_true(fabs(day.spent_usd - (double)atomic_load(&voice->cost_micros) / 1e6) < 1e-5);
	assert_true(day.reserved_usd < 1e-9); /* no call is kept away */
	/* And not again by a reload, nor by the next start. */
	reload();
	down();
	up();
	until_true(all_done());
	assert_true(there("Welcome."));
	assert_int_equal(atomic_load(&takes), made);
}

static void a_changed_text_is_made_anew_and_the_old_one_is_gone(void **state)
{
	const struct voice_line *old;
	int made;

	(void)state;
	up();
	until_true(all_done());
	made = atomic_load(&takes);
	old = voice_find(voice, desk, "Welcome.");
	assert_non_null(old);
	put_agent("marin", "Good day.");
	reload();
	until_true(there("Good day."));
	assert_false(there("Welcome."));
	assert_int_equal(atomic_load(&takes), made + 1);
	assert_int_equal(old->ulaw[0], 0x90); /* a call that has it goes on with it */
	voice_release(old);
}

static void another_voice_has_none_of_the_lines(void **state)
{
	int made;

	(void)state;
	up();
	until_true(all_done());
	made = atomic_load(&takes);
	taken = VOICE_NO_MODEL;
	put_agent("cedar", "Welcome.");
	reload();
	until_true(atomic_load(&takes) > made);
	assert_false(there("Welcome."));
}

static void a_miss_is_tried_again_and_three_are_enough(void **state)
{
	uint64_t misses = stat_get(voice_misses);

	(void)state;
	strcpy(silent_text, HOLD);
	silent_times = 2;
	up();
	until_true(all_done());
	assert_true(there(HOLD));
	assert_int_equal(atomic_load(&takes_hold), 3);
	assert_int_equal(stat_get(voice_misses), misses + 2);
}

static void a_line_given_up_is_not_cached_until_a_reload(void **state)
{
	(void)state;
	strcpy(silent_text, HOLD);
	silent_times = 3;
	up();
	until_true(all_done());
	assert_false(there(HOLD));
	assert_true(there("Welcome."));
	assert_int_equal(atomic_load(&takes_hold), 3);
	assert_int_equal(atomic_load(&voice->given_up), 1);
	reload();
	until_true(there(HOLD));
	assert_int_equal(atomic_load(&takes_hold), 4);
}

static void without_a_model_nothing_is_missed(void **state)
{
	uint64_t misses = stat_get(voice_misses), no_model = stat_get(voice_no_model);

	(void)state;
	taken = VOICE_NO_MODEL;
	up();
	until_true(stat_get(voice_no_model) == no_model + 1);
	assert_false(there(HOLD));
	assert_int_equal(stat_get(voice_misses), misses);
	down(); /* it does not wait for the pause to be over */
	assert_int_equal(atomic_load(&takes), 1);
}

/* Else one that never finds its end would keep all others from being made. */
static void a_line_that_cannot_be_had_goes_behind_the_others(void **state)
{
	struct voice_wish wishes[2] = { { .agent = desk }, { .agent = desk } };
	struct voice v = { .wishes = wishes, .count = 2 };
	struct model_failure failure = { .text = "it does not end" };
	int64_t when;

	(void)state;
	assert_ptr_equal(next_due(&v, 1000, &when), &wishes[0]);
	put_off(&v, &wishes[0], &failure);
	assert_null(next_due(&v, v.next_us - 1, &when));
	assert_true(when == v.next_us);
	assert_ptr_equal(next_due(&v, v.next_us + 1000, &when), &wishes[1]);
	wishes[1].state = WISH_KEPT;
	assert_ptr_equal(next_due(&v, v.next_us + 1000, &when), &wishes[0]);
}

static void a_full_day_makes_no_lines(void **state)
{
	struct spending_hold hold = { 0 };

	(void)state;
	spending_book(spending, &hold, 1000, clock_wall_ms());
	up();
	until_true(atomic_load(&voice->wanted));
	usleep(300 * 1000); /* if it did not look, it would be through by now */
	assert_int_equal(atomic_load(&takes), 0);
}

static void a_bad_file_is_made_again(void **state)
{
	struct voice_key key;
	char name[100] = "voice/";

	(void)state;
	assert_true(voice_lines_key(&key, &endpoints, desk, HOLD));
	for (size_t i = 0; i < SHA256_BYTES; i++)
		snprintf(name + strlen(name), 3, "%02x", key.hash[i]);
	strcat(name, ".ulaw");
	up();
	until_true(all_done());
	down();
	folder_put(name, "TLVOICE1 and no more", 20);
	up();
	until_true(there(HOLD));
	assert_int_equal(atomic_load(&takes_hold), 2);
}

static void switched_off_there_are_none(void **state)
{
	(void)state;
	cfg.voice_cache = false;
	up();
	assert_null(voice);
	assert_null(voice_find(voice, desk, HOLD));
	voice_follow_agents(voice);
	voice_drain(voice);
	voice_put_status(voice, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

const struct CMUnitTest unit_tests[] = {
	TEST(lines_are_made_once_and_found),
	TEST(a_changed_text_is_made_anew_and_the_old_one_is_gone),
	TEST(another_voice_has_none_of_the_lines),
	TEST(a_miss_is_tried_again_and_three_are_enough),
	TEST(a_line_given_up_is_not_cached_until_a_reload),
	TEST(without_a_model_nothing_is_missed),
	TEST(a_line_that_cannot_be_had_goes_behind_the_others),
	TEST(a_full_day_makes_no_lines),
	TEST(a_bad_file_is_made_again),
	TEST(switched_off_there_are_none),
	{ .name = NULL },
};
