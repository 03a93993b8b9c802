#include "tools/standin_model/shapes.h"

#include "tools/standin_model/shape_table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *type_name(const cJSON *value)
{
	return cJSON_IsNull(value)     ? "null"
	       : cJSON_IsBool(value)   ? "a boolean"
	       : cJSON_IsNumber(value) ? "a number"
	       : cJSON_IsString(value) ? "a string"
	       : cJSON_IsArray(value)  ? "an array"
				       : "an object";
}

/* What a value of that kind is, and how that is said. */
static const struct {
	const char *name;
	cJSON_bool (*fits)(const cJSON *);
} kinds[] = {
	[STRING] = { "a string", cJSON_IsString },
	[INTEGER] = { "an integer", cJSON_IsNumber },
	[NUMBER] = { "a number", cJSON_IsNumber },
	[BOOLEAN] = { "a boolean", cJSON_IsBool },
	[OBJECT] = { "an object", cJSON_IsObject },
	[MAP] = { "an object", cJSON_IsObject },
	[ARRAY] = { "an array", cJSON_IsArray },
	[TAGGED] = { "an object", cJSON_IsObject },
	[EITHER] = { "one of several types", NULL },
};

static bool fits(enum kind kind, const cJSON *value)
{
	return !kinds[kind].fits || kinds[kind].fits(value);
}

static bool fail(struct shape_error *error, const char *code, const char *param, const char *text, const char *more)
{
	snprintf(error->code, sizeof error->code, "%s", code);
	snprintf(error->param, sizeof error->param, "%s", param);
	snprintf(error->message, sizeof error->message, "%s '%s'%s", text, param, more);
	return false;
}

static bool fail_type(struct shape_error *error, const char *param, const char *wanted, const cJSON *value)
{
	char more[100];

	snprintf(more, sizeof more, ": expected %s, but got %s instead.", wanted, type_name(value));
	return fail(error, "invalid_type", param, "Invalid type for", more);
}

static void path_join(char *out, size_t size, const char *path, const char *name)
{
	snprintf(out, size, "%s%s%s", path, *path ? "." : "", name);
}

static bool check(const struct shape *shape, const cJSON *value, const char *path, struct shape_error *error);

static const struct field *find_field(const struct shape *shape, const char *name)
{
	for (const struct field *f = shape->fields; f->name; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

static bool check_unique(const cJSON *object, const char *path, struct shape_error *error)
{
	char full[128];

	for (const cJSON *a = object->child; a; a = a->next)
		for (const cJSON *b = a->next; b; b = b->next)
			if (strcmp(a->string, b->string) == 0) {
				path_join(full, sizeof full, path, a->string);
				return fail(error, "invalid_value", full, "Given twice:", "");
			}
	return true;
}

static bool check_object(const struct shape *shape, const cJSON *value, const char *path, struct shape_error *error)
{
	char full[128];

	for (const cJSON *child = value->child; child; child = child->next) {
		const struct field *f = find_field(shape, child->string);

		path_join(full, sizeof full, path, child->string);
		if (!f)
			return fail(error, "unknown_parameter", full, "Unknown parameter:", ".");
		if ((f->flags & NULLABLE) && cJSON_IsNull(child))
			continue;
		if (!check(f->shape, child, full, error))
			return false;
	}
	for (const struct field *f = shape->fields; f->name; f++)
		if ((f->flags & REQUIRED) && !cJSON_GetObjectItemCaseSensitive(value, f->name)) {
			path_join(full, sizeof full, path, f->name);
			return fail(error, "missing_required_parameter", full, "Missing required parameter:", ".");
		}
	return true;
}

static bool check_elements(const struct shape *shape, const cJSON *value, const char *path, struct shape_error *error)
{
	char full[128];
	int n = 0;

	for (const cJSON *child = value->child; child; child = child->next, n++) {
		if (shape->kind == MAP)
			path_join(full, sizeof full, path, child->string);
		else
			snprintf(full, sizeof full, "%s[%d]", path, n);
		if (shape->item && !check(shape->item, child, full, error))
			return false;
	}
	if (shape->bounded && (n < shape->low || n > shape->high))
		return fail(error, "invalid_value", path, "Wrong number of elements in", ".");
	return true;
}

static bool check_tagged(const struct shape *shape, const cJSON *value, const char *path, struct shape_error *error)
{
	const char *key = shape->tag ? shape->tag : "type";
	const cJSON *tag = cJSON_GetObjectItemCaseSensitive(value, key);
	char full[128], more[300] = ". Supported values are:";

	path_join(full, sizeof full, path, key);
	if (!tag)
		return fail(error, "missing_required_parameter", full, "Missing required parameter:", ".");
	if (!cJSON_IsString(tag))
		return fail_type(error, full, "a string", tag);
	for (const struct choice *c = shape->choices; c->shape; c++) {
		if (strcmp(c->tag, tag->valuestring) == 0)
			return check(c->shape, value, path, error);
		size_t used = strlen(more);

		snprintf(more + used, sizeof more - used, "%s '%s'", used > 23 ? "," : "", c->tag);
	}
	return fail(error, "invalid_value", full, "Invalid value for", more);
}

static bool check_either(const struct shape *shape, const cJSON *value, const char *path, struct shape_error *error)
{
	for (const struct choice *c = shape->choices; c->shape; c++)
		if (fits(c->shape->kind, value))
			return check(c->shape, value, path, error);
	return fail_type(error, path, kinds[EITHER].name, value);
}

static bool check_string(const struct shape *shape, const cJSON *value, const char *path, struct shape_error *error)
{
	size_t len = strlen(value->valuestring);

	if (shape->bounded && ((double)len < shape->low || (double)len > shape->high))
		return fail(error, "invalid_value", path, "Wrong length of", ".");
	if (!shape->words)
		return true;
	for (const char *const *w = shape->words; *w; w++)
		if (strcmp(*w, value->valuestring) == 0)
			return true;
	return fail(error, "invalid_value", path, "Invalid value for", ".");
}

static bool check_number(const struct shape *shape, const cJSON *value, const char *path, struct shape_error *error)
{
	double n = value->valuedouble;

	if (shape->kind == INTEGER && n != floor(n))
		return fail(error, "invalid_type", path, "Invalid type for", ": expected an integer.");
	if (shape->bounded && (n < shape->low || n > shape->high))
		return fail(error, "invalid_value", path, "Value out of range for", ".");
	return true;
}

static bool check(const struct shape *shape, const cJSON *value, const char *path, struct shape_error *error)
{
	if (!fits(shape->kind, value))
		return fail_type(error, path, kinds[shape->kind].name, value);
	if (cJSON_IsObject(value) && !check_unique(value, path, error))
		return false;
	switch (shape->kind) {
	case STRING:
		return check_string(shape, value, path, error);
	case INTEGER:
	case NUMBER:
		return check_number(shape, value, path, error);
	case OBJECT:
		return check_object(shape, value, path, error);
	case MAP:
	case ARRAY:
		return check_elements(shape, value, path, error);
	case TAGGED:
		return check_tagged(shape, value, path, error);
	case EITHER:
		return check_either(shape, value, path, error);
	case BOOLEAN:
		return true;
	}
	return true;
}

bool shapes_check(const cJSON *event, struct shape_error *error)
{
	if (!cJSON_IsObject(event))
		return fail_type(error, "", "an object", event);
	return check(&client_event, event, "", error);
}
