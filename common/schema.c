#include "common/schema.h"

#include "common/json.h"
#include "common/schema_follow.h"
#include "common/schema_text.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

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
		if (!schema_type_known(word->valuestring))
			mistake(c, path, "type", sentence);
		return;
	}
	if (!cJSON_IsArray(word) || !word->child) {
		mistake(c, path, "type", sentence);
		return;
	}
	cJSON_ArrayForEach(each, word) if (!cJSON_IsString(each) || !schema_type_known(each->valuestring))
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
		schema_put_path(below, sizeof below, path, "properties.");
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

	schema_put_path(below, sizeof below, path, "additionalProperties");
	check_one(c, word, below, depth + 1);
}

static void check_items(struct checking *c, const cJSON *word, const char *path, int depth)
{
	char below[256];

	schema_put_path(below, sizeof below, path, "items");
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
	if (!schema_is_whole(word) || word->valuedouble < 0 || word->valuedouble > INT_MAX)
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

/* ------------------------------------------------------- parameters of a function */

/* One schema that is refused makes the service refuse the whole session, and with it every
 * call of that agent. */

static bool says_type(const cJSON *schema, const char *name)
{
	const cJSON *type = json_get(schema, "type");

	return (cJSON_IsString(type) && !strcmp(type->valuestring, name)) || schema_lists(type, name);
}

static void check_names(struct checking *c, const cJSON *schema, const char *path)
{
	const cJSON *properties = json_get(schema, "properties"), *each;
	char sentence[120];

	cJSON_ArrayForEach(each, json_get(schema, "required"))
	{
		if (!cJSON_IsString(each) || json_get(properties, each->valuestring))
			continue;
		snprintf(sentence, sizeof sentence, "names \"%.60s\", which is not in properties", each->valuestring);
		mistake(c, path, "required", sentence);
	}
}

static void check_choices(struct checking *c, const cJSON *schema, const char *path)
{
	const cJSON *type = json_get(schema, "type"), *each;

	if (!type)
		return;
	cJSON_ArrayForEach(each, json_get(schema, "enum")) if (!schema_has_type(type, each))
	{
		mistake(c, path, "enum", "has a value that is not of the schema's type");
		return;
	}
}

static void check_function_part(struct checking *c, const cJSON *schema, const char *path, int depth);

/* `list`: its members are schemas, be it an object or an array. */
static void check_function_parts(struct checking *c, const cJSON *list, const char *path, const char *name, int depth)
{
	const cJSON *each;
	char at[256], below[256];
	int i = 0;

	schema_put_path(at, sizeof at, path, name);
	cJSON_ArrayForEach(each, list)
	{
		if (each->string)
			schema_put_path(below, sizeof below, at, each->string);
		else
			schema_put_element_path(below, sizeof below, at, i++);
		check_function_part(c, each, below, depth + 1);
	}
}

static void check_function_part(struct checking *c, const cJSON *schema, const char *path, int depth)
{
	static const char *const lists[] = { "properties", "$defs", "definitions", "anyOf", "oneOf", "allOf" };
	static const char *const ones[] = { "items", "additionalProperties", "not" };
	char below[256];

	if (!cJSON_IsObject(schema) || depth > SCHEMA_DEPTH)
		return;
	if (says_type(schema, "array") && !json_get(schema, "items"))
		mistake(c, path, "items", "is missing: OpenAI refuses an array without it");
	check_names(c, schema, path);
	check_choices(c, schema, path);
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		check_function_parts(c, json_get(schema, lists[i]), path, lists[i], depth);
	for (size_t i = 0; i < sizeof ones / sizeof *ones; i++) {
		schema_put_path(below, sizeof below, path, ones[i]);
		check_function_part(c, json_get(schema, ones[i]), below, depth + 1);
	}
}

int schema_check_function(const cJSON *schema, struct buf *problem)
{
	static const char *const kept_out[] = { "oneOf", "anyOf", "allOf", "enum", "not" };
	struct checking c = { problem, NULL, false };

	for (size_t i = 0; i < sizeof kept_out / sizeof *kept_out; i++)
		if (json_get(schema, kept_out[i]))
			mistake(&c, "", kept_out[i], "must not stand at the top: OpenAI refuses it there");
	check_function_part(&c, schema, "", 1);
	return c.wrong ? -EINVAL : 0;
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
	    each, properties) if (!schema_lists(required, each->string) || !strict_one(each, depth + 1)) return false;
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
	if (says_type(schema, "object") && !strict_object(schema, depth))
		return false;
	if (says_type(schema, "array"))
		return items && strict_one(items, depth + 1);
	return true;
}

bool schema_is_strict(const cJSON *schema)
{
	const char *type = json_str(schema, "type");

	return type && !strcmp(type, "object") && strict_one(schema, 1);
}
