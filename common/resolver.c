#include "common/resolver.h"

#include "common/clock.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FRESH_US (30LL * US_PER_S)
#define USABLE_US (600LL * US_PER_S)
#define FAILURE_US (1LL * US_PER_S)

enum {
	NAME_MAX_BYTES = 253, /* RFC 1035 §2.3.4, as text */
	STACK_BYTES = 256 << 10,
	LEAVE_BEHIND_S = 1,
};

struct entry {
	char name[NAME_MAX_BYTES + 1]; /* "" while unused */
	struct addresses found;
	int64_t found_us; /* when; meaningless while found.count is 0 */
	int64_t asked_us; /* last interest, for choosing what to drop */
	int64_t failed_us;
	int err; /* of the last look-up; 0 after success */
	bool wanted, under_way;
	struct resolver_wait *waiting;
};

struct resolver {
	resolver_lookup_fn *lookup;
	pthread_t thread;
	pthread_mutex_t lock; /* everything below */
	pthread_cond_t work, left;
	bool closing, gone; /* our thread has left */
	bool abandoned;     /* our owner has left: the thread frees */
	struct entry entry[RESOLVER_NAMES];
};

static int system_lookup(const char *name, struct addresses *out)
{
	/* No AI_ADDRCONFIG: it hides names of the loopback on a machine that has
	 * nothing else. An address family without a route fails at once anyway. */
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *list, *it;
	int err = getaddrinfo(name, NULL, &hints, &list);

	switch (err) {
	case 0:
		break;
	case EAI_NONAME:
	case EAI_NODATA:
		return -ENOENT;
	case EAI_MEMORY:
		return -ENOMEM;
	case EAI_SYSTEM:
		return errno ? -errno : -EIO;
	default:
		return -EAGAIN;
	}
	out->count = 0;
	for (it = list; it && out->count < RESOLVER_ADDRESSES; it = it->ai_next)
		if (it->ai_addrlen <= sizeof out->at[0])
			memcpy(&out->at[out->count++], it->ai_addr, it->ai_addrlen);
	freeaddrinfo(list);
	return out->count ? 0 : -ENOENT;
}

static void stop_waiting(struct resolver_wait *wait)
{
	if (!wait->link)
		return;
	*wait->link = wait->next;
	if (wait->next)
		wait->next->link = wait->link;
	wait->next = NULL;
	wait->link = NULL;
}

static void start_waiting(struct entry *e, struct resolver_wait *wait)
{
	stop_waiting(wait);
	wait->next = e->waiting;
	wait->link = &e->waiting;
	if (wait->next)
		wait->next->link = &wait->next;
	e->waiting = wait;
}

/* Under the lock, so that who has called resolver_forget hears no more. */
static void ring_all(struct entry *e)
{
	while (e->waiting) {
		struct resolver_wait *wait = e->waiting;

		stop_waiting(wait);
		bell_ring(wait->bell);
	}
}

static struct entry *next_wanted(struct resolver *r)
{
	struct entry *oldest = NULL;

	for (size_t i = 0; i < RESOLVER_NAMES; i++) {
		struct entry *e = &r->entry[i];

		if (e->wanted && (!oldest || e->asked_us < oldest->asked_us))
			oldest = e;
	}
	return oldest;
}

/* With the lock held, but not during the look-up. The entry stays where it is
 * and what it is, because it is under way. */
static void look_up(struct resolver *r, struct entry *e)
{
	struct addresses found = { 0 };
	char name[sizeof e->name];
	int err;

	memcpy(name, e->name, sizeof name);
	e->wanted = false;
	e->under_way = true;
	pthread_mutex_unlock(&r->lock);
	err = r->lookup(name, &found);
	pthread_mutex_lock(&r->lock);

	e->under_way = false;
	e->err = err;
	if (err) {
		e->failed_us = clock_now_us();
	} else {
		e->found = found;
		e->found_us = clock_now_us();
	}
	ring_all(e);
}

static void free_resolver(struct resolver *r)
{
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->work);
	pthread_cond_destroy(&r->left);
	free(r);
}

