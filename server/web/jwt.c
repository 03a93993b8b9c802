#include "server/web/jwt.h"

#include "common/digest.h"
#include "common/json.h"

#include <string.h>

/* 9999-12-31: a later time is a mistake, or an attempt at infinity. */
#define LATEST_S 253402300799.0

struct part {
	const char *p;
	size_t n;
};

/* ---------------------------------------------------------------- base64url */

/* RFC 4648 §5. */
static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* The number of bytes written to out (which holds n * 3 / 4), or -1: another
 * character, an impossible length, or bits behind the last byte. */
static int decode(struct part text, uint8_t *out)
{
	uint32_t bits = 0;
	int count = 0, n = 0;

	if (text.n % 4 == 1)
		return -1;
	for (size_t i = 0; i < text.n; i++) {
		int value = value_of(text.p[i]);

		if (value < 0)
			return -1;
		bits = bits << 6 | (uint32_t)value;
		if ((count += 6) >= 8) {
			count -= 8;
			out[n++] = (uint8_t)(bits >> count);
		}
	}
	return bits & ((1u << count) - 1) ? -1 : n;
}

/* The object in that part, or NULL. */
static cJSON *object_in(struct part text)
{
	uint8_t bytes[JWT_MAX_BYTES];
	int len = decode(text, bytes);
	cJSON *tree = len > 0 ? json_parse((const char *)bytes, (size_t)len) : NULL;

	if (tree && cJSON_IsObject(tree) && json_unique(tree))
		return tree;
	cJSON_Delete(tree);
	return NULL;
}

/* --------------------------------------------------------------- the parts */

/* RFC 7515 §3.1: header, payload and signature, none of them empty, nothing
 * behind. */
static bool split(const char *token, struct part parts[3])
{
	for (int i = 0; i < 3; i++) {
		parts[i] = (struct part){ token, strcspn(token, ".") };
		token += parts[i].n;
		if (!parts[i].n || *token != (i < 2 ? '.' : '\0'))
			return false;
		token++;
	}
	return true;
}

/* The token names its own algorithm, and an attacker would say "none": the
 * one answer is HS256. "crit" lists extensions that must be understood (RFC
 * 7515 §4.1.11), and we understand none. */
static enum jwt_verdict check_header(struct part text)
{
	cJSON *header = object_in(text);
	const char *alg = json_str(header, "alg"), *typ = json_str(header, "typ");
	enum jwt_verdict verdict = JWT_GOOD;

	if (!header)
		verdict = JWT_MALFORMED;
	else if (!alg || strcmp(alg, "HS256") != 0 || json_get(header, "crit"))
		verdict = JWT_ALGORITHM;
	else if (json_get(header, "typ") && (!typ || strcmp(typ, "JWT") != 0))
		verdict = JWT_ALGORITHM;
	cJSON_Delete(header);
	return verdict;
}

/* The signature covers the text before the second dot, as it stands there. A
 * secret that is too short lets nobody in. */
static bool is_signed(const char *token, const struct part parts[3], const void *secret, size_t secret_len)
{
	uint8_t shown[JWT_MAX_BYTES], wanted[SHA256_BYTES];

	if (decode(parts[2], shown) != SHA256_BYTES)
		return false;
	hmac_sha256(secret, secret_len, token, parts[0].n + 1 + parts[1].n, wanted);
	return bytes_equal(shown, wanted, sizeof wanted);
}

/* False if it is there and no time. Absent: `fallback`. */
static bool time_in(const cJSON *claims, const char *name, double fallback, double *at)
{
	*at = fallback;
	return !json_get(claims, name) || (json_num(claims, name, at) && *at >= 0 && *at <= LATEST_S);
}

const char *role_scope(enum role role)
{
	static const char *const words[] = { [ROLE_READ] = "read", [ROLE_CALL] = "call", [ROLE_ADMIN] = "admin" };

	return words[role];
}

/* The most that one of its words allows. A scope that is no text allows nothing. */
static enum role role_in(const cJSON *claims)
{
	const char *scope = json_str(claims, "scope");
	enum role role = ROLE_NONE;

	if (!json_get(claims, "scope"))
		return ROLE_ADMIN;
	for (; scope && *scope; scope += strspn(scope, " ")) {
		size_t len = strcspn(scope, " ");

		for (enum role r = ROLE_READ; r <= ROLE_ADMIN; r++)
			if (len == strlen(role_scope(r)) && !strncmp(scope, role_scope(r), len) && r > role)
				role = r;
		scope += len;
	}
	return role;
}

/* `exp` gets no leeway: a token ends when it says so. */
static enum jwt_verdict check_claims(struct part text, int64_t now_s, enum role *role)
{
	cJSON *claims = object_in(text);
	double exp, nbf, iat, now = (double)now_s;
	enum jwt_verdict verdict = JWT_GOOD;

	if (!claims)
		verdict = JWT_MALFORMED;
	else if (!time_in(claims, "exp", -1, &exp) || exp < 0 || !time_in(claims, "nbf", 0, &nbf) ||
		 !time_in(claims, "iat", 0, &iat))
		verdict = JWT_CLAIMS;
	else if (now >= exp)
		verdict = JWT_EXPIRED;
	else if (nbf > now + JWT_LEEWAY_S || iat > now + JWT_LEEWAY_S)
		verdict = JWT_NOT_YET;
	*role = verdict == JWT_GOOD ? role_in(claims) : ROLE_NONE;
	cJSON_Delete(claims);
	return verdict;
}

enum jwt_verdict jwt_check(const char *token, const void *secret, size_t secret_len, int64_t now_s, enum role *role)
{
	struct part parts[3];
	enum jwt_verdict verdict;

	*role = ROLE_NONE;
	if (strnlen(token, JWT_MAX_BYTES + 1) > JWT_MAX_BYTES || !split(token, parts))
		return JWT_MALFORMED;
	if ((verdict = check_header(parts[0])))
		return verdict;
	if (secret_len < JWT_SECRET_MIN || !is_signed(token, parts, secret, secret_len))
		return JWT_SIGNATURE;
	/* Claims are read only once their signature is good. */
	return check_claims(parts[1], now_s, role);
}

static const char *const verdict_texts[] = {
#define X(name, text) text,
	JWT_VERDICTS(X)
#undef X
};

const char *jwt_verdict_text(enum jwt_verdict verdict)
{
	return verdict_texts[verdict];
}
