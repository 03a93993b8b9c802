/* text-model: a stand-in for OpenAI's Responses API, for tests: takes
 * POST …/responses over TLS, judges the request, answers as scripted, badly too. */
#include "tools/kit/clock.h"
#include "tools/kit/command_line.h"
#include "tools/kit/member.h"
#include "tools/kit/server.h"
#include "tools/text_model/script.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REQUEST_MAX = 4 << 20, IDLE_SECONDS = 30 };

struct options {
	const char *cert, *key, *script, *out;
	int port;
};

#define TO(kind, field) OPTION_##kind, .at = offsetof(struct options, field)

static const struct option_row rows[] = {
	{ .kind = OPTION_WORDS,
	    .help = "text-model: a stand-in for OpenAI's Responses API, over TLS.\n"
		    "Prints \"listening 127.0.0.1:PORT\"; the script: see tools/text_model/script.h.\n" },
	{ "cert", "FILE", NULL, "holds certificate and key", TO(TEXT, cert) },
	{ "script", "FILE", NULL, "what is answered to what, well and badly", TO(TEXT, script) },
	{ "port", "N", "0", "0 picks one", TO(INT, port) },
	{ "key", "TEXT", NULL, "refuse any other API key with 401 (any key will do)", TO(TEXT, key) },
	{ "out", "FILE", NULL, "a line of JSON for each request: what was asked, and what is wrong with it",
	    TO(TEXT, out) },
};

static struct options options;
static struct script *script;
static pthread_mutex_t out_lock = PTHREAD_MUTEX_INITIALIZER;

static void note(const char *body, const char *wrong)
{
	cJSON *line = cJSON_CreateObject();
	char *text;
	FILE *file;

	cJSON_AddStringToObject(line, "wrong", wrong ? wrong : "");
	cJSON_AddNumberToObject(line, "at", (double)time(NULL));
	cJSON_AddItemToObject(line, "request", cJSON_Parse(body));
	text = cJSON_PrintUnformatted(line);
	pthread_mutex_lock(&out_lock);
	file = options.out ? fopen(options.out, "a") : NULL;
	if (file) {
		fprintf(file, "%s\n", text);
		fclose(file);
	}
	pthread_mutex_unlock(&out_lock);
	free(text);
	cJSON_Delete(line);
}

static const char *judge(const struct http_request *q)
{
	const char *head = text_str(&q->head), *last = strrchr(q->path, '/');
	char value[1024], wanted[1024];

	if (strcmp(q->method, "POST") != 0 || !last || strcmp(last, "/responses") != 0 || *q->query)
		return "not POST to …/responses";
	if (!http_header(head, "Content-Type", value, sizeof value) || strncmp(value, "application/json", 16) != 0)
		return "Content-Type is not application/json";
	snprintf(wanted, sizeof wanted, "Bearer %s", options.key ? options.key : "");
	if (!http_header(head, "Authorization", value, sizeof value) || (options.key && strcmp(value, wanted) != 0))
		return "the key is wrong";
	return script_violation(text_str(&q->body));
}

static void serve(struct peer *p)
{
	struct http_request q;
	struct text response = { 0 };
	const char *wrong;
	const cJSON *answer;
	cJSON *refused = NULL;

	if (!peer_request(p, &q, REQUEST_MAX)) {
		http_request_free(&q);
		return;
	}
	wrong = judge(&q);
	note(text_str(&q.body), wrong);
	answer = wrong ? NULL : script_next(script, text_str(&q.body));
	if (!answer) {
		refused = cJSON_CreateObject();
		cJSON_AddNumberToObject(refused, "status", wrong && strstr(wrong, "key") ? 401 : 400);
		answer = refused;
	}
	sleep_ms((long)member_number(answer, "slow_ms", 0));
	if (script_response(answer, &response)) {
		peer_write(p, response.data, response.len);
		peer_end(p);
	}
	text_free(&response);
	http_request_free(&q);
	cJSON_Delete(refused);
}

int main(int argc, char **argv)
{
	int next = command_line_read("text-model", rows, sizeof rows / sizeof rows[0], &options, argc, argv);
	SSL_CTX *tls;

	if (next == 0)
		return 0;
	if (next < argc || !options.cert || !options.script) {
		fputs("text-model: --cert and --script are needed, and no other words (see --help)\n", stderr);
		return 2;
	}
	tls = server_tls("text-model", options.cert, options.cert);
	script = tls ? script_load(options.script) : NULL;
	if (!script)
		return 1;
	server_run(server_listen("text-model", "127.0.0.1", &options.port, "127.0.0.1"), tls, IDLE_SECONDS, serve);
	return 0;
}
