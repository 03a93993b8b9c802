#ifndef WEB_TWILIO_TWILIO_ROUTES_H
#define WEB_TWILIO_TWILIO_ROUTES_H
/* The routes of Twilio: its webhooks, and the upgrades that become streams. */
#include "server/web/routes.h"

/* Ended by a row without a path. */
extern const struct route twilio_routes[];

/* The address to enter at Twilio, in words; `port` is the one listened on. */
void twilio_print_address(const struct config *cfg, int port, struct buf *out);

#endif
