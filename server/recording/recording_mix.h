#ifndef RECORDING_RECORDING_MIX_H
#define RECORDING_RECORDING_MIX_H
/* The place of each sample of a call in its recording: caller left, agent right,
 * as the caller heard it. Pure: values in, interleaved mu-law out.
 *
 * One frame is a pair of samples, 8 a millisecond; frame 0 is when the stream
 * started. The caller's audio sits by its media.timestamp, and the clock is
 * pinned to it by the frame that took the least time.
 *
 * The agent's audio is held until the time of its playing is known. A mark's echo
 * tells that a position had been heard by then, and audio that plays without a
 * break follows from its neighbour. An echo may come late but never early, so a
 * piece was over by the earliest of the echoes behind it. Audio that no mark proves
 * within RECORDING_MIX_HOLD_US is placed by the clock; audio that was cut before it
 * was heard is silence.
 */
#include "common/buf.h"
#include "common/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RECORDING_MIX_FRAMES_PER_MS = 8,
	RECORDING_MIX_HOLD_US = 10 * US_PER_S, /* younger audio may still be moved; 160 KB at the most */
	RECORDING_MIX_SETTLE_US = 600 * 1000,  /* after the first echo behind a piece: for two or three more */
	RECORDING_MIX_BREAK_FRAMES = 60 * 8,   /* later than this against what went before, the phone had a gap */
	RECORDING_MIX_PIECES = 1024,           /* more than fit into the hold, unless the phone is fed in crumbs */
	RECORDING_MIX_ECHOES = 128
};

struct recording_mix_piece { /* of the agent's audio, sent and not placed yet */
	uint64_t pos;        /* in the ledger's count */
	uint32_t len;
	uint32_t run; /* pieces of one run are played without a break */
	int64_t sent_us;
	bool dry; /* the phone had nothing to play when it was sent: begins a run */
};

struct recording_mix_echo {
	uint64_t pos;
	uint32_t run;
	int64_t at_us;
};

struct recording_mix {
	/* The clock */
	int64_t start_us;
	int64_t zero_us, last_us; /* of frame 0; when it was last corrected */

	/* The caller's side */
	bool begun;
	int64_t ts_frame; /* the frame of timestamp 0 */
	int64_t next;     /* behind the caller's newest audio */

	/* The agent's side */
	struct recording_mix_piece *pieces; /* owned; oldest first */
	size_t piece_count, piece_room;
	struct recording_mix_echo echoes[RECORDING_MIX_ECHOES]; /* oldest first */
	size_t echo_count;
	struct buf agent;  /* the pieces' audio */
	uint64_t sent;     /* behind the newest piece */
	uint64_t echoed;   /* the furthest echo */
	uint64_t placed;   /* behind the newest piece placed or cut */
	int64_t agent_end; /* its frame */
	uint32_t run;

	/* Frames [base, base + held) are here, interleaved; before base they were taken. */
	int64_t base;
	struct buf held;
	bool ended;
	uint64_t lost_frames; /* came too late to be placed, or found no memory */
};

void recording_mix_init(struct recording_mix *s, int64_t start_us);
void recording_mix_free(struct recording_mix *s);

/* A frame of the caller's, with its media.timestamp if it had one. */
void recording_mix_caller(struct recording_mix *s, bool has_timestamp, uint64_t timestamp_ms, const uint8_t *mulaw,
    size_t len, int64_t now_us);

/* Audio handed to the phone; `dry`: its queue was empty. */
void recording_mix_sent(
    struct recording_mix *s, uint64_t pos, const uint8_t *mulaw, size_t len, bool dry, int64_t now_us);

/* Everything before `pos` had been played by now. */
void recording_mix_echo(struct recording_mix *s, uint64_t pos, int64_t now_us);

/* The phone was told to clear its queue: nothing from `heard` on was heard. */
void recording_mix_cut(struct recording_mix *s, uint64_t heard, int64_t now_us);

/* Sound outside the ledger's count, which the phone plays at once and in place of what it had of this kind. */
void recording_mix_tone(struct recording_mix *s, const uint8_t *mulaw, size_t len, int64_t now_us);

/* The call is over: everything held is final. */
void recording_mix_end(struct recording_mix *s, int64_t now_us);

/* The number of frames that no news can change any more, from the end of the last
 * taking; `out` is borrowed until the next call of any of these. */
size_t recording_mix_ready(struct recording_mix *s, int64_t now_us, const uint8_t **out);
void recording_mix_take(struct recording_mix *s, size_t frames);

#endif
