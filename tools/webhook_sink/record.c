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
static void make_signature(const struct http_request *q, const char *t, size_t t_len, char hex[65])
{
	unsigned char mac[32];
	unsigned mac_len = sizeof mac;
	struct text text = { 0 };

	text_printf(&text, "%.*s.", (int)t_len, t);
	text_add(&text, q->body.data, q->body.len);
	HMAC(EVP_sha256(), shared_secret, (int)strlen(shared_secret), (unsigned char *)text.data, text.len, mac,
	    &mac_len);
	text_free(&text);
	for (unsigned i = 0; i < mac_len; i++)
		snprintf(hex + 2 * i, 3, "%02x", mac[i]);
}

static const char *judge_signature(const struct http_request *q)
{
	char header[512], hex[65], *v1;
	long age;

	if (!shared_secret)
		return "unchecked";
	if (!http_header(text_str(&q->head), "Trunkline-Signature", header, sizeof header))
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

static cJSON *headers_of(const struct http_request *q)
{
	cJSON *headers = cJSON_CreateObject();
	const char *at = text_str(&q->head);
	struct http_field f;

	while (http_next(&at, &f)) {
		char *name = need_copy_n(f.name, f.name_len), *value = need_copy_n(f.value ? f.value : "", f.value_len);

		for (char *c = name; *c; c++)
			*c = (char)tolower((unsigned char)*c);
		cJSON_AddStringToObject(headers, name, value);
		free(name);
		free(value);
	}
	return headers;
}

void record_request(const struct http_request *q, const struct conduct *c)
{
	cJSON *line = cJSON_CreateObject(), *body = cJSON_ParseWithLength(text_str(&q->body), q->body.len);
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
	cJSON_AddItemToObject(line, "body", body ? body : cJSON_CreateString(text_str(&q->body)));
	cJSON_AddStringToObject(line, "did", conduct_way_name(c->way));
	cJSON_AddNumberToObject(line, "status", *c->redirect ? 302 : c->status);
	text = cJSON_PrintUnformatted(line);
	fprintf(out, "%s\n", text);
	fflush(out);
	pthread_mutex_unlock(&lock);
	cJSON_free(text);
	cJSON_Delete(line);
}
