#ifndef CALLER_LEDGER_H
#define CALLER_LEDGER_H
/* What was sent to the phone, and how much of it the caller has heard.
 *
 * Caller loop only, and pure: no clock, no sockets. Positions are mu-law bytes
 * (8 a millisecond) counted from the start of the call and never reset. What
 * is certain comes from marks: the phone echoes one when all audio sent before
 * it has been played. Between echoes the ledger adds the time that has passed,
 * never beyond the next mark still out nor beyond what was sent, and rounds
 * down: the model must never believe that more was heard than was. On a channel
 * of text it is the same, with the phone's own account in place of echoes. Where
 * there is neither, there is only the clock: an item counts as played when it
 * should have been, at once, and never as confirmed.
 *
 * A `clear` makes Twilio echo every mark at once; those echoes prove nothing.
 * So marks carry a generation, and each cut begins the next one.
 */
#include "server/line/heard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LEDGER_ITEMS = HEARD_ITEMS,
	LEDGER_MARKS = 64,
	LEDGER_MARK_EVERY = 1600,        /* bytes: one mark per 200 ms of audio */
	LEDGER_PIECE_FIRST = 160,        /* bytes, 20 ms; the mark behind it tells when play-out began */
	LEDGER_PIECE_MAX = 1600,         /* bytes that one message carries */
	LEDGER_MELT_US = 100000,         /* so much of a full lead is played before more is sent */
	LEDGER_UNCONFIRMED_US = 2000000, /* past its end by this much, an item counts as played */
};

/* How the phone tells what it has played. */
enum ledger_proof { LEDGER_BY_CLOCK, LEDGER_BY_MARKS, LEDGER_BY_ACCOUNT };

struct ledger_item {
	uint32_t no;         /* the agent loop's number for the item */
	uint64_t begin, end; /* positions; end moves while it is being sent */
	bool ended;          /* no more audio will come */
	bool marked;         /* the mark at its end is out (or there was no room for one) */
};

struct ledger {
	uint32_t generation;
	enum ledger_proof proof;
	uint64_t sent;      /* position of the next byte to send */
	uint64_t proven;    /* position known to have been played … */
	int64_t proven_us;  /* … at this time */
	int64_t far_end_us; /* when the phone's queue runs dry, as far as we know */
	bool ahead;         /* the lead was full, and enough of it is left */
	uint64_t paused_at; /* by account: the queue should have run dry here, and nobody said that it has */

	struct ledger_item items[LEDGER_ITEMS]; /* oldest first */
	size_t item_count;
	struct {
		uint32_t seq;
		uint64_t at;
	} marks[LEDGER_MARKS]; /* out, oldest first */
	size_t mark_count;
	uint32_t next_seq;
	uint64_t last_mark_at; /* position of the newest mark sent */
	bool first_mark_due;   /* a mark is wanted behind the first piece after a pause */
};

void ledger_init(struct ledger *l, uint32_t generation, enum ledger_proof proof);

/* `bytes` of item `no` are being handed to the socket. True if the phone's
 * queue had run dry in the middle of this item: the caller heard a gap. */
bool ledger_sent(struct ledger *l, uint32_t no, size_t bytes, int64_t now_us);

/* All of the item has been sent. */
void ledger_ended(struct ledger *l, uint32_t no);

/* Whether a mark should follow what was just sent; if so its sequence number
 * (counted as out from now on), else 0. Without marks always 0. */
uint32_t ledger_mark(struct ledger *l);

/* A mark's name on the wire carries its generation too: an echo that a clear brought about is told by it from one
 * that proves something. Reads one back; false: it is none of ours. */
enum { LEDGER_NAME_SIZE = 32 };
struct span;
void ledger_name(const struct ledger *l, uint32_t seq, char name[LEDGER_NAME_SIZE]);
bool ledger_named(const struct span *name, uint32_t *generation, uint32_t *seq);

/* An echo came. False if it proves nothing: of an older generation, unknown. */
bool ledger_echo(struct ledger *l, uint32_t generation, uint32_t seq, int64_t now_us);

/* By account: all before `position` has been played. False if that is no news. */
bool ledger_proved(struct ledger *l, uint64_t position, int64_t now_us);

/* How far ahead of the ear we have sent, in microseconds; 0 when dry. */
int64_t ledger_lead_us(const struct ledger *l, int64_t now_us);

/* How many bytes bring the lead back to `lead_us`, for one message. Once it is full, 0 until
 * LEDGER_MELT_US of it are played: a message costs much, and a byte of it little. The first piece after
 * a pause is the smallest: it is on the wire at once, and its mark soon comes back. */
size_t ledger_room(struct ledger *l, int64_t lead_us, int64_t now_us);

/* When there is room again. */
int64_t ledger_room_us(const struct ledger *l, int64_t lead_us);

/* The position heard by now. */
uint64_t ledger_heard(const struct ledger *l, int64_t now_us);

/* The oldest item if it has been played to its end: removes it and fills in
 * `out`. Ask until it says false. */
bool ledger_finished(struct ledger *l, int64_t now_us, struct heard *out);

/* When ledger_finished should be asked even if no echo comes; INT64_MAX: never. */
int64_t ledger_deadline_us(const struct ledger *l);

/* The time at which the phone has played all that was sent, while an item is not at its
 * end; INT64_MAX: it is. With marks out it is a while later than by the clock. */
int64_t ledger_dry_us(const struct ledger *l);

/* True while something sent has not been played to its end. */
bool ledger_playing(const struct ledger *l);

/* Playing stops here and now. Says what was heard of each item that was not
 * finished (at most `max`), forgets them and all marks, and begins the given
 * generation. Returns how many. */
size_t ledger_cut(struct ledger *l, uint32_t generation, int64_t now_us, struct heard *out, size_t max);

/* The same when it is known where the phone stopped. */
size_t ledger_cut_at(
    struct ledger *l, uint32_t generation, uint64_t position, int64_t now_us, struct heard *out, size_t max);

/* The same when the phone cannot take back what it has: all of it will be heard, and what comes next is
 * played behind it. */
size_t ledger_let_play(struct ledger *l, uint32_t generation, struct heard *out, size_t max);

#endif
