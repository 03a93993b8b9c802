#include "common/schema.h"

#include "common/json.h"
#include "common/schema_text.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- small things */

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

static void put_path(char *out, size_t size, const char *parent, const char *name)
{
	snprintf(out, size, "%s%s%.60s", parent, *parent ? "." : "", name);
}

static void put_element_path(char *out, size_t size, const char *parent, int index)
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

static bool type_known(const char *name)
{
	for (size_t i = 0; i < TYPES; i++)
		if (!strcmp(types[i].name, name))
			return true;
	return false;
}

static bool is_whole(const cJSON *value)
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
		return is_whole(value);
	default:
		return !strcmp(name, "null") ? cJSON_IsNull(value) : cJSON_IsNumber(value);
	}
}

static bool lists(const cJSON *array, const char *name)
{
	const cJSON *each;

	cJSON_ArrayForEach(each, array) if (cJSON_IsString(each) && !strcmp(each->valuestring, name)) return true;
	return false;
}

/* ------------------------------------------------------------ is it a schema? */

struct checking {
	struct buf *problem, *ignored; /* either may be NULL */
	bool wrong;
};

static void mistake(struct checking *c, const char *path, const char *keyword, const char *sentence)
{
	c->wrong = true;
	if (c->problem)
		buf_printf(c->problem, "%s%s%s: %s\n", path, *path && *keyword ? "." : "", keyword, sentence);
}

static void check_one(struct checking *c, const cJSON *schema, const char *path, int depth);

static void check_type(struct checking *c, const cJSON *word, const char *path, int depth)
{
	static const char sentence[] =
	    "must be object, array, string, number, integer, boolean or null, or a list of them";
	const cJSON *each;

	(void)depth;
	if (cJSON_IsString(word)) {
		if (!type_known(word->valuestring))
			mistake(c, path, "type", sentence);
		return;
	}
	if (!cJSON_IsArray(word) || !word->child) {
		mistake(c, path, "type", sentence);
		return;
	}
	cJSON_ArrayForEach(each, word) if (!cJSON_IsString(each) || !type_known(each->valuestring))
	{
		mistake(c, path, "type", sentence);
		return;
	}
}

static void check_properties(struct checking *c, const cJSON *word, const char *path, int depth)
{
	const cJSON *each;
	char below[256];

	if (!cJSON_IsObject(word)) {
		mistake(c, path, "properties", "must be an object of schemas");
		return;
	}
	cJSON_ArrayForEach(each, word)
	{
		put_path(below, sizeof below, path, "properties.");
		snprintf(below + strlen(below), sizeof below - strlen(below), "%.60s", each->string);
		check_one(c, each, below, depth + 1);
	}
}

static void check_required(struct checking *c, const cJSON *word, const char *path, int depth)
{
	const cJSON *each;
	bool wrong = !cJSON_IsArray(word);

	(void)depth;
	cJSON_ArrayForEach(each, word) wrong |= !cJSON_IsString(each);
	if (wrong)
		mistake(c, path, "required", "must be a list of names");
}

static void check_additional(struct checking *c, const cJSON *word, const char *path, int depth)
{
	char below[256];

	put_path(below, sizeof below, path, "additionalProperties");
	check_one(c, word, below, depth + 1);
}

static void check_items(struct checking *c, const cJSON *word, const char *path, int depth)
{
	char below[256];

	put_path(below, sizeof below, path, "items");
	check_one(c, word, below, depth + 1);
}

static void check_enum(struct checking *c, const cJSON *word, const char *path, int depth)
{
	(void)depth;
	if (!cJSON_IsArray(word) || !word->child)
		mistake(c, path, "enum", "must be a list of values, not empty");
}

static void check_pattern(struct checking *c, const cJSON *word, const char *path, int depth)
{
	const char *wrong = cJSON_IsString(word) ? schema_pattern_wrong(word->valuestring) : "must be a text";

	(void)depth;
	if (wrong)
		mistake(c, path, "pattern", wrong);
}

static void check_format(struct checking *c, const cJSON *word, const char *path, int depth)
{
	(void)depth;
	if (!cJSON_IsString(word))
		mistake(c, path, "format", "must be a text");
	else if (!schema_format_known(word->valuestring) && c->ignored)
		buf_printf(c->ignored, "%s%sformat: \"%.40s\" is not looked at; date-time, date, email and phone are\n",
		    path, *path ? "." : "", word->valuestring);
}

static void check_count(struct checking *c, const cJSON *word, const char *path, int depth)
{
	(void)depth;
	if (!is_whole(word) || word->valuedouble < 0 || word->valuedouble > INT_MAX)
		mistake(c, path, word->string, "must be a whole number, 0 or more");
}

static void check_number(struct checking *c, const cJSON *word, const char *path, int depth)
{
	(void)depth;
	if (!cJSON_IsNumber(word))
		mistake(c, path, word->string, "must be a number");
}

static void check_nothing(struct checking *c, const cJSON *word, const char *path, int depth)
{
	(void)c;
	(void)word;
	(void)path;
	(void)depth;
}

/* A keyword that is not in here is not looked at. `strict`: the text API's
 * strict mode knows it too. */
