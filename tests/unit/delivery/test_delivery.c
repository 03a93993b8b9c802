#include "server/delivery/delivery_queue.h"
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stdint.h>

ONE_THREAD;

#define DAY_MS (24 * 3600 * INT64_C(1000))
#define A "https://a.example/hook"
#define B "https://b.example/hook"

static const struct delivery_result ok = { .status = 200, .retry_after_s = -1 };
static const struct delivery_result error_500 = { .status = 500, .retry_after_s = -1 };
static const struct delivery_result dead = { .status = 0, .retry_after_s = -1 };

/* -------------------------------------------------------------------- what becomes */

static struct delivery_result of_answer(enum fetch_failure failure, int status)
{
	struct fetch_response answer = { .failure = failure, .status = status, .retry_after_s = -1 };
	struct delivery_result result;

	if (failure != FETCH_OK)
		snprintf(answer.error, sizeof answer.error, "why");
	delivery_result_of(&answer, &result);
	return result;
}

static void any_2xx_is_a_delivery(void **state)
{
	static const struct {
		enum fetch_failure failure;
		int status;
		enum delivery_verdict verdict;
		const char *error;
	} cases[] = {
		{ FETCH_OK, 200, DELIVERY_DELIVERED, "" },
		{ FETCH_OK, 204, DELIVERY_DELIVERED, "" },
		{ FETCH_OK, 299, DELIVERY_DELIVERED, "" },
		/* It has it, whatever it then says. */
		{ FETCH_TOO_LARGE, 200, DELIVERY_DELIVERED, "" },
		{ FETCH_TIMEOUT, 200, DELIVERY_DELIVERED, "" },
		{ FETCH_UNKNOWN, 202, DELIVERY_DELIVERED, "" },
		{ FETCH_OK, 301, DELIVERY_RETRY, "it answered 301, and redirects are not followed" },
		{ FETCH_OK, 308, DELIVERY_RETRY, "it answered 308, and redirects are not followed" },
		{ FETCH_OK, 400, DELIVERY_RETRY, "it answered 400" },
		{ FETCH_OK, 404, DELIVERY_RETRY, "it answered 404" },
		{ FETCH_OK, 410, DELIVERY_PARK, "it answered 410" },
		{ FETCH_OK, 429, DELIVERY_RETRY, "it answered 429" },
		{ FETCH_OK, 503, DELIVERY_RETRY, "it answered 503" },
		{ FETCH_OK, 199, DELIVERY_RETRY, "it answered 199" },
		{ FETCH_TOO_LARGE, 500, DELIVERY_RETRY, "it answered 500" },
		{ FETCH_NOT_SENT, 0, DELIVERY_RETRY, "why" },
		{ FETCH_UNKNOWN, 0, DELIVERY_RETRY, "why" },
		{ FETCH_TIMEOUT, 0, DELIVERY_RETRY, "why" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct delivery_result result = of_answer(cases[i].failure, cases[i].status);

		if (delivery_judge(&result, 0, 1000, DAY_MS) != cases[i].verdict ||
		    strcmp(result.error, cases[i].error))
			fail_msg("%s %d: %s", fetch_failure_name(cases[i].failure), cases[i].status, result.error);
	}
}

static void after_a_day_it_is_parked_and_not_before(void **state)
{
	(void)state;
	assert_int_equal(delivery_judge(&error_500, 5000, 5000 + DAY_MS - 1, DAY_MS), DELIVERY_RETRY);
	assert_int_equal(delivery_judge(&error_500, 5000, 5000 + DAY_MS, DAY_MS), DELIVERY_PARK);
	assert_int_equal(delivery_judge(&ok, 5000, 5000 + 2 * DAY_MS, DAY_MS), DELIVERY_DELIVERED);
}

static void pauses_go_from_a_second_to_an_hour_whatever_is_asked_for(void **state)
{
	(void)state;
	assert_int_equal(backoff_ms(&delivery_backoff, 1, -1, UINT32_MAX), 1000);
	assert_int_equal(backoff_ms(&delivery_backoff, 2, -1, UINT32_MAX), 2000);
	assert_int_equal(backoff_ms(&delivery_backoff, 99, -1, UINT32_MAX), 3600000);
	assert_int_equal(backoff_ms(&delivery_backoff, 1, 30, 0), 30000);
	assert_int_equal(backoff_ms(&delivery_backoff, 1, INT64_MAX, 0), 3600000);
	assert_int_equal(backoff_ms(&delivery_backoff, 20, 30, 0), 1800000); /* it never shortens the pause */
}

static void an_origin_is_scheme_host_and_port(void **state)
{
	static const struct {
		const char *url, *origin;
	} cases[] = {
		{ "https://a.example/hook?x=1", "https://a.example" },
		{ "https://a.example:8443", "https://a.example:8443" },
		{ "http://a.example?x", "http://a.example" },
		{ "https://user:pass@a.example/x@y", "https://a.example" },
		{ "nonsense", "nonsense" },
	};
	char origin[64];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		delivery_origin(cases[i].url, origin, sizeof origin);
		assert_string_equal(origin, cases[i].origin);
	}
	delivery_origin("https://long.example/", origin, 10);
	assert_string_equal(origin, "https://l");
}

