/* Orders with an Idempotency-Key, against a Twilio that counts what it is asked,
 * with a store and over a restart. */
#include "server/dialer/dialer_place.h"

#include "common/json.h"
#include "server/dialer/dialer_news.h"
#include "server/dialer/dialer_show.h"
#include "server/fleet/local.h"
#include "server/money/spending.h"
#include "server/store/row.h"
#include "server/store/store.h"
#include "server/work/fetch.h"
#include "tests/peers/http_peer.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLUSH_MS = 60000 };

static char api_url[64];
static struct config cfg;
static struct store *store;
static struct fleet *fleet;
static struct spending *spending;
static struct dialer *dialer;
static struct http_peer *twilio;
static _Atomic int asked, told_over;
static _Atomic bool may_dial;
static _Atomic int twilio_status;

/* ------------------------------------------------------------------------- Twilio */

static int answer_twilio(void *arg, const char *request)
{
	char call[120];
	int n;

	(void)arg;
	if (strncmp(request, "POST ", 5) || !strstr(request, "/Calls.json "))
		return 404;
	n = atomic_fetch_add(&asked, 1);
	snprintf(
	    call, sizeof call, "{\"sid\":\"CA%032d\",\"status\":\"queued\",\"message\":\"No.\",\"code\":21211}", n + 1);
	http_peer_say_as(twilio, "application/json", call);
	return atomic_load(&twilio_status);
}

static bool dials(void *arg, const char *number, const char *id)
{
	(void)arg, (void)id;
	assert_string_equal(number, "+12025550170");
	return atomic_load(&may_dial);
}

static void over(void *arg, const char *name, const struct call_summary *call)
{
	(void)arg, (void)name, (void)call;
	atomic_fetch_add(&told_over, 1);
}

/* -------------------------------------------------------------------------- orders */

static void up(void)
{
	struct dialer_hooks hooks = { .may_dial = dials, .over = over };
	struct buf problem;

	buf_init(&problem, 0);
	assert_int_equal(store_open(&store, folder, 0, &problem), 0);
	assert_int_equal(fleet_local_open(&fleet, store, 1), 0);
	assert_int_equal(spending_open(&spending, &cfg, fleet, NULL, &problem), 0);
	assert_int_equal(dialer_open(&dialer, &cfg, store, fleet, spending, &hooks), 0);
	buf_free(&problem);
}

static void down(void)
{
	dialer_close(dialer);
	dialer = NULL;
	spending_close(spending);
	fleet->ops->close(fleet);
	if (store)
		assert_int_equal(store_flush(store, FLUSH_MS), 0);
	store_close(store);
	store = NULL;
}

/* Places a call; what came of it, its id (or "") in `id`. */
static enum dialer_verdict place(const char *key, const char *hash, char id[OUT_ID_SIZE])
{
	cJSON *request = cJSON_Parse("{\"to\":\"+12025550170\",\"from\":\"+12025550100\",\"agent\":\"reminder\","
				     "\"metadata\":{}}");
	struct dialer_reply a;
	enum dialer_verdict verdict;

	dialer_place(dialer, &(struct dialer_ask){ .request = request, .key = key, .hash = hash }, &a);
	verdict = a.verdict;
	snprintf(id, OUT_ID_SIZE, "%s", a.id);
	if (verdict == DIALER_PLACED || verdict == DIALER_KNOWN) {
		cJSON *shown = json_parse(buf_text(&a.json), a.json.len);

		assert_string_equal(json_str(shown, "id"), id);
		cJSON_Delete(shown);
	}
	dialer_reply_free(&a);
	cJSON_Delete(request);
	return verdict;
}

static void ends(const char *id, const char *status)
{
	struct call_summary shown;

	assert_true(dialer_show(dialer, id, &shown));
	dialer_news(dialer, id, shown.call_sid, status);
	call_summary_free(&shown);
}

