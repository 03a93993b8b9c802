#include "tools/phone/relay_message.h"

#include <math.h>
#include <string.h>

#include "tools/kit/member.h"
#include "tools/kit/utf8.h"

/* s: a string, b: true or false, n: a whole number; capitals must be there. */
struct field {
	const char *name;
	char type;
};

static const struct {
	const char *type;
	enum relay_kind kind;
	struct field fields[8];
} kinds[] = {
	{ "text", RELAY_TEXT,
	    { { "token", 'S' }, { "last", 'b' }, { "lang", 's' }, { "interruptible", 'b' }, { "preemptible", 'b' } } },
	{ "play", RELAY_PLAY,
	    { { "source", 'S' }, { "loop", 'n' }, { "interruptible", 'b' }, { "preemptible", 'b' } } },
	{ "sendDigits", RELAY_KEYS, { { "digits", 'S' } } },
	{ "language", RELAY_LANGUAGE, { { "ttsLanguage", 's' }, { "transcriptionLanguage", 's' } } },
	{ "end", RELAY_END, { { "handoffData", 's' } } },
};

static bool has_type(const cJSON *value, char type)
{
	switch (type) {
	case 's':
	case 'S':
		return cJSON_IsString(value);
	case 'b':
		return cJSON_IsBool(value);
	default:
		return cJSON_IsNumber(value) && value->valuedouble >= 0 && value->valuedouble <= 1000 &&
		       floor(value->valuedouble) == value->valuedouble;
	}
}

static const char *wrong_fields(const cJSON *tree, const struct field *fields)
{
	const cJSON *each;

	cJSON_ArrayForEach(each, tree)
	{
		const struct field *f = fields;

		if (cJSON_GetObjectItemCaseSensitive(tree, each->string) != each)
			return "a field is there twice";
		if (strcmp(each->string, "type") == 0)
			continue;
		while (f->name && strcmp(f->name, each->string) != 0)
			f++;
		if (!f->name)
			return "there is a field it does not know";
		if (!has_type(each, f->type))
			return "a field is of the wrong type";
	}
	for (const struct field *f = fields; f->name; f++)
		if (f->type == 'S' && !member(tree, f->name))
			return "a field is missing";
	return NULL;
}

static int said(const cJSON *tree, const char *name)
{
	const cJSON *value = member(tree, name);

	return value ? cJSON_IsTrue(value) : -1;
}

static const char *wrong_values(const struct relay_message *m)
{
	if (m->kind == RELAY_PLAY && strncmp(m->words, "https://", 8) != 0 && strncmp(m->words, "http://", 7) != 0)
		return "source is no address";
	if (m->kind == RELAY_KEYS && (!*m->words || strspn(m->words, "0123456789*#wW") != strlen(m->words)))
		return "digits has something that is no key";
	if (m->kind == RELAY_LANGUAGE && !m->speaks && !m->hears)
		return "no language is named";
	return NULL;
}

int relay_message_read(struct relay_message *m, const char *text, size_t len, const char **why)
{
	const char *end, *type;
	size_t k = 0;

	*m = (struct relay_message){ 0 };
	*why = "it is no JSON object";
	if (!utf8_ok(text, len))
		return -1;
	m->tree = cJSON_ParseWithLengthOpts(text, len, &end, false);
	if (!cJSON_IsObject(m->tree) || end != text + len)
		return -1;
	type = member_text(m->tree, "type", "");
	while (k < sizeof kinds / sizeof kinds[0] && strcmp(kinds[k].type, type) != 0)
		k++;
	*why = "its type is not known";
	if (k == sizeof kinds / sizeof kinds[0])
		return -1;
	*why = wrong_fields(m->tree, kinds[k].fields);
	if (*why)
		return -1;
	m->kind = kinds[k].kind;
	m->words = m->kind == RELAY_TEXT   ? member_text(m->tree, "token", "")
		   : m->kind == RELAY_PLAY ? member_text(m->tree, "source", "")
					   : member_text(m->tree, "digits", "");
	m->language = member_text(m->tree, "lang", NULL);
	m->speaks = member_text(m->tree, "ttsLanguage", NULL);
	m->hears = member_text(m->tree, "transcriptionLanguage", NULL);
	m->handoff = member_text(m->tree, "handoffData", NULL);
	m->loops = (long)member_number(m->tree, "loop", 1);
	m->last = member_true(m->tree, "last");
	m->interruptible = said(m->tree, "interruptible");
	m->preemptible = said(m->tree, "preemptible");
	*why = wrong_values(m);
	return *why ? -1 : 0;
}

void relay_message_free(struct relay_message *m)
{
	cJSON_Delete(m->tree);
	*m = (struct relay_message){ 0 };
}
