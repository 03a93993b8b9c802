#include "tools/standin_model/worker.h"

#include "tools/kit/loop.h"
#include "tools/kit/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct entry {
	struct source source;
	struct timer timer;
	struct worker *worker;
	struct conn *conn;
	struct entry *next, **link; /* among the thread's connections */
	uint32_t events;
};

struct worker {
	struct source bell;
	struct loop loop;
	struct service service; /* with this thread's own statistics */
	pthread_t thread;
	pthread_mutex_t lock;
	struct entry *entries;
};

static void remove_entry(struct entry *e)
{
	timer_stop(&e->worker->loop, &e->timer);
	*e->link = e->next;
	if (e->next)
		e->next->link = e->link;
	conn_free(e->conn); /* and with it the socket */
	free(e);
}

static void work(struct entry *e)
{
	struct loop *l = &e->worker->loop;
	uint64_t wake;

	if (!conn_work(e->conn, mono_ns())) {
		remove_entry(e);
		return;
	}
	if (conn_events(e->conn) != e->events) {
		e->events = conn_events(e->conn);
		loop_change(l, &e->source, e->events);
	}
	wake = conn_wake_ns(e->conn);
	if (wake == UINT64_MAX)
		timer_stop(l, &e->timer);
	else
		timer_set(l, &e->timer, wake);
}

static void on_ready(struct source *s, uint32_t events)
{
	(void)events;
	work((struct entry *)s);
}

/* Late timers are this program's fault; the report shows the worst. */
static void on_time(struct timer *t, uint64_t now)
{
	struct entry *e = OWNER(t, struct entry, timer);
	uint64_t late = now - t->due_ns, *worst = &e->worker->service.load->ticks_late_ns_max;

	if (t->due_ns && late > *worst)
		*worst = late;
	work(e);
}

static void on_bell(struct source *s, uint32_t events)
{
	uint64_t rings;

	(void)events;
	if (read(s->fd, &rings, sizeof rings) < 0)
		return; /* another had rung, and it was heard */
}

static void *serve(void *arg)
{
	loop_run(arg);
	return NULL;
}

struct worker *worker_start(const struct service *service)
{
	struct worker *w = need(sizeof *w);

	w->service = *service;
	pthread_mutex_init(&w->lock, NULL);
	w->service.load = load_stats_new(&w->lock);
	w->bell = (struct source){ on_bell, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) };
	if (loop_open(&w->loop) || loop_watch(&w->loop, &w->bell, EPOLLIN)) {
		perror("standin-model: epoll");
		exit(1);
	}
	w->loop.lock = &w->lock;
	w->loop.grain_ns = NS_PER_MS; /* hundreds of sessions share their waking up */
	if (pthread_create(&w->thread, NULL, serve, &w->loop)) {
		perror("standin-model: thread");
		exit(1);
	}
	return w;
}

static void ring(struct worker *w)
{
	uint64_t one = 1;

	if (write(w->bell.fd, &one, sizeof one) < 0)
		perror("standin-model: bell");
}

void worker_add(struct worker *w, int fd, unsigned long number, uint64_t now)
{
	struct entry *e = need(sizeof *e);
	/* Before the lock: the report takes its own lock first, then this one. */
	struct record *record = record_new(number, &w->lock, now);

	*e = (struct entry){ .source = { on_ready, fd }, .timer.fire = on_time, .worker = w, .next = NULL };
	e->conn = conn_new(&w->service, fd, number, record, now);
	pthread_mutex_lock(&w->lock);
	e->next = w->entries;
	e->link = &w->entries;
	if (e->next)
		e->next->link = &e->next;
	w->entries = e;
	timer_set(&w->loop, &e->timer, 0); /* now */
	loop_watch(&w->loop, &e->source, 0);
	pthread_mutex_unlock(&w->lock);
	ring(w);
}

void worker_stop(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	w->loop.stop = true;
	pthread_mutex_unlock(&w->lock);
	ring(w);
	pthread_join(w->thread, NULL);
	pthread_mutex_lock(&w->lock);
	while (w->entries)
		remove_entry(w->entries);
	pthread_mutex_unlock(&w->lock);
	loop_drop(&w->loop, &w->bell);
	loop_close(&w->loop);
	free(w);
}
