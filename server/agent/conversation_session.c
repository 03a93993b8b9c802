#include "server/agent/conversation_session.h"

#include "audio/convert.h"
#include "common/json_out.h"
#include "common/log.h"
#include "server/agent/conversation_model.h"
#include "server/agent/conversation_orders.h"
#include "server/agent/dialogue/dialogue_state.h"
#include "server/agent/link/link_next.h"
#include "server/agent/replay.h"
#include "server/model/words.h"
#include "server/stats/stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BYTES_PER_TOKEN = 4,
	LISTENED_US = 1 * US_PER_S /* in silence: older audio has no speech in it */
};

/* ------------------------------------------------------------------------- heard again */

/* The turn that nobody has written down yet, if its sound is still there; NULL: none. */
static struct turn *unwritten(struct conversation *con, int64_t now)
{
	int64_t at_us = con->spoken.pending ? call_position_us(con->call, con->spoken.pending) : INT64_MIN;

	if (at_us == INT64_MIN || now > at_us + con->call->cfg->backlog_ms * US_PER_MS)
		return NULL;
	for (size_t i = con->timeline.count; i > 0; i--)
		if (con->timeline.turns[i - 1].ends_at == con->spoken.pending)
			return &con->timeline.turns[i - 1];
	return NULL;
}

/* When a session is lost: the next one hears that turn again; in silence it is known, up to its last
 * sign of life, that nobody had begun to speak. */
static void keep_unheard(struct conversation *con, int64_t now)
{
	struct turn *turn = con->call->channel->audio ? unwritten(con, now) : NULL;

	con->spoken.again = turn ? (size_t)(turn - con->timeline.turns) + 1 : 0;
	if (!turn && con->spoken.pending)
		call_said_to(con->call, con->spoken.pending);
	else if (!turn && !con->dialogue.speaking)
		call_said_to(con->call, call_said_by(con->call, con->link.current.heard_us - LISTENED_US));
	con->spoken.end = 0;
	if (!turn)
		con->spoken.pending = 0;
}

/* What was said without a session, and is gone, stands in the record as a turn that was not written down; so it is
 * told as well. */
static bool note_lost(struct conversation *con, uint64_t after, int64_t now)
{
	struct turn *turn;

	if (!con->sessions.count || !call_lost_after(con->call, after))
		return false;
	call_said_to(con->call, call_gone_to(con->call));
	log_warn(con->call->tag, "something that the caller said without a session is lost");
	turn = timeline_turn(&con->timeline, TURN_CALLER, "", conversation_at_ms(con, now));
	if (turn) {
		turn->transcript_failed = true;
		timeline_settled(&con->timeline, turn);
	}
	return true;
}

/* A turn that is not there any more from its beginning is not heard again: nobody is to take its end for all of it. */
static void mind_lost(struct conversation *con, int64_t now)
{
	const struct turn *turn = con->spoken.again ? &con->timeline.turns[con->spoken.again - 1] : NULL;

	if (turn && turn->begins_at && call_lost_after(con->call, turn->begins_at)) {
		call_said_to(con->call, con->spoken.pending);
		con->spoken.again = con->spoken.pending = 0;
		turn = NULL;
	}
	con->spoken.lost = !turn && note_lost(con, 0, now);
}

/* A question is no part of what the session is told. One that was answered is, as far as it was written
 * down: its place is before the answer (conversation_place_turn). */
static void hear_again(struct conversation *con)
{
	if (con->spoken.again && !con->spoken.answered)
		con->timeline.turns[con->spoken.again - 1].session = con->link.current.no;
}

/* ------------------------------------------------------------------------ told the past */

