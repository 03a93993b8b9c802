/* Requests and responses as values. CivetWeb parses leniently and keeps
 * doubled headers, so nothing it lets through is trusted here.
 */
#include "server/web/http.h"

#include "common/base64.h"
#include "common/json_out.h"
#include "common/log.h"
#include "server/agents/phrases.h"
#include "server/phone/twiml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* Every status a handler may use, with the phrase of RFC 9110 §15. */
static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 206, "Partial Content" },
	{ 302, "Found" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 411, "Length Required" },
	{ 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" },
	{ 417, "Expectation Failed" },
	{ 422, "Unprocessable Content" },
	{ 426, "Upgrade Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
};

static const char *reason_of(int status)
{
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
		if (reasons[i].status == status)
			return reasons[i].reason;
	}
	return "Error";
}

const char *request_header(const struct request *q, const char *name)
{
	for (size_t i = 0; i < q->header_count; i++) {
		if (!strcasecmp(q->headers[i].name, name))
			return q->headers[i].value;
	}
	return NULL;
}

/* Doubled headers are kept as they came, and request_header finds the first.
 * Where that would matter, the request is refused (request_defect). */
static size_t times_sent(const struct request *q, const char *name)
{
	size_t times = 0;

	for (size_t i = 0; i < q->header_count; i++)
		times += !strcasecmp(q->headers[i].name, name);
	return times;
}

const char *request_param(const struct request *q, const char *name)
{
	return q->params ? form_get(q->params, name) : NULL;
}

bool request_has_body(const struct request *q)
{
	const char *length = request_header(q, "Content-Length");

	return (length && strcmp(length, "0")) || request_header(q, "Transfer-Encoding");
}

/* Both headers are lists of words, in any case (RFC 9110 §7.8). */
bool request_is_upgrade(const struct request *q)
{
	const char *connection = request_header(q, "Connection");
	const char *upgrade = request_header(q, "Upgrade");

	return connection && upgrade && strcasestr(connection, "upgrade") && strcasestr(upgrade, "websocket");
}

/* RFC 6455 §4.2.1. CivetWeb fails such a handshake after the line has been
 * claimed, and calls no close handler then. */
bool request_handshake_sound(const struct request *q, struct response *r)
{
	const char *version = request_header(q, "Sec-WebSocket-Version");
	const char *key = request_header(q, "Sec-WebSocket-Key");
	uint8_t nonce[BASE64_DECODED_MAX(24)];

	if (!request_is_upgrade(q)) {
		response_refusal(r, 426, "this address is for WebSockets");
		response_header(r, "Upgrade", "websocket");
	} else if (!version || strcmp(version, "13")) {
		response_refusal(r, 426, "the version of the WebSocket protocol must be 13");
		response_header(r, "Upgrade", "websocket");
		response_header(r, "Sec-WebSocket-Version", "13");
	} else if (!key || strlen(key) != 24 || base64_decode(nonce, key, 24) != 16) {
		response_refusal(r, 400, "Sec-WebSocket-Key must be 16 bytes in base64");
	} else {
		return true;
	}
	return false;
}

/* Parameters may follow the type, as in "application/json; charset=utf-8". */
bool request_has_type(const struct request *q, const char *media_type)
{
	const char *type = request_header(q, "Content-Type");
	size_t len = strlen(media_type);

	return type && !strncasecmp(type, media_type, len) && strchr("; \t", type[len]);
}

/* Up to the token of a call, or else up to the query. */
int url_loggable(const char *url)
{
	static const char *const before[] = { "/twilio/stream/", "/twilio/relay/" };

	for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
		const char *found = strstr(url, before[i]);

		if (found)
			return (int)(found - url + (ptrdiff_t)strlen(before[i]));
	}
	return (int)strcspn(url, "?");
}

enum { NUMBER_DIGITS = 7 }; /* fewer in a row are no telephone number */

/* Names in a query that announce a secret, as parts of words. */
static const char *const secret_names[] = { "token", "key", "secret", "pass", "pwd", "auth", "sig", "code", "session",
	"cred", "jwt" };

/* An owner's own parameter, as it was sent: its escapes may be what does not fit. Seven
 * digits are a telephone number, and nobody types more than 32 characters of anything
 * else. */
