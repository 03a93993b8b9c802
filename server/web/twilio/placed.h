#ifndef WEB_TWILIO_PLACED_H
#define WEB_TWILIO_PLACED_H
/* Calls we placed, in Twilio's webhooks: the address of each carries our id
 * for the order (server/dialer/dialer.h).
 */
#include "server/dialer/dialer.h"
#include "server/line/calls.h"
#include "server/web/web_parts.h"

struct request;

/* The ?out= of the address; "" if it has none. */
const char *placed_id(const struct request *q);

/* Completes the facts of an answered call from its order. They borrow from
 * `text`, which placed_text_free ends. 0, or the call must not go on
 * (-ENOENT: no such order, -EEXIST: the order has another call). */
struct placed_text {
	cJSON *request;
	char *metadata;
};
int placed_facts(const struct web_parts *parts, const char *id, struct call_facts *facts, struct placed_text *text);
void placed_text_free(struct placed_text *text);

/* A machine was found, or a person: follows the order's `machine`. */
void placed_found(const struct web_parts *parts, const char *call_sid, const cJSON *request, const char *answered_by);

#endif
