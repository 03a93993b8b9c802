#include "server/delivery/delivery_try.h"

#include "common/clock.h"
#include "server/work/signing.h"

#include <stdio.h>
#include <string.h>

enum {
	TRY_MS = 10000,
	ANSWER_MAX = 64 * 1024 /* bytes of the answer that are read, and ignored */
};

/* The signature has the time of this try, so that receivers may refuse old copies. The
 * id is sent as Idempotency-Key as well: many receivers know that header already. A
 * status that came before a cancellation counts. */
static void post(const struct delivery_row *row, const char *body, const char *secret, const char *ca_file,
    const _Atomic bool *cancel, struct delivery_result *result)
{
	char event[96], delivery[64], key[64];
	struct fetch_response answer;
	struct buf signature;
	struct fetch_request q = { .method = "POST",
		.url = row->url,
		.headers = { "Content-Type: application/json", event, delivery, key },
		.header_count = 4,
		.body = body,
		.body_len = strlen(body),
		.timeout_ms = TRY_MS,
		.response_max = ANSWER_MAX,
		.ca_file = ca_file,
		.cancel = cancel };

	snprintf(event, sizeof event, "Trunkline-Event: %s", row->event);
	snprintf(delivery, sizeof delivery, "Trunkline-Delivery: %s", row->id);
	snprintf(key, sizeof key, "Idempotency-Key: %s", row->id);
	buf_init(&signature, 0);
	if (*secret) {
		signing_put_header(&signature, secret, clock_wall_ms() / 1000, body, q.body_len);
		q.headers[q.header_count++] = buf_text(&signature);
	}
	fetch(&q, &answer);
	delivery_result_of(&answer, result);
	result->cancelled = answer.failure == FETCH_CANCELLED && !answer.status;
	fetch_response_free(&answer);
	buf_free(&signature);
}

void delivery_try(const struct delivery_row *row, const char *body, const char *secret, const char *ca_file,
    const _Atomic bool *cancel, struct delivery_result *out)
{
	*out = (struct delivery_result){ .retry_after_s = -1, .ours = true };
	if (!body)
		snprintf(out->error, sizeof out->error, "it cannot be read from the store");
	else if (!secret)
		snprintf(out->error, sizeof out->error,
		    "there is no agent \"%.64s\" any more with whose secret to sign it", row->agent);
	else
		post(row, body, secret, ca_file, cancel, out);
}
