/* A request as CivetWeb hands it on: "method path?query", then a header a line.
 * Everything that decides about it without a socket. */
#include "server/web/auth.h"
#include "server/all_routes.h"
#include "server/web/routes.h"
#include "tests/fuzz/fuzz.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const struct config cfg = {
	.public_url = "",
	.trusted_proxies = { "127.0.0.0/8" },
	.trusted_proxy_count = 1,
	.api_token = "",
	.api_read_token = "",
	.api_jwt_secret = "",
	.twilio_validate = true,
};

/* Cuts `text` into a request; false if it is none. */
static bool cut(char *text, struct request *q)
{
	char *line = strsep(&text, "\n"), *name, *value;

	*q = (struct request){
		.method = strsep(&line, " "), .path = line, .peer = "127.0.0.1", .client = "127.0.0.1", .body = ""
	};
	if (!line)
		return false;
	strsep(&line, "?");
	q->query = line;
	while (text && q->header_count < HTTP_HEADERS_MAX) {
		value = strsep(&text, "\n");
		name = strsep(&value, ":");
		if (value)
			q->headers[q->header_count++] = (struct http_header){ name, value + strspn(value, " ") };
	}
	return true;
}

static void decide(const struct request *q)
{
	char arg[HTTP_ARG_SIZE];
	const char *sentence = NULL, *why;
	const struct route *route;
	struct response r;
	char client[64];
	struct buf base, out;

	response_init(&r);
	buf_init(&base, 0);
	buf_init(&out, 0);
	if (request_defect(q, &sentence) && !*sentence)
		abort();
	route = route_find(all_routes, q, arg, &r);
	if (!route && r.status < 400)
		abort();
	if (route && !route_check_body(route, q, &r) && strchr(arg, '/'))
		abort();
	/* Nothing here is signed, and without a token nobody is the operator. */
	if (auth_twilio(&cfg, q, NULL, &base, &out))
		abort();
	if (auth_operator(&cfg, q, ROLE_READ, 0, &why) == AUTH_OPEN || !*why)
		abort();
	if (strlen(auth_client(&cfg, q, client, sizeof client)) >= sizeof client)
		abort();
	buf_reset(&out);
	if (auth_public_url(&cfg, q, &out) && strpbrk(buf_text(&out), "<>\"' \r\n"))
		abort();
	buf_reset(&out);
	response_put(&out, &r, false);
	buf_free(&base);
	buf_free(&out);
	response_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct request q;

	if (cut(text, &q))
		decide(&q);
	free(text);
	return 0;
}
