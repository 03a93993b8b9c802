#include "server/agents/reader.h"

#include "common/json.h"
#include "server/agents/read_file.h"
#include "server/agents/template.h"
#include "server/config/config_check.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------------- mistakes */

/* One line for one mistake, "file: place: sentence". Past the bound mistakes are only counted:
 * agent_file_read closes with "and there is more". */
static void vtell(struct reader *r, const char *key, const char *format, va_list args)
{
	char sentence[512];

	if (++r->mistakes > READER_MISTAKES_MAX)
		return;
	vsnprintf(sentence, sizeof sentence, format, args);
	buf_printf(r->problem, "%s: %s%s%s%s%s\n", r->file, r->path, *r->path && *key ? "." : "", key,
	    *r->path || *key ? ": " : "", sentence);
}

void reader_wrong(struct reader *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vtell(r, "", format, args);
	va_end(args);
}

void reader_wrong_at(struct reader *r, const char *key, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vtell(r, key, format, args);
	va_end(args);
}

void reader_wrong_word(struct reader *r, const char *words)
{
	char list[160];

	snprintf(list, sizeof list, "%s", words);
	for (char *bar = list; (bar = strchr(bar, '|'));)
		*bar = '/';
	reader_wrong(r, "must be one of %s", list);
}

void reader_note_at(struct reader *r, const char *key, const char *sentence)
{
	buf_printf(r->notes, "%s: %s%s%s: %s\n", r->file, r->path, *r->path ? "." : "", key, sentence);
}

/* --------------------------------------------------------------------------- places */

/* r->path grows and shrinks with the recursion. A path that does not fit is cut off, never refused:
 * it is only told to people. */

size_t reader_enter(struct reader *r, const char *key)
{
	size_t mark = strlen(r->path);

	/* An unknown key may be long and may hold anything; it is going to be printed. */
	snprintf(r->path + mark, sizeof r->path - mark, "%s%.40s", mark ? "." : "", key);
	for (char *p = r->path + mark; *p; p++)
		if (iscntrl((unsigned char)*p))
			*p = '?';
	return mark;
}

size_t reader_enter_element(struct reader *r, size_t i)
{
	size_t mark = strlen(r->path);

	snprintf(r->path + mark, sizeof r->path - mark, "[%zu]", i);
	return mark;
}

void reader_leave(struct reader *r, size_t mark)
{
	r->path[mark] = '\0';
}

/* ---------------------------------------------------------------------------- texts */

const char *reader_text(struct reader *r, const cJSON *value, size_t max)
{
	const char *how;

	if (!cJSON_IsString(value)) {
		reader_wrong(r, "must be a text in quotation marks");
		return NULL;
	}
	if (strlen(value->valuestring) > max) {
		reader_wrong(r, "must be at most %zu bytes long", max);
		return NULL;
	}
	how = check_prose(value->valuestring);
	if (how) {
		reader_wrong(r, "%s", how);
		return NULL;
	}
	return value->valuestring;
}

const char *reader_name(struct reader *r, const cJSON *value)
{
	const char *text = reader_text(r, value, READER_TEXT_MAX);
	size_t len = text ? strlen(text) : 0;

	if (!text)
		return NULL;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '_' && text[i] != '-')
			len = 0;
	if (!len || len > 64) {
		reader_wrong(r, "must be 1 to 64 letters, digits, _ and -");
		return NULL;
	}
	return agent_memory_keep(r->memory, text, len);
}

/* A text file beside the agent's, such as instructions. An embedded NUL would cut the text short
 * unseen, so it counts as "not plain text". */
const char *reader_file(struct reader *r, const char *name)
{
	const char *how, *text;
	struct buf whole, path;
	const char *kept = NULL;
	size_t len;

	buf_init(&whole, 0);
	buf_init(&path, 0);
	buf_printf(&path, "%s%s%s", *name == '/' ? "" : r->folder, *name == '/' ? "" : "/", name);
	how = read_whole_file(buf_text(&path), READER_TEXT_MAX, &whole);
	text = buf_text(&whole);
	if (!strncmp(text, "\xEF\xBB\xBF", 3)) /* a byte order mark says nothing */
		text += 3;
	len = strlen(text);
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	if (how)
		reader_wrong(r, "names %.200s, which %s", name, how);
	else if (strlen(buf_text(&whole)) != whole.len || check_prose(text))
		reader_wrong(r, "names %.200s, which is not plain UTF-8 text", name);
	else if (!len)
		reader_wrong(r, "names %.200s, which holds no text", name);
	else
		kept = agent_memory_keep(r->memory, text, len);
	buf_free(&path);
	buf_free(&whole);
	return kept;
}

