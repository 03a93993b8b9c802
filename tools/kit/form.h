#ifndef KIT_FORM_H
#define KIT_FORM_H
/* Form parameters as Twilio sends and takes them, and the signature it puts over them:
 * base64(HMAC-SHA1(auth token, URL + sorted names and values)).
 */
#include <stdbool.h>

#include "tools/kit/text.h"

enum { FORM_MAX = 128, SIGNATURE_MAX = 32 };

struct form {
	struct {
		char *name, *value; /* owned */
	} field[FORM_MAX];
	size_t count;
};

/* Reads a body or a query into an empty form; false if it is none. To be freed either way. */
bool form_read(struct form *f, const char *text, size_t len);
/* The first field of that name; NULL if there is none. Borrowed. */
const char *form_get(const struct form *f, const char *name);
/* Adds a field, or replaces the one of that name. */
void form_set(struct form *f, const char *name, const char *value);
/* Adds a field even if the name is there already. */
void form_add(struct form *f, const char *name, const char *value);
void form_free(struct form *f);
/* application/x-www-form-urlencoded, in the order the fields were set. */
void form_encode(const struct form *f, struct text *out);

/* What Twilio signs of a webhook's URL: without fragment, without user and
 * password, and, over https, without the port. */
void sign_webhook_url(struct text *out, const char *url);

/* The signature, NUL-terminated. `f` may be NULL (GET, WebSocket). */
void sign(char out[SIGNATURE_MAX], const char *token, const char *url, const struct form *f);

#endif