/* Where the conversation is, for a session in the middle of it. */
static void put_place(struct conversation *con, char *out, size_t size)
{
	const struct farewell *farewell = &con->dialogue.farewell;
	size_t len;

	out[0] = '\0';
	con->sessions.told_rest = false;
	if (farewell->state && farewell->end == END_TRANSFERRED)
		words_being_connected(out, size, con->hand_over.name);
	else if (farewell->state)
		snprintf(out, size, "%s", words_ending);
	len = strlen(out);
	if (con->text.language[0]) {
		len += (size_t)snprintf(out + len, size - len, "%s", len ? " " : "");
		words_speaks(out + len, size - len, con->text.language);
	}
	len = strlen(out);
	con->sessions.told_rest = dialogue_resumes(&con->dialogue);
	if (con->sessions.told_rest && conversation_said_some(con))
		snprintf(out + len, size - len, "%s%s", len ? " " : "", words_broke_off);
}

static void put_piece(struct conversation *con, const struct model_protocol *protocol, const struct replay_piece *piece,
    const char *id, const char *text)
{
	static const enum model_role roles[] = {
		[REPLAY_CALLER] = MODEL_ROLE_CALLER, [REPLAY_AGENT] = MODEL_ROLE_AGENT, [REPLAY_NOTE] = MODEL_ROLE_NOTE
	};

	if (piece->kind == REPLAY_CALL)
		protocol->tool_call(&con->message, id, piece->run->call_id, piece->run->name, text);
	else if (piece->kind == REPLAY_RESULT)
		protocol->tool_result(&con->message, id, piece->run->call_id, text);
	else
		protocol->item(&con->message, id, roles[piece->kind], text, "");
}

/* False: it cannot be told; a next session is let go with that. */
static bool tell_piece(struct conversation *con, const struct link_session *to, const struct replay_piece *piece)
{
	bool next = to == &con->link.next;
	uint32_t no = ++con->requests_sent;
	char id[MODEL_REQUEST_ID_SIZE], *text = strndup(piece->text, piece->len);

	if (!text)
		return true; /* without this one */
	model_request_id(MODEL_REQUEST_PAST, no, id);
	put_piece(con, to->protocol, piece, id, text);
	free(text);
	if (next && !buf_error(&con->message))
		link_send_next(&con->link, buf_text(&con->message), con->message.len);
	else if (!next)
		conversation_send(con);
	buf_reset(&con->message);
	if (next && !to->session)
		return false;
	if (piece->turn) {
		piece->turn->session = to->no;
		piece->turn->known_as = no;
	}
	if (piece->run)
		piece->run->session = to->no;
	return true;
}

/* To the current session, or to the next one. */
static void tell_past(struct conversation *con, const struct link_session *to)
{
	bool next = to == &con->link.next;
	const struct call_context *context = &con->call->context;
	const struct fleet_said *said = con->sessions.said_to == to->no ? NULL : context->said;
	char back[400] = "", place[800] = "";
	struct replay replay;
	size_t told = 0, cut = 0;

	if (said && context->lost_session[0])
		words_reconnected(back, sizeof back);
	else if (said)
		words_back(back, sizeof back, context->back_from, context->back_why);
	if (said)
		words_first_language(back, sizeof back, con->call->agent);
	if (!next)
		put_place(con, place, sizeof place);
	if (!replay_make(&replay, &(struct replay_source){ .said = said,
				      .back = back,
				      .timeline = &con->timeline,
				      .box = &con->tools.box,
				      .session = to->no,
				      .settled = next,
				      .text = to->protocol->text,
				      .written = to->protocol->text || con->call->agent->transcription_model[0],
				      .place = place,
				      .bytes = (size_t)con->call->cfg->replay_tokens * BYTES_PER_TOKEN }))
		return;
	while (told < replay.count && tell_piece(con, to, &replay.pieces[told]))
		cut += replay.pieces[told++].cut;
	if (told == replay.count) { /* else it was let go, and another is told all of it */
		stat_add(model_replay_cut, cut);
		stat_add(model_replay_left_out, replay.left_out);
		con->sessions.said_to = to->no;
	}
	if (told)
		log_info(con->call->tag, "the model is told the conversation; pieces=%zu left_out=%zu", told,
		    replay.left_out);
	replay_free(&replay);
}

/* ------------------------------------------------------------------------ they come and go */

