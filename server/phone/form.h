#ifndef PHONE_FORM_H
#define PHONE_FORM_H
/* Form bodies and query strings (application/x-www-form-urlencoded), decoded.
 *
 * Twilio's webhooks arrive this way, and their signature covers every field,
 * known or not, in its decoded form. So the parser is strict where leniency
 * would let two readers see different fields: a '%' must be followed by two hex
 * digits, and no name or value may hold a NUL.
 */
#include <stddef.h>

enum { FORM_MAX_BYTES = 64 * 1024, FORM_MAX_FIELDS = 128 };

struct form_field {
	const char *name; /* NUL-terminated, may be "" */
	const char *value;
};

struct form {
	struct form_field *fields; /* owned, in the order they came */
	size_t count;
	char *text; /* owned: the fields point into it */
};

/* 0, -E2BIG: over a limit above, -EINVAL: a bad escape or a NUL, -ENOMEM. On
 * error the form is empty. Empty parts ("a=1&&b=2") are skipped, a part without
 * '=' is a name with an empty value. */
int form_parse(struct form *f, const char *body, size_t len);
void form_free(struct form *f);

/* Value of the first field of that name, or NULL. Borrowed from the form. */
const char *form_get(const struct form *f, const char *name);

#endif
