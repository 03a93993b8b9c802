#include "server/agent/conversation_phone.h"

#include "common/log.h"
#include "server/agent/conversation_keys.h"
#include "server/agent/conversation_model.h"
#include "server/agent/conversation_orders.h"
#include "server/agent/dialogue/dialogue_state.h"
#include "server/agent/dialogue/dialogue_tools.h"
#include "server/agent/dialogue/instant.h"
#include "server/line/calls.h"
#include "server/line/calls_carry.h"
#include "server/line/calls_shown.h"
#include "server/recording/twilio_start.h"
#include "server/stats/stats.h"

#include <stdio.h>
#include <string.h>

/* -------------------------------------------------------------------------- in text */

/* A turn that did not come from the model. Without a session it waits in the timeline for the next one, which
 * is told all of that. */
static void tell_turn(
    struct conversation *con, struct turn *turn, const char *id, enum model_role role, const char *text)
{
	if (!link_talks(&con->link))
		return;
	con->link.current.protocol->item(&con->message, id, role, text, "");
	conversation_send(con);
	if (turn)
		turn->session = con->link.current.no;
}

/* Words that no model makes: for the dialogue and the record that is an utterance like others. `greets`: the phone
 * says them by itself. */
static void speak(struct conversation *con, const char *words, bool greets, int64_t now)
{
	char id[MODEL_REQUEST_ID_SIZE], response[MODEL_REQUEST_ID_SIZE];
	struct turn *turn;

	snprintf(id, sizeof id, "%s", conversation_next_id(con, MODEL_REQUEST_PAST));
	snprintf(response, sizeof response, "%s", conversation_next_id(con, MODEL_REQUEST_PAST));
	turn = timeline_turn(&con->timeline, TURN_AGENT, id, conversation_at_ms(con, now));
	buf_reset(&con->audio.decoded);
	buf_puts(&con->audio.decoded, words);
	con->text.welcome = greets;
	TELL(con, now, .type = EVENT_BEGAN, .response = response);
	TELL(con, now, .type = EVENT_AUDIO, .response = response, .item = id,
	    .count = (uint32_t)(con->audio.decoded.len * SPOKEN_BYTES));
	con->text.welcome = false;
	TELL(con, now, .type = EVENT_PART_OVER, .response = response, .item = id);
	TELL(con, now, .type = EVENT_OVER, .response = response, .text = "completed", .claims = "completed");
	tell_turn(con, turn, id, MODEL_ROLE_AGENT, words);
}

static void welcome(struct conversation *con, int64_t now)
{
	const char *words = call_welcome(con->call);

	if (words[0])
		speak(con, words, true, now);
}

static void caller_speaks(struct conversation *con, int64_t now)
{
	if (!con->dialogue.speaking)
		TELL(con, now, .type = EVENT_CALLER_BEGAN);
}

/* The turn may be told without a word of the voice before it. */
static void caller_pauses(struct conversation *con, int64_t at_us, int64_t now)
{
	if (con->dialogue.speaking || !con->dialogue.stop_event_us)
		TELL(con, now, .type = EVENT_CALLER_ENDED, .at_us = at_us);
}

/* A model that hears the caller knows better. */
static void on_voice(struct conversation *con, bool on, int64_t now)
{
	if (con->dialogue.model && con->call->channel->audio)
		return;
	if (on)
		caller_speaks(con, now);
	else if (con->dialogue.speaking)
		caller_pauses(con, now, now);
}

/* The model is told before the dialogue, which asks for the answer; or it is told both, and answers what comes
 * next. While it owes something else, it answers all of that together. */
static void on_turn(struct conversation *con, struct turn *turn, const char *words, int64_t now)
{
	const char *answer = dialogue_listens(&con->dialogue) ? instant_answer(con->call->agent, words) : NULL;

	timeline_text(&con->timeline, turn, words, true);
	stat_add(turns_caller, 1);
	log_debug(con->call->tag, "caller: %zu characters", strlen(words));
	caller_pauses(con, 0, now);
	tell_turn(con, turn, conversation_next_id(con, MODEL_REQUEST_TURN), MODEL_ROLE_CALLER, words);
	if (!answer) {
		TELL(con, now, .type = EVENT_TURN);
		return;
	}
	stat_add(turns_instant, 1);
	TELL(con, now, .type = EVENT_WRITTEN, .text = words);
	speak(con, answer, false, now);
}

