#ifndef FLEET_SHELF_H
#define FLEET_SHELF_H
/* Things kept in memory for a while, by name: found by hash, bounded; the thing
 * put longest ago makes way. No lock of its own; time is given, in any unit.
 *
 * All but shelf_each take the same short time however full it is, so that they can
 * be called under locks. A secret name cannot be guessed letter by letter.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shelf {
	/* Set before it is opened. */
	size_t room, key_size, item_size; /* things; bytes, the NUL of a name included */
	int64_t keep;                     /* how long a thing is known */
	void (*empty)(void *item);        /* at the closing: frees what a thing owns; may be NULL */

	char *places;      /* owned */
	uint32_t *buckets; /* owned: the first place of each hash */
	uint32_t bucket_mask;
	uint32_t used;           /* places ever taken */
	uint32_t free;           /* the first of the places given back */
	uint32_t oldest, newest; /* by the time of putting */
};

/* 0 or -ENOMEM. */
int shelf_open(struct shelf *s);
void shelf_close(struct shelf *s); /* fine with one never opened */

/* The thing of that name, valid until the next call here; NULL: none, or too old.
 * `now` 0: however old. `at` (may be NULL): the time it was put. */
void *shelf_find(struct shelf *s, const char *key, int64_t now, int64_t *at);

/* A zeroed place for the thing of that name. The thing that makes way, the one of
 * that name or the oldest, is moved to `old` (zeroed if there was none; pass NULL
 * if things own nothing). NULL: the name is "" or too long. */
void *shelf_put(struct shelf *s, const char *key, int64_t now, void *old);

/* Calls back with each thing, however old. */
void shelf_each(struct shelf *s, void (*each)(void *arg, const void *item, int64_t at), void *arg);

/* Forgets a thing without freeing what it owned. */
void shelf_forget(struct shelf *s, void *item);

#endif