/* ------------------------------------------------------------------------ the queue */

static int64_t now;
static int64_t next; /* what the last take said */

static struct delivery_entry *entry(const char *id, int64_t seq, const char *call, const char *url)
{
	struct delivery_row row = { .seq = seq,
		.call_sid = call,
		.agent = "agent",
		.variant = "",
		.event = "call.ended",
		.url = url,
		.at_ms = now,
		.since_ms = now };
	struct delivery_entry *e;

	snprintf(row.id, sizeof row.id, "%s", id);
	e = delivery_entry_new(&row, NULL, strdup("{}"));
	assert_non_null(e);
	return e;
}

/* As the thread that hands out does. */
static struct delivery_entry *take(struct delivery_queue *q)
{
	struct due_item *item = due_list_next(&q->list, delivery_queue_when, q, now, &next);

	if (!item)
		return NULL;
	due_list_take(&q->list, item);
	delivery_queue_taken(q, item, now);
	return (struct delivery_entry *)item;
}

static bool is_due(struct delivery_queue *q)
{
	int64_t then;

	return due_list_next(&q->list, delivery_queue_when, q, now, &then);
}

static void add(struct delivery_queue *q, const char *id, int64_t seq, const char *call, const char *url)
{
	assert_true(delivery_queue_put(q, &entry(id, seq, call, url)->due));
}

/* What is taken until nothing is due, as a list of ids. */
static const char *taken(struct delivery_queue *q)
{
	static char ids[256];
	struct delivery_entry *e;
	size_t len = 0;

	ids[0] = '\0';
	while ((e = take(q)))
		len += (size_t)snprintf(ids + len, sizeof ids - len, "%s%s", len ? " " : "", e->row.id);
	return ids;
}

static void settle(
    struct delivery_queue *q, const char *id, enum delivery_verdict verdict, const struct delivery_result *r)
{
	struct delivery_entry *e = delivery_queue_find(q, id);

	assert_non_null(e);
	assert_true(e->due.taken);
	delivery_queue_settle(q, e, verdict, r, now, 0);
	if (verdict != DELIVERY_RETRY)
		delivery_entry_free(&e->due);
}

static int open_queue(void **state)
{
	static struct delivery_queue q;

	now = 1000000;
	delivery_queue_init(&q, 2, DAY_MS);
	*state = &q;
	return 0;
}

static int close_queue(void **state)
{
	struct delivery_queue *q = *state;
	struct due_item *item;

	while ((item = due_list_first(&q->list))) {
		due_list_remove(&q->list, item);
		delivery_entry_free(item);
	}
	delivery_queue_free(q);
	return 0;
}

/* The n-th, and the only one of its call. */
static void add_of_its_own(struct delivery_queue *q, int n, const char *url)
{
	char id[16], call[16];

	snprintf(id, sizeof id, "%d", n);
	snprintf(call, sizeof call, "CA%d", n);
	add(q, id, n, call, url);
}

