#ifndef AGENT_SEQUENCER_H
#define AGENT_SEQUENCER_H
/* One response at a time.
 *
 * Only one response may write to the conversation, and the model's own turn
 * detection makes responses behind our back. The sequencer (agent loop only,
 * pure) knows which response is active and when ours may be asked for, so that
 * every response.create of a call goes through it. It never stays locked on an
 * event that an error replaced or that never comes: each wait has a deadline.
 *
 * Usage: seq_want when an answer is needed; whenever something changed, while
 * seq_ready says yes, send response.create and call seq_sent.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SEQ_ID_SIZE = 64,
	SEQ_CREATED_US = 10000000, /* from response.create, or the end of a turn, to response.created */
	SEQ_QUIET_US = 20000000,   /* between two events of one response */
	SEQ_DROP_US = 2000000,     /* a response that was cut before it began shows within this, or never */
	SEQ_RETRY_US = 500000,     /* pause before a failed answer is asked for again */
	SEQ_BUSY_MAX = 40,         /* refusals as busy, SEQ_RETRY_US apart, before it counts as failed */
	SEQ_TRIES = 2              /* times an answer is asked for before giving up */
};

/* What to do with a response that has just begun. */
enum seq_birth {
	SEQ_WELCOME, /* it is the answer that was owed */
	SEQ_UNHEARD, /* cut before it began: not to be played; the model stops it by itself */
	SEQ_CANCEL   /* the same, but nobody else will stop it */
};

struct sequencer {
	char active[SEQ_ID_SIZE]; /* id of the response being made, "" if none */
	int64_t active_us;        /* when it last gave a sign of life */
	bool wanted;              /* an answer is to be asked for */
	int64_t not_before_us;    /* and no earlier than this */
	bool owed;                /* the caller waits for it: a turn or keys, not a greeting */
	bool turn_due;            /* the model is to answer a turn by itself */
	char sent[SEQ_ID_SIZE];   /* event_id of our response.create, "" if none is out */
	char asked[SEQ_ID_SIZE];  /* the same, kept until it cannot be refused any more or no longer matters */
	int64_t expected_us;      /* a response.created is due by then; INT64_MAX: none expected */
	int failures;             /* in a row */
	int busy;                 /* refusals in a row because something else was active */
	enum seq_birth next;      /* what is to become of the next response */
	bool cut;                 /* the active response was cut: owed to nobody, whatever becomes of it */
};

void seq_init(struct sequencer *s);

/* An answer is to be asked for. `owed`: the caller waits for it. */
void seq_want(struct sequencer *s, bool owed, int64_t now_us);

/* The model will answer by itself (a turn was committed and create_response is on). */
void seq_expect(struct sequencer *s, int64_t now_us);

/* Whether response.create should be sent now. */
bool seq_ready(const struct sequencer *s, int64_t now_us);
void seq_sent(struct sequencer *s, const char *event_id, int64_t now_us);

/* Since or from when something the agent is told to say may be asked for (with
 * seq_sent, without seq_want): there may be a pause first. INT64_MAX: something
 * is owed, being made or on its way. */
int64_t seq_free_us(const struct sequencer *s);

/* What was wanted again, because it failed, is somebody else's to ask for. */
void seq_unwant(struct sequencer *s);

/* response.created. */
enum seq_birth seq_created(struct sequencer *s, const char *response_id, int64_t now_us);
/* Any other event of a response. */
void seq_alive(struct sequencer *s, const char *response_id, int64_t now_us);

enum seq_verdict { SEQ_FINE, SEQ_RETRIED, SEQ_GIVE_UP };

/* response.done. `failed`: it made no answer for a reason that may pass; then
 * it is asked for again, or SEQ_GIVE_UP after SEQ_TRIES in a row. One that was
 * cut, or that we no longer wait for, decides nothing. */
enum seq_verdict seq_done(struct sequencer *s, const char *response_id, bool failed, int64_t now_us);

/* An error event that names our response.create. `busy`: there was an active
 * response already; the request waits for its end. Else it counts as failed,
 * unless it was cut meanwhile. */
enum seq_verdict seq_refused(struct sequencer *s, const char *event_id, bool busy, int64_t now_us);

/* True if a response is being made or on its way. */
bool seq_busy(const struct sequencer *s);

/* The caller interrupted. Returns the id of the active response ("" if none);
 * one that is on its way is remembered, and unheard when it comes. `cancel`: the
 * model does not know of the interruption and stops nothing by itself. */
const char *seq_cut(struct sequencer *s, bool cancel, int64_t now_us);

/* Anything due by the clock: an answer that never began, or went quiet. A
 * greeting that never begins is asked for twice and then done without. */
enum seq_verdict seq_tick(struct sequencer *s, int64_t now_us);
int64_t seq_deadline_us(const struct sequencer *s);

#endif
