#ifndef AGENT_TIMELINE_H
#define AGENT_TIMELINE_H
/* The turns of a call, for /calls/{CallSid} and the journal.
 *
 * Agent loop only, pure. Bounded: 4000 turns and 256 KB of text are told to the journal;
 * later ones are counted, not kept. The last 200 of them, and no more than 64 KB of text,
 * are shown while the call is up.
 *
 * The caller's words stand at the place of their item, however late the transcript
 * comes. An answer has what the model generated and what the caller heard: heard_ms is
 * measured; heard_text is the same share of the text, cut at a word, an estimate. On a channel of text
 * it is exact, where the phone has confirmed it, or the phone's own account.
 */
#include "common/buf.h"
#include "server/fleet/fleet.h"
#include "server/store/store_calls.h"

#include <stdbool.h>
#include <stdint.h>

enum { TIMELINE_TURNS = 4000, /* CALL_TURNS_MAX of line/call.h */ TIMELINE_TEXT = 256 * 1024 };
enum { TIMELINE_SHOWN_TURNS = 200, TIMELINE_SHOWN_TEXT = 64 * 1024 };

enum turn_kind { TURN_CALLER, TURN_KEYS, TURN_AGENT };

struct turn {
	enum turn_kind kind;
	char *item_id;          /* owned; NULL: none */
	int64_t at_ms;          /* since the call was answered; -1 before */
	struct buf text;        /* caller: transcript; keys: digits; agent: all generated */
	bool text_final;        /* the text is whole: no more deltas */
	bool transcript_failed; /* caller: could not be transcribed, or was heard by nobody */
	bool torn;              /* caller: the beginning of it was lost; its text says so */
	const char *status;     /* agent: completed, cancelled, incomplete, failed, in_progress */
	bool sound;             /* agent: some of it is for the caller to hear */
	bool by_bytes;          /* agent: its times are places in its text (SPOKEN_MS_PER_BYTE) */
	bool to_shorten;        /* the model does not know yet how little of it was heard */
	uint32_t session;       /* the number of the session that knows it; 0: none does */
	uint32_t left_out_of;   /* the number of the last session that was not told it for want of room */
	uint32_t known_as;      /* by our number, as MODEL_REQUEST_PAST; 0: by item_id */
	uint32_t generated_ms, heard_ms;
	uint32_t whole_ms; /* agent: its sound broke off, and all of its text would take so long; 0: it did not */
	size_t put_to;     /* where it ends in the JSON that was put last */
	uint64_t begins_at, ends_at; /* caller: positions of the audio; 0: unknown */
	bool heard_known;            /* it was played to its end or cut, or the call is over */
	char *heard_as; /* owned: what was heard, in other words than ours; NULL: the text as far as it was heard */
	bool interrupted;
	bool heard_confirmed;                    /* by the phone's marks */
	int64_t after_event_ms, after_speech_ms; /* answer latency; -1 unknown */
	bool news;                               /* it has changed since the journal was told */
};

struct timeline {
	struct turn *turns; /* owned; grows */
	size_t count, cap;
	size_t text_len; /* of all turns together */
	uint64_t turns_dropped, text_dropped;
	bool dirty;                      /* changed since the last timeline_put_json */
	size_t put, put_first, put_len;  /* turns before `put` stand in its text, from the first, as they are */
	bool news;                       /* a turn has news */
	const struct fleet_said *before; /* borrowed: what was said in the call before this stream; NULL: nothing */
	size_t forming;                  /* the turn whose text grew last, from 1; 0: none, or it is whole */
};

void timeline_init(struct timeline *t);
void timeline_free(struct timeline *t);

/* The turn of this item, made at the end if it is new (`item_id` "" always makes one).
 * NULL: full, or out of memory; that is counted. Valid until the next call of this. */
struct turn *timeline_turn(struct timeline *t, enum turn_kind kind, const char *item_id, int64_t at_ms);
struct turn *timeline_find(struct timeline *t, const char *item_id);

/* Its item comes again under another id. False: no memory. */
bool timeline_rename(struct timeline *t, struct turn *turn, const char *item_id);

/* Appends, or with `whole` replaces, a turn's text; `turn` may be NULL. */
void timeline_text(struct timeline *t, struct turn *turn, const char *text, bool whole);

/* What the caller has said of his turn by now; it is not whole. */
void timeline_forming(struct timeline *t, struct turn *turn, const char *text);

/* The sound of a turn of the agent is over before its end. Its text may have come ahead of it: by the pace of the answers
 * before it is reckoned how far the sound came. */
void timeline_broke_off(const struct timeline *t, struct turn *turn);

/* What was heard of a turn of the agent, of which that is known; borrowed from it. */
const char *timeline_heard(const struct turn *turn, size_t *len);
/* It was heard in these words, which are not ours; as far as there is room for them. */
void timeline_heard_as(struct timeline *t, struct turn *turn, const char *words, size_t len);

/* Turns of the agent without sound have no end of their own: they end with their response,
 * and nothing of them was heard. Ends one that is in progress; NULL: there is none. */
const struct turn *timeline_end_silent(struct timeline *t, const char *status);

/* The number of the caller's turns whose transcript has not come yet. */
size_t timeline_untranscribed(const struct timeline *t);

/* Marks a turn as changed for the journal: it is new, its text is whole, it was heard or
 * interrupted. Growing text is no such change. */
void timeline_settled(struct timeline *t, struct turn *turn);

/* The number of a turn with news, which are taken off it; -1: none. */
int timeline_next_news(struct timeline *t);

/* The number of the turn whose text has grown since the last call of this, and is not
 * whole; -1: none. */
int timeline_next_forming(struct timeline *t);

/* One turn as a value for others; borrowed from it. */
void timeline_tell(const struct turn *turn, struct call_turn *out);

/* Writes the newest turns as a JSON array in place of the last one: what has not changed stays in the
 * buffer as it is. Clears `dirty`. Returns how many older ones are not shown. */
size_t timeline_put_json(struct timeline *t, struct buf *out);

/* The part of a turn that the other side knows, as far as it was heard; borrowed from it. What is still to be
 * heard counts. */
const char *timeline_said_text(const struct turn *turn, size_t *len);

/* The newest turns that have a text, and those before this stream, at most so many and of so many bytes in all, for a
 * model that goes on from there. The agent's texts end where the caller stopped hearing
 * them. For fleet_said_free; NULL: no memory. */
struct fleet_said *timeline_said(const struct timeline *t, size_t turns, size_t bytes);

/* How many bytes of `text` were heard: the same share as of the time, back to the end of
 * a word, or of a character in scripts without spaces. Never in the middle of a UTF-8
 * sequence. */
size_t timeline_heard_bytes(const char *text, uint32_t heard_ms, uint32_t generated_ms);

#endif
