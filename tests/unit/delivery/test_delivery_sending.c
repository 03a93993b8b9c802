/* Webhooks out with their threads, a store and receivers. */
#include "server/delivery/delivery.h"

#include "common/clock.h"
#include "common/json.h"
#include "server/agents/agent.h"
#include "server/news/rules.h"
#include "server/store/store_outcomes.h"
#include "server/store/store.h"
#include "server/work/fetch.h"
#include "server/work/signing.h"
#include "tests/peers/http_peer.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { REQUESTS_MAX = 400 };

static struct config cfg;
static struct store *store;
static struct delivery *delivery;
static const char *agent_secret; /* NULL: the agent is gone */

/* ------------------------------------------------------------------- the receiver */

static struct receiver {
	struct http_peer *peer;
	char url[64];
	_Atomic int status; /* 0: hangs up */
	_Atomic int bad;    /* the first so many get 500 */
	_Atomic bool held;  /* requests wait while it is set */
	_Atomic int count;  /* of requests, those that wait included */
	pthread_mutex_t lock;
	char *requests[REQUESTS_MAX];
} receiver = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int receive(void *arg, const char *request)
{
	struct receiver *r = arg;
	int n;

	pthread_mutex_lock(&r->lock);
	n = r->count;
	if (n < REQUESTS_MAX) {
		free(r->requests[n]);
		r->requests[n] = strdup(request);
	}
	atomic_store(&r->count, n + 1);
	pthread_mutex_unlock(&r->lock);
	while (atomic_load(&r->held))
		usleep(1000);
	if (atomic_load(&r->bad) > 0) {
		atomic_fetch_sub(&r->bad, 1);
		return 500;
	}
	return atomic_load(&r->status);
}

static const char *body_of(int n)
{
	return strstr(receiver.requests[n], "\r\n\r\n") + 4;
}

static const char *header_of(int n, const char *name)
{
	static char value[256];

	return http_peer_header(receiver.requests[n], name, value, sizeof value);
}

/* ------------------------------------------------------------------- opening it all */

static char *secret_of(void *arg, const char *agent, const char *variant)
{
	(void)arg, (void)variant;
	return agent_secret && !strcmp(agent, "plumber") ? strdup(agent_secret) : NULL;
}

static void open_store(void)
{
	struct buf problem;

	buf_init(&problem, 0);
	if (store_open(&store, folder, 0, &problem))
		fail_msg("%s", buf_text(&problem));
	buf_free(&problem);
}

static void open_delivery(void)
{
	assert_int_equal(delivery_open(&delivery, &cfg, store, secret_of, NULL), 0);
}

static int set_up(void **state)
{
	folder_begin(state);
	cfg = (struct config){ .webhook_threads = 4, .outbox_give_up_seconds = 86400, .https_ca_file = "" };
	agent_secret = "secret";
	receiver.status = 200;
	receiver.bad = receiver.count = 0;
	receiver.held = false;
	receiver.peer = http_peer_start(receive, &receiver);
	snprintf(receiver.url, sizeof receiver.url, "http://127.0.0.1:%d/hook", http_peer_port(receiver.peer));
	open_store();
	open_delivery();
	return 0;
}

static int tear_down(void **state)
{
	atomic_store(&receiver.held, false);
	delivery_close(delivery);
	delivery = NULL;
	store_close(store);
	store = NULL;
	http_peer_stop(receiver.peer);
	for (int i = 0; i < REQUESTS_MAX; i++) {
		free(receiver.requests[i]);
		receiver.requests[i] = NULL;
	}
	return folder_end(state);
}

static void put_call(struct json_out *j, const void *what)
{
	assert_null(what);
	json_put_object(j, "call");
	json_put_int(j, "x", 1);
	json_put_end(j);
}

static void happen(const char *event, const char *call_sid, const char *url)
{
	delivery_add(delivery, &(struct delivery_event){ .event = event,
				   .url = url,
				   .call_sid = call_sid,
				   .agent = "plumber",
				   .variant = "",
				   .at_ms = 1800000000000,
				   .put = put_call });
}

