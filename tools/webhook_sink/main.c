/* webhook-sink: somebody else's server, for tests: receives webhooks and calls
 * of tools, checks their signature, writes down what came, and answers as it is
 * told, badly too. */
#include "tools/kit/clock.h"
#include "tools/kit/file.h"
#include "tools/kit/server.h"
#include "tools/webhook_sink/conduct.h"
#include "tools/webhook_sink/record.h"

#include <stdio.h>
#include <string.h>

enum { DRIP_MS = 500, REQUEST_MAX = 4 << 20 };

static struct options {
	struct conduct conduct; /* for every request; first, for conduct_words */
	const char *out, *secret, *answers, *cert, *key;
	int port;
} options;

/* --------------------------------------------------------------------- the answer */

/* Only a plain name: the address is the client's. */
static void read_answer(const char *name, struct text *body)
{
	struct text path = { 0 };

	text_printf(&path, "%s/%s", options.answers, name);
	if (!*name || strchr(name, '/') || file_read(text_str(&path), body))
		text_printf(body, "{\"error\":\"no file %s\"}", name);
	text_free(&path);
}

static void make_body(const struct http_request *q, const struct conduct *c, struct text *body)
{
	if (c->html)
		text_puts(body, "<!DOCTYPE html><html><body><h1>It works!</h1></body></html>\n");
	else if (*c->answer)
		read_answer(c->answer, body);
	else if (c->echo)
		text_add(body, q->body.data, q->body.len);
	else
		text_printf(body, "{\"ok\":%s}", c->status / 100 == 2 ? "true" : "false");
}

static bool put_huge(struct peer *p, long left)
{
	static char block[65536];
	bool ok = true;

	memset(block, 'x', sizeof block);
	for (; ok && left > 0; left -= (long)sizeof block)
		ok = peer_write(p, block, left < (long)sizeof block ? (size_t)left : sizeof block);
	return ok;
}

static void drip(struct peer *p, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len && peer_write(p, bytes + i, 1); i++)
		sleep_ms(DRIP_MS);
}

static void answer(struct peer *p, const struct http_request *q, const struct conduct *c)
{
	struct text head = { 0 }, body = { 0 };
	const char *type = *c->type ? c->type : c->html ? "text/html" : "application/json";

	make_body(q, c, &body);
	http_begin(
	    &head, *c->redirect ? 302 : c->status, type, c->huge ? (size_t)c->huge : body.len, "Connection: close\r\n");
	if (*c->redirect)
		text_printf(&head, "Location: %s\r\n", c->redirect);
	if (c->retry_after >= 0)
		text_printf(&head, "Retry-After: %d\r\n", c->retry_after);
	text_puts(&head, "\r\n");
	if (c->way == CONDUCT_DRIP)
		drip(p, head.data, head.len);
	else if (peer_write(p, head.data, head.len) && c->huge)
		put_huge(p, c->huge);
	else
		peer_write(p, text_str(&body), c->way == CONDUCT_CUT ? body.len / 2 : body.len);
	text_free(&head);
	text_free(&body);
}

static void respond(struct peer *p, const struct http_request *q, const struct conduct *c)
{
	sleep_ms(c->slow_ms);
	switch (c->way) {
	case CONDUCT_CLOSE:
	case CONDUCT_UNREAD:
		return;
	case CONDUCT_NEVER:
		while (peer_more(p)) /* until the client gives up */
			;
		return;
	case CONDUCT_GARBAGE:
		peer_write(p, "220 mail.example.com ESMTP\r\n", 28);
		return;
	default:
		answer(p, q, c);
	}
}

static void serve(struct peer *p)
{
	struct conduct c = options.conduct;
	struct http_request q = { 0 };

	if (c.way != CONDUCT_UNREAD && peer_request(p, &q, REQUEST_MAX)) {
		conduct_set_query(&c, q.query);
		conduct_forgive(&c, q.path, q.query);
		record_request(&q, &c);
		respond(p, &q, &c);
	}
	http_request_free(&q);
	peer_end(p);
}

/* -------------------------------------------------------------------- the options */

#define TO(kind, field) OPTION_##kind, .at = offsetof(struct options, field)

static const struct option_row own[] = {
	{ .kind = OPTION_WORDS,
	    .help = "webhook-sink: somebody else's server: receives webhooks and calls of tools.\n"
		    "Prints \"listening 127.0.0.1:PORT\", then a line of JSON for each request.\n" },
	{ "port", "N", "0", "0 picks one", TO(INT, port) },
	{ "secret", "TEXT", NULL, "check signatures with it", TO(TEXT, secret) },
	{ "out", "FILE", NULL, "the lines go there", TO(TEXT, out) },
	{ "answers", "DIR", ".", "where files with answers are", TO(TEXT, answers) },
	{ "cert", "FILE", NULL, "speak TLS, with this certificate", TO(TEXT, cert) },
	{ "key", "FILE", NULL, "and its key", TO(TEXT, key) },
	{ .kind = OPTION_WORDS,
	    .help = "\nThe answer is {\"ok\":true}, unless these say otherwise, here for every request,\n"
		    "or in an address for those to it (/hook?status=500&first=2):" },
};

enum { OWN = sizeof own / sizeof own[0] };

int main(int argc, char **argv)
{
	struct option_row rows[OWN + CONDUCT_WORDS];
	SSL_CTX *tls = NULL;
	int next;

	memcpy(rows, own, sizeof own);
	memcpy(rows + OWN, conduct_words, sizeof conduct_words);
	next = command_line_read("webhook-sink", rows, OWN + CONDUCT_WORDS, &options, argc, argv);
	if (next == 0)
		return 0;
	if (next < argc || !options.cert != !options.key) {
		fputs("webhook-sink: a word too many, or one of --cert and --key (see --help)\n", stderr);
		return 2;
	}
	if (options.cert && !(tls = server_tls("webhook-sink", options.cert, options.key)))
		return 1;
	record_open(options.out, options.secret);
	server_run(server_listen("webhook-sink", "127.0.0.1", &options.port, "127.0.0.1"), tls, 0, serve);
	return 0;
}
