/* What --fault does to the voice webhook and to the stream's url. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/phone/call.h"
#include "tools/phone/request.h"

/* --- the webhook --- */

/* Writes the request's body and length anew. */
static void replace_body(struct text *request, const struct text *body, size_t promised)
{
	char *head_end = memmem(request->data, request->len, "\r\n\r\n", 4);
	char *length = strstr(request->data, "Content-Length: ");
	struct text fresh = { 0 };

	if (!head_end || !length)
		return;
	text_add(&fresh, request->data, (size_t)(length - request->data));
	text_printf(&fresh, "Content-Length: %zu\r\n\r\n", promised);
	text_add(&fresh, text_str(body), body->len);
	text_free(request);
	*request = fresh;
}

static void add_header(struct text *request, const char *line, size_t len)
{
	char *first_end = memmem(request->data, request->len, "\r\n", 2);
	size_t at = (size_t)(first_end - request->data) + 2;
	struct text fresh = { 0 };

	text_add(&fresh, request->data, at);
	text_add(&fresh, line, len);
	text_puts(&fresh, "\r\n");
	text_add(&fresh, request->data + at, request->len - at);
	text_free(request);
	*request = fresh;
}

static void fill(struct text *t, size_t len)
{
	char piece[1000];

	memset(piece, 'x', sizeof piece);
	for (; len > sizeof piece; len -= sizeof piece)
		text_add(t, piece, sizeof piece);
	text_add(t, piece, len);
}

void mischief_webhook(struct call *c, struct text *request, const struct form *form)
{
	static const char bad_form[] = "&A=%zz&B=%&C=\0&D=\xff\xfe&=&&E=%00";
	static const char no_http[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 nonsense\r\n\r\n\0\0\0";
	const struct options *o = c->options;
	struct text t = { 0 };
	char line[64];
	int n;

	if (has_fault(o, FAULT_HUGE_HEADERS)) {
		text_puts(&t, "X-Huge: ");
		fill(&t, (size_t)fault_value(o, FAULT_HUGE_HEADERS));
		add_header(request, t.data, t.len);
	}
	for (long i = 0; has_fault(o, FAULT_MANY_HEADERS) && i < fault_value(o, FAULT_MANY_HEADERS); i++) {
		n = snprintf(line, sizeof line, "X-Many-%ld: %ld", i, i);
		add_header(request, line, (size_t)n);
	}
	if (has_fault(o, FAULT_TWO_LENGTHS))
		add_header(request, "Content-Length: 7", 17);
	if (has_fault(o, FAULT_LENGTH_AND_CHUNKS))
		add_header(request, "Transfer-Encoding: chunked", 26);
	text_free(&t);
	if (has_fault(o, FAULT_SHORT_BODY)) {
		form_encode(form, &t);
		replace_body(request, &t, t.len + 100);
	} else if (has_fault(o, FAULT_BIG_BODY)) {
		form_encode(form, &t);
		text_puts(&t, "&Big=");
		fill(&t, (size_t)fault_value(o, FAULT_BIG_BODY));
		replace_body(request, &t, t.len);
	} else if (has_fault(o, FAULT_BAD_FORM)) {
		form_encode(form, &t);
		text_add(&t, bad_form, sizeof bad_form - 1);
		replace_body(request, &t, t.len);
	} else if (has_fault(o, FAULT_GARBAGE_HTTP)) {
		text_free(request);
		text_add(request, no_http, sizeof no_http - 1);
	}
	text_free(&t);
}

/* --- the stream's url --- */

/* It is signed as it is asked for: the token is what has to be looked at. */
void mischief_url(struct call *c, char *url)
{
	char *last = strrchr(url, '/');

	if (has_fault(c->options, FAULT_NO_TOKEN) && last)
		*last = '\0';
	else if (has_fault(c->options, FAULT_WRONG_TOKEN) && last && last[1])
		last[1] = last[1] == 'a' ? 'b' : 'a';
}

struct other {
	struct call *call;
	void (*then)(struct call *c);
};

static void on_other_answer(struct request *r, const char *error)
{
	struct other *other = r->note;
	struct call *c = other->call;

	c->requests--;
	c->second_status = error ? 0 : r->in.status;
	note_event(c, "another stream with the same token was answered %d %s", r->in.status, error ? error : "");
	if (c->finishing && !c->requests)
		c->over(c);
	else if (!c->finishing && other->then)
		other->then(c);
	free(other);
}

void mischief_other_stream(struct call *c, void (*then)(struct call *c))
{
	struct other *other = need(sizeof *other);
	const struct verb *v = c->stream.verb;
	char *url = webhook_resolve(c, v->url);
	const char *path = webhook_path(c, url);
	const char *rest = strstr(url, "://");
	struct text out = { 0 }, wss = { 0 };
	char signature[SIGNATURE_MAX];

	*other = (struct other){ c, then };
	text_printf(&wss, "wss%s", rest ? rest : "");
	text_printf(&out, "GET %s HTTP/1.1\r\n", path ? path : "/");
	webhook_headers(c, &out);
	text_puts(&out, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
			"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n");
	if (c->options->token) {
		sign(signature, c->options->token, wss.data, NULL);
		text_printf(&out, "X-Twilio-Signature: %s\r\n", signature);
	}
	text_puts(&out, "\r\n");
	c->requests++;
	request_begin(c->loop, &c->options->address, &out, c->options->patience_s * 1000, 0, on_other_answer, c, other);
	text_free(&wss);
	free(url);
}
