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

#define JWT_VERDICTS(X) /* and what a person reads */ \
	X(GOOD, "the token is good") \
	X(MALFORMED, "the token is neither API_TOKEN nor a JWT") /* parts, base64url, objects, length */ \
	X(ALGORITHM, "the token's header must say alg HS256, typ JWT or nothing, and no crit") \
	X(SIGNATURE, "the token is not signed with API_JWT_SECRET") \
	X(CLAIMS, "the token needs exp, and exp, nbf and iat must be times in seconds") \
	X(EXPIRED, "the token has expired") \
	X(NOT_YET, "the token is not valid yet (nbf, iat)")

enum jwt_verdict {
#define X(name, text) JWT_##name,
	JWT_VERDICTS(X)
#undef X
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

const char *jwt_verdict_text(enum jwt_verdict verdict);

#endif
