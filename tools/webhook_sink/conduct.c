#include "tools/webhook_sink/conduct.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const ways[] = { "answer", "close", "unread", "cut", "never", "drip", "garbage" };

enum kind { NUMBER, LONG, FLAG, TEXT, WAY };

static const struct {
	const char *word;
	enum kind kind;
	size_t at;
} words[] = {
	{ "first", NUMBER, offsetof(struct conduct, first) },
	{ "status", NUMBER, offsetof(struct conduct, status) },
	{ "slow", NUMBER, offsetof(struct conduct, slow_ms) },
	{ "huge", LONG, offsetof(struct conduct, huge) },
	{ "retry-after", NUMBER, offsetof(struct conduct, retry_after) },
	{ "fail", WAY, offsetof(struct conduct, way) },
	{ "html", FLAG, offsetof(struct conduct, html) },
	{ "echo", FLAG, offsetof(struct conduct, echo) },
	{ "redirect", TEXT, offsetof(struct conduct, redirect) },
	{ "answer", TEXT, offsetof(struct conduct, answer) },
	{ "type", TEXT, offsetof(struct conduct, type) },
};

/* How often each address was asked. */
enum { ADDRESSES = 256 };
static struct {
	char address[512];
	int count;
} addresses[ADDRESSES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void conduct_init(struct conduct *c)
{
	*c = (struct conduct){ .status = 200, .retry_after = -1 };
}

static bool set_way(struct conduct *c, const char *value)
{
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		if (!strcmp(value, ways[i])) {
			c->way = (enum conduct_way)i;
			return true;
		}
	}
	return false;
}

static bool set(void *at, enum kind kind, const char *value)
{
	char *end = NULL;
	long number = strtol(value, &end, 10);
	bool is_number = *value && !*end && number >= 0;

	switch (kind) {
	case NUMBER:
		*(int *)at = (int)number;
		return is_number;
	case LONG:
		*(long *)at = number;
		return is_number;
	case FLAG:
		*(bool *)at = strcmp(value, "0") != 0;
		return true;
	default:
		snprintf(at, CONDUCT_TEXT, "%s", value);
		return strlen(value) < CONDUCT_TEXT;
	}
}

bool conduct_set(struct conduct *c, const char *word, const char *value)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(words[i].word, word))
			continue;
		return words[i].kind == WAY ? set_way(c, value) : set((char *)c + words[i].at, words[i].kind, value);
	}
	return false;
}

/* %2F and so on, in place. */
static void decode(char *text)
{
	char *to = text;

	for (; *text; text++) {
		unsigned byte;

		if (*text == '%' && sscanf(text + 1, "%2x", &byte) == 1 && text[1] && text[2]) {
			*to++ = (char)byte;
			text += 2;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

void conduct_set_query(struct conduct *c, const char *query)
{
	char text[1024], *rest = text, *pair, *value;

	snprintf(text, sizeof text, "%s", query);
	while ((pair = strsep(&rest, "&"))) {
		value = pair + strcspn(pair, "=");
		if (*value)
			*value++ = '\0';
		decode(value);
		conduct_set(c, pair, value);
	}
}

void conduct_forgive(struct conduct *c, const char *path, const char *query)
{
	char address[512];
	int i = 0, count = 0;

	if (!c->first)
		return;
	snprintf(address, sizeof address, "%s?%s", path, query);
	pthread_mutex_lock(&lock);
	while (i < ADDRESSES - 1 && *addresses[i].address && strcmp(addresses[i].address, address))
		i++;
	memcpy(addresses[i].address, address, sizeof address);
	count = ++addresses[i].count;
	pthread_mutex_unlock(&lock);
	if (count <= c->first)
		return;
	/* What the answer is stays; what is wrong with it goes. */
	c->status = 200;
	c->slow_ms = 0;
	c->huge = 0;
	c->retry_after = -1;
	c->way = CONDUCT_ANSWER;
	c->html = false;
	*c->redirect = '\0';
}

const char *conduct_way_name(enum conduct_way way)
{
	return ways[way];
}
