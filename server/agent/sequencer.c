#include "server/agent/sequencer.h"

#include <stdio.h>
#include <string.h>

void seq_init(struct sequencer *s)
{
	memset(s, 0, sizeof *s);
	s->expected_us = INT64_MAX;
}

void seq_want(struct sequencer *s, bool owed, int64_t now_us)
{
	s->wanted = true;
	s->owed |= owed;
	s->not_before_us = now_us;
}

void seq_expect(struct sequencer *s, int64_t now_us)
{
	s->expected_us = now_us + SEQ_CREATED_US;
	s->turn_due = s->owed = true;
	/* What was cut before this turn and has not shown by now never will. */
	if (!s->sent[0])
		s->next = SEQ_WELCOME;
}

/* While the model is about to begin one by itself, asking could only collide. */
static bool held(const struct sequencer *s)
{
	return s->active[0] || s->sent[0] || s->turn_due || s->next != SEQ_WELCOME;
}

bool seq_busy(const struct sequencer *s)
{
	return s->active[0] || s->sent[0] || s->turn_due;
}

bool seq_ready(const struct sequencer *s, int64_t now_us)
{
	return s->wanted && !held(s) && now_us >= s->not_before_us;
}

int64_t seq_free_us(const struct sequencer *s)
{
	return s->wanted || held(s) ? INT64_MAX : s->not_before_us;
}

void seq_unwant(struct sequencer *s)
{
	s->wanted = false;
}

void seq_sent(struct sequencer *s, const char *event_id, int64_t now_us)
{
	s->wanted = false;
	snprintf(s->sent, sizeof s->sent, "%s", event_id);
	snprintf(s->asked, sizeof s->asked, "%s", event_id);
	s->expected_us = now_us + SEQ_CREATED_US;
}

enum seq_birth seq_created(struct sequencer *s, const char *response_id, int64_t now_us)
{
	enum seq_birth birth = s->next;

	/* Not asked for by us: the answer that was owed is coming by itself. If
	 * it was cut, or ours was out, what became wanted since then is newer. */
	if (!s->sent[0] && birth == SEQ_WELCOME)
		s->wanted = false;
	if (birth == SEQ_WELCOME)
		s->owed = s->wanted;
	/* It may still have been the model's own, and ours the one too many; that
	 * refusal counts, unless the caller has interrupted. */
	if (birth != SEQ_WELCOME)
		s->asked[0] = '\0';
	s->busy = 0;
	snprintf(s->active, sizeof s->active, "%s", response_id);
	s->active_us = now_us;
	s->sent[0] = '\0';
	s->turn_due = false;
	s->expected_us = INT64_MAX;
	s->next = SEQ_WELCOME;
	s->cut = birth != SEQ_WELCOME;
	return birth;
}

void seq_alive(struct sequencer *s, const char *response_id, int64_t now_us)
{
	if (!strcmp(s->active, response_id))
		s->active_us = now_us;
}

/* An answer was due and did not come. */
static enum seq_verdict try_again(struct sequencer *s, int64_t now_us)
{
	if (++s->failures >= SEQ_TRIES)
		return SEQ_GIVE_UP;
	s->wanted = true;
	s->not_before_us = now_us + SEQ_RETRY_US;
	return SEQ_RETRIED;
}

/* The active response is no more. True if the caller was still waiting for it. */
static bool over(struct sequencer *s)
{
	bool waited = !s->cut;

	s->active[0] = '\0';
	s->cut = false;
	return waited;
}

enum seq_verdict seq_done(struct sequencer *s, const char *response_id, bool failed, int64_t now_us)
{
	if (!s->active[0] || strcmp(s->active, response_id) || !over(s))
		return SEQ_FINE;
	if (failed)
		return try_again(s, now_us);
	s->failures = 0;
	return SEQ_FINE;
}

enum seq_verdict seq_refused(struct sequencer *s, const char *event_id, bool busy, int64_t now_us)
{
	bool out = s->sent[0] != '\0', dropped = s->next != SEQ_WELCOME;

	if (!s->asked[0] || strcmp(s->asked, event_id))
		return SEQ_FINE;
	s->asked[0] = '\0';
	if (out) {
		s->sent[0] = '\0';
		if (!s->turn_due)
			s->expected_us = INT64_MAX;
		s->next = SEQ_WELCOME;
	}
	/* What goes wrong in a response that has begun, its end will tell. */
	if (out ? dropped : !busy)
		return SEQ_FINE;
	if (!busy || ++s->busy > SEQ_BUSY_MAX)
		return try_again(s, now_us);
	/* Whoever is active will be done; if we do not even know of it, a short
	 * pause keeps us from asking in a circle. */
	s->wanted = true;
	s->not_before_us = now_us + SEQ_RETRY_US;
	return SEQ_FINE;
}

const char *seq_cut(struct sequencer *s, bool cancel, int64_t now_us)
{
	if (s->sent[0]) {
		s->next = SEQ_CANCEL;
	} else if (s->turn_due) {
		s->next = cancel ? SEQ_CANCEL : SEQ_UNHEARD;
		s->expected_us = now_us + SEQ_DROP_US;
	} else if (s->next == SEQ_WELCOME) {
		/* What was owed is superseded by what the caller says now. */
		s->asked[0] = '\0';
		s->expected_us = INT64_MAX;
	}
	if (s->active[0])
		s->cut = true;
	s->wanted = s->owed = s->turn_due = false;
	s->failures = 0;
	return s->active;
}

/* No response.created in time. */
static enum seq_verdict never_began(struct sequencer *s, int64_t now_us)
{
	bool waited = s->next == SEQ_WELCOME, greeting = !s->owed && !s->turn_due;

	s->expected_us = INT64_MAX;
	s->sent[0] = s->asked[0] = '\0';
	s->turn_due = false;
	s->next = SEQ_WELCOME;
	if (!waited)
		return SEQ_FINE;
	if (greeting && s->failures + 1 >= SEQ_TRIES)
		return SEQ_FINE;
	return try_again(s, now_us);
}

enum seq_verdict seq_tick(struct sequencer *s, int64_t now_us)
{
	if (s->active[0] && now_us >= s->active_us + SEQ_QUIET_US)
		return over(s) ? try_again(s, now_us) : SEQ_FINE;
	if (!s->active[0] && now_us >= s->expected_us)
		return never_began(s, now_us);
	return SEQ_FINE;
}

int64_t seq_deadline_us(const struct sequencer *s)
{
	int64_t due = INT64_MAX;

	if (s->active[0])
		return s->active_us + SEQ_QUIET_US;
	if (s->wanted && !held(s))
		due = s->not_before_us;
	return s->expected_us < due ? s->expected_us : due;
}
