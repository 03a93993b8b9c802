#ifndef AGENTS_TEMPLATE_H
#define AGENTS_TEMPLATE_H
/* Text with {{variables}}: instructions and greetings. Variables are caller,
 * called, now, contact_name, business_name, and metadata.NAME for the data that
 * an outbound call brings along. Pure.
 */
#include "common/buf.h"

#include <cjson/cJSON.h>

struct template_values { /* borrowed; NULL gives "" */
	const char *caller, *called;
	const char *now; /* in words a model understands, with the zone */
	const char *contact_name, *business_name;
	const cJSON *metadata; /* an object of scalars, or NULL */
};

/* 0, or -EINVAL with a sentence naming the unknown variable or the open braces. */
int template_check(const char *text, struct buf *problem);

/* Appends the text with values in place. A variable without a value becomes "". */
void template_expand(const char *text, const struct template_values *values, struct buf *out);

#endif
