#include "server/fleet/shelf.h"

#include "common/digest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A place: its head, the name, the thing. */
struct head {
	int64_t at;
	bool taken;
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

static struct head *place_at(const struct shelf *s, size_t i)
{
	return (struct head *)(s->places + i * (before_item(s) + rounded(s->item_size)));
}

static char *key_of(struct head *place)
{
	return (char *)(place + 1);
}

static void *item_of(const struct shelf *s, struct head *place)
{
	return (char *)place + before_item(s);
}

int shelf_open(struct shelf *s)
{
	s->count = 0;
	s->places = calloc(s->room, before_item(s) + rounded(s->item_size));
	return s->places ? 0 : -ENOMEM;
}

void shelf_close(struct shelf *s)
{
	for (size_t i = 0; s->places && s->empty && i < s->count; i++)
		if (place_at(s, i)->taken)
			s->empty(item_of(s, place_at(s, i)));
	free(s->places);
	s->places = NULL;
}

static bool same(const struct shelf *s, const char *key, const char *asked, size_t len)
{
	return s->secret ? strlen(key) == len && bytes_equal(key, asked, len) : !strcmp(key, asked);
}

/* However old; NULL without. */
static struct head *find(const struct shelf *s, const char *key)
{
	size_t len = strlen(key);
	struct head *found = NULL;

	for (size_t i = 0; i < s->count && (!found || s->secret); i++)
		if (place_at(s, i)->taken && same(s, key_of(place_at(s, i)), key, len))
			found = place_at(s, i);
	return found;
}

void *shelf_find(struct shelf *s, const char *key, int64_t now, int64_t *at)
{
	struct head *place = find(s, key);

	if (!place || now - place->at >= s->keep)
		return NULL;
	if (at)
		*at = place->at;
	return item_of(s, place);
}

/* That of the same name, a free one, a new one, the oldest. */
static struct head *choose(struct shelf *s, const char *key)
{
	struct head *place = find(s, key);

	for (size_t i = 0; i < s->count && !place; i++)
		if (!place_at(s, i)->taken)
			place = place_at(s, i);
	if (!place && s->count < s->room)
		place = place_at(s, s->count++);
	if (place)
		return place;
	place = place_at(s, 0);
	for (size_t i = 1; i < s->count; i++)
		if (place_at(s, i)->at < place->at)
			place = place_at(s, i);
	return place;
}

void *shelf_put(struct shelf *s, const char *key, int64_t now, void *old)
{
	struct head *place;

	if (old)
		memset(old, 0, s->item_size);
	if (!*key || strlen(key) >= s->key_size)
		return NULL;
	place = choose(s, key);
	if (place->taken && old)
		memcpy(old, item_of(s, place), s->item_size);
	memset(item_of(s, place), 0, s->item_size);
	*place = (struct head){ .at = now, .taken = true };
	memcpy(key_of(place), key, strlen(key) + 1);
	return item_of(s, place);
}

void shelf_each(struct shelf *s, void (*each)(void *arg, const void *item, int64_t at), void *arg)
{
	for (size_t i = 0; i < s->count; i++)
		if (place_at(s, i)->taken)
			each(arg, item_of(s, place_at(s, i)), place_at(s, i)->at);
}

void shelf_forget(struct shelf *s, void *item)
{
	struct head *place = (struct head *)((char *)item - before_item(s));

	place->taken = false;
}