static void the_next_of_a_call_waits_for_the_one_before(void **state)
{
	struct delivery_queue *q = *state;

	add(q, "1", 1, "CA1", A);
	add(q, "2", 2, "CA1", A);
	add(q, "3", 3, "CA1", A);
	assert_string_equal(taken(q), "1");
	settle(q, "1", DELIVERY_RETRY, &error_500);
	assert_string_equal(taken(q), "");
	assert_int_equal(next, now + 500);
	now = next;
	assert_string_equal(taken(q), "1");
	settle(q, "1", DELIVERY_DELIVERED, &ok);
	assert_string_equal(taken(q), "2");
	settle(q, "2", DELIVERY_PARK, &error_500);
	assert_string_equal(taken(q), "3");
	settle(q, "3", DELIVERY_DELIVERED, &ok);
	assert_int_equal(q->list.count, 0);
	assert_int_equal(q->list.bytes, 0);
	assert_null(due_list_first(&q->list));
	assert_string_equal(taken(q), "");
	assert_int_equal(next, INT64_MAX);
}

static void what_is_older_goes_in_front_but_not_of_what_is_under_way(void **state)
{
	struct delivery_queue *q = *state;

	add(q, "5", 5, "CA1", A);
	add(q, "3", 3, "CA1", A);
	assert_string_equal(taken(q), "3");
	add(q, "1", 1, "CA1", A);
	add(q, "4", 4, "CA1", A);
	settle(q, "3", DELIVERY_DELIVERED, &ok);
	assert_string_equal(taken(q), "1");
	settle(q, "1", DELIVERY_DELIVERED, &ok);
	assert_string_equal(taken(q), "4");
	settle(q, "4", DELIVERY_DELIVERED, &ok);
	assert_string_equal(taken(q), "5");
}

static void calls_and_addresses_go_side_by_side(void **state)
{
	struct delivery_queue *q = *state;

	add(q, "1a", 1, "CA1", A);
	add(q, "1b", 2, "CA1", B);
	add_of_its_own(q, 3, A);
	assert_string_equal(taken(q), "1a 1b 3");
	assert_int_equal(q->list.taken, 3);
}

static void only_so_many_at_once_go_to_one_origin(void **state)
{
	struct delivery_queue *q = *state;

	add_of_its_own(q, 1, A);
	add_of_its_own(q, 2, A "/other");
	add_of_its_own(q, 3, A);
	add_of_its_own(q, 4, B);
	assert_string_equal(taken(q), "1 2 4");
	assert_int_equal(next, INT64_MAX); /* when one of them comes back */
	settle(q, "2", DELIVERY_RETRY, &error_500);
	assert_string_equal(taken(q), "3");
	assert_int_equal(next, INT64_MAX);
	settle(q, "1", DELIVERY_DELIVERED, &ok);
	assert_string_equal(taken(q), "");
	assert_int_equal(next, now + 500);
}

static void a_dead_origin_is_tried_by_one_at_a_time_however_many_wait(void **state)
{
	struct delivery_queue *q = *state;
	int tries = 0;

	for (int i = 0; i < 50; i++)
		add_of_its_own(q, i, A);
	assert_string_equal(taken(q), "0 1");
	settle(q, "0", DELIVERY_RETRY, &dead);
	settle(q, "1", DELIVERY_RETRY, &dead);
	/* An hour of it. */
	for (int64_t end = now + 3600000; now < end; now = next) {
		struct delivery_entry *e = take(q);

		if (!e)
			continue;
		assert_null(take(q));
		assert_int_equal(next, INT64_MAX);
		delivery_queue_settle(q, e, DELIVERY_RETRY, &dead, now, 0);
		tries++;
		next = now;
	}
	assert_in_range(tries, 60, 130); /* once a minute or two, and a few quick ones at first */
	/* The first answer, even a bad one, opens it to all. */
	while (!is_due(q))
		now += 1000;
	delivery_queue_settle(q, take(q), DELIVERY_RETRY, &error_500, now, 0);
	assert_non_null(take(q));
	assert_non_null(take(q));
}

