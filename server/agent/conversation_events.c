/* What the model tells, one handler an event. */
#include "server/agent/conversation_private.h"

#include "audio/g711.h"
#include "audio/convert.h"
#include "common/base64.h"
#include "common/clock.h"
#include "common/log.h"
#include "server/stats/stats.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RECORD_AUDIO = 32 * 1024, /* of one record in to_caller */
	AUDIO_KEEP = 256 * 1024   /* a decoding buffer larger than this is given back */
};

/* ------------------------------------------------------------- the caller's turn */

static void on_speech_started(struct conversation *con, const struct model_event *e, int64_t now)
{
	(void)e;
	con->speaking = true;
	con->last_voice_us = con->speech_us = now;
	conversation_caller_spoke_up(con, now);
	atomic_store_explicit(&con->call->caller_speaking, true, memory_order_relaxed);
	/* From now on silence on the wire is to be filled: a deadline it may sleep over. */
	bell_ring(&con->call->caller_bell);
	/* The model cancels what it is saying by itself. */
	if (!con->protecting && !con->farewell.firm && con->call->agent->interruptible)
		conversation_interrupt(con, false, now);
}

static void on_speech_stopped(struct conversation *con, const struct model_event *e, int64_t now)
{
	int64_t anchor = atomic_load_explicit(&con->call->uplink_anchor_us, memory_order_relaxed);

	con->speaking = false;
	con->last_voice_us = now;
	atomic_store_explicit(&con->call->caller_speaking, false, memory_order_relaxed);
	con->stop_event_us = now;
	con->stop_speech_us = anchor == INT64_MIN || e->ms < 0 ? 0 : anchor + e->ms * US_PER_MS;
}

static void on_committed(struct conversation *con, const struct model_event *e, int64_t now)
{
	timeline_turn(&con->timeline, TURN_CALLER, e->item_id, conversation_at_ms(con, now));
	stat_add(turns_caller, 1);
	if (con->farewell.firm)
		return; /* the model answers nobody any more */
	if (con->protecting)
		con->turn_waiting = true;
	else if (con->restoring)
		/* The model was still told not to answer by itself. */
		seq_want(&con->seq, true, now);
	else if (con->seq.active[0] && !con->call->agent->interruptible)
		/* Without interruption a turn that ends while the model speaks
		 * may be passed over. */
		seq_want(&con->seq, true, now);
	else if (!con->seq.active[0])
		seq_expect(&con->seq, now);
}

static void on_transcript(struct conversation *con, const struct model_event *e, int64_t now)
{
	struct turn *turn = timeline_turn(&con->timeline, TURN_CALLER, e->item_id, conversation_at_ms(con, now));

	conversation_count_usage(con, true, &e->usage);
	timeline_text(&con->timeline, turn, e->text, true);
	log_debug(con->call->tag, "caller: %zu characters", strlen(e->text));
}

static void on_transcript_delta(struct conversation *con, const struct model_event *e, int64_t now)
{
	struct turn *turn = timeline_turn(&con->timeline, TURN_CALLER, e->item_id, conversation_at_ms(con, now));

	if (turn && !turn->text_final)
		timeline_text(&con->timeline, turn, e->text, false);
}

static void on_transcript_failed(struct conversation *con, const struct model_event *e, int64_t now)
{
	struct turn *turn = timeline_turn(&con->timeline, TURN_CALLER, e->item_id, conversation_at_ms(con, now));

	if (!turn)
		return;
	turn->transcript_failed = true;
	timeline_settled(&con->timeline, turn);
}

/* --------------------------------------------------------------- the agent's turn */

static void on_response_created(struct conversation *con, const struct model_event *e, int64_t now)
{
	bool asked = con->seq.sent[0] != '\0';
	enum seq_birth birth = seq_created(&con->seq, e->response_id, now);

	if (asked)
		cues_created(&con->cues, e->response_id, birth == SEQ_WELCOME);
	if (birth == SEQ_WELCOME) {
		conversation_tools_talking(con, asked, now);
		return;
	}
	/* The caller interrupted before it began. */
	answers_drop(&con->answers, e->response_id);
	if (birth != SEQ_CANCEL)
		return;
	conversation_cancel(con, e->response_id);
}

