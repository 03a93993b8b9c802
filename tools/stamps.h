#ifndef TOOLS_STAMPS_H
#define TOOLS_STAMPS_H
/* Time stamps inside the audio, for measuring a bridge without asking it.
 *
 * Shared by the load's three parts: the phone at one end, the stand-in model
 * (--load) at the other, and whatever stands between them, which knows nothing
 * of stamps and must only carry bytes. All run on one machine, so they have
 * one CLOCK_MONOTONIC. Works only while mu-law passes straight through.
 *
 * Audio is a row of units of STAMP_UNIT bytes (20 ms). A stamped unit begins
 * with the STAMP_SIZE bytes below; the rest of it is ordinary audio. Frames
 * get joined and split on the way, so a reader looks for stamps in the stream
 * of bytes, not in messages: keep what is left of the last message, and call
 * stamp_find on the whole.
 *
 * What each end sends, and what the other makes of it:
 *
 * Caller's frames, kind 'C', phone -> model. `seq` counts frames from 0 in each
 *     call, `call` is any number the phone gives the call, `sent_ns` is when
 *     the frame was handed to the socket. The model: one-way delay; lost,
 *     doubled and reordered frames.
 *     They also bring home what the phone saw last: `turn` is how many clears
 *     have arrived in this call (modulo 65536), `cleared_ns` when the last one
 *     was read from the socket, `cleared_turn` which answer was playing then
 *     (the `turn` of its stamps; 0 if nothing was), `played_ms` how much of
 *     that answer had been played. All are 0 before the first clear. The model
 *     knows when it sent speech_started and how far it was told to truncate:
 *     it reports interruption -> clear, and truncation against what was really
 *     played, without any other channel.
 *
 * Answer's units, kind 'A', model -> phone. `turn` counts answers from 1 in
 *     each session, `seq` units from 0 in each answer, `call` is the number
 *     the caller's frames carried (0 if none came yet), `sent_ns` is when the
 *     delta holding this unit was written. STAMP_FIRST marks an answer's unit
 *     0, STAMP_LAST its last whole unit. The phone: delay of an answer's first
 *     audio (units with STAMP_FIRST); lost, doubled and reordered units; and,
 *     after a clear, any later unit of the `turn` that was cleared is stale
 *     audio that must not have come.
 *
 * Numbers are little-endian.
 *
 *     0  "TKL1"             16  sent_ns       8
 *     4  kind          1    24  cleared_ns    8
 *     5  flags         1    32  played_ms     4
 *     6  turn          2    36  cleared_turn  2
 *     8  call          4    38  zero          2
 *    12  seq           4
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { STAMP_UNIT = 160, STAMP_SIZE = 40 };
enum stamp_kind { STAMP_CALLER = 'C', STAMP_ANSWER = 'A' };
enum stamp_flag { STAMP_FIRST = 1, STAMP_LAST = 2 };

struct stamp {
	uint8_t kind;  /* enum stamp_kind */
	uint8_t flags; /* enum stamp_flag */
	uint16_t turn;
	uint32_t call;
	uint32_t seq;
	uint64_t sent_ns;
	uint64_t cleared_ns;
	uint32_t played_ms;
	uint16_t cleared_turn;
};

static inline void stamp_put_number(uint8_t *at, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static inline uint64_t stamp_get_number(const uint8_t *at, int bytes)
{
	uint64_t value = 0;

	for (int i = 0; i < bytes; i++)
		value |= (uint64_t)at[i] << (8 * i);
	return value;
}

/* Overwrites the first STAMP_SIZE bytes of a unit. */
static inline void stamp_put(uint8_t *unit, const struct stamp *s)
{
	memcpy(unit, "TKL1", 4);
	unit[4] = s->kind;
	unit[5] = s->flags;
	stamp_put_number(unit + 6, s->turn, 2);
	stamp_put_number(unit + 8, s->call, 4);
	stamp_put_number(unit + 12, s->seq, 4);
	stamp_put_number(unit + 16, s->sent_ns, 8);
	stamp_put_number(unit + 24, s->cleared_ns, 8);
	stamp_put_number(unit + 32, s->played_ms, 4);
	stamp_put_number(unit + 36, s->cleared_turn, 2);
	stamp_put_number(unit + 38, 0, 2);
}

/* Reads the stamp at `unit`, of which STAMP_SIZE bytes must be there. */
static inline bool stamp_get(const uint8_t *unit, struct stamp *s)
{
	if (memcmp(unit, "TKL1", 4) != 0)
		return false;
	s->kind = unit[4];
	s->flags = unit[5];
	s->turn = (uint16_t)stamp_get_number(unit + 6, 2);
	s->call = (uint32_t)stamp_get_number(unit + 8, 4);
	s->seq = (uint32_t)stamp_get_number(unit + 12, 4);
	s->sent_ns = stamp_get_number(unit + 16, 8);
	s->cleared_ns = stamp_get_number(unit + 24, 8);
	s->played_ms = (uint32_t)stamp_get_number(unit + 32, 4);
	s->cleared_turn = (uint16_t)stamp_get_number(unit + 36, 2);
	return true;
}

/* The next stamp at or after *at. True: *s is filled in, and *at is moved past
 * it (to the end of its unit, or of the data). False: no whole stamp is left,
 * and *at is where one might still begin: keep the bytes from there. */
static inline bool stamp_find(const uint8_t *data, size_t len, size_t *at, struct stamp *s)
{
	size_t i = *at;

	while (i < len) {
		const uint8_t *t = memchr(data + i, 'T', len - i);

		if (!t) {
			i = len;
			break;
		}
		i = (size_t)(t - data);
		if (len - i < STAMP_SIZE && memcmp(t, "TKL1", len - i < 4 ? len - i : 4) == 0)
			break;
		if (len - i >= STAMP_SIZE && stamp_get(t, s)) {
			*at = len - i < STAMP_UNIT ? len : i + STAMP_UNIT;
			return true;
		}
		i++;
	}
	*at = i;
	return false;
}

#endif