static void is_shown_as(const char *id, const char *status)
{
	struct call_summary shown;
	cJSON *order;

	assert_true(dialer_show(dialer, id, &shown));
	order = json_parse(shown.order, strlen(shown.order));
	assert_string_equal(json_str(order, "status"), status);
	cJSON_Delete(order);
	call_summary_free(&shown);
}

static int begin(void **state)
{
	folder_begin(state);
	atomic_store(&asked, 0);
	atomic_store(&told_over, 0);
	atomic_store(&may_dial, true);
	atomic_store(&twilio_status, 201);
	twilio = http_peer_start(answer_twilio, NULL);
	snprintf(api_url, sizeof api_url, "http://127.0.0.1:%d", http_peer_port(twilio));
	pairs_load(&cfg, (const char *const[]){ "TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000001",
			     "TWILIO_AUTH_TOKEN", "token", "PUBLIC_URL", "https://bridge.example.com", NULL });
	cfg.twilio_api_url = api_url;
	cfg.outbound_cps = 1000;
	up();
	return 0;
}

static int end(void **state)
{
	down();
	http_peer_stop(twilio);
	config_free(&cfg);
	return folder_end(state);
}

/* --------------------------------------------------------------------------- cases */

static void the_same_key_and_body_is_the_same_call(void **state)
{
	char first[OUT_ID_SIZE], again[OUT_ID_SIZE];

	(void)state;
	assert_int_equal(place("key", "body", first), DIALER_PLACED);
	assert_int_equal(place("key", "body", again), DIALER_KNOWN);
	assert_string_equal(again, first);
	ends(first, "busy");
	assert_int_equal(place("key", "body", again), DIALER_KNOWN); /* also once it is over */
	assert_string_equal(again, first);
	assert_int_equal(atomic_load(&asked), 1);
	assert_int_equal(atomic_load(&told_over), 1);
}

struct asker {
	enum dialer_verdict verdict;
	char id[OUT_ID_SIZE];
};

static void *place_key(void *arg)
{
	struct asker *a = arg;

	a->verdict = place("key", "body", a->id);
	return NULL;
}

static void of_many_at_once_with_one_key_one_is_placed(void **state)
{
	enum { ASKERS = 6 };
	pthread_t threads[ASKERS];
	struct asker askers[ASKERS];
	int placed = 0, known = 0;

	(void)state;
	for (int i = 0; i < ASKERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, place_key, &askers[i]), 0);
	for (int i = 0; i < ASKERS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < ASKERS; i++) {
		placed += askers[i].verdict == DIALER_PLACED;
		known += askers[i].verdict == DIALER_KNOWN;
		assert_string_equal(askers[i].id, askers[0].id);
	}
	assert_int_equal(placed, 1);
	assert_int_equal(known, ASKERS - 1);
	assert_int_equal(atomic_load(&asked), 1);
}

static void the_same_key_for_another_body_is_refused(void **state)
{
	char id[OUT_ID_SIZE];

	(void)state;
	assert_int_equal(place("key", "body", id), DIALER_PLACED);
	assert_int_equal(place("key", "other", id), DIALER_CONFLICT);
	assert_string_equal(id, "");
	assert_int_equal(atomic_load(&asked), 1);
}

static void another_key_or_none_is_another_call(void **state)
{
	char id[4][OUT_ID_SIZE];

	(void)state;
	assert_int_equal(place("key", "body", id[0]), DIALER_PLACED);
	assert_int_equal(place("Key", "body", id[1]), DIALER_PLACED);
	assert_int_equal(place(NULL, "body", id[2]), DIALER_PLACED);
	assert_int_equal(place(NULL, "body", id[3]), DIALER_PLACED);
	for (int i = 0; i < 4; i++)
		for (int k = 0; k < i; k++)
			assert_string_not_equal(id[i], id[k]);
	assert_int_equal(atomic_load(&asked), 4);
}