/* Queues mu-law to be played, or drops the tail of an answer that is longer
 * than what may wait. */
static void queue_audio(struct conversation *con, struct answer *answer, const uint8_t *mulaw, size_t len)
{
	struct call *c = con->call;
	struct to_audio head = { .no = answer->no };

	answer->received += len;
	for (size_t at = 0; at < len; at += RECORD_AUDIO) {
		size_t part = len - at < RECORD_AUDIO ? len - at : RECORD_AUDIO;

		if (answer->overflowed || ring_used(&c->to_caller) + part > TO_CALLER_AUDIO_MAX ||
		    !ring_put2(&c->to_caller, TO_AUDIO, &head, sizeof head, mulaw + at, part)) {
			if (!answer->overflowed)
				log_warn(c->tag, "an answer is too long to queue; its end is dropped");
			answer->overflowed = true;
			stat_add(audio_answer_dropped_ms, part / G711_BYTES_PER_MS);
			atomic_fetch_add_explicit(
			    &c->counters.answer_dropped_ms, part / G711_BYTES_PER_MS, memory_order_relaxed);
		}
	}
	if (ring_wanted(&c->to_caller))
		bell_ring(&c->caller_bell);
}

static uint8_t *room_for_converted(struct conversation *con, size_t size)
{
	if (size > con->converted_size) {
		uint8_t *grown = realloc(con->converted, size);

		if (!grown)
			return NULL;
		con->converted = grown;
		con->converted_size = size;
	}
	return con->converted;
}

static void late_audio(struct conversation *con, size_t model_bytes)
{
	uint64_t ms = convert_bytes_to_ms(con->link.access->format, model_bytes);

	stat_add(audio_late_delta_ms, ms);
	atomic_fetch_add_explicit(&con->call->counters.late_delta_ms, ms, memory_order_relaxed);
}

static void on_audio(struct conversation *con, const struct model_event *e, int64_t now)
{
	struct answer *answer;
	char *room;
	ssize_t len;

	seq_alive(&con->seq, e->response_id, now);
	if (con->audio.cap > AUDIO_KEEP)
		buf_free(&con->audio);
	buf_reset(&con->audio);
	room = buf_room(&con->audio, BASE64_DECODED_MAX(e->audio.n));
	len = room ? json_base64(e->audio, (uint8_t *)room) : -ENOMEM;
	if (len < 0) {
		stat_add(model_invalid_events, 1);
		return;
	}
	/* Late deltas of an answer the caller has cut are not played. */
	if (answers_dropped(&con->answers, e->response_id)) {
		late_audio(con, (size_t)len);
		return;
	}
	answer = answers_item(&con->answers, e->response_id, e->item_id);
	if (answer->over || answer->complete) {
		late_audio(con, (size_t)len);
		return;
	}
	if (!answer->received)
		timeline_turn(&con->timeline, TURN_AGENT, e->item_id, conversation_at_ms(con, now));
	if (!con->converter) {
		queue_audio(con, answer, (const uint8_t *)room, (size_t)len);
	} else {
		uint8_t *out = room_for_converted(con, converter_to_caller_max(con->converter, (size_t)len));

		if (out)
			queue_audio(con, answer, out,
			    converter_to_caller(con->converter, (const uint8_t *)room, (size_t)len, out));
	}
}

