#include "common/bell.h"
#include "common/ring.h"
#include "tests/unit.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#ifdef __SANITIZE_THREAD__
enum { COLLISIONS = 300 * 1000, NAPS = 10 * 1000, FLOOD = 200 * 1000 };
#else
enum { COLLISIONS = 3000 * 1000, NAPS = 20 * 1000, FLOOD = 1000 * 1000 };
#endif

enum { HEAD = 8 }; /* bytes before each body; bodies are padded to 8 */

/* xorshift: the same tests every time. */
static uint32_t roll(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* As if `at` bytes had gone through it; `at` is a multiple of 8. */
static void open_at(struct ring *r, size_t cap, uint64_t at)
{
	assert_int_equal(ring_open(r, cap), 0);
	atomic_store(&r->head, at);
	atomic_store(&r->tail, at);
	r->origin = at - at % r->cap;
}

static void put_text(struct ring *r, uint8_t type, const char *text)
{
	assert_true(ring_put(r, type, text, strlen(text)));
}

static void expect(struct ring *r, uint8_t type, const char *text)
{
	struct ring_message got;

	assert_true(ring_next(r, &got));
	assert_int_equal(got.type, type);
	assert_int_equal(got.len, strlen(text));
	assert_memory_equal(got.body, text, got.len);
	assert_int_equal((uintptr_t)got.body % 8, 0);
	ring_pop(r);
}

static void expect_empty(struct ring *r)
{
	struct ring_message got;

	assert_false(ring_next(r, &got));
	assert_int_equal(ring_used(r), 0);
}

/* ------------------------------------------------------------------- one thread */

static void records_come_out_in_order_with_type_and_length(void **state)
{
	struct ring r;

	(void)state;
	assert_int_equal(ring_open(&r, 1), 0);
	expect_empty(&r);
	put_text(&r, 1, "first");
	put_text(&r, 255, "");
	assert_true(ring_put2(&r, 7, "two ", 4, "parts", 5));
	assert_true(ring_put2(&r, 8, NULL, 0, "second part only", 16));
	expect(&r, 1, "first");
	expect(&r, 255, "");
	expect(&r, 7, "two parts");
	expect(&r, 8, "second part only");
	expect_empty(&r);
	ring_close(&r);
}

static void record_stays_until_it_is_popped(void **state)
{
	struct ring r;
	struct ring_message one, again;

	(void)state;
	assert_int_equal(ring_open(&r, 1), 0);
	put_text(&r, 1, "still here");
	assert_true(ring_next(&r, &one));
	put_text(&r, 2, "behind it");
	assert_true(ring_next(&r, &again));
	assert_ptr_equal(one.body, again.body);
	assert_int_equal(one.at, again.at);
	expect(&r, 1, "still here");
	expect(&r, 2, "behind it");
	ring_close(&r);
}

static void capacity_is_a_power_of_two_of_at_least_a_page(void **state)
{
	struct ring r;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	(void)state;
	assert_int_equal(ring_open(&r, 0), 0);
	assert_int_equal(r.cap, page);
	ring_close(&r);
	assert_int_equal(ring_open(&r, page * 4 + 1), 0);
	assert_int_equal(r.cap, page * 8);
	ring_close(&r);
	ring_close(&r); /* a zeroed ring */
}

static void full_ring_says_no_and_loses_nothing(void **state)
{
	struct ring r;
	uint32_t written = 0, read = 0;
	struct ring_message got;

	(void)state;
	assert_int_equal(ring_open(&r, 4096), 0);
	for (int lap = 0; lap < 50; lap++) {
		while (ring_put2(&r, 1, &written, sizeof written, "0123456789", (size_t)(written % 11)))
			written++;
		assert_true(written - read > r.cap / 32); /* it was really full */
		/* Some room again, and no more than there is. */
		for (int i = 0; i < 5 + lap; i++) {
			uint32_t number;

			assert_true(ring_next(&r, &got));
			memcpy(&number, got.body, sizeof number);
			assert_int_equal(number, read);
			assert_int_equal(got.len, sizeof number + read % 11);
			ring_pop(&r);
			read++;
		}
	}
	for (; ring_next(&r, &got); read++)
		ring_pop(&r);
	assert_int_equal(read, written);
	ring_close(&r);
}

static void the_last_free_byte_can_be_used(void **state)
{
	struct ring r;
	struct ring_message got;
	char body[4096 / 4 - HEAD] = "";

	(void)state;
	assert_int_equal(ring_open(&r, 4096), 0);
	assert_int_equal(r.cap, 4096);
	for (int i = 0; i < 4; i++)
		assert_true(ring_put(&r, 1, body, sizeof body));
	assert_int_equal(ring_used(&r), 4096);
	assert_false(ring_put(&r, 1, "", 0));
	assert_true(ring_next(&r, &got));
	ring_pop(&r);
	assert_true(ring_put(&r, 1, body, sizeof body));
	assert_false(ring_put(&r, 1, "", 0));
	ring_close(&r);
}

static void whoever_is_told_of_room_can_put(void **state)
{
	static char body[4096];
	struct ring r;
	uint32_t seed = 7;
	int puts = 0, refusals = 0;

	(void)state;
	open_at(&r, 4096, UINT64_MAX - 8191);
	assert_true(ring_has_room(&r, 1024 - HEAD));
	assert_false(ring_has_room(&r, 1024 - HEAD + 1));
	for (int i = 0; i < 20000; i++) {
		size_t len = roll(&seed) % 1100;
		struct ring_message got;
		bool room = ring_has_room(&r, len);

		if (room)
			assert_true(ring_put(&r, 1, body, len));
		puts += room;
		refusals += !room;
		if (roll(&seed) % 2 && ring_next(&r, &got))
			ring_pop(&r);
	}
	assert_true(puts > 1000 && refusals > 1000);
	ring_close(&r);
}

static void record_may_fill_a_quarter_and_no_more(void **state)
{
	struct ring r;
	static char body[4096];

	(void)state;
	assert_int_equal(ring_open(&r, 4096), 0);
	assert_true(ring_put(&r, 1, body, 1024 - HEAD));
	assert_false(ring_put(&r, 1, body, 1024 - HEAD + 1));
	assert_false(ring_put(&r, 1, body, sizeof body));
	/* Wherever it would come to lie: what fits an empty ring fits at every offset. */
	for (uint64_t at = 0; at < 4096; at += 8) {
		struct ring moved;
		struct ring_message got;

		open_at(&moved, 4096, at);
		memset(body, (int)at / 8, sizeof body);
		assert_true(ring_put(&moved, 9, body, 1024 - HEAD));
		assert_true(ring_next(&moved, &got));
		assert_int_equal(got.len, 1024 - HEAD);
		assert_memory_equal(got.body, body, got.len);
		ring_pop(&moved);
		expect_empty(&moved);
		ring_close(&moved);
	}
	ring_close(&r);
}

static void record_that_would_wrap_begins_the_next_lap(void **state)
{
	struct ring r;
	struct ring_message got;

	(void)state;
	for (uint64_t left = 8; left <= 64; left += 8) {
		open_at(&r, 4096, 4096 - left);
		put_text(&r, 1, "sixteen bytes ..");
		assert_true(ring_next(&r, &got));
		/* A filler takes the rest of the lap unless the record just fits. */
		assert_int_equal(got.at, left < HEAD + 16 ? 4096 : 4096 - left);
		expect(&r, 1, "sixteen bytes ..");
		expect_empty(&r);
		ring_close(&r);
	}
}

static void filler_is_not_put_where_only_it_would_fit(void **state)
{
	struct ring r;
	static const char body[1024 - HEAD];

	(void)state;
	open_at(&r, 4096, 4096 - 512);
	for (int i = 0; i < 3; i++) /* lap's rest skipped, then three quarters of the next one */
		assert_true(ring_put(&r, 1, body, sizeof body));
	assert_int_equal(ring_used(&r), 512 + 3 * 1024);
	assert_false(ring_put(&r, 1, body, sizeof body));
	assert_int_equal(ring_used(&r), 512 + 3 * 1024);
	for (int i = 0; i < 3; i++) {
		struct ring_message got;

		assert_true(ring_next(&r, &got));
		ring_pop(&r);
	}
	expect_empty(&r);
	ring_close(&r);
}

static void position_taken_now_tells_old_records_from_new(void **state)
{
	struct ring r;
	struct ring_message got;
	uint64_t before;

	(void)state;
	/* Just before the end of a lap, so that a filler comes between. */
	open_at(&r, 4096, 8 * 4096 - 40);
	put_text(&r, 1, "old");
	put_text(&r, 1, "old");
	before = ring_written(&r);
	put_text(&r, 2, "a new one, too long for what is left of the lap");
	while (ring_next(&r, &got) && got.at < before) {
		assert_int_equal(got.type, 1);
		ring_pop(&r);
	}
	expect(&r, 2, "a new one, too long for what is left of the lap");
	expect_empty(&r);
	ring_close(&r);
}

/* Any sequence of puts and pops, against a queue so simple that it is right. */
static void behaves_like_a_queue(uint64_t start)
{
	enum { MOST = 4096 };
	struct {
		uint8_t type;
		size_t len;
		uint32_t seed;
	} queue[MOST];
	size_t in = 0, out = 0, refused = 0;
	uint32_t seed = 42, body_seed = 1;
	struct ring r;
	uint8_t body[1200];
	uint64_t last_at = 0;

	open_at(&r, 8192, start);
	for (int step = 0; step < 200000; step++) {
		bool fill = (step / 500) % 2 == 0;

		if (roll(&seed) % 100 < (fill ? 70u : 30u)) {
			size_t len = roll(&seed) % (roll(&seed) % 4 ? 90 : sizeof body);
			uint8_t type = (uint8_t)(1 + roll(&seed) % 255);
			size_t cut = len ? roll(&seed) % len : 0;
			uint32_t content = ++body_seed * 2654435761u;

			for (size_t i = 0; i < len; i++)
				body[i] = (uint8_t)(content >> (i % 4 * 8)) ^ (uint8_t)i;
			if (!ring_put2(&r, type, body, cut, body + cut, len - cut)) {
				/* Only a ring that is at least half full may say no. */
				assert_true(ring_used(&r) > r.cap / 2);
				refused++;
				continue;
			}
			assert_true(in - out < MOST);
			queue[in % MOST].type = type;
			queue[in % MOST].len = len;
			queue[in++ % MOST].seed = content;
		} else {
			struct ring_message got;

			assert_int_equal(ring_next(&r, &got), in != out);
			if (in == out)
				continue;
			assert_int_equal(got.type, queue[out % MOST].type);
			assert_int_equal(got.len, queue[out % MOST].len);
			for (size_t i = 0; i < got.len; i++)
				assert_int_equal(((const uint8_t *)got.body)[i],
				    (uint8_t)(queue[out % MOST].seed >> (i % 4 * 8)) ^ (uint8_t)i);
			assert_true(out == 0 || got.at - last_at < UINT64_MAX / 2);
			last_at = got.at;
			ring_pop(&r);
			out++;
		}
	}
	assert_true(refused > 100 && out > 10000);
	ring_close(&r);
}

static void any_sequence_behaves_like_a_queue(void **state)
{
	(void)state;
	behaves_like_a_queue(0);
}

static void positions_beyond_32_bits_mean_nothing_special(void **state)
{
	(void)state;
	behaves_like_a_queue(UINT32_MAX - 7 - 64 * 1024);
	behaves_like_a_queue((uint64_t)1 << 40);
}

static void even_the_wrap_of_64_bits_loses_nothing(void **state)
{
	(void)state;
	behaves_like_a_queue(UINT64_MAX - 7 - 64 * 1024);
}

static void reset_ring_is_empty_and_goes_on_counting(void **state)
{
	struct ring r;
	uint64_t before;

	(void)state;
	assert_int_equal(ring_open(&r, 4096), 0);
	put_text(&r, 1, "of the last call");
	assert_true(ring_used(&r) > 0);
	before = ring_written(&r);
	ring_reset(&r);
	expect_empty(&r);
	assert_int_equal(ring_written(&r), before);
	assert_false(ring_wanted(&r));
	put_text(&r, 2, "of this one");
	expect(&r, 2, "of this one");
	ring_close(&r);
}

/* ----------------------------------------------------------------------- memory */

static size_t pages_in_use(const struct ring *r)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), count = 0;
	size_t pages = r->cap / page;
	unsigned char *there = malloc(pages);

	assert_non_null(there);
	assert_int_equal(mincore(r->data, r->cap, there), 0);
	for (size_t i = 0; i < pages; i++)
		count += there[i] & 1;
	free(there);
	return count;
}

