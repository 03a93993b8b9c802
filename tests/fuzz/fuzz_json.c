/* The scanner and the parser read the same messages, so what they find must be
 * the same: in whatever the parser takes, each field that has a plain name and
 * a plain value, found by both. What we write is read back as it was, and what
 * others write is mended once. */
#include "common/foreign.h"
#include "common/json.h"
#include "common/json_out.h"
#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void must(bool promise)
{
	if (!promise)
		abort();
}

static bool plain(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~' || *text == '"' || *text == '\\')
			return false;
	return true;
}

static void compare_field(const char *text, size_t len, const cJSON *tree, const cJSON *field)
{
	struct span found;
	cJSON *same;

	/* Of a doubled name both find the first; an escaped one only the parser. */
	if (!plain(field->string) || json_get(tree, field->string) != field)
		return;
	if (memchr(text, '\\', len)) {
		/* "\u0061" and "a" are one name to the parser, two to the scanner. */
		json_scan(text, len, field->string, &found);
		return;
	}
	must(json_scan(text, len, field->string, &found));
	must(found.p >= text && found.p + found.n <= text + len);
	must(span_quoted(found) == (bool)cJSON_IsString(field));
	if (cJSON_IsString(field)) {
		must(span_is(found, field->valuestring));
		return;
	}
	same = json_parse(found.p, found.n);
	must(same != NULL);
	must(cJSON_IsNumber(field) ? !isfinite(field->valuedouble) || same->valuedouble == field->valuedouble
				   : same->type == field->type);
	cJSON_Delete(same);
}

static void write_and_read_back(const char *text, size_t len)
{
	struct buf out;
	cJSON *tree;

	buf_init(&out, 0);
	json_put_string(&out, text, len);
	tree = json_parse(buf_text(&out), out.len);
	/* All but NUL, which the parser refuses, can be read. */
	must(tree ? cJSON_IsString(tree) : memchr(text, '\0', len) != NULL);
	if (tree && utf8_valid(text, len))
		must(strlen(tree->valuestring) == len && !memcmp(tree->valuestring, text, len));
	cJSON_Delete(tree);
	buf_free(&out);
}

/* Sound text is left alone, mended text is sound, and mending knows no second step. */
static void mend(const char *text, size_t len, const cJSON *tree)
{
	size_t mended_len, again_len;
	char *mended = foreign_mended(text, len, &mended_len), *again;
	size_t bom = len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
	cJSON *same;

	must(mended != NULL && mended_len <= 6 * len);
	if (tree)
		must(mended_len == len - bom && !memcmp(mended, text + bom, mended_len));
	same = json_parse(mended, mended_len);
	must(!tree || same);
	cJSON_Delete(same);
	again = foreign_mended(mended, mended_len, &again_len);
	must(again != NULL && again_len == mended_len && !memcmp(again, mended, mended_len));
	free(again);
	free(mended);
}

/* Both forms are JSON, and say the same. */
static void write_otherwise(const char *text, size_t len, const cJSON *tree)
{
	struct buf compact, canonical, again;
	cJSON *same;

	buf_init(&compact, 0);
	buf_init(&canonical, 0);
	buf_init(&again, 0);
	json_put_compact(&compact, text, len);
	must(compact.len <= len);
	same = json_parse(buf_text(&compact), compact.len);
	must(same != NULL);
	/* Of a doubled name only one would be seen. */
	if (json_unique(tree)) {
		json_put_canonical(&canonical, tree);
		json_put_canonical(&again, same);
		must(!strcmp(buf_text(&canonical), buf_text(&again)));
	}
	cJSON_Delete(same);
	buf_free(&compact);
	buf_free(&canonical);
	buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "type", "event", "media", "payload", "a" };
	const char *text = (const char *)data;
	struct span found;
	cJSON *tree = json_parse(text, size);
	const cJSON *field;
	uint64_t number;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (json_scan(text, size, names[i], &found)) {
			uint8_t *bytes = malloc(found.n);

			must(found.p >= text && found.p + found.n <= text + size);
			span_u64(found, &number);
			if (bytes)
				json_base64(found, bytes);
			free(bytes);
		}
	if (cJSON_IsObject(tree))
		cJSON_ArrayForEach(field, tree) compare_field(text, size, tree, field);
	mend(text, size, tree);
	if (tree)
		write_otherwise(text, size, tree);
	cJSON_Delete(tree);
	write_and_read_back(text, size);
	return 0;
}
