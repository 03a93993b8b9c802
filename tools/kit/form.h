#ifndef KIT_FORM_H
#define KIT_FORM_H
/* Form parameters as Twilio sends them, and the signature it puts over them:
 * base64(HMAC-SHA1(auth token, URL + sorted names and values)).
 */
#include "tools/kit/text.h"

enum { FORM_MAX = 48, SIGNATURE_MAX = 32 };

struct form {
	struct {
		char *name, *value; /* owned */
	} field[FORM_MAX];
	size_t count;
};

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

/* Base64 of the SHA-1 of a WebSocket key and RFC 6455's GUID. */
void sign_websocket_key(char out[SIGNATURE_MAX], const char *key);

#endif
