#include "server/agent/conversation.h"

#include "common/base64.h"
#include "common/clock.h"
#include "common/log.h"
#include "server/agent/conversation_keys.h"
#include "server/agent/conversation_known.h"
#include "server/agent/conversation_model.h"
#include "server/agent/conversation_orders.h"
#include "server/agent/conversation_tools.h"
#include "server/agent/link/link_next.h"
#include "server/model/words.h"
#include "server/line/mailbox.h"
#include "server/stats/stats.h"
#include "server/work/tool_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Handlers are thin: they note what belongs to the record, and tell the dialogue. The note comes first where an
 * order may look at it: the turn of an item must exist before its audio, the tools of a response before its end. */
enum {
	AUDIO_KEEP = 256 * 1024, /* a larger decoding buffer is given back */
	TEXT_PIECE = 16 * 1024,  /* of words that are played at once */
	RING_SECONDS = 25        /* for a number that is no destination of the agent's */
};

/* ------------------------------------------------------------- the caller's turn */

/* The model detects turns: speech starts, speech stops, the turn is committed as an item, and its transcript follows,
 * often after the answer has begun. The transcript is for people only; the model itself hears the audio. */

static void on_speech_started(struct conversation *con, const struct model_event *e, int64_t now)
{
	atomic_store_explicit(&con->call->caller_speaking, true, memory_order_relaxed);
	conversation_speech_began(con, e->ms);
	/* Gaps in the caller's audio are filled from now on, so the caller loop has a
	 * new deadline and must wake for it. */
	bell_ring(&con->call->caller_bell);
	TELL(con, now, .type = EVENT_CALLER_BEGAN);
}

/* The model counts ms of its session's input. The caller loop knows when that was said,
 * which gives the end of speech on our clock. */
static void on_speech_stopped(struct conversation *con, const struct model_event *e, int64_t now)
{
	int64_t at_us = e->ms < 0 ? INT64_MIN : call_position_us(con->call, call_position(con->call, e->ms));

	atomic_store_explicit(&con->call->caller_speaking, false, memory_order_relaxed);
	conversation_speech_ended(con, e->ms);
	TELL(con, now, .type = EVENT_CALLER_ENDED, .at_us = at_us == INT64_MIN ? 0 : at_us);
}

static void on_committed(struct conversation *con, const struct model_event *e, int64_t now)
{
	atomic_store_explicit(&con->call->caller_speaking, false, memory_order_relaxed);
	if (conversation_turn_over(con, e->item_id, now))
		stat_add(turns_caller, 1);
	TELL(con, now, .type = EVENT_TURN);
}

static void on_transcript(struct conversation *con, const struct model_event *e, int64_t now)
{
	struct turn *turn = conversation_turn(con, TURN_CALLER, e->item_id, now);
	bool newest;

	if (!turn || !turn->text_final) /* it may be told twice, and is billed once */
		call_cost_count(con->call, &con->spending, true, &e->usage);
	timeline_text(&con->timeline, turn, e->text, true);
	if (turn && conversation_written_down(con, turn))
		TELL(con, now, .type = EVENT_PLACED);
	newest = turn && con->spoken.newest == (size_t)(turn - con->timeline.turns) + 1;
	TELL(con, now, .type = EVENT_WRITTEN, .text = e->text + strspn(e->text, " \t\r\n.,!?-"), .newest = newest,
	    .known = newest ? conversation_known_answer(con, e->text) : KNOWN_NONE);
	log_debug(con->call->tag, "caller: %zu characters", strlen(e->text));
}

static void on_transcript_delta(struct conversation *con, const struct model_event *e, int64_t now)
{
	struct turn *turn = conversation_turn(con, TURN_CALLER, e->item_id, now);

	if (turn && !turn->text_final)
		timeline_text(&con->timeline, turn, e->text, false);
}

