#ifndef WEBHOOK_SINK_RECORD_H
#define WEBHOOK_SINK_RECORD_H
/* What came in, as JSON lines, each written before its request is answered:
 *
 *   {"no":1,"at_ms":…,"method":"POST","path":"/hook","query":"","headers":{…},
 *    "signature":"good","body":{…},"did":"answer","status":200}
 *
 * signature: good, bad, old (over five minutes), absent, or unchecked (no
 * --secret). The names of headers are in small letters; a body that is no JSON
 * is a string.
 */
#include "tools/webhook_sink/conduct.h"
#include "tools/kit/http.h"

/* `file` NULL: standard output. `secret` NULL: unchecked. Exits if it cannot. */
void record_open(const char *file, const char *secret);
void record_request(const struct http_request *q, const struct conduct *c);

#endif
