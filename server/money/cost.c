#include "server/money/cost.h"

#include <assert.h>
#include <string.h>

static const double MILLION = 1e6;

enum { MS_PER_MINUTE = 60000, MS_PER_TOKEN = 100 /* of caller audio */ };

/* The model counts cached tokens among those that came in, so they are taken out of the full price
 * first. A price that is 0 in the table makes that kind free. */
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
 * of the other kind. A token is 100 ms of caller audio, which converts either way. */
static double transcription(const struct model_usage *u, const struct model_price *p)
{
	struct model_usage by_tokens = *u;
	int64_t ms = u->n[USAGE_MS] + u->n[USAGE_AUDIO_IN] * MS_PER_TOKEN;

	if (p->minute > 0)
		return (double)ms / MS_PER_MINUTE * p->minute;
	by_tokens.n[USAGE_AUDIO_IN] += u->n[USAGE_MS] / MS_PER_TOKEN;
	return tokens(&by_tokens, p);
}

static bool used(const struct model_usage *u)
{
	for (int i = 0; i < USAGE_COUNT; i++)
		if (u->n[i])
			return true;
	return false;
}

/* Twilio bills started minutes. A minute of stream is added to a minute of the call itself, and to
 * one of recording if Twilio makes it; machine detection costs once a call. */
static double twilio(const struct cost_use *use, const struct twilio_price *p)
{
	int64_t minutes = (use->stream_ms + MS_PER_MINUTE - 1) / MS_PER_MINUTE;
	double a_minute = p->stream_minute + (use->dialer ? p->dialer_minute : p->inbound_minute) +
			  (use->twilio_records ? p->recording_minute : 0);

	return (double)minutes * a_minute + (use->machine_detection ? p->machine_detection : 0);
}

/* During the call (for MAX_CALL_COST) and at its end. A model that was used but has no price makes
 * the sum too small: `known` is false then, and JSON shows null instead of a wrong number. The
 * parts stay. */
void cost_of(const struct cost_use *use, const struct prices *prices, struct call_cost *out)
{
	const struct model_price *model = prices_find(prices, use->model);
	const struct model_price *transcriber = prices_find(prices, use->transcription_model);

	memset(out, 0, sizeof *out);
	out->known = true;
	out->prices_of = prices->date;
	memcpy(out->tokens, use->model_used.n, sizeof out->tokens);
	if (model)
		out->model = tokens(&use->model_used, model);
	else if (used(&use->model_used))
		out->known = false;
	if (transcriber)
		out->transcription = transcription(&use->transcription_used, transcriber);
	else if (used(&use->transcription_used))
		out->known = false;
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
	if (cost->known)
		json_put_fixed(j, "usd", cost->total, 6);
	else
		json_put_null(j, "usd");
	json_put_bool(j, "estimate", true);
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
