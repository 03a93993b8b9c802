#include "common/resolver.h"

#include "common/clock.h"
#include "tests/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HANG_MS = 60000 };

/* What the look-up does and has done. */
static sem_t asked, answer;
static _Atomic int lookups;
static _Atomic int lookup_err;
static _Atomic bool hold; /* each look-up posts `asked` and waits for `answer` */

static int look_up(const char *name, struct addresses *out)
{
	int n = atomic_fetch_add(&lookups, 1) + 1;

	(void)name;
	if (atomic_load(&hold)) {
		sem_post(&asked);
		sem_wait(&answer);
	}
	out->count = 1;
	out->at[0].v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl((uint32_t)n) };
	return atomic_load(&lookup_err);
}

/* One who asks, with a bell. */
struct asker {
	struct bell bell;
	struct resolver_wait wait;
	struct addresses found;
};

static int set_up(void **state)
{
	struct resolver *r;

	sem_init(&asked, 0, 0);
	sem_init(&answer, 0, 0);
	lookups = 0;
	lookup_err = 0;
	hold = false;
	if (resolver_open(&r, look_up))
		return -1;
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	resolver_close(*state);
	return 0;
}

static struct asker new_asker(void)
{
	struct asker a;

	memset(&a, 0, sizeof a);
	assert_int_equal(bell_open(&a.bell), 0);
	return a;
}

static void stop_asking(struct resolver *r, struct asker *a)
{
	resolver_forget(r, &a->wait);
	bell_close(&a->bell);
}

static int ask(struct resolver *r, struct asker *a, const char *name, int64_t now_us)
{
	if (!a->wait.bell)
		a->wait.bell = &a->bell;
	return resolver_find(r, name, now_us, &a->wait, &a->found);
}

