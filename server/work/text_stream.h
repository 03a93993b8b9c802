#ifndef WORK_TEXT_STREAM_H
#define WORK_TEXT_STREAM_H
/* The text API's answers as they come, for all calls at once: one thread with libcurl's multi
 * interface, and a ring for each answer (server/model/text/carrier.h). TLS is verified as in fetch;
 * connections are kept, and shared where the service speaks HTTP/2. */
#include "server/model/text/carrier.h"

/* Starts the thread; after fetch_setup. A connection is kept for each of so many calls: without one an
 * answer waits for TLS. 0 or -errno. */
int text_streams_open(struct text_carrier **out, int calls);
/* Aborts what is left. After all owners have left their streams. Fine with NULL. */
void text_streams_close(struct text_carrier *carrier);

#endif
