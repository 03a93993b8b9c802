/* A queue under one lock, first in, first out. A job's time is seconds, so a
 * lock held for a few moves of pointers is no matter; a thread of a call
 * waits for nothing longer than that.
 */
#include "server/work/jobs.h"

#include "common/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STACK_BYTES = 512 * 1024 }; /* libcurl and SQLite want less; untouched pages cost nothing */

struct jobs {
	const char *name;
	int size;           /* threads asked for */
	pthread_t *threads; /* owned; thread_count of them were started and not yet joined */
	int thread_count;
	size_t capacity;
	_Atomic bool closing;

	pthread_mutex_t lock; /* all below; held for a few moves of pointers */
	pthread_cond_t wanted;
	struct job *first, **last;
	size_t waiting;
	int running;
	uint64_t done, refused;
};

/* Under the lock. The oldest, or NULL. */
static struct job *take(struct jobs *jobs)
{
	struct job *job = jobs->first;

	if (!job)
		return NULL;
	jobs->first = job->next;
	if (!jobs->first)
		jobs->last = &jobs->first;
	jobs->waiting--;
	return job;
}

/* A thread's life. The lock is left for the job's run; closing wins over
 * what is queued, which jobs_stop has taken already. */
static void *serve(void *arg)
{
	struct jobs *jobs = arg;
	struct job *job;

	pthread_mutex_lock(&jobs->lock);
	for (;;) {
		while (!jobs->first && !jobs_closing(jobs))
			pthread_cond_wait(&jobs->wanted, &jobs->lock);
		if (jobs_closing(jobs))
			break;
		job = take(jobs);
		jobs->running++;
		pthread_mutex_unlock(&jobs->lock);
		job->run(job);
		pthread_mutex_lock(&jobs->lock);
		jobs->running--;
		jobs->done++;
	}
	pthread_mutex_unlock(&jobs->lock);
	return NULL;
}

/* The name shows in top and in a debugger: "tools-3". The kernel keeps 15
 * characters. */
static int start_thread(struct jobs *jobs, pthread_t *thread)
{
	pthread_attr_t attr;
	char name[16];
	int err;

	if ((err = pthread_attr_init(&attr)))
		return -err;
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	err = pthread_create(thread, &attr, serve, jobs);
	pthread_attr_destroy(&attr);
	if (err)
		return -err;
	snprintf(name, sizeof name, "%.10s-%d", jobs->name, jobs->thread_count % 1000);
	pthread_setname_np(*thread, name);
	return 0;
}

/* Opened whole or not at all: threads that were started before a failure are
 * joined. */
int jobs_open(struct jobs **out, const char *name, int threads, size_t capacity)
{
	struct jobs *jobs = calloc(1, sizeof *jobs);
	int err = 0;

	if (!jobs)
		return -ENOMEM;
	pthread_mutex_init(&jobs->lock, NULL);
	pthread_cond_init(&jobs->wanted, NULL);
	jobs->name = name;
	jobs->size = threads;
	jobs->capacity = capacity;
	jobs->last = &jobs->first;
	jobs->threads = calloc((size_t)threads, sizeof *jobs->threads);
	if (!jobs->threads)
		err = -ENOMEM;
	for (; !err && jobs->thread_count < threads; jobs->thread_count += !err)
		err = start_thread(jobs, &jobs->threads[jobs->thread_count]);
	if (err) {
		jobs_close(jobs);
		return err;
	}
	*out = jobs;
	return 0;
}

/* The queue is emptied under the lock and dropped without it, since a drop
 * takes other locks (a mailbox's). The running ones see jobs_cancel in
 * curl's progress, about once a second. */
void jobs_stop(struct jobs *jobs)
{
	struct job *job, *next;
	size_t dropped = 0;

	if (!jobs)
		return;
	pthread_mutex_lock(&jobs->lock);
	atomic_store(&jobs->closing, true);
	job = jobs->first;
	jobs->first = NULL;
	jobs->last = &jobs->first;
	jobs->waiting = 0;
	pthread_cond_broadcast(&jobs->wanted);
	pthread_mutex_unlock(&jobs->lock);
	for (; job; job = next, dropped++) {
		next = job->next;
		job->drop(job);
	}
	while (jobs->thread_count > 0)
		pthread_join(jobs->threads[--jobs->thread_count], NULL);
	if (dropped)
		log_info(jobs->name, "dropped at the end; jobs=%zu", dropped);
}

void jobs_close(struct jobs *jobs)
{
	if (!jobs)
		return;
	jobs_stop(jobs);
	pthread_cond_destroy(&jobs->wanted);
	pthread_mutex_destroy(&jobs->lock);
	free(jobs->threads);
	free(jobs);
}

/* The capacity counts the waiting jobs only. A refusal because the pool
 * closes is no refusal for the statistics. */
bool jobs_submit(struct jobs *jobs, struct job *job)
{
	bool taken;

	pthread_mutex_lock(&jobs->lock);
	taken = !jobs_closing(jobs) && jobs->waiting < jobs->capacity;
	if (taken) {
		job->next = NULL;
		*jobs->last = job;
		jobs->last = &job->next;
		jobs->waiting++;
		pthread_cond_signal(&jobs->wanted);
	} else if (!jobs_closing(jobs)) {
		jobs->refused++;
	}
	pthread_mutex_unlock(&jobs->lock);
	return taken;
}

bool jobs_closing(const struct jobs *jobs)
{
	return atomic_load(&jobs->closing);
}

const _Atomic bool *jobs_cancel(const struct jobs *jobs)
{
	return &jobs->closing;
}

void jobs_count(const struct jobs *jobs, struct jobs_count *out)
{
	struct jobs *j = (struct jobs *)jobs; /* the lock is ours to take, whatever the caller may change */

	memset(out, 0, sizeof *out);
	if (!jobs)
		return;
	pthread_mutex_lock(&j->lock);
	out->threads = j->size;
	out->running = j->running;
	out->waiting = j->waiting;
	out->capacity = j->capacity;
	out->done = j->done;
	out->refused = j->refused;
	pthread_mutex_unlock(&j->lock);
}