static void ring_that_empties_now_and_then_keeps_little_memory(void **state)
{
	struct ring r;
	struct ring_message got;
	static char body[1000];
	size_t most = 0;

	(void)state;
	assert_int_equal(ring_open(&r, 4 << 20), 0);
	assert_int_equal(pages_in_use(&r), 0);
	for (int i = 0; i < 20000; i++) { /* five laps */
		assert_true(ring_put(&r, 1, body, sizeof body));
		assert_true(ring_next(&r, &got));
		ring_pop(&r);
		if (i % 16 == 0 && pages_in_use(&r) > most)
			most = pages_in_use(&r);
	}
	assert_in_range(most, 1, 5); /* the same ones again and again */
	ring_close(&r);
}

static void what_a_burst_touched_is_given_back(void **state)
{
	struct ring r;
	struct ring_message got;
	static char body[1000];

	(void)state;
	assert_int_equal(ring_open(&r, 4 << 20), 0);
	for (int i = 0; i < 2000; i++)
		assert_true(ring_put(&r, 1, body, sizeof body));
	assert_true(pages_in_use(&r) > 400);
	while (ring_next(&r, &got))
		ring_pop(&r);
	put_text(&r, 1, "the next record");
	assert_true(pages_in_use(&r) <= 4);
	expect(&r, 1, "the next record");

	/* And by the end of a call at the latest. */
	for (int i = 0; i < 2000; i++)
		assert_true(ring_put(&r, 1, body, sizeof body));
	ring_reset(&r);
	assert_int_equal(pages_in_use(&r), 0);
	ring_close(&r);
}

