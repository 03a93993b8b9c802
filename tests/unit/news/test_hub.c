#include "server/news/hub.h"

#include "server/agents/agent.h"
#include "tests/unit.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ONE "CA00000000000000000000000000000001"
#define TWO "CA00000000000000000000000000000002"

static struct hub *hub;

static int open_hub(void **state)
{
	(void)state;
	return hub_open(&hub);
}

static int close_hub(void **state)
{
	(void)state;
	hub_close(hub);
	return 0;
}

/* A turn, or with JOURNAL_ENDED a call that has come from the store, of which that is known. */
static void tell(const char *sid, enum journal_kind kind, int64_t no, const char *known)
{
	static const struct agent agent = { .name = "reception" };
	struct call_summary call = { .kept = (char *)(uintptr_t)known };
	struct call_turn turn = { .who = "caller", .text = known };
	struct journal_entry entry = { .kind = kind,
		.type = kind == JOURNAL_ENDED ? "call.ended" : "turn",
		.call_sid = sid,
		.agent = &agent,
		.wall_ms = 1800000000000,
		.no = no };

	if (kind == JOURNAL_ENDED)
		entry.call = &call;
	else
		entry.turn = &turn;
	hub_take(hub, &entry);
}

static struct hub_watcher *watch(const char *sid, uint64_t after)
{
	bool missed;
	struct hub_watcher *w = hub_watch(hub, sid, after, 0, &missed);

	assert_non_null(w);
	assert_false(missed);
	return w;
}

