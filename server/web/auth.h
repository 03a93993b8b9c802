#ifndef WEB_AUTH_H
#define WEB_AUTH_H
/* The right to ask. Twilio's door opens to its signature, the operator's to
 * API_TOKEN, API_READ_TOKEN or a JWT, each as far as its role goes; the public one
 * (/health, /ready) has no lock. Pure: requests in, verdicts out.
 */
#include "server/config/config.h"
#include "server/phone/form.h"
#include "server/web/http.h"
#include "server/web/jwt.h"

#include <stdbool.h>

enum verdict {
	AUTH_OPEN,
	AUTH_TOKEN_MISSING,
	AUTH_TOKEN_WRONG,
	AUTH_ROLE,         /* the token is right, and may not do that */
	AUTH_FOREIGN_PAGE, /* sent by a browser, for a page of another site */
};

/* Whether the request may do what needs that role. `now_s` is Unix time. If it is not AUTH_OPEN,
 * `why` gets a sentence. */
enum verdict auth_operator(
    const struct config *cfg, const struct request *q, enum role needed, int64_t now_s, const char **why);

/* Appends the address Twilio uses for us, without a closing slash: PUBLIC_URL,
 * or, only if that is unset, the name a trusted proxy gives, or Host. False if
 * there is none or it is no host name. */
bool auth_public_url(const struct config *cfg, const struct request *q, struct buf *out);

/* Whether Twilio signed it. `fields` NULL: only the URL was signed. `base`
 * gets the address of auth_public_url, or nothing; `url` the URL that was
 * checked, query included. Always true with TWILIO_VALIDATE=off. */
bool auth_twilio(
    const struct config *cfg, const struct request *q, const struct form *fields, struct buf *base, struct buf *url);

/* The owner of the request, for sharing fairly: the peer, or behind a
 * trusted proxy the address that proxy saw. "" if that proxy does not tell, or tells no address.
 * Borrowed from the request or written to `out` (at least 64 bytes). */
const char *auth_client(const struct config *cfg, const struct request *q, char *out, size_t size);

#endif