static void giving_memory_back_never_takes_an_unread_record(void **state)
{
	struct ring r;
	struct ring_message got;
	uint32_t read = 0;

	(void)state;
	assert_int_equal(ring_open(&r, 256 * 1024), 0);
	for (uint32_t i = 0; i < 100000; i++) {
		assert_true(ring_put(&r, 1, &i, sizeof i));
		/* One is always left, except now and then. */
		if (i % 1000 != 0 && i == read)
			continue;
		assert_true(ring_next(&r, &got));
		assert_memory_equal(got.body, &read, sizeof read);
		ring_pop(&r);
		read++;
	}
	ring_close(&r);
}

/* ------------------------------------------------------------- sleeping, one thread */

static void sleeper_is_wanted_once(void **state)
{
	struct ring r;

	(void)state;
	assert_int_equal(ring_open(&r, 4096), 0);
	assert_false(ring_wanted(&r)); /* nobody sleeps */
	assert_true(ring_sleep(&r));
	put_text(&r, 1, "x");
	assert_true(ring_wanted(&r));
	put_text(&r, 1, "y");
	assert_false(ring_wanted(&r));
	expect(&r, 1, "x");
	/* Not empty: it does not sleep, and nobody need wake it. */
	assert_false(ring_sleep(&r));
	assert_false(ring_wanted(&r));
	expect(&r, 1, "y");
	assert_true(ring_sleep(&r));
	assert_true(ring_sleep(&r)); /* woken by something else, and back to sleep */
	assert_true(ring_wanted(&r));
	ring_close(&r);
}