static int64_t status_number(const char *name)
{
	double value = -1;
	cJSON *json;

	delivery_put_status(delivery, tree_begin());
	json = tree_end();
	assert_true(json_num(json, name, &value));
	cJSON_Delete(json);
	return (int64_t)value;
}

/* Caller deletes. */
static cJSON *list(const char *state, int64_t cursor, int limit)
{
	struct buf text;
	cJSON *json;

	buf_init(&text, 0);
	assert_int_equal(delivery_list(delivery, state, cursor, limit, &text), 0);
	json = json_parse(text.data, text.len);
	assert_non_null(json);
	buf_free(&text);
	return json;
}

static int listed(const char *state)
{
	cJSON *json = list(state, INT64_MAX, 200);
	int count = cJSON_GetArraySize(json_get(json, "outbox"));

	cJSON_Delete(json);
	return count;
}

/* The only one there is in that state. */
static const char *only_id(const char *state)
{
	static char id[40];
	cJSON *json = list(state, INT64_MAX, 200);

	assert_int_equal(cJSON_GetArraySize(json_get(json, "outbox")), 1);
	snprintf(id, sizeof id, "%s", json_str(cJSON_GetArrayItem(json_get(json, "outbox"), 0), "id"));
	cJSON_Delete(json);
	return id;
}

/* --------------------------------------------------------------------------- cases */

static void an_event_arrives_signed_once(void **state)
{
	char signature[256], id[40];
	struct buf again;
	cJSON *body;

	(void)state;
	happen("call.ended", "CA1", receiver.url);
	until_true(status_number("delivered") == 1);
	assert_int_equal(receiver.count, 1);
	assert_string_equal(header_of(0, "Content-Type"), "application/json");
	assert_string_equal(header_of(0, "Trunkline-Event"), "call.ended");
	body = json_parse(body_of(0), strlen(body_of(0)));
	assert_non_null(body);
	snprintf(id, sizeof id, "%s", json_str(body, "id"));
	assert_string_equal(header_of(0, "Trunkline-Delivery"), id);
	assert_string_equal(header_of(0, "Idempotency-Key"), id);
	assert_int_equal(strlen(id), 28);
	assert_int_equal(strncmp(id, "evt_", 4), 0);
	assert_string_equal(json_str(body, "event"), "call.ended");
	assert_string_equal(json_str(body, "created_at"), "2027-01-15T08:00:00.000Z");
	assert_non_null(json_get(json_get(body, "call"), "x"));
	cJSON_Delete(body);
	snprintf(signature, sizeof signature, "Trunkline-Signature: %s", header_of(0, "Trunkline-Signature"));
	buf_init(&again, 0);
	signing_put_header(
	    &again, "secret", strtoll(strstr(signature, "t=") + 2, NULL, 10), body_of(0), strlen(body_of(0)));
	assert_string_equal(buf_text(&again), signature);
	buf_free(&again);
	assert_int_equal(listed("delivered"), 1);
	assert_int_equal(listed("waiting"), 0);
	assert_int_equal(status_number("waiting"), 0);
}

static void without_a_secret_it_goes_unsigned(void **state)
{
	(void)state;
	agent_secret = "";
	happen("call.ended", "CA1", receiver.url);
	until_true(status_number("delivered") == 1);
	assert_string_equal(header_of(0, "Trunkline-Signature"), "");
}

static void without_its_agent_it_is_not_sent_until_there_is_one(void **state)
{
	cJSON *json;

	(void)state;
	agent_secret = NULL;
	happen("call.ended", "CA1", receiver.url);
	until_true(status_number("failed") == 1);
	assert_int_equal(receiver.count, 0);
	json = list("waiting", INT64_MAX, 10);
	assert_non_null(strstr(json_str(cJSON_GetArrayItem(json_get(json, "outbox"), 0), "last_error"), "plumber"));
	cJSON_Delete(json);
	delivery_stop(delivery);
	agent_secret = "secret";
	delivery_close(delivery);
	open_delivery();
	until_true(status_number("delivered") == 1);
}

