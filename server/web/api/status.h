#ifndef WEB_API_STATUS_H
#define WEB_API_STATUS_H
/* /status: the state of the whole process, as one JSON object. Sections and
 * names come from the lists in stats.h and endings.h, the parts' own from parts.c.
 */
#include "server/web/routes.h"

void status_json(const struct web_parts *parts, int64_t now_us, struct buf *out);

#endif
