#include "tools/kit/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "tools/kit/clock.h"
#include "tools/kit/text.h"

enum { EVENTS_AT_ONCE = 64 };

int loop_open(struct loop *l)
{
	*l = (struct loop){ .epoll = epoll_create1(EPOLL_CLOEXEC), .timer = -1 };
	return l->epoll < 0 ? -errno : 0;
}

void loop_close(struct loop *l)
{
	if (l->timer >= 0)
		close(l->timer);
	if (l->epoll >= 0)
		close(l->epoll);
	free(l->heap);
}

int loop_watch(struct loop *l, struct source *s, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = s };

	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, s->fd, &e) == 0 ? 0 : -errno;
}

void loop_change(struct loop *l, struct source *s, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = s };

	epoll_ctl(l->epoll, EPOLL_CTL_MOD, s->fd, &e);
}

void loop_drop(struct loop *l, struct source *s)
{
	if (s->fd < 0)
		return;
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, s->fd, NULL);
	close(s->fd);
	s->fd = -1;
}

static void put(struct loop *l, size_t slot, struct timer *t)
{
	l->heap[slot] = t;
	t->slot = slot;
}

static void settle(struct loop *l, size_t slot)
{
	struct timer *t = l->heap[slot];

	for (; slot > 1 && l->heap[slot / 2]->due_ns > t->due_ns; slot /= 2)
		put(l, slot, l->heap[slot / 2]);
	for (;;) {
		size_t child = slot * 2;

		if (child + 1 <= l->count && l->heap[child + 1]->due_ns < l->heap[child]->due_ns)
			child++;
		if (child > l->count || l->heap[child]->due_ns >= t->due_ns)
			break;
		put(l, slot, l->heap[child]);
		slot = child;
	}
	put(l, slot, t);
}

void timer_set(struct loop *l, struct timer *t, uint64_t due_ns)
{
	t->due_ns = due_ns;
	if (!t->slot) {
		if (l->count + 1 >= l->cap) {
			l->cap = l->cap ? l->cap * 2 : 64;
			l->heap = need_more(l->heap, l->cap * sizeof *l->heap);
		}
		put(l, ++l->count, t);
	}
	settle(l, t->slot);
}

void timer_stop(struct loop *l, struct timer *t)
{
	size_t slot = t->slot;
	struct timer *last;

	if (!slot)
		return;
	t->slot = 0;
	last = l->heap[l->count--];
	if (last != t) {
		put(l, slot, last);
		settle(l, slot);
	}
}

static struct timespec until_next(const struct loop *l)
{
	uint64_t now = mono_ns(), due = l->count ? l->heap[1]->due_ns : now + NS_PER_S;
	uint64_t wait = due > now ? due - now : 0, grain = l->grain_ns ? l->grain_ns : 1;

	/* Due times may lie at the end of time. */
	wait = wait < NS_PER_S ? (wait + grain - 1) / grain * grain : NS_PER_S;
	return (struct timespec){ (time_t)(wait / NS_PER_S), (long)(wait % NS_PER_S) };
}

/* Kernels before 5.11 wait in whole milliseconds: there a timerfd does it. */
static int wait_with_timerfd(struct loop *l, struct epoll_event *events, struct timespec wait)
{
	struct itimerspec t = { .it_value = wait };
	struct epoll_event e = { .events = EPOLLIN };
	bool some = wait.tv_sec || wait.tv_nsec;

	if (l->timer < 0) {
		l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
		epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->timer, &e);
	}
	if (some)
		timerfd_settime(l->timer, 0, &t, NULL);
	return epoll_wait(l->epoll, events, EVENTS_AT_ONCE, some ? -1 : 0);
}

static int wait_for(struct loop *l, struct epoll_event *events, struct timespec wait)
{
	int n;

	if (l->timer >= 0)
		return wait_with_timerfd(l, events, wait);
	n = epoll_pwait2(l->epoll, events, EVENTS_AT_ONCE, &wait, NULL);
	if (n < 0 && (errno == ENOSYS || errno == EPERM))
		return wait_with_timerfd(l, events, wait);
	return n;
}

static void drain_timerfd(struct loop *l)
{
	uint64_t times;

	if (read(l->timer, &times, sizeof times) < 0)
		return; /* it had been read: nothing to do */
}

static void lock(struct loop *l)
{
	if (l->lock)
		pthread_mutex_lock(l->lock);
}

static void unlock(struct loop *l)
{
	if (l->lock)
		pthread_mutex_unlock(l->lock);
}

/* Due is what was so when it began, and each once: one that sets itself again
 * waits until the sockets were looked at. */
static void run_timers(struct loop *l)
{
	uint64_t now = mono_ns();

	for (size_t most = l->count; most && l->count && l->heap[1]->due_ns <= now && !l->stop; most--) {
		struct timer *t = l->heap[1];

		timer_stop(l, t);
		t->fire(t, mono_ns());
	}
}

void loop_run(struct loop *l)
{
	struct epoll_event events[EVENTS_AT_ONCE];

	lock(l);
	while (!l->stop) {
		struct timespec wait = until_next(l);
		int n;

		unlock(l);
		n = wait_for(l, events, wait);
		lock(l);
		for (int i = 0; i < n; i++) {
			struct source *s = events[i].data.ptr;

			if (!s)
				drain_timerfd(l);
			else if (s->fd >= 0)
				s->ready(s, events[i].events);
		}
		run_timers(l);
	}
	unlock(l);
}
