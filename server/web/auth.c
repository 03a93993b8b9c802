/* Three kinds of clients, three proofs. Twilio signs. The operator shows a
 * token, from this machine as from any other. The public routes ask for nothing.
 */
#include "server/web/auth.h"

#include "common/digest.h"
#include "server/config/networks.h"
#include "server/phone/signature.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ------------------------------------------------------------- the operator */

/* Compares digests, so that neither content nor length shows in the time. A secret that is not
 * set fits nothing. */
static bool same_secret(const char *shown, const char *secret)
{
	uint8_t of_shown[SHA256_BYTES], of_secret[SHA256_BYTES];

	sha256(shown, strlen(shown), of_shown);
	sha256(secret, strlen(secret), of_secret);
	return bytes_equal(of_shown, of_secret, sizeof of_shown) && *secret;
}

/* What the token may do, or ROLE_NONE with `why`. A client may use any kind that is
 * configured. All of them are compared, whichever fits. */
static bool token_role(const struct config *cfg, const char *shown, int64_t now_s, enum role *role, const char **why)
{
	bool is_admin = same_secret(shown, cfg->api_token), is_reader = same_secret(shown, cfg->api_read_token);
	enum jwt_verdict verdict;

	*role = is_admin ? ROLE_ADMIN : ROLE_READ;
	if (is_admin || is_reader)
		return true;
	if (!*cfg->api_jwt_secret) {
		*why = cfg->api_token == cfg->made_api_token
			   ? "the token is not the one that was made at start; DATA_DIR/api-token or the log has it"
			   : "the token is not API_TOKEN";
		return false;
	}
	verdict = jwt_check(shown, cfg->api_jwt_secret, strlen(cfg->api_jwt_secret), now_s, role);
	*why = jwt_verdict_text(verdict);
	return verdict == JWT_GOOD;
}

struct origin {
	bool secure; /* https, else http */
	const char *host;
	size_t len; /* with its port, but for the one that goes without saying */
};

static struct origin origin_at(bool secure, const char *host)
{
	const char *usual = secure ? ":443" : ":80";
	size_t len = strcspn(host, "/"), n = strlen(usual);

	if (len > n && !strncmp(host + len - n, usual, n))
		len -= n;
	return (struct origin){ secure, host, len };
}

/* Of a URL, or of the header Origin, which may say "null": an origin without a host. */
static struct origin origin_of(const char *url)
{
	bool secure = !strncasecmp(url, "https://", 8), plain = !strncasecmp(url, "http://", 7);

	return origin_at(secure, secure ? url + 8 : plain ? url + 7 : "");
}

static bool same_origin(struct origin a, struct origin b)
{
	return a.len && a.len == b.len && a.secure == b.secure && !strncasecmp(a.host, b.host, a.len);
}

/* Ours is the address as Twilio sees it, and that in Host: by https, as a proxy may have ended it,
 * and by http where Twilio's is not the same with https. */
static bool is_our_origin(const struct config *cfg, const struct request *q, const char *text)
{
	struct origin shown = origin_of(text), known = { .len = 0 };
	const char *host = request_header(q, "Host");
	struct buf url;
	bool ours;

	buf_init(&url, 0);
	if (auth_public_url(cfg, q, &url))
		known = origin_of(buf_text(&url));
	host = host ? host : "";
	ours = same_origin(shown, known) || (same_origin(shown, origin_at(shown.secure, host)) &&
						(shown.secure || !same_origin(origin_at(true, host), known)));
	buf_free(&url);
	return ours;
}

/* A browser says whose page sends a request; whoever else does has no page. "none" is the
 * person at the address bar. */
static bool from_a_foreign_page(const struct config *cfg, const struct request *q)
{
	const char *site = request_header(q, "Sec-Fetch-Site"), *origin = request_header(q, "Origin");

	if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
		return true;
	return origin && !is_our_origin(cfg, q, origin);
}

static const char *const role_needed[] = {
	[ROLE_READ] = "this needs a token with the scope read, call or admin",
	[ROLE_CALL] = "this needs a token with the scope call or admin, or API_TOKEN",
	[ROLE_ADMIN] = "this needs a token with the scope admin, or API_TOKEN",
};

/* The same for everybody: where a request comes from proves nothing, since a proxy or a tunnel on
 * this machine may have carried it. */
enum verdict auth_operator(
    const struct config *cfg, const struct request *q, enum role needed, int64_t now_s, const char **why)
{
	static const char scheme[] = "Bearer ";
	const char *shown = request_header(q, "Authorization");
	enum role role;

	if (from_a_foreign_page(cfg, q)) {
		*why = "a page of another site cannot use this API from a browser (Origin, Sec-Fetch-Site)";
		return AUTH_FOREIGN_PAGE;
	}
	if (!shown || strncasecmp(shown, scheme, sizeof scheme - 1) != 0) {
		*why =
		    *cfg->api_jwt_secret ? "send the header Authorization: Bearer with a JWT or API_TOKEN"
		    : cfg->api_token == cfg->made_api_token
			? "send the header Authorization: Bearer with the token made at start; DATA_DIR/api-token or the "
			  "log has it"
			: "send the header Authorization: Bearer API_TOKEN";
		return AUTH_TOKEN_MISSING;
	}
	shown += sizeof scheme - 1;
	if (!token_role(cfg, shown + strspn(shown, " "), now_s, &role, why))
		return AUTH_TOKEN_WRONG;
	*why = role_needed[needed];
	return role < needed ? AUTH_ROLE : AUTH_OPEN;
}

