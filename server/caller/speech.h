#ifndef CALLER_SPEECH_H
#define CALLER_SPEECH_H
/* Play-out on a channel that carries text: what each message of to_caller is on the wire, and what
 * the phone's accounts of its own speech prove.
 *
 * Caller loop only; no clock, no sockets. In the ledger each byte of text is as long as its sound
 * (SPOKEN_MS_PER_BYTE), and so a place in it is a place in the text.
 */
#include "common/ring.h"
#include "server/caller/ledger.h"
#include "server/caller/spoken.h"
#include "server/phone/channel.h"

enum {
	SPEECH_BEGIN_US = 300000, /* so long after it was sent, no text is spoken yet */
	SPEECH_QUIET_US = 500000  /* silence may be an interruption whose message is still on its way */
};

struct speech {
	const struct phone_channel *channel; /* borrowed, like the next two */
	struct phone_stream *stream;
	struct ledger *ledger;
	struct spoken_text spoken;
	uint32_t speaking; /* the item that is being sent, and is not at its end; 0: none */
	int64_t sent_us;   /* when the newest text was */
	uint64_t quiet_at; /* the phone said that all before this was spoken … */
	int64_t quiet_us;  /* … and is believed at this time; NEVER_US: nothing to believe */
};

void speech_init(
    struct speech *s, const struct phone_channel *channel, struct phone_stream *stream, struct ledger *ledger);
void speech_close(struct speech *s);

/* A message of to_caller. Appends at most one message for the phone to `out`. */
void speech_send(struct speech *s, const struct ring_message *r, struct buf *out, int64_t now_us);

/* Words of ours that are no part of an answer; what was being said goes on behind them. Appends one message. When they
 * will have been spoken. */
int64_t speech_hold(struct speech *s, const char *words, struct buf *out, int64_t now_us);
bool speech_held_last(const struct speech *s); /* nothing was said since */

/* The agent loop cut the answer that is being sent: its end, if it needs one, is appended to `out`. */
void speech_finish(struct speech *s, struct buf *out);

/* The phone has spoken these words. False: they are not ours. */
bool speech_played(struct speech *s, const char *text, size_t len, int64_t now_us);

/* The phone is silent: believed a while later, by speech_run at speech_deadline_us. */
void speech_quiet(struct speech *s, int64_t now_us);
void speech_run(struct speech *s, int64_t now_us);
int64_t speech_deadline_us(const struct speech *s);

/* The phone was interrupted. `text`: its account of what was heard; NULL: it has none. `spoken_ms`: as in
 * struct phone_event. *position is where it stopped; false: by estimate only, for the account is not of
 * our words. */
bool speech_interrupted(
    struct speech *s, const char *text, size_t len, int64_t spoken_ms, int64_t now_us, uint64_t *position);

/* How many bytes of text the items have that are not finished. */
size_t speech_unfinished(const struct speech *s);

#endif
