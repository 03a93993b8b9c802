/* The upgrade request as Twilio writes it, and a strict look at its answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kit/base64.h"
#include "tools/kit/ws.h"
#include "tools/phone/call.h"

static bool header_is(struct http_answer *a, const char *name, const char *value)
{
	char found[256];

	return http_header(text_str(&a->head), name, found, sizeof found) && strcasecmp(found, value) == 0;
}

void upgrade_check(struct call *c)
{
	struct stream *s = &c->stream;
	char expected[WS_ACCEPT_MAX], found[256];

	ws_accept(expected, s->key);
	if (!http_header(text_str(&s->answer.head), "Sec-WebSocket-Accept", found, sizeof found) ||
	    strcmp(found, expected) != 0)
		note_warning(c, "31920 Sec-WebSocket-Accept is wrong");
	if (!header_is(&s->answer, "Upgrade", "websocket"))
		note_warning(c, "31920 the 101 lacks Upgrade: websocket");
	if (!http_header(text_str(&s->answer.head), "Connection", found, sizeof found) || !strcasestr(found, "upgrade"))
		note_warning(c, "31920 the 101 lacks Connection: Upgrade");
	if (http_header(text_str(&s->answer.head), "Sec-WebSocket-Extensions", found, sizeof found))
		note_warning(c, "31920 an extension was accepted that nobody offered");
	if (http_header(text_str(&s->answer.head), "Sec-WebSocket-Protocol", found, sizeof found))
		note_warning(c, "31920 a subprotocol was accepted that nobody offered");
}

void upgrade_write(struct call *c, struct text *out)
{
	const struct options *o = c->options;
	struct stream *s = &c->stream;
	struct text url = { 0 };
	char signature[SIGNATURE_MAX];

	text_printf(out, "GET %s HTTP/1.1\r\n", s->path);
	webhook_headers(c, out);
	text_printf(out,
	    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n"
	    "User-Agent: %s\r\nAccept-Encoding: gzip\r\n",
	    s->key, s->verb->relay ? "Jetty/11.0.24" : "Twilio.TmeWs/1.0");
	if (o->token && !has_fault(o, FAULT_UPGRADE_NO_SIGNATURE)) {
		text_puts(&url, s->signed_url);
		if (has_fault(o, FAULT_UPGRADE_HTTPS)) {
			text_free(&url);
			text_printf(&url, "https%s", s->signed_url + 3);
		}
		if (has_fault(o, FAULT_UPGRADE_SLASH))
			text_puts(&url, "/");
		sign(signature, o->token, text_str(&url), NULL);
		if (has_fault(o, FAULT_UPGRADE_BAD_SIGNATURE))
			signature[0] = signature[0] == 'A' ? 'B' : 'A';
		text_printf(out, "X-Twilio-Signature: %s\r\n", signature);
		text_free(&url);
	}
	text_puts(out, "\r\n");
	if (has_fault(o, FAULT_HALF_UPGRADE))
		out->len /= 2;
}

void upgrade_make_key(struct call *c)
{
	uint8_t random[16];
	struct stream *s = &c->stream;
	size_t n = (size_t)c->options->fault[FAULT_LONG_KEY].value;

	stream_random(c, random, sizeof random);
	s->key[base64_put(s->key, random, sizeof random)] = '\0';
	if (has_fault(c->options, FAULT_LONG_KEY)) {
		n = n < sizeof s->key ? n : sizeof s->key - 1;
		memset(s->key, 'A', n);
		s->key[n] = '\0';
	}
}

/* The url as it is signed: wss, absolute, without what Twilio drops. */
char *upgrade_url(struct call *c, const struct verb *v)
{
	char *url = webhook_resolve(c, v->url), *fixed;
	const char *host = strstr(url, "://");
	struct text t = { 0 };

	text_printf(&t, "wss%s", host ? host : "://");
	fixed = need_copy_n(text_str(&t), strcspn(text_str(&t), "?#"));
	text_free(&t);
	free(url);
	return fixed;
}
