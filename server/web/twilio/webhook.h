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

struct twiml_dial;

/* A field of the form, "" if it is not there. */
const char *webhook_field(const struct request *q, const char *name);

/* The call as the form tells of it. Borrowed from the form. */
struct call_facts webhook_facts(const struct request *q);

/* Whether the text can be logged, kept and put into a URL. */
bool webhook_is_sid(const char *sid);

/* Whether it names a call, and we know our own address to answer with. Else the
 * refusal is in `r`. */
bool webhook_answerable(const struct request *q, struct response *r);

/* Ends the address of an action on which the rest of a call depends: Twilio asks up to three times
 * more, whatever the failure, so that a restart is bridged. It never reaches us, and is not signed. */
#define WEBHOOK_RETRY "#rc=3&rp=all"

/* Appends an address of ours. */
void webhook_put_url(struct buf *out, const struct request *q, const char *path);

/* Answers with a <Dial> for the caller. `agent`: the call's, whose number is the caller ID where the
 * caller has none. `tell`: the caller hears of it before. */
void webhook_dial(const struct agent *agent, const struct call_facts *facts, const struct twiml_dial *dial, bool tell,
    struct response *r);

/* Whether the call is over, by CallStatus. */
bool webhook_is_final(const char *call_status);

/* Whether the person took the call, by DialCallStatus. */
bool webhook_dial_taken(const char *dial_status);

/* Answers with a phrase in the words of the call's agent (calls_speaker), and hangs up.
 * Who was called by us hears `outbound` instead of those that ask to call again, or `outbound_end`. */
void webhook_say(const struct web_parts *parts, const struct call_facts *facts, enum phrase phrase, struct response *r);
/* The same in the words of this agent. */
void webhook_put_say(
    const struct agent *speaker, const struct call_facts *facts, enum phrase phrase, struct response *r);

#endif
