#include "server/web/http.h"

#include "common/json.h"

#include <string.h>
#include <strings.h>
#include <time.h>

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 200, "OK" },
	{ 204, "No Content" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 411, "Length Required" },
	{ 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" },
	{ 417, "Expectation Failed" },
	{ 426, "Upgrade Required" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 503, "Service Unavailable" },
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

static size_t times_sent(const struct request *q, const char *name)
{
	size_t times = 0;

	for (size_t i = 0; i < q->header_count; i++)
		times += !strcasecmp(q->headers[i].name, name);
	return times;
}

bool request_is_upgrade(const struct request *q)
{
	const char *connection = request_header(q, "Connection");
	const char *upgrade = request_header(q, "Upgrade");

	return connection && upgrade && strcasestr(connection, "upgrade") && strcasestr(upgrade, "websocket");
}

bool request_has_type(const struct request *q, const char *media_type)
{
	const char *type = request_header(q, "Content-Type");
	size_t len = strlen(media_type);

	return type && !strncasecmp(type, media_type, len) && strchr("; \t", type[len]);
}

int url_loggable(const char *url)
{
	static const char stream[] = "/twilio/stream/";
	const char *token = strstr(url, stream);

	return (int)(token ? (size_t)(token - url) + sizeof stream - 1 : strcspn(url, "?"));
}

static bool all_digits(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

int request_defect(const struct request *q, const char **sentence)
{
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
	if (times_sent(q, "Host") > 1) {
		*sentence = "more than one Host";
		return 400;
	}
	return 0;
}

void response_init(struct response *r)
{
	*r = (struct response){ .status = 200, .type = JSON_TYPE, .headers = "" };
	buf_init(&r->body, 0);
}

void response_free(struct response *r)
{
	buf_free(&r->body);
}

void response_error(struct response *r, int status, const char *code, const char *message)
{
	buf_reset(&r->body);
	r->status = status;
	r->type = JSON_TYPE;
	buf_puts(&r->body, "{\"error\":{\"code\":");
	json_put_cstring(&r->body, code);
	buf_puts(&r->body, ",\"message\":");
	json_put_cstring(&r->body, message);
	buf_puts(&r->body, "}}\n");
}

void response_refusal(struct response *r, int status, const char *sentence)
{
	buf_reset(&r->body);
	r->status = status;
	r->type = TEXT_TYPE;
	buf_puts(&r->body, sentence);
	buf_putc(&r->body, '\n');
}

static void put_date(struct buf *out)
{
	char text[40];
	time_t now = time(NULL);
	struct tm tm;

	if (gmtime_r(&now, &tm) && strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm))
		buf_printf(out, "Date: %s\r\n", text);
}

void response_put(struct buf *out, struct response *r, bool head_only)
{
	if (buf_error(&r->body)) {
		r->headers = "";
		response_error(r, 500, "internal_error", "the answer could not be built");
	}
	buf_printf(out, "HTTP/1.1 %d %s\r\n", r->status, reason_of(r->status));
	put_date(out);
	if (r->status != 204)
		buf_printf(out, "Content-Type: %s\r\nContent-Length: %zu\r\n", r->type, r->body.len);
	buf_printf(out,
	    "Connection: close\r\n"
	    "Cache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "%s\r\n",
	    r->headers);
	if (!head_only && r->status != 204)
		buf_put(out, buf_text(&r->body), r->body.len);
}
