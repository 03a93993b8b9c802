#ifndef MONEY_COST_H
#define MONEY_COST_H
/* What a call costs, as an estimate: what the model and the transcription say
 * they used, and Twilio's started minutes. Pure.
 */
#include "server/money/prices.h"
#include "server/model/protocol.h"

#include <stdbool.h>
#include <stdint.h>

struct cost_use {                                /* of one call, so far */
	const char *model, *transcription_model; /* borrowed */
	struct model_usage model_used, transcription_used;
	int64_t stream_ms;
	bool dialer, twilio_records, machine_detection;
};

struct cost { /* USD */
	double model, transcription, twilio;
	bool known; /* false: there is no price for a model that was used, and the sum is too small */
	double total;
};

void cost_of(const struct cost_use *use, const struct prices *prices, struct cost *out);

/* {"usd":…,"estimate":true,"prices_of":…,"tokens":{…},"parts":{…}} */
void cost_put_json(const struct cost_use *use, const struct prices *prices, struct buf *out);

#endif
