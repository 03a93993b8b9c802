#include "server/work/pump.h"

#include "common/clock.h"
#include "tests/peers/http_peer.h"
#include "tests/unit.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TRANSFERS = 5, GUARD_S = 60 };

static struct pump pump;
static int64_t began_us;

static int open_pump(void **state)
{
	(void)state;
	began_us = clock_now_us();
	return pump_open(&pump);
}

static int close_pump(void **state)
{
	(void)state;
	pump_close(&pump);
	return 0;
}

/* Far enough that a test that waits for it has failed. */
static int64_t guard_us(void)
{
	return began_us + GUARD_S * US_PER_S;
}

static size_t swallow(char *bytes, size_t size, size_t count, void *sum)
{
	(void)bytes;
	*(size_t *)sum += size * count;
	return size * count;
}

static CURL *get(int port, size_t *received, long within_ms)
{
	CURL *easy = curl_easy_init();
	char url[64];

	snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, within_ms);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, received);
	assert_int_equal(curl_multi_add_handle(pump.multi, easy), CURLM_OK);
	return easy;
}

/* Turns until the next transfer is over, and lets go of it. */
static CURLcode next_over(void)
{
	CURLMsg *message = NULL;
	CURLcode result;
	int left;

	while (clock_now_us() < guard_us() && !(message = curl_multi_info_read(pump.multi, &left)))
		pump_turn(&pump, guard_us());
	assert_non_null(message);
	result = message->data.result;
	curl_multi_remove_handle(pump.multi, message->easy_handle);
	curl_easy_cleanup(message->easy_handle);
	return result;
}

static int answer(void *arg, const char *request)
{
	(void)arg, (void)request;
	return 200;
}

/* Answers when the test lets it. */
static int answer_late(void *arg, const char *request)
{
	pthread_mutex_lock(arg);
	pthread_mutex_unlock(arg);
	return answer(NULL, request);
}

/* ------------------------------------------------------------------------------ a turn */

static void turn_ends_at_its_time(void **state)
{
	(void)state;
	pump_turn(&pump, began_us + 20 * US_PER_MS);
	assert_true(clock_now_us() >= began_us + 20 * US_PER_MS);
	pump_turn(&pump, 0); /* which is over: it only looks */
	assert_true(clock_now_us() < guard_us());
}

static void ring_ends_the_next_turn_and_no_other(void **state)
{
	int64_t rung_us;

	(void)state;
	pump_ring(&pump);
	pump_ring(&pump);
	pump_turn(&pump, guard_us());
	rung_us = clock_now_us();
	assert_true(rung_us < guard_us());
	pump_turn(&pump, rung_us + 20 * US_PER_MS);
	assert_true(clock_now_us() >= rung_us + 20 * US_PER_MS);
}

static void *ring(void *unused)
{
	usleep(10000);
	pump_ring(&pump);
	return unused;
}

static void turn_that_waits_is_ended_by_another_thread(void **state)
{
	pthread_t thread;

	(void)state;
	pthread_create(&thread, NULL, ring, NULL);
	pump_turn(&pump, guard_us());
	pthread_join(thread, NULL);
	assert_true(clock_now_us() < guard_us());
}

/* -------------------------------------------------------------------------- transfers */

static void transfers_are_carried_side_by_side(void **state)
{
	pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
	struct http_peer *prompt = http_peer_start(answer, NULL), *late = http_peer_start(answer_late, &held);
	size_t received[TRANSFERS + 1] = { 0 };

	(void)state;
	pthread_mutex_lock(&held);
	get(http_peer_port(late), &received[TRANSFERS], GUARD_S * 1000);
	for (int i = 0; i < TRANSFERS; i++)
		get(http_peer_port(prompt), &received[i], GUARD_S * 1000);
	for (int i = 0; i < TRANSFERS; i++)
		assert_int_equal(next_over(), CURLE_OK);
	assert_int_equal(received[TRANSFERS], 0);
	pthread_mutex_unlock(&held);
	assert_int_equal(next_over(), CURLE_OK);
	for (int i = 0; i <= TRANSFERS; i++)
		assert_int_equal(received[i], strlen("ok"));
	http_peer_stop(prompt);
	http_peer_stop(late);
}

/* Nothing happens at its socket: only libcurl's own time tells. */
static void transfer_that_hears_nothing_has_its_deadline(void **state)
{
	pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
	struct http_peer *late = http_peer_start(answer_late, &held);
	size_t received = 0;

	(void)state;
	pthread_mutex_lock(&held);
	get(http_peer_port(late), &received, 50);
	assert_int_equal(next_over(), CURLE_OPERATION_TIMEDOUT);
	assert_true(clock_now_us() < guard_us());
	pthread_mutex_unlock(&held);
	http_peer_stop(late);
}

static void transfer_to_nobody_fails(void **state)
{
	struct http_peer *gone = http_peer_start(answer, NULL);
	int port = http_peer_port(gone);
	size_t received = 0;

	(void)state;
	http_peer_stop(gone);
	get(port, &received, GUARD_S * 1000);
	assert_int_equal(next_over(), CURLE_COULDNT_CONNECT);
}

/* Its descriptor may be the next one's: that is watched for the next one. */
static void transfer_that_is_let_go_leaves_nothing_behind(void **state)
{
	pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
	struct http_peer *prompt = http_peer_start(answer, NULL), *late = http_peer_start(answer_late, &held);
	size_t received = 0;

	(void)state;
	pthread_mutex_lock(&held);
	for (int i = 0; i < 3; i++) {
		CURL *easy = get(http_peer_port(late), &received, GUARD_S * 1000);

		for (int turn = 0; turn < 3; turn++)
			pump_turn(&pump, clock_now_us() + 5 * US_PER_MS);
		curl_multi_remove_handle(pump.multi, easy);
		curl_easy_cleanup(easy);
		get(http_peer_port(prompt), &received, GUARD_S * 1000);
		assert_int_equal(next_over(), CURLE_OK);
	}
	pthread_mutex_unlock(&held);
	assert_int_equal(received, 3 * strlen("ok"));
	http_peer_stop(prompt);
	http_peer_stop(late);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_pump, close_pump)

const struct CMUnitTest unit_tests[] = {
	CASE(turn_ends_at_its_time),
	CASE(ring_ends_the_next_turn_and_no_other),
	CASE(turn_that_waits_is_ended_by_another_thread),
	CASE(transfers_are_carried_side_by_side),
	CASE(transfer_that_hears_nothing_has_its_deadline),
	CASE(transfer_to_nobody_fails),
	CASE(transfer_that_is_let_go_leaves_nothing_behind),
	{ 0 },
};
