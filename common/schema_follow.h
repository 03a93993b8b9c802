#ifndef COMMON_SCHEMA_FOLLOW_H
#define COMMON_SCHEMA_FOLLOW_H
/* Does a value follow a JSON Schema? What a schema may be stands in schema.h.
 *
 * Pure; any thread.
 */
#include "common/schema.h"

enum { SCHEMA_PROBLEMS = 16 /* kept; more are counted */ };

struct schema_problem {
	char path[128];     /* as in address.street or guests[2].name; "" is the whole */
	char sentence[200]; /* "must be one of …" */
};

struct schema_problems {
	size_t count; /* all there are */
	struct schema_problem at[SCHEMA_PROBLEMS];
};

/* True if the value follows a schema that schema_check has passed. */
bool schema_follows(const cJSON *schema, const cJSON *value, struct schema_problems *out);

void schema_add_problem(struct schema_problems *p, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Appends [{"path":…,"sentence":…},…]. */
void schema_put_problems(struct buf *out, const struct schema_problems *p);

/* --- for schema.c */

bool schema_type_known(const char *name);
bool schema_is_whole(const cJSON *value);
bool schema_has_type(const cJSON *type, const cJSON *value); /* `type`: a name, or a list of names */
bool schema_lists(const cJSON *array, const char *name);     /* as one of its texts */

/* The place of a member, or of an element, of what stands at `parent`. */
void schema_put_path(char *out, size_t size, const char *parent, const char *name);
void schema_put_element_path(char *out, size_t size, const char *parent, int index);

#endif