static bool value_loggable(const char *part, size_t len)
{
	enum { TYPED_MAX = 32 };
	size_t name = 0, digits = 0;

	while (name < len && part[name] != '=')
		name++;
	for (size_t i = 0; i < sizeof secret_names / sizeof *secret_names; i++)
		for (size_t at = 0, n = strlen(secret_names[i]); at + n <= name; at++)
			if (!strncasecmp(part + at, secret_names[i], n))
				return false;
	for (size_t i = 0; i < len; i++) {
		if (part[i] == '%')
			i += 2; /* the digits of an escape are none */
		else
			digits += part[i] >= '0' && part[i] <= '9';
	}
	return digits < NUMBER_DIGITS && len - name <= TYPED_MAX;
}

static void put_without_numbers(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0, digits; i < len; i += digits ? digits : 1) {
		digits = strspn(text + i, "0123456789");
		if (digits > len - i)
			digits = len - i;
		if (digits >= NUMBER_DIGITS)
			buf_puts(out, "…");
		else
			buf_put(out, text + i, digits ? digits : 1);
	}
}

void url_put_loggable(struct buf *out, const char *url)
{
	enum { PART_MAX = 80, ALL_MAX = 300 };
	int shown = url_loggable(url);
	const char *part = strchr(url, '?'), *end;

	put_without_numbers(out, url, (size_t)(shown < ALL_MAX ? shown : ALL_MAX));
	if (part ? part > url + shown : url[shown] != '\0')
		buf_puts(out, "…");
	for (; part && *part && out->len < ALL_MAX; part = end) {
		size_t len = strcspn(part + 1, "&"), name = strcspn(part + 1, "=&");

		end = part + 1 + len;
		if (value_loggable(part + 1, len) && len <= PART_MAX) {
			buf_put(out, part, len + 1);
			continue;
		}
		put_without_numbers(out, part, name < PART_MAX && name < len ? name + 2 : 1);
		buf_puts(out, "…");
	}
	if (part && *part)
		buf_puts(out, "…");
}

