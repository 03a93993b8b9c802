/* A schema, a NUL, and a value: the one from an agent's file, the other from a
 * model. */
#include "common/json.h"
#include "common/schema.h"
#include "common/schema_follow.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *cut = memchr(data, '\0', size);
	size_t len = cut ? (size_t)(cut - data) : size;
	cJSON *schema = json_parse((const char *)data, len);
	cJSON *value = cut ? json_parse((const char *)cut + 1, size - len - 1) : NULL;
	struct buf problem, ignored;
	struct schema_problems p;

	buf_init(&problem, 0);
	buf_init(&ignored, 0);
	if (schema && !schema_check(schema, &problem, &ignored)) {
		if (problem.len)
			abort();
		schema_is_strict(schema);
		if (value && schema_follows(schema, value, &p) != (p.count == 0))
			abort();
		if (value) {
			cJSON *shown;

			schema_put_problems(&problem, &p);
			/* Bytes of a field name cut in two become U+FFFD. */
			shown = json_parse(buf_text(&problem), problem.len);
			if (!shown)
				abort();
			cJSON_Delete(shown);
		}
	}
	buf_free(&problem);
	buf_free(&ignored);
	cJSON_Delete(schema);
	cJSON_Delete(value);
	return 0;
}
