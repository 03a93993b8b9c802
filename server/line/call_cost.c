#include "server/line/call_cost.h"

#include "common/clock.h"
#include "server/line/calls_private.h"
#include "server/money/spending.h"

#include <string.h>

/* Twilio's minutes cost even while the model uses nothing, hence the clock. */
enum { MIND_US = US_PER_S };
enum { MS_PER_TOKEN = 50 /* of the model's audio */, BYTES_PER_TOKEN = 4 };

void call_cost_count(
    struct call *c, struct call_spending *spending, bool transcription, const struct model_usage *usage)
{
	_Atomic int64_t *used = transcription ? c->transcription_used : c->models[c->model_at].used;

	for (int i = 0; i < USAGE_COUNT; i++)
		atomic_fetch_add_explicit(&used[i], usage->n[i], memory_order_relaxed);
	if (!transcription && usage->n[USAGE_TEXT_IN] + usage->n[USAGE_AUDIO_IN])
		spending->last = *usage;
	spending->minded_us = 0;
}

void call_cost_estimate(struct call *c, struct call_spending *spending, int64_t sound_ms, size_t text_bytes)
{
	struct model_usage usage = spending->last;

	usage.n[USAGE_AUDIO_OUT] = sound_ms / MS_PER_TOKEN;
	usage.n[USAGE_TEXT_OUT] = (int64_t)text_bytes / BYTES_PER_TOKEN;
	call_cost_count(c, spending, false, &usage);
}

static void load_usage(const _Atomic int64_t used[USAGE_COUNT], struct model_usage *out)
{
	for (int i = 0; i < USAGE_COUNT; i++)
		out->n[i] = atomic_load_explicit(&used[i], memory_order_relaxed);
}

static const char *load_model(const struct call_model *m, struct model_usage *out)
{
	load_usage(m->used, out);
	return atomic_load_explicit(&m->name, memory_order_relaxed);
}

void call_cost_session(struct call *c, int endpoint, const char *model)
{
	c->model_at = endpoint - 1;
	atomic_store_explicit(&c->models[c->model_at].name, model, memory_order_relaxed);
}

void call_cost_use(struct call *c, int64_t now_us, struct cost_use *out)
{
	int64_t started = atomic_load_explicit(&c->started_us, memory_order_relaxed);
	int64_t ended = atomic_load_explicit(&c->ended_us, memory_order_relaxed);

	memset(out, 0, sizeof *out);
	out->model = load_model(&c->models[0], &out->model_used);
	if (!out->model)
		out->model = c->agent->openai_model;
	for (int i = 1; i < CONFIG_ENDPOINTS_MAX; i++)
		out->others[i - 1].model = load_model(&c->models[i], &out->others[i - 1].used);
	out->transcription_model = c->agent->transcription_model;
	load_usage(c->transcription_used, &out->transcription_used);
	out->stream_ms = started ? ((ended ? ended : now_us) - started) / US_PER_MS : 0;
	out->bare = c->channel->requests;
	out->relay = c->channel->text && !out->bare;
	out->relay_minute = c->cfg->relay_minute_price;
	out->dialer = !strcmp(c->direction, "outbound");
	out->twilio_records = c->record == RECORDING_TWILIO;
	out->machine_detection = c->detected;
}

/* What has no price counts as the dearest: MAX_DAY_COST and max_call_cost may then come too
 * early. The log has one line for each such model. */
static void warn_if_unknown(struct spending *books, const char *model, const struct cost_use *part)
{
	struct call_cost cost;

	cost_of(part, spending_prices(books), &cost);
	if (!cost.known)
		spending_warn_unknown(books, model);
}

/* The price of a relay's minute is a setting: see config_warnings.c. */
static void warn_unknown(struct spending *books, const struct cost_use *use)
{
	struct cost_use part = { .model = use->model, .model_used = use->model_used, .transcription_model = "" };

	warn_if_unknown(books, use->model, &part);
	for (size_t i = 0; i < sizeof use->others / sizeof *use->others; i++) {
		part.model = use->others[i].model;
		part.model_used = use->others[i].used;
		if (part.model)
			warn_if_unknown(books, part.model, &part);
	}
	part = (struct cost_use){ .model = "",
		.transcription_model = use->transcription_model,
		.transcription_used = use->transcription_used };
	warn_if_unknown(books, use->transcription_model, &part);
}

int64_t call_cost_due_us(const struct call *c, const struct call_spending *spending)
{
	bool limited = c->agent->max_call_cost > 0 && !spending->limit_told &&
		       atomic_load_explicit(&c->started_us, memory_order_relaxed);

	return limited ? spending->minded_us + MIND_US : NEVER_US;
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