static void a_dead_origin_holds_up_no_other(void **state)
{
	struct delivery_queue *q = *state;

	add(q, "1", 1, "CA1", A);
	add(q, "2", 2, "CA1", B);
	assert_string_equal(taken(q), "1 2");
	settle(q, "1", DELIVERY_RETRY, &dead);
	settle(q, "2", DELIVERY_DELIVERED, &ok);
	add(q, "3", 3, "CA2", A);
	add(q, "4", 4, "CA2", B);
	assert_string_equal(taken(q), "4");
}

static void our_own_trouble_is_not_held_against_the_origin(void **state)
{
	struct delivery_queue *q = *state;
	struct delivery_result ours = dead;

	ours.ours = true;
	add(q, "1", 1, "CA1", A);
	add(q, "2", 2, "CA2", A);
	assert_string_equal(taken(q), "1 2");
	settle(q, "1", DELIVERY_RETRY, &ours);
	add(q, "3", 3, "CA3", A);
	assert_string_equal(taken(q), "3");
}

static void what_waits_for_the_dead_is_given_up_in_time_and_in_order(void **state)
{
	struct delivery_queue *q = *state;
	struct delivery_entry *e;

	add(q, "1", 1, "CA1", A);
	add(q, "2", 2, "CA2", A);
	assert_string_equal(taken(q), "1 2");
	settle(q, "1", DELIVERY_RETRY, &dead);
	settle(q, "2", DELIVERY_RETRY, &dead);
	now += 100000;
	add(q, "3", 3, "CA2", A);
	now += DAY_MS - 100001;
	/* The dead is tried once more, and nothing is given up. */
	e = take(q);
	assert_false(e->expired);
	delivery_queue_settle(q, e, DELIVERY_RETRY, &dead, now, 0);
	assert_null(take(q));
	now++;
	for (int i = 0; i < 2; i++) {
		e = take(q);
		assert_non_null(e);
		assert_true(e->expired);
		assert_string_equal(e->row.id, i ? "2" : "1");
		due_list_remove(&q->list, &e->due);
		delivery_entry_free(&e->due);
	}
	assert_null(take(q)); /* the third is younger */
	assert_int_equal(q->list.count, 1);
	/* And one that is under way is left alone. */
	now = next;
	e = take(q);
	assert_non_null(e);
	assert_false(e->expired);
	now += DAY_MS;
	assert_null(take(q));
}

static void who_is_asked_for_is_sent_at_once(void **state)
{
	struct delivery_queue *q = *state;

	add(q, "1", 1, "CA1", A);
	assert_string_equal(taken(q), "1");
	settle(q, "1", DELIVERY_RETRY, &dead);
	add(q, "2", 2, "CA1", A);
	now += 400;
	assert_string_equal(taken(q), "");
	delivery_queue_hurry(delivery_queue_find(q, "1"), now);
	assert_int_equal(delivery_queue_find(q, "1")->row.since_ms, now);
	assert_true(is_due(q));
	assert_string_equal(taken(q), "1");
}

static void the_same_twice_is_one(void **state)
{
	struct delivery_queue *q = *state;
	struct delivery_entry *again = entry("1", 1, "CA1", A);

	add(q, "1", 1, "CA1", A);
	assert_false(delivery_queue_put(q, &again->due));
	assert_int_equal(q->list.count, 1);
	assert_int_equal(q->list.bytes, 2);
	delivery_queue_drop_body(q, delivery_queue_find(q, "1"));
	assert_int_equal(q->list.bytes, 0);
	delivery_entry_free(&again->due);
	/* Another one with the same seq is another one. */
	add(q, "2", 1, "CA1", A);
	add(q, "3", 1, "CA2", A);
	again = entry("1", 1, "CA1", A);
	assert_false(delivery_queue_put(q, &again->due));
	assert_int_equal(q->list.count, 3);
	delivery_entry_free(&again->due);
	assert_string_equal(taken(q), "1 3");
}

