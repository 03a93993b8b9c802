#ifndef STANDIN_UPGRADE_H
#define STANDIN_UPGRADE_H
/* The upgrade request, judged as the service judges it. No sockets. */
#include "tools/kit/text.h"

#include <stddef.h>

enum { HEAD_MAX = 16384 };

struct upgrade {
	int status;         /* 101, or what to refuse it with */
	const char *reason; /* why, for people (static) */
	const char *code;   /* error.code of the JSON body, or NULL */
	char path[256];
	char query[1024];
	char model[128]; /* or deployment */
	char auth[16];   /* "bearer" or "api-key" */
	char accept[32]; /* Sec-WebSocket-Accept */
};

/* `head` ends with the empty line. `key` NULL takes any key. */
void upgrade_judge(struct upgrade *out, const char *head, size_t len, const char *key);

/* The answer to it. */
void upgrade_answer(struct text *out, const struct upgrade *upgrade);

#endif
