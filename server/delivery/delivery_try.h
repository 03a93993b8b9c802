#ifndef DELIVERY_DELIVERY_TRY_H
#define DELIVERY_DELIVERY_TRY_H
/* Sends one webhook once, signed. Its body and two headers have the same id each time it
 * is sent. Blocks for ten seconds at most.
 */
#include "server/delivery/delivery_plan.h"
#include "server/store/store_deliveries.h"

/* Without a body (the store cannot be read) or a secret (the agent is gone) nothing is
 * sent, and the result says so. The secret "" sends it unsigned. */
void delivery_try(const struct delivery_row *row, const char *body, const char *secret, const char *ca_file,
    const _Atomic bool *cancel, struct delivery_result *out);

#endif
