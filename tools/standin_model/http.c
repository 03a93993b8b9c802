#include "tools/standin_model/http.h"

#include <ctype.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The value of a header, trimmed; NULL if it is absent. *count is how often it is there. */
static const char *header(const char *head, const char *name, char *out, size_t size, int *count)
{
	const char *found = NULL;

	*count = 0;
	for (const char *line = strstr(head, "\r\n"); line && line[2] && line[2] != '\r';
	     line = strstr(line + 2, "\r\n")) {
		const char *start = line + 2, *colon = start + strcspn(start, ":\r");

		if (*colon != ':' || (size_t)(colon - start) != strlen(name) ||
		    strncasecmp(start, name, strlen(name)) != 0)
			continue;
		start = colon + 1 + strspn(colon + 1, " \t");
		snprintf(out, size, "%.*s", (int)strcspn(start, "\r"), start);
		for (size_t n = strlen(out); n && isspace((unsigned char)out[n - 1]); n--)
			out[n - 1] = '\0';
		found = out;
		(*count)++;
	}
	return found;
}

static int hex(char c)
{
	return isdigit((unsigned char)c)    ? c - '0'
	       : isxdigit((unsigned char)c) ? (tolower((unsigned char)c) - 'a') + 10
					    : -1;
}

const char *query_value(const char *query, const char *name, int n, char *out, size_t size)
{
	size_t len = strlen(name), used = 0;

	for (const char *p = query; *p; p += strcspn(p, "&"), p += *p == '&') {
		if (strncmp(p, name, len) != 0 || p[len] != '=' || n-- > 0)
			continue;
		for (p += len + 1; *p && *p != '&' && used + 1 < size; p++) {
			if (*p == '%' && hex(p[1]) >= 0 && hex(p[2]) >= 0) {
				out[used++] = (char)(hex(p[1]) * 16 + hex(p[2]));
				p += 2;
			} else {
				out[used++] = *p == '+' ? ' ' : *p;
			}
		}
		out[used] = '\0';
		return out;
	}
	return NULL;
}

static void refuse(struct upgrade *u, int status, const char *reason, const char *code)
{
	if (u->status == 101) {
		u->status = status;
		u->reason = reason;
		u->code = code;
	}
}

/* "GET /path?query HTTP/1.1" */
static void judge_target(struct upgrade *u, const char *head)
{
	const char *target = head + 4, *end = target + strcspn(target, " \r"), *mark;
	char value[128];

	if (strncmp(head, "GET ", 4) != 0 || strncmp(end, " HTTP/1.1\r\n", 11) != 0) {
		refuse(u, 400, "not GET over HTTP/1.1", NULL);
		return;
	}
	mark = memchr(target, '?', (size_t)(end - target));
	snprintf(u->path, sizeof u->path, "%.*s", (int)((mark ? mark : end) - target), target);
	if (mark)
		snprintf(u->query, sizeof u->query, "%.*s", (int)(end - mark - 1), mark + 1);
	if (strcmp(u->path, "/v1/realtime") != 0 && strcmp(u->path, "/openai/v1/realtime") != 0)
		refuse(u, 404, "no such path", NULL);
	int models = 0;

	for (; query_value(u->query, "model", models, value, sizeof value); models++)
		snprintf(u->model, sizeof u->model, "%s", value);
	if (query_value(u->query, "deployment", 0, value, sizeof value)) {
		snprintf(u->model, sizeof u->model, "%s", value);
		models++;
	}
	if (models != 1 || !*u->model)
		refuse(u, 400, "needs exactly one of model and deployment", "missing_model");
	if (strchr(u->query, ' ') || strchr(u->path, '#') || strchr(u->query, '#'))
		refuse(u, 400, "malformed target", NULL);
}

static bool has_token(const char *list, const char *token)
{
	for (const char *p = list; *p; p += strcspn(p, ","), p += *p == ',') {
		p += strspn(p, " \t");
		if (strncasecmp(p, token, strlen(token)) == 0 && strchr(", \t", p[strlen(token)]))
			return true;
	}
	return false;
}

