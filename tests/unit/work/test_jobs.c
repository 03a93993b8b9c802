#include "server/work/jobs.h"
#include "tests/unit.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>

#include <stdint.h>

static sem_t begun, may_end;
static _Atomic int ran, dropped;

struct task {
	struct job job; /* first */
	bool held;      /* posts `begun` and waits for `may_end` */
	int no;
};

static _Atomic int order[64]; /* of the last 64 */

static void run(struct job *job)
{
	struct task *t = (struct task *)job;

	if (t->held) {
		sem_post(&begun);
		sem_wait(&may_end);
	}
	order[atomic_fetch_add(&ran, 1) % 64] = t->no;
	free(t);
}

static void drop(struct job *job)
{
	atomic_fetch_add(&dropped, 1);
	free(job);
}

static struct task *new_task(bool held, int no)
{
	struct task *t = calloc(1, sizeof *t);

	assert_non_null(t);
	*t = (struct task){ .job = { run, drop, NULL }, .held = held, .no = no };
	return t;
}

static int set_up(void **state)
{
	(void)state;
	sem_init(&begun, 0, 0);
	sem_init(&may_end, 0, 0);
	ran = dropped = 0;
	return 0;
}

static struct jobs *open_pool(int threads, size_t capacity)
{
	struct jobs *jobs = NULL;

	assert_int_equal(jobs_open(&jobs, "test", threads, capacity), 0);
	return jobs;
}

static void submit(struct jobs *jobs, bool held, int no)
{
	assert_true(jobs_submit(jobs, &new_task(held, no)->job));
}

static void one_thread_takes_them_in_order(void **state)
{
	struct jobs *jobs = open_pool(1, 64);
	struct jobs_count count;

	(void)state;
	submit(jobs, true, 0);
	sem_wait(&begun);
	for (int i = 1; i < 10; i++)
		submit(jobs, i == 9, i);
	jobs_count(jobs, &count);
	assert_int_equal(count.waiting, 9);
	sem_post(&may_end);
	sem_wait(&begun); /* the last is running, so all others are done */
	jobs_count(jobs, &count);
	assert_int_equal(count.waiting, 0);
	assert_int_equal(count.threads, 1);
	assert_int_equal(count.running, 1);
	assert_int_equal(count.done, 9);
	sem_post(&may_end);
	jobs_close(jobs);
	assert_int_equal(ran, 10);
	for (int i = 0; i < 10; i++)
		assert_int_equal(order[i], i);
}

static void all_threads_work_at_once(void **state)
{
	struct jobs *jobs = open_pool(4, 64);

	(void)state;
	for (int i = 0; i < 4; i++)
		submit(jobs, true, i);
	for (int i = 0; i < 4; i++)
		sem_wait(&begun); /* would hang if one waited for another */
	for (int i = 0; i < 4; i++)
		sem_post(&may_end);
	jobs_close(jobs);
	assert_int_equal(ran, 4);
}

static void a_full_queue_says_no_and_touches_nothing(void **state)
{
	struct jobs *jobs = open_pool(1, 2);
	struct task *third = new_task(false, 3);
	struct jobs_count count;

	(void)state;
	submit(jobs, true, 0);
	sem_wait(&begun);
	submit(jobs, false, 1);
	submit(jobs, false, 2);
	assert_false(jobs_submit(jobs, &third->job));
	jobs_count(jobs, &count);
	assert_int_equal(count.refused, 1);
	assert_int_equal(count.waiting, 2);
	assert_int_equal(count.capacity, 2);
	free(third);
	sem_post(&may_end);
	while (atomic_load(&ran) < 3)
		sched_yield();
	jobs_close(jobs);
	assert_int_equal(dropped, 0);
}

static void *stop(void *jobs)
{
	jobs_stop(jobs);
	return NULL;
}

static void stopping_drops_what_waits_and_waits_for_what_runs(void **state)
{
	struct jobs *jobs = open_pool(1, 64);
	struct task *late = new_task(false, 9);
	pthread_t stopper;

	(void)state;
	submit(jobs, true, 0);
	sem_wait(&begun);
	for (int i = 1; i < 6; i++)
		submit(jobs, false, i);
	assert_false(jobs_closing(jobs));
	assert_false(*jobs_cancel(jobs));
	pthread_create(&stopper, NULL, stop, jobs);
	while (atomic_load(&dropped) < 5)
		sched_yield();
	assert_true(jobs_closing(jobs));
	assert_true(*jobs_cancel(jobs));
	assert_int_equal(ran, 0);
	assert_false(jobs_submit(jobs, &late->job));
	sem_post(&may_end);
	pthread_join(stopper, NULL);
	assert_int_equal(ran, 1);
	/* Still there, to say no; and stopping again is fine. */
	assert_false(jobs_submit(jobs, &late->job));
	jobs_stop(jobs);
	jobs_close(jobs);
	free(late);
}

struct crowd {
	struct jobs *jobs;
	int taken, refused;
};

static void *submit_many(void *arg)
{
	struct crowd *crowd = arg;

	for (int i = 0; i < 500; i++) {
		struct task *t = new_task(false, i);

		if (jobs_submit(crowd->jobs, &t->job)) {
			crowd->taken++;
		} else {
			crowd->refused++;
			free(t);
		}
	}
	return NULL;
}

static void whatever_races_each_job_ends_exactly_once(void **state)
{
	struct jobs *jobs = open_pool(3, 50);
	struct crowd crowds[4];
	pthread_t threads[4];
	int taken = 0;

	(void)state;
	for (int i = 0; i < 4; i++) {
		crowds[i] = (struct crowd){ .jobs = jobs };
		pthread_create(&threads[i], NULL, submit_many, &crowds[i]);
	}
	jobs_stop(jobs);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		taken += crowds[i].taken;
		assert_int_equal(crowds[i].taken + crowds[i].refused, 500);
	}
	jobs_close(jobs);
	assert_int_equal(ran + dropped, taken);
}

static void nothing_is_fine(void **state)
{
	struct jobs_count count;

	(void)state;
	jobs_stop(NULL);
	jobs_close(NULL);
	jobs_count(NULL, &count);
	assert_int_equal(count.threads, 0);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

const struct CMUnitTest unit_tests[] = {
	TEST(one_thread_takes_them_in_order),
	TEST(all_threads_work_at_once),
	TEST(a_full_queue_says_no_and_touches_nothing),
	TEST(stopping_drops_what_waits_and_waits_for_what_runs),
	TEST(whatever_races_each_job_ends_exactly_once),
	TEST(nothing_is_fine),
	{ 0 },
};
