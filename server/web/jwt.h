#ifndef WEB_JWT_H
#define WEB_JWT_H
/* JSON Web Tokens (RFC 7519) as the operator may show them: HS256 and nothing
 * else, and never without an expiry. Strict wherever two readers could differ: base64url without
 * padding or stray bits, objects without doubled names, `alg` exactly HS256,
 * `typ` JWT or absent, no `crit`. Pure.
 *
 * Of the claims `exp` must be there and is taken at its word; `nbf` and `iat`
 * may be, and may be up to a minute in the future for clocks that differ. The
 * others are not looked at.
 */
#include <stddef.h>
#include <stdint.h>

enum {
	JWT_MAX_BYTES = 4096,
	JWT_SECRET_MIN = 32, /* RFC 7518 §3.2: as many bytes as the hash has */
	JWT_LEEWAY_S = 60
};

enum jwt_verdict {
	JWT_GOOD,
	JWT_MALFORMED, /* not three parts of base64url with objects in them, or too long */
	JWT_ALGORITHM, /* not HS256, or another kind of token */
	JWT_SIGNATURE,
	JWT_CLAIMS, /* exp is missing, or a time is no number */
	JWT_EXPIRED,
	JWT_NOT_YET
};

/* `now_s` is Unix time. */
enum jwt_verdict jwt_check(const char *token, const void *secret, size_t secret_len, int64_t now_s);

/* For a person, as in "the token has expired". */
const char *jwt_verdict_text(enum jwt_verdict verdict);

#endif
