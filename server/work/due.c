/* The way of an item:
 *
 *	due_add         anybody pushes it into the inbox and rings the bell
 *	take_in         the thread puts it into the list, or leaves it to the store
 *	hand_out        it is the first of its lane, due, and a place is free: taken,
 *	                and submitted to the pool
 *	policy->work    a thread of the pool does it, and under the lock lets it go
 *	                (it waits for its next time) or removes it (it is done); then
 *	                due_wake, for its lane or its far end may be free for another
 *
 * Only the thread moves items from the inbox and from the store into memory, so
 * what it knows of the store (newest, unread, found) needs no lock.
 */
#include "server/work/due.h"

#include <poll.h>

enum {
	LOOK_MS = 60 * 1000, /* at least so often: the wall clock may jump */
	AGAIN_MS = 1000      /* after a pool or a store that did not take part */
};

/* ------------------------------------------------------------------------- the list */

/* The item behind which one with that seq belongs; NULL: in front of all. */
static struct due_item *chain_find(struct due_list *list, struct due_chain *chain, int which, int64_t seq)
{
	struct due_item *at = chain->near, *next;

	for (; at && at->seq > seq; list->steps++)
		at = at->links[which].prev;
	for (; at && (next = at->links[which].next) && next->seq <= seq; list->steps++)
		at = next;
	if (at)
		chain->near = at;
	return at;
}

static void chain_put(struct due_list *list, struct due_chain *chain, int which, struct due_item *item)
{
	struct due_item *before = chain_find(list, chain, which, item->seq);
	struct due_item *after = before ? before->links[which].next : chain->first;

	item->links[which] = (struct due_link){ .next = after, .prev = before };
	if (before)
		before->links[which].next = item;
	else
		chain->first = item;
	if (after)
		after->links[which].prev = item;
	chain->near = item;
}

static void chain_remove(struct due_chain *chain, int which, struct due_item *item)
{
	struct due_link *link = &item->links[which];

	if (link->prev)
		link->prev->links[which].next = link->next;
	else
		chain->first = link->next;
	if (link->next)
		link->next->links[which].prev = link->prev;
	if (chain->near == item)
		chain->near = link->prev ? link->prev : link->next;
	*link = (struct due_link){ 0 };
}

/* Whether an item is the front of its lane is kept with it, so that looking for the
 * next one reads each item once and compares no lanes. */
static void find_front(struct due_list *list, struct due_item *item)
{
	struct due_item *other = item->links[DUE_LANE].prev;

	for (; other && other->lane != item->lane; list->steps++)
		other = other->links[DUE_LANE].prev;
	item->front = !other;
	/* It may be older than the front of its lane: two threads can add in
	 * another order than they counted. It goes first then, unless the front is
	 * being done already. */
	for (other = item->links[DUE_LANE].next; other && item->front; other = other->links[DUE_LANE].next) {
		list->steps++;
		if (other->lane != item->lane || !other->front)
			continue;
		if (!other->taken)
			other->front = false;
		else
			item->front = false;
		break;
	}
}

/* The oldest that is left of a lane moves up. */
static void move_up(struct due_list *list, const struct due_chain *chain, uint64_t lane)
{
	struct due_item *item = chain->first;

	for (; item && item->lane != lane; list->steps++)
		item = item->links[DUE_LANE].next;
	if (item)
		item->front = true;
}

void due_list_put(struct due_list *list, struct due_item *item)
{
	item->front = true;
	item->taken = false;
	chain_put(list, &list->all, DUE_ALL, item);
	if (item->lane) {
		chain_put(list, &list->lanes[item->lane % DUE_LANES], DUE_LANE, item);
		find_front(list, item);
	}
	list->count++;
	list->bytes += item->bytes;
}

struct due_item *due_list_find(struct due_list *list, int64_t seq)
{
	return chain_find(list, &list->all, DUE_ALL, seq);
}

void due_list_remove(struct due_list *list, struct due_item *item)
{
	struct due_chain *lane = item->lane ? &list->lanes[item->lane % DUE_LANES] : NULL;

	if (item->taken)
		due_list_let_go(list, item);
	chain_remove(&list->all, DUE_ALL, item);
	if (lane)
		chain_remove(lane, DUE_LANE, item);
	if (lane && item->front)
		move_up(list, lane, item->lane);
	list->count--;
	list->bytes -= item->bytes;
}

