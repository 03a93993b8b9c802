#ifndef WEB_API_API_ROUTES_H
#define WEB_API_API_ROUTES_H
/* The routes of the operator and the public: a row each. */
#include "server/web/routes.h"

/* Ended by a row without a path. */
extern const struct route api_routes[];

#endif
