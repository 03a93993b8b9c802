#ifndef CALLER_PLAYOUT_H
#define CALLER_PLAYOUT_H
/* Plays the agent's audio to the phone: in time, ahead of the ear by a short
 * lead, with marks, and cut off at once when the agent loop says so. A channel of
 * text has its words at once, and speaks them in its own time (speech.h).
 *
 * Caller loop only. Takes messages from to_caller, appends frames of the call's
 * channel to the buffer that goes to the phone (or what is in them, if it has no socket), and tells the agent loop what was
 * heard: by the phone's marks, by its own account, or on a channel with neither by
 * the clock.
 */
#include "common/json.h"
#include "server/line/call.h"
#include "server/caller/hold.h"
#include "server/caller/ledger.h"
#include "server/caller/speech.h"

struct recording;

struct playout {
	struct call *call;
	struct buf *out;             /* frames for the phone; borrowed from the caller loop */
	struct buf message;          /* one message under construction */
	struct recording *recording; /* borrowed; NULL: not recorded */
	struct ledger ledger;
	struct speech speech; /* on a channel of text */
	struct hold hold;     /* elsewhere */
	bool started;         /* the stream has: there is somebody to play to */
	uint32_t cuts_served; /* the generation of our marks */
	size_t offset;        /* of the message in hand, already sent */
	uint32_t first_told;  /* last item whose first audio was reported */
	bool resting;         /* the ring was empty; its writer will ring */
	bool dry_told;        /* since the last piece: the agent loop was told that no more is played */
	bool any_audio;       /* something was played in this call */
	bool held;            /* the phone was interrupted: nothing is sent before a cut after this one: */
	uint32_t held_at;     /* the cuts counted when it was */
	bool unmatched_told;  /* in the log: an account of the phone's was not of our words */
};

/* The call has its channel. Nothing is played before playout_start. */
void playout_init(struct playout *p, struct call *c, struct buf *out);
void playout_start(struct playout *p);

/* Serves interruptions, then sends what is due. */
void playout_run(struct playout *p, int64_t now_us);

/* A mark came back. */
void playout_echo(struct playout *p, struct span name, int64_t now_us);

/* The phone stopped playing by itself, and forgot what it held: tells the agent
 * loop what was heard, by the phone's account if it has one (`text` not NULL;
 * spoken_ms as in struct phone_event). How far to_caller is stale is for the agent
 * loop to say by a cut; until then nothing is sent, and further interruptions say
 * nothing new. */
void playout_interrupted(struct playout *p, const char *text, size_t len, int64_t spoken_ms, int64_t now_us);

/* The phone has spoken these words of ours; or it is silent. */
void playout_spoken(struct playout *p, const char *text, size_t len, int64_t now_us);
void playout_quiet(struct playout *p, int64_t now_us);

/* When playout_run has something to do even if nothing happens. */
int64_t playout_deadline_us(const struct playout *p);

/* The stream was lost: tells the agent loop what was heard; nothing is sent before its cut. Then playout_again and
 * playout_start go on, or playout_leave ends it. `out` may be gone meanwhile, and the struct may be moved. */
void playout_park(struct playout *p, int64_t now_us);
void playout_again(struct playout *p, struct buf *out);

/* The call is over: tells the agent loop what was heard, and that we left. */
void playout_leave(struct playout *p, int64_t now_us);

#endif