/* ------------------------------------------------------------------ Twilio */

/* The first entry of a list as proxies write it: the one nearest to the client. */
static size_t first_entry(const char **list)
{
	size_t len;

	*list += strspn(*list, " \t");
	len = strcspn(*list, ", \t");
	return len;
}

/* The text goes into TwiML and into a signature's text: only a name, an
 * address or a port may pass. */
static bool is_host(const char *host, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)host[i]) && !strchr("-._:[]", host[i]))
			return false;
	}
	return len > 0 && len < 256;
}

/* A Host header is anybody's word. It is good enough here: the answer that
 * is built with it goes back to its sender, and Twilio's signature covers
 * the same name. A proxy's word counts only from TRUSTED_PROXIES. */
bool auth_public_url(const struct config *cfg, const struct request *q, struct buf *out)
{
	const char *scheme = "http", *host = request_header(q, "Host");
	size_t len;

	if (*cfg->public_url) {
		buf_puts(out, cfg->public_url);
		return true;
	}
	if (config_trusts(cfg, q->peer)) {
		const char *proto = request_header(q, "X-Forwarded-Proto");
		const char *forwarded = request_header(q, "X-Forwarded-Host");

		if (proto && first_entry(&proto) == 5 && !strncasecmp(proto, "https", 5))
			scheme = "https";
		if (forwarded)
			host = forwarded;
	}
	if (!host)
		return false;
	len = first_entry(&host);
	if (!is_host(host, len))
		return false;
	buf_printf(out, "%s://%.*s", scheme, (int)len, host);
	return true;
}

/* The URL of this request below the address `base`. A WebSocket is signed by the ws form
 * of it. */
static void put_url(const struct request *q, const char *base, struct buf *url)
{
	if (request_is_upgrade(q))
		buf_printf(url, "ws%s", base + strlen("http"));
	else
		buf_puts(url, base);
	buf_puts(url, q->path);
	if (q->query)
		buf_printf(url, "?%s", q->query);
}

/* A host has no case, but a signature has. Where PUBLIC_URL has other capitals than the
 * webhook that was entered at Twilio, Host has Twilio's. True if `host` got them. */
static bool spelled_by_host(const struct request *q, const char *base, struct buf *host)
{
	const char *sent = request_header(q, "Host"), *known = strstr(base, "://") + 3;
	size_t len = sent ? strlen(sent) : 0;

	if (!len || strncasecmp(sent, known, len) != 0 || !strncmp(sent, known, len) || !strchr(":/", known[len]))
		return false;
	buf_put(host, base, (size_t)(known - base));
	buf_puts(host, sent);
	buf_puts(host, known + len);
	return true;
}

/* `base` is filled in even when nothing is checked: TwiML is built with it. */
bool auth_twilio(
    const struct config *cfg, const struct request *q, const struct form *fields, struct buf *base, struct buf *url)
{
	struct signature_tokens tokens = { cfg->twilio_auth_tokens, cfg->twilio_auth_token_count };
	const char *header = request_header(q, "X-Twilio-Signature");
	bool known = auth_public_url(cfg, q, base) && !buf_error(base), valid;
	struct buf host, other;

	if (known)
		put_url(q, buf_text(base), url);
	if (!cfg->twilio_validate)
		return true;
	if (!known || buf_error(url))
		return false;
	if (signature_valid(header, buf_text(url), fields, &tokens))
		return true;
	buf_init(&host, 0);
	buf_init(&other, 0);
	valid = spelled_by_host(q, buf_text(base), &host);
	if (valid)
		put_url(q, buf_text(&host), &other);
	valid = valid && !buf_error(&host) && !buf_error(&other) &&
		signature_valid(header, buf_text(&other), fields, &tokens);
	buf_free(&host);
	buf_free(&other);
	return valid;
}

/* ------------------------------------------------------------------ clients */

const char *auth_client(const struct config *cfg, const struct request *q, char *out, size_t size)
{
	const char *seen = NULL, *last;

	if (!config_trusts(cfg, q->peer))
		return q->peer;
	/* The last entry of the last such header is our proxy's own; the entries
	 * before it may be anyone's. What is no address is a stranger's, whom the proxy let
	 * write: a new name for each request would make each a client of its own. */
	for (size_t i = 0; i < q->header_count; i++) {
		if (!strcasecmp(q->headers[i].name, "X-Forwarded-For"))
			seen = q->headers[i].value;
	}
	if (!seen)
		return "";
	last = strrchr(seen, ',');
	last = last ? last + 1 : seen;
	last += strspn(last, " \t");
	snprintf(out, size, "%.*s", (int)strcspn(last, " \t"), last);
	return is_client_address(out) ? out : "";
}