static const struct keyword {
	const char *name;
	bool strict;
	void (*check)(struct checking *c, const cJSON *word, const char *path, int depth);
} keywords[] = {
	{ "type", true, check_type },
	{ "properties", true, check_properties },
	{ "required", true, check_required },
	{ "additionalProperties", true, check_additional },
	{ "enum", true, check_enum },
	{ "const", true, check_nothing },
	{ "items", true, check_items },
	{ "minItems", true, check_count },
	{ "maxItems", true, check_count },
	{ "minLength", false, check_count },
	{ "maxLength", false, check_count },
	{ "pattern", true, check_pattern },
	{ "minimum", true, check_number },
	{ "maximum", true, check_number },
	{ "format", true, check_format },
	{ "description", true, check_nothing },
	{ "title", true, check_nothing },
	/* Said for people. */
	{ "default", false, check_nothing },
	{ "examples", false, check_nothing },
	{ "$schema", false, check_nothing },
	{ "$id", false, check_nothing },
	{ "$comment", false, check_nothing },
};

static const struct keyword *find_keyword(const char *name)
{
	for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
		if (!strcmp(keywords[i].name, name))
			return &keywords[i];
	return NULL;
}

static void check_one(struct checking *c, const cJSON *schema, const char *path, int depth)
{
	const cJSON *word;

	if (cJSON_IsBool(schema))
		return;
	if (depth > SCHEMA_DEPTH) {
		mistake(c, path, "", "nests deeper than 16 schemas");
		return;
	}
	if (!cJSON_IsObject(schema)) {
		mistake(c, path, "", "must be a schema: an object, true or false");
		return;
	}
	cJSON_ArrayForEach(word, schema)
	{
		const struct keyword *k = find_keyword(word->string);

		if (k)
			k->check(c, word, path, depth);
		else if (c->ignored)
			buf_printf(c->ignored, "%s%s%.40s: is not looked at\n", path, *path ? "." : "", word->string);
	}
}

int schema_check(const cJSON *schema, struct buf *problem, struct buf *ignored)
{
	struct checking c = { problem, ignored, false };

	check_one(&c, schema, "", 1);
	return c.wrong ? -EINVAL : 0;
}

/* --------------------------------------------------------- does a value follow? */

static void follow_one(
    const cJSON *schema, const cJSON *value, const char *path, int depth, struct schema_problems *out);

static void follow_type(const cJSON *word, const cJSON *value, const char *path, struct schema_problems *out)
{
	const char *one = cJSON_IsString(word) ? word->valuestring : NULL;
	char phrase[160] = "";

	for (size_t i = 0; i < TYPES; i++) {
		size_t len = strlen(phrase);

		if (one ? strcmp(one, types[i].name) != 0 : !lists(word, types[i].name))
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
		put_path(below, sizeof below, path, each->valuestring);
		schema_add_problem(out, below, "is missing");
	}
	cJSON_ArrayForEach(each, value)
	{
		const cJSON *of = json_get(properties, each->string);

		if (++members > SCHEMA_MEMBERS) {
			schema_add_problem(out, path, "has more than %d fields", SCHEMA_MEMBERS);
			return;
		}
		put_path(below, sizeof below, path, each->string);
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
		put_element_path(below, sizeof below, path, index++);
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

/* ------------------------------------------------------------------ strict mode */

enum { STRICT_DEPTH = 10 }; /* the text API's own bound */

static bool strict_one(const cJSON *schema, int depth);

static bool strict_object(const cJSON *schema, int depth)
{
	const cJSON *properties = json_get(schema, "properties"), *required = json_get(schema, "required"), *each;

	if (!cJSON_IsFalse(json_get(schema, "additionalProperties")) || !properties)
		return false;
	cJSON_ArrayForEach(
	    each, properties) if (!lists(required, each->string) || !strict_one(each, depth + 1)) return false;
	return cJSON_GetArraySize(required) == cJSON_GetArraySize(properties);
}

static bool strict_one(const cJSON *schema, int depth)
{
	const cJSON *type = json_get(schema, "type"), *items = json_get(schema, "items"), *word;
	const char *format = json_str(schema, "format");

	if (!cJSON_IsObject(schema) || depth > STRICT_DEPTH)
		return false;
	cJSON_ArrayForEach(word, schema)
	{
		const struct keyword *k = find_keyword(word->string);

		if (!k || !k->strict)
			return false;
	}
	if (format && (!schema_format_known(format) || !strcmp(format, "phone")))
		return false;
	if (!type)
		return json_get(schema, "enum") || json_get(schema, "const");
	if ((cJSON_IsString(type) && !strcmp(type->valuestring, "object")) || lists(type, "object"))
		if (!strict_object(schema, depth))
			return false;
	if ((cJSON_IsString(type) && !strcmp(type->valuestring, "array")) || lists(type, "array"))
		return items && strict_one(items, depth + 1);
	return true;
}

bool schema_is_strict(const cJSON *schema)
{
	const char *type = json_str(schema, "type");

	return type && !strcmp(type, "object") && strict_one(schema, 1);
}
