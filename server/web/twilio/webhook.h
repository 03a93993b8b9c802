#ifndef WEB_TWILIO_WEBHOOK_H
#define WEB_TWILIO_WEBHOOK_H
/* The common part of the webhooks: reading a signed form, the answer that
 * two of them give, and the sentences a caller hears from us without any
 * agent.
 *
 * The row of a webhook has seen to its signature and its form (routes.h).
 */
#include "server/web/http.h"

#define SORRY_FULL "We are sorry, all our lines are busy. Please call again in a few minutes. Goodbye."
#define SORRY_DRAINING "We are sorry, we cannot take your call right now. Please call again in a few minutes. Goodbye."
#define SORRY_COST SORRY_DRAINING
#define SORRY_FAULT "We are sorry, we have a technical problem. Please call again in a few minutes. Goodbye."
#define SORRY_AWAY "We are sorry, nobody can take your call right now. Please call again later. Goodbye."
#define FAREWELL "Thank you for calling. Goodbye."

/* A field of the form, "" if it is not there. */
const char *webhook_field(const struct request *q, const char *name);

/* Whether the text can be logged, kept and put into a URL. */
bool webhook_is_sid(const char *sid);

/* Whether it names a call, and we know our own address to answer with. Else the
 * refusal is in `r`. */
bool webhook_answerable(const struct request *q, struct response *r);

/* Answers with the stream that this token opens. */
void webhook_connect(const struct request *q, const char *token, struct response *r);

#endif
