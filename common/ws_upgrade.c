#include "common/ws_upgrade.h"

#include "common/base64.h"
#include "common/digest.h"
#include "common/json.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { HTTPS_PORT = 443, CONTENT_LENGTH_DIGITS = 9 };

/* What the header says that we need. */
struct header {
	int status;
	size_t len; /* blank line included */
	bool upgrade, connection, accept;
	bool wrong; /* something a WebSocket server would not say */
	bool chunked;
	bool has_length;
	size_t content_length;
};

void ws_upgrade_key(char key[WS_KEY_SIZE])
{
	uint8_t nonce[16];

	random_bytes(nonce, sizeof nonce);
	key[base64_encode(key, nonce, sizeof nonce)] = '\0';
}

void ws_upgrade_accept(const char *key, char accept[WS_ACCEPT_SIZE])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455 §1.3 */
	char joined[WS_KEY_SIZE + sizeof guid];
	uint8_t hash[SHA1_BYTES];
	size_t key_len = strnlen(key, WS_KEY_SIZE - 1);

	memcpy(joined, key, key_len);
	memcpy(joined + key_len, guid, sizeof guid);
	sha1(joined, key_len + sizeof guid - 1, hash);
	accept[base64_encode(accept, hash, sizeof hash)] = '\0';
}

void ws_upgrade_request(
    struct buf *out, const char *host, int port, const char *path, const char *headers, const char *key)
{
	buf_printf(out, "GET %s HTTP/1.1\r\nHost: %s", path, host);
	if (port != HTTPS_PORT)
		buf_printf(out, ":%d", port);
	buf_puts(out, "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
	buf_printf(out, "Sec-WebSocket-Key: %s\r\n", key);
	buf_puts(out, headers);
	buf_puts(out, "\r\n");
}

static bool same(struct span s, const char *word)
{
	return s.n == strlen(word) && !strncasecmp(s.p, word, s.n);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct span trimmed(const char *p, size_t n)
{
	while (n && is_blank(*p)) {
		p++;
		n--;
	}
	while (n && is_blank(p[n - 1]))
		n--;
	return (struct span){ p, n };
}

/* Whether a comma-separated list has that word, in any case. */
static bool list_has(struct span list, const char *word)
{
	while (list.n) {
		const char *comma = memchr(list.p, ',', list.n);
		size_t n = comma ? (size_t)(comma - list.p) : list.n;

		if (same(trimmed(list.p, n), word))
			return true;
		if (comma)
			n++;
		list.p += n;
		list.n -= n;
	}
	return false;
}

static void read_content_length(struct header *h, struct span value)
{
	uint64_t length;

	if (value.n > CONTENT_LENGTH_DIGITS || !span_u64(value, &length))
		return;
	h->has_length = true;
	h->content_length = (size_t)length;
}

static void read_field(struct header *h, struct span name, struct span value, const char *accept)
{
	if (same(name, "Upgrade"))
		h->upgrade = same(value, "websocket");
	else if (same(name, "Connection"))
		h->connection = h->connection || list_has(value, "upgrade");
	else if (same(name, "Sec-WebSocket-Accept") && value.n == strlen(accept) && !memcmp(value.p, accept, value.n))
		h->accept = true;
	else if (same(name, "Sec-WebSocket-Accept"))
		h->wrong = true;
	else if (same(name, "Sec-WebSocket-Extensions"))
		h->wrong = h->wrong || value.n; /* we offer none */
	else if (same(name, "Transfer-Encoding"))
		h->chunked = list_has(value, "chunked");
	else if (same(name, "Content-Length"))
		read_content_length(h, value);
}

/* "HTTP/1.1 101 Switching Protocols" */
static bool read_status_line(struct header *h, const char *line, size_t n)
{
	enum { STATUS_AT = sizeof "HTTP/1.1 " - 1 };
	uint64_t status;

	if (n < STATUS_AT + 3 || memcmp(line, "HTTP/1.", 7) || line[STATUS_AT - 1] != ' ')
		return false;
	if (line[7] != '0' && line[7] != '1')
		return false;
	if (!span_u64((struct span){ line + STATUS_AT, 3 }, &status) ||
	    (n > STATUS_AT + 3 && line[STATUS_AT + 3] != ' '))
		return false;
	h->status = (int)status;
	return status >= 100;
}

/* `text` ends with its blank line. False if it is no HTTP header. */
static bool read_header(struct header *h, const char *text, const char *accept)
{
	const char *end = text + h->len - 2, *eol = memmem(text, h->len, "\r\n", 2);

	if (memchr(text, '\0', h->len) || !read_status_line(h, text, (size_t)(eol - text)))
		return false;
	for (const char *line = eol + 2; line < end; line = eol + 2) {
		const char *colon;

		eol = memmem(line, (size_t)(end - line), "\r\n", 2);
		colon = memchr(line, ':', (size_t)(eol - line));
		/* A line that continues the one before is obsolete (RFC 9112 §5.2). */
		if (!colon || colon == line || is_blank(*line))
			return false;
		read_field(h, (struct span){ line, (size_t)(colon - line) },
		    trimmed(colon + 1, (size_t)(eol - colon - 1)), accept);
	}
	return true;
}

/* Hexadecimal digits at the start; more of them than any body of interest has
 * are not read. */
static size_t read_hex(const char *text, size_t len)
{
	enum { DIGITS = 6 };
	size_t value = 0;

	for (size_t i = 0; i < len && i < DIGITS && isxdigit((unsigned char)text[i]); i++) {
		int ch = tolower((unsigned char)text[i]);

		value = value * 16 + (size_t)(ch <= '9' ? ch - '0' : ch - 'a' + 10);
	}
	return value;
}

/* The first chunk is all we want of a chunked body. */
static struct span first_chunk(const char *body, size_t len, bool *more)
{
	const char *eol = memmem(body, len, "\r\n", 2);
	size_t size, have;

	*more = true;
	if (!eol)
		return (struct span){ body, 0 };
	size = read_hex(body, (size_t)(eol - body));
	have = len - (size_t)(eol + 2 - body);
	*more = have < size;
	return (struct span){ eol + 2, have < size ? have : size };
}

/* One printable line: control characters become spaces, what is not UTF-8
 * question marks. */
static void copy_printable(char *out, struct span from)
{
	size_t n = from.n < WS_BODY_SIZE - 1 ? from.n : WS_BODY_SIZE - 1;

	while (n && n < from.n && ((unsigned char)from.p[n] & 0xc0) == 0x80)
		n--;
	memcpy(out, from.p, n);
	out[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)out[i] < 0x20 || out[i] == 0x7f)
			out[i] = ' ';
	if (utf8_valid(out, n))
		return;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)out[i] >= 0x80)
			out[i] = '?';
}