/* A text with {{variables}}. A misspelt variable is refused here, at load: in a call it would be
 * read out as braces or vanish. */
void reader_template(struct reader *r, const char *text, const char **out)
{
	struct buf why;

	if (!text)
		return;
	buf_init(&why, 0);
	if (template_check(text, &why))
		reader_wrong(r, "%s", buf_text(&why));
	/* A wrong one is kept, too: it is not told a second time, as missing. */
	*out = agent_memory_keep(r->memory, text, strlen(text));
	buf_free(&why);
}

size_t reader_array(struct reader *r, const cJSON *array, size_t max)
{
	int n = cJSON_IsArray(array) ? cJSON_GetArraySize(array) : -1;

	if (n < 0)
		reader_wrong(r, "must be a list in [ ]");
	else if ((size_t)n > max)
		reader_wrong(r, "must have at most %zu elements, not %d", max, n);
	return n < 0 || (size_t)n > max ? 0 : (size_t)n;
}

/* --------------------------------------------------------------- like the settings */

/* Keys that override a setting are held to the setting's own row: same type, range and words. JSON
 * has numbers and booleans of its own, so the values are read here and not by config.c; a mistake
 * leaves the setting's value in place. */

/* The name is one of ours, so the walk always ends on a row. */
static const struct setting *setting_named(const char *name)
{
	const struct setting *s = config_table;

	while (strcmp(s->name, name) != 0)
		s++;
	return s;
}

/* "off" and its like give "". An empty text is taken only where the default is empty as well. */
static void read_text(struct reader *r, const struct setting *rule, const cJSON *value, void *at)
{
	const char *text = reader_text(r, value, rule->most ? rule->most : 1024);
	const char *how = NULL;

	if (!text)
		return;
	if (rule->none && !strcmp(text, rule->none))
		text = "";
	else if (!*text && (!rule->fallback || *rule->fallback))
		how = "must not be empty";
	else if (*text && rule->check)
		how = rule->check(text);
	if (how)
		reader_wrong(r, "%s", how);
	else
		*(const char **)at = agent_memory_keep(r->memory, text, strlen(text));
}

/* NAN stands for "no number": it fails every comparison with the bounds. */
static void read_number(struct reader *r, const struct setting *rule, const cJSON *value, void *at)
{
	bool whole = rule->type == SETTING_INT;
	double n = cJSON_IsNumber(value) ? value->valuedouble : NAN;

	if (rule->none && cJSON_IsString(value) && !strcmp(value->valuestring, rule->none)) {
		*(int *)at = 0;
		return;
	}
	if (!(n >= rule->min && n <= rule->max) || (whole && n != floor(n))) {
		reader_wrong(r, "must be a %snumber from %g to %g%s%s%s%s%s", whole ? "whole " : "", rule->min,
		    rule->max, rule->unit ? " " : "", rule->unit ? rule->unit : "", rule->none ? ", or \"" : "",
		    rule->none ? rule->none : "", rule->none ? "\"" : "");
		return;
	}
	if (whole)
		*(int *)at = (int)n;
	else
		*(double *)at = n;
}

/* The place of the word in "a|b|c", which is its enum's value; -1 if it is none of them. */
static int word_at(const char *words, const char *value)
{
	size_t len = strlen(value);

	for (int at = 0; *words; at++) {
		size_t n = strcspn(words, "|");

		if (n == len && !memcmp(words, value, n))
			return at;
		words += n + (words[n] == '|');
	}
	return -1;
}

static void read_word(struct reader *r, const struct setting *rule, const cJSON *value, void *at)
{
	const char *text = cJSON_IsString(value) ? value->valuestring : "";
	bool none = rule->none && !strcmp(text, rule->none);
	int i = *text ? word_at(rule->words, text) : -1;
	char list[160];

	if (i < 0 && !none) {
		snprintf(list, sizeof list, "%s%s%s", rule->none ? rule->none : "", rule->none ? "|" : "", rule->words);
		reader_wrong_word(r, list);
		return;
	}
	if (rule->type == SETTING_CHOICE)
		memcpy(at, &i, sizeof i);
	else
		*(const char **)at = agent_memory_keep(r->memory, none ? "" : text, none ? 0 : strlen(text));
}