static void a_refusal_is_remembered_like_a_call(void **state)
{
	char first[OUT_ID_SIZE], again[OUT_ID_SIZE];

	(void)state;
	atomic_store(&twilio_status, 400);
	assert_int_equal(place("key", "body", first), DIALER_REFUSED);
	assert_int_equal(place("key", "body", again), DIALER_REFUSED);
	assert_string_equal(again, first);
	down();
	up();
	assert_int_equal(place("key", "body", again), DIALER_REFUSED);
	assert_string_equal(again, first);
	assert_int_equal(atomic_load(&asked), 1);
}

/* Two calls under keys of their own: one is still open, the other ended like this. */
static void place_open_and_done(char *open, char *done, const char *ending)
{
	assert_int_equal(place("open", "body", open), DIALER_PLACED);
	assert_int_equal(place("done", "body", done), DIALER_PLACED);
	ends(done, ending);
}

static void a_key_outlives_the_process(void **state)
{
	char open[OUT_ID_SIZE], done[OUT_ID_SIZE], again[OUT_ID_SIZE];

	(void)state;
	place_open_and_done(open, done, "no-answer");
	down();
	up();
	assert_int_equal(place("open", "body", again), DIALER_KNOWN);
	assert_string_equal(again, open);
	assert_int_equal(place("done", "body", again), DIALER_KNOWN);
	assert_string_equal(again, done);
	assert_int_equal(place("done", "other", again), DIALER_CONFLICT);
	assert_int_equal(place("open", "other", again), DIALER_CONFLICT);
	assert_int_equal(atomic_load(&asked), 2);
}

static void a_key_that_cannot_be_looked_up_is_not_taken_for_new(void **state)
{
	enum { READERS = 4 }; /* all there are */
	char first[OUT_ID_SIZE], again[OUT_ID_SIZE];
	sqlite3 *taken[READERS];

	(void)state;
	assert_int_equal(place("done", "body", first), DIALER_PLACED);
	ends(first, "no-answer");
	down();
	up();
	for (int i = 0; i < READERS; i++)
		assert_non_null(taken[i] = store_reader(store));
	assert_null(store_reader(store));
	assert_int_equal(place("done", "body", again), DIALER_NO_DISK);
	for (int i = 0; i < READERS; i++)
		store_reader_done(store, taken[i]);
	assert_int_equal(place("done", "body", again), DIALER_KNOWN);
	assert_string_equal(again, first);
	assert_int_equal(atomic_load(&asked), 1);
}

/* As if they had been placed so long ago. */
static void age_s(int64_t seconds)
{
	store_write(store, "UPDATE outbound SET created_at = created_at - ?1", "i", seconds * 1000);
	down();
	up();
}

static void a_key_has_its_day(void **state)
{
	char open[OUT_ID_SIZE], done[OUT_ID_SIZE], again[OUT_ID_SIZE];

	(void)state;
	place_open_and_done(open, done, "busy");
	age_s(FLEET_KEY_S - 600);
	assert_int_equal(place("done", "body", again), DIALER_KNOWN);
	assert_int_equal(place("open", "other", again), DIALER_CONFLICT);
	age_s(1200);
	assert_int_equal(place("done", "other", again), DIALER_PLACED);
	assert_string_not_equal(again, done);
	assert_int_equal(place("open", "body", again), DIALER_PLACED);
	assert_string_not_equal(again, open);
	assert_int_equal(atomic_load(&asked), 4);
	/* What becomes of the old one is written down without it. */
	ends(open, "completed");
	/* The new owner of the key has it over a restart, too. */
	down();
	up();
	is_shown_as(open, "completed");
	assert_int_equal(place("open", "body", open), DIALER_KNOWN);
	assert_string_equal(open, again);
	assert_int_equal(place("done", "body", again), DIALER_CONFLICT);
	assert_int_equal(atomic_load(&asked), 4);
}

