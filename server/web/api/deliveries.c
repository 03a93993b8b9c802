/* /outbox needs the store: without it undelivered webhooks are in memory
 * only, and have no lasting ids.
 */
#include "server/web/api/deliveries.h"

#include "common/log.h"
#include "server/delivery/delivery.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_DEFAULT = 50 };

/* Anything but a number from `least` to `most` is refused. */
static bool number_param(
    const struct request *q, const char *name, int64_t least, int64_t most, int64_t *value, struct response *r)
{
	const char *text = request_param(q, name);
	struct span digits = { text, text ? strlen(text) : 0 };
	uint64_t n;

	if (!text)
		return true;
	if (span_u64(digits, &n) && n >= (uint64_t)least && n <= (uint64_t)most) {
		*value = (int64_t)n;
		return true;
	}
	response_error_at(
	    r, 400, "invalid_query", name, "must be a number from %lld to %lld", (long long)least, (long long)most);
	return false;
}

static bool state_param(const struct request *q, const char **state, struct response *r)
{
	static const char *const states[] = { "waiting", "delivered", "parked" };
	const char *text = request_param(q, "state");

	*state = "";
	if (!text)
		return true;
	for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
		if (!strcmp(text, states[i])) {
			*state = states[i];
			return true;
		}
	}
	response_error_at(r, 400, "invalid_query", "state", "must be waiting, delivered or parked");
	return false;
}

/* Two reasons why there is no list: nothing is kept here, or the disk fails
 * now. */
static void not_kept(struct response *r, int err)
{
	if (err == -ENOTSUP)
		response_error(r, 503, "no_store",
		    "DATA_DIR is not set: webhooks are held in memory until they are delivered, and cannot be listed");
	else
		response_error(r, 503, "store_unavailable", "the store cannot be read now; try again");
}

/* Newest first; a cursor is the `next` of an earlier page. */
void deliveries_list(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	int64_t limit = LIST_DEFAULT, cursor = INT64_MAX;
	const char *state;
	struct buf list;
	int err;

	(void)arg;
	if (!state_param(q, &state, r) || !number_param(q, "limit", 1, DELIVERY_LIST_MAX, &limit, r) ||
	    !number_param(q, "cursor", 0, INT64_MAX, &cursor, r))
		return;
	buf_init(&list, 0);
	err = parts->delivery ? delivery_list(parts->delivery, state, cursor, (int)limit, &list) : -ENOTSUP;
	if (err)
		not_kept(r, err);
	else
		buf_put(&r->body, list.data, list.len);
	buf_free(&list);
}

/* 202: it is due at once, and its sending is the delivery thread's. A
 * delivered one is not sent again, as its receiver may have acted on it. */
void deliveries_retry(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	int err = parts->delivery ? delivery_retry(parts->delivery, arg) : -ENOTSUP;

	switch (err) {
	case 0:
		log_info("http", "operator sends a webhook again: id=%s client=%s", arg, q->client);
		response_accepted(r, "id", arg, "state", "waiting");
		break;
	case -ENOENT:
		response_error(r, 404, "no_such_webhook", "no webhook of that id is known here");
		break;
	case -EALREADY:
		response_error(r, 409, "already_delivered", "it was delivered, and is not sent again");
		break;
	default:
		not_kept(r, err);
	}
}
