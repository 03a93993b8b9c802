#ifndef WEB_TWILIO_DIALER_WEB_H
#define WEB_TWILIO_DIALER_WEB_H
/* Calls we place, between the operator's API, Twilio's webhooks and the queue
 * (server/dialer/dialer.h).
 */
#include "server/line/calls.h"
#include "server/web/routes.h"
#include "server/dialer/dialer.h"

/* POST /calls */
route_handler dialer_web_place;

/* What the queue needs to know of calls and agents; outlives it. */
struct dialer_web {
	struct calls *calls;
	struct agents *agents;
};
void dialer_web_hooks(struct dialer_web *g, struct dialer_hooks *out);

/* The ?out= of a webhook's address; "" if it has none. */
void dialer_web_id(const struct request *q, char id[OUT_ID_SIZE]);

/* Of a call that was answered: completes the facts from what was asked for. They
 * borrow from `text`, which dialer_web_text_free ends. 0, or the call is not to be
 * (-ENOENT nobody asked for it, -EEXIST it is there already). */
struct dialer_web_text {
	cJSON *request;
	char *metadata;
};
int dialer_web_facts(
    const struct web_parts *parts, const char *id, struct call_facts *facts, struct dialer_web_text *text);
void dialer_web_text_free(struct dialer_web_text *text);

/* A machine was found, or a person: does what the order says. */
void dialer_web_found(
    const struct web_parts *parts, const char *call_sid, const cJSON *request, const char *answered_by);

/* Ends one that is not answered yet, by id or CallSid; or gives the CallSid of
 * an id whose call is. 0, or -ENOENT. */
int dialer_web_end(const struct web_parts *parts, const char *name, char call_sid[TWILIO_SID_SIZE], bool *canceled);

#endif
