#include "server/phone/signature.h"

#include "common/base64.h"
#include "common/buf.h"
#include "common/digest.h"
#include "common/json.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	SIGNATURE_CHARS = BASE64_SIZE(SHA1_BYTES),
	ORDERED_MAX = 4, /* parts of a query whose order is looked for: 24 orders */
	/* A stranger pays 28 characters for all this: some 5 ms are enough for a query with
	 * everything in it, and with the largest form for more than the usual variants. */
	HASHED_MAX = 2 * 1024 * 1024
};

/* A URL in the pieces that the variants are put together from. */
struct url {
	const char *scheme;      /* "https", … */
	const char *as_http;     /* for ws and wss: the other name of it; else NULL */
	const char *own_port;    /* ":443" or ":80" */
	struct span host;        /* without user:password */
	struct span port;        /* ":8443", or empty */
	struct span path, query; /* the query with its '?', without the fragment; or empty */
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
	const char *authority = NULL, *end, *at, *port, *rest;

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
	rest = end + strcspn(end, "?#");
	u->path = (struct span){ end, (size_t)(rest - end) };
	u->query = (struct span){ rest, strcspn(rest, "#") };
	if ((at = memrchr(authority, '@', (size_t)(end - authority))))
		authority = at + 1;
	/* The last colon starts the port, unless it stands inside [an IPv6 address]. */
	port = memrchr(authority, ':', (size_t)(end - authority));
	if (!port || memchr(port, ']', (size_t)(end - port)))
		port = end;
	u->host = (struct span){ authority, (size_t)(port - authority) };
	u->port = (struct span){ port, (size_t)(end - port) };
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
	struct buf query;  /* in the spelling that is being tried */
	struct buf lower;  /* the host, in small letters */
	struct buf text;   /* the whole signed text */
	size_t hashed;     /* bytes so far, of all texts */
};

/* From then on nothing is put together any more, which would cost as much as hashing it. */
static bool tired(const struct check *c)
{
	return c->hashed >= HASHED_MAX;
}

/* Any of the tokens will do: while one is being replaced, both are good. The
 * time does not show how many bytes of a wrong signature fit. */
