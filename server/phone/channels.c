#include "server/phone/channels.h"

#include "server/agents/agent.h"
#include "server/phone/media_stream.h"
#include "server/phone/relay.h"

/* What has no channel here is refused at load. */
const struct phone_channel *phone_channel_of(const struct agent *p)
{
	return p->channel == CHANNEL_RELAY ? &relay_channel : &media_stream_channel;
}
