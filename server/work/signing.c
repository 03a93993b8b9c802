#include "server/work/signing.h"

#include "common/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The time is part of the signed text: a copied request cannot be sent again
 * later under a new time. */
void signing_put_header(struct buf *out, const char *secret, int64_t unix_s, const char *body, size_t len)
{
	uint8_t mac[SHA256_BYTES];
	char stamp[24];
	struct buf signed_text;

	snprintf(stamp, sizeof stamp, "%" PRId64, unix_s);
	buf_init(&signed_text, strlen(stamp) + 1 + len + 1);
	buf_puts(&signed_text, stamp);
	buf_putc(&signed_text, '.');
	buf_put(&signed_text, body, len);
	if (buf_error(&signed_text)) {
		/* Never a signature over less than the whole body. */
		out->err = out->err ? out->err : buf_error(&signed_text);
	} else {
		hmac_sha256(secret, strlen(secret), signed_text.data, signed_text.len, mac);
		buf_printf(out, "Trunkline-Signature: t=%s,v1=", stamp);
		for (size_t i = 0; i < sizeof mac; i++)
			buf_printf(out, "%02x", mac[i]);
	}
	buf_free(&signed_text);
}
