#ifndef WEB_TWILIO_DIALER_WEB_H
#define WEB_TWILIO_DIALER_WEB_H
/* Calls we place, between the operator's API, Twilio's webhooks and the queue
 * (server/dialer/dialer.h).
 */
#include "server/line/calls.h"
#include "server/web/routes.h"
#include "server/dialer/dialer.h"

/* POST /calls */
route_handler outgoing_place;

/* What the queue needs to know of calls and agents; outlives it. */
struct outgoing {
	struct calls *calls;
	struct agents *agents;
};
void outgoing_hooks(struct outgoing *g, struct outbound_hooks *out);

/* The ?out= of a webhook's address; "" if it has none. */
void outgoing_id(const struct request *q, char id[OUT_ID_SIZE]);

/* Of a call that was answered: completes the facts from what was asked for. They
 * borrow from `text`, which outgoing_text_free ends. 0, or the call is not to be
 * (-ENOENT nobody asked for it, -EEXIST it is there already). */
struct outgoing_text {
	cJSON *request;
	char *metadata;
};
int outgoing_facts(const struct web_site *site, const char *id, struct call_facts *facts, struct outgoing_text *text);
void outgoing_text_free(struct outgoing_text *text);

/* A machine was found, or a person: does what the order says. */
void outgoing_found(const struct web_site *site, const char *call_sid, const cJSON *request, const char *answered_by);

/* Ends one that is not answered yet, by id or CallSid; or gives the CallSid of
 * an id whose call is. 0, or -ENOENT. */
int outgoing_end(const struct web_site *site, const char *name, char call_sid[TWILIO_SID_SIZE], bool *canceled);

#endif
