#include "tools/standin_model/loop.h"

#include "tools/standin_model/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { READY_MAX = 256 };

struct entry {
	struct conn *conn;
	struct record *record;
	uint64_t wake_ns;
	size_t place; /* in the heap */
	uint32_t events;
};

struct loop {
	struct service service; /* with this thread's own statistics */
	pthread_t thread;
	pthread_mutex_t lock;
	int epoll, bell;
	bool stopping;
	/* A heap: no entry wakes before its parent. */
	struct entry **heap;
	size_t count, room;
};

static void place(struct loop *l, struct entry *e, size_t at)
{
	l->heap[at] = e;
	e->place = at;
}

static void sift(struct loop *l, struct entry *e)
{
	size_t at = e->place;

	while (at > 0 && l->heap[(at - 1) / 2]->wake_ns > e->wake_ns) {
		place(l, l->heap[(at - 1) / 2], at);
		at = (at - 1) / 2;
	}
	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < l->count && l->heap[child + 1]->wake_ns < l->heap[child]->wake_ns)
			child++;
		if (child >= l->count || l->heap[child]->wake_ns >= e->wake_ns)
			break;
		place(l, l->heap[child], at);
		at = child;
	}
	place(l, e, at);
}

static void remove_entry(struct loop *l, struct entry *e)
{
	struct entry *last = l->heap[--l->count];

	if (last != e) {
		place(l, last, e->place);
		sift(l, last);
	}
	conn_free(e->conn);
	free(e);
}

static void work(struct loop *l, struct entry *e)
{
	struct epoll_event want = { .data.ptr = e };

	if (!conn_work(e->conn, clock_ns())) {
		remove_entry(l, e);
		return;
	}
	want.events = conn_events(e->conn);
	if (want.events != e->events) {
		epoll_ctl(l->epoll, EPOLL_CTL_MOD, conn_fd(e->conn), &want);
		e->events = want.events;
	}
	e->wake_ns = conn_wake_ns(e->conn);
	sift(l, e);
}

static int sleep_ms(const struct loop *l)
{
	uint64_t now = clock_ns();

	if (!l->count || l->heap[0]->wake_ns == UINT64_MAX)
		return -1;
	if (l->heap[0]->wake_ns <= now)
		return 0;
	uint64_t ms = (l->heap[0]->wake_ns - now + 999999) / 1000000;
	return ms > 1000 ? 1000 : (int)ms;
}

/* Late timers are this program's fault; the report shows the worst. */
static void run_timers(struct loop *l)
{
	uint64_t now = clock_ns();

	for (size_t n = l->count; n > 0 && l->count && l->heap[0]->wake_ns <= now; n--) {
		uint64_t late = now - l->heap[0]->wake_ns;

		if (l->heap[0]->wake_ns && late > l->service.load->ticks_late_ns_max)
			l->service.load->ticks_late_ns_max = late;
		work(l, l->heap[0]);
	}
}

static void *serve(void *arg)
{
	struct loop *l = arg;
	struct epoll_event ready[READY_MAX];

	pthread_mutex_lock(&l->lock);
	while (!l->stopping) {
		int timeout = sleep_ms(l), n;

		pthread_mutex_unlock(&l->lock);
		n = epoll_wait(l->epoll, ready, READY_MAX, timeout);
		pthread_mutex_lock(&l->lock);
		/* An entry is in the list at most once, and only work on it can free it. */
		for (int i = 0; i < n; i++) {
			uint64_t rings;

			if (ready[i].data.ptr)
				work(l, ready[i].data.ptr);
			else if (read(l->bell, &rings, sizeof rings) < 0)
				continue;
		}
		run_timers(l);
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

struct loop *loop_start(const struct service *service)
{
	struct loop *l = must_alloc(sizeof *l);
	struct epoll_event bell = { .events = EPOLLIN };

	l->service = *service;
	pthread_mutex_init(&l->lock, NULL);
	l->service.load = load_stats_new(&l->lock);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->bell, &bell);
	if (pthread_create(&l->thread, NULL, serve, l)) {
		perror("standin-model: thread");
		exit(1);
	}
	return l;
}

static void ring(struct loop *l)
{
	uint64_t one = 1;

	if (write(l->bell, &one, sizeof one) < 0)
		perror("standin-model: bell");
}

void loop_add(struct loop *l, int fd, unsigned long number, uint64_t now)
{
	struct entry *e = must_alloc(sizeof *e);
	struct epoll_event want = { .data.ptr = e };

	/* Before the lock: the report takes its own lock first, then this one. */
	e->record = record_new(number, &l->lock, now);
	e->conn = conn_new(&l->service, fd, number, e->record, now);
	pthread_mutex_lock(&l->lock);
	if (l->count == l->room) {
		l->room = l->room ? l->room * 2 : 64;
		l->heap = realloc(l->heap, l->room * sizeof l->heap[0]);
		if (!l->heap)
			abort();
	}
	e->wake_ns = 0; /* now */
	place(l, e, l->count++);
	sift(l, e);
	epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &want);
	pthread_mutex_unlock(&l->lock);
	ring(l);
}

void loop_stop(struct loop *l)
{
	pthread_mutex_lock(&l->lock);
	l->stopping = true;
	pthread_mutex_unlock(&l->lock);
	ring(l);
	pthread_join(l->thread, NULL);
	pthread_mutex_lock(&l->lock);
	while (l->count)
		remove_entry(l, l->heap[l->count - 1]);
	pthread_mutex_unlock(&l->lock);
	close(l->epoll);
	close(l->bell);
	free(l->heap);
	free(l);
}
