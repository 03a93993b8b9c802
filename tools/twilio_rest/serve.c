/* One connection: its requests, one after the other, and answers, badly too. */
#include "tools/twilio_rest/rest.h"

#include <string.h>

enum { CHUNK = 4000 };

static void put_chunks(struct text *out, const struct text *body)
{
	for (size_t at = 0, n; at < body->len; at += n) {
		n = body->len - at < CHUNK ? body->len - at : CHUNK;
		text_printf(out, "%zx\r\n", n);
		text_add(out, body->data + at, n);
		text_puts(out, "\r\n");
	}
	text_puts(out, "0\r\n\r\n");
}

static bool answer(struct peer *p, struct answer *a, bool head_only)
{
	struct text out = { 0 };
	bool sent;

	sleep_ms(a->wait_ms);
	if (a->how == ANSWER_CHUNKS)
		text_printf(&out, "HTTP/1.1 %d Fine\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n%s", a->status,
		    a->type, a->headers);
	else
		http_begin(&out, a->status, a->type, a->body.len, a->headers);
	text_puts(&out, "Twilio-Request-Id: RQstandin\r\n\r\n");
	if (a->how == ANSWER_CHUNKS && !head_only)
		put_chunks(&out, &a->body);
	else if (!head_only)
		text_add(&out, a->body.data, a->how == ANSWER_CUT ? a->body.len / 2 : a->body.len);
	sent = peer_write(p, out.data, out.len);
	text_free(&out);
	return sent && a->how != ANSWER_CUT;
}

static bool one(struct peer *p)
{
	struct http_request q;
	struct answer a = { 0 };
	bool go_on = peer_request(p, &q, TEXT_MAX);

	if (go_on) {
		api_serve(&q, &a);
		while (a.how == ANSWER_NEVER && peer_more(p)) /* until the other end gives up */
			;
		go_on = a.how != ANSWER_NEVER && a.how != ANSWER_RESET && answer(p, &a, !strcmp(q.method, "HEAD"));
	}
	http_request_free(&q);
	text_free(&a.body);
	return go_on;
}

void serve(struct peer *p)
{
	while (one(p))
		;
}