/* Each message has all words of the turn so far. A turn of spaces alone is none: one that was forming
 * stays without words. */
static void on_words(struct conversation *con, bool last, const char *words, int64_t now)
{
	bool blank = !words[strspn(words, " \t\r\n")];
	struct turn *turn;

	if (!blank || !last)
		caller_speaks(con, now);
	else
		caller_pauses(con, 0, now);
	if (blank && (!last || !con->text.forming[0]))
		return;
	if (!con->text.forming[0])
		snprintf(
		    con->text.forming, sizeof con->text.forming, "%s", conversation_next_id(con, MODEL_REQUEST_TURN));
	turn = timeline_turn(&con->timeline, TURN_CALLER, con->text.forming, conversation_at_ms(con, now));
	if (last)
		con->text.forming[0] = '\0';
	if (last && !blank)
		on_turn(con, turn, words, now);
	else if (last)
		timeline_text(&con->timeline, turn, "", true);
	else
		timeline_forming(&con->timeline, turn, words);
}

/* The words say it themselves, as a rule; a "no" or a name does not. */
static void on_language(struct conversation *con, const struct ring_message *r)
{
	const struct agent *p = con->call->agent;
	const char *listened = p->relay.attributes[RELAY_transcriptionLanguage];
	const char *first = listened ? listened : relay_attribute(p, RELAY_language), *known = con->text.language;
	struct span tag = { r->body, r->len };
	char note[100];

	if (span_is(tag, known[0] ? known : first))
		return;
	snprintf(con->text.language, sizeof con->text.language, "%.*s", (int)tag.n, tag.p);
	if (!link_talks(&con->link))
		return; /* the next session is told it as the place where the conversation is */
	words_speaks(note, sizeof note, con->text.language);
	conversation_tell_item(con, MODEL_REQUEST_TURN, MODEL_ROLE_NOTE, note);
}

static void on_text(struct conversation *con, const struct ring_message *r, int64_t now)
{
	struct buf words;

	buf_init(&words, 0);
	buf_put(&words, (const char *)r->body + sizeof(bool), r->len - sizeof(bool));
	if (!buf_error(&words))
		on_words(con, *(const bool *)r->body, buf_text(&words), now);
	buf_free(&words);
}

/* ----------------------------------------------------------------------- on any channel */

static void on_started(struct conversation *con, int64_t now)
{
	struct call *c = con->call;

	link_caller_came(&con->link, now);
	TELL(con, now, .type = EVENT_CALLER_THERE);
	welcome(con, now);
	calls_tell_started(c);
	/* Twilio records the call, not the stream: a returning caller is still being
	 * recorded. */
	if (c->record == RECORDING_TWILIO && !c->context.said)
		twilio_start(c->cfg, calls_work(c->calls), calls_recorder(c->calls), c->call_sid);
	conversation_mind_link(con);
}

static void on_cut(struct conversation *con, enum dialogue_event_type type, const struct from_cut *cut, int64_t now)
{
	TELL(con, now, .type = type, .cut = cut->cut, .heard = cut->items, .count = cut->count);
}

/* What is known of it by then is for whoever goes on with a call that does not come back. */
static void on_parked(struct conversation *con, const struct from_cut *cut, int64_t now)
{
	struct call *c = con->call;

	if (!conversation_keys_make_room(con))
		call_tell(c, (struct journal_entry){ .kind = JOURNAL_NOTE, .type = "stream.lost" });
	/* At once, with the orders that wait for it: what is told the model now comes behind them. */
	if (!con->link.writer_is_ours)
		model_writer_ask_back(&c->writer, &c->caller_bell);
	call_return_writer(c);
	link_take_writer(&con->link);
	con->timeline.dirty = true;
	on_cut(con, EVENT_CALLER_AWAY, cut, now);
}

