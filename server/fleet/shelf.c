#include "server/fleet/shelf.h"

#include "common/digest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

/* A place in the one block of memory: this head, the name, the thing. Places are known by number. */
struct head {
	int64_t at;
	uint32_t hash;
	uint32_t next;         /* of the same bucket, or of the free ones */
	uint32_t older, newer; /* by when they were put */
};

static size_t rounded(size_t size)
{
	enum { UNIT = sizeof(max_align_t) };

	return (size + UNIT - 1) / UNIT * UNIT;
}

static size_t before_item(const struct shelf *s)
{
	return rounded(sizeof(struct head) + s->key_size);
}

static size_t place_size(const struct shelf *s)
{
	return before_item(s) + rounded(s->item_size);
}

static struct head *head_of(const struct shelf *s, uint32_t place)
{
	return (struct head *)(s->places + place * place_size(s));
}

static char *key_of(const struct shelf *s, uint32_t place)
{
	return (char *)(head_of(s, place) + 1);
}

static void *item_of(const struct shelf *s, uint32_t place)
{
	return (char *)head_of(s, place) + before_item(s);
}

/* FNV-1a, its two halves folded. Names are Twilio's, our own tokens, or keys of an authorised
 * client, so no stranger can choose them to collide. */
static uint32_t hash_of(const char *key)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *key; key++)
		hash = (hash ^ (uint8_t)*key) * 0x100000001b3;
	return (uint32_t)(hash ^ hash >> 32);
}

int shelf_open(struct shelf *s)
{
	size_t buckets = 1;

	while (buckets < s->room)
		buckets *= 2;
	s->bucket_mask = (uint32_t)buckets - 1;
	s->used = 0;
	s->free = s->oldest = s->newest = NONE;
	s->places = calloc(s->room, place_size(s));
	s->buckets = malloc(buckets * sizeof *s->buckets);
	if (!s->places || !s->buckets) {
		shelf_close(s);
		return -ENOMEM;
	}
	memset(s->buckets, 0xff, buckets * sizeof *s->buckets);
	return 0;
}

void shelf_close(struct shelf *s)
{
	if (s->places && s->buckets && s->empty)
		for (uint32_t i = s->oldest; i != NONE; i = head_of(s, i)->newer)
			s->empty(item_of(s, i));
	free(s->places);
	free(s->buckets);
	s->places = NULL;
	s->buckets = NULL;
}

/* ------------------------------------------------------------------- the two chains */

/* Each place in use is in two chains: by age, linked both ways, and in its bucket, linked one way.
 * Free places are linked by `next` alone. */

static void age_remove(struct shelf *s, uint32_t place)
{
	const struct head *h = head_of(s, place);

	*(h->older == NONE ? &s->oldest : &head_of(s, h->older)->newer) = h->newer;
	*(h->newer == NONE ? &s->newest : &head_of(s, h->newer)->older) = h->older;
}

static void age_append(struct shelf *s, uint32_t place)
{
	struct head *h = head_of(s, place);

	h->older = s->newest;
	h->newer = NONE;
	*(s->newest == NONE ? &s->oldest : &head_of(s, s->newest)->newer) = place;
	s->newest = place;
}

static void bucket_add(struct shelf *s, uint32_t place)
{
	uint32_t *first = &s->buckets[head_of(s, place)->hash & s->bucket_mask];

	head_of(s, place)->next = *first;
	*first = place;
}

static void bucket_remove(struct shelf *s, uint32_t place)
{
	uint32_t *link = &s->buckets[head_of(s, place)->hash & s->bucket_mask];

	while (*link != place)
		link = &head_of(s, *link)->next;
	*link = head_of(s, place)->next;
}

/* The place of the name, however old; NONE without. bytes_equal takes the same time wherever two
 * names of equal hash differ, so a token cannot be guessed by its answer times. */
static uint32_t find(const struct shelf *s, const char *key)
{
	uint32_t hash = hash_of(key);
	size_t len = strlen(key);
	uint32_t i = s->buckets[hash & s->bucket_mask];

	while (i != NONE &&
	       (head_of(s, i)->hash != hash || strlen(key_of(s, i)) != len || !bytes_equal(key_of(s, i), key, len)))
		i = head_of(s, i)->next;
	return i;
}

/* ------------------------------------------------------------------------ the things */

void *shelf_find(struct shelf *s, const char *key, int64_t now, int64_t *at)
{
	uint32_t place = find(s, key);

	if (place == NONE || now - head_of(s, place)->at >= s->keep)
		return NULL;
	if (at)
		*at = head_of(s, place)->at;
	return item_of(s, place);
}

/* A place given back, else a new one, else the oldest; in neither chain any more. */
static uint32_t take_place(struct shelf *s, void *old)
{
	uint32_t place = s->free;

	if (place != NONE) {
		s->free = head_of(s, place)->next;
	} else if (s->used < s->room) {
		place = s->used++;
	} else {
		place = s->oldest;
		if (old)
			memcpy(old, item_of(s, place), s->item_size);
		age_remove(s, place);
		bucket_remove(s, place);
	}
	return place;
}

/* Putting a name again makes it the youngest: its place leaves the chain of age and joins at the
 * end. */
void *shelf_put(struct shelf *s, const char *key, int64_t now, void *old)
{
	size_t size = strlen(key) + 1;
	uint32_t place;

	if (old)
		memset(old, 0, s->item_size);
	if (!*key || size > s->key_size)
		return NULL;
	place = find(s, key);
	if (place != NONE) {
		if (old)
			memcpy(old, item_of(s, place), s->item_size);
		age_remove(s, place);
	} else {
		place = take_place(s, old);
		memcpy(key_of(s, place), key, size);
		head_of(s, place)->hash = hash_of(key);
		bucket_add(s, place);
	}
	age_append(s, place);
	head_of(s, place)->at = now;
	memset(item_of(s, place), 0, s->item_size);
	return item_of(s, place);
}

void shelf_each(struct shelf *s, void (*each)(void *arg, const void *item, int64_t at), void *arg)
{
	for (uint32_t i = s->oldest; i != NONE; i = head_of(s, i)->newer)
		each(arg, item_of(s, i), head_of(s, i)->at);
}

void shelf_forget(struct shelf *s, void *item)
{
	uint32_t place = (uint32_t)((size_t)((char *)item - s->places) / place_size(s));

	age_remove(s, place);
	bucket_remove(s, place);
	head_of(s, place)->next = s->free;
	s->free = place;
}
