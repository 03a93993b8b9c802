#ifndef DELIVERY_DELIVERY_PLAN_H
#define DELIVERY_DELIVERY_PLAN_H
/* What becomes of a webhook after a try. Pure.
 *
 * Any 2xx is a delivery, whatever is in the answer or goes wrong after its
 * status. 410 Gone is a receiver that wants no more: parked at once. All else
 * is tried again, 4xx too: a receiver that is being mended, or whose secret is
 * being changed, is the usual reason, and an event that was given up is gone.
 */
#include "server/work/fetch.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	DELIVERY_FIRST_MS = 1000,          /* before the second try; doubled after each */
	DELIVERY_LONGEST_MS = 3600 * 1000, /* between two */
	DELIVERY_ERROR_SIZE = 240
};

enum delivery_verdict { DELIVERY_DELIVERED, DELIVERY_RETRY, DELIVERY_PARK };

/* What came of one try. */
struct delivery_result {
	int status;                      /* HTTP; 0: none came */
	int64_t retry_after_s;           /* -1: none */
	char error[DELIVERY_ERROR_SIZE]; /* a sentence; "" if it was delivered */
	bool ours;                       /* it never came to a try, for a reason of our own */
	bool cancelled;                  /* the server is shutting down */
};

void delivery_result_of(const struct fetch_answer *answer, struct delivery_result *out);

/* `since_ms` is when trying began, and give_up_ms how long it may go on. */
enum delivery_verdict delivery_judge(
    const struct delivery_result *result, int64_t since_ms, int64_t now_ms, int64_t give_up_ms);

/* How long to wait after so many failed tries, by a random number: between half
 * and the whole of 1 s, 2 s, 4 s … 1 h, so that what failed together does not
 * come back together; no sooner than the receiver asked for (-1: it did not),
 * if that is no more than an hour. */
int64_t delivery_delay_ms(int failed, int64_t retry_after_s, uint32_t random);

/* "https://host:8443" of an address: what is bounded and backed off together. */
void delivery_origin(const char *url, char *out, size_t size);

#endif
