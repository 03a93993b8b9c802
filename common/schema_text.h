#ifndef COMMON_SCHEMA_TEXT_H
#define COMMON_SCHEMA_TEXT_H
/* What a schema asks of texts: patterns and formats. Part of schema.c. */
#include <stdbool.h>
#include <stddef.h>

/* NULL, or what is wrong with the pattern: "must …". */
const char *schema_pattern_wrong(const char *pattern);

/* Of one that is not wrong. False also for a text that is too long for it. */
bool schema_pattern_matches(const char *pattern, const char *text);

bool schema_format_known(const char *format);

/* NULL, or how the text must be; NULL for a format nobody here knows. */
const char *schema_format_wrong(const char *format, const char *text);

/* Characters (code points) of valid UTF-8. */
size_t schema_text_length(const char *text);

#endif
