/* Three kinds of clients, three proofs. Twilio signs. The operator shows a
 * token; without any token configured only a plain request from this machine
 * is let in. The public routes ask for nothing.
 */
#include "server/web/auth.h"

#include "common/digest.h"
#include "server/phone/signature.h"
#include "server/web/jwt.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ------------------------------------------------------------- the operator */

/* Headers that proxies, tunnels and content networks add; with a closing '-',
 * all that begin so. A plain `curl` on this machine sends none of them. */
static const char *const proxy_headers[] = {
	"CDN-Loop",
	"CF-",
	"Client-IP",
	"Fastly-",
	"Fly-",
	"Forwarded",
	"Max-Forwards",
	"Ngrok-",
	"Proxy-",
	"Tailscale-",
	"True-Client-IP",
	"Via",
	"X-Amz-",
	"X-Amzn-",
	"X-Appengine-",
	"X-Azure-",
	"X-Client-IP",
	"X-Cloud-Trace-Context",
	"X-Cluster-Client-IP",
	"X-Envoy-",
	"X-Forwarded",
	"X-Forwarded-",
	"X-Ngrok-",
	"X-Original-",
	"X-Proxy-",
	"X-ProxyUser-IP",
	"X-Real-IP",
	"X-Request-Start",
	"X-Scheme",
	"X-Vercel-",
};

static bool is_proxy_header(const char *name)
{
	for (size_t i = 0; i < sizeof proxy_headers / sizeof *proxy_headers; i++) {
		const char *known = proxy_headers[i];
		size_t len = strlen(known);

		if (known[len - 1] == '-' ? !strncasecmp(name, known, len) : !strcasecmp(name, known))
			return true;
	}
	return false;
}

/* The whole of 127.0.0.0/8, not only 127.0.0.1. */
static bool is_loopback(const char *address)
{
	struct in_addr a;

	return inet_pton(AF_INET, address, &a) == 1 && ntohl(a.s_addr) >> 24 == 127;
}

/* A name that only this machine answers to. A web page from elsewhere, whose
 * script a browser runs here, shows its own name in Host; so does a tunnel
 * that adds no headers. */
static bool is_local_host(const char *host)
{
	char name[64];
	size_t len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");

	if (len >= sizeof name || strlen(host) < len)
		return false;
	memcpy(name, host, len);
	name[len] = '\0';
	return !strcasecmp(name, "localhost") || !strcmp(name, "[::1]") || is_loopback(name);
}

/* For the door that is open to this machine only. A tunnel connects from
 * this machine, too; its headers or its Host give it away. This is no proof
 * of the contrary, which is why a token is the normal case. */
static bool came_through_proxy(const struct request *q)
{
	const char *host = request_header(q, "Host");

	for (size_t i = 0; i < q->header_count; i++) {
		if (is_proxy_header(q->headers[i].name))
			return true;
	}
	return host && !is_local_host(host);
}

/* Compares digests, so that neither content nor length shows in the time. */
static bool same_secret(const char *a, const char *b)
{
	uint8_t of_a[SHA256_BYTES], of_b[SHA256_BYTES];

	sha256(a, strlen(a), of_a);
	sha256(b, strlen(b), of_b);
	return bytes_equal(of_a, of_b, sizeof of_a);
}

/* API_TOKEN first, then the JWT: a client may use either while both are
 * configured. */
static enum verdict check_token(const struct config *cfg, const char *shown, int64_t now_s, const char **why)
{
	enum jwt_verdict verdict;

	if (*cfg->api_token && same_secret(shown, cfg->api_token))
		return AUTH_OPEN;
	if (!*cfg->api_jwt_secret) {
		*why = "the token is not API_TOKEN";
		return AUTH_TOKEN_WRONG;
	}
	verdict = jwt_check(shown, cfg->api_jwt_secret, strlen(cfg->api_jwt_secret), now_s);
	*why = jwt_verdict_text(verdict);
	return verdict == JWT_GOOD ? AUTH_OPEN : AUTH_TOKEN_WRONG;
}

/* A token is required from everybody as soon as one is configured, from this
 * machine as well. */
enum verdict auth_operator(const struct config *cfg, const struct request *q, int64_t now_s, const char **why)
{
	static const char scheme[] = "Bearer ";
	const char *shown = request_header(q, "Authorization");

	if (*cfg->api_token || *cfg->api_jwt_secret) {
		if (shown && !strncasecmp(shown, scheme, sizeof scheme - 1)) {
			shown += sizeof scheme - 1;
			return check_token(cfg, shown + strspn(shown, " "), now_s, why);
		}
		*why = *cfg->api_jwt_secret ? "send the header Authorization: Bearer with a JWT or API_TOKEN"
					    : "send the header Authorization: Bearer API_TOKEN";
		return AUTH_TOKEN_MISSING;
	}
	if (!is_loopback(q->peer)) {
		*why = "without API_TOKEN this address answers the server's own machine only: set API_TOKEN and send "
		       "it as Authorization: Bearer";
		return AUTH_NOT_LOCAL;
	}
	*why = "without API_TOKEN this address does not answer through a proxy: set API_TOKEN and send it as "
	       "Authorization: Bearer, or ask http://127.0.0.1 directly";
	return came_through_proxy(q) ? AUTH_BEHIND_PROXY : AUTH_OPEN;
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
	 * before it may be anyone's. */
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
	return out;
}