/* No more audio of this item comes. */
static void complete_answer(struct conversation *con, struct answer *answer)
{
	struct turn *turn;

	if (answer->complete)
		return;
	if (!answer->over && !answers_dropped(&con->answers, answer->response_id)) {
		if (con->converter) {
			uint8_t tail[CONVERT_TAIL_MAX];

			queue_audio(con, answer, tail, converter_finish_to_caller(con->converter, tail));
		}
		ring_put(&con->call->to_caller, TO_ITEM_END, &answer->no, sizeof answer->no);
		if (ring_wanted(&con->call->to_caller))
			bell_ring(&con->call->caller_bell);
	} else if (con->converter) {
		converter_reset_to_caller(con->converter);
	}
	answer->complete = true;
	turn = timeline_find(&con->timeline, answer->item_id);
	if (turn) {
		turn->generated_ms = (uint32_t)(answer->received / G711_BYTES_PER_MS);
		timeline_settled(&con->timeline, turn);
	}
}

static void on_audio_done(struct conversation *con, const struct model_event *e, int64_t now)
{
	struct answer *answer = answers_by_item(&con->answers, e->item_id);

	seq_alive(&con->seq, e->response_id, now);
	if (answer)
		complete_answer(con, answer);
}

static void on_text(struct conversation *con, const struct model_event *e, int64_t now)
{
	struct turn *turn = timeline_turn(&con->timeline, TURN_AGENT, e->item_id, conversation_at_ms(con, now));

	seq_alive(&con->seq, e->response_id, now);
	timeline_text(&con->timeline, turn, e->text, e->type == MODEL_TEXT_DONE);
}

static void on_response_sign(struct conversation *con, const struct model_event *e, int64_t now)
{
	/* MCP servers are asked by the model's side; what tells of it names no response. */
	seq_alive(&con->seq, e->response_id[0] ? e->response_id : con->seq.active, now);
}

static void on_item_done(struct conversation *con, const struct model_event *e, int64_t now)
{
	seq_alive(&con->seq, e->response_id, now);
	conversation_tools_called(con, e, now);
	conversation_mcp_item(con, e, now);
}

/* An answer without audio is a turn by its words alone. Only one response is
 * made at a time, so what is unfinished and has no audio is of this one. */
static void finish_silent_turns(struct conversation *con, const char *status)
{
	for (size_t i = 0; i < con->timeline.count; i++) {
		struct turn *turn = &con->timeline.turns[i];

		if (turn->kind == TURN_AGENT && !strcmp(turn->status, "in_progress") &&
		    !answers_by_item(&con->answers, turn->item_id)) {
			turn->status = status;
			timeline_settled(&con->timeline, turn);
		}
	}
}

/* The model stopped it because the caller spoke, and it began too late for that
 * news to find it: what is queued of it is stale all the same. */
static void cut_what_was_cancelled(struct conversation *con, const struct model_event *e, int64_t now)
{
	if (e->reason != MODEL_TURN_DETECTED)
		return;
	for (size_t i = 0; i < con->answers.count; i++) {
		const struct answer *answer = &con->answers.list[i];

		if (!answer->over && !strcmp(answer->response_id, e->response_id) &&
		    !answers_dropped(&con->answers, e->response_id)) {
			conversation_interrupt(con, false, now);
			return;
		}
	}
}

static void finish_response(struct conversation *con, const struct model_event *e, bool failed, int64_t now)
{
	bool wanted = con->seq.wanted, cut = answers_dropped(&con->answers, e->response_id);
	enum seq_verdict verdict = seq_done(&con->seq, e->response_id, failed, now);

	if (cues_done(&con->cues, e->response_id, failed, cut) != CUE_NOT_OURS && !wanted)
		seq_unwant(&con->seq);
	conversation_judge(con, verdict);
}

