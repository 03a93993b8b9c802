#include "tools/phone/expect.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kit/report.h"
#include "tools/phone/call.h"
#include "tools/phone/clock.h"

enum op { OP_AT_LEAST, OP_AT_MOST, OP_NOT, OP_CONTAINS, OP_IS, OP_MORE, OP_LESS };

static const char *const ops[] = { ">=", "<=", "!=", "~", "=", ">", "<" }; /* in the order of the enum */

static long cut_answers(const struct call *c)
{
	long n = 0;

	for (size_t i = 0; i < c->agent.count; i++)
		n += c->agent.answers[i].cut;
	return n;
}

static long turns_answered(const struct call *c)
{
	long n = 0;

	for (size_t i = 0; i < c->turn_count; i++)
		n += c->turns[i].arrival_ns != 0;
	return n;
}

#define AT(type, member) .field = { .kind = REPORT_##type, .at = offsetof(struct call, member) }

static const struct {
	const char *name, *help;
	struct report_field field;
	int per;                           /* of the field; 0: 1 */
	long (*get)(const struct call *c); /* in place of a field */
} numbers[] = {
	{ "answers", "answers that were heard, if only in part", AT(COUNT, agent.count) },
	{ "cut_answers", "those that a clear cut", .get = cut_answers },
	{ "turns_answered", "utterances that were answered after their end", .get = turns_answered },
	{ "clears", "clear messages", AT(COUNT, clear_count) },
	{ "heard_ms", "agent's audio played", AT(COUNT, played_bytes), .per = BYTES_PER_MS },
	{ "received_ms", "agent's audio received", AT(COUNT, media_bytes), .per = BYTES_PER_MS },
	{ "unplayed_ms", "agent's audio waiting when the stream ended", AT(COUNT, unplayed_at_close),
	    .per = BYTES_PER_MS },
	{ "marks", "marks received; marks_played, marks_flushed: echoed so", AT(COUNT, marks_received) },
	{ "marks_played", NULL, AT(COUNT, marks_played) },
	{ "marks_flushed", NULL, AT(COUNT, marks_flushed) },
	{ "status", "HTTP status of the voice webhook", AT(INT, status) },
	{ "upgrade", "HTTP status of the stream's upgrade", AT(INT, upgrade_status) },
	{ "second", "HTTP status of the other upgrade (used-token, second-stream)", AT(INT, second_status) },
	{ "action", "HTTP status of the last request for TwiML after the first", AT(INT, action_status) },
	{ "close_code", "of the server's close frame", AT(INT, close_code) },
	{ "warnings", "what Twilio's debugger would say", AT(COUNT, warnings_total) },
	{ "frames", "media messages sent", AT(COUNT, frames_sent) },
	{ "streams", "streams opened", AT(INT, streams) },
	{ "pongs", "pongs received", AT(COUNT, pongs) },
	{ "stale", "units (with --stamps) or tokens of an answer after it was cut off", AT(COUNT, stale_units) },
	{ "lost", "with --stamps: units of answers that never came", AT(COUNT, lost_units) },
	{ "underruns", "with --stamps: times the queue ran dry inside an answer", AT(COUNT, underruns) },
	{ "gathers", "things said or pressed in a <Gather>", AT(INT, gathers) },
	{ "sessions", "relay: sessions, opened or not", AT(COUNT, relay.count) },
	{ "prompts", "relay: whole prompts sent", AT(COUNT, relay.prompts) },
	{ "partials", "relay: prompts that were not", AT(COUNT, relay.partials) },
	{ "dropped", "relay: input that was not told, for the agent was speaking", AT(COUNT, relay.dropped) },
	{ "tokens", "relay: tokens taken", AT(COUNT, relay.tokens) },
	{ "malformed", "relay: messages that Twilio would not take", AT(COUNT, relay.malformed) },
	{ "unfinished", "relay: answers that got no `last`, and were not cut off", .get = relay_unfinished },
	{ "pings", "pings received", AT(COUNT, relay.pings) },
	{ "script_done", "1: the script came to its end", AT(BOOL, caller.finished) },
};

static long number_of(size_t i, const struct call *c)
{
	if (numbers[i].get)
		return numbers[i].get(c);
	return (long)report_number(c, &numbers[i].field) / (numbers[i].per ? numbers[i].per : 1);
}