/* -------------------------------------------------------------------- two threads */

/* Writer and reader meet at every single record: the writer waits until the
 * reader has eaten all and is about to fall asleep, then puts one record at
 * about that moment. The bell is a plain flag, so that millions of collisions
 * are possible; a wake-up is lost if the reader sleeps, the writer has put its
 * record and asked whether it is wanted, and the flag is still down. No clock
 * is needed to know that; one only cuts it short on a machine that is busy. */
struct meeting {
	struct ring ring;
	_Alignas(64) _Atomic uint32_t eaten; /* records the reader has taken */
	_Alignas(64) _Atomic uint32_t asked; /* records the writer has put and asked about */
	_Alignas(64) _Atomic int rung;
	_Alignas(64) _Atomic int lost;
	bool early;     /* reader only: slept before the last record came */
	uint32_t slept; /* reader only */
};

enum { MEET = 1, PART };

static void pause_a_little(unsigned turns)
{
	for (volatile unsigned i = 0; i < turns; i++)
		;
}

static void wait_a_turn(unsigned *turns)
{
	if (++*turns % 64 == 0)
		sched_yield();
}

static bool woken(struct meeting *m, uint32_t eaten)
{
	unsigned turns = 0;

	for (;;) {
		if (atomic_exchange_explicit(&m->rung, 0, memory_order_acquire))
			return true;
		/* The record after the last one eaten is put, and asked about:
		 * whatever the writer had to do for us, it has done. */
		if (atomic_load_explicit(&m->asked, memory_order_acquire) > eaten)
			return atomic_exchange_explicit(&m->rung, 0, memory_order_acquire) != 0;
		wait_a_turn(&turns);
	}
}