static void on_transcript_failed(struct conversation *con, const struct model_event *e, int64_t now)
{
	struct turn *turn = conversation_turn(con, TURN_CALLER, e->item_id, now);

	if (!turn)
		return;
	turn->transcript_failed = true;
	if (conversation_written_down(con, turn))
		TELL(con, now, .type = EVENT_PLACED);
	timeline_settled(&con->timeline, turn);
}

/* --------------------------------------------------------------- the agent's turn */

static void on_response_created(struct conversation *con, const struct model_event *e, int64_t now)
{
	TELL(con, now, .type = EVENT_BEGAN, .response = e->response_id, .aside = e->aside);
}

static void on_response_sign(struct conversation *con, const struct model_event *e, int64_t now)
{
	TELL(con, now, .type = EVENT_SIGN, .response = e->response_id);
}

/* Its rest is lost to the call, and a line for each of them would bury the others. */
static void on_invalid(struct conversation *con, const struct model_event *e, int64_t now)
{
	(void)now;
	stat_add(model_invalid_events, 1);
	call_cost_count(con->call, &con->spending, false, &e->usage); /* it is billed all the same */
	log_write(con->said_unreadable ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, con->call->tag,
	    "model: an event that cannot be read is ignored; type=%s", e->code[0] ? e->code : "unknown");
	con->said_unreadable = true;
}

/* Decoded before the dialogue decides: the counter of late audio needs its length, too.
 * A delta that is no base64 is still a sign of life. */
static void on_audio(struct conversation *con, const struct model_event *e, int64_t now)
{
	struct buf *decoded = &con->audio.decoded;
	char *room;
	ssize_t len;

	if (!con->link.current.protocol->audio) {
		on_response_sign(con, e, now);
		return;
	}
	if (decoded->cap > AUDIO_KEEP)
		buf_free(decoded);
	buf_reset(decoded);
	room = buf_room(decoded, BASE64_DECODED_MAX(e->audio.n));
	len = room ? json_base64(e->audio, (uint8_t *)room) : -ENOMEM;
	if (len < 0) {
		on_invalid(con, &(struct model_event){ .code = "response.output_audio.delta" }, now);
		on_response_sign(con, e, now);
		return;
	}
	decoded->len = (size_t)len;
	TELL(con, now, .type = EVENT_AUDIO, .response = e->response_id, .item = e->item_id, .count = (uint32_t)len);
}

static void on_audio_done(struct conversation *con, const struct model_event *e, int64_t now)
{
	TELL(con, now, .type = EVENT_PART_OVER, .response = e->response_id, .item = e->item_id);
}

static void on_item_added(struct conversation *con, const struct model_event *e, int64_t now)
{
	TELL(con, now, .type = EVENT_PART, .response = e->response_id);
	conversation_mcp_item(con, e, now);
}

/* Of a session in text: what can be said by now is in con->audio.decoded, as if it were sound. What is not
 * played, since the answer was cut before it came, is kept for the record, if nothing of it was. Blanks
 * are nothing to hear: those before the first word are left out, and an answer without one is silent. */
static void say(struct conversation *con, const struct model_event *e, int64_t now)
{
	struct buf *words = &con->audio.decoded;
	struct turn *turn = timeline_find(&con->timeline, e->item_id);
	bool begun = turn && (turn->sound || turn->text.len);

	if (!begun && !buf_text(words)[strspn(buf_text(words), " \t\r\n")]) {
		buf_reset(words);
		return;
	}
	TELL(con, now, .type = EVENT_AUDIO, .response = e->response_id, .item = e->item_id,
	    .count = (uint32_t)(words->len * SPOKEN_BYTES));
	turn = timeline_find(&con->timeline, e->item_id);
	if (turn && !turn->sound)
		timeline_text(&con->timeline, turn, buf_text(words), false);
	buf_reset(words);
}