static struct session_seen *seen_last(struct conversation *con)
{
	size_t count = con->sessions.count;

	return count ? &con->sessions.seen[(count - 1) % SESSIONS_SHOWN] : NULL;
}

static void note_session(struct conversation *con, int64_t now)
{
	struct session_seen *seen;

	con->sessions.count++;
	seen = seen_last(con);
	free(seen->id);
	*seen = (struct session_seen){ 0 };
	call_cost_session(con->call, con->link.current.access->number,
	    model_access_model(con->link.current.access, con->call->agent));
	/* One by requests is none of the service's. */
	if (con->link.current.protocol->by_requests)
		return;
	seen->id = strdup(link_session_id(&con->link) ? link_session_id(&con->link) : "");
	seen->endpoint = con->link.current.access->host;
	seen->from_ms = conversation_at_ms(con, now);
}

/* What is dialled from now on is opened as it will be wanted, as far as that is known; it is told what has changed by
 * then (away_ends). One that hears again what was answered does not answer. */
static void set_wish(struct conversation *con)
{
	con->link.wish.protect = con->dialogue.ears == EARS_PROTECTING ||
				 (!con->dialogue.model && con->spoken.again && con->spoken.answered);
}

static void note_end(struct conversation *con, const char *why, int64_t now)
{
	struct session_seen *seen = seen_last(con);

	if (seen && !seen->ended) {
		seen->to_ms = conversation_at_ms(con, now);
		seen->ended = why;
	}
	con->timeline.dirty = true;
}

/* Since the last session was lost; a renewal takes no time. */
static int64_t away_ms(const struct conversation *con, int64_t now)
{
	return con->sessions.away_us ? (now - con->sessions.away_us) / US_PER_MS : 0;
}

/* The service bills an answer that it was making, and does not say what any more. */
static void count_unreported(struct conversation *con)
{
	int64_t ms = dialogue_making_ms(&con->dialogue, con->ended);
	size_t bytes = 0;

	if (ms < 0)
		return;
	for (const struct turn *turn = con->timeline.turns; turn < con->timeline.turns + con->timeline.count; turn++)
		if (turn->kind == TURN_AGENT && !strcmp(turn->status, "in_progress"))
			bytes += turn->text.len;
	call_cost_estimate(con->call, &con->spending, con->link.current.protocol->text ? 0 : ms, bytes);
}

void conversation_sessions_over(struct conversation *con, int64_t now_us)
{
	if (!link_talks(&con->link))
		note_lost(con, con->spoken.pending, now_us);
	count_unreported(con);
	conversation_end_silent(con, "incomplete");
	stat_add(model_away_ms, (uint64_t)away_ms(con, now_us));
	note_end(con, "call_ended", now_us);
}

/* While the session is still the current one. The dialogue asks for nothing while none talks. */
static void go_away(struct conversation *con, const char *why, int64_t now)
{
	note_end(con, why, now);
	atomic_store_explicit(&con->call->caller_speaking, false, memory_order_relaxed);
	keep_unheard(con, now);
	count_unreported(con);
	TELL(con, now, .type = EVENT_MODEL_AWAY);
	conversation_end_silent(con, "incomplete");
	con->spoken.answered &= !conversation_answer_unheard(con);
	con->sessions.away_us = now;
	set_wish(con);
}

void conversation_mind_loss(struct conversation *con, int64_t now_us)
{
	if (!con->dialogue.model || link_talks(&con->link))
		return;
	stat_add(model_lost, 1);
	go_away(con, call_ending(con->link.why ? con->link.why : END_MODEL_LOST)->json, now_us);
}