static void read_by_rule(struct reader *r, const struct setting *rule, const cJSON *value, void *at)
{
	switch (rule->type) {
	case SETTING_TEXT:
		read_text(r, rule, value, at);
		return;
	case SETTING_INT:
	case SETTING_REAL:
		read_number(r, rule, value, at);
		return;
	case SETTING_SWITCH:
		if (cJSON_IsBool(value))
			*(bool *)at = cJSON_IsTrue(value);
		else
			reader_wrong(r, "must be true or false");
		return;
	case SETTING_CHOICE:
	case SETTING_WORD:
		read_word(r, rule, value, at);
		return;
	case SETTING_LIST: /* no key is one */
		return;
	}
}

/* ------------------------------------------------------------------------- objects */

enum { NEAR = 2, NAME_MAX_COMPARED = 40 };

/* The number of letters to change to make one word of the other (Levenshtein), regardless of case.
 * One row of the usual table is kept: row[j] is the distance to the first j letters of `b`. Long
 * names count as far, which also bounds the work a strange file can cause. */
static size_t distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_COMPARED + 1], n = strlen(b);

	if (strlen(a) > NAME_MAX_COMPARED || n > NAME_MAX_COMPARED)
		return NAME_MAX_COMPARED;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			size_t replaced = diagonal + (tolower((unsigned char)a[i]) != tolower((unsigned char)b[j]));

			diagonal = row[j + 1];
			row[j + 1] = 1 + (row[j] < row[j + 1] ? row[j] : row[j + 1]);
			if (replaced < row[j + 1])
				row[j + 1] = replaced;
		}
	}
	return row[n];
}

static const struct key *key_named(const struct key *keys, const char *name)
{
	for (; keys && keys->name; keys++)
		if (!strcmp(keys->name, name))
			return keys;
	return NULL;
}

/* The key that was probably meant. `best` is the smallest distance so far, and goes down with each
 * better key; a key shorter than its distance would resemble anything. */
static const char *near_key(const struct key *keys, const char *name, const char *found, size_t *best)
{
	for (; keys && keys->name; keys++) {
		size_t far = distance(keys->name, name);

		if (far < *best && far < strlen(keys->name)) {
			*best = far;
			found = keys->name;
		}
	}
	return found;
}

static void unknown_key(struct reader *r, const struct key *keys, const struct key *more, const char *name)
{
	size_t best = NEAR + 1, mark = reader_enter(r, name);
	const char *meant = near_key(more, name, near_key(keys, name, NULL, &best), &best);

	if (meant)
		reader_wrong(r, "is no key that is known here; did you mean \"%s\"?", meant);
	else
		reader_wrong(r, "is no key that is known here");
	reader_leave(r, mark);
}

/* cJSON keeps both of two equal keys, and a person would not know which one holds. */
static bool named_before(const cJSON *object, const cJSON *child)
{
	for (const cJSON *c = object->child; c != child; c = c->next)
		if (!strcmp(c->string, child->string))
			return true;
	return false;
}

/* A key is one of four kinds; see struct key. */
static void read_key(struct reader *r, const struct key *k, const cJSON *value, void *into)
{
	size_t mark = reader_enter(r, k->name);

	if (k->keys)
		reader_object(r, value, k->keys, NULL, into);
	else if (k->read)
		k->read(r, value, into);
	else
		read_by_rule(r, k->setting ? setting_named(k->setting) : k->rule, value, (char *)into + k->at);
	reader_leave(r, mark);
}

static void tell_missing(struct reader *r, const cJSON *object, const struct key *keys)
{
	for (; keys && keys->name; keys++)
		if (keys->required && !json_get(object, keys->name))
			reader_wrong_at(r, keys->name, "is missing");
}

/* Reads in the file's order, so that mistakes come in the order of the lines. The required keys are
 * looked for last. */
void reader_object(struct reader *r, const cJSON *object, const struct key *keys, const struct key *more, void *into)
{
	if (!cJSON_IsObject(object)) {
		reader_wrong(r, "must be an object in { }");
		return;
	}
	for (const cJSON *c = object->child; c && r->mistakes <= READER_MISTAKES_MAX; c = c->next) {
		const struct key *k = key_named(keys, c->string);

		if (!k)
			k = key_named(more, c->string);
		if (!k)
			unknown_key(r, keys, more, c->string);
		else if (named_before(object, c))
			reader_wrong_at(r, k->name, "is there twice");
		else
			read_key(r, k, c, into);
	}
	tell_missing(r, object, keys);
	tell_missing(r, object, more);
}
