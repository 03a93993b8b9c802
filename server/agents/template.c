#include "server/agents/template.h"

#include "common/json.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static const char metadata[] = "metadata.";

static const struct {
	const char *name;
	size_t at;
} variables[] = {
	{ "caller", offsetof(struct template_values, caller) },
	{ "called", offsetof(struct template_values, called) },
	{ "now", offsetof(struct template_values, now) },
	{ "contact_name", offsetof(struct template_values, contact_name) },
	{ "business_name", offsetof(struct template_values, business_name) },
};

enum { VARIABLES = sizeof variables / sizeof *variables };

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_name(struct span name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
			c == '-' || c == '.'))
			return false;
	}
	return name.n > 0;
}

/* The next {{name}}: `begin` is its first brace, `name` the text between the braces without blanks,
 * `rest` the text behind it. False if there is none; `name->p` is NULL if braces are opened and
 * never closed. */
static bool next_variable(const char *text, const char **begin, struct span *name, const char **rest)
{
	const char *close;

	*begin = strstr(text, "{{");
	if (!*begin)
		return false;
	*name = (struct span){ NULL, 0 };
	close = strstr(*begin + 2, "}}");
	if (!close)
		return true;
	name->p = *begin + 2;
	name->n = (size_t)(close - name->p);
	*rest = close + 2;
	while (name->n && is_blank(*name->p))
		name->p++, name->n--;
	while (name->n && is_blank(name->p[name->n - 1]))
		name->n--;
	return true;
}

/* NAME of "metadata.NAME", or an empty span. */
static struct span metadata_key(struct span name)
{
	size_t len = sizeof metadata - 1;

	if (name.n > len && !memcmp(name.p, metadata, len))
		return (struct span){ name.p + len, name.n - len };
	return (struct span){ name.p, 0 };
}

/* The variable's row in the table, or -1. */
static int known(struct span name)
{
	for (int i = 0; i < VARIABLES; i++)
		if (span_is(name, variables[i].name))
			return i;
	return -1;
}

/* At load, so that a misspelt variable stops a deployment and not a call. The names under metadata
 * cannot be known: each outbound call brings its own. */
int template_check(const char *text, struct buf *problem)
{
	const char *begin;
	struct span name;

	while (next_variable(text, &begin, &name, &text)) {
		if (!name.p) {
			buf_printf(problem, "opens {{ at \"%.24s\" and never closes it with }}", begin);
			return -EINVAL;
		}
		if (known(name) >= 0 || (metadata_key(name).n && is_name(metadata_key(name))))
			continue;
		buf_printf(problem,
		    "has {{%.*s}}, which is no variable; there are caller, called, now, contact_name, business_name and "
		    "metadata.NAME",
		    (int)(name.n < 40 ? name.n : 40), name.p);
		return -EINVAL;
	}
	return 0;
}

/* Objects and lists have no spoken form and give nothing; the request for the call refuses them. */
static void put_scalar(const cJSON *value, struct buf *out)
{
	double number;

	if (cJSON_IsString(value)) {
		buf_puts(out, value->valuestring);
	} else if (cJSON_IsBool(value)) {
		buf_puts(out, cJSON_IsTrue(value) ? "true" : "false");
	} else if (cJSON_IsNumber(value)) {
		number = value->valuedouble;
		/* An order number is to be read as 1234567 and not as 1.23457e+06. */
		if (number >= -1e15 && number <= 1e15 && number == (double)(long long)number)
			buf_printf(out, "%lld", (long long)number);
		else
			buf_printf(out, "%.15g", number);
	}
}

static void put_value(struct span name, const struct template_values *values, struct buf *out)
{
	struct span key = metadata_key(name);
	int i = known(name);
	const char *text;

	if (i >= 0) {
		memcpy(&text, (const char *)values + variables[i].at, sizeof text);
		if (text)
			buf_puts(out, text);
		return;
	}
	for (const cJSON *child = key.n && cJSON_IsObject(values->metadata) ? values->metadata->child : NULL; child;
	     child = child->next) {
		if (span_is(key, child->string)) {
			put_scalar(child, out);
			return;
		}
	}
}

/* For each call, on a text that passed template_check. The loop stops at braces that never close
 * and leaves the rest as it is. */
void template_expand(const char *text, const struct template_values *values, struct buf *out)
{
	const char *begin, *rest = text;
	struct span name;

	while (next_variable(text, &begin, &name, &rest) && name.p) {
		buf_put(out, text, (size_t)(begin - text));
		/* A value is plain text: braces in a caller's name are never expanded. */
		put_value(name, values, out);
		text = rest;
	}
	buf_puts(out, text);
}
