/* text-model: a stand-in for OpenAI's Responses API, for tests: takes
 * POST …/responses over TLS, judges the request, answers as scripted, badly too. */
#include "tools/text_model/script.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST_MAX = 4 << 20, IDLE_SECONDS = 30 };

static struct {
	const char *cert, *key, *script, *out;
	int port;
} options;

static SSL_CTX *tls;
static struct script *script;
static pthread_mutex_t out_lock = PTHREAD_MUTEX_INITIALIZER;

static int usage(void)
{
	fprintf(stderr,
	    "usage: text-model --cert FILE --script FILE [--port N] [--key TEXT] [--out FILE]\n"
	    "FILE holds certificate and key. Prints \"listening 127.0.0.1:PORT\"; a line of JSON for each request\n"
	    "goes to --out: what was asked, and what is wrong with it. The script: see tools/text_model/script.h.\n");
	return 2;
}

static bool parse(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--cert"))
			options.cert = argv[i + 1];
		else if (!strcmp(argv[i], "--key"))
			options.key = argv[i + 1];
		else if (!strcmp(argv[i], "--script"))
			options.script = argv[i + 1];
		else if (!strcmp(argv[i], "--out"))
			options.out = argv[i + 1];
		else if (!strcmp(argv[i], "--port"))
			options.port = atoi(argv[i + 1]);
		else
			return false;
	}
	return argc % 2 && options.cert && options.script;
}

/* The value of a header; NULL if it is absent. */
static const char *header(const char *head, const char *name, char *out, size_t size)
{
	for (const char *line = strstr(head, "\r\n"); line && line[2] != '\r'; line = strstr(line + 2, "\r\n")) {
		const char *p = line + 2;

		if (strncasecmp(p, name, strlen(name)) != 0 || p[strlen(name)] != ':')
			continue;
		p += strlen(name) + 1;
		p += strspn(p, " ");
		snprintf(out, size, "%.*s", (int)strcspn(p, "\r"), p);
		return out;
	}
	return NULL;
}

/* Head and body with a NUL behind; *body is where it begins. Caller frees; NULL:
 * the client went. */
static char *read_request(SSL *ssl, char **body)
{
	char *text = malloc(REQUEST_MAX + 1), value[64];
	size_t len = 0, want = 0;

	*body = NULL;
	while (text && len < REQUEST_MAX && (!*body || len < want)) {
		int n = SSL_read(ssl, text + len, (int)(REQUEST_MAX - len < 65536 ? REQUEST_MAX - len : 65536));

		if (n <= 0)
			break;
		len += (size_t)n;
		text[len] = '\0';
		if (!*body && (*body = strstr(text, "\r\n\r\n"))) {
			*body += 4;
			want = (size_t)(*body - text);
			if (header(text, "Content-Length", value, sizeof value))
				want += (size_t)strtoul(value, NULL, 10);
		}
	}
	if (text && *body && len >= want)
		return text;
	free(text);
	return NULL;
}

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

static const char *judge(const char *head, const char *body)
{
	char value[1024], wanted[1024];

	if (strncmp(head, "POST ", 5) != 0 || !strstr(head, "/responses HTTP/1.1\r\n"))
		return "not POST to …/responses";
	if (!header(head, "Content-Type", value, sizeof value) || strncmp(value, "application/json", 16) != 0)
		return "Content-Type is not application/json";
	snprintf(wanted, sizeof wanted, "Bearer %s", options.key ? options.key : "");
	if (!header(head, "Authorization", value, sizeof value) || (options.key && strcmp(value, wanted) != 0))
		return "the key is wrong";
	return script_violation(body);
}

static void serve(SSL *ssl)
{
	char *body, *request = read_request(ssl, &body), *response;
	const char *wrong = request ? judge(request, body) : NULL;
	const cJSON *answer, *slow;
	cJSON *refused = NULL;
	size_t len = 0;

	if (!request)
		return;
	note(body, wrong);
	answer = wrong ? NULL : script_next(script, body);
	if (!answer) {
		refused = cJSON_CreateObject();
		cJSON_AddNumberToObject(refused, "status", wrong && strstr(wrong, "key") ? 401 : 400);
		answer = refused;
	}
	slow = cJSON_GetObjectItem(answer, "slow_ms");
	if (cJSON_IsNumber(slow))
		usleep((useconds_t)slow->valueint * 1000);
	response = script_response(answer, &len);
	if (response) {
		SSL_write(ssl, response, (int)len);
		SSL_shutdown(ssl);
	}
	free(response);
	free(request);
	cJSON_Delete(refused);
}

static void *connection(void *arg)
{
	int fd = (int)(intptr_t)arg;
	struct timeval patience = { .tv_sec = IDLE_SECONDS };
	SSL *ssl = SSL_new(tls);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1)
		serve(ssl);
	ERR_clear_error();
	SSL_free(ssl);
	close(fd);
	return NULL;
}

static int listen_on(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 64) ||
	    getsockname(fd, (struct sockaddr *)&address, &size)) {
		perror("text-model");
		exit(1);
	}
	printf("listening 127.0.0.1:%d\n", ntohs(address.sin_port));
	fflush(stdout);
	return fd;
}

int main(int argc, char **argv)
{
	int listener;

	if (!parse(argc, argv))
		return usage();
	signal(SIGPIPE, SIG_IGN);
	tls = SSL_CTX_new(TLS_server_method());
	if (SSL_CTX_use_certificate_chain_file(tls, options.cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, options.cert, SSL_FILETYPE_PEM) != 1) {
		fprintf(stderr, "text-model: %s does not hold a certificate and its key\n", options.cert);
		return 1;
	}
	script = script_load(options.script);
	if (!script)
		return 1;
	listener = listen_on(options.port);
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		pthread_t thread;

		if (fd < 0)
			continue;
		if (pthread_create(&thread, NULL, connection, (void *)(intptr_t)fd))
			close(fd);
		else
			pthread_detach(thread);
	}
}
