#ifndef WEB_WEB_PARTS_H
#define WEB_WEB_PARTS_H
/* The parts of the server that handlers may use: one pointer each, borrowed
 * for as long as the port is open. parts.c fills it in and hands it to
 * web_open. A missing part (as in most tests) is NULL, and a handler that
 * needs it answers 503.
 */
#include "server/config/config.h"

#include <stdint.h>

struct calls;
struct hub;
struct json_out;
struct knowledge;
struct dialer;
struct delivery;
struct recorder;
struct store;
struct route;
struct model_health;
struct work;

struct web_parts {
	const struct config *cfg;
	const struct route *const *routes; /* the tables, see server/web/routes.h */
	struct agents *agents;
	struct calls *calls;
	struct model_health *health; /* whether the model answers, server/model/health.h */
	struct hub *hub;             /* news for watchers of calls, server/news/hub.h */
	struct store *store;         /* NULL without DATA_DIR */
	struct recorder *recorder;   /* the same */
	struct dialer *dialer;       /* calls we place, server/dialer/dialer.h */
	struct delivery *delivery;   /* webhooks out, server/delivery/delivery.h */
	struct knowledge *knowledge; /* the agents' folders, server/knowledge/knowledge.h */
	struct work *work;           /* the pools for slow work, server/work/work.h */
	/* Appends the parts' own sections of /status, into the object that is
	 * open; any thread. NULL: nothing. */
	void (*put_status)(void *program, struct json_out *j);
	void *program;
	int64_t started_us; /* set by web_open */
};

#endif