/* In pieces, so that none is too large for the ring; the filter takes care of what must not be parted. */
static void say_text(struct conversation *con, const struct model_event *e, int64_t now)
{
	for (const char *at = e->text, *end = at + strlen(at); at < end;) {
		size_t len = (size_t)(end - at) < TEXT_PIECE ? (size_t)(end - at) : TEXT_PIECE;

		speakable_put(&con->text.speakable, &con->audio.decoded, at, len);
		say(con, e, now);
		at += len;
	}
}

/* The words are for the phone to speak. An end without any before it has them all. */
static void on_words(struct conversation *con, const struct model_event *e, const struct turn *turn, int64_t now)
{
	size_t place = turn ? (size_t)(turn - con->timeline.turns) + 1 : 0;

	if (con->text.turn != place)
		con->text.speakable = (struct speakable){ 0 };
	con->text.turn = place;
	buf_reset(&con->audio.decoded);
	if (e->type == MODEL_TEXT_DELTA) {
		say_text(con, e, now);
		return;
	}
	if (turn && !turn->text_final && !turn->sound && !turn->text.len && !con->text.speakable.len)
		say_text(con, e, now);
	speakable_end(&con->text.speakable, &con->audio.decoded);
	if (con->audio.decoded.len)
		say(con, e, now);
	TELL(con, now, .type = EVENT_PART_OVER, .response = e->response_id, .item = e->item_id);
}

/* In a session in audio they are only for the record. */
static void on_text(struct conversation *con, const struct model_event *e, int64_t now)
{
	struct turn *turn = conversation_turn(con, TURN_AGENT, e->item_id, now);

	on_response_sign(con, e, now);
	if (con->link.current.protocol->text)
		on_words(con, e, turn, now);
	else
		timeline_text(&con->timeline, turn, e->text, e->type == MODEL_TEXT_DONE);
}

/* Tools begin as soon as their item is whole: the response may go on for seconds. */
static void on_item_done(struct conversation *con, const struct model_event *e, int64_t now)
{
	TELL(con, now, .type = EVENT_PART_OVER, .response = e->response_id, .item = e->item_id,
	    .acts = e->call_count || e->mcp.what != MODEL_MCP_NONE);
	conversation_tools_called(con, e, now);
	conversation_mcp_item(con, e, now);
}

/* Errors that end the session: the next one goes on, or the call ends. All others are told or counted. */
static void mind_error(struct conversation *con, enum model_error error)
{
	if (error >= MODEL_RENEW)
		link_lose_by(&con->link, error);
	conversation_mind_link(con);
}

/* The tools in its list begin before the dialogue hears of its end, which says that no
 * more of them will come. With an error that ends the session the answer is still owed, as with any
 * session that is lost. An end that is told twice is one. */
static void on_response_done(struct conversation *con, const struct model_event *e, int64_t now)
{
	bool last = e->error >= MODEL_RENEW, failed = last || e->status == MODEL_FAILED;
	const char *status = model_status_name(e->status);
	/* Whoever stopped it, the caller waits for another, except where he has spoken. */
	bool claims = !failed && e->reason != MODEL_TURN_DETECTED;
	char account[160];

	if (!strcmp(con->ended, e->response_id))
		return;
	snprintf(con->ended, sizeof con->ended, "%s", e->response_id);
	snprintf(account, sizeof account, "status=%s reason=%s text_tokens=%" PRId64, status,
	    e->code[0] ? e->code : "none", e->usage.n[USAGE_TEXT_OUT]);
	call_cost_count(con->call, &con->spending, false, &e->usage);
	conversation_tools_called(con, e, now);
	con->timeline.dirty = true;
	if (failed) {
		stat_add(model_failed_answers, 1);
		stat_model_error(model_error_name(e->error), e->code);
		log_warn(con->call->tag, "model: answer failed (%s): %s", e->code, e->text);
	}
	if (last) {
		mind_error(con, e->error);
		return;
	}
	TELL(con, now, .type = EVENT_OVER, .response = e->response_id, .text = status, .failed = failed,
	    .turn_detected = e->reason == MODEL_TURN_DETECTED, .claims = claims ? account : NULL, .aside = e->aside);
	if (!e->aside)
		conversation_end_silent(con, status);
}

