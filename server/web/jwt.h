#ifndef WEB_JWT_H
#define WEB_JWT_H
/* JSON Web Tokens (RFC 7519) as the operator may show them: HS256 and nothing
 * else, and never without an expiry. Strict wherever two readers could differ: base64url without
 * padding or stray bits, objects without doubled names, `alg` exactly HS256,
 * `typ` JWT or absent, no `crit`. Pure.
 *
 * Of the claims `exp` must be there and is taken at its word; `nbf` and `iat`
 * may be, and may be up to a minute in the future for clocks that differ. `scope`
 * is a text of words (RFC 8693 §4.2), of which `read`, `call` and `admin` are ours; a token
 * without it may do all, as those from before it was looked at. The others are not looked at.
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

/* What the bearer of a token may do; each includes those before it. */
enum role {
	ROLE_NONE,
	ROLE_READ,  /* ask: GET */
	ROLE_CALL,  /* place calls, and steer and end them */
	ROLE_ADMIN, /* everything */
};

/* Its word in `scope`, for all but ROLE_NONE. */
const char *role_scope(enum role role);

/* `now_s` is Unix time. `role` gets what a good token's scope allows. */
enum jwt_verdict jwt_check(const char *token, const void *secret, size_t secret_len, int64_t now_s, enum role *role);

/* For a person, as in "the token has expired". */
const char *jwt_verdict_text(enum jwt_verdict verdict);

#endif