void due_list_take(struct due_list *list, struct due_item *item)
{
	item->taken = true;
	list->taken++;
}

void due_list_let_go(struct due_list *list, struct due_item *item)
{
	item->taken = false;
	list->taken--;
}

void due_list_shrink(struct due_list *list, struct due_item *item)
{
	list->bytes -= item->bytes;
	item->bytes = 0;
}

struct due_item *due_list_next(
    const struct due_list *list, due_when *when, void *owner, int64_t now_ms, int64_t *next_ms)
{
	*next_ms = INT64_MAX;
	for (struct due_item *item = due_list_first(list); item; item = due_item_next(item)) {
		int64_t due_ms;

		if (!item->front || item->taken)
			continue;
		due_ms = when(owner, item, now_ms);
		if (due_ms <= now_ms)
			return item;
		if (due_ms < *next_ms)
			*next_ms = due_ms;
	}
	return NULL;
}

/* --------------------------------------------------------------------- coming in */

void due_wake(struct due *d)
{
	bell_ring(&d->bell);
}

/* A stack without a lock: a call's loop must not wait for a thread that walks a
 * list of thousands. */
void due_add(struct due *d, struct due_item *item)
{
	struct due_item **next = &item->links[DUE_ALL].next;

	*next = atomic_load(&d->inbox);
	/* Release: the thread that takes the inbox sees the item's fields. */
	while (!atomic_compare_exchange_weak(&d->inbox, next, item))
		;
	due_wake(d);
}

bool due_put(struct due *d, struct due_item *item)
{
	item->due = d;
	if (d->policy->put(d->owner, item))
		return true;
	d->policy->free(item);
	return false;
}

/* A row that is in memory already (it was added while the store could not be read,
 * or a late one was read and then taken from the inbox) is refused by `put`. */
void due_found(struct due *d, struct due_item *item)
{
	d->found = item->seq;
	if (item->seq > d->newest)
		d->newest = item->seq;
	pthread_mutex_lock(d->lock);
	due_put(d, item);
	pthread_mutex_unlock(d->lock);
}

/* Once some wait in the store only, all later ones must wait there too, or
 * they would overtake them. An item older than the newest held need not: the
 * store is read from after that one. */
static bool fits(struct due *d, const struct due_item *item)
{
	bool full = d->list->count >= d->held || d->list->bytes >= d->held_bytes;

	if (!d->stored)
		return !full;
	if (item->seq <= d->newest)
		return true;
	if (full && d->unread < 0)
		d->unread = d->newest;
	/* 0: the store could not be read so far, not even once. */
	if (full || d->unread > 0)
		return false;
	d->newest = item->seq;
	return true;
}

static void take_in(struct due *d, struct due_item *item)
{
	pthread_mutex_lock(d->lock);
	if (fits(d, item)) {
		due_put(d, item);
	} else {
		if (!d->stored && d->policy->lost)
			d->policy->lost(d->owner, item);
		d->policy->free(item);
	}
	pthread_mutex_unlock(d->lock);
}

/* The inbox, oldest first. */
static struct due_item *empty_inbox(struct due *d)
{
	struct due_item *item = atomic_exchange(&d->inbox, NULL), *oldest = NULL, *next;

	for (; item; item = next) {
		next = due_item_next(item);
		item->links[DUE_ALL].next = oldest;
		oldest = item;
	}
	return oldest;
}

/* Reads the items that wait in the store only, once half of those held are
 * done. False: the store cannot be read now. */
static bool refill(struct due *d)
{
	size_t held = d->held, count;
	int got;

	if (d->unread < 0)
		return true;
	pthread_mutex_lock(d->lock);
	count = d->list->count;
	pthread_mutex_unlock(d->lock);
	if (count > held / 2)
		return true;
	/* Not from the newest in memory: while the store could not be read, items that
	 * are newer than those that wait there were taken in. */
	got = d->policy->read(d->owner, d->unread, held - count);
	if (got >= 0)
		d->unread = (size_t)got < held - count ? -1 : d->found;
	return got >= 0;
}

