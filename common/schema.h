#ifndef COMMON_SCHEMA_H
#define COMMON_SCHEMA_H
/* JSON Schema, the part of it that outcomes and tools need: is a schema sound,
 * and does a value follow it.
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
	SCHEMA_PROBLEMS = 16,     /* kept; more are counted */
	SCHEMA_MEMBERS = 1000,    /* of one object, elements of one array */
	SCHEMA_PATTERN_MAX = 256, /* bytes of a pattern */
	SCHEMA_MATCHED_MAX = 4096 /* bytes of a text held against one */
};

struct schema_problem {
	char path[128];     /* as in address.street or guests[2].name; "" is the whole */
	char sentence[200]; /* "must be one of …" */
};

struct schema_problems {
	size_t count; /* all there are */
	struct schema_problem at[SCHEMA_PROBLEMS];
};

/* Whether values can be held against it: 0, or -EINVAL with a line for each
 * mistake in `problem`, place and sentence. Keywords that are not looked at get
 * a line each in `ignored` (may be NULL). */
int schema_check(const cJSON *schema, struct buf *problem, struct buf *ignored);

/* True if the value follows a schema that schema_check has passed. */
bool schema_follows(const cJSON *schema, const cJSON *value, struct schema_problems *out);

/* Whether the text API's strict mode takes it: every object closed, every
 * property required, nothing in it that strict mode does not know. */
bool schema_is_strict(const cJSON *schema);

void schema_add_problem(struct schema_problems *p, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Appends [{"path":…,"sentence":…},…]. */
void schema_put_problems(struct buf *out, const struct schema_problems *p);

#endif
