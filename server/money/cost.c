#include "server/money/cost.h"

#include <assert.h>
#include <string.h>

static const double MILLION = 1e6;

enum { MS_PER_MINUTE = 60000, MS_PER_TOKEN = 100 /* of caller audio */ };

/* The model counts cached tokens among those that came in, so they are taken out of the full price
 * first. A price that the table gives as 0 makes that kind free. */
static double tokens(const struct model_usage *u, const struct model_price *p)
{
	const int64_t *n = u->n;
	double sum = 0;

	sum += (double)(n[USAGE_TEXT_IN] - n[USAGE_TEXT_CACHED]) * p->text_in +
	       (double)n[USAGE_TEXT_CACHED] * p->text_cached;
	sum += (double)(n[USAGE_AUDIO_IN] - n[USAGE_AUDIO_CACHED]) * p->audio_in +
	       (double)n[USAGE_AUDIO_CACHED] * p->audio_cached;
	sum += (double)(n[USAGE_IMAGE_IN] - n[USAGE_IMAGE_CACHED]) * p->image_in +
	       (double)n[USAGE_IMAGE_CACHED] * p->image_cached;
	sum += (double)n[USAGE_TEXT_OUT] * p->text_out + (double)n[USAGE_AUDIO_OUT] * p->audio_out;
	return sum / MILLION;
}

/* Some transcription models are billed by time and some by tokens, and the usage they report may be
 * of the other kind. A token is 100 ms of caller audio, which converts either way. Of a model that
 * nothing is known of, the dearer of both. */
static double transcription(const struct model_usage *u, const struct model_price *p)
{
	struct model_usage by_tokens = *u;
	int64_t ms = u->n[USAGE_MS] + u->n[USAGE_AUDIO_IN] * MS_PER_TOKEN;
	double timed = (double)ms / MS_PER_MINUTE * p->minute, counted;

	by_tokens.n[USAGE_AUDIO_IN] += u->n[USAGE_MS] / MS_PER_TOKEN;
	counted = tokens(&by_tokens, p);
	if (p->told & 1 << PRICE_minute)
		return timed;
	return p->told || counted > timed ? counted : timed;
}

/* True: the table tells the price of all that was used. */
static bool all_told(const struct model_usage *u, const struct model_price *p, bool transcriber)
{
	static const enum model_price_kind price_of[USAGE_COUNT] = { [USAGE_TEXT_IN] = PRICE_text_in,
		[USAGE_TEXT_CACHED] = PRICE_text_cached,
		[USAGE_AUDIO_IN] = PRICE_audio_in,
		[USAGE_AUDIO_CACHED] = PRICE_audio_cached,
		[USAGE_IMAGE_IN] = PRICE_image_in,
		[USAGE_IMAGE_CACHED] = PRICE_image_cached,
		[USAGE_TEXT_OUT] = PRICE_text_out,
		[USAGE_AUDIO_OUT] = PRICE_audio_out,
		[USAGE_MS] = PRICE_audio_in };

	if (transcriber && p->told & 1 << PRICE_minute)
		return true;
	for (int i = 0; i < USAGE_COUNT; i++)
		if (u->n[i] > 0 && !(p->told & 1U << price_of[i]))
			return false;
	return true;
}

/* Twilio bills started minutes. A minute of stream or relay is added to a minute of the call itself, and to
 * one of recording if Twilio makes it; machine detection costs once a call. */
static double twilio(const struct cost_use *use, const struct twilio_price *p)
{
	int64_t minutes = (use->stream_ms + MS_PER_MINUTE - 1) / MS_PER_MINUTE;
	double carried = use->bare ? 0 : use->relay ? use->relay_minute : p->stream_minute;
	double a_minute = carried + (use->dialer ? p->dialer_minute : p->inbound_minute) +
			  (use->twilio_records ? p->recording_minute : 0);

	return (double)minutes * a_minute + (use->machine_detection ? p->machine_detection : 0);
}

/* The model's part; each is priced by itself. */
static void add_model(
    struct call_cost *out, const char *name, const struct model_usage *used, const struct prices *prices)
{
	struct model_price price;

	prices_of_model(prices, name, &price);
	out->known &= all_told(used, &price, false);
	for (int i = 0; i < CALL_TOKEN_KINDS; i++)
		out->tokens[i] += used->n[i];
	out->model += tokens(used, &price);
}

/* During the call (for MAX_CALL_COST) and at its end. What has no price counts as the dearest in the
 * table, so that a limit is reached too early rather than never; `known` is false then. For the minute of
 * a relay the table has no price, so that one is missing in the sum. */
void cost_of(const struct cost_use *use, const struct prices *prices, struct call_cost *out)
{
	struct model_price transcriber;

	prices_of_model(prices, use->transcription_model, &transcriber);
	memset(out, 0, sizeof *out);
	out->known = all_told(&use->transcription_used, &transcriber, true) && (!use->relay || use->relay_minute > 0);
	out->prices_of = prices->date;
	add_model(out, use->model, &use->model_used, prices);
	for (size_t i = 0; i < sizeof use->others / sizeof *use->others; i++)
		if (use->others[i].model)
			add_model(out, use->others[i].model, &use->others[i].used, prices);
	out->transcription = transcription(&use->transcription_used, &transcriber);
	out->twilio = twilio(use, &prices->twilio);
	out->total = out->model + out->transcription + out->twilio;
}

/* Kinds of tokens come first in enum usage_kind, so their number bounds the loop below. */
static_assert(CALL_TOKEN_KINDS == (int)USAGE_MS, "a kind of token is told of without its name");

/* For /calls, webhooks and the store. Six places, as one turn may cost less than a hundredth of a
 * cent. */
void cost_put_json(const struct call_cost *cost, const char *key, struct json_out *j)
{
	json_put_object(j, key);
	if (cost->prices_of)
		json_put_fixed(j, "usd", cost->total, 6);
	else
		json_put_null(j, "usd");
	json_put_bool(j, "estimate", true);
	json_put_bool(j, "unpriced", cost->prices_of && !cost->known);
	json_put_text(j, "prices_of", cost->prices_of);
	json_put_object(j, "tokens");
	for (int i = 0; i < CALL_TOKEN_KINDS; i++)
		json_put_int(j, usage_name((enum usage_kind)i), cost->tokens[i]);
	json_put_end(j);
	json_put_object(j, "parts");
	json_put_fixed(j, "model", cost->model, 6);
	json_put_fixed(j, "transcription", cost->transcription, 6);
	json_put_fixed(j, "twilio", cost->twilio, 6);
	json_put_end(j);
	json_put_end(j);
}
