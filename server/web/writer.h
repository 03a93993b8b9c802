#ifndef WEB_WRITER_H
#define WEB_WRITER_H
/* The client of an answer that is not written at once: server-sent events, a
 * long file. The filling code runs on the worker that holds the connection.
 * Each wait has a deadline, ends when the server stops, and notices a client
 * that has gone. After the first failure nothing more is sent.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct writer {
	int fd;                   /* borrowed; the connection's */
	const _Atomic bool *stop; /* borrowed; the server wants its worker back */
	int err;                  /* the first failure, or 0 */
	size_t dropped;           /* bytes the client sent without being asked */
};

void writer_init(struct writer *w, int fd, const _Atomic bool *stop);

/* Lets the system hold back no more than some 128 KB, so that a client that does
 * not read is noticed while that is still little; and has it give up on one that
 * has vanished without a word. */
void writer_bound(struct writer *w);

/* Sends all of it. `timeout_ms` is for the whole. 0, -ETIMEDOUT, -EPIPE (the
 * client is gone) or -ECANCELED (the server stops). */
int writer_put(struct writer *w, const void *bytes, size_t len, int timeout_ms);

/* Sleeps until `bell_fd` can be read (1; -1 for none), or the time is over (0),
 * or there is no point in going on: -EPIPE, -ECANCELED. */
int writer_wait(struct writer *w, int bell_fd, int timeout_ms);

#endif
