#include "server/web/validate.h"

#include <errno.h>
#include <string.h>

static bool is_listed(const char *names, const char *name)
{
	size_t len = strlen(name);

	for (names += strspn(names, " "); *names; names += strcspn(names, " "), names += strspn(names, " ")) {
		if (len == strcspn(names, " ") && !memcmp(names, name, len))
			return true;
	}
	return false;
}

/* A name given twice shows by its value's address: form_get finds the first. */
static bool sound(const struct form *params, const char *names, struct response *r)
{
	for (size_t i = 0; i < params->count; i++) {
		const char *name = params->fields[i].name, *value = params->fields[i].value;

		if (!utf8_valid(name, strlen(name)) || !utf8_valid(value, strlen(value)))
			response_error_at(r, 400, "invalid_query", name, "the query is not UTF-8");
		else if (!is_listed(names, name))
			response_error_at(r, 400, "invalid_query", name, "there is no such parameter here%s%s",
			    *names ? ", but: " : "", names);
		else if (form_get(params, name) != value)
			response_error_at(r, 400, "invalid_query", name, "this parameter is given twice");
		else
			continue;
		return false;
	}
	return true;
}

bool validate_query(const char *query, const char *names, struct form *out, struct response *r)
{
	int err = form_parse(out, query, strlen(query));

	if (err == -ENOMEM)
		response_error(r, 500, "internal_error", "out of memory");
	else if (err)
		response_error(r, 400, "invalid_query", "the query cannot be read");
	return !err && sound(out, names, r);
}

bool validate_json(const char *body, size_t len, cJSON **out, struct response *r)
{
	*out = json_parse(body, len);
	if (!*out)
		response_error(r, 400, "malformed_json", "the body is not JSON");
	else if (!cJSON_IsObject(*out))
		response_error(r, 422, "invalid_body", "the body must be a JSON object");
	else if (!json_unique(*out))
		response_error(r, 400, "malformed_json", "the body has a name twice, or too many names");
	else
		return true;
	return false;
}
