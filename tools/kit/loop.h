#ifndef KIT_LOOP_H
#define KIT_LOOP_H
/* One thread's wait for sockets and for times, to the nanosecond the kernel gives.
 *
 * A source or a timer is embedded in what it belongs to; the loop never frees.
 * A source may be forgotten and closed from any callback, its memory only
 * outside of `ready` of another source.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct source {
	void (*ready)(struct source *s, uint32_t events);
	int fd; /* -1 when closed */
};

struct timer {
	void (*fire)(struct timer *t, uint64_t now_ns);
	uint64_t due_ns;
	size_t slot; /* place in the heap, from 1; 0 when not set */
};

/* What a source or a timer is embedded in. */
#define OWNER(part, type, member) ((type *)((char *)(part)-offsetof(type, member)))

struct loop {
	int epoll, timer;      /* timer: only on kernels without epoll_pwait2 */
	pthread_mutex_t *lock; /* NULL, or held while it works and free while it waits */
	uint64_t grain_ns;     /* 0, or waits are whole multiples: fewer of them, each a little late */
	struct timer **heap;
	size_t count, cap;
	bool stop;
};

int loop_open(struct loop *l);
void loop_close(struct loop *l);
int loop_watch(struct loop *l, struct source *s, uint32_t events);
void loop_change(struct loop *l, struct source *s, uint32_t events);
/* Forgets the source and closes its descriptor. */
void loop_drop(struct loop *l, struct source *s);

/* When it is set already, it is moved. */
void timer_set(struct loop *l, struct timer *t, uint64_t due_ns);
void timer_stop(struct loop *l, struct timer *t);

/* Until `stop` is set by a callback. After each wait, sockets come before timers. */
void loop_run(struct loop *l);

#endif
