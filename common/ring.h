#ifndef COMMON_RING_H
#define COMMON_RING_H
/* Small typed messages from one thread to one other, in order, without locks.
 *
 * Exactly one thread writes and exactly one reads; neither ever waits. Open it
 * before either starts, close it when both are done. A full ring loses nothing
 * on its own: ring_put says no, and its caller decides what that means.
 *
 * Positions are 64-bit byte counts that only grow, so one taken now still
 * means the same place later (see ring_written). Memory the ring has not
 * touched is not used: it begins anew when the writer finds it empty, and what a
 * burst touched is given back then.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
	uint8_t *data;                      /* owned (mmap) */
	size_t cap;                         /* a power of two */
	_Alignas(64) _Atomic uint64_t head; /* written so far; writer only */
	uint64_t origin;                    /* the position at the beginning of data; writer, while the ring is empty */
	_Alignas(64) _Atomic uint64_t tail; /* read so far; reader only */
	_Alignas(64) _Atomic int sleeping;  /* the reader found nothing; see ring_sleep */
};

struct ring_message {
	uint8_t type;     /* the user's, 1..255 */
	const void *body; /* borrowed from the ring until ring_pop; 8-byte aligned */
	size_t len;
	uint64_t at; /* position of this message's first byte */
};

/* `cap` is rounded up to a power of two of at least one page. 0 or -errno. */
int ring_open(struct ring *r, size_t cap);
void ring_close(struct ring *r); /* fine with a zeroed ring */

/* Makes an idle ring as new, for the next call. Both sides must be at rest. */
void ring_reset(struct ring *r);

/* Writer only. Copies the message in; false if it does not fit. A message may be
 * at most a quarter of the ring. */
bool ring_put(struct ring *r, uint8_t type, const void *body, size_t len);

/* Writer only. The same for a message in two parts, joined on the way in. */
bool ring_put2(struct ring *r, uint8_t type, const void *a, size_t a_len, const void *b, size_t b_len);

/* Writer only. True: a message of that length would be put. */
bool ring_has_room(const struct ring *r, size_t len);

/* Writer only. Position after the newest message: messages with `at` below it
 * were there when it was asked. */
uint64_t ring_written(const struct ring *r);

/* Any thread. Bytes put and not yet popped; a hint for the other side. */
size_t ring_used(const struct ring *r);

/* Reader only. The oldest message, valid until ring_pop; false if none. */
bool ring_next(struct ring *r, struct ring_message *out);
void ring_pop(struct ring *r);

/* Reader only. Position behind the last message popped. */
uint64_t ring_taken(const struct ring *r);

/* Reader only, before it sleeps. True: the ring is empty, and the next
 * ring_wanted of the writer will say so; sleep until the bell. False: there
 * is something to read. */
bool ring_sleep(struct ring *r);

/* Writer only, after a put. True if the reader sleeps and its bell must be
 * rung; says so once per sleep. */
bool ring_wanted(struct ring *r);

#endif