static bool rung(const struct hub_watcher *w)
{
	struct pollfd p = { .fd = hub_bell(w), .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* The text of the next event, "" if there is none. */
static const char *next(struct hub_watcher *w)
{
	static char text[4096];
	struct hub_event *e = hub_next(hub, w);

	snprintf(text, sizeof text, "%s", e ? e->text : "");
	hub_event_done(e);
	return text;
}

static void event_is_one_line_of_data_with_all_its_facts(void **state)
{
	struct hub_watcher *w = watch("", 0);

	(void)state;
	tell(ONE, JOURNAL_TURN, 3, "two\nlines\r");
	assert_string_equal(next(w),
	    "event: turn\n"
	    "data: {\"call_sid\":\"" ONE "\",\"at\":\"2027-01-15T08:00:00.000Z\",\"agent\":\"reception\","
	    "\"no\":3,\"data\":{\"who\":\"caller\",\"at_ms\":0,\"item_id\":null,\"text\":\"two\\nlines\\u000d\"}}\n\n");
	tell(ONE, JOURNAL_FORMING, 4, "");
	assert_non_null(strstr(next(w), ",\"no\":4,\"final\":false,"));
	tell(ONE, JOURNAL_ENDED, 0, "{\"text\":\n\"hello\"\r}");
	assert_non_null(strstr(next(w), ",\"data\":{\"text\": \"hello\" }}\n\n"));
	tell(ONE, JOURNAL_ENDED, 0, "{}");
	assert_string_equal(next(w), "event: call.ended\ndata: {\"call_sid\":\"" ONE
				     "\",\"at\":\"2027-01-15T08:00:00.000Z\",\"agent\":\"reception\",\"data\":{}}\n\n");
	assert_string_equal(next(w), "");
	hub_unwatch(hub, w);
}

static void watcher_of_one_call_hears_of_that_call_only(void **state)
{
	struct hub_watcher *one = watch(ONE, 0), *all = watch("", 0);

	(void)state;
	tell(TWO, JOURNAL_TURN, 0, "a is 2");
	assert_false(rung(one));
	assert_true(rung(all));
	tell(ONE, JOURNAL_TURN, 0, "a is 1");
	assert_true(rung(one));
	assert_non_null(strstr(next(one), "a is 1"));
	assert_string_equal(next(one), "");
	assert_false(rung(one));
	assert_non_null(strstr(next(all), "a is 2"));
	assert_non_null(strstr(next(all), "a is 1"));
	hub_unwatch(hub, one);
	hub_unwatch(hub, all);
}

static void numbers_grow(void **state)
{
	struct hub_watcher *w = watch("", 0);
	uint64_t last = hub_last_id(hub);

	(void)state;
	assert_true(last > 1000000);
	for (int i = 0; i < 10; i++) {
		struct hub_event *e;

		tell(ONE, i % 2 ? JOURNAL_TURN : JOURNAL_FORMING, i, "{}");
		e = hub_next(hub, w);
		assert_int_equal(e->id, ++last);
		hub_event_done(e);
	}
	hub_unwatch(hub, w);
}

static void who_comes_back_gets_what_was_told_meanwhile(void **state)
{
	struct hub_watcher *w;
	uint64_t seen;
	bool missed;

	(void)state;
	tell(ONE, JOURNAL_TURN, 0, "a is 0");
	seen = hub_last_id(hub);
	tell(TWO, JOURNAL_TURN, 0, "b is 0");
	tell(ONE, JOURNAL_FORMING, 1, "a is forming");
	tell(ONE, JOURNAL_TURN, 1, "a is 1");
	w = watch(ONE, seen);
	assert_true(rung(w));
	assert_non_null(strstr(next(w), "a is 1"));
	assert_string_equal(next(w), "");
	hub_unwatch(hub, w);
	w = watch("", seen);
	assert_non_null(strstr(next(w), "b is 0"));
	assert_non_null(strstr(next(w), "a is 1"));
	hub_unwatch(hub, w);
	/* Of all calls nobody wants old news unasked; of one call the last moment. */
	w = watch("", 0);
	assert_string_equal(next(w), "");
	hub_unwatch(hub, w);
	w = watch(ONE, 0);
	assert_non_null(strstr(next(w), "a is 0"));
	hub_unwatch(hub, w);
	w = hub_watch(hub, ONE, 0, INT64_MAX, &missed);
	assert_string_equal(next(w), "");
	hub_unwatch(hub, w);
	/* An event of the future was another server's. */
	hub_unwatch(hub, hub_watch(hub, "", hub_last_id(hub) + 1, 0, &missed));
	assert_true(missed);
}

static void who_was_away_too_long_is_told_so(void **state)
{
	uint64_t seen = hub_last_id(hub);
	struct hub_watcher *w;
	bool missed;
	int count = 0;

	(void)state;
	for (int i = 0; i < HUB_RECENT_MAX + 1; i++)
		tell(ONE, JOURNAL_TURN, i, "{}");
	w = hub_watch(hub, "", seen, 0, &missed);
	assert_true(missed);
	while (*next(w))
		count++;
	assert_int_equal(count, HUB_RECENT_MAX);
	hub_unwatch(hub, w);
	w = watch("", seen + 1);
	hub_unwatch(hub, w);
	hub_unwatch(hub, hub_watch(hub, "", 1, 0, &missed));
	assert_true(missed);
}

static void slow_one_is_dropped_and_the_others_are_not(void **state)
{
	struct hub_watcher *slow = watch("", 0), *quick = watch("", 0);
	int count = 0;

	(void)state;
	for (int i = 0; i < HUB_QUEUE_MAX; i++) {
		tell(ONE, JOURNAL_TURN, i, "{}");
		count += *next(quick) != '\0';
	}
	assert_false(hub_dropped(hub, slow));
	tell(ONE, JOURNAL_TURN, 0, "{}");
	assert_true(hub_dropped(hub, slow));
	assert_string_equal(next(slow), "");
	count += *next(quick) != '\0';
	assert_int_equal(count, HUB_QUEUE_MAX + 1);
	assert_false(hub_dropped(hub, quick));
	hub_unwatch(hub, slow);
	hub_unwatch(hub, quick);
}

static void large_events_fill_a_queue_by_their_bytes(void **state)
{
	struct hub_watcher *w = watch("", 0);
	char *json = malloc(400 * 1024);

	(void)state;
	assert_non_null(json);
	sprintf(json, "%0380000d", 0);
	tell(ONE, JOURNAL_TURN, 0, json);
	tell(ONE, JOURNAL_TURN, 1, json);
	assert_false(hub_dropped(hub, w));
	tell(ONE, JOURNAL_TURN, 2, json);
	assert_true(hub_dropped(hub, w));
	free(json);
	hub_unwatch(hub, w);
}

static void what_is_forming_never_drops_a_watcher(void **state)
{
	struct hub_watcher *w = watch("", 0);

	(void)state;
	for (int i = 0; i < 2 * HUB_QUEUE_MAX; i++)
		tell(ONE, JOURNAL_FORMING, i, "{}");
	assert_false(hub_dropped(hub, w));
	tell(ONE, JOURNAL_TURN, 0, "{}");
	assert_false(hub_dropped(hub, w));
	hub_unwatch(hub, w);
}

static void journal_knows_whether_somebody_watches(void **state)
{
	struct hub_watcher *a, *b;

	(void)state;
	assert_false(journal_watched());
	a = watch("", 0);
	b = watch(ONE, 0);
	hub_unwatch(hub, a);
	assert_true(journal_watched());
	hub_unwatch(hub, b);
	assert_false(journal_watched());
}

/* --------------------------------------------------------------- many threads */

enum { TELLERS = 4, EVENTS = 2000 };

static void *teller(void *arg)
{
	char json[32];

	for (int i = 0; i < EVENTS; i++) {
		snprintf(json, sizeof json, "n is %d", i);
		tell(arg, i % 4 ? JOURNAL_TURN : JOURNAL_FORMING, i, json);
	}
	return NULL;
}

static _Atomic bool over;

/* Watches for a while, goes, comes back. */
static void *comer_and_goer(void *arg)
{
	while (!over) {
		bool missed;
		struct hub_watcher *w = hub_watch(hub, arg, hub_last_id(hub) - 10, 0, &missed);
		struct hub_event *e;
		uint64_t last = 0;

		if (!w)
			abort();
		for (int i = 0; i < 300 && !over && !hub_dropped(hub, w); i++) {
			struct pollfd p = { .fd = hub_bell(w), .events = POLLIN };

			poll(&p, 1, 1);
			while ((e = hub_next(hub, w))) {
				if (e->id <= last || strstr(e->text, "n is ") == NULL)
					abort();
				last = e->id;
				hub_event_done(e);
			}
		}
		hub_unwatch(hub, w);
	}
	return NULL;
}

static void join(const pthread_t *threads, int count)
{
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
}

static void watchers_come_and_go_while_calls_talk(void **state)
{
	pthread_t tellers[TELLERS], watchers[3];
	char *sids[] = { ONE, TWO, "" };

	(void)state;
	over = false;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&watchers[i], NULL, comer_and_goer, sids[i]), 0);
	for (int i = 0; i < TELLERS; i++)
		assert_int_equal(pthread_create(&tellers[i], NULL, teller, sids[i % 2]), 0);
	join(tellers, TELLERS);
	over = true;
	hub_ring(hub);
	join(watchers, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_hub, close_hub)

const struct CMUnitTest unit_tests[] = {
	TEST(event_is_one_line_of_data_with_all_its_facts),
	TEST(watcher_of_one_call_hears_of_that_call_only),
	TEST(numbers_grow),
	TEST(who_comes_back_gets_what_was_told_meanwhile),
	TEST(who_was_away_too_long_is_told_so),
	TEST(slow_one_is_dropped_and_the_others_are_not),
	TEST(large_events_fill_a_queue_by_their_bytes),
	TEST(what_is_forming_never_drops_a_watcher),
	TEST(journal_knows_whether_somebody_watches),
	TEST(watchers_come_and_go_while_calls_talk),
	{ 0 },
};
