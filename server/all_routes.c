#include "server/all_routes.h"

#include "server/web/api/api_routes.h"
#include "server/web/page/openapi.h"
#include "server/web/twilio/twilio_routes.h"

const struct route *const all_routes[] = { api_routes, page_routes, twilio_routes, NULL };
