#ifndef STATUS_TEXT_H
#define STATUS_TEXT_H
/* How the server is doing, for a person: what `trunkline status` prints. Pure. */
#include "common/buf.h"
#include "common/json.h"

/* Of the answers to GET /status and GET /ready some ten lines; the last ones begin with
 * "warning" and tell what a person should look at. */
void status_text(const cJSON *status, const cJSON *ready, struct buf *out);

#endif