static void on_back(struct conversation *con, int64_t now)
{
	if (!conversation_keys_make_room(con))
		call_tell(con->call, (struct journal_entry){ .kind = JOURNAL_NOTE, .type = "stream.back" });
	TELL(con, now, .type = EVENT_CALLER_THERE);
	conversation_keys_back(con);
	conversation_mind_link(con);
}

static void on_first_audio(struct conversation *con, const struct from_first_audio *first, int64_t now)
{
	TELL(con, now, .type = EVENT_FIRST_AUDIO, .no = first->no, .at_us = first->sent_us);
}

static void on_dry(struct conversation *con, const struct from_dry *dry, int64_t now)
{
	TELL(con, now, .type = EVENT_DRY, .no = dry->no, .count = dry->bytes);
}

/* The words behind it are about the last of its items: those before were heard whole. */
static void on_interrupted(struct conversation *con, const struct ring_message *r, int64_t now)
{
	const struct from_cut *cut = r->body;

	if (r->len > sizeof *cut && cut->count) {
		con->text.foreign_no = cut->items[cut->count - 1].no;
		con->text.foreign = (struct span){ (const char *)(cut + 1), r->len - sizeof *cut };
	}
	on_cut(con, EVENT_INTERRUPTED, cut, now);
	con->text.foreign = (struct span){ 0 };
}

static void on_digit(struct conversation *con, char digit, int64_t now)
{
	atomic_fetch_add_explicit(&con->call->counters.digits, 1, memory_order_relaxed);
	TELL(con, now, .type = EVENT_KEY, .key = digit);
}

/* A message stays in the ring until its orders are carried out: the event borrows its
 * body. */
void conversation_take_messages(struct conversation *con, int64_t now_us)
{
	struct ring_message r;

	while (ring_next(&con->call->from_caller, &r)) {
		switch ((enum from_caller_type)r.type) {
		case FROM_STARTED:
			on_started(con, now_us);
			break;
		case FROM_PARKED:
			on_parked(con, r.body, now_us);
			break;
		case FROM_BACK:
			on_back(con, now_us);
			break;
		case FROM_FIRST_AUDIO:
			on_first_audio(con, r.body, now_us);
			break;
		case FROM_HEARD:
			TELL(con, now_us, .type = EVENT_HEARD, .heard = r.body);
			break;
		case FROM_DRY:
			on_dry(con, r.body, now_us);
			break;
		case FROM_CUT:
			on_cut(con, EVENT_CUT, r.body, now_us);
			break;
		case FROM_INTERRUPTED:
			on_interrupted(con, &r, now_us);
			break;
		case FROM_DIGIT:
			on_digit(con, *(const char *)r.body, now_us);
			break;
		case FROM_LANGUAGE:
			on_language(con, &r);
			break;
		case FROM_TEXT:
			on_text(con, &r, now_us);
			break;
		case FROM_VOICE:
			on_voice(con, *(const bool *)r.body, now_us);
			break;
		case FROM_LEFT:
			con->left = true;
			on_cut(con, EVENT_CALLER_LEFT, r.body, now_us);
			break;
		}
		ring_pop(&con->call->from_caller);
	}
}

/* In this order, since it looks the other way round. */
void conversation_answer_phone(struct conversation *con)
{
	struct call *c = con->call;
	const struct dialogue *d = &con->dialogue;
	int awaits = dialogue_listens(d) ? AWAITS_CALLER : tools_running(d) ? AWAITS_TOOL : AWAITS_MODEL;
	uint64_t taken = ring_taken(&c->from_caller);

	if (!c->channel->requests || (awaits == atomic_load_explicit(&c->awaits, memory_order_relaxed) &&
					 taken == atomic_load_explicit(&c->taken_to, memory_order_relaxed)))
		return;
	atomic_store_explicit(&c->awaits, awaits, memory_order_relaxed);
	atomic_store_explicit(&c->taken_to, taken, memory_order_release);
	bell_ring(&c->caller_bell);
}
