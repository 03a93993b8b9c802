#ifndef WEB_TWILIO_WEBHOOK_H
#define WEB_TWILIO_WEBHOOK_H
/* The common part of the webhooks: reading a signed form, the answer that
 * two of them give, and the words that a caller hears without any agent.
 *
 * The row of a webhook has seen to its signature and its form (routes.h).
 */
#include "server/agents/phrases.h"
#include "server/line/calls.h"
#include "server/web/http.h"
#include "server/web/web_parts.h"

/* A field of the form, "" if it is not there. */
const char *webhook_field(const struct request *q, const char *name);

/* The call as the form tells of it. Borrowed from the form. */
struct call_facts webhook_facts(const struct request *q);

/* Whether the text can be logged, kept and put into a URL. */
bool webhook_is_sid(const char *sid);

/* Whether it names a call, and we know our own address to answer with. Else the
 * refusal is in `r`. */
bool webhook_answerable(const struct request *q, struct response *r);

/* Answers with the stream or the session that this token opens, by the channel of its call. */
void webhook_connect(const struct web_parts *parts, const struct request *q, const char *token, struct response *r);

/* Answers with a <Dial> of this number for the caller, then dial-done at `action_url`.
 * `agent`: the call's, whose number is the caller ID where the caller has none. */
void webhook_dial(const struct agent *agent, const struct call_facts *facts, const char *number, int ring_seconds,
    const char *action_url, struct response *r);

/* Answers with a phrase in the words of the call's agent (calls_speaker), and hangs up.
 * Who was called by us hears `outbound` instead of those that ask to call again. */
void webhook_say(const struct web_parts *parts, const struct call_facts *facts, enum phrase phrase, struct response *r);

/* The same for a call that cannot be served: the agent's fallback number is dialled
 * first, if it may be. If that does not take the call, dial-done answers with `unanswered`. */
void webhook_turn_away(const struct web_parts *parts, const struct request *q, const struct call_facts *facts,
    enum phrase phrase, struct response *r);

#endif