/* --------------------------------------------------------------------- handing out */

static void run(struct job *job)
{
	struct due_item *item = (struct due_item *)job;

	item->due->policy->work(item->due->owner, item);
}

/* Under the lock. */
static void untake(struct due *d, struct due_item *item)
{
	due_list_let_go(d->list, item);
	if (d->policy->dropped)
		d->policy->dropped(d->owner, item);
}

static void drop(struct job *job)
{
	struct due_item *item = (struct due_item *)job;

	pthread_mutex_lock(item->due->lock);
	untake(item->due, item);
	pthread_mutex_unlock(item->due->lock);
}

/* When to look again. */
static int64_t hand_out(struct due *d, int64_t now_ms)
{
	int64_t next_ms = INT64_MAX;
	struct due_item *item;

	pthread_mutex_lock(d->lock);
	/* The oldest is looked for anew after each: the last one taken may have used
	 * up what the next one needs, as a place at the same far end. */
	while (d->list->taken < d->at_once &&
	       (item = due_list_next(d->list, d->policy->when, d->owner, now_ms, &next_ms))) {
		due_list_take(d->list, item);
		if (d->policy->taken)
			d->policy->taken(d->owner, item, now_ms);
		item->job.run = run;
		item->job.drop = drop;
		if (!jobs_submit(d->jobs, &item->job)) {
			untake(d, item);
			next_ms = now_ms + AGAIN_MS;
			break;
		}
	}
	pthread_mutex_unlock(d->lock);
	return next_ms;
}

static void *hand_out_until_stopped(void *arg)
{
	struct due *d = arg;

	while (!atomic_load(&d->stopping)) {
		struct pollfd bell = { .fd = d->bell.fd, .events = POLLIN };
		struct due_item *item, *next;
		int64_t wait_ms, longest_ms;

		/* Cleared before anything is looked at: a ring from here on is seen
		 * in the next round. The store comes before the inbox, because its
		 * items are older. */
		bell_clear(&d->bell);
		longest_ms = refill(d) ? LOOK_MS : AGAIN_MS;
		for (item = empty_inbox(d); item; item = next) {
			next = due_item_next(item);
			take_in(d, item);
		}
		wait_ms = hand_out(d, d->policy->clock_ms()) - d->policy->clock_ms();
		if (wait_ms > longest_ms)
			wait_ms = longest_ms;
		if (wait_ms > 0)
			poll(&bell, 1, (int)wait_ms);
	}
	return NULL;
}

/* ---------------------------------------------------------------- opening, closing */

int due_open(struct due *d)
{
	int err;

	d->open = true;
	d->bell.fd = -1;
	/* Everything there was left by an earlier process. */
	d->unread = d->stored ? 0 : -1;
	err = bell_open(&d->bell);
	if (err)
		return err;
	refill(d);
	err = -pthread_create(&d->thread, NULL, hand_out_until_stopped, d);
	d->running = !err;
	if (d->running)
		pthread_setname_np(d->thread, d->policy->name);
	return err;
}

void due_stop(struct due *d)
{
	if (!d->running)
		return;
	d->running = false;
	atomic_store(&d->stopping, true);
	due_wake(d);
	pthread_join(d->thread, NULL);
}

static void free_all(struct due *d, struct due_item *item)
{
	for (struct due_item *next; item; item = next) {
		next = due_item_next(item);
		d->policy->free(item);
	}
}

void due_close(struct due *d)
{
	if (!d->open)
		return;
	due_stop(d);
	free_all(d, atomic_exchange(&d->inbox, NULL));
	free_all(d, due_list_first(d->list));
	*d->list = (struct due_list){ 0 };
	bell_close(&d->bell);
	d->open = false;
}

bool due_quiet(struct due *d)
{
	int64_t next_ms;
	bool quiet;

	pthread_mutex_lock(d->lock);
	quiet = !atomic_load(&d->inbox) && !d->list->taken &&
		!due_list_next(d->list, d->policy->when, d->owner, d->policy->clock_ms(), &next_ms);
	pthread_mutex_unlock(d->lock);
	return quiet;
}
