#ifndef MODEL_REALTIME_H
#define MODEL_REALTIME_H
/* OpenAI's Realtime API (general availability), also as served by Azure. A session is in audio, or
 * in text: then the caller's turns come as items, and we ask for each answer. */
#include "server/model/protocol.h"

extern const struct model_protocol realtime_protocol;
extern const struct model_protocol realtime_text_protocol;

#endif