static void *run(void *arg)
{
	struct resolver *r = arg;
	struct entry *e;
	bool abandoned;

	pthread_mutex_lock(&r->lock);
	while (!r->closing) {
		if ((e = next_wanted(r)))
			look_up(r, e);
		else
			pthread_cond_wait(&r->work, &r->lock);
	}
	r->gone = true;
	abandoned = r->abandoned;
	pthread_cond_signal(&r->left);
	pthread_mutex_unlock(&r->lock);
	if (abandoned)
		free_resolver(r);
	return NULL;
}

static int start_thread(struct resolver *r)
{
	pthread_attr_t attr;
	sigset_t all, before;
	int err;

	/* Signals are for main. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	err = pthread_create(&r->thread, &attr, run, r);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

int resolver_open(struct resolver **out, resolver_lookup_fn *lookup)
{
	struct resolver *r = calloc(1, sizeof *r);
	pthread_condattr_t attr;
	int err;

	if (!r)
		return -ENOMEM;
	r->lookup = lookup ? lookup : system_lookup;
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r->work, &attr);
	pthread_cond_init(&r->left, &attr);
	pthread_condattr_destroy(&attr);
	err = start_thread(r);
	if (err) {
		free_resolver(r);
		return err;
	}
	*out = r;
	return 0;
}

void resolver_close(struct resolver *r)
{
	struct timespec until;
	pthread_t thread;
	bool gone;

	if (!r)
		return;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LEAVE_BEHIND_S;
	pthread_mutex_lock(&r->lock);
	r->closing = true;
	pthread_cond_signal(&r->work);
	while (!r->gone && pthread_cond_timedwait(&r->left, &r->lock, &until) != ETIMEDOUT)
		;
	gone = r->gone;
	r->abandoned = !gone;
	thread = r->thread;
	pthread_mutex_unlock(&r->lock);
	if (gone) {
		pthread_join(thread, NULL);
		free_resolver(r);
	} else {
		pthread_detach(thread);
	}
}

/* The entry of that name; else an unused one; else the one longest without
 * interest that nobody waits for; else NULL. */
static struct entry *entry_for(struct resolver *r, const char *name)
{
	struct entry *spare = NULL;

	for (size_t i = 0; i < RESOLVER_NAMES; i++) {
		struct entry *e = &r->entry[i];

		if (!strcmp(e->name, name))
			return e;
		if (e->wanted || e->under_way || e->waiting)
			continue;
		if (!spare || e->asked_us < spare->asked_us)
			spare = e;
	}
	if (spare) {
		memset(spare, 0, sizeof *spare);
		strcpy(spare->name, name);
	}
	return spare;
}

static void want(struct resolver *r, struct entry *e)
{
	if (e->wanted || e->under_way)
		return;
	e->wanted = true;
	pthread_cond_signal(&r->work);
}

static int find(struct resolver *r, const char *name, int64_t now_us, struct resolver_wait *wait, struct addresses *out)
{
	struct entry *e = entry_for(r, name);
	int64_t age_us;

	if (!e)
		return -EBUSY;
	e->asked_us = now_us;
	age_us = now_us - e->found_us;
	if (e->found.count && age_us < USABLE_US) {
		bool failed_lately = e->err && now_us - e->failed_us < FAILURE_US;

		if (age_us >= FRESH_US && !failed_lately)
			want(r, e);
		*out = e->found;
		return 1;
	}
	if (e->err && now_us - e->failed_us < FAILURE_US)
		return e->err;
	start_waiting(e, wait);
	want(r, e);
	return 0;
}

int resolver_find(
    struct resolver *r, const char *name, int64_t now_us, struct resolver_wait *wait, struct addresses *out)
{
	int found;

	if (!*name || strlen(name) > NAME_MAX_BYTES)
		return -ENAMETOOLONG;
	pthread_mutex_lock(&r->lock);
	found = find(r, name, now_us, wait, out);
	pthread_mutex_unlock(&r->lock);
	return found;
}

void resolver_forget(struct resolver *r, struct resolver_wait *wait)
{
	pthread_mutex_lock(&r->lock);
	stop_waiting(wait);
	pthread_mutex_unlock(&r->lock);
}
