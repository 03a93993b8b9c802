#include "tools/webhook_sink/record.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TOO_OLD_S = 300 };

static FILE *out;
static const char *shared_secret;
static long count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void record_open(const char *file, const char *secret)
{
	shared_secret = secret;
	out = file ? fopen(file, "a") : stdout;
	if (!out) {
		fprintf(stderr, "webhook-sink: %s: %s\n", file, strerror(errno));
		exit(1);
	}
}

/* HMAC-SHA256 over "<t>.<body>", as hex. */
static void make_signature(const struct sink_request *q, const char *t, size_t t_len, char hex[65])
{
	unsigned char mac[32];
	unsigned mac_len = sizeof mac;
	char *text = malloc(t_len + 1 + q->body_len);

	memcpy(text, t, t_len);
	text[t_len] = '.';
	memcpy(text + t_len + 1, q->body, q->body_len);
	HMAC(EVP_sha256(), shared_secret, (int)strlen(shared_secret), (unsigned char *)text, t_len + 1 + q->body_len,
	    mac, &mac_len);
	free(text);
	for (unsigned i = 0; i < mac_len; i++)
		snprintf(hex + 2 * i, 3, "%02x", mac[i]);
}

static const char *judge_signature(const struct sink_request *q)
{
	const char *header = request_header(q, "Trunkline-Signature"), *v1;
	char hex[65];
	long age;

	if (!shared_secret)
		return "unchecked";
	if (!header)
		return "absent";
	v1 = strstr(header, ",v1=");
	if (strncmp(header, "t=", 2) || !v1 || strlen(v1 + 4) != 64)
		return "bad";
	make_signature(q, header + 2, (size_t)(v1 - header - 2), hex);
	if (CRYPTO_memcmp(v1 + 4, hex, 64))
		return "bad";
	age = (long)time(NULL) - strtol(header + 2, NULL, 10);
	return age > TOO_OLD_S || age < -TOO_OLD_S ? "old" : "good";
}

static cJSON *headers_of(const struct sink_request *q)
{
	cJSON *headers = cJSON_CreateObject();

	for (size_t i = 0; i < q->header_count; i++) {
		char name[128];
		size_t n = 0;

		for (const char *p = q->headers[i].name; *p && n < sizeof name - 1; p++)
			name[n++] = (char)tolower((unsigned char)*p);
		name[n] = '\0';
		cJSON_AddStringToObject(headers, name, q->headers[i].value);
	}
	return headers;
}

void record_request(const struct sink_request *q, const struct conduct *c)
{
	cJSON *line = cJSON_CreateObject(), *body = cJSON_ParseWithLength(q->body, q->body_len);
	struct timespec now;
	char *text;

	clock_gettime(CLOCK_REALTIME, &now);
	pthread_mutex_lock(&lock);
	cJSON_AddNumberToObject(line, "no", (double)++count);
	cJSON_AddNumberToObject(line, "at_ms", (double)now.tv_sec * 1000 + (double)(now.tv_nsec / 1000000));
	cJSON_AddStringToObject(line, "method", q->method);
	cJSON_AddStringToObject(line, "path", q->path);
	cJSON_AddStringToObject(line, "query", q->query);
	cJSON_AddItemToObject(line, "headers", headers_of(q));
	cJSON_AddStringToObject(line, "signature", judge_signature(q));
	/* The request's buffer ends in a NUL. */
	cJSON_AddItemToObject(line, "body", body ? body : cJSON_CreateString(q->body));
	cJSON_AddStringToObject(line, "did", conduct_way_name(c->way));
	cJSON_AddNumberToObject(line, "status", *c->redirect ? 302 : c->status);
	text = cJSON_PrintUnformatted(line);
	fprintf(out, "%s\n", text);
	fflush(out);
	pthread_mutex_unlock(&lock);
	cJSON_free(text);
	cJSON_Delete(line);
}
