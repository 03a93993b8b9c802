/* A handler never touches a call: it finds the line, posts into its mailbox,
 * and the agent loop acts at its next wake-up. Between the two the call may
 * end; then the letter is thrown away with the mailbox.
 */
#include "server/web/api/steer.h"

#include "common/clock.h"
#include "common/log.h"
#include "server/agents/agent.h"
#include "server/news/journal.h"
#include "server/line/mailbox.h"
#include "server/config/config_check.h"
#include "server/stats/stats.h"
#include "server/web/fields.h"
#include "server/web/api/known_call.h"
#include "server/web/api/place.h"
#include "server/line/keys/call_keys.h"
#include "server/line/calls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SAY_MAX = 4096, NAME_MAX = 64 };

/* A live call, and its agent. */
struct target {
	const struct web_parts *parts;
	const char *call_sid;
	struct call_ref ref;
	const struct agent *agent; /* retained */
};

/* True: the target's agent must be released. It is retained because its
 * destinations are looked at without the line's lock. */
static bool find_live(const struct web_parts *parts, const char *call_sid, struct target *t, struct response *r)
{
	bool live = false;

	*t = (struct target){ .parts = parts, .call_sid = call_sid };
	if (!calls_find(parts->calls, call_sid, &t->ref))
		t->agent = calls_agent(parts->calls, t->ref, &live);
	if (t->agent && live)
		return true;
	if (t->agent)
		response_error(r, 409, "call_not_live", "the caller is not there yet");
	else
		known_call_refuse(parts, call_sid, r);
	agent_release(t->agent);
	return false;
}

/* An operator's order belongs to the call's record. */
static void tell(const struct target *t, const char *type, const struct journal_fact *facts)
{
	journal_tell(&(struct journal_entry){ .kind = JOURNAL_NOTE,
	    .type = type,
	    .call_sid = t->call_sid,
	    .agent = t->agent,
	    .wall_ms = clock_wall_ms(),
	    .facts = facts });
}

/* Posts the letter, answers, and tells the journal of it with these facts.
 * The letter is taken in any case, NULL counts as no memory. */
static void post(
    const struct target *t, struct mail *mail, const char *type, const struct journal_fact *facts, struct response *r)
{
	switch (calls_post(t->parts->calls, t->ref, mail)) {
	case 0:
		tell(t, type, facts);
		response_accepted(r, "call_sid", t->call_sid, "status", "accepted");
		break;
	case -EBUSY:
		response_error(r, 429, "too_many_orders", "this call has too many orders waiting");
		response_header(r, "Retry-After", "1");
		break;
	case -ENOMEM:
		response_error(r, 500, "internal_error", "out of memory");
		break;
	default:
		response_error(r, 409, "call_over", "that call is over");
	}
}

void control_say(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	struct fields f = fields_of(q, r);
	const char *text = fields_text(&f, "text", 1, SAY_MAX);
	const char *mode = fields_choice(&f, "mode", "instruction|exact", "instruction");
	struct target t;
	struct mail *mail;

	if (!fields_done(&f) || !find_live(parts, arg, &t, r))
		return;
	log_info(arg, "operator: say; mode=%s bytes=%zu client=%s", mode, strlen(text), q->client);
	if ((mail = mail_new(MAIL_SAY, NULL, text)))
		mail->exact = !strcmp(mode, "exact");
	post(&t, mail, "operator.say", (struct journal_fact[]){ { "mode", mode }, { "text", text }, { 0 } }, r);
	agent_release(t.agent);
}

/* The number that is meant; NULL: the agent has no destination of that name. */
static const char *number_at(const struct agent *agent, const char *name, const char *number)
{
	for (size_t i = 0; name && i < agent->destination_count; i++) {
		if (!strcmp(agent->destinations[i].name, name))
			return agent->destinations[i].number;
	}
	return name ? NULL : number;
}

/* One of the agent's destinations, or any number. */
static void check_where(struct fields *f, const char *name, const char *number)
{
	if (name && number)
		fields_refuse(f, "number", "give a destination or a number, not both");
	else if (!name && !number)
		fields_refuse(f, "destination", "give a destination of the agent's, or a number");
	else if (number && check_e164(number))
		fields_refuse(f, "number", check_e164(number));
}

/* A destination is one of the agent's, by name; a number is the operator's
 * own choice and is not held against that list, but against OUTBOUND_ALLOW. */
void control_transfer(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	struct fields f = fields_of(q, r);
	const char *name = fields_text(&f, "destination", 0, NAME_MAX);
	const char *number = fields_text(&f, "number", 0, NAME_MAX);
	const char *where = name ? name : number, *dialled;
	struct target t;
	char shown[16];

	check_where(&f, name, number);
	if (!fields_done(&f) || !find_live(parts, arg, &t, r))
		return;
	dialled = number_at(t.agent, name, number);
	if (!dialled) {
		response_error_at(r, 422, "invalid_field", "destination",
		    "the agent %s has no destination of that name", t.agent->name);
	} else if (place_may_dial(parts->agents, dialled, arg, name ? "destination" : "number", r)) {
		log_info(
		    arg, "operator: transfer; to=%s client=%s", name ? name : log_number(number, shown), q->client);
		post(&t, mail_new(MAIL_TRANSFER, where, NULL), "operator.transfer",
		    (struct journal_fact[]){ { "to", where }, { 0 } }, r);
	}
	agent_release(t.agent);
}

/* What they are is for the call alone: a number of an account, perhaps. */
static void post_digits(const struct target *t, const char *digits, bool wait, struct response *r)
{
	struct mail *mail = mail_new(MAIL_DIGITS, NULL, digits);
	char count[24];

	if (mail)
		mail->waits = wait;
	snprintf(count, sizeof count, "%zu", strlen(digits));
	post(t, mail, "operator.digits", (struct journal_fact[]){ { "count", count }, { 0 } }, r);
}

/* The agent loop decides when it has the order, and tells what came of it by `digits.sent` or `digits.failed`; what
 * would be refused as things stand is refused at once. */
void control_digits(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	struct fields f = fields_of(q, r);
	const char *digits = fields_text(&f, "digits", 1, CALL_KEYS_MAX);
	bool wait = fields_flag(&f, "wait");
	enum keys_answer answer;
	struct target t;

	if (digits && !keys_are_valid(digits))
		fields_refuse(&f, "digits", keys_words(KEYS_INVALID)->sentence);
	if (!fields_done(&f) || !find_live(parts, arg, &t, r))
		return;
	answer = calls_may_press(parts->calls, t.ref);
	log_info(arg, "operator: digits; count=%zu wait=%d client=%s: %s", strlen(digits), wait, q->client,
	    keys_words(answer)->code);
	if (answer == KEYS_OK || (answer == KEYS_SPEAKING && wait)) {
		post_digits(&t, digits, wait, r);
	} else {
		stat_add(digits_refused, 1);
		response_error(
		    r, answer == KEYS_UNABLE ? 503 : 409, keys_words(answer)->code, keys_words(answer)->sentence);
	}
	agent_release(t.agent);
}
