#ifndef DELIVERY_DELIVERY_PLAN_H
#define DELIVERY_DELIVERY_PLAN_H
/* The fate of a webhook after a try. Pure.
 *
 * Any 2xx is a delivery, whatever the answer contains and whatever goes wrong after its
 * status. 410 Gone means that the receiver wants no more: parked at once. Everything
 * else is tried again, 4xx too: the usual reasons are a receiver under repair and a
 * secret being changed, and a parked event may be missed for good.
 */
#include "common/backoff.h"
#include "server/work/fetch.h"

#include <stdbool.h>
#include <stdint.h>

enum { DELIVERY_ERROR_SIZE = 240 };

enum delivery_verdict { DELIVERY_DELIVERED, DELIVERY_RETRY, DELIVERY_PARK };

/* The result of one try. */
struct delivery_result {
	int status;                      /* HTTP; 0: no answer */
	int64_t retry_after_s;           /* -1: none */
	char error[DELIVERY_ERROR_SIZE]; /* a sentence; "" if it was delivered */
	bool ours;                       /* nothing was sent, for a reason of our own */
	bool cancelled;                  /* the server is shutting down */
};

void delivery_result_of(const struct fetch_response *answer, struct delivery_result *out);

/* `since_ms` is the beginning of the tries, `give_up_ms` how long they may go on. */
enum delivery_verdict delivery_judge(
    const struct delivery_result *result, int64_t since_ms, int64_t now_ms, int64_t give_up_ms);

/* Between two tries: up to an hour. */
extern const struct backoff delivery_backoff;

/* "https://host:8443" of an address. Limits and pauses hold for an origin. */
void delivery_origin(const char *url, char *out, size_t size);

#endif
