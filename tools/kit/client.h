#ifndef KIT_CLIENT_H
#define KIT_CLIENT_H
/* One request over plain TCP, waited for. */
#include <netinet/in.h>
#include <stdbool.h>

#include "tools/kit/text.h"

/* HOST:PORT, looked up by the system. */
bool client_resolve(const char *host_port, struct sockaddr_in *to);

/* Sends the request and appends all that comes back, until the other end
 * closes or nothing comes for `limit_s`. The status, 0 if it is no HTTP. */
int client_ask(const struct sockaddr_in *to, const struct text *request, int limit_s, struct text *answer);

#endif