/* -------------------------------------------------------------------------- errors */

/* An error may name the request that it refuses, by the id we gave it. "Busy" means
 * that another response is being made; the dialogue then asks again. */

/* The number of the request for an answer; 0: none. */
static uint32_t request_no(const struct model_event *event)
{
	return event->refused == MODEL_REQUEST_ANSWER ? model_request_no(event->refused_id) : 0;
}

static void on_error(struct conversation *con, const struct model_event *e, int64_t now)
{
	bool busy = e->reason == MODEL_BUSY;

	stat_model_error(model_error_name(e->error), e->code);
	if (e->error == MODEL_HARMLESS)
		log_debug(con->call->tag, "model: error (%s): %s", e->code, e->text);
	else
		log_warn(con->call->tag, "model: error (%s): %s", e->code, e->text);
	link_refused(&con->link, e);
	/* Only requests for an answer are refused as busy, or for the time being, with or without a name. */
	if (((busy || e->error == MODEL_RETRY) && !e->refused_id[0]) || request_no(e))
		TELL(con, now, .type = EVENT_REFUSED, .request = request_no(e), .busy = busy);
	mind_error(con, e->error);
}

static void on_unknown(struct conversation *con, const struct model_event *e, int64_t now)
{
	(void)now;
	stat_add(model_unknown_events, 1);
	if (atomic_fetch_add_explicit(&con->call->counters.unknown_events, 1, memory_order_relaxed) == 0)
		log_debug(con->call->tag, "model: unknown event %s ignored", e->code);
}

static void on_session_updated(struct conversation *con, const struct model_event *e, int64_t now)
{
	(void)e;
	TELL(con, now, .type = EVENT_CONFIGURED);
}

static void on_nothing(struct conversation *con, const struct model_event *e, int64_t now)
{
	(void)con;
	(void)e;
	(void)now;
}

static void (*const handlers[])(struct conversation *, const struct model_event *, int64_t now_us) = {
	[MODEL_INVALID] = on_invalid,
	[MODEL_UNKNOWN] = on_unknown,
	[MODEL_IGNORED] = on_nothing,
	[MODEL_SESSION_CREATED] = on_nothing,
	[MODEL_SESSION_UPDATED] = on_session_updated,
	[MODEL_SPEECH_STARTED] = on_speech_started,
	[MODEL_SPEECH_STOPPED] = on_speech_stopped,
	[MODEL_COMMITTED] = on_committed,
	[MODEL_TRANSCRIPT_DELTA] = on_transcript_delta,
	[MODEL_TRANSCRIPT] = on_transcript,
	[MODEL_TRANSCRIPT_FAILED] = on_transcript_failed,
	[MODEL_RESPONSE_CREATED] = on_response_created,
	[MODEL_RESPONSE_SIGN] = on_response_sign,
	[MODEL_ITEM_ADDED] = on_item_added,
	[MODEL_ITEM_DONE] = on_item_done,
	[MODEL_MCP_LIST_FAILED] = conversation_mcp_list_failed,
	[MODEL_AUDIO] = on_audio,
	[MODEL_AUDIO_DONE] = on_audio_done,
	[MODEL_TEXT_DELTA] = on_text,
	[MODEL_TEXT_DONE] = on_text,
	[MODEL_RESPONSE_DONE] = on_response_done,
	[MODEL_ERROR] = on_error,
};

/* An answer goes on under a name of our own, but neither its end nor what was heard of it
 * can be told to the model. */
