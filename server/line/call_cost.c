#include "server/line/call_cost.h"

#include "common/clock.h"
#include "server/line/calls_private.h"
#include "server/money/spending.h"

#include <string.h>

/* Twilio's minutes cost even while the model uses nothing, hence the clock. */
enum { MIND_US = US_PER_S };

void call_cost_count(
    struct call *c, struct call_spending *spending, bool transcription, const struct model_usage *usage)
{
	_Atomic int64_t *used = transcription ? c->transcription_used : c->model_used;

	for (int i = 0; i < USAGE_COUNT; i++)
		atomic_fetch_add_explicit(&used[i], usage->n[i], memory_order_relaxed);
	spending->minded_us = 0;
}

void call_cost_use(struct call *c, int64_t now_us, struct cost_use *out)
{
	int64_t started = atomic_load_explicit(&c->started_us, memory_order_relaxed);
	int64_t ended = atomic_load_explicit(&c->ended_us, memory_order_relaxed);

	memset(out, 0, sizeof *out);
	out->model = atomic_load_explicit(&c->model_name, memory_order_relaxed);
	if (!out->model)
		out->model = c->agent->openai_model;
	out->transcription_model = c->agent->transcription_model;
	for (int i = 0; i < USAGE_COUNT; i++) {
		out->model_used.n[i] = atomic_load_explicit(&c->model_used[i], memory_order_relaxed);
		out->transcription_used.n[i] = atomic_load_explicit(&c->transcription_used[i], memory_order_relaxed);
	}
	out->stream_ms = started ? ((ended ? ended : now_us) - started) / US_PER_MS : 0;
	out->relay = c->channel->text;
	out->relay_minute = c->cfg->relay_minute_price;
	out->dialer = !strcmp(c->direction, "outbound");
	out->twilio_records = c->record == RECORDING_TWILIO;
	out->machine_detection = c->detected;
}

/* What has no price counts as the dearest: MAX_DAY_COST and max_call_cost may then come too
 * early. The log has one line for each such model. */
static void warn_unknown(struct spending *books, const struct cost_use *use)
{
	struct cost_use half = *use;
	struct call_cost cost;

	half.relay = false; /* its price is a setting: see config_warnings.c */
	memset(&half.transcription_used, 0, sizeof half.transcription_used);
	cost_of(&half, spending_prices(books), &cost);
	if (!cost.known)
		spending_warn_unknown(books, use->model);
	half.transcription_used = use->transcription_used;
	memset(&half.model_used, 0, sizeof half.model_used);
	cost_of(&half, spending_prices(books), &cost);
	if (!cost.known)
		spending_warn_unknown(books, use->transcription_model);
}

/* The agent loop asks at each turn, and once more with `now` after the end. Only the
 * difference to the last sum is booked. The limit itself ends no call: on a true answer
 * the agent loop says goodbye, and the call ends after those words (END_COST_LIMIT). */
bool call_cost_mind(struct call *c, struct call_spending *spending, bool now, int64_t now_us)
{
	struct spending *books = c->calls->use.spending;
	double limit = c->agent->max_call_cost;
	struct cost_use use;
	struct call_cost cost;

	if (!now && now_us < spending->minded_us + MIND_US)
		return false;
	spending->minded_us = now_us;
	call_cost_use(c, now_us, &use);
	cost_of(&use, spending_prices(books), &cost);
	spending_book(books, &c->hold, cost.total, clock_wall_ms());
	if (!cost.known && !spending->unknown_told)
		warn_unknown(books, &use);
	spending->unknown_told |= !cost.known;
	if (limit <= 0 || cost.total < limit || !atomic_load_explicit(&c->started_us, memory_order_relaxed) ||
	    spending->limit_told || call_ended(c))
		return false;
	spending->limit_told = true;
	return true;
}
