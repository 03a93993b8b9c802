#ifndef MODEL_REALTIME_H
#define MODEL_REALTIME_H
/* OpenAI's Realtime API (general availability), also as served by Azure. */
#include "server/model/protocol.h"

extern const struct model_protocol realtime_protocol;

#endif
