#include "server/delivery/delivery_plan.h"

#include <stdio.h>
#include <string.h>

/* The sentence goes into the log and the operator's list. Redirects are not followed: a
 * POST with a signature belongs to the address that the owner wrote down. */
void delivery_result_of(const struct fetch_response *answer, struct delivery_result *out)
{
	memset(out, 0, sizeof *out);
	out->status = answer->status;
	out->retry_after_s = answer->retry_after_s;
	if (!answer->status)
		snprintf(out->error, sizeof out->error, "%s", answer->error);
	else if (answer->status / 100 == 3)
		snprintf(
		    out->error, sizeof out->error, "it answered %d, and redirects are not followed", answer->status);
	else if (answer->status / 100 != 2)
		snprintf(out->error, sizeof out->error, "it answered %d", answer->status);
}

enum delivery_verdict delivery_judge(
    const struct delivery_result *result, int64_t since_ms, int64_t now_ms, int64_t give_up_ms)
{
	if (result->status / 100 == 2)
		return DELIVERY_DELIVERED;
	if (result->status == 410 || now_ms - since_ms >= give_up_ms)
		return DELIVERY_PARK;
	return DELIVERY_RETRY;
}

const struct backoff delivery_backoff = { .first_ms = 1000, .most_ms = 3600 * 1000, .asked_most_s = 3600 };

void delivery_origin(const char *url, char *out, size_t size)
{
	const char *authority = strstr(url, "://"), *at;
	size_t scheme, len;

	authority = authority ? authority + 3 : url;
	scheme = (size_t)(authority - url);
	len = strcspn(authority, "/?#");
	/* User and password are no part of the origin. */
	at = memrchr(authority, '@', len);
	if (at) {
		len -= (size_t)(at + 1 - authority);
		authority = at + 1;
	}
	snprintf(out, size, "%.*s%.*s", (int)scheme, url, (int)len, authority);
}