static void a_failure_is_tried_again_and_nothing_overtakes_it(void **state)
{
	static const char *const events[] = { "call.started", "record.created", "call.ended" };

	(void)state;
	receiver.bad = 1;
	for (int i = 0; i < 3; i++)
		happen(events[i], "CA1", receiver.url);
	until_true(status_number("delivered") == 3);
	assert_int_equal(receiver.count, 4);
	assert_string_equal(header_of(0, "Trunkline-Event"), "call.started");
	for (int i = 0; i < 3; i++)
		assert_string_equal(header_of(i + 1, "Trunkline-Event"), events[i]);
	/* The same delivery, so that the receiver can tell. */
	assert_string_equal(body_of(0), body_of(1));
	assert_int_equal(status_number("failed"), 1);
}

static void what_was_not_delivered_is_sent_after_a_restart(void **state)
{
	(void)state;
	receiver.status = 0;
	happen("call.started", "CA1", receiver.url);
	happen("call.ended", "CA1", receiver.url);
	until_true(status_number("failed") >= 1);
	delivery_close(delivery);
	store_close(store);
	receiver.status = 200;
	atomic_store(&receiver.count, 0);
	open_store();
	open_delivery();
	until_true(status_number("delivered") == 2);
	assert_string_equal(header_of(0, "Trunkline-Event"), "call.started");
	assert_string_equal(header_of(1, "Trunkline-Event"), "call.ended");
	delivery_close(delivery);
	open_delivery();
	assert_int_equal(status_number("waiting"), 0);
}

static void what_is_parked_is_sent_again_when_asked(void **state)
{
	char id[40];

	(void)state;
	delivery_close(delivery);
	cfg.outbox_give_up_seconds = 0;
	open_delivery();
	receiver.status = 503;
	happen("call.ended", "CA1", receiver.url);
	until_true(status_number("parked") == 1);
	assert_int_equal(status_number("waiting"), 0);
	snprintf(id, sizeof id, "%s", only_id("parked"));
	receiver.status = 200;
	assert_int_equal(delivery_retry(delivery, id), 0);
	until_true(status_number("delivered") == 1);
	assert_string_equal(header_of(1, "Trunkline-Delivery"), id);
	assert_int_equal(delivery_retry(delivery, id), -EALREADY);
	assert_int_equal(delivery_retry(delivery, "evt_unknown"), -ENOENT);
	assert_int_equal(receiver.count, 2);
	assert_int_equal(listed("parked"), 0);
}

static void gone_is_parked_at_once(void **state)
{
	(void)state;
	receiver.status = 410;
	happen("call.ended", "CA1", receiver.url);
	until_true(status_number("parked") == 1);
	assert_int_equal(receiver.count, 1);
	assert_int_equal(strlen(only_id("parked")), 28);
}

static void a_receiver_that_hangs_delays_nobody_else(void **state)
{
	struct receiver *slow = &receiver;
	static struct receiver quick;
	char call[16];

	(void)state;
	quick.status = 200;
	quick.count = 0;
	pthread_mutex_init(&quick.lock, NULL);
	quick.peer = http_peer_start(receive, &quick);
	snprintf(quick.url, sizeof quick.url, "http://127.0.0.1:%d/", http_peer_port(quick.peer));
	slow->held = true;
	for (int i = 0; i < 30; i++) {
		snprintf(call, sizeof call, "CA%d", i);
		happen("call.ended", call, slow->url);
		happen("call.ended", call, quick.url);
	}
	until_true(status_number("delivered") == 30);
	assert_int_equal(quick.count, 30);
	until_true(slow->count == 2);
	assert_int_equal(status_number("sending"), 2);
	assert_int_equal(status_number("waiting"), 30);
	slow->held = false;
	until_true(status_number("delivered") == 60);
	http_peer_stop(quick.peer);
	for (int i = 0; i < REQUESTS_MAX; i++) {
		free(quick.requests[i]);
		quick.requests[i] = NULL;
	}
}