static void read_refusal(const struct header *h, const char *text, size_t len, struct ws_response *out)
{
	struct span body = { text + h->len, len - h->len };

	out->verdict = WS_REFUSED;
	out->status = h->status;
	if (h->chunked)
		body = first_chunk(body.p, body.n, &out->more);
	else
		out->more = !h->has_length || body.n < h->content_length;
	if (body.n >= WS_BODY_SIZE - 1)
		out->more = false;
	copy_printable(out->body, body);
}

void ws_upgrade_judge(const char *text, size_t len, const char *accept, struct ws_response *out)
{
	const char *blank = memmem(text, len, "\r\n\r\n", 4);
	struct header h = { 0 };

	memset(out, 0, sizeof *out);
	if (!blank) {
		bool hopeless = len >= WS_RESPONSE_MAX || (len && strncmp(text, "HTTP/", len < 5 ? len : 5));

		out->verdict = hopeless ? WS_NOT_HTTP : WS_INCOMPLETE;
		return;
	}
	h.len = (size_t)(blank - text) + 4;
	out->header_len = h.len;
	if (!read_header(&h, text, accept))
		out->verdict = WS_NOT_HTTP;
	else if (h.status != 101)
		read_refusal(&h, text, len, out);
	else if (h.upgrade && h.connection && h.accept && !h.wrong)
		out->verdict = WS_ACCEPTED;
	else
		out->verdict = WS_NOT_WEBSOCKET;
}
