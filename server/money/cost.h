#ifndef MONEY_COST_H
#define MONEY_COST_H
/* The cost of a call, as an estimate: the usage that the model and the
 * transcription report, and Twilio's started minutes. Pure.
 */
#include "common/json_out.h"
#include "server/money/prices.h"
#include "server/model/protocol.h"
#include "server/store/store_calls.h"

#include <stdbool.h>
#include <stdint.h>

struct cost_use {                                /* of one call, so far */
	const char *model, *transcription_model; /* borrowed */
	struct model_usage model_used, transcription_used;
	struct cost_model { /* what it had elsewhere; model NULL: nothing */
		const char *model;
		struct model_usage used;
	} others[CONFIG_ENDPOINTS_MAX - 1];
	int64_t stream_ms;
	bool bare;           /* carried by no stream and no relay: its minutes are the call's own */
	bool relay;          /* carried by ConversationRelay, whose minute costs … */
	double relay_minute; /* … so many USD; 0: nobody has said, and it counts as nothing */
	bool dialer, twilio_records, machine_detection;
};

void cost_of(const struct cost_use *use, const struct prices *prices, struct call_cost *out);

/* {"usd":…,"estimate":true,"unpriced":false,"prices_of":…,"tokens":{…},"parts":{…}} */
void cost_put_json(const struct call_cost *cost, const char *key, struct json_out *j);

#endif
