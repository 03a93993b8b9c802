#ifndef WEB_WEB_PARTS_H
#define WEB_WEB_PARTS_H
/* The parts of the server that handlers may use: one pointer each, borrowed
 * for as long as the port is open. parts.c fills it in and hands it to
 * web_open. A missing part (as in most tests) is NULL, and a handler that
 * needs it answers 503.
 */
#include "server/config/config.h"

#include <stdbool.h>
#include <stdint.h>

struct calls;
struct hub;
struct json_out;
struct knowledge;
struct dialer;
struct delivery;
struct recorder;
struct store;
struct voicemail;
struct model_health;
struct route;
struct work;

/* Why no call should be sent here now; the weightiest reason last. Draining is the only one
 * that does not pass. */
enum web_refusal { WEB_READY, WEB_FULL, WEB_COST, WEB_MODEL, WEB_DRAINING };

struct web_ready {
	enum web_refusal why;
	bool store_failing; /* named, but no reason: calls go on without a disk */
};

struct web_parts {
	const struct config *cfg;
	const struct route *const *routes; /* the tables, see server/web/routes.h */
	struct agents *agents;
	struct calls *calls;
	struct hub *hub;             /* news for watchers of calls, server/news/hub.h */
	struct store *store;         /* NULL without DATA_DIR */
	struct recorder *recorder;   /* the same */
	struct voicemail *voicemail; /* messages of callers, server/recording/voicemail.h; NULL without DATA_DIR */
	struct dialer *dialer;       /* calls we place, server/dialer/dialer.h */
	struct delivery *delivery;   /* webhooks out, server/delivery/delivery.h */
	struct knowledge *knowledge; /* the agents' folders, server/knowledge/knowledge.h */
	struct model_health *health; /* server/model/health.h */
	struct work *work;           /* the pools for slow work, server/work/work.h */
	/* The parts' own words, by the table in parts.c; any thread. NULL: none.
	 *
	 * put_status appends what a part has to say in that section of /status, into
	 * the object that is open; a NULL `j` only asks. False: the part of that
	 * section is not there, and null is shown. ready fills in the zeroed `out`. */
	bool (*put_status)(void *program, const char *section, struct json_out *j);
	void (*ready)(void *program, struct web_ready *out);
	void *program;
	int64_t started_us; /* set by web_open */
};

#endif
