#ifndef VOICE_VOICE_SHELF_H
#define VOICE_VOICE_SHELF_H
/* The lines in memory, by the hash of their key; bounded. Any thread, with a lock that is held for a look.
 */
#include "common/digest.h"
#include "server/voice/voice.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { VOICE_SHELF_LINES = 2048, VOICE_SHELF_BYTES = 128 * 1024 * 1024, VOICE_SHELF_BUCKETS = 1024 };

struct shelved;

struct voice_shelf {
	pthread_mutex_t lock;
	struct shelved *buckets[VOICE_SHELF_BUCKETS];
	size_t lines, bytes, lines_max, bytes_max;
};

void voice_shelf_init(struct voice_shelf *s);
void voice_shelf_free(struct voice_shelf *s); /* lines in use live on */

/* Puts a copy of it there. 0; -ENOSPC: it is full; -ENOMEM. */
int voice_shelf_put(struct voice_shelf *s, const uint8_t hash[SHA256_BYTES], const uint8_t *ulaw, size_t bytes);

/* Retained for the caller; NULL: it is not there. */
const struct voice_line *voice_shelf_get(struct voice_shelf *s, const uint8_t hash[SHA256_BYTES]);
void voice_shelf_release(const struct voice_line *line); /* fine with NULL */

/* A round, by one thread: marks what is wanted still (false: it is not there), then takes away the rest. */
bool voice_shelf_mark(struct voice_shelf *s, const uint8_t hash[SHA256_BYTES]);
void voice_shelf_sweep(struct voice_shelf *s);

void voice_shelf_count(struct voice_shelf *s, size_t *lines, size_t *bytes);

#endif