static void judge_handshake(struct upgrade *u, const char *head)
{
	char value[512], joined[128];
	uint8_t nonce[64], digest[SHA_DIGEST_LENGTH];
	struct text accept = { 0 };
	int count;

	if (!header(head, "Host", value, sizeof value, &count) || count != 1 || !*value)
		refuse(u, 400, "needs one Host", NULL);
	if (!header(head, "Upgrade", value, sizeof value, &count) || strcasecmp(value, "websocket") != 0)
		refuse(u, 400, "needs Upgrade: websocket", NULL);
	if (!header(head, "Connection", value, sizeof value, &count) || !has_token(value, "upgrade"))
		refuse(u, 400, "needs Connection: Upgrade", NULL);
	if (!header(head, "Sec-WebSocket-Version", value, sizeof value, &count) || strcmp(value, "13") != 0)
		refuse(u, 426, "needs Sec-WebSocket-Version: 13", NULL);
	if (header(head, "OpenAI-Beta", value, sizeof value, &count))
		refuse(u, 400, "OpenAI-Beta selects a protocol that is gone", "beta_api_shape_disabled");
	if (!header(head, "Sec-WebSocket-Key", value, sizeof value, &count) || count != 1 || strlen(value) != 24 ||
	    base64_decode_strict(value, 24, nonce) != 16) {
		refuse(u, 400, "needs a Sec-WebSocket-Key of 16 bytes", NULL);
		return;
	}
	snprintf(joined, sizeof joined, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", value);
	SHA1((const unsigned char *)joined, strlen(joined), digest);
	text_base64(&accept, digest, sizeof digest);
	snprintf(u->accept, sizeof u->accept, "%s", accept.data);
	text_free(&accept);
}

static void judge_key(struct upgrade *u, const char *head, const char *key)
{
	char bearer[512], api_key[512];
	int bearers, api_keys;
	const char *shown = header(head, "Authorization", bearer, sizeof bearer, &bearers);
	const char *other = header(head, "api-key", api_key, sizeof api_key, &api_keys);

	if (bearers + api_keys != 1) {
		refuse(u, 401,
		    bearers + api_keys ? "shows more than one key" : "Missing bearer or basic authentication in header",
		    NULL);
		return;
	}
	if (shown && strncmp(shown, "Bearer ", 7) != 0) {
		refuse(u, 401, "Authorization is not Bearer", NULL);
		return;
	}
	snprintf(u->auth, sizeof u->auth, "%s", shown ? "bearer" : "api-key");
	shown = shown ? shown + 7 : other;
	if (!*shown || (key && strcmp(shown, key) != 0))
		refuse(u, 401, "Incorrect API key provided", "invalid_api_key");
}

void http_judge(struct upgrade *u, const char *head, size_t len, const char *key)
{
	*u = (struct upgrade){ .status = 101, .reason = "" };
	if (strlen(head) != len)
		refuse(u, 400, "NUL in the request", NULL);
	judge_target(u, head);
	judge_handshake(u, head);
	judge_key(u, head, key);
}

static const char *status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} table[] = { { 400, "Bad Request" }, { 401, "Unauthorized" }, { 403, "Forbidden" }, { 404, "Not Found" },
		{ 426, "Upgrade Required" }, { 429, "Too Many Requests" }, { 500, "Internal Server Error" },
		{ 503, "Service Unavailable" } };

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (table[i].status == status)
			return table[i].text;
	return "Refused";
}

void http_answer(struct text *out, const struct upgrade *u)
{
	struct text body = { 0 };

	if (u->status == 101) {
		text_printf(out,
		    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		    "Sec-WebSocket-Accept: %s\r\n\r\n",
		    u->accept);
		return;
	}
	text_puts(&body, "{\"error\":{\"message\":");
	text_json(&body, u->reason);
	text_printf(&body, ",\"type\":\"%s\",\"code\":", u->status >= 500 ? "server_error" : "invalid_request_error");
	text_json(&body, u->code);
	text_puts(&body, ",\"param\":null}}");
	text_printf(out,
	    "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
	    u->status, status_text(u->status), body.len, body.data);
	text_free(&body);
}
