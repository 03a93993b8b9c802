/* The queries are not checked (NULL): some carry ?out=, and an owner may add
 * parameters of his own. A change of a path breaks numbers already
 * configured at Twilio.
 */
#include "server/web/twilio/twilio_routes.h"

#include "server/phone/media_stream.h"
#include "server/phone/relay.h"
#include "server/web/twilio/connect_action.h"
#include "server/web/twilio/dial_done.h"
#include "server/web/twilio/ladder.h"
#include "server/web/twilio/statuses.h"
#include "server/web/twilio/stream.h"
#include "server/web/twilio/voice.h"

#include <string.h>

static const struct upgrade stream_upgrade = { stream_admit, &media_stream_channel };
static const struct upgrade relay_upgrade = { stream_admit, &relay_channel };

const struct route twilio_routes[] = {
	{ "POST", "/twilio/voice", ROUTE_TWILIO, BODY_FORM, NULL, webhook_voice, "a call comes in", NULL },
	{ "GET", "/twilio/stream", ROUTE_STREAM, BODY_NONE, NULL, NULL, "a stream of somebody's own TwiML",
	    &stream_upgrade },
	{ "GET", "/twilio/stream/{token}", ROUTE_STREAM, BODY_NONE, NULL, NULL, "the stream our TwiML announced",
	    &stream_upgrade },
	{ "GET", "/twilio/relay", ROUTE_STREAM, BODY_NONE, NULL, NULL, "a ConversationRelay of somebody's own TwiML",
	    &relay_upgrade },
	{ "GET", "/twilio/relay/{token}", ROUTE_STREAM, BODY_NONE, NULL, NULL,
	    "the ConversationRelay our TwiML announced", &relay_upgrade },
	{ "POST", "/twilio/connect-action", ROUTE_TWILIO, BODY_FORM, NULL, webhook_connect_action,
	    "the stream or session is over", NULL },
	{ "POST", "/twilio/gather", ROUTE_TWILIO, BODY_FORM, NULL, webhook_gather, "a turn of a call by <Gather>",
	    NULL },
	{ "POST", "/twilio/dial-done", ROUTE_TWILIO, BODY_FORM, NULL, webhook_dial_done, "a person was dialled", NULL },
	{ "POST", "/twilio/ladder", ROUTE_TWILIO, BODY_FORM, NULL, webhook_ladder,
	    "what was tried in the agent's place is over", NULL },
	{ "POST", "/twilio/stream-status", ROUTE_TWILIO, BODY_FORM, NULL, webhook_stream_status, "news of a stream",
	    NULL },
	{ "POST", "/twilio/call-status", ROUTE_TWILIO, BODY_FORM, NULL, webhook_call_status, "news of a call", NULL },
	{ "POST", "/twilio/recording-status", ROUTE_TWILIO, BODY_FORM, NULL, webhook_recording_status,
	    "news of a recording", NULL },
	{ "POST", "/twilio/transcription", ROUTE_TWILIO, BODY_FORM, NULL, webhook_transcription,
	    "the words of a message", NULL },
	{ "POST", "/twilio/amd", ROUTE_TWILIO, BODY_FORM, NULL, webhook_amd, "a machine has answered, or a person",
	    NULL },
	{ .path = NULL },
};

/* Printed at start. Without PUBLIC_URL the public address is the tunnel's or
 * proxy's, which only the owner knows. */
void twilio_print_address(const struct config *cfg, int port, struct buf *out)
{
	if (*cfg->public_url) {
		buf_printf(out, "Twilio: when a call comes in, webhook, HTTP POST: %s/twilio/voice\n", cfg->public_url);
		buf_printf(
		    out, "Twilio: call status changes, HTTP POST:           %s/twilio/call-status\n", cfg->public_url);
		return;
	}
	buf_printf(out,
	    "Twilio: when a call comes in, webhook, HTTP POST: https://(your tunnel or proxy)/twilio/voice, "
	    "leading to http://%s:%d/twilio/voice; set PUBLIC_URL to that https:// address\n",
	    !strcmp(cfg->listen, "0.0.0.0") ? "127.0.0.1" : cfg->listen, port);
}