/* A start with a full store, however many of them are one call's. */
static void a_long_queue_is_put_in_few_steps(void **state)
{
	enum { COUNT = 20000 };
	struct delivery_queue *q = *state;
	char id[16], call[16];

	for (int i = 1; i <= COUNT; i++) {
		snprintf(id, sizeof id, "%d", i);
		snprintf(call, sizeof call, "CA%d", i % 4 ? i / 2 : 0);
		add(q, id, i, call, A);
	}
	assert_int_equal(q->list.count, COUNT);
	assert_true(q->list.steps < 20 * COUNT);
}

static void the_oldest_is_told(void **state)
{
	struct delivery_queue *q = *state;

	assert_int_equal(delivery_queue_oldest_ms(q), INT64_MAX);
	add(q, "1", 1, "CA1", A);
	now += 5;
	add(q, "2", 2, "CA2", A);
	assert_int_equal(delivery_queue_oldest_ms(q), now - 5);
	assert_string_equal(taken(q), "1 2");
	settle(q, "1", DELIVERY_DELIVERED, &ok);
	assert_int_equal(delivery_queue_oldest_ms(q), now);
}

/* Any order of happenings: nothing overtakes in its call, all is delivered. */
static void whatever_happens_each_call_is_told_in_order(void **state)
{
	enum { CALLS = 7, EACH = 20 };
	struct delivery_queue *q = *state;
	int delivered[CALLS] = { 0 }, done = 0;
	unsigned seed = 12345;

	for (int i = 0; i < CALLS * EACH; i++) {
		char id[16], call[16];

		snprintf(id, sizeof id, "%d", i);
		snprintf(call, sizeof call, "CA%d", i % CALLS);
		add(q, id, i, call, i % CALLS % 2 ? A : B);
	}
	while (done < CALLS * EACH) {
		struct delivery_entry *e = take(q);
		int no;

		if (!e) {
			assert_true(next < INT64_MAX);
			now = next;
			continue;
		}
		no = atoi(e->row.id);
		seed = seed * 1103515245 + 12345;
		switch (seed >> 16 & 3) {
		case 0:
			delivery_queue_settle(q, e, DELIVERY_RETRY, &dead, now, seed);
			continue;
		case 1:
			delivery_queue_settle(q, e, DELIVERY_RETRY, &error_500, now, seed);
			continue;
		default:
			assert_int_equal(no / CALLS, delivered[no % CALLS]);
			delivered[no % CALLS]++;
			done++;
			delivery_queue_settle(q, e, DELIVERY_DELIVERED, &ok, now, seed);
			delivery_entry_free(&e->due);
		}
	}
	assert_int_equal(q->list.count, 0);
	assert_int_equal(q->list.taken, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_queue, close_queue)

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(any_2xx_is_a_delivery),
	cmocka_unit_test(after_a_day_it_is_parked_and_not_before),
	cmocka_unit_test(pauses_go_from_a_second_to_an_hour_whatever_is_asked_for),
	cmocka_unit_test(an_origin_is_scheme_host_and_port),
	TEST(the_next_of_a_call_waits_for_the_one_before),
	TEST(what_is_older_goes_in_front_but_not_of_what_is_under_way),
	TEST(calls_and_addresses_go_side_by_side),
	TEST(only_so_many_at_once_go_to_one_origin),
	TEST(a_dead_origin_is_tried_by_one_at_a_time_however_many_wait),
	TEST(a_dead_origin_holds_up_no_other),
	TEST(our_own_trouble_is_not_held_against_the_origin),
	TEST(what_waits_for_the_dead_is_given_up_in_time_and_in_order),
	TEST(who_is_asked_for_is_sent_at_once),
	TEST(the_same_twice_is_one),
	TEST(a_long_queue_is_put_in_few_steps),
	TEST(the_oldest_is_told),
	TEST(whatever_happens_each_call_is_told_in_order),
	{ 0 },
};
