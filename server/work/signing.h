#ifndef WORK_SIGNING_H
#define WORK_SIGNING_H
/* The proof for others that a request is ours (tools, webhooks):
 *
 *   Trunkline-Signature: t=<unix seconds>,v1=<hex>
 *
 * where <hex> is HMAC-SHA256, keyed with the shared secret, over the timestamp
 * as written, a full stop, and the body. The receiver refuses a signature older
 * than five minutes. Pure.
 */
#include "common/buf.h"

#include <stddef.h>
#include <stdint.h>

/* Appends the whole header line, without CR LF. */
void signing_put_header(struct buf *out, const char *secret, int64_t unix_s, const char *body, size_t len);

#endif
