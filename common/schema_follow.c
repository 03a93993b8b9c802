#include "common/schema_follow.h"

#include "common/json.h"
#include "common/schema_text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void schema_add_problem(struct schema_problems *p, const char *path, const char *format, ...)
{
	struct schema_problem *at;
	va_list args;

	if (p->count++ >= SCHEMA_PROBLEMS)
		return;
	at = &p->at[p->count - 1];
	snprintf(at->path, sizeof at->path, "%s", path);
	va_start(args, format);
	vsnprintf(at->sentence, sizeof at->sentence, format, args);
	va_end(args);
}

void schema_put_problems(struct buf *out, const struct schema_problems *p)
{
	size_t shown = p->count < SCHEMA_PROBLEMS ? p->count : SCHEMA_PROBLEMS;

	buf_putc(out, '[');
	for (size_t i = 0; i < shown; i++) {
		buf_puts(out, i ? ",{\"path\":" : "{\"path\":");
		json_put_cstring(out, p->at[i].path);
		buf_puts(out, ",\"sentence\":");
		json_put_cstring(out, p->at[i].sentence);
		buf_putc(out, '}');
	}
	if (p->count > shown)
		buf_printf(out, ",{\"path\":\"\",\"sentence\":\"and %zu more\"}", p->count - shown);
	buf_putc(out, ']');
}

void schema_put_path(char *out, size_t size, const char *parent, const char *name)
{
	snprintf(out, size, "%s%s%.60s", parent, *parent ? "." : "", name);
}

void schema_put_element_path(char *out, size_t size, const char *parent, int index)
{
	snprintf(out, size, "%s[%d]", parent, index);
}

static const struct {
	const char *name, *phrase;
} types[] = {
	{ "object", "an object" },
	{ "array", "a list" },
	{ "string", "a text" },
	{ "number", "a number" },
	{ "integer", "a whole number" },
	{ "boolean", "true or false" },
	{ "null", "null" },
};

enum { TYPES = sizeof types / sizeof *types };

bool schema_type_known(const char *name)
{
	for (size_t i = 0; i < TYPES; i++)
		if (!strcmp(types[i].name, name))
			return true;
	return false;
}

bool schema_is_whole(const cJSON *value)
{
	return cJSON_IsNumber(value) && isfinite(value->valuedouble) && floor(value->valuedouble) == value->valuedouble;
}

static bool has_type(const cJSON *value, const char *name)
{
	switch (*name) {
	case 'o':
		return cJSON_IsObject(value);
	case 'a':
		return cJSON_IsArray(value);
	case 's':
		return cJSON_IsString(value);
	case 'b':
		return cJSON_IsBool(value);
	case 'i':
		return schema_is_whole(value);
	default:
		return !strcmp(name, "null") ? cJSON_IsNull(value) : cJSON_IsNumber(value);
	}
}

bool schema_lists(const cJSON *array, const char *name)
{
	const cJSON *each;

	cJSON_ArrayForEach(each, array) if (cJSON_IsString(each) && !strcmp(each->valuestring, name)) return true;
	return false;
}

bool schema_has_type(const cJSON *type, const cJSON *value)
{
	const cJSON *each;

	if (cJSON_IsString(type))
		return has_type(value, type->valuestring);
	cJSON_ArrayForEach(each, type) if (has_type(value, each->valuestring)) return true;
	return false;
}

static void follow_one(
    const cJSON *schema, const cJSON *value, const char *path, int depth, struct schema_problems *out);

static void follow_type(const cJSON *word, const cJSON *value, const char *path, struct schema_problems *out)
{
	const char *one = cJSON_IsString(word) ? word->valuestring : NULL;
	char phrase[160] = "";

	for (size_t i = 0; i < TYPES; i++) {
		size_t len = strlen(phrase);

		if (one ? strcmp(one, types[i].name) != 0 : !schema_lists(word, types[i].name))
			continue;
		if (has_type(value, types[i].name))
			return;
		snprintf(phrase + len, sizeof phrase - len, "%s%s", len ? ", or " : "", types[i].phrase);
	}
	schema_add_problem(out, path, "must be %s", phrase);
}

static void follow_enum(const cJSON *word, const cJSON *value, const char *path, struct schema_problems *out)
{
	char phrase[160] = "";
	const cJSON *each;

	cJSON_ArrayForEach(each, word)
	{
		size_t len = strlen(phrase);
		char *text;

		if (cJSON_Compare(each, value, true))
			return;
		text = cJSON_PrintUnformatted(each);
		if (text && len + strlen(text) + 3 < sizeof phrase)
			snprintf(phrase + len, sizeof phrase - len, "%s%s", len ? ", " : "", text);
		cJSON_free(text);
	}
	schema_add_problem(out, path, "must be one of %s", phrase);
}

