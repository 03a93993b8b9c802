/* The store answers with JSON that is ready to send: its rows hold the
 * values as they were filled in, and nobody here looks into them.
 */
#include "server/web/api/outcome_list.h"

#include "common/json.h"
#include "server/store/store_outcomes.h"
#include "server/store/store_recordings.h"
#include "server/web/api/list_query.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_status(const struct request *q, const char **out, struct response *r)
{
	*out = request_param(q, "status");
	return !*out || !strcmp(*out, "valid") || !strcmp(*out, "invalid") || !strcmp(*out, "failed") ||
	       list_refuse(r, "status", "must be valid, invalid or failed");
}

/* "1795169730123.rec_…": time and id of the last one of the page before. */
static bool read_cursor(const struct request *q, struct outcome_filter *filter, struct response *r)
{
	const char *text = request_param(q, "cursor");
	size_t len = text ? strspn(text, "0123456789") : 0;

	if (!text)
		return true;
	if (!len || len > 15 || text[len] != '.' || strlen(text + len + 1) >= OUTCOME_ID_SIZE)
		return list_refuse(r, "cursor", "must be the `next` of an earlier page");
	filter->before_ms = strtoll(text, NULL, 10);
	filter->before_id = text + len + 1;
	return true;
}

/* The disk fails now: the client may try again, while 404 would be final. */
static void cannot_read(struct response *r)
{
	response_error(r, 503, "store_failing", "what is kept cannot be read now");
}

static bool has_store(const struct web_parts *parts, struct response *r)
{
	if (!parts->store)
		response_error(r, 503, "no_store", "DATA_DIR is not set: no records are kept");
	return parts->store;
}

void outcome_list_list(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	struct outcome_filter filter = { .agent = request_param(q, "agent"),
		.call_sid = request_param(q, "call_sid"),
		.since_ms = INT64_MIN,
		.until_ms = INT64_MAX };
	struct buf list;

	(void)arg;
	if (!read_status(q, &filter.status, r) || !list_time(q, "since", &filter.since_ms, r) ||
	    !list_time(q, "until", &filter.until_ms, r) || !list_limit(q, &filter.limit, r) ||
	    !read_cursor(q, &filter, r) || !has_store(parts, r))
		return;
	if (filter.since_ms >= filter.until_ms) {
		list_refuse(r, "until", "must be later than since");
		return;
	}
	buf_init(&list, 0);
	if (store_outcomes_list(parts->store, &filter, &list) || buf_error(&list))
		cannot_read(r);
	else
		buf_printf(&r->body, "%s\n", buf_text(&list));
	buf_free(&list);
}

void outcome_list_one(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	int err;

	(void)q;
	if (!has_store(parts, r))
		return;
	err = store_outcomes_one(parts->store, arg, &r->body);
	if (err == -ENOENT)
		response_error(r, 404, "no_such_record", "there is no record of that id");
	else if (err)
		cannot_read(r);
	else
		buf_putc(&r->body, '\n');
}

void outcome_list_put_of_call(const struct web_parts *parts, const char *call_sid, struct json_out *j)
{
	if (!parts->store)
		return;
	store_outcomes_of_call(parts->store, call_sid, json_put_value(j, "record"));
	store_message_put_of_call(parts->store, call_sid, j, "voicemail");
}
