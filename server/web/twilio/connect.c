#include "server/web/twilio/connect.h"

#include "server/line/keys/call_keys.h"
#include "server/line/calls_shown.h"
#include "server/phone/channel.h"
#include "server/phone/party.h"
#include "server/phone/twiml.h"
#include "server/web/twilio/gather.h"
#include "server/web/twilio/ladder.h"
#include "server/web/twilio/webhook.h"

#include <stdio.h>
#include <string.h>

static void connect_stream(const struct request *q, const char *url, const char *action, struct response *r)
{
	struct party from = party_from(webhook_field(q, "From")), to = party_to(webhook_field(q, "To"));
	struct buf status;

	buf_init(&status, 0);
	webhook_put_url(&status, q, "/twilio/stream-status");
	twiml_connect_stream(&r->body, &(struct twiml_stream){ .stream_url = url,
					   .action_url = action,
					   .status_url = buf_text(&status),
					   .caller = from.text,
					   .called = to.text });
	buf_free(&status);
}

static void connect_relay(
    const struct request *q, const struct call_announced *call, const char *url, const char *action, struct response *r)
{
	struct party from = party_from(webhook_field(q, "From")), to = party_to(webhook_field(q, "To"));

	twiml_connect_relay(&r->body, &(struct twiml_relay){ .relay_url = url,
					  .action_url = action,
					  .agent = call->agent,
					  .greeting = call->welcome,
					  .caller = from.text,
					  .called = to.text });
}

static void connect_gather(
    const struct web_parts *parts, const struct request *q, const struct ladder_at *at, struct response *r)
{
	struct buf query;

	buf_init(&query, 0);
	if (at)
		ladder_put(&query, at);
	if (!gather_first(parts, q, buf_text(&query), r))
		twiml_hangup(&r->body);
	buf_free(&query);
}

/* For streams that follow this one without a question of Twilio's to us. */
static void keep_way(
    const struct web_parts *parts, const struct request *q, const char *token, const struct ladder_at *at)
{
	struct ladder_at next = at ? *at : (struct ladder_at){ .agent = "", .variant = "" };
	struct buf stream, action, status;

	buf_init(&stream, 0);
	buf_init(&action, 0);
	buf_init(&status, 0);
	next.stream = 0;
	buf_printf(&stream, "ws%s/twilio/stream/", q->public_url + strlen("http"));
	webhook_put_url(&action, q, "/twilio/connect-action");
	ladder_put(&action, &next);
	buf_puts(&action, "&stream=");
	webhook_put_url(&status, q, "/twilio/stream-status");
	if (!buf_error(&stream) && !buf_error(&action) && !buf_error(&status))
		calls_keep_way(parts->calls, token,
		    (const char *const[WAY_PARTS]){ [WAY_STREAM] = buf_text(&stream),
			[WAY_ACTION] = buf_text(&action),
			[WAY_REST] = WEBHOOK_RETRY,
			[WAY_STATUS] = buf_text(&status) });
	buf_free(&stream);
	buf_free(&action);
	buf_free(&status);
}

/* The token stands in the path, because Twilio drops the query of the
 * URL. A public URL begins with http or https; this one with ws or wss.
 * A call that has ended meanwhile opens nothing any more. */
void connect_call(const struct web_parts *parts, const struct request *q, const char *token, const struct ladder_at *at,
    struct response *r)
{
	struct call_announced call;
	struct buf url, action;

	snprintf(r->promised, sizeof r->promised, "%s", webhook_field(q, "CallSid"));
	if (!calls_announced(parts->calls, token, &call)) {
		twiml_hangup(&r->body);
		return;
	}
	if (call.channel->requests) {
		connect_gather(parts, q, at, r);
		call_announced_free(&call);
		return;
	}
	buf_init(&url, 0);
	buf_init(&action, 0);
	buf_printf(
	    &url, "ws%s/twilio/%s/%s", q->public_url + strlen("http"), call.channel->text ? "relay" : "stream", token);
	webhook_put_url(&action, q, "/twilio/connect-action");
	if (at)
		ladder_put(&action, at);
	if (call.channel->parks)
		keep_way(parts, q, token, at);
	buf_puts(&action, WEBHOOK_RETRY);
	if (call.channel->text)
		connect_relay(q, &call, buf_text(&url), buf_text(&action), r);
	else
		connect_stream(q, buf_text(&url), buf_text(&action), r);
	buf_free(&url);
	buf_free(&action);
	call_announced_free(&call);
}