static void follow_object(
    const cJSON *schema, const cJSON *value, const char *path, int depth, struct schema_problems *out)
{
	const cJSON *properties = json_get(schema, "properties"), *rest = json_get(schema, "additionalProperties");
	const cJSON *each;
	char below[256];
	int members = 0;

	cJSON_ArrayForEach(each, json_get(schema, "required"))
	{
		if (json_get(value, each->valuestring))
			continue;
		schema_put_path(below, sizeof below, path, each->valuestring);
		schema_add_problem(out, below, "is missing");
	}
	cJSON_ArrayForEach(each, value)
	{
		const cJSON *of = json_get(properties, each->string);

		if (++members > SCHEMA_MEMBERS) {
			schema_add_problem(out, path, "has more than %d fields", SCHEMA_MEMBERS);
			return;
		}
		schema_put_path(below, sizeof below, path, each->string);
		/* Who reads it next may take the other one. */
		if (json_get(value, each->string) != each)
			schema_add_problem(out, below, "is there twice");
		else if (of || (rest && !cJSON_IsFalse(rest)))
			follow_one(of ? of : rest, each, below, depth + 1, out);
		else if (rest)
			schema_add_problem(out, below, "is not a field of it");
	}
}

static void follow_array(
    const cJSON *schema, const cJSON *value, const char *path, int depth, struct schema_problems *out)
{
	const cJSON *items = json_get(schema, "items"), *each;
	int size = cJSON_GetArraySize(value), index = 0;
	double bound;
	char below[256];

	if (json_num(schema, "minItems", &bound) && size < bound)
		schema_add_problem(out, path, "must have at least %.0f elements", bound);
	if (json_num(schema, "maxItems", &bound) && size > bound)
		schema_add_problem(out, path, "must have at most %.0f elements", bound);
	if (!items)
		return;
	cJSON_ArrayForEach(each, value)
	{
		if (index >= SCHEMA_MEMBERS) {
			schema_add_problem(out, path, "has more than %d elements", SCHEMA_MEMBERS);
			return;
		}
		schema_put_element_path(below, sizeof below, path, index++);
		follow_one(items, each, below, depth + 1, out);
	}
}

static void follow_text(const cJSON *schema, const cJSON *value, const char *path, struct schema_problems *out)
{
	const char *text = value->valuestring, *pattern = json_str(schema, "pattern"),
		   *format = json_str(schema, "format");
	const char *wrong = format ? schema_format_wrong(format, text) : NULL;
	double length = (double)schema_text_length(text), bound;

	if (json_num(schema, "minLength", &bound) && length < bound)
		schema_add_problem(out, path, "must have at least %.0f characters", bound);
	if (json_num(schema, "maxLength", &bound) && length > bound)
		schema_add_problem(out, path, "must have at most %.0f characters", bound);
	if (pattern && !schema_pattern_matches(pattern, text))
		schema_add_problem(out, path, "must match the pattern %.120s", pattern);
	if (wrong)
		schema_add_problem(out, path, "%s", wrong);
}

static void follow_number(const cJSON *schema, const cJSON *value, const char *path, struct schema_problems *out)
{
	double bound;

	if (json_num(schema, "minimum", &bound) && value->valuedouble < bound)
		schema_add_problem(out, path, "must be at least %g", bound);
	if (json_num(schema, "maximum", &bound) && value->valuedouble > bound)
		schema_add_problem(out, path, "must be at most %g", bound);
}

static void follow_one(
    const cJSON *schema, const cJSON *value, const char *path, int depth, struct schema_problems *out)
{
	const cJSON *word;

	if (cJSON_IsFalse(schema))
		schema_add_problem(out, path, "must not be there");
	if (!cJSON_IsObject(schema) || depth > SCHEMA_DEPTH)
		return;
	if ((word = json_get(schema, "type")))
		follow_type(word, value, path, out);
	if ((word = json_get(schema, "enum")))
		follow_enum(word, value, path, out);
	if ((word = json_get(schema, "const")) && !cJSON_Compare(word, value, true)) {
		char *text = cJSON_PrintUnformatted(word);

		schema_add_problem(out, path, "must be %.150s", text ? text : "as the schema says");
		cJSON_free(text);
	}
	if (cJSON_IsObject(value))
		follow_object(schema, value, path, depth, out);
	else if (cJSON_IsArray(value))
		follow_array(schema, value, path, depth, out);
	else if (cJSON_IsString(value))
		follow_text(schema, value, path, out);
	else if (cJSON_IsNumber(value))
		follow_number(schema, value, path, out);
}

bool schema_follows(const cJSON *schema, const cJSON *value, struct schema_problems *out)
{
	out->count = 0;
	follow_one(schema, value, "", 1, out);
	return !out->count;
}