static const struct {
	const char *name, *help;
	enum { END, TEXT, CHARS } kind; /* of the field; = compares all of an end, and else means: contains */
	size_t at;
} words[] = {
	{ "end", "caller, server, lost, violation, cut, webhook-failed, upgrade-refused, no-stream, limit", END,
	    offsetof(struct call, end) },
	{ "say", "words of the <Say>s the caller heard (= means: contains)", TEXT, offsetof(struct call, said) },
	{ "dial", "numbers dialled", TEXT, offsetof(struct call, dialled) },
	{ "twiml", "all TwiML received", TEXT, offsetof(struct call, documents_text) },
	{ "spoken", "relay: all that was spoken, a line an answer", TEXT, offsetof(struct call, relay.spoken) },
	{ "handoff", "relay: handoffData", TEXT, offsetof(struct call, relay.handoffs) },
	{ "languages", "relay: languages asked for, spoken and heard", TEXT, offsetof(struct call, relay.languages) },
	{ "plays", "relay: sounds asked for", TEXT, offsetof(struct call, relay.plays) },
	{ "digits", "relay: keys asked for", TEXT, offsetof(struct call, relay.digits) },
	{ "refusal", "body of a refusal", CHARS, offsetof(struct call, refusal) },
};

static const char *words_of(int i, const struct call *c)
{
	const void *at = (const char *)c + words[i].at;

	return words[i].kind == END    ? call_end_name(*(const enum call_end *)at)
	       : words[i].kind == TEXT ? text_str(at)
				       : at;
}

enum { NUMBERS = sizeof numbers / sizeof numbers[0], WORDS = sizeof words / sizeof words[0] };

struct parsed {
	int number, word; /* index or -1 */
	enum op op;
	const char *value;
};

static bool parse(const char *expectation, struct parsed *p)
{
	size_t n = strspn(expectation, "abcdefghijklmnopqrstuvwxyz_");
	const char *at = expectation + n;
	char *end;

	p->number = p->word = -1;
	for (int i = 0; i < NUMBERS; i++)
		if (strlen(numbers[i].name) == n && strncmp(numbers[i].name, expectation, n) == 0)
			p->number = i;
	for (int i = 0; i < WORDS; i++)
		if (strlen(words[i].name) == n && strncmp(words[i].name, expectation, n) == 0)
			p->word = i;
	if (p->number < 0 && p->word < 0)
		return false;
	for (int i = 0; i <= OP_LESS; i++) {
		if (strncmp(at, ops[i], strlen(ops[i])) != 0)
			continue;
		p->op = (enum op)i;
		p->value = at + strlen(ops[i]);
		if (p->word >= 0)
			return p->op == OP_IS || p->op == OP_NOT || p->op == OP_CONTAINS;
		strtol(p->value, &end, 10);
		return *p->value && !*end && p->op != OP_CONTAINS;
	}
	return false;
}

bool expect_known(const char *expectation)
{
	struct parsed p;

	return parse(expectation, &p);
}

bool expect_names(const char *expectation, const char *key)
{
	size_t n = strlen(key);

	return strncmp(expectation, key, n) == 0 && !isalpha((unsigned char)expectation[n]) && expectation[n] != '_';
}

static bool compare(enum op op, long is, long wanted)
{
	switch (op) {
	case OP_AT_LEAST:
		return is >= wanted;
	case OP_AT_MOST:
		return is <= wanted;
	case OP_NOT:
		return is != wanted;
	case OP_MORE:
		return is > wanted;
	case OP_LESS:
		return is < wanted;
	default:
		return is == wanted;
	}
}

bool expect_met(const char *expectation, const struct call *c, char *why, size_t why_size)
{
	struct parsed p;
	bool met;

	if (!parse(expectation, &p))
		return false;
	if (p.number >= 0) {
		long is = number_of((size_t)p.number, c);

		met = compare(p.op, is, strtol(p.value, NULL, 10));
		snprintf(why, why_size, "expected %s, but %s is %ld", expectation, numbers[p.number].name, is);
		return met;
	}
	{
		const char *is = words_of(p.word, c);
		bool same = words[p.word].kind == END && p.op != OP_CONTAINS ? strcmp(is, p.value) == 0
									     : strstr(is, p.value) != NULL;

		met = p.op == OP_NOT ? !same : same;
		snprintf(why, why_size, "expected %s, but %s is \"%.200s\"", expectation, words[p.word].name, is);
		return met;
	}
}

void expect_help(void)
{
	for (int i = 0; i < NUMBERS; i++)
		if (numbers[i].help)
			printf("      %-16s %s\n", numbers[i].name, numbers[i].help);
	for (int i = 0; i < WORDS; i++)
		printf("      %-16s %s\n", words[i].name, words[i].help);
}