static bool rings(const struct asker *a, int timeout_ms)
{
	struct pollfd p = { .fd = a->bell.fd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1;
}

static int ask_until(struct resolver *r, struct asker *a, const char *name, int64_t now_us)
{
	int found;

	while (!(found = ask(r, a, name, now_us))) {
		assert_true(rings(a, HANG_MS));
		bell_clear(&a->bell);
	}
	return found;
}

static uint32_t address_of(const struct asker *a)
{
	return ntohl(a->found.at[0].v4.sin_addr.s_addr);
}

static void the_bell_rings_when_the_answer_is_there(void **state)
{
	struct asker a = new_asker();

	hold = true;
	assert_int_equal(ask(*state, &a, "x.test", clock_now_us()), 0);
	sem_wait(&asked);
	assert_false(rings(&a, 0));
	assert_int_equal(ask(*state, &a, "x.test", clock_now_us()), 0);
	sem_post(&answer);
	assert_true(rings(&a, HANG_MS));
	assert_int_equal(ask(*state, &a, "x.test", clock_now_us()), 1);
	assert_int_equal(a.found.count, 1);
	assert_int_equal(lookups, 1);
	stop_asking(*state, &a);
}

static void a_fresh_answer_is_not_looked_up_again(void **state)
{
	struct asker a = new_asker();

	for (int i = 0; i < 100; i++)
		assert_int_equal(ask_until(*state, &a, "x.test", clock_now_us()), 1);
	assert_int_equal(lookups, 1);
	stop_asking(*state, &a);
}

static void all_who_wait_are_rung_by_one_look_up(void **state)
{
	enum { MANY = 50 };
	struct asker askers[MANY];

	hold = true;
	for (int i = 0; i < MANY; i++) {
		askers[i] = new_asker();
		assert_int_equal(ask(*state, &askers[i], "x.test", clock_now_us()), 0);
	}
	sem_wait(&asked);
	sem_post(&answer);
	for (int i = 0; i < MANY; i++) {
		assert_true(rings(&askers[i], HANG_MS));
		assert_int_equal(ask(*state, &askers[i], "x.test", clock_now_us()), 1);
		stop_asking(*state, &askers[i]);
	}
	assert_int_equal(lookups, 1);
}

static void an_old_answer_is_handed_out_while_a_new_one_is_fetched(void **state)
{
	struct asker a = new_asker();
	int64_t later_us;

	assert_int_equal(ask_until(*state, &a, "x.test", clock_now_us()), 1);
	assert_int_equal(address_of(&a), 1);
	hold = true;
	later_us = clock_now_us() + 60LL * US_PER_S;
	assert_int_equal(ask(*state, &a, "x.test", later_us), 1);
	assert_int_equal(address_of(&a), 1);
	sem_wait(&asked); /* it is being fetched */
	assert_int_equal(ask(*state, &a, "x.test", later_us), 1);
	hold = false;
	sem_post(&answer);
	/* And in time it is the new one that is handed out. */
	while (address_of(&a) == 1)
		assert_int_equal(ask(*state, &a, "x.test", clock_now_us()), 1);
	assert_int_equal(address_of(&a), 2);
	stop_asking(*state, &a);
}

static void a_very_old_answer_is_not_handed_out(void **state)
{
	struct asker a = new_asker();
	int64_t later_us;

	assert_int_equal(ask_until(*state, &a, "x.test", clock_now_us()), 1);
	hold = true;
	later_us = clock_now_us() + 3600LL * US_PER_S;
	assert_int_equal(ask(*state, &a, "x.test", later_us), 0);
	sem_wait(&asked);
	sem_post(&answer);
	assert_true(rings(&a, HANG_MS));
	stop_asking(*state, &a);
}

static void a_failure_is_told_and_soon_forgotten(void **state)
{
	struct asker a = new_asker();
	int64_t later_us;

	lookup_err = -ENOENT;
	assert_int_equal(ask_until(*state, &a, "x.test", clock_now_us()), -ENOENT);
	assert_int_equal(lookups, 1);
	lookup_err = 0;
	later_us = clock_now_us() + 2LL * US_PER_S;
	assert_int_equal(ask(*state, &a, "x.test", later_us), 0);
	assert_true(rings(&a, HANG_MS));
	assert_int_equal(ask(*state, &a, "x.test", later_us), 1);
	assert_int_equal(lookups, 2);
	stop_asking(*state, &a);
}

static void a_failed_refresh_leaves_the_old_answer(void **state)
{
	struct asker a = new_asker();
	int64_t later_us;

	assert_int_equal(ask_until(*state, &a, "x.test", clock_now_us()), 1);
	lookup_err = -EAGAIN;
	hold = true;
	later_us = clock_now_us() + 60LL * US_PER_S;
	assert_int_equal(ask(*state, &a, "x.test", later_us), 1);
	sem_wait(&asked);
	sem_post(&answer);
	hold = false;
	while (lookups < 2)
		;
	assert_int_equal(ask(*state, &a, "x.test", later_us), 1);
	assert_int_equal(address_of(&a), 1);
	stop_asking(*state, &a);
}

/* The one the address checker is for: the asker's memory is gone. */
static void who_gave_up_is_left_alone(void **state)
{
	struct asker *a = calloc(1, sizeof *a), other = new_asker();

	assert_int_equal(bell_open(&a->bell), 0);
	hold = true;
	assert_int_equal(ask(*state, a, "x.test", clock_now_us()), 0);
	assert_int_equal(ask(*state, &other, "x.test", clock_now_us()), 0);
	sem_wait(&asked);
	resolver_forget(*state, &a->wait);
	resolver_forget(*state, &a->wait); /* twice is fine */
	bell_close(&a->bell);
	free(a);
	sem_post(&answer);
	assert_true(rings(&other, HANG_MS));
	stop_asking(*state, &other);
}

static void too_many_names_at_once_are_refused(void **state)
{
	struct asker askers[RESOLVER_NAMES + 1];
	char name[32];

	hold = true;
	for (int i = 0; i <= RESOLVER_NAMES; i++) {
		askers[i] = new_asker();
		snprintf(name, sizeof name, "%d.test", i);
		assert_int_equal(ask(*state, &askers[i], name, clock_now_us()), i < RESOLVER_NAMES ? 0 : -EBUSY);
	}
	hold = false;
	sem_post(&answer);
	for (int i = 0; i < RESOLVER_NAMES; i++) {
		snprintf(name, sizeof name, "%d.test", i);
		assert_int_equal(ask_until(*state, &askers[i], name, clock_now_us()), 1);
	}
	/* Now that nobody waits, a new name takes the place of an old one. */
	assert_int_equal(ask_until(*state, &askers[RESOLVER_NAMES], "16.test", clock_now_us()), 1);
	for (int i = 0; i <= RESOLVER_NAMES; i++)
		stop_asking(*state, &askers[i]);
}

static void a_name_too_long_is_refused(void **state)
{
	struct asker a = new_asker();
	char name[300];

	memset(name, 'a', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	assert_int_equal(ask(*state, &a, name, clock_now_us()), -ENAMETOOLONG);
	assert_int_equal(ask(*state, &a, "", clock_now_us()), -ENAMETOOLONG);
	stop_asking(*state, &a);
}

static void *answer_when_abandoned(void *arg)
{
	(void)arg;
	/* Long after resolver_close has stopped waiting. */
	struct timespec pause = { .tv_sec = 2 };
	nanosleep(&pause, NULL);
	sem_post(&answer);
	return NULL;
}

static void closing_does_not_wait_for_a_dead_name_server(void **state)
{
	struct resolver *r;
	struct asker a = new_asker();
	pthread_t thread;

	(void)state;
	assert_int_equal(resolver_open(&r, look_up), 0);
	hold = true;
	assert_int_equal(ask(r, &a, "x.test", clock_now_us()), 0);
	sem_wait(&asked);
	pthread_create(&thread, NULL, answer_when_abandoned, NULL);
	stop_asking(r, &a);
	resolver_close(r);
	pthread_join(thread, NULL);
	resolver_close(NULL);
}

static void the_systems_look_up_knows_localhost(void **state)
{
	struct resolver *r;
	struct asker a = new_asker();
	bool v4 = false;

	(void)state;
	assert_int_equal(resolver_open(&r, NULL), 0);
	assert_int_equal(ask_until(r, &a, "localhost", clock_now_us()), 1);
	for (size_t i = 0; i < a.found.count; i++)
		v4 = v4 || a.found.at[i].v4.sin_addr.s_addr == htonl(INADDR_LOOPBACK);
	assert_true(v4);
	stop_asking(r, &a);
	resolver_close(r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

const struct CMUnitTest unit_tests[] = {
	TEST(the_bell_rings_when_the_answer_is_there),
	TEST(a_fresh_answer_is_not_looked_up_again),
	TEST(all_who_wait_are_rung_by_one_look_up),
	TEST(an_old_answer_is_handed_out_while_a_new_one_is_fetched),
	TEST(a_very_old_answer_is_not_handed_out),
	TEST(a_failure_is_told_and_soon_forgotten),
	TEST(a_failed_refresh_leaves_the_old_answer),
	TEST(who_gave_up_is_left_alone),
	TEST(too_many_names_at_once_are_refused),
	TEST(a_name_too_long_is_refused),
	TEST(closing_does_not_wait_for_a_dead_name_server),
	TEST(the_systems_look_up_knows_localhost),
	{ 0 },
};
