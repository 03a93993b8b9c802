#ifndef WORK_JOBS_H
#define WORK_JOBS_H
/* A small fixed pool of threads for slow work: foreign HTTP, text models,
 * files. A call's loops hand work over here and go on; the result goes back
 * through the call's mailbox.
 *
 * There are two pools, so that a slow webhook never keeps a caller waiting:
 * one for work a caller waits for (tools), one for everything else. See work.h.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jobs;

/* Embedded in, or the first member of, the work's own struct, which its
 * functions free. Exactly one of the two is called, once. */
struct job {
	void (*run)(struct job *job);  /* on a pool thread; may block, within its own deadline */
	void (*drop)(struct job *job); /* instead, when the pool closes before its turn; short */
	struct job *next;              /* the queue's */
};

struct jobs_count {
	int threads, running;
	size_t waiting, capacity; /* queued, not begun; how many may be */
	uint64_t done, refused;   /* run to the end; not taken because the queue was full */
};

/* 0 or -errno. `name` is for logs and thread names, a literal of at most ten
 * characters. */
int jobs_open(struct jobs **out, const char *name, int threads, size_t capacity);

/* Drops the queued jobs, waits for the running ones. jobs_submit says no from then on.
 * Fine with NULL, and twice. */
void jobs_stop(struct jobs *jobs);

/* The same, and the pool is gone. Fine with NULL. */
void jobs_close(struct jobs *jobs);

/* Any thread; does not wait. False when the queue is full or the pool is
 * stopping: the job is still the caller's, and neither function was called. */
bool jobs_submit(struct jobs *jobs, struct job *job);

/* True once jobs_stop was called: a job that blocks should give up soon. */
bool jobs_closing(const struct jobs *jobs);

/* The same as a flag, for fetch_request.cancel; as long as the pool lives. */
const _Atomic bool *jobs_cancel(const struct jobs *jobs);

void jobs_count(const struct jobs *jobs, struct jobs_count *out); /* zeros for NULL */

#endif