static void the_list_pages_from_the_newest(void **state)
{
	int64_t cursor = INT64_MAX;
	char last[40] = "";
	int seen = 0, pages = 0;

	(void)state;
	receiver.status = 410;
	for (int i = 0; i < 25; i++)
		happen("call.ended", "CA1", receiver.url);
	until_true(status_number("parked") == 25);
	do {
		cJSON *json = list("", cursor, 10);
		const char *next = json_str(json, "next");
		const cJSON *each;

		cJSON_ArrayForEach(each, json_get(json, "outbox"))
		{
			assert_string_not_equal(json_str(each, "id"), last);
			snprintf(last, sizeof last, "%s", json_str(each, "id"));
			assert_string_equal(json_str(each, "state"), "parked");
			assert_string_equal(json_str(each, "last_error"), "it answered 410");
			seen++;
		}
		cursor = next ? strtoll(next, NULL, 10) : -1;
		cJSON_Delete(json);
		pages++;
	} while (cursor >= 0);
	assert_int_equal(seen, 25);
	assert_int_equal(pages, 3);
}

static void without_a_store_it_still_delivers_in_order(void **state)
{
	struct buf unused;

	(void)state;
	delivery_close(delivery);
	store_close(store);
	store = NULL;
	open_delivery();
	receiver.bad = 1;
	happen("call.started", "CA1", receiver.url);
	happen("call.ended", "CA1", receiver.url);
	until_true(status_number("delivered") == 2);
	assert_string_equal(header_of(0, "Trunkline-Event"), "call.started");
	assert_string_equal(header_of(1, "Trunkline-Event"), "call.started");
	assert_string_equal(header_of(2, "Trunkline-Event"), "call.ended");
	buf_init(&unused, 0);
	assert_int_equal(delivery_list(delivery, "", INT64_MAX, 10, &unused), -ENOTSUP);
	assert_int_equal(delivery_retry(delivery, "evt_x"), -ENOTSUP);
	buf_free(&unused);
}

static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes;
	setrlimit(RLIMIT_FSIZE, &limit);
}

static void a_full_disk_holds_up_no_webhook(void **state)
{
	(void)state;
	limit_files(0);
	receiver.bad = 1;
	happen("call.started", "CA1", receiver.url);
	happen("call.ended", "CA1", receiver.url);
	until_true(status_number("delivered") == 2);
	limit_files(RLIM_INFINITY);
	until_true(listed("delivered") == 2);
	assert_int_equal(receiver.count, 3);
}

static void *happen_often(void *arg)
{
	for (int i = 0; i < 50; i++)
		happen("call.ended", arg, receiver.url);
	return NULL;
}