static void tell_of_another(struct conversation *con, bool renewed, int64_t now)
{
	char tries[12], ms[24];

	if (renewed) {
		stat_add(model_renewed, 1);
		log_info(con->call->tag, "model: a new session goes on with the call");
		return;
	}
	stat_add(model_reconnected, 1);
	stat_add(model_away_ms, (uint64_t)away_ms(con, now));
	snprintf(tries, sizeof tries, "%d", con->link.tries);
	snprintf(ms, sizeof ms, "%" PRId64, away_ms(con, now));
	log_info(con->call->tag, "model: reconnected; reason=%s tries=%s away_ms=%s", call_ending(con->link.why)->json,
	    tries, ms);
	call_tell(con->call, (struct journal_entry){ .kind = JOURNAL_NOTE,
				 .type = "call.reconnected",
				 .facts = (struct journal_fact[]){ { "reason", call_ending(con->link.why)->json },
				     { "tries", tries }, { "ms", ms }, { 0 } } });
}

/* A session is ready; its audio format may differ from the last one's. It hears the caller once it has
 * been told the conversation. */
static void meet_session(struct conversation *con, bool renewed, int64_t now)
{
	bool first = !con->sessions.count;

	if (con->link.current.protocol->audio &&
	    converter_switch(&con->audio.converter, con->link.current.access->format))
		call_end(con->call, END_INTERNAL_ERROR);
	if (con->audio.converter)
		converter_reset_to_caller(con->audio.converter);
	mind_lost(con, now);
	hear_again(con);
	tell_past(con, &con->link.current);
	con->timeline.dirty = true;
	link_replayed(&con->link);
	note_session(con, now);
	if (!first)
		tell_of_another(con, renewed, now);
	con->sessions.away_us = 0;
	TELL(con, now, .type = EVENT_MODEL_READY, .resent = con->spoken.again && !con->spoken.answered,
	    .heard_again = con->spoken.again && con->spoken.answered, .deaf = con->link.current.deaf,
	    .lost = con->spoken.lost, .alone = !con->link.current.protocol->can_aside);
}

/* Nobody is to notice: it comes at a moment at which nothing is under way, or else when there is hardly
 * any time left. */
static void mind_next(struct conversation *con, int64_t now)
{
	struct link *l = &con->link;

	if (now >= conversation_renew_us(con) && link_renew(l, now))
		log_info(con->call->tag, "model: the session is nearly over, the next one is dialled");
	if (!l->next.ready)
		return;
	if (con->sessions.told != l->next.no)
		tell_past(con, &l->next);
	con->sessions.told = l->next.no;
	if (!link_may_swap(l, dialogue_quiet(&con->dialogue) || now >= l->current.force_us))
		return;
	go_away(con, "renewed", now);
	link_swap(l);
	meet_session(con, true, now);
}

int64_t conversation_renew_us(const struct conversation *con)
{
	return con->dialogue.farewell.state ? NEVER_US : link_renew_us(&con->link);
}

void conversation_mind_sessions(struct conversation *con, int64_t now_us)
{
	mind_next(con, now_us);
	if (con->link.state == LINK_REPLAYING)
		meet_session(con, false, now_us);
	set_wish(con);
}

/* ------------------------------------------------------------------------------- shown */

size_t conversation_put_sessions(const struct conversation *con, struct buf *out)
{
	size_t count = con->sessions.count, before = count > SESSIONS_SHOWN ? count - SESSIONS_SHOWN : 0;
	struct json_out j = json_out_to(out);

	json_put_array(&j, NULL);
	for (size_t i = before; i < count; i++) {
		const struct session_seen *seen = &con->sessions.seen[i % SESSIONS_SHOWN];

		if (!seen->id)
			continue;
		json_put_object(&j, NULL);
		json_put_text(&j, "id", seen->id);
		json_put_text(&j, "endpoint", seen->endpoint);
		json_put_int(&j, "from_ms", seen->from_ms);
		if (seen->ended)
			json_put_int(&j, "to_ms", seen->to_ms);
		else
			json_put_null(&j, "to_ms");
		json_put_text(&j, "ended", seen->ended);
		json_put_end(&j);
	}
	json_put_end(&j);
	return before;
}

void conversation_sessions_free(struct conversation *con)
{
	for (size_t i = 0; i < SESSIONS_SHOWN; i++)
		free(con->sessions.seen[i].id);
}
