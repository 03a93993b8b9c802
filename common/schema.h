#ifndef COMMON_SCHEMA_H
#define COMMON_SCHEMA_H
/* JSON Schema, the part of it that outcomes and tools need: is a schema sound?
 * Whether a value follows it is told by schema_follow.h.
 *
 *   type (a name or a list of names), enum, const
 *   properties, required, additionalProperties
 *   items (one schema for all), minItems, maxItems
 *   minLength, maxLength (characters), pattern, format
 *   minimum, maximum
 *
 * Everywhere a schema stands, true (anything) and false (nothing) may stand.
 * Patterns are POSIX extended regular expressions, compared byte by byte, with
 * \d \w \s as everybody writes them; bounded, and without look-ahead and back
 * references. Of formats, date-time, date, email and phone are looked at,
 * loosely. Schemas nest to depth 16. What else JSON Schema knows ($ref, anyOf,
 * …) is not looked at, and said so at load.
 *
 * Pure; any thread.
 */
#include "common/buf.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	SCHEMA_DEPTH = 16,
	SCHEMA_MEMBERS = 1000,    /* of one object, elements of one array */
	SCHEMA_PATTERN_MAX = 256, /* bytes of a pattern */
	SCHEMA_MATCHED_MAX = 4096 /* bytes of a text held against one */
};

/* Whether values can be held against it: 0, or -EINVAL with a line for each
 * mistake in `problem`, place and sentence. Keywords that are not looked at get
 * a line each in `ignored` (may be NULL). */
int schema_check(const cJSON *schema, struct buf *problem, struct buf *ignored);

/* Whether OpenAI takes it as the parameters of a function: 0, or -EINVAL with a line for each
 * mistake, as above. Only what is known to be refused there is looked for. Of a schema that
 * schema_check has passed. */
int schema_check_function(const cJSON *schema, struct buf *problem);

/* Whether the text API's strict mode takes it: every object closed, every
 * property required, nothing in it that strict mode does not know. */
bool schema_is_strict(const cJSON *schema);

#endif