static void many_threads_tell_and_each_call_stays_in_order(void **state)
{
	static char calls[][8] = { "CA1", "CA2", "CA3", "CA4" };
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, happen_often, calls[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	until_true(status_number("delivered") == 200);
	assert_int_equal(receiver.count, 200);
	assert_int_equal(listed("delivered"), 200);
}

static void the_end_does_not_wait_for_who_hangs(void **state)
{
	(void)state;
	receiver.held = true;
	happen("call.ended", "CA1", receiver.url);
	until_true(receiver.count == 1);
	delivery_stop(delivery); /* three seconds, and a second to be told */
	receiver.held = false;
	delivery_close(delivery);
	open_delivery();
	until_true(status_number("delivered") == 1);
	assert_string_equal(body_of(0), body_of(1));
}

/* --------------------------------------------------------------- from the journal */

static void tell(const struct agent *p, enum journal_kind kind, const char *type, enum call_end end)
{
	struct call_summary call = { .call_sid = "CA1", .end = end };
	struct call_turn turn = { .who = "caller" };
	struct outcome_row outcome = { .id = "rec_1" };
	struct journal_entry entry = { .kind = kind, .type = type, .call_sid = "CA1", .agent = p, .wall_ms = 1 };

	if (kind == JOURNAL_TURN)
		entry.turn = &turn;
	else if (kind == JOURNAL_OUTCOME)
		entry.outcome = &outcome;
	else if (kind != JOURNAL_NOTE)
		entry.call = &call;
	rules_sink(delivery, &entry);
}

static void each_address_is_told_what_it_asked_for(void **state)
{
	const struct agent_webhook hooks[] = { { receiver.url, WEBHOOK_ALL } };
	const struct agent p = {
		.name = "plumber", .variant = "", .signing_secret = "s", .webhooks = hooks, .webhook_count = 1
	};
	static const char *const expected[] = { "call.started", "record.created", "call.ended", "call.failed",
		"call.ended", "call.failed", "call.reconnected" };

	(void)state;
	tell(&p, JOURNAL_RESERVED, "call.reserved", CALL_NOT_ENDED);
	tell(&p, JOURNAL_NOTE, "operator.say", CALL_NOT_ENDED);
	tell(&p, JOURNAL_STARTED, "call.started", CALL_NOT_ENDED);
	tell(&p, JOURNAL_TURN, "turn", CALL_NOT_ENDED);
	tell(&p, JOURNAL_OUTCOME, "record.created", CALL_NOT_ENDED);
	tell(&p, JOURNAL_OUTCOME, "record.updated", CALL_NOT_ENDED);
	tell(&p, JOURNAL_ENDED, "call.ended", END_MODEL_LOST);
	tell(&p, JOURNAL_ENDED, "call.ended", END_CALLER_HUNG_UP);
	/* Nobody was there: it did not end, it never was. */
	tell(&p, JOURNAL_ENDED, "call.failed", END_CALL_FAILED);
	tell(&p, JOURNAL_NOTE, "call.reconnected", CALL_NOT_ENDED);
	until_true(status_number("delivered") == 7);
	usleep(1000);
	assert_int_equal(receiver.count, 7);
	for (int i = 0; i < 7; i++)
		assert_string_equal(header_of(i, "Trunkline-Event"), expected[i]);
	assert_non_null(
	    strstr(body_of(1), ",\"call\":{\"call_sid\":\"CA1\",\"agent\":\"plumber\"},\"record\":{\"id\":\"rec_1\""));
	assert_non_null(strstr(body_of(6), ",\"call\":{\"call_sid\":\"CA1\",\"agent\":\"plumber\"},\"reconnected\":{"));
	assert_non_null(strstr(body_of(2), ",\"call\":{\"call_sid\":\"CA1\""));
	assert_non_null(strstr(body_of(2), "\"ending\":{\"reason\":\"model_lost\""));
}

static void an_address_that_asked_for_one_thing_hears_no_other(void **state)
{
	const struct agent_webhook hooks[] = { { receiver.url, WEBHOOK_CALL_FAILED } };
	const struct agent p = {
		.name = "plumber", .variant = "", .signing_secret = "s", .webhooks = hooks, .webhook_count = 1
	};

	(void)state;
	tell(&p, JOURNAL_STARTED, "call.started", CALL_NOT_ENDED);
	tell(&p, JOURNAL_ENDED, "call.ended", CALL_NOT_ENDED);
	tell(&p, JOURNAL_ENDED, "call.ended", END_MODEL_FAILED);
	tell(NULL, JOURNAL_ENDED, "call.ended", END_MODEL_FAILED);
	until_true(status_number("delivered") == 1);
	assert_int_equal(listed(""), 1);
	assert_string_equal(header_of(0, "Trunkline-Event"), "call.failed");
}

static int start(void **state)
{
	signal(SIGXFSZ, SIG_IGN);
	return http_begin(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

const struct CMUnitTest unit_tests[] = {
	TEST(an_event_arrives_signed_once),
	TEST(without_a_secret_it_goes_unsigned),
	TEST(without_its_agent_it_is_not_sent_until_there_is_one),
	TEST(a_failure_is_tried_again_and_nothing_overtakes_it),
	TEST(what_was_not_delivered_is_sent_after_a_restart),
	TEST(what_is_parked_is_sent_again_when_asked),
	TEST(gone_is_parked_at_once),
	TEST(a_receiver_that_hangs_delays_nobody_else),
	TEST(the_list_pages_from_the_newest),
	TEST(without_a_store_it_still_delivers_in_order),
	TEST(a_full_disk_holds_up_no_webhook),
	TEST(many_threads_tell_and_each_call_stays_in_order),
	TEST(the_end_does_not_wait_for_who_hangs),
	TEST(each_address_is_told_what_it_asked_for),
	TEST(an_address_that_asked_for_one_thing_hears_no_other),
	GROUP(start, http_end),
};
