#include "tools/standin_model/faults.h"

#include "tools/kit/command_line.h"
#include "tools/kit/text.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *id, *value, *help;
} table[FAULT_COUNT] = {
#define X(id, value, help) { #id, value, help },
	FAULTS(X)
#undef X
};

static const char *const point_words[AT_SECONDS] = {
#define X(id, word) word,
	POINTS(X)
#undef X
};

/* What a fault without a value means. */
static long default_number(enum fault fault)
{
	switch (fault) {
	case FAULT_REFUSE:
		return 503;
	case FAULT_LATE_DELTAS:
	case FAULT_LATE_AFTER_DONE:
		return 3;
	case FAULT_LONG_IDS:
		return 512;
	case FAULT_FRAGMENT:
		return 1000;
	case FAULT_LONG_WORD:
		return 65536;
	case FAULT_LONG_ANSWER:
		return 600;
	case FAULT_DRIP:
		return 100;
	case FAULT_READ_RATE:
		return 2000;
	case FAULT_EXPIRE:
	case FAULT_EXPIRES:
		return 60;
	case FAULT_STOP_READING:
		return 0;
	default:
		return 1000;
	}
}

static const char *default_what(enum fault fault)
{
	switch (fault) {
	case FAULT_CERTIFICATE:
		return "expired";
	case FAULT_DROP:
		return "fin";
	case FAULT_ERROR:
		return "server";
	case FAULT_GARBAGE:
		return "text";
	case FAULT_FAIL:
		return "server";
	case FAULT_NO_AUDIO:
		return "text";
	case FAULT_REFUSE_ITEM:
		return "user";
	case FAULT_LOSE:
	case FAULT_SPOIL:
	case FAULT_TWICE:
		return "response.done";
	default:
		return "";
	}
}

static int find_word(const char *word, size_t len)
{
	char name[WORD_SIZE];

	for (int i = 0; i < FAULT_COUNT; i++)
		if (strlen(word_of(table[i].id, name)) == len && memcmp(name, word, len) == 0)
			return i;
	return -1;
}

static bool parse_where(struct fault_state *f, const char *where)
{
	char *end;

	for (int i = 0; i < AT_SECONDS; i++) {
		size_t len = strlen(point_words[i]);

		if (strncmp(where, point_words[i], len) != 0)
			continue;
		f->nth = strtol(where + len, &end, 10);
		if (*end)
			continue;
		f->at = (enum point)i;
		return true;
	}
	f->times = strtol(where, &end, 10);
	if (end != where && strcmp(end, "s") == 0) {
		f->at = AT_SECONDS;
		f->at_seconds = f->times;
	}
	return end != where;
}

/* "NAME" or "NAME=VALUE". Which fault, or -1. */
static int parse(struct fault_state *f, const char *argument)
{
	const char *value = strchr(argument, '=');
	int fault = find_word(argument, value ? (size_t)(value - argument) : strlen(argument));
	const char *colon = value ? strrchr(value, ':') : NULL;
	char *end;

	if (fault < 0)
		return -1;
	*f = (struct fault_state){ .on = true, .at = fault == FAULT_DROP ? AT_ANSWER : AT_UPDATED };
	if (colon && !parse_where(f, colon + 1))
		return -1;
	if (value && value[1])
		snprintf(f->what, sizeof f->what, "%.*s", colon ? (int)(colon - value - 1) : (int)strlen(value + 1),
		    value + 1);
	else
		snprintf(f->what, sizeof f->what, "%s", default_what((enum fault)fault));
	f->number = strtol(f->what, &end, 10);
	if (end == f->what)
		f->number = default_number((enum fault)fault);
	return fault;
}

static struct order {
	int fault;
	struct fault_state state;
	unsigned long first, last, every;
} orders[128];
static size_t order_count;
static _Atomic unsigned long counted_from;

const char *faults_order(const char *argument)
{
	struct order *order = &orders[order_count];
	const char *which = strrchr(argument, '@');
	char *name = need_copy(argument), *end;

	if (order_count == sizeof orders / sizeof orders[0]) {
		free(name);
		return "too many faults";
	}
	*order = (struct order){ .first = 1, .last = (unsigned long)-1, .every = 1 };
	if (which) {
		name[which - argument] = '\0';
		which++;
		if (*which == '/')
			order->every = strtoul(which + 1, &end, 10);
		else if (*which != '-')
			order->first = strtoul(which, &end, 10);
		else
			end = (char *)which;
		if (*which == '/')
			order->every += !order->every;
		else if (*end == '\0')
			order->last = order->first;
		else if (*end == '-' && end[1])
			order->last = strtoul(end + 1, NULL, 10);
	}
	order->fault = parse(&order->state, name);
	free(name);
	if (order->fault < 0)
		return "no such fault (see --help)";
	order_count++;
	return NULL;
}

void faults_count_from(unsigned long number)
{
	atomic_store(&counted_from, number);
}

void faults_for(struct faults *out, unsigned long number)
{
	*out = (struct faults){ 0 };
	number -= atomic_load(&counted_from);
	for (size_t i = 0; i < order_count; i++)
		if (number >= orders[i].first && number <= orders[i].last && number % orders[i].every == 0)
			out->f[orders[i].fault] = orders[i].state;
}

void faults_add(struct faults *faults, const char *name_value)
{
	struct fault_state state;
	int fault = parse(&state, name_value);

	if (fault >= 0)
		faults->f[fault] = state;
}

bool fault_due(struct faults *faults, enum fault fault, enum point at)
{
	struct fault_state *f = &faults->f[fault];

	if (!f->on || f->happened || f->at != at || --f->nth > 0)
		return false;
	f->happened = true;
	return true;
}

bool fault_again(struct faults *faults, enum fault fault)
{
	struct fault_state *f = &faults->f[fault];

	if (!f->on)
		return false;
	if (f->times && --f->times == 0)
		f->on = false;
	return true;
}

void faults_help(void)
{
	puts("Faults, each by --fault NAME[=VALUE][@WHICH]; WHICH counts connections from 1: @3, @-3, @3-, @/3\n"
	     "(a bridge that probes the model at start makes connection 1 itself).\n"
	     "One connection may also order its own by fault=NAME=VALUE in its URL's query.\n"
	     "WHERE is one of: accept tls upgrade open created updated speech answer tool long done, or seconds (7s);\n"
	     "answer2 is the second time;"
	     "without one: answer for drop, updated for the others.\n");
	for (int i = 0; i < FAULT_COUNT; i++) {
		char name[64], word[WORD_SIZE];

		snprintf(name, sizeof name, "%s%s%s", word_of(table[i].id, word), *table[i].value ? "=" : "",
		    table[i].value);
		printf("  %-26s %s\n", name, table[i].help);
	}
}
