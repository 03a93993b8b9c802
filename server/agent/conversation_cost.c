/* What the call costs, while it lasts: summed as the model tells, booked on the
 * day, and when it passes the limit the agent says goodbye. */
#include "server/agent/conversation_private.h"

#include "common/clock.h"
#include "common/log.h"
#include "server/money/cost.h"
#include "server/line/mailbox.h"
#include "server/money/spending.h"

#include <math.h>
#include <string.h>

enum { MIND_US = US_PER_S };

static const char goodbye[] = "You have to end this call now. In one or two short sentences, in the language of the "
			      "conversation, tell the caller kindly that the call has to end here, and say goodbye.";

void conversation_count_usage(struct conversation *con, bool transcription, const struct model_usage *usage)
{
	_Atomic int64_t *used = transcription ? con->call->transcription_used : con->call->model_used;

	for (int i = 0; i < USAGE_COUNT; i++)
		atomic_fetch_add_explicit(&used[i], usage->n[i], memory_order_relaxed);
	con->minded_us = 0;
}

void call_cost_use(struct call *c, int64_t now_us, struct cost_use *out)
{
	int64_t started = atomic_load_explicit(&c->started_us, memory_order_relaxed);
	int64_t ended = atomic_load_explicit(&c->ended_us, memory_order_relaxed);

	memset(out, 0, sizeof *out);
	out->model = c->agent->openai_model;
	out->transcription_model = c->agent->transcription_model;
	for (int i = 0; i < USAGE_COUNT; i++) {
		out->model_used.n[i] = atomic_load_explicit(&c->model_used[i], memory_order_relaxed);
		out->transcription_used.n[i] = atomic_load_explicit(&c->transcription_used[i], memory_order_relaxed);
	}
	out->stream_ms = started ? ((ended ? ended : now_us) - started) / US_PER_MS : 0;
	out->dialer = !strcmp(c->direction, "outbound");
	out->twilio_records = c->record == RECORDING_TWILIO;
	out->machine_detection = c->detected;
}

static void say_goodbye(struct conversation *con)
{
	struct call *c = con->call;
	struct mail *mail = mail_new(MAIL_GOODBYE, NULL, goodbye);

	con->cost_told = true;
	log_info(c->tag, "the call has cost what it may: goodbye");
	call_tell(c, JOURNAL_NOTE, "cost.limit", -1, "{}");
	if (mail) {
		mail->end = END_COST_LIMIT;
		mail->firm = true;
		if (mailbox_put(&c->mail, mail)) {
			bell_ring(&c->agent_bell);
			return;
		}
		mail_free(mail);
	}
	call_end(c, END_COST_LIMIT);
}

void conversation_mind_cost(struct conversation *con, int64_t now_us)
{
	double limit = con->call->agent->max_call_cost;
	struct cost_use use;
	struct cost cost;

	if (now_us < con->minded_us + MIND_US)
		return;
	con->minded_us = now_us;
	call_cost_use(con->call, now_us, &use);
	cost_of(&use, spending_prices(), &cost);
	if (fabs(cost.total - con->booked_usd) > 0) {
		spending_add(cost.total - con->booked_usd, clock_wall_ms());
		con->booked_usd = cost.total;
	}
	if (!cost.known && !con->unknown_told) {
		con->unknown_told = true;
		if (!prices_find(spending_prices(), use.model))
			spending_warn_unknown(use.model);
		if (use.transcription_model[0] && !prices_find(spending_prices(), use.transcription_model))
			spending_warn_unknown(use.transcription_model);
	}
	if (limit > 0 && cost.total >= limit && con->started && !con->cost_told && !call_ended(con->call))
		say_goodbye(con);
}
