#ifndef FLEET_SHELF_H
#define FLEET_SHELF_H
/* Things kept in memory for a while, by name: found by their hash, bounded, and
 * what was put longest ago makes way. Not shared between threads by itself; time
 * is given, in any unit.
 *
 * All but shelf_each takes the same little time however much there is: it is done
 * under locks. A name that is a secret cannot be guessed letter by letter.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shelf {
	/* Set before it is opened. */
	size_t room, key_size, item_size; /* things; bytes, the NUL of a name included */
	int64_t keep;                     /* how long a thing is known */
	void (*empty)(void *item);        /* when it is closed: frees what a thing owns; may be NULL */

	char *places;      /* owned */
	uint32_t *buckets; /* owned: the first place of each hash */
	uint32_t bucket_mask;
	uint32_t used;           /* places ever taken */
	uint32_t free;           /* the first of those that were given back */
	uint32_t oldest, newest; /* by when they were put */
};

/* 0 or -ENOMEM. */
int shelf_open(struct shelf *s);
void shelf_close(struct shelf *s); /* fine with one never opened */

/* The thing of that name, until the next call here; NULL: none, or too old.
 * `now` 0: however old. `at` (may be NULL): since when it is there. */
void *shelf_find(struct shelf *s, const char *key, int64_t now, int64_t *at);

/* A zeroed place for the thing of that name. What had to make way for it, the
 * one of that name or the oldest, is moved to `old` (zeroed if there was none;
 * NULL: it owns nothing). NULL: the name is "" or too long. */
void *shelf_put(struct shelf *s, const char *key, int64_t now, void *old);

/* Calls back with all, however old. */
void shelf_each(struct shelf *s, void (*each)(void *arg, const void *item, int64_t at), void *arg);

/* Forgets it; what it owns has gone elsewhere, or it owns nothing. */
void shelf_forget(struct shelf *s, void *item);

#endif
