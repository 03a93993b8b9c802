#include "server/dialer/dialer_rules.h"

#include "common/backoff.h"
#include "common/clock.h"
#include "common/json.h"

#include <string.h>

enum {
	LONGEST_DAY_MS = 26 * 3600 * 1000, /* and more: clocks are put back by an hour */
	CLOCKS_APART_MS = 60 * 1000        /* difference of our clock and Twilio's, at most */
};

/* ----------------------------------------------------------------------- status */

static const char *const names[OUT_STATUS_COUNT] = {
	[OUT_QUEUED] = "queued",
	[OUT_INITIATED] = "initiated",
	[OUT_RINGING] = "ringing",
	[OUT_IN_PROGRESS] = "in-progress",
	[OUT_COMPLETED] = "completed",
	[OUT_BUSY] = "busy",
	[OUT_NO_ANSWER] = "no-answer",
	[OUT_FAILED] = "failed",
	[OUT_CANCELED] = "canceled",
};

const char *out_status_name(enum out_status status)
{
	return names[status];
}

int out_status_of(const char *name)
{
	for (int i = 0; i < OUT_STATUS_COUNT; i++)
		if (!strcmp(names[i], name))
			return i;
	return -1;
}

bool out_status_final(enum out_status status)
{
	return status >= OUT_COMPLETED;
}

enum out_status out_status_after(enum out_status now, enum out_status news)
{
	return !out_status_final(now) && news > now ? news : now;
}

/* ----------------------------------------------------------------------- asking */

/* A longer time of Twilio's would stop all calls. */
static const struct backoff asking = { .first_ms = 500, .most_ms = 30000, .asked_most_s = 300 };

static void put_off(struct out_try *t, int64_t asked_s, uint32_t chance, int64_t now_us)
{
	t->tries++;
	t->due_us = now_us + backoff_ms(&asking, t->tries, asked_s, chance) * US_PER_MS;
}

/* TWILIO_UNKNOWN must never lead to a plain repetition: a person's telephone would ring
 * twice. */
void out_asked(struct out_try *t, enum twilio_outcome outcome, int64_t retry_after_s, uint32_t chance, int64_t now_us)
{
	switch (outcome) {
	case TWILIO_OK:
		t->phase = PHASE_MADE;
		break;
	case TWILIO_REFUSED:
		t->phase = PHASE_FAILED;
		break;
	case TWILIO_UNKNOWN:
		out_lost_sight(t, now_us);
		break;
	case TWILIO_BUSY:
	case TWILIO_NOT_SENT:
		t->phase = PHASE_QUEUED;
		put_off(t, outcome == TWILIO_BUSY ? retry_after_s : 0, chance, now_us);
		break;
	}
}

void out_lost_sight(struct out_try *t, int64_t now_us)
{
	t->phase = PHASE_UNSURE;
	t->lookups = 0;
	/* Twilio's own news often come within this time and save the search. */
	t->due_us = now_us + US_PER_S;
}

/* A list that Twilio did not give proves nothing, and counts as no search. */
void out_searched(struct out_try *t, bool searched, bool found, uint32_t chance, int64_t now_us)
{
	/* Half a minute in all: Twilio lists a call within seconds of making it. */
	static const int after_s[OUT_LOOKUPS] = { 2, 4, 8, 16, 0 };

	if (found) {
		t->phase = PHASE_MADE;
	} else if (!searched) {
		put_off(t, 0, chance, now_us);
	} else if (++t->lookups < OUT_LOOKUPS) {
		t->due_us = now_us + after_s[t->lookups - 1] * US_PER_S;
	} else if (t->repeated) {
		t->phase = PHASE_FAILED;
	} else {
		t->phase = PHASE_QUEUED;
		t->repeated = true;
		t->tries = 0;
		t->due_us = now_us;
	}
}

/* ----------------------------------------------------------------------- the rate */

int64_t out_bucket_due(const struct out_bucket *b)
{
	return b->next_us;
}

bool out_bucket_take(struct out_bucket *b, int64_t now_us)
{
	if (now_us < b->next_us)
		return false;
	b->next_us = now_us + (int64_t)(US_PER_S / b->per_second);
	return true;
}

void out_bucket_hold(struct out_bucket *b, int64_t until_us)
{
	if (until_us > b->next_us)
		b->next_us = until_us;
}

/* ------------------------------------------------------------------------ the day */

int out_day_count(struct out_day *d, int64_t wall_ms)
{
	int64_t day = clock_day(wall_ms);

	if (day > d->day)
		*d = (struct out_day){ .day = day };
	return d->count;
}

/* An order that is taken back after midnight was counted on the day before. */
void out_day_add(struct out_day *d, int count, int64_t wall_ms)
{
	d->count = out_day_count(d, wall_ms) + count;
	if (d->count < 0)
		d->count = 0;
}

/* The first moment of that day, which lies behind `before` and not behind `after`. */
static int64_t first_of(int64_t day, int64_t before, int64_t after)
{
	while (after - before > 1) {
		int64_t middle = before + (after - before) / 2;

		if (clock_day(middle) < day)
			before = middle;
		else
			after = middle;
	}
	return after;
}

int64_t out_day_begin_ms(int64_t wall_ms)
{
	return first_of(clock_day(wall_ms), wall_ms - LONGEST_DAY_MS, wall_ms);
}

int out_day_left_s(int64_t wall_ms)
{
	int64_t next_ms = first_of(clock_day(wall_ms) + 1, wall_ms, wall_ms + LONGEST_DAY_MS);

	return (int)((next_ms - wall_ms + 999) / 1000);
}

/* ----------------------------------------------------------------------- matching */

static bool field_is(const cJSON *o, const char *name, const char *value)
{
	const char *text = json_str(o, name);

	return text && !strcmp(text, value);
}

bool out_detects(const cJSON *request)
{
	const char *machine = json_str(request, "machine");

	return machine && strcmp(machine, "ignore") != 0;
}

bool out_matches(const cJSON *listed, const char *to, const char *from, int64_t asked_ms)
{
	int64_t at_s = twilio_date(json_str(listed, "date_created"));

	if (!json_str(listed, "sid") || !field_is(listed, "to", to) || !field_is(listed, "from", from) ||
	    !field_is(listed, "direction", "outbound-api"))
		return false;
	/* A call that is still in Twilio's queue has no date. */
	return at_s < 0 || at_s * 1000 >= asked_ms - CLOCKS_APART_MS;
}
