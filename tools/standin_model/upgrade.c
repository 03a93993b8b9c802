#include "tools/standin_model/upgrade.h"

#include "tools/kit/base64.h"
#include "tools/kit/http.h"
#include "tools/kit/ws.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

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
	char value[512];
	uint8_t nonce[64];

	if (http_header(head, "Host", value, sizeof value) != 1 || !*value)
		refuse(u, 400, "needs one Host", NULL);
	if (http_header(head, "Upgrade", value, sizeof value) != 1 || strcasecmp(value, "websocket") != 0)
		refuse(u, 400, "needs Upgrade: websocket", NULL);
	if (!http_header(head, "Connection", value, sizeof value) || !has_token(value, "upgrade"))
		refuse(u, 400, "needs Connection: Upgrade", NULL);
	if (http_header(head, "Sec-WebSocket-Version", value, sizeof value) != 1 || strcmp(value, "13") != 0)
		refuse(u, 426, "needs Sec-WebSocket-Version: 13", NULL);
	if (http_header(head, "OpenAI-Beta", value, sizeof value))
		refuse(u, 400, "OpenAI-Beta selects a protocol that is gone", "beta_api_shape_disabled");
	if (http_header(head, "Sec-WebSocket-Key", value, sizeof value) != 1 || strlen(value) != 24 ||
	    base64_get(nonce, value, 24) != 16) {
		refuse(u, 400, "needs a Sec-WebSocket-Key of 16 bytes", NULL);
		return;
	}
	ws_accept(u->accept, value);
}

static void judge_key(struct upgrade *u, const char *head, const char *key)
{
	char bearer[512], api_key[512];
	int bearers = http_header(head, "Authorization", bearer, sizeof bearer);
	int api_keys = http_header(head, "api-key", api_key, sizeof api_key);
	const char *shown = bearers ? bearer + 7 : api_key;

	if (bearers + api_keys != 1) {
		refuse(u, 401,
		    bearers + api_keys ? "shows more than one key" : "Missing bearer or basic authentication in header",
		    NULL);
		return;
	}
	if (bearers && strncmp(bearer, "Bearer ", 7) != 0) {
		refuse(u, 401, "Authorization is not Bearer", NULL);
		return;
	}
	snprintf(u->auth, sizeof u->auth, "%s", bearers ? "bearer" : "api-key");
	if (!*shown || (key && strcmp(shown, key) != 0))
		refuse(u, 401, "Incorrect API key provided", "invalid_api_key");
}

void upgrade_judge(struct upgrade *u, const char *head, size_t len, const char *key)
{
	*u = (struct upgrade){ .status = 101, .reason = "" };
	if (strlen(head) != len)
		refuse(u, 400, "NUL in the request", NULL);
	judge_target(u, head);
	judge_handshake(u, head);
	judge_key(u, head, key);
}

void upgrade_answer(struct text *out, const struct upgrade *u)
{
	struct text body = { 0 };

	if (u->status == 101) {
		text_printf(out,
		    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		    "Sec-WebSocket-Accept: %s\r\n\r\n",
		    u->accept);
		return;
	}
	text_puts(&body, "{\"error\":{");
	text_field(&body, "message", u->reason);
	text_field(&body, "type", u->status >= 500 ? "server_error" : "invalid_request_error");
	text_field(&body, "code", u->code);
	text_puts(&body, ",\"param\":null}}");
	http_begin(out, u->status, "application/json", body.len, "Connection: close\r\n\r\n");
	text_add(out, body.data, body.len);
	text_free(&body);
}
