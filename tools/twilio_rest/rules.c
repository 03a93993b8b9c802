/* What happens to which number, and how often. */
#include "tools/twilio_rest/rest.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RULES_MAX = 100 };

static const struct {
	const char *name, *help;
} known[] = {
	{ "busy", "the called person is talking to somebody else" },
	{ "no-answer", "rings and is not answered" },
	{ "failed", "cannot be reached" },
	{ "ring", "=MS: rings so long" },
	{ "script", "=FILE: what the called person does, for the phone" },
	{ "human", "=MS: what detection finds, so long after the answer; likewise:" },
	{ "machine_start", "" },
	{ "machine_end_beep", "" },
	{ "machine_end_silence", "" },
	{ "machine_end_other", "" },
	{ "fax", "" },
	{ "unknown", "" },
	{ "late", "=MS: status callbacks come so much later" },
	{ "shuffled", "the first status callbacks come after the last" },
	{ "doubled", "every status callback comes twice" },
	{ "silent", "no status callback comes" },
	{ "refuse", "=CODE: creating is refused with this code" },
	{ "refuse-update", "=CODE: no change of a call's TwiML is taken; those below are for changes, too" },
	{ "ignore-update", "it is taken, and nothing comes of it" },
	{ "lose-stream", "the stream of its TwiML has a token that is none" },
	{ "429", "=SECONDS: too many requests, with Retry-After if there is a number" },
	{ "401", "wrong credentials" },
	{ "timeout", "creates (or changes) the call and never answers" },
	{ "reset", "creates the call and drops the connection" },
	{ "500", "creates the call and answers 500" },
	{ "500-lost", "answers 500 and creates nothing" },
	{ "garbage", "creates the call and answers what is no JSON" },
	{ "slow", "=MS: answers so much later" },
	{ "media-404", "the sound of a recording is not there; likewise:" },
	{ "media-401", "" },
	{ "media-500", "" },
	{ "media-html", "what comes is no sound" },
	{ "media-cut", "the connection ends in the middle of it, if it is longer than a kilobyte" },
	{ "media-size", "=BYTES: it is said to be so long, where a part is asked for" },
	{ "media-plain", "all of it always, in chunks: no length, no ranges" },
	{ "unlisted", "the call is not in the list of calls (xTIMES: so often)" },
};

static struct rule {
	char name[24], value[200], number[32];
	long times; /* left; -1: always */
} rules[RULES_MAX];
static size_t rule_count;
static pthread_mutex_t rules_lock = PTHREAD_MUTEX_INITIALIZER;

bool rule_add(const char *text)
{
	struct rule *r = &rules[rule_count];
	const char *at = strstr(text, "@+");
	size_t head = at ? (size_t)(at - text) : strlen(text);
	const char *equals = memchr(text, '=', head), *times = NULL;
	size_t name;

	if (rule_count == RULES_MAX || head >= sizeof r->value)
		return false;
	for (const char *p = at ? at + 2 : text + head; p > text && (at ? *p : 1) && !times; p += at ? 1 : -1) {
		if (*p == 'x' && isdigit((unsigned char)p[1]))
			times = p;
		else if (!at && *p && !isdigit((unsigned char)*p))
			break;
	}
	memset(r, 0, sizeof *r);
	r->times = times ? strtol(times + 1, NULL, 10) : -1;
	if (at)
		snprintf(
		    r->number, sizeof r->number, "%.*s", (int)(times ? times - at - 1 : (long)strlen(at + 1)), at + 1);
	else if (times)
		head = (size_t)(times - text);
	name = equals ? (size_t)(equals - text) : head;
	if (name >= sizeof r->name)
		return false;
	memcpy(r->name, text, name);
	if (equals)
		snprintf(r->value, sizeof r->value, "%.*s", (int)(head - name - 1), equals + 1);
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (!strcmp(known[i].name, r->name)) {
			rule_count++;
			return true;
		}
	}
	return false;
}

bool rule_holds(const char *name, const char *number, const char **value)
{
	bool holds = false;

	pthread_mutex_lock(&rules_lock);
	for (size_t i = 0; i < rule_count && !holds; i++) {
		struct rule *r = &rules[i];

		if (strcmp(r->name, name) || (*r->number && strcmp(r->number, number)) || !r->times)
			continue;
		if (r->times > 0)
			r->times--;
		if (value)
			*value = r->value;
		holds = true;
	}
	pthread_mutex_unlock(&rules_lock);
	return holds;
}

void rules_help(void)
{
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		printf("  %-20s %s\n", known[i].name, known[i].help);
}
