#include "server/voice/voice_shelf.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct shelved {
	struct voice_line line; /* first */
	_Atomic int users;      /* the shelf is one */
	uint8_t hash[SHA256_BYTES];
	bool marked;
	struct shelved *next;
	unsigned char sound[];
};

void voice_shelf_init(struct voice_shelf *s)
{
	memset(s, 0, sizeof *s);
	pthread_mutex_init(&s->lock, NULL);
	s->lines_max = VOICE_SHELF_LINES;
	s->bytes_max = VOICE_SHELF_BYTES;
}

/* Under the lock, or alone. The hash is as good as a random number. */
static struct shelved **place_of(struct voice_shelf *s, const uint8_t hash[SHA256_BYTES])
{
	struct shelved **at = &s->buckets[(hash[0] | hash[1] << 8) % VOICE_SHELF_BUCKETS];

	while (*at && memcmp((*at)->hash, hash, SHA256_BYTES) != 0)
		at = &(*at)->next;
	return at;
}

void voice_shelf_release(const struct voice_line *line)
{
	struct shelved *of = (struct shelved *)line;

	/* The last sees all that the others did with it before they let go. */
	if (of && atomic_fetch_sub_explicit(&of->users, 1, memory_order_acq_rel) == 1)
		free(of);
}

static struct shelved *take_out(struct voice_shelf *s, struct shelved **at)
{
	struct shelved *gone = *at;

	*at = gone->next;
	s->lines--;
	s->bytes -= gone->line.bytes;
	return gone;
}

void voice_shelf_free(struct voice_shelf *s)
{
	for (size_t i = 0; i < VOICE_SHELF_BUCKETS; i++)
		while (s->buckets[i])
			voice_shelf_release(&take_out(s, &s->buckets[i])->line);
	pthread_mutex_destroy(&s->lock);
}

int voice_shelf_put(struct voice_shelf *s, const uint8_t hash[SHA256_BYTES], const uint8_t *ulaw, size_t bytes)
{
	struct shelved *fresh = malloc(sizeof *fresh + bytes), **at;
	int err = 0;

	if (!fresh)
		return -ENOMEM;
	memcpy(fresh->sound, ulaw, bytes);
	memcpy(fresh->hash, hash, sizeof fresh->hash);
	fresh->line = (struct voice_line){ fresh->sound, bytes };
	fresh->marked = false;
	atomic_init(&fresh->users, 1);
	pthread_mutex_lock(&s->lock);
	at = place_of(s, hash);
	if (*at)
		voice_shelf_release(&take_out(s, at)->line);
	if (s->lines >= s->lines_max || bytes > s->bytes_max - s->bytes)
		err = -ENOSPC;
	if (!err) {
		at = place_of(s, hash);
		fresh->next = *at;
		*at = fresh;
		s->lines++;
		s->bytes += bytes;
	}
	pthread_mutex_unlock(&s->lock);
	if (err)
		free(fresh);
	return err;
}

const struct voice_line *voice_shelf_get(struct voice_shelf *s, const uint8_t hash[SHA256_BYTES])
{
	struct shelved *found;

	pthread_mutex_lock(&s->lock);
	found = *place_of(s, hash);
	if (found)
		atomic_fetch_add_explicit(&found->users, 1, memory_order_relaxed);
	pthread_mutex_unlock(&s->lock);
	return found ? &found->line : NULL;
}

bool voice_shelf_mark(struct voice_shelf *s, const uint8_t hash[SHA256_BYTES])
{
	struct shelved *found;

	pthread_mutex_lock(&s->lock);
	found = *place_of(s, hash);
	if (found)
		found->marked = true;
	pthread_mutex_unlock(&s->lock);
	return found;
}

/* Memory is given back after the lock. */
void voice_shelf_sweep(struct voice_shelf *s)
{
	struct shelved *gone = NULL, *next;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < VOICE_SHELF_BUCKETS; i++)
		for (struct shelved **at = &s->buckets[i]; *at;) {
			if ((*at)->marked) {
				(*at)->marked = false;
				at = &(*at)->next;
			} else {
				next = gone;
				gone = take_out(s, at);
				gone->next = next;
			}
		}
	pthread_mutex_unlock(&s->lock);
	for (; gone; gone = next) {
		next = gone->next;
		voice_shelf_release(&gone->line);
	}
}

void voice_shelf_count(struct voice_shelf *s, size_t *lines, size_t *bytes)
{
	pthread_mutex_lock(&s->lock);
	*lines = s->lines;
	*bytes = s->bytes;
	pthread_mutex_unlock(&s->lock);
}
