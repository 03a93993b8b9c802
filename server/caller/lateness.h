#ifndef CALLER_LATENESS_H
#define CALLER_LATENESS_H
/* Silence on the wire is not silence on the line.
 *
 * The model's turn detection counts audio, not time: if the caller's frames
 * stop in the middle of a sentence, the sentence never ends. This module
 * (caller loop only, pure) watches Twilio's media.timestamp and the clock and
 * says how much silence to send in place of what is missing. Padding sent on
 * the clock's word is a debt: if the frames were only late, the gaps that
 * follow are filled by that much less. Frames have stopped if two looks, some time
 * apart, find none: a machine that stood still itself, and Twilio's frames with
 * it, finds them at the second.
 *
 * It also tells how late caller audio is: what arrives is compared with the
 * frame that took the least time of all, so a queue anywhere on the way shows.
 */
#include <stdbool.h>
#include <stdint.h>

enum {
	LATENESS_LOOK_US = 500000,    /* no frame for so long while the caller speaks: look again */
	LATENESS_AGAIN_US = 250000,   /* so long after that look, and there is none still: pad */
	LATENESS_PAD_MS = 1000,       /* by so much, once for each time frames stop */
	LATENESS_FILL_MAX_MS = 10000, /* a jump of the timestamps longer than this is not believed */
	LATENESS_JITTER_MS = 20,      /* a hole shorter than a frame is rounding */
};

struct lateness {
	bool begun;
	uint64_t next_ms; /* timestamp the next frame should carry */
	int64_t base_us;  /* least (arrival - timestamp) seen lately */
	int64_t last_us;  /* arrival of the newest frame */
	int64_t late_us;  /* how late the newest frame was */
	int64_t look_us;  /* when it was first seen that frames had stopped; 0: they have not */
	uint32_t debt_ms; /* padding sent that no gap has used up */
	bool padded;      /* since the last frame */
};

void lateness_init(struct lateness *g, int64_t now_us);

/* A frame of `len_ms` arrived (its timestamp, if it had one). Returns how many
 * ms of silence belong before it. */
uint32_t lateness_frame(struct lateness *g, bool has_timestamp, uint64_t timestamp_ms, uint32_t len_ms, int64_t now_us);

/* How late the newest frame was, in ms. */
uint32_t lateness_late_ms(const struct lateness *g);

/* Whether silence is due because frames stopped while the caller speaks;
 * returns how many ms. */
uint32_t lateness_pad(struct lateness *g, bool speaking, int64_t now_us);

/* When lateness_pad should be asked again; INT64_MAX: not before another frame. */
int64_t lateness_deadline_us(const struct lateness *g, bool speaking);

#endif
