#ifndef KIT_MEMBER_H
#define KIT_MEMBER_H
/* Members of a JSON tree that may be missing or of another type. */
#include <cjson/cJSON.h>
#include <stdbool.h>

/* NULL if it is not there, or `object` is NULL or no object. */
cJSON *member(const cJSON *object, const char *key);
/* Its text, borrowed; `otherwise` if it is no string. */
const char *member_text(const cJSON *object, const char *key, const char *otherwise);
double member_number(const cJSON *object, const char *key, double otherwise);
bool member_true(const cJSON *object, const char *key); /* false for all but true */

#endif
