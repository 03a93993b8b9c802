#ifndef MODEL_TEXT_USAGE_H
#define MODEL_TEXT_USAGE_H
/* What an answer of a text API was billed with. */
#include "common/json.h"
#include "server/model/protocol.h"

/* False: it does not say. */
bool text_usage_take(struct model_usage *out, const cJSON *usage);

#endif
