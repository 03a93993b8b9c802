#ifndef AGENT_TIMELINE_H
#define AGENT_TIMELINE_H
/* What was said in a call, turn by turn, for /calls/{CallSid}.
 *
 * Agent loop only, pure. Bounded: 1000 turns and 256 KB of text are told to the
 * journal; what comes after is counted, not kept. Of these the last 200, and
 * no more than 64 KB of text, are shown while the call is up. The caller's words stand where the model put the
 * item, however late their transcript comes. An answer keeps what the model
 * generated and what the caller heard of it: heard_ms is measured, heard_text
 * is the same share of the text, cut at a word, and marked as an estimate.
 */
#include "common/buf.h"
#include "server/store/store_calls.h"

#include <stdbool.h>
#include <stdint.h>

enum { TIMELINE_TURNS = 1000, /* CALL_TURNS_MAX of line/call.h */ TIMELINE_TEXT = 256 * 1024, TIMELINE_ID_SIZE = 64 };
enum { TIMELINE_SHOWN_TURNS = 200, TIMELINE_SHOWN_TEXT = 64 * 1024 };

enum turn_kind { TURN_CALLER, TURN_KEYS, TURN_AGENT };

struct turn {
	enum turn_kind kind;
	char item_id[TIMELINE_ID_SIZE];
	int64_t at_ms;          /* since the call was answered; -1 before */
	struct buf text;        /* caller: transcript; keys: digits; agent: all generated */
	bool text_final;        /* no more deltas: the text is the model's last word */
	bool transcript_failed; /* caller: could not be transcribed */
	const char *status;     /* agent: completed, cancelled, incomplete, failed, in_progress */
	uint32_t generated_ms, heard_ms;
	bool heard_known; /* played to its end, cut, or the call is over */
	bool interrupted;
	bool heard_confirmed;                    /* by the phone's marks */
	int64_t after_event_ms, after_speech_ms; /* answer latency; -1 unknown */
	bool news;                               /* settled further than the journal knows */
};

struct timeline {
	struct turn *turns; /* owned; grows */
	size_t count, cap;
	size_t text_len; /* of all turns together */
	uint64_t turns_dropped, text_dropped;
	bool dirty;     /* changed since timeline_put_json last cleared it */
	bool news;      /* some turn has news */
	size_t forming; /* the turn whose text has grown last, from 1; 0 none, or it is whole */
};

void timeline_init(struct timeline *t);
void timeline_free(struct timeline *t);

/* The turn of this item, made at the end if it is new (`item_id` "" always
 * makes one). NULL when full or out of memory: what the caller then does with
 * it is skipped, and counted here. Valid until the next call of this. */
struct turn *timeline_turn(struct timeline *t, enum turn_kind kind, const char *item_id, int64_t at_ms);
struct turn *timeline_find(struct timeline *t, const char *item_id);

/* Appends, or with `whole` replaces, a turn's text; `turn` may be NULL. */
void timeline_text(struct timeline *t, struct turn *turn, const char *text, bool whole);

/* Caller's turns whose transcript is still to come. */
size_t timeline_untranscribed(const struct timeline *t);

/* Something about the turn is settled that was not: it is new, its text is
 * whole, it was heard, interrupted. Text that is still growing is not. */
void timeline_settled(struct timeline *t, struct turn *turn);

/* The number of a turn with news, which it then has no more; -1 if none has. */
int timeline_next_news(struct timeline *t);

/* The number of a turn whose text has grown since this was last asked, and is not
 * whole; -1 if there is none. */
int timeline_next_forming(struct timeline *t);

/* One turn, as others are told of it; borrowed from it. */
void timeline_tell(const struct turn *turn, struct call_turn *out);

/* Appends the newest turns as a JSON array and marks it clean. Returns how many
 * older ones are not shown. */
size_t timeline_put_json(struct timeline *t, struct buf *out);

/* Appends the newest turns that have a text, at most so many and of so many
 * bytes in all, as a JSON array of {"role","text"}: what the model needs to go on
 * from there. Of what the agent said, as much as was heard. */
void timeline_put_said(const struct timeline *t, size_t turns, size_t bytes, struct buf *out);

/* How many characters of `text` were heard, by share, back to the end of a
 * word, or of a character where words are not spaced. Bytes; never in the
 * middle of a UTF-8 sequence. */
size_t timeline_heard_bytes(const char *text, uint32_t heard_ms, uint32_t generated_ms);

#endif