/* Whole dollars: what each call reserves here. */
static bool reserved_is(int usd)
{
	struct spending_day day;

	spending_look(spending, &day);
	return (int)(day.reserved_usd + 0.5) == usd;
}

static void a_call_reserves_from_the_asking_on_until_a_line_has_it_or_it_is_over(void **state)
{
	char first[OUT_ID_SIZE], second[OUT_ID_SIZE], third[OUT_ID_SIZE];
	cJSON *request;

	(void)state;
	down();
	cfg.max_day_cost = 1;
	up();
	assert_int_equal(place(NULL, "body", first), DIALER_PLACED);
	assert_true(reserved_is(1));
	assert_int_equal(place(NULL, "body", second), DIALER_PLACED);
	is_shown_as(second, "queued");
	assert_int_equal(atomic_load(&asked), 1);
	/* A restart knows which call rings. */
	down();
	up();
	until_true(reserved_is(1));
	ends(first, "busy");
	until_true(atomic_load(&asked) == 2);
	assert_true(reserved_is(1));
	assert_int_equal(dialer_answered(dialer, second, "CA00000000000000000000000000000002", &request), 0);
	cJSON_Delete(request);
	assert_true(reserved_is(1));
	dialer_on_line(dialer, second);
	assert_true(reserved_is(0));
	ends(second, "completed");
	atomic_store(&twilio_status, 400);
	assert_int_equal(place(NULL, "body", third), DIALER_REFUSED);
	assert_true(reserved_is(0));
}

static void a_day_has_so_many_calls(void **state)
{
	int64_t today = out_day_begin_ms(clock_wall_ms());
	char first[OUT_ID_SIZE], id[OUT_ID_SIZE];
	enum dialer_verdict third, again, other, later;

	(void)state;
	cfg.outbound_max_day = 2;
	assert_int_equal(place("first", "body", first), DIALER_PLACED);
	assert_int_equal(place(NULL, "body", id), DIALER_PLACED);
	third = place("third", "body", id);
	again = place("first", "body", id);
	down();
	up();
	other = place(NULL, "body", id);
	age_s(24 * 3600);
	later = place("third", "body", id);
	if (out_day_begin_ms(clock_wall_ms()) != today)
		return; /* midnight came in between */
	assert_int_equal(third, DIALER_DAY_FULL);
	assert_int_equal(again, DIALER_KNOWN);
	assert_int_equal(other, DIALER_DAY_FULL); /* over a restart */
	assert_int_equal(later, DIALER_PLACED);   /* and its key was not used up */
	assert_int_equal(atomic_load(&asked), 3);
}

static void an_order_whose_number_is_left_out_by_now_is_withdrawn(void **state)
{
	char id[OUT_ID_SIZE];

	(void)state;
	atomic_store(&may_dial, false);
	assert_int_equal(place("key", "body", id), DIALER_PLACED);
	is_shown_as(id, "failed");
	assert_int_equal(atomic_load(&asked), 0);
	assert_int_equal(atomic_load(&told_over), 1);
	down();
	up();
	is_shown_as(id, "failed");
	assert_int_equal(atomic_load(&asked), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

const struct CMUnitTest unit_tests[] = {
	CASE(the_same_key_and_body_is_the_same_call),
	CASE(of_many_at_once_with_one_key_one_is_placed),
	CASE(the_same_key_for_another_body_is_refused),
	CASE(another_key_or_none_is_another_call),
	CASE(a_refusal_is_remembered_like_a_call),
	CASE(a_key_outlives_the_process),
	CASE(a_key_that_cannot_be_looked_up_is_not_taken_for_new),
	CASE(a_key_has_its_day),
	CASE(a_call_reserves_from_the_asking_on_until_a_line_has_it_or_it_is_over),
	CASE(a_day_has_so_many_calls),
	CASE(an_order_whose_number_is_left_out_by_now_is_withdrawn),
	GROUP(http_begin, http_end),
};
