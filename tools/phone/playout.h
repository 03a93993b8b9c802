#ifndef PHONE_PLAYOUT_H
#define PHONE_PLAYOUT_H
/* What Twilio does with the audio it is sent: a queue, played 20 ms a tick.
 *
 * No I/O and no clock: the caller says when a tick is. Positions count bytes
 * received since the stream began and only grow. A mark is due for its echo
 * when all that came before it has been played, at once when nothing is
 * waiting, and at once when a clear drops what it waited for.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PLAYOUT_MAX_BYTES = 10 * 60 * 8000 }; /* Twilio throws away what is beyond about ten minutes */

struct mark {
	char *name;      /* owned by who took it */
	uint64_t after;  /* position it waits for */
	uint64_t due_ns; /* filled in by whoever reports it */
	bool flushed;    /* echoed by a clear and not by playing */
};

struct playout {
	uint8_t *ring;
	size_t ring_size;     /* a power of two, or 0 */
	uint64_t received;    /* end of the queue */
	uint64_t taken;       /* handed to the line, by ticks */
	uint64_t heard;       /* taken by ticks that are over */
	uint64_t dropped;     /* bytes cleared in all */
	uint64_t refused;     /* bytes beyond PLAYOUT_MAX_BYTES */
	int late_ticks, hold; /* play late on purpose: ticks to wait before each start */
	bool playing;         /* the last tick took something */

	struct mark *marks; /* in order of arrival */
	size_t mark_first, mark_count, mark_cap;
};

void playout_init(struct playout *p, int late_ticks);
void playout_close(struct playout *p);

/* Queues audio. Returns how many bytes were thrown away for want of room. */
size_t playout_media(struct playout *p, const uint8_t *bytes, size_t len);
/* Queues a mark; the name is copied. */
void playout_mark(struct playout *p, const char *name);
/* Drops what was not played. Returns how many bytes; *marks says how many marks it flushed. */
size_t playout_clear(struct playout *p, size_t *marks);

/* Begins the next 20 ms: what was taken before has now been heard. Fills `out`
 * (silence where the queue is short), returns how many bytes are audio. */
size_t playout_tick(struct playout *p, uint8_t out[160]);

/* The next mark whose echo is due; false if none. mark->name is the caller's to free. */
bool playout_next_echo(struct playout *p, struct mark *mark);

/* Nothing queued and nothing in the air. */
bool playout_idle(const struct playout *p);
/* Position that has been played `since_tick_ns` after the last tick. */
uint64_t playout_position(const struct playout *p, uint64_t since_tick_ns);

static inline uint64_t playout_waiting(const struct playout *p)
{
	return p->received - p->taken;
}

#endif
