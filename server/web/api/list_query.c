#include "server/web/api/list_query.h"

#include "common/clock.h"

#include <stdlib.h>
#include <string.h>

bool list_refuse(struct response *r, const char *name, const char *sentence)
{
	response_error_at(r, 400, "invalid_parameter", name, "%s", sentence);
	return false;
}

bool list_time(const struct request *q, const char *name, int64_t *out, struct response *r)
{
	const char *text = request_param(q, name);

	return !text || clock_parse(text, out) ||
	       list_refuse(r, name, "must be a time such as 2026-11-20, 2026-11-20T10:15:30Z or Unix seconds");
}

bool list_limit(const struct request *q, int *out, struct response *r)
{
	const char *text = request_param(q, "limit");
	size_t len = text ? strspn(text, "0123456789") : 0;

	*out = LIST_LIMIT_DEFAULT;
	if (!text)
		return true;
	*out = len && len <= 3 && !text[len] ? atoi(text) : 0;
	return (*out >= 1 && *out <= LIST_LIMIT_MAX) || list_refuse(r, "limit", "must be a number from 1 to 200");
}
