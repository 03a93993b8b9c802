/* Paths keep their old names where the modules have new ones: /outbox for
 * deliveries, /records for outcomes. A path is a promise.
 */
#include "server/web/api/api_routes.h"

#include "server/web/api/call_list.h"
#include "server/web/api/deliveries.h"
#include "server/web/api/operator.h"
#include "server/web/api/outcome_list.h"
#include "server/web/api/place.h"
#include "server/web/api/recording.h"
#include "server/web/api/steer.h"
#include "server/web/api/watch.h"

const struct route api_routes[] = {
	{ "GET", "/health", ROUTE_OPEN, BODY_NONE, NULL, operator_health, "alive: 200", NULL },
	{ "GET", "/ready", ROUTE_OPEN, BODY_NONE, NULL, operator_ready, "takes calls: 200, or 503 and one word why not",
	    NULL },
	{ "GET", "/status", ROUTE_READ, BODY_NONE, "", operator_status, "counters, latencies, process", NULL },
	{ "GET", "/calls", ROUTE_READ, BODY_NONE, CALL_LIST_QUERY, call_list_get,
	    "calls, live and kept, filtered and in pages", NULL },
	{ "POST", "/calls", ROUTE_CALL, BODY_JSON, "", place_call, "places a call", NULL },
	{ "GET", "/calls/{CallSid}", ROUTE_READ, BODY_NONE, "", operator_call, "one call with its timeline", NULL },
	{ "DELETE", "/calls/{CallSid}", ROUTE_CALL, BODY_NONE, "", operator_end_call, "ends a call", NULL },
	{ "POST", "/calls/{CallSid}/say", ROUTE_CALL, BODY_JSON, "", control_say, "has the agent say something", NULL },
	{ "POST", "/calls/{CallSid}/transfer", ROUTE_CALL, BODY_JSON, "", control_transfer, "puts the caller through",
	    NULL },
	{ "POST", "/calls/{CallSid}/digits", ROUTE_CALL, BODY_JSON, "", control_digits, "presses keys", NULL },
	{ "GET", "/calls/{CallSid}/events", ROUTE_READ, BODY_NONE, "", watch_call,
	    "one call as it happens, as server-sent events", NULL },
	{ "GET", "/calls/{CallSid}/recording", ROUTE_READ, BODY_NONE, "", recording_get, "what was recorded of a call",
	    NULL },
	{ "GET", "/calls/{CallSid}/voicemail", ROUTE_READ, BODY_NONE, "", recording_message_get,
	    "the message that the caller left", NULL },
	{ "GET", "/events", ROUTE_READ, BODY_NONE, "", watch_all, "all calls as they happen", NULL },
	{ "GET", "/outbox", ROUTE_READ, BODY_NONE, "state limit cursor", deliveries_list,
	    "webhooks out: waiting, delivered, parked", NULL },
	{ "POST", "/outbox/{id}/retry", ROUTE_ADMIN, BODY_NONE, "", deliveries_retry, "sends a webhook again", NULL },
	{ "GET", "/records", ROUTE_READ, BODY_NONE, "agent call_sid status since until limit cursor", outcome_list_list,
	    "what was found out in calls", NULL },
	{ "GET", "/records/{id}", ROUTE_READ, BODY_NONE, "", outcome_list_one, "one record", NULL },
	{ .path = NULL },
};
