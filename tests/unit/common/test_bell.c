#include "common/bell.h"
#include "tests/unit.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

static int rings(const struct bell *b)
{
	struct pollfd fd = { .fd = b->fd, .events = POLLIN };

	return poll(&fd, 1, 0);
}

static void bell_rings_until_it_is_cleared(void **state)
{
	struct bell b;

	(void)state;
	assert_int_equal(bell_open(&b), 0);
	assert_int_equal(rings(&b), 0);
	bell_clear(&b); /* does not block */
	bell_ring(&b);
	bell_ring(&b);
	assert_int_equal(rings(&b), 1);
	assert_int_equal(rings(&b), 1);
	bell_clear(&b); /* once, however often it was rung */
	assert_int_equal(rings(&b), 0);
	bell_close(&b);
	assert_int_equal(b.fd, -1);
	bell_close(&b);
}

enum { ROUNDS = 20000, RINGERS = 3 };

struct told {
	struct bell bell;
	_Atomic uint32_t said[RINGERS];
};

struct ringer {
	struct told *told;
	size_t no;
};

static void *ring_often(void *arg)
{
	const struct ringer *r = arg;

	for (int i = 0; i < ROUNDS; i++) {
		atomic_fetch_add_explicit(&r->told->said[r->no], 1, memory_order_relaxed);
		bell_ring(&r->told->bell);
	}
	return NULL;
}

/* Cleared before looking, a bell never leaves anything unseen. */
static void ring_between_clearing_and_looking_is_not_lost(void **state)
{
	struct told t = { .said = { 0 } };
	struct ringer ringers[RINGERS];
	pthread_t threads[RINGERS];
	uint32_t seen = 0;

	(void)state;
	assert_int_equal(bell_open(&t.bell), 0);
	for (size_t i = 0; i < RINGERS; i++) {
		ringers[i] = (struct ringer){ &t, i };
		assert_int_equal(pthread_create(&threads[i], NULL, ring_often, &ringers[i]), 0);
	}
	while (seen < ROUNDS * RINGERS) {
		struct pollfd fd = { .fd = t.bell.fd, .events = POLLIN };

		/* Ten seconds: nobody ever rings again. */
		assert_int_equal(poll(&fd, 1, 10 * 1000), 1);
		bell_clear(&t.bell);
		seen = 0;
		for (size_t i = 0; i < RINGERS; i++)
			seen += atomic_load_explicit(&t.said[i], memory_order_relaxed);
	}
	for (size_t i = 0; i < RINGERS; i++)
		pthread_join(threads[i], NULL);
	bell_close(&t.bell);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(bell_rings_until_it_is_cleared),
	cmocka_unit_test(ring_between_clearing_and_looking_is_not_lost),
	{ 0 },
};
