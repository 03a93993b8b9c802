/* text-model: a stand-in for OpenAI's text APIs, for tests: takes POST …/responses,
 * POST …/chat/completions and POST …/audio/transcriptions over TLS, judges the request, answers as scripted, whole or as
 * a stream, badly too. */
#include "tools/kit/clock.h"
#include "tools/kit/command_line.h"
#include "tools/kit/member.h"
#include "tools/kit/server.h"
#include "tools/text_model/judge.h"
#include "tools/text_model/script.h"
#include "tools/text_model/stream.h"

#include <poll.h>
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
	    .help = "text-model: a stand-in for OpenAI's Responses and Chat Completions APIs, over TLS.\n"
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

static void write_line(cJSON *line);

/* What became of a stream. */
static void note_stream(enum stream_end end, int events)
{
	static const char *const ends[] = { "whole", "cut", "gone" };
	cJSON *line;

	if (!options.out)
		return;
	line = cJSON_CreateObject();
	cJSON_AddStringToObject(line, "stream", ends[end]);
	cJSON_AddNumberToObject(line, "events", events);
	write_line(line);
}

static void note(const char *body, const char *wrong)
{
	cJSON *line;

	if (!options.out)
		return;
	line = cJSON_CreateObject();
	cJSON_AddStringToObject(line, "wrong", wrong ? wrong : "");
	cJSON_AddNumberToObject(line, "at", (double)time(NULL));
	cJSON_AddItemToObject(line, "request", cJSON_Parse(body));
	write_line(line);
}

static void write_line(cJSON *line)
{
	char *text;
	FILE *file;

	text = cJSON_PrintUnformatted(line);
	pthread_mutex_lock(&out_lock);
	file = fopen(options.out, "a");
	if (file) {
		fprintf(file, "%s\n", text);
		fclose(file);
	}
	pthread_mutex_unlock(&out_lock);
	free(text);
	cJSON_Delete(line);
}

static bool is_chat(const struct http_request *q)
{
	return strstr(q->path, "/chat/completions") != NULL;
}

static bool is_sound(const struct http_request *q)
{
	return strstr(q->path, "/audio/transcriptions") != NULL;
}

static const char *judge_key(const char *head)
{
	char value[1024], wanted[1024];

	snprintf(wanted, sizeof wanted, "Bearer %s", options.key ? options.key : "");
	if (!http_header(head, "Authorization", value, sizeof value) || (options.key && strcmp(value, wanted) != 0))
		return "the key is wrong";
	return NULL;
}

/* What was heard is looked for in the script by a sentence, which is noted, too. */
static const char *judge_transcription(const struct http_request *q, struct text *sentence)
{
	const char *wrong = judge_key(text_str(&q->head));
	struct judged_file file = { .bytes = 0 };
	char type[256];

	http_header(text_str(&q->head), "Content-Type", type, sizeof type);
	if (!wrong)
		wrong = judge_file(type, text_str(&q->body), q->body.len, &file);
	if (strcmp(q->method, "POST") != 0)
		wrong = "not POST";
	text_printf(sentence, "\"transcription of %zu bytes by %s in %s\"", file.bytes, file.model,
	    *file.language ? file.language : "any language");
	return wrong;
}

static const char *judge(const struct http_request *q, const cJSON *request)
{
	const char *head = text_str(&q->head), *last = strrchr(q->path, '/'), *wrong;
	char value[1024];

	if (strcmp(q->method, "POST") != 0 || !last || (strcmp(last, "/responses") != 0 && !is_chat(q)) || *q->query)
		return "not POST to …/responses or …/chat/completions";
	if (!http_header(head, "Content-Type", value, sizeof value) || strncmp(value, "application/json", 16) != 0)
		return "Content-Type is not application/json";
	wrong = judge_key(head);
	if (wrong)
		return wrong;
	return member_true(request, "stream") || is_chat(q) ? judge_stream(request, is_chat(q))
							    : script_violation(text_str(&q->body));
}

/* --- a stream, in chunks --- */

struct listener {
	struct peer *peer;
	size_t drip; /* bytes at once; 0: all */
};

static bool write_chunk(struct peer *p, const void *bytes, size_t len)
{
	struct text t = { 0 };
	bool ok;

	text_printf(&t, "%zx\r\n", len);
	text_add(&t, bytes, len);
	text_puts(&t, "\r\n");
	ok = peer_write(p, t.data, t.len);
	text_free(&t);
	return ok;
}

static bool write_event(void *to, const void *bytes, size_t len)
{
	const struct listener *l = to;
	bool ok = true;

	for (size_t at = 0, n; ok && at < len; at += n) {
		n = l->drip && l->drip < len - at ? l->drip : len - at;
		ok = write_chunk(l->peer, (const char *)bytes + at, n);
	}
	return ok;
}

/* Waits, and sees whether the other end has gone. */
static bool wait_for(void *to, long ms)
{
	const struct listener *l = to;
	struct pollfd fd = { .fd = l->peer->fd, .events = POLLIN };
	uint64_t until = mono_ns() + (uint64_t)(ms > 0 ? ms : 0) * NS_PER_MS;

	for (;;) {
		uint64_t now = mono_ns();
		int left = ms < 0 ? -1 : now < until ? (int)((until - now) / NS_PER_MS) + 1 : 0;

		if (poll(&fd, 1, left) <= 0)
			return true;
		if (!peer_more(l->peer))
			return false;
	}
}

/* True if another request may follow. */
static bool serve_stream(struct peer *p, const cJSON *answer, const cJSON *request, bool chat)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
				   "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n";
	struct listener l = { p, (size_t)member_number(answer, "drip", 0) };
	enum stream_end end = STREAM_GONE;
	int events = 0;

	if (peer_write(p, head, sizeof head - 1))
		end = stream_answer(answer, request, chat, &(struct stream_to){ &l, write_event, wait_for }, &events);
	note_stream(end, events);
	return end == STREAM_WHOLE && peer_write(p, "0\r\n\r\n", 5);
}

/* True if another request may follow. */
static bool serve_one(struct peer *p, const struct http_request *q)
{
	bool sound = is_sound(q), more = false;
	cJSON *request = sound ? NULL : cJSON_Parse(text_str(&q->body)), *refused = NULL;
	struct text response = { 0 }, sentence = { 0 };
	const char *wrong = sound ? judge_transcription(q, &sentence) : judge(q, request);
	const char *body = text_str(sound ? &sentence : &q->body);
	const cJSON *answer = wrong ? NULL : script_next(script, body);

	note(body, wrong);
	if (!answer)
		answer = refused = script_refusal(wrong ? wrong : "nothing in the script fits");
	sleep_ms((long)member_number(answer, "slow_ms", 0));
	if (member_true(request, "stream") && !member_true(answer, "drop") && !member(answer, "status") &&
	    !member(answer, "raw")) {
		more = serve_stream(p, answer, request, is_chat(q));
	} else if (script_response(answer, sound, &response)) {
		peer_write(p, response.data, response.len);
		peer_end(p);
	}
	text_free(&response);
	text_free(&sentence);
	cJSON_Delete(refused);
	cJSON_Delete(request);
	return more;
}

static void serve(struct peer *p)
{
	bool more = true;

	while (more) {
		struct http_request q;

		more = peer_request(p, &q, REQUEST_MAX) && serve_one(p, &q);
		http_request_free(&q);
	}
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
