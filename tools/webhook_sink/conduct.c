#include "tools/webhook_sink/conduct.h"

#include "tools/kit/http.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const ways[] = { "answer", "close", "unread", "cut", "never", "drip", "garbage" };

static const char *set_way(void *into, const char *name, const char *value)
{
	struct conduct *c = into;

	(void)name;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		if (!strcmp(value, ways[i])) {
			c->way = (enum conduct_way)i;
			return NULL;
		}
	}
	return "is none of those --help lists";
}

static const char *copy(char *to, const char *value)
{
	snprintf(to, CONDUCT_TEXT, "%s", value);
	return strlen(value) < CONDUCT_TEXT ? NULL : "is too long";
}

static const char *set_redirect(void *into, const char *name, const char *value)
{
	(void)name;
	return copy(((struct conduct *)into)->redirect, value);
}

static const char *set_answer(void *into, const char *name, const char *value)
{
	(void)name;
	return copy(((struct conduct *)into)->answer, value);
}

static const char *set_type(void *into, const char *name, const char *value)
{
	(void)name;
	return copy(((struct conduct *)into)->type, value);
}

#define TO(kind, field) OPTION_##kind, .at = offsetof(struct conduct, field)
#define COUNT .least = 0, .most = 1e9

const struct option_row conduct_words[CONDUCT_WORDS] = {
	{ "status", "CODE", "200", "of the answer", TO(INT, status), COUNT },
	{ "slow", "MS", NULL, "before the answer", TO(INT, slow_ms), COUNT },
	{ "redirect", "URL", NULL, "302 to there", BY(set_redirect) },
	{ "retry-after", "S", "-1", "that header; -1: none", TO(INT, retry_after), .least = -1, .most = 1e9 },
	{ "type", "CONTENT-TYPE", NULL, "in place of what fits the body", BY(set_type) },
	{ "answer", "FILE", NULL, "the text of that file in DIR", BY(set_answer) },
	{ "echo", "1", NULL, "the request's own body", TO(INT, echo), COUNT },
	{ "html", "1", NULL, "a page of HTML", TO(INT, html), COUNT },
	{ "huge", "N", NULL, "N bytes", TO(LONG, huge), COUNT },
	{ "fail", "HOW", NULL, "close, unread, cut, never, drip or garbage", BY(set_way) },
	{ "first", "N", NULL, "the bad ones of these hold for the first N requests of an address,\nthen all is well",
	    TO(INT, first), COUNT },
};

/* How often each address was asked. */
enum { ADDRESSES = 256 };
static struct {
	char address[512];
	int count;
} addresses[ADDRESSES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void conduct_set_query(struct conduct *c, const char *query)
{
	char value[1024];

	for (size_t i = 0; i < CONDUCT_WORDS; i++)
		if (query_value(query, conduct_words[i].name, 0, value, sizeof value))
			option_set(&conduct_words[i], c, value);
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
	c->html = 0;
	*c->redirect = '\0';
}

const char *conduct_way_name(enum conduct_way way)
{
	return ways[way];
}