static void *meeting_reader(void *arg)
{
	struct meeting *m = arg;
	uint32_t eaten = 0, seed = 7;
	unsigned delay = 100;
	struct ring_message got;
	bool over = false;

	while (!over) {
		/* Later when it was too early, earlier when it was too late: so it
		 * falls asleep just as the record comes, on any machine. */
		if (m->early && delay < 300)
			delay++;
		else if (!m->early && delay > 0)
			delay--;
		m->early = false;
		while (ring_next(&m->ring, &got)) {
			uint32_t number;

			over = got.type == PART;
			memcpy(&number, got.body, sizeof number);
			if (number != eaten)
				atomic_fetch_add(&m->lost, 1000000);
			ring_pop(&m->ring);
			eaten++;
			atomic_store_explicit(&m->eaten, eaten, memory_order_release);
			pause_a_little(delay + roll(&seed) % 8);
		}
		if (over || !ring_sleep(&m->ring))
			continue;
		m->early = true;
		m->slept++;
		if (!woken(m, eaten))
			atomic_fetch_add_explicit(&m->lost, 1, memory_order_relaxed);
	}
	return NULL;
}

static void no_wake_up_is_lost_in_millions_of_collisions(void **state)
{
	static struct meeting meeting;
	struct meeting *m = &meeting;
	pthread_t reader;
	uint32_t seed = 99, i = 0;
	time_t until = time(NULL) + 5;
	bool over = false;

	(void)state;
	assert_int_equal(ring_open(&m->ring, 4096), 0);
	assert_int_equal(pthread_create(&reader, NULL, meeting_reader, m), 0);
	for (; !over; i++) {
		unsigned turns = 0;

		while (atomic_load_explicit(&m->eaten, memory_order_acquire) != i)
			wait_a_turn(&turns);
		pause_a_little(roll(&seed) % 8);
		over = i == COLLISIONS || atomic_load_explicit(&m->lost, memory_order_relaxed) ||
		       (i % 4096 == 0 && time(NULL) > until);
		if (!ring_put(&m->ring, over ? PART : MEET, &i, sizeof i))
			fail_msg("no room in an empty ring");
		if (ring_wanted(&m->ring))
			atomic_store_explicit(&m->rung, 1, memory_order_release);
		atomic_store_explicit(&m->asked, i + 1, memory_order_release);
	}
	pthread_join(reader, NULL);
	assert_int_equal(atomic_load(&m->lost), 0);
	assert_true(m->slept > 100); /* they did meet, also where both have to share a core */
	ring_close(&m->ring);
}

/* The same with a real bell and poll, as the loops do it. A reader that is not
 * woken within ten seconds, while a record lies there, was not woken at all. */
struct napping {
	struct ring ring;
	struct bell bell;
	_Atomic uint32_t eaten;
	int lost;
};

static void *napping_reader(void *arg)
{
	struct napping *n = arg;
	struct pollfd bell = { .fd = n->bell.fd, .events = POLLIN };
	uint32_t eaten = 0;
	struct ring_message got;

	while (eaten < NAPS) {
		while (ring_next(&n->ring, &got)) {
			ring_pop(&n->ring);
			atomic_store_explicit(&n->eaten, ++eaten, memory_order_release);
		}
		if (eaten == NAPS || !ring_sleep(&n->ring))
			continue;
		if (poll(&bell, 1, 10 * 1000) == 0 && ring_used(&n->ring))
			n->lost++;
		bell_clear(&n->bell);
	}
	return NULL;
}

