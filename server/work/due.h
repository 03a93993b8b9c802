#ifndef WORK_DUE_H
#define WORK_DUE_H
/* Things to be done, each in its time and at least once: webhooks to
 * deliver, calls to place, records to fill in.
 *
 * An owner adds items and has a policy: the time from which an item may be
 * done, and how. One thread hands out the oldest due item to a pool, a
 * bounded number at once. The owner reports the result by letting the item
 * go until later or by taking it out. Items of one lane are done in order:
 * the next is not handed out before the one in front of it was taken out.
 *
 * Either all is in memory, or a store is behind it. With a store a bounded
 * number of items is held; later ones wait in the store, and the next are
 * read from its index once half of those held are done. Items an earlier
 * process left there are read in the same way. A store that cannot be read
 * is asked again, and new items are done meanwhile.
 *
 * Items are held, instead of one read from the index whenever one is due,
 * because of a disk that takes no writes: its index shows neither the new items
 * nor what came of those that were tried. Memory is right then, and all in it
 * goes on.
 *
 * The owner's lock guards its items, the list and the data the policy looks
 * at. It is never held during a wait for the disk or a far end.
 */
#include "common/bell.h"
#include "server/work/jobs.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct due;

struct due_link {
	struct due_item *next, *prev;
};

enum { DUE_ALL, DUE_LANE, DUE_CHAINS };

struct due_item {       /* the first member of the owner's own struct */
	struct job job; /* the queue's, as are the next three */
	struct due *due;
	struct due_link links[DUE_CHAINS]; /* DUE_ALL: in the list, and before that in the inbox */
	bool front, taken;                 /* of its lane; it is being done */
	int64_t seq;                       /* the order in which they came */
	uint64_t lane;                     /* 0: one of its own */
	size_t bytes;                      /* that it holds; while it is in a list, see due_list_shrink */
};

/* --- the list alone: no thread, no clock; under the lock */

/* Items in the order of their seq. A new one has its place beside the last, or nearly so,
 * whether it just came in or is read from the store. */
struct due_chain {
	struct due_item *first, *near; /* the oldest; the one that was put or looked for last */
};

enum { DUE_LANES = 2048 }; /* chains: ten items in each when 20,000 are held */

struct due_list {
	struct due_chain all;
	struct due_chain lanes[DUE_LANES]; /* by lane % DUE_LANES: of that lane, and a few others */
	size_t count, taken, bytes;
	size_t steps; /* items looked at by due_list_put, _find and _remove: what they cost */
};

/* In milliseconds of the policy's clock: not before; INT64_MAX: not before
 * something changes. */
typedef int64_t due_when(void *owner, const struct due_item *item, int64_t now_ms);

/* From the oldest on; NULL behind the newest. */
static inline struct due_item *due_list_first(const struct due_list *list)
{
	return list->all.first;
}

static inline struct due_item *due_item_next(const struct due_item *item)
{
	return item->links[DUE_ALL].next;
}

/* In front of all later ones, except one of its lane that is being done. It costs the same
 * few steps however many are held, if they come in their order. */
void due_list_put(struct due_list *list, struct due_item *item);

/* The newest that is not after `seq`; NULL: none. Of several with that seq the last put. */
struct due_item *due_list_find(struct due_list *list, int64_t seq);

void due_list_remove(struct due_list *list, struct due_item *item);
void due_list_take(struct due_list *list, struct due_item *item);
void due_list_let_go(struct due_list *list, struct due_item *item);
void due_list_shrink(struct due_list *list, struct due_item *item); /* it holds no bytes any more */

/* The oldest that is due. NULL: none, and *next_ms says when to look again. */
struct due_item *due_list_next(
    const struct due_list *list, due_when *when, void *owner, int64_t now_ms, int64_t *next_ms);

/* --- with a thread that hands out */

struct due_policy {
	const char *name; /* of the thread, at most 15 characters */
	int64_t (*clock_ms)(void);
	due_when *when; /* under the lock */

	/* On the pool, without the lock. Ends, under the lock, by letting the item
	 * go or removing it, and with due_wake; or leaves it, when all is ending. */
	void (*work)(void *owner, struct due_item *item);

	/* Under the lock. Puts it into the list. False: it is there already, or there
	 * is no memory; then it is freed. */
	bool (*put)(void *owner, struct due_item *item);
	void (*free)(struct due_item *item);

	/* The rest may be NULL. Under the lock: it was just taken; it was, and is not
	 * handed out after all (and was let go again). */
	void (*taken)(void *owner, struct due_item *item, int64_t now_ms);
	void (*dropped)(void *owner, struct due_item *item);
	/* There is no room for it, and no store: it is freed. */
	void (*lost)(void *owner, const struct due_item *item);
	/* On the thread, without the lock: gives due_found the items of the store
	 * after `seq`, oldest first, at most `room`. How many, or -EIO. */
	int (*read)(void *owner, int64_t seq, size_t room);
};

struct due {
	/* Set by the owner before due_open; constant after. */
	const struct due_policy *policy;
	void *owner;
	pthread_mutex_t *lock;
	struct due_list *list;
	struct jobs *jobs;
	size_t at_once;
	bool stored; /* a store is behind it */
	size_t held; /* items, and bytes of theirs, in memory */
	size_t held_bytes;

	/* The queue's. */
	struct bell bell;
	_Atomic bool stopping;
	bool open, running;
	pthread_t thread;
	struct due_item *_Atomic inbox; /* newest first: anybody pushes, the thread takes them all */
	/* The thread's, and before it runs the opener's. */
	int64_t newest; /* largest seq that is, or was, in memory */
	int64_t unread; /* more may wait in the store, after this seq; -1: none */
	int64_t found;  /* the last that was read */
};

/* Reads the pending items of the store, and starts the thread. 0 or -errno. */
int due_open(struct due *d);

/* Hands out nothing more. Fine twice, and if it was never opened. */
void due_stop(struct due *d);

/* The same, and frees all items. Once no work is under way: after jobs_stop. Fine
 * if it was never opened. */
void due_close(struct due *d);

/* Any thread, a call's loops too; takes the item, and waits for nothing. */
void due_add(struct due *d, struct due_item *item);

/* For `read`, on the thread: the same. */
void due_found(struct due *d, struct due_item *item);

/* Under the lock: the same at once, however many are held. False: freed. */
bool due_put(struct due *d, struct due_item *item);

/* Any thread: something has changed that makes an item due. */
void due_wake(struct due *d);

/* Nothing is under way, and nothing is due. Takes the lock. */
bool due_quiet(struct due *d);

#endif
