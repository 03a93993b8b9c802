#include "server/phone/signature.h"

#include "common/base64.h"
#include "common/buf.h"
#include "common/digest.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { SIGNATURE_CHARS = BASE64_SIZE(SHA1_BYTES) };

/* A URL in the pieces that the variants are put together from. */
struct url {
	const char *scheme;   /* "https", … */
	const char *as_http;  /* for ws and wss: the other name of it; else NULL */
	const char *own_port; /* ":443" or ":80" */
	const char *host;     /* without user:password */
	size_t host_len;
	const char *port; /* ":8443", or "" */
	size_t port_len;
	const char *rest; /* path and query, without the fragment */
	size_t rest_len;
};

static const struct {
	const char *prefix;
	struct url url;
} schemes[] = {
	{ "https://", { .scheme = "https", .own_port = ":443" } },
	{ "http://", { .scheme = "http", .own_port = ":80" } },
	{ "wss://", { .scheme = "wss", .as_http = "https", .own_port = ":443" } },
	{ "ws://", { .scheme = "ws", .as_http = "http", .own_port = ":80" } },
};

/* Pure cutting, nothing is decoded: the signature covers the bytes as they
 * were sent. */
static bool split_url(struct url *u, const char *text)
{
	const char *authority = NULL, *end, *at, *port;

	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		size_t len = strlen(schemes[i].prefix);

		if (!strncmp(text, schemes[i].prefix, len)) {
			*u = schemes[i].url;
			authority = text + len;
			break;
		}
	}
	if (!authority)
		return false;
	end = authority + strcspn(authority, "/?#");
	u->rest = end;
	u->rest_len = strcspn(end, "#");
	if ((at = memrchr(authority, '@', (size_t)(end - authority))))
		authority = at + 1;
	/* The last colon starts the port, unless it stands inside [an IPv6 address]. */
	port = memrchr(authority, ':', (size_t)(end - authority));
	if (!port || memchr(port, ']', (size_t)(end - port)))
		port = end;
	u->host = authority;
	u->host_len = (size_t)(port - authority);
	u->port = port;
	u->port_len = (size_t)(end - port);
	return true;
}

static int by_name_then_value(const void *a, const void *b)
{
	const struct form_field *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : strcmp(x->value, y->value);
}

/* Every field's name and value, sorted; a pair that repeats counts once. */
static void put_fields(struct buf *out, const struct form *fields)
{
	struct form_field sorted[FORM_MAX_FIELDS];

	if (!fields->count)
		return;
	memcpy(sorted, fields->fields, fields->count * sizeof *sorted);
	qsort(sorted, fields->count, sizeof *sorted, by_name_then_value);
	for (size_t i = 0; i < fields->count; i++) {
		if (i > 0 && !by_name_then_value(&sorted[i - 1], &sorted[i]))
			continue;
		buf_puts(out, sorted[i].name);
		buf_puts(out, sorted[i].value);
	}
}

struct check {
	const char *header;
	const struct signature_tokens *tokens;
	struct buf fields; /* signed behind the URL */
	struct buf text;   /* the whole signed text */
};

/* Any of the tokens will do: while one is being replaced, both are good. The
 * time does not show how many bytes of a wrong signature fit. */
static bool text_matches(struct check *c)
{
	for (size_t i = 0; i < c->tokens->count && !buf_error(&c->text); i++) {
		const char *token = c->tokens->token[i];
		char expected[SIGNATURE_CHARS];
		uint8_t mac[SHA1_BYTES];

		hmac_sha1(token, strlen(token), c->text.data, c->text.len, mac);
		base64_encode(expected, mac, sizeof mac);
		if (bytes_equal(expected, c->header, SIGNATURE_CHARS))
			return true;
	}
	return false;
}

/* One way of writing the URL, then the fields: the text that Twilio may have
 * signed. */
static bool variant_matches(
    struct check *c, const struct url *u, const char *scheme, const char *port, size_t port_len, const char *slash)
{
	buf_reset(&c->text);
	buf_puts(&c->text, scheme);
	buf_puts(&c->text, "://");
	buf_put(&c->text, u->host, u->host_len);
	buf_put(&c->text, port, port_len);
	buf_put(&c->text, u->rest, u->rest_len);
	buf_puts(&c->text, slash);
	buf_put(&c->text, buf_text(&c->fields), c->fields.len);
	return text_matches(c);
}

/* Twilio signs the URL with the port or without it, depending on the scheme and the
 * product; proxies drop or add the scheme's own. As it came goes first: that is
 * nearly always right, and each try is one HMAC for each token. */
static bool ports_match(struct check *c, const struct url *u, const char *scheme, const char *slash)
{
	return (u->port_len && variant_matches(c, u, scheme, u->port, u->port_len, slash)) ||
	       variant_matches(c, u, scheme, "", 0, slash) ||
	       variant_matches(c, u, scheme, u->own_port, strlen(u->own_port), slash);
}

/* For a WebSocket Twilio has signed the https form of the URL too, and both with a
 * slash at the end. */
static bool any_matches(struct check *c, const struct url *u)
{
	if (!u->as_http)
		return ports_match(c, u, u->scheme, "");
	return ports_match(c, u, u->scheme, "") || ports_match(c, u, u->scheme, "/") ||
	       ports_match(c, u, u->as_http, "") || ports_match(c, u, u->as_http, "/");
}

/* PUBLIC_URL may be typed with capitals in its host; a host name has no case, and clients make it
 * small letters before they ask. */
static bool small_letters_match(struct check *c, struct url u)
{
	struct buf host;
	bool valid;

	buf_init(&host, 0);
	for (size_t i = 0; i < u.host_len; i++)
		buf_putc(&host, (char)tolower((unsigned char)u.host[i]));
	valid = !buf_error(&host) && host.len && memcmp(u.host, host.data, host.len) != 0;
	u.host = buf_text(&host);
	valid = valid && any_matches(c, &u);
	buf_free(&host);
	return valid;
}

bool signature_valid(
    const char *header, const char *url, const struct form *fields, const struct signature_tokens *tokens)
{
	struct check c = { .header = header, .tokens = tokens };
	struct url u;
	bool valid;

	if (!header || strlen(header) != SIGNATURE_CHARS || !split_url(&u, url))
		return false;
	buf_init(&c.fields, 0);
	buf_init(&c.text, 0);
	if (fields)
		put_fields(&c.fields, fields);
	valid = !buf_error(&c.fields) && (any_matches(&c, &u) || small_letters_match(&c, u));
	buf_free(&c.fields);
	buf_free(&c.text);
	return valid;
}