static void sleeping_reader_hears_the_bell_every_time(void **state)
{
	static struct napping napping;
	struct napping *n = &napping;
	pthread_t reader;
	uint32_t seed = 5;

	(void)state;
	assert_int_equal(ring_open(&n->ring, 64 * 1024), 0);
	assert_int_equal(bell_open(&n->bell), 0);
	assert_int_equal(pthread_create(&reader, NULL, napping_reader, n), 0);
	for (uint32_t i = 0; i < NAPS; i++) {
		unsigned turns = 0;

		while (i - atomic_load_explicit(&n->eaten, memory_order_acquire) > 1)
			wait_a_turn(&turns);
		pause_a_little(roll(&seed) % 2000);
		if (!ring_put(&n->ring, 1, &i, sizeof i))
			fail_msg("no room");
		if (ring_wanted(&n->ring))
			bell_ring(&n->bell);
	}
	pthread_join(reader, NULL);
	assert_int_equal(n->lost, 0);
	bell_close(&n->bell);
	ring_close(&n->ring);
}

/* No sleep at all: the ring runs full and empty, trims and skips, and every
 * byte arrives. */
static void *flood_reader(void *arg)
{
	struct ring *r = arg;
	uint32_t expected = 0;
	uintptr_t wrong = 0;
	unsigned turns = 0;
	struct ring_message got;

	while (expected < FLOOD) {
		const uint32_t *body;

		if (!ring_next(r, &got)) {
			wait_a_turn(&turns);
			continue;
		}
		body = got.body;
		if (got.len != 4 * (1 + expected % 300) || got.type != 1 + expected % 250)
			wrong++;
		for (size_t i = 0; i < got.len / 4; i++)
			wrong += body[i] != expected;
		ring_pop(r);
		expected++;
	}
	return (void *)wrong;
}

static void every_byte_of_a_flood_arrives(void **state)
{
	static uint32_t body[300];
	struct ring r;
	pthread_t reader;
	void *wrong;

	(void)state;
	open_at(&r, 128 * 1024, UINT64_MAX - 7 - 1024 * 1024);
	assert_int_equal(pthread_create(&reader, NULL, flood_reader, &r), 0);
	for (uint32_t i = 0; i < FLOOD; i++) {
		size_t len = 1 + i % 300;
		unsigned turns = 0;

		for (size_t at = 0; at < len; at++)
			body[at] = i;
		while (!ring_put2(&r, (uint8_t)(1 + i % 250), body, 4, body + 1, 4 * (len - 1)))
			wait_a_turn(&turns);
		if (ring_used(&r) > r.cap)
			fail_msg("more in it than it holds");
	}
	pthread_join(reader, &wrong);
	assert_int_equal((uintptr_t)wrong, 0);
	ring_close(&r);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(records_come_out_in_order_with_type_and_length),
	cmocka_unit_test(record_stays_until_it_is_popped),
	cmocka_unit_test(capacity_is_a_power_of_two_of_at_least_a_page),
	cmocka_unit_test(full_ring_says_no_and_loses_nothing),
	cmocka_unit_test(the_last_free_byte_can_be_used),
	cmocka_unit_test(whoever_is_told_of_room_can_put),
	cmocka_unit_test(record_may_fill_a_quarter_and_no_more),
	cmocka_unit_test(record_that_would_wrap_begins_the_next_lap),
	cmocka_unit_test(filler_is_not_put_where_only_it_would_fit),
	cmocka_unit_test(position_taken_now_tells_old_records_from_new),
	cmocka_unit_test(any_sequence_behaves_like_a_queue),
	cmocka_unit_test(positions_beyond_32_bits_mean_nothing_special),
	cmocka_unit_test(even_the_wrap_of_64_bits_loses_nothing),
	cmocka_unit_test(reset_ring_is_empty_and_goes_on_counting),
	cmocka_unit_test(ring_that_empties_now_and_then_keeps_little_memory),
	cmocka_unit_test(what_a_burst_touched_is_given_back),
	cmocka_unit_test(giving_memory_back_never_takes_an_unread_record),
	cmocka_unit_test(sleeper_is_wanted_once),
	cmocka_unit_test(no_wake_up_is_lost_in_millions_of_collisions),
	cmocka_unit_test(sleeping_reader_hears_the_bell_every_time),
	cmocka_unit_test(every_byte_of_a_flood_arrives),
	{ 0 },
};
