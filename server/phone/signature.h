#ifndef PHONE_SIGNATURE_H
#define PHONE_SIGNATURE_H
/* X-Twilio-Signature: does this request come from Twilio?
 *
 *   base64(HMAC-SHA1(auth token, URL as Twilio wrote it + sorted fields))
 *
 * The URL is the one Twilio asked for, byte for byte, which only configuration
 * or a trusted proxy can tell. Twilio is not consistent about ports, nor, for a
 * WebSocket, about the scheme and a closing slash; it signs a query before, and
 * sends it after, its own HTTP client has escaped and sorted it. What one of its
 * libraries accepts is accepted, so each of these is tried, with each other:
 *
 *   http, https   as given; without the port; with the scheme's own port
 *   ws, wss       the same, also as http or https, each also with "/" added
 *   host          as given; in small letters
 *   query         @ : ' as given; each bare or escaped
 *                 in the order given; sorted by name; of up to four parts, in any order
 *
 * None of these spellings means another request: names, values and fields are the same.
 *
 * Several tokens may be valid at once, while one is being replaced. Comparing
 * takes the same time whatever the bytes are.
 */
#include "server/phone/form.h"

#include <stdbool.h>
#include <stddef.h>

struct signature_tokens {
	const char *const *token; /* borrowed */
	size_t count;             /* with none, nothing is valid */
};

/* A form POST, or with `fields` NULL a request that signs its URL alone (GET,
 * WebSocket upgrade). `header` may be NULL. A fragment and user:password in
 * the URL are left out of it. */
bool signature_valid(
    const char *header, const char *url, const struct form *fields, const struct signature_tokens *tokens);

#endif
