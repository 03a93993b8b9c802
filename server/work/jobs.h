#ifndef WORK_JOBS_H
#define WORK_JOBS_H
/* A small fixed pool of threads for what may be slow: foreign HTTP, text
 * models, files. A call's loops hand work over here and go on; what comes of it
 * goes back through the call's mailbox.
 *
 * There are two pools, so that a slow webhook never keeps a caller waiting:
 * one for what a caller waits for (tools), one for everything else.
 */
#include <stdbool.h>
#include <stddef.h>

struct jobs;

/* Embedded in, or the first member of, the work's own struct, which its
 * functions free. Exactly one of the two is called, once. */
struct job {
	void (*run)(struct job *job);  /* on a pool thread; may block, within its own deadline */
	void (*drop)(struct job *job); /* instead, when the pool closes before its turn; short */
	struct job *next;              /* the queue's */
};

/* 0 or -errno. `name` is for logs and thread names, a literal. */
int jobs_open(struct jobs **out, const char *name, int threads, size_t capacity);

/* Drops what is queued, waits for what runs. Fine with NULL. */
void jobs_close(struct jobs *jobs);

/* Any thread; does not wait. False when the queue is full or the pool is
 * closing: the job is still the caller's, and neither function was called. */
bool jobs_submit(struct jobs *jobs, struct job *job);

/* True once jobs_close was called: what blocks gives up soon. */
bool jobs_closing(const struct jobs *jobs);

size_t jobs_waiting(const struct jobs *jobs); /* queued, not begun; for /status */

#endif
