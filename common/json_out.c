#include "common/json_out.h"

#include "common/clock.h"
#include "common/json.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct json_out json_out_to(struct buf *out)
{
	return (struct json_out){ .out = out };
}

struct buf *json_put_value(struct json_out *j, const char *key)
{
	uint64_t level = UINT64_C(1) << j->depth;
	bool named = j->depth && !(j->arrays & level);

	assert(named == (key != NULL));
	assert(j->depth || !j->filled);
	if (j->filled & level)
		buf_putc(j->out, ',');
	j->filled |= level;
	if (named) {
		json_put_cstring(j->out, key);
		buf_putc(j->out, ':');
	}
	return j->out;
}

/* -------------------------------------------------------------------------- nesting */

static void open_level(struct json_out *j, const char *key, bool array)
{
	uint64_t level;

	buf_putc(json_put_value(j, key), array ? '[' : '{');
	assert(j->depth < JSON_OUT_DEPTH);
	level = UINT64_C(1) << ++j->depth;
	j->filled &= ~level;
	j->arrays = array ? j->arrays | level : j->arrays & ~level;
}

void json_put_object(struct json_out *j, const char *key)
{
	open_level(j, key, false);
}

void json_put_array(struct json_out *j, const char *key)
{
	open_level(j, key, true);
}

void json_put_end(struct json_out *j)
{
	assert(j->depth);
	buf_putc(j->out, j->arrays & UINT64_C(1) << j->depth ? ']' : '}');
	j->depth--;
}

/* --------------------------------------------------------------------------- values */

void json_put_text(struct json_out *j, const char *key, const char *text)
{
	json_put_cstring(json_put_value(j, key), text);
}

void json_put_text_of(struct json_out *j, const char *key, const char *text, size_t len)
{
	json_put_string(json_put_value(j, key), text, len);
}

void json_put_format(struct json_out *j, const char *key, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	json_put_text(j, key, len < 0 ? NULL : text);
	if (len >= 0)
		free(text);
}

void json_put_int(struct json_out *j, const char *key, int64_t value)
{
	buf_printf(json_put_value(j, key), "%" PRId64, value);
}

void json_put_uint(struct json_out *j, const char *key, uint64_t value)
{
	buf_printf(json_put_value(j, key), "%" PRIu64, value);
}

void json_put_fixed(struct json_out *j, const char *key, double value, int decimals)
{
	buf_printf(json_put_value(j, key), "%.*f", decimals, value);
}

void json_put_bool(struct json_out *j, const char *key, bool value)
{
	buf_puts(json_put_value(j, key), value ? "true" : "false");
}

void json_put_null(struct json_out *j, const char *key)
{
	buf_puts(json_put_value(j, key), "null");
}

void json_put_time(struct json_out *j, const char *key, int64_t wall_ms)
{
	char text[32];

	clock_iso8601(wall_ms, text, sizeof text);
	json_put_text(j, key, text);
}

void json_put_json(struct json_out *j, const char *key, const char *json)
{
	buf_puts(json_put_value(j, key), json ? json : "null");
}

void json_put_tree(struct json_out *j, const char *key, const cJSON *tree)
{
	char *text = cJSON_PrintUnformatted(tree);

	json_put_json(j, key, text);
	cJSON_free(text);
}

void json_put_inside(struct json_out *j, const char *json, size_t len)
{
	uint64_t level = UINT64_C(1) << j->depth;
	bool array = j->arrays & level;

	assert(j->depth);
	if (len <= 2 || json[0] != (array ? '[' : '{') || json[len - 1] != (array ? ']' : '}'))
		return;
	if (j->filled & level)
		buf_putc(j->out, ',');
	j->filled |= level;
	buf_put(j->out, json + 1, len - 2);
}

/* --------------------------------------------------------- compact and canonical form */

void json_put_compact(struct buf *out, const char *text, size_t len)
{
	bool in_string = false;

	for (size_t i = len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0; i < len; i++) {
		if (!in_string && strchr(" \t\r\n", text[i]))
			continue;
		if (text[i] == '"')
			in_string = !in_string;
		else if (text[i] == '\\' && i + 1 < len) /* the next one is no end */
			buf_putc(out, text[i++]);
		buf_putc(out, text[i]);
	}
}

/* The one that follows the name `after` (NULL: the first) in the order of bytes; NULL at the end. */
static const cJSON *next_by_name(const cJSON *object, const char *after)
{
	const cJSON *item, *next = NULL;

	cJSON_ArrayForEach(item, object)
	{
		if (!cJSON_IsNull(item) && (!after || strcmp(item->string, after) > 0) &&
		    (!next || strcmp(item->string, next->string) < 0))
			next = item;
	}
	return next;
}

static void put_leaf(struct buf *out, const cJSON *leaf)
{
	char *text;

	if (cJSON_IsString(leaf)) {
		json_put_cstring(out, leaf->valuestring);
		return;
	}
	if (cJSON_IsNumber(leaf) && leaf->valuedouble == 0) { /* -0 too */
		buf_putc(out, '0');
		return;
	}
	text = cJSON_PrintUnformatted(leaf);
	if (text)
		buf_puts(out, text);
	else if (!out->err)
		out->err = -ENOMEM;
	cJSON_free(text);
}

void json_put_canonical(struct buf *out, const cJSON *tree)
{
	const cJSON *item;

	if (cJSON_IsObject(tree)) {
		buf_putc(out, '{');
		for (item = next_by_name(tree, NULL); item; item = next_by_name(tree, item->string)) {
			json_put_cstring(out, item->string);
			buf_putc(out, ':');
			json_put_canonical(out, item);
			buf_putc(out, ',');
		}
		buf_putc(out, '}');
	} else if (cJSON_IsArray(tree)) {
		buf_putc(out, '[');
		cJSON_ArrayForEach(item, tree)
		{
			json_put_canonical(out, item);
			buf_putc(out, ',');
		}
		buf_putc(out, ']');
	} else {
		put_leaf(out, tree);
	}
}