static void on_response_done(struct conversation *con, const struct model_event *e, int64_t now)
{
	bool failed = e->status == MODEL_FAILED;
	const char *status = model_status_name(e->status);

	conversation_count_usage(con, false, &e->usage);
	cut_what_was_cancelled(con, e, now);

	for (size_t i = 0; i < con->answers.count; i++) {
		struct answer *answer = &con->answers.list[i];
		struct turn *turn;

		if (strcmp(answer->response_id, e->response_id))
			continue;
		complete_answer(con, answer);
		turn = timeline_find(&con->timeline, answer->item_id);
		if (turn) {
			turn->status = status;
			timeline_settled(&con->timeline, turn);
		}
	}
	finish_silent_turns(con, status);
	conversation_tools_called(con, e, now);
	conversation_tools_made(con, e->response_id, now);
	con->timeline.dirty = true;
	con->last_voice_us = now;
	if (failed) {
		stat_add(model_failed_answers, 1);
		stat_model_error(model_error_name(e->error), e->code);
		log_warn(con->call->tag, "model: answer failed (%s): %s", e->code, e->text);
	} else {
		stat_add(turns_answers, 1);
	}
	if (failed && (e->error == MODEL_FATAL || e->error == MODEL_RENEW))
		conversation_model_failed(con, e->error == MODEL_FATAL ? END_MODEL_REFUSED : END_MODEL_EXPIRED);
	else
		finish_response(con, e, failed, now);
	/* A greeting that failed protects nothing. */
	if (con->protecting && failed)
		conversation_end_protection(con, now);
}

/* -------------------------------------------------------------------------- errors */

static void refused(struct conversation *con, const char *asked, bool busy, int64_t now)
{
	char event_id[SEQ_ID_SIZE];
	bool wanted = con->seq.wanted;
	enum seq_verdict verdict;

	snprintf(event_id, sizeof event_id, "%s", asked);
	verdict = seq_refused(&con->seq, event_id, busy, now);
	if (cues_refused(&con->cues, event_id) && !wanted)
		seq_unwant(&con->seq);
	conversation_judge(con, verdict);
}

static void on_error(struct conversation *con, const struct model_event *e, int64_t now)
{
	bool busy = e->reason == MODEL_BUSY;

	stat_model_error(model_error_name(e->error), e->code);
	if (e->error == MODEL_HARMLESS)
		log_debug(con->call->tag, "model: error (%s): %s", e->code, e->text);
	else
		log_warn(con->call->tag, "model: error (%s): %s", e->code, e->text);
	/* Only a request for an answer can be refused as busy, named or not. */
	if (busy && !e->refused_id[0])
		refused(con, con->seq.asked, true, now);
	else if (e->refused == MODEL_REQUEST_ANSWER)
		refused(con, e->refused_id, busy, now);
	if (e->error == MODEL_RENEW)
		conversation_model_failed(con, END_MODEL_EXPIRED);
	else if (e->error == MODEL_FATAL)
		conversation_model_failed(con, END_MODEL_REFUSED);
}

static void on_unknown(struct conversation *con, const struct model_event *e, int64_t now)
{
	(void)now;
	stat_add(model_unknown_events, 1);
	if (atomic_fetch_add_explicit(&con->call->counters.unknown_events, 1, memory_order_relaxed) == 0)
		log_debug(con->call->tag, "model: unknown event %s ignored", e->code);
}

static void on_invalid(struct conversation *con, const struct model_event *e, int64_t now)
{
	(void)e;
	(void)now;
	stat_add(model_invalid_events, 1);
	log_debug(con->call->tag, "model: message that makes no sense ignored");
}

static void on_session_updated(struct conversation *con, const struct model_event *e, int64_t now)
{
	(void)e;
	(void)now;
	con->restoring = false;
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
	[MODEL_ITEM_DONE] = on_item_done,
	[MODEL_MCP_LIST_FAILED] = conversation_mcp_list_failed,
	[MODEL_AUDIO] = on_audio,
	[MODEL_AUDIO_DONE] = on_audio_done,
	[MODEL_TEXT_DELTA] = on_text,
	[MODEL_TEXT_DONE] = on_text,
	[MODEL_RESPONSE_DONE] = on_response_done,
	[MODEL_ERROR] = on_error,
};

void conversation_model_told(void *arg, const struct model_event *event, int64_t now_us)
{
	handlers[event->type](arg, event, now_us);
}