static bool text_matches(struct check *c)
{
	for (size_t i = 0; i < c->tokens->count && !buf_error(&c->text) && !tired(c); i++) {
		const char *token = c->tokens->token[i];
		char expected[SIGNATURE_CHARS];
		uint8_t mac[SHA1_BYTES];

		c->hashed += c->text.len;
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
    struct check *c, const struct url *u, const char *scheme, struct span port, const char *slash)
{
	if (tired(c))
		return false;
	buf_reset(&c->text);
	buf_puts(&c->text, scheme);
	buf_puts(&c->text, "://");
	buf_put(&c->text, u->host.p, u->host.n);
	buf_put(&c->text, port.p, port.n);
	buf_put(&c->text, u->path.p, u->path.n);
	buf_put(&c->text, buf_text(&c->query), c->query.len);
	buf_puts(&c->text, slash);
	buf_put(&c->text, buf_text(&c->fields), c->fields.len);
	return text_matches(c);
}

/* Twilio signs the URL with the port or without it, depending on the scheme and the
 * product; proxies drop or add the scheme's own. As it came goes first: that is
 * nearly always right, and each try is one HMAC for each token. */
static bool ports_match(struct check *c, const struct url *u, const char *scheme, const char *slash)
{
	return (u->port.n && variant_matches(c, u, scheme, u->port, slash)) ||
	       variant_matches(c, u, scheme, (struct span){ "", 0 }, slash) ||
	       variant_matches(c, u, scheme, (struct span){ u->own_port, strlen(u->own_port) }, slash);
}

/* For a WebSocket Twilio has signed the https form of the URL too, and both with a
 * slash at the end. */
static bool schemes_match(struct check *c, const struct url *u)
{
	if (!u->as_http)
		return ports_match(c, u, u->scheme, "");
	return ports_match(c, u, u->scheme, "") || ports_match(c, u, u->scheme, "/") ||
	       ports_match(c, u, u->as_http, "") || ports_match(c, u, u->as_http, "/");
}

/* Names of hosts have no case. Twilio signs what stands in the console, or what a
 * library has made of it, which is small letters. */
static bool hosts_match(struct check *c, const struct url *u)
{
	struct url lower = *u;

	if (schemes_match(c, u))
		return true;
	lower.host = (struct span){ buf_text(&c->lower), c->lower.len };
	return memcmp(lower.host.p, u->host.p, u->host.n) && schemes_match(c, &lower);
}

/* ---------------------------------------------------------- spellings of the query */

/* Signed bare and sent escaped, or the other way round: Twilio's signer and its HTTP
 * client differ about these, and each of its libraries undoes it for some of them. */
static const struct {
	char bare;
	const char *escaped;
} marks[] = { { '@', "%40" }, { ':', "%3A" }, { '\'', "%27" } };

enum { MARKS = sizeof marks / sizeof *marks, AS_SENT = -1 };

/* The mark that begins here, in either form of it, or -1; `len` is that of the form. */
static int mark_at(struct span text, size_t at, size_t *len)
{
	for (int i = 0; i < MARKS; i++) {
		*len = text.p[at] == marks[i].bare ? 1 : 3;
		if (*len == 1 || (text.n - at >= 3 && !strncasecmp(text.p + at, marks[i].escaped, 3)))
			return i;
	}
	*len = 1;
	return -1;
}

/* `escape` has a bit for each mark that is to be escaped; the others become bare. */
static void put_spelled(struct buf *out, struct span part, int escape)
{
	for (size_t i = 0, len; i < part.n; i += len) {
		int mark = escape == AS_SENT ? (len = 1, -1) : mark_at(part, i, &len);

		if (mark < 0)
			buf_put(out, part.p + i, len);
		else if (escape >> mark & 1)
			buf_puts(out, marks[mark].escaped);
		else
			buf_putc(out, marks[mark].bare);
	}
}

struct query {
	struct span parts[FORM_MAX_FIELDS]; /* name=value, without '&' */
	size_t count;
	unsigned marks; /* those that are in it, as bits */
};

/* False if it has more parts than any owner of a webhook gives it. */
static bool split_query(struct query *q, struct span text)
{
	const char *at = text.p + 1, *end = text.p + text.n;

	q->count = 0;
	q->marks = 0;
	for (size_t i = 0, len; i < text.n; i += len) {
		int mark = mark_at(text, i, &len);

		q->marks |= mark < 0 ? 0 : 1u << mark;
	}
	for (const char *next; at <= end; at = next + 1) {
		next = memchr(at, '&', (size_t)(end - at));
		if (!next)
			next = end;
		if (q->count == FORM_MAX_FIELDS)
			return false;
		q->parts[q->count++] = (struct span){ at, (size_t)(next - at) };
	}
	return true;
}

/* The query in this order of its parts, in all spellings of its marks. */
static bool spellings_match(struct check *c, const struct url *u, const struct query *q, const size_t *order)
{
	for (int escape = AS_SENT; escape < 1 << MARKS && !tired(c); escape++) {
		if (escape != AS_SENT && (escape & ~(int)q->marks || !q->marks))
			continue;
		buf_reset(&c->query);
		for (size_t i = 0; i < q->count; i++) {
			buf_putc(&c->query, i ? '&' : '?');
			put_spelled(&c->query, q->parts[order[i]], escape);
		}
		if (hosts_match(c, u))
			return true;
	}
	return false;
}

static struct span name_of(struct span part)
{
	const char *equals = memchr(part.p, '=', part.n);

	return (struct span){ part.p, equals ? (size_t)(equals - part.p) : part.n };
}

static bool same_name(struct span a, struct span b)
{
	return name_of(a).n == name_of(b).n && !memcmp(a.p, b.p, name_of(a).n);
}

static int by_name(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	struct span of_x = name_of(*x), of_y = name_of(*y);
	int order = memcmp(of_x.p, of_y.p, of_x.n < of_y.n ? of_x.n : of_y.n);

	if (!order && of_x.n != of_y.n)
		order = of_x.n > of_y.n ? 1 : -1;
	/* Those of one name stay as they are: both point into one text. */
	return order ? order : x->p > y->p ? 1 : -1;
}

/* The next order in the dictionary's sense; false after the last. */
static bool next_order(size_t *order, size_t count)
{
	size_t i = count - 1, j = count - 1, kept;

	while (i > 0 && order[i - 1] > order[i])
		i--;
	if (!i)
		return false;
	while (order[j] < order[i - 1])
		j--;
	kept = order[i - 1], order[i - 1] = order[j], order[j] = kept;
	for (j = count - 1; i < j; i++, j--)
		kept = order[i], order[i] = order[j], order[j] = kept;
	return true;
}

/* Of parts with one name the first may be the one that counts: they keep their order. */
static bool keeps_doubles(const struct query *q, const size_t *order)
{
	for (size_t i = 1; i < q->count; i++) {
		struct span later = q->parts[order[i]];

		for (size_t j = 0; j < i; j++)
			if (order[j] > order[i] && same_name(q->parts[order[j]], later))
				return false;
	}
	return true;
}

/* As it came; then sorted, as some proxies and frameworks make it. Twilio itself signs
 * the query as it was entered, and sends it sorted: the order it was entered in is
 * found by trying, if it has few parts. */
static bool queries_match(struct check *c, const struct url *u)
{
	size_t order[FORM_MAX_FIELDS];
	struct query q;

	buf_put(&c->query, u->query.p, u->query.n);
	if (!u->query.n || !split_query(&q, u->query))
		return hosts_match(c, u);
	for (size_t i = 0; i < q.count; i++)
		order[i] = i;
	if (spellings_match(c, u, &q, order))
		return true;
	if (q.count < 2)
		return false;
	qsort(q.parts, q.count, sizeof *q.parts, by_name);
	do {
		if (keeps_doubles(&q, order) && spellings_match(c, u, &q, order))
			return true;
	} while (q.count <= ORDERED_MAX && next_order(order, q.count));
	return false;
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
	buf_init(&c.query, 0);
	buf_init(&c.lower, 0);
	buf_init(&c.text, 0);
	if (fields)
		put_fields(&c.fields, fields);
	for (size_t i = 0; i < u.host.n; i++)
		buf_putc(&c.lower, (char)tolower((unsigned char)u.host.p[i]));
	valid = !buf_error(&c.fields) && !buf_error(&c.lower) && queries_match(&c, &u);
	buf_free(&c.fields);
	buf_free(&c.query);
	buf_free(&c.lower);
	buf_free(&c.text);
	return valid;
}
