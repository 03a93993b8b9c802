/* The signature has been checked by the row, the handshake as well. What is
 * left is the line: one reserved by our voice webhook, named by the token;
 * or a free one, for a <Stream> or <ConversationRelay> in somebody's own TwiML.
 */
#include "server/web/twilio/stream.h"

#include "common/log.h"
#include "server/line/calls.h"
#include "server/line/calls_admit.h"
#include "server/stats/stats.h"

#include <errno.h>

/* The token is spent by this, whatever becomes of the upgrade. A claim that
 * is not carried expires by itself. */
static bool admit_announced(const struct phone_channel *channel, const struct web_parts *parts, const struct request *q,
    const char *token, struct response *r, struct call_ref *ref)
{
	static struct log_kind lines;
	unsigned more;
	int err = calls_claim(parts->calls, token, channel, ref);
	bool another = err == -EPROTOTYPE;

	if (!err)
		return true;
	response_refusal(r, 403,
	    another ? "this call was announced for another path"
		    : "this stream was not announced, or is already in use, or came too late");
	stat_add(http_refused_token, 1);
	if (log_due(&lines, LOG_STRANGERS_US, &more))
		log_warn("http", "refused: a stream with %s token; client=%s more_before=%u",
		    another ? "another channel's" : "an unknown, used or expired", q->client, more);
	return false;
}

/* One sentence for the client, one for the log. */
static bool refuse(const struct request *q, struct response *r, int status, const char *sentence, const char *why)
{
	static struct log_kind lines;
	unsigned more;

	response_refusal(r, status, sentence);
	if (log_due(&lines, LOG_STRANGERS_US, &more))
		log_warn("http", "refused: an unannounced stream, %s; client=%s more_before=%u", why, q->client, more);
	return false;
}

/* The CallSid comes with the stream's first message, so a line has to be
 * claimed blindly. */
static bool admit_unannounced(
    const struct web_parts *parts, const struct request *q, struct response *r, struct call_ref *ref)
{
	if (!parts->cfg->stream_unannounced) {
		stat_add(http_refused_token, 1);
		return refuse(q, r, 403, "streams of other TwiML are taken with STREAM_UNANNOUNCED=on only",
		    "STREAM_UNANNOUNCED is off");
	}
	switch (calls_claim_unannounced(parts->calls, ref)) {
	case 0:
		return true;
	case -EDQUOT:
		return refuse(q, r, 503, "no more calls today", "MAX_DAY_COST");
	case -ESHUTDOWN:
		return refuse(q, r, 503, "shutting down", "shutting down");
	default:
		return refuse(q, r, 503, "every line is taken", "no line is free");
	}
}

bool stream_admit(const struct upgrade *upgrade, const struct web_parts *parts, const struct request *q,
    const char *token, struct response *r, struct call_ref *ref)
{
	return *token ? admit_announced(upgrade->channel, parts, q, token, r, ref)
		      : admit_unannounced(parts, q, r, ref);
}
