#ifndef PHONE_CHANNELS_H
#define PHONE_CHANNELS_H
/* Which channel carries whose calls: the agent's `channel`. */
#include "server/phone/channel.h"

struct agent;

const struct phone_channel *phone_channel_of(const struct agent *p);

#endif
