/* The list of names asked for is the list of names there are: a handler
 * states each field once, and fields_done finds everything else.
 */
#include "server/web/fields.h"

#include <assert.h>
#include <string.h>

#define CODE "invalid_field"

struct fields fields_of(const struct request *q, struct response *r)
{
	return (struct fields){ .object = q->json, .r = r };
}

/* The field, and notes that it is known. NULL if it was left out or null, or
 * after a failure. */
static const cJSON *take(struct fields *f, const char *name)
{
	const cJSON *value;

	assert(f->count < FIELDS_MAX);
	f->asked[f->count++] = name;
	value = f->failed ? NULL : json_get(f->object, name);
	return cJSON_IsNull(value) ? NULL : value;
}

/* The first refusal stays: later ones may only follow from it. */
void fields_refuse(struct fields *f, const char *name, const char *sentence)
{
	if (!f->failed)
		response_error_at(f->r, 422, CODE, name, "%s", sentence);
	f->failed = true;
}

/* `least` above 0 makes the field required. */
const char *fields_text(struct fields *f, const char *name, size_t least, size_t most)
{
	const cJSON *value = take(f, name);
	size_t len;

	if (!value && least)
		fields_refuse(f, name, "this field is required");
	if (!value || f->failed)
		return NULL;
	if (!cJSON_IsString(value)) {
		fields_refuse(f, name, "must be a string");
		return NULL;
	}
	len = strlen(value->valuestring);
	if (len >= least && len <= most)
		return value->valuestring;
	if (len < least)
		fields_refuse(f, name, "must not be empty");
	else
		response_error_at(f->r, 422, CODE, name, "must not be longer than %zu bytes", most);
	f->failed = true;
	return NULL;
}

static bool in_list(const char *words, const char *word)
{
	for (;; words++) {
		size_t len = strcspn(words, "|");

		if (len && len == strlen(word) && !memcmp(words, word, len))
			return true;
		words += len;
		if (!*words)
			return false;
	}
}

const char *fields_choice(struct fields *f, const char *name, const char *words, const char *fallback)
{
	const cJSON *value = take(f, name);

	if (!value) {
		if (!fallback)
			fields_refuse(f, name, "this field is required");
		return fallback;
	}
	if (cJSON_IsString(value) && in_list(words, value->valuestring))
		return value->valuestring;
	response_error_at(f->r, 422, CODE, name, "must be one of %s", words);
	f->failed = true;
	return fallback;
}

bool fields_flag(struct fields *f, const char *name)
{
	const cJSON *value = take(f, name);

	if (value && !cJSON_IsBool(value))
		fields_refuse(f, name, "must be true or false");
	return cJSON_IsTrue(value);
}

const cJSON *fields_object(struct fields *f, const char *name)
{
	const cJSON *value = take(f, name);

	if (value && !cJSON_IsObject(value)) {
		fields_refuse(f, name, "must be an object");
		return NULL;
	}
	return value;
}

static bool was_asked(const struct fields *f, const char *name)
{
	for (size_t i = 0; i < f->count; i++) {
		if (!strcmp(f->asked[i], name))
			return true;
	}
	return false;
}

/* A field that was not asked for is a typing mistake (`form` for `from`),
 * and would be missed where it was meant. */
bool fields_done(struct fields *f)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, f->object)
	{
		if (!was_asked(f, item->string))
			fields_refuse(f, item->string, "there is no such field here");
	}
	return !f->failed;
}
