#include "server/phone/channels.h"

#include "server/agents/agent.h"
#include "server/phone/gather.h"
#include "server/phone/media_stream.h"
#include "server/phone/relay.h"

const struct phone_channel *phone_channel_of(const struct agent *p)
{
	static const struct phone_channel *const channels[] = { [CHANNEL_STREAM] = &media_stream_channel,
		[CHANNEL_RELAY] = &relay_channel,
		[CHANNEL_GATHER] = &gather_channel };

	return channels[p->channel];
}
