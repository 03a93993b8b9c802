#ifndef TEXT_ACCESS_H
#define TEXT_ACCESS_H
/* Where the text API is, and what it is shown: from the configuration. Any thread. */
#include "common/buf.h"
#include "server/config/config.h"

#include <stddef.h>

/* The address that is asked: TEXT_API_URL, or worked out from the realtime model's. */
void text_access_put_url(const struct config *cfg, struct buf *out);
/* The same for another API beside it: `own`, or that path below /v1 on the host of the realtime model. */
void text_access_put_place(const struct config *cfg, const char *own, const char *path, struct buf *out);
/* The headers with the key and the account, one after the other, each ended by a NUL: at most
 * TEXT_HEADERS_MAX (carrier.h). To be wiped. Their number. */
size_t text_access_put_headers(const struct config *cfg, struct buf *out);
/* The same without Content-Type, for that address and with that key. */
size_t text_access_put_key(const struct config *cfg, const char *url, const char *key, struct buf *out);

#endif