static void mind_ids(struct conversation *con, const struct model_event *e)
{
	if (con->said_long_id || (foreign_id_is_theirs(e->response_id) && foreign_id_is_theirs(e->item_id)))
		return;
	log_warn(con->call->tag, "model: an id is longer than 512 bytes, and cannot be told back to it");
	con->said_long_id = true;
}

void conversation_model_told(void *arg, const struct model_event *event, int64_t now_us)
{
	mind_ids(arg, event);
	handlers[event->type](arg, event, now_us);
}

/* --------------------------------------------------------------------------- mail */

/* Letters come from other threads, which were answered "accepted" when they posted
 * them. A letter that changes nothing any more leaves a log line. */

static void on_goodbye(struct conversation *con, const struct mail *mail, int64_t now)
{
	if (!TELL(con, now, .type = EVENT_GOODBYE, .text = mail->text, .exact = mail->exact, .firm = mail->firm,
		.end = mail->end))
		log_info(con->call->tag, "a goodbye while another one is being said: ignored");
}

/* The operator's transfer: to one of the agent's destinations, or to a number. The words
 * are firm, since the operator decided and not the conversation. */
static void on_transfer(struct conversation *con, const struct mail *mail, int64_t now)
{
	const struct agent_destination *d = tool_list_destination(con->call->agent, mail->name);
	const char *name = d ? d->name : words_colleague;
	char words[200];

	words_connecting(words, sizeof words, name);
	if (TELL(con, now, .type = EVENT_GOODBYE, .text = mail->text[0] ? mail->text : words, .exact = mail->exact,
		.firm = true, .end = END_TRANSFERRED))
		con->hand_over =
		    call_hand_over_to(name, d ? d->number : mail->name, d ? d->ring_seconds : RING_SECONDS);
	else
		log_info(con->call->tag, "told to transfer a call that is ending: ignored");
}

static void tell_of_machine(struct conversation *con, const struct mail *mail)
{
	call_tell(con->call,
	    (struct journal_entry){ .kind = JOURNAL_NOTE,
		.type = "machine",
		.facts = (struct journal_fact[]){ { "answered_by", mail->name }, { "action", mail->text }, { 0 } } });
	log_info(con->call->tag, "an answering machine: %s; action=%s", mail->name, mail->text);
}

/* Machine detection. The agent's own message, or the phrase. */
static void on_machine(struct conversation *con, const struct mail *mail, int64_t now)
{
	const char *message = con->call->context.machine_message;
	bool exact = false;

	tell_of_machine(con, mail);
	if (strcmp(mail->text, "message") != 0) {
		call_end(con->call, END_MACHINE);
		return;
	}
	if (!message[0])
		message = words_phrase(con->call->agent, PHRASE_MACHINE, con->machine, &exact);
	TELL(con, now, .type = EVENT_MACHINE, .text = message, .exact = exact);
}

static void on_say(struct conversation *con, const struct mail *mail, int64_t now)
{
	if (TELL(con, now, .type = EVENT_SAY, .text = mail->text, .exact = mail->exact))
		log_info(con->call->tag, "told to say something; exact=%d", mail->exact);
	else
		conversation_leave_unsaid(con, NULL, now);
}

/* Oldest first, in the order of posting. */
void conversation_take_mail(struct conversation *con, int64_t now_us)
{
	static void (*const takers[])(struct conversation *, const struct mail *, int64_t now_us) = {
		[MAIL_TOOL_ANSWER] = conversation_tool_answered,
		[MAIL_SAY] = on_say,
		[MAIL_TRANSFER] = on_transfer,
		[MAIL_MACHINE] = on_machine,
		[MAIL_DIGITS] = conversation_keys_wanted,
		[MAIL_PRESSED] = conversation_keys_answered,
		[MAIL_GOODBYE] = on_goodbye,
	};
	struct mail *mail = mailbox_take(&con->call->mail);

	while (mail) {
		struct mail *next = mail->next;

		takers[mail->type](con, mail, now_us);
		mail_free(mail);
		mail = next;
	}
}
