/* The store answers with JSON that is ready to send: its rows hold the
 * values as they were filled in, and nobody here looks into them.
 */
#include "server/web/api/outcome_list.h"

#include "common/clock.h"
#include "common/json.h"
#include "server/store/store_outcomes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 200 };

static bool refuse(struct response *r, const char *field, const char *sentence)
{
	response_error_at(r, 400, "invalid_parameter", field, "%s", sentence);
	return false;
}

static bool read_time(const struct request *q, const char *name, int64_t *out, struct response *r)
{
	const char *text = request_param(q, name);

	return !text || clock_parse(text, out) ||
	       refuse(r, name, "must be a time such as 2026-11-20, 2026-11-20T10:15:30Z or Unix seconds");
}

static bool read_limit(const struct request *q, int *out, struct response *r)
{
	const char *text = request_param(q, "limit");
	size_t len = text ? strspn(text, "0123456789") : 0;

	*out = LIMIT_DEFAULT;
	if (!text)
		return true;
	*out = len && len <= 3 && !text[len] ? atoi(text) : 0;
	return (*out >= 1 && *out <= LIMIT_MAX) || refuse(r, "limit", "must be a number from 1 to 200");
}

static bool read_status(const struct request *q, const char **out, struct response *r)
{
	*out = request_param(q, "status");
	return !*out || !strcmp(*out, "valid") || !strcmp(*out, "invalid") || !strcmp(*out, "failed") ||
	       refuse(r, "status", "must be valid, invalid or failed");
}

/* "1795169730123.rec_…": time and id of the last one of the page before. */
static bool read_cursor(const struct request *q, struct outcome_filter *filter, struct response *r)
{
	const char *text = request_param(q, "cursor");
	size_t len = text ? strspn(text, "0123456789") : 0;

	if (!text)
		return true;
	if (!len || len > 15 || text[len] != '.' || strlen(text + len + 1) >= OUTCOME_ID_SIZE)
		return refuse(r, "cursor", "must be the `next` of an earlier page");
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
	if (!read_status(q, &filter.status, r) || !read_time(q, "since", &filter.since_ms, r) ||
	    !read_time(q, "until", &filter.until_ms, r) || !read_limit(q, &filter.limit, r) ||
	    !read_cursor(q, &filter, r) || !has_store(parts, r))
		return;
	if (filter.since_ms >= filter.until_ms) {
		refuse(r, "until", "must be later than since");
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
	if (parts->store)
		store_outcomes_of_call(parts->store, call_sid, json_put_value(j, "record"));
}
