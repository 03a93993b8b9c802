#ifndef DELIVERY_DELIVERY_TRY_H
#define DELIVERY_DELIVERY_TRY_H
/* One webhook sent once: signed, and known by the same id in its body and two
 * headers each time it is sent. Blocks, for ten seconds at most.
 */
#include "server/delivery/delivery_plan.h"
#include "server/store/store_deliveries.h"

/* Without a body (the store cannot be read) or a secret (its agent is gone) it is
 * not sent, and the result says so. "" sends it unsigned. */
void delivery_try(const struct delivery_row *row, const char *body, const char *secret, const char *ca_file,
    const _Atomic bool *cancel, struct delivery_result *out);

#endif