static bool all_digits(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

/* A request that two readers on the way could take for two different
 * requests is refused whole: a proxy in front of us may have read the other
 * one. The first check makes the rest trustworthy, since beyond
 * HTTP_HEADERS_MAX some that matter could be missing. */
int request_defect(const struct request *q, const char **sentence)
{
	/* With two of them, one would have to be believed. */
	static const char *const only_once[][2] = {
		{ "Host", "more than one Host" },
		{ "Authorization", "more than one Authorization" },
		{ "X-Twilio-Signature", "more than one X-Twilio-Signature" },
		{ "Idempotency-Key", "more than one Idempotency-Key" },
		{ "Origin", "more than one Origin" },
		{ "Sec-Fetch-Site", "more than one Sec-Fetch-Site" },
	};
	const char *length = request_header(q, "Content-Length");
	const char *coding = request_header(q, "Transfer-Encoding");

	if (q->header_count >= HTTP_HEADERS_MAX) {
		*sentence = "too many headers";
		return 431;
	}
	if (times_sent(q, "Content-Length") > 1 || times_sent(q, "Transfer-Encoding") > 1 || (length && coding)) {
		*sentence = "the length of the body is given twice";
		return 400;
	}
	if ((length && !all_digits(length)) || (coding && strcasecmp(coding, "chunked"))) {
		*sentence = "the length of the body makes no sense";
		return 400;
	}
	for (size_t i = 0; i < sizeof only_once / sizeof *only_once; i++) {
		if (times_sent(q, only_once[i][0]) > 1) {
			*sentence = only_once[i][1];
			return 400;
		}
	}
	return 0;
}

void response_init(struct response *r)
{
	*r = (struct response){ .status = 200, .type = JSON_TYPE, .stream = { .len = -1 } };
	buf_init(&r->body, 0);
	buf_init(&r->headers, 8192);
}

void response_free(struct response *r)
{
	response_drop_stream(r);
	buf_free(&r->body);
	buf_free(&r->headers);
}

bool response_is_bad_request(const struct response *r)
{
	static const int bad[] = { 400, 408, 411, 413, 415, 417, 422, 426, 431 };
	bool is = false;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		is |= bad[i] == r->status;
	return is;
}

void response_drop_stream(struct response *r)
{
	if (r->stream.done)
		r->stream.done(r->stream.arg);
	r->stream = (struct response_stream){ .len = -1 };
}

/* A value may come from outside, and a line end in it would be a header of its own. */
void response_header(struct response *r, const char *name, const char *format, ...)
{
	char value[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof value, format, args);
	va_end(args);
	for (char *p = value; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	}
	buf_printf(&r->headers, "%s: %s\r\n", name, value);
}

/* Empties the response, its headers and stream too, so that an error stands
 * alone. */
static void begin_again(struct response *r, int status, const char *type)
{
	buf_reset(&r->body);
	buf_reset(&r->headers);
	response_drop_stream(r);
	r->status = status;
	r->type = type;
}

void response_accepted(
    struct response *r, const char *id_name, const char *id, const char *state_name, const char *state)
{
	struct json_out j = json_out_to(&r->body);

	r->status = 202;
	json_put_object(&j, NULL);
	json_put_text(&j, id_name, id);
	json_put_text(&j, state_name, state);
	json_put_end(&j);
	buf_putc(&r->body, '\n');
}

/* The one shape of all errors, documented in openapi.json. */
static struct json_out begin_error(struct response *r, int status, const char *code, const char *message)
{
	struct json_out j = json_out_to(&r->body);

	begin_again(r, status, JSON_TYPE);
	json_put_object(&j, NULL);
	json_put_object(&j, "error");
	json_put_text(&j, "code", code);
	json_put_text(&j, "message", message);
	return j;
}

static void end_error(struct response *r, struct json_out *j)
{
	json_put_end(j);
	json_put_end(j);
	buf_putc(&r->body, '\n');
}

void response_error(struct response *r, int status, const char *code, const char *message)
{
	struct json_out j = begin_error(r, status, code, message);

	end_error(r, &j);
}

void response_error_at(struct response *r, int status, const char *code, const char *field, const char *format, ...)
{
	char message[512];
	struct json_out j;
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	j = begin_error(r, status, code, message);
	json_put_text(&j, "field", field);
	end_error(r, &j);
}

void response_error_of_twilio(
    struct response *r, const char *code, const char *message, int twilio_code, int twilio_status)
{
	struct json_out j = begin_error(r, 502, code, message);

	if (twilio_code)
		json_put_int(&j, "twilio_code", twilio_code);
	if (twilio_status)
		json_put_int(&j, "twilio_status", twilio_status);
	end_error(r, &j);
}

void response_refusal(struct response *r, int status, const char *sentence)
{
	begin_again(r, status, TEXT_TYPE);
	buf_puts(&r->body, sentence);
	buf_putc(&r->body, '\n');
}

size_t response_put_sorry(const struct response *r, char *out, size_t size)
{
	static const char said[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Say>%s</Say></Response>\n";
	static const char shown[] = "{\"error\":{\"code\":\"internal_error\",\"message\":\"%s\"}}\n";
	const char *words = r->spoken ? phrase_of(NULL, PHRASE_APOLOGY).text : "out of memory";
	char body[512];
	int len = snprintf(body, sizeof body, r->spoken ? said : shown, words);

	log_error("http", "memory was refused, and so the answer is: %s", words);
	return (size_t)snprintf(out, size,
	    "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
	    r->spoken ? "200 OK" : "500 Internal Server Error", r->spoken ? TWIML_TYPE : JSON_TYPE, len, body);
}

static void put_date(struct buf *out)
{
	char text[40];
	time_t now = time(NULL);
	struct tm tm;

	if (gmtime_r(&now, &tm) && strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm))
		buf_printf(out, "Date: %s\r\n", text);
}

/* 204 and 304 have no body, and so neither type nor length (RFC 9110 §6.4.1). A
 * stream of unknown length ends with its connection, which is why every answer
 * closes: an idle connection would hold a worker besides. */
void response_put(struct buf *out, struct response *r, bool head_only)
{
	if (buf_error(&r->body) || buf_error(&r->headers))
		response_error(r, 500, "internal_error", "the answer could not be built");
	buf_printf(out, "HTTP/1.1 %d %s\r\n", r->status, reason_of(r->status));
	put_date(out);
	if (r->status != 204 && r->status != 304)
		buf_printf(out, "Content-Type: %s\r\n", r->type);
	if (r->stream.run && r->stream.len >= 0)
		buf_printf(out, "Content-Length: %lld\r\n", (long long)r->stream.len);
	else if (!r->stream.run && r->status != 204 && r->status != 304)
		buf_printf(out, "Content-Length: %zu\r\n", r->body.len);
	buf_printf(out,
	    "Connection: close\r\n"
	    "Cache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "%s\r\n",
	    buf_text(&r->headers));
	if (!head_only && !r->stream.run && r->status != 204 && r->status != 304)
		buf_put(out, buf_text(&r->body), r->body.len);
	if (buf_error(out))
		response_drop_stream(r); /* which would have no head */
}
