#include "server/agent/conversation_session.h"

#include "audio/convert.h"
#include "common/json_out.h"
#include "common/log.h"
#include "server/agent/conversation_model.h"
#include "server/agent/conversation_orders.h"
#include "server/agent/dialogue/dialogue_state.h"
#include "server/agent/link_next.h"
#include "server/agent/replay.h"
#include "server/model/words.h"
#include "server/stats/stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BYTES_PER_TOKEN = 4,
	ONE_TRY = 3000 * 1000, /* for another session, however long the caller has waited for the last one */
	LISTENED = 1000 * 1000 /* in silence: older audio has no speech in it */
};

/* ------------------------------------------------------------------------- heard again */

/* The turn that nobody has written down yet, if its sound is still there; NULL: none. */
static struct turn *unwritten(struct conversation *con, int64_t now)
{
	int64_t at_us = con->ears.pending ? call_position_us(con->call, con->ears.pending) : INT64_MIN;

	if (at_us == INT64_MIN || now > at_us + con->call->cfg->backlog_ms * US_PER_MS)
		return NULL;
	for (size_t i = con->timeline.count; i > 0; i--)
		if (con->timeline.turns[i - 1].ends_at == con->ears.pending)
			return &con->timeline.turns[i - 1];
	return NULL;
}

/* When a session is lost: the next one hears that turn again; in silence it is known, up to its last
 * sign of life, that nobody had begun to speak. */
static void keep_unheard(struct conversation *con, int64_t now)
{
	struct turn *turn = con->call->channel->audio ? unwritten(con, now) : NULL;

	con->ears.again = turn ? (size_t)(turn - con->timeline.turns) + 1 : 0;
	if (!turn && con->ears.pending)
		call_said_to(con->call, con->ears.pending);
	else if (!turn && !con->dialogue.speaking)
		call_said_to(con->call, call_said_by(con->call, con->link.heard_us - LISTENED));
	con->ears.end = 0;
	if (!turn)
		con->ears.pending = 0;
}

/* It is no part of what the session is told. */
static void hear_again(struct conversation *con)
{
	if (con->ears.again)
		con->timeline.turns[con->ears.again - 1].session = con->link.no;
}

/* ------------------------------------------------------------------------ told the past */

/* Where the conversation is, for a session in the middle of it. */
static void put_place(const struct conversation *con, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	if (!con->sessions.count)
		return;
	if (con->dialogue.farewell.state && con->dialogue.farewell.end == END_TRANSFERRED)
		words_being_connected(out, size, con->hand_over.name);
	else if (con->dialogue.farewell.state)
		snprintf(out, size, "%s", words_ending);
	len = strlen(out);
	if (con->text.language[0]) {
		len += (size_t)snprintf(out + len, size - len, "%s", len ? " " : "");
		words_speaks(out + len, size - len, con->text.language);
	}
	len = strlen(out);
	if (dialogue_resumes(&con->dialogue))
		snprintf(out + len, size - len, "%s%s", len ? " " : "", words_broke_off);
}

static void put_piece(struct conversation *con, const struct replay_piece *piece, const char *id, const char *text)
{
	static const enum model_role roles[] = {
		[REPLAY_CALLER] = MODEL_ROLE_CALLER, [REPLAY_AGENT] = MODEL_ROLE_AGENT, [REPLAY_NOTE] = MODEL_ROLE_NOTE
	};
	const struct model_protocol *protocol = con->link.protocol;

	if (piece->kind == REPLAY_CALL)
		protocol->tool_call(&con->message, id, piece->run->call_id, piece->run->name, text);
	else if (piece->kind == REPLAY_RESULT)
		protocol->tool_result(&con->message, id, piece->run->call_id, text);
	else
		protocol->item(&con->message, id, roles[piece->kind], text, "");
}

/* To the session, or to the next one. */
static void tell_piece(struct conversation *con, const struct replay_piece *piece, bool next)
{
	uint32_t no = ++con->requests_sent, session = next ? con->link.next_no : con->link.no;
	char id[MODEL_REQUEST_ID_SIZE], *text = strndup(piece->text, piece->len);

	if (!text)
		return;
	model_request_id(MODEL_REQUEST_PAST, no, id);
	put_piece(con, piece, id, text);
	free(text);
	if (next && !buf_error(&con->message))
		link_send_next(&con->link, buf_text(&con->message), con->message.len);
	else if (!next)
		conversation_send(con);
	buf_reset(&con->message);
	if (piece->turn) {
		piece->turn->session = session;
		piece->turn->known_as = piece->turn->kind == TURN_AGENT ? no : 0;
	}
	if (piece->run)
		piece->run->session = session;
}

static void tell_past(struct conversation *con, bool next)
{
	const struct call_context *context = &con->call->context;
	uint32_t session = next ? con->link.next_no : con->link.no;
	const struct fleet_said *said = con->sessions.said_to == session ? NULL : context->said;
	char back[400] = "", place[800] = "";
	struct replay replay;

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
				      .session = session,
				      .settled = next,
				      .text = con->link.protocol->text,
				      .place = place,
				      .bytes = (size_t)con->call->cfg->replay_tokens * BYTES_PER_TOKEN }))
		return;
	for (size_t i = 0; i < replay.count; i++)
		tell_piece(con, &replay.pieces[i], next);
	if (replay.count)
		log_info(con->call->tag, "the model is told the conversation; pieces=%zu left_out=%zu", replay.count,
		    replay.left_out);
	con->sessions.said_to = session;
	replay_free(&replay);
}

/* ------------------------------------------------------------------------ they come and go */

static struct session_seen *seen_last(struct conversation *con)
{
	size_t count = con->sessions.count;

	return count && count <= SESSIONS_SHOWN ? &con->sessions.seen[count - 1] : NULL;
}

static void note_session(struct conversation *con, int64_t now)
{
	struct session_seen *seen;

	con->sessions.count++;
	atomic_store_explicit(
	    &con->call->model_name, model_access_model(con->link.access, con->call->agent), memory_order_relaxed);
	/* One by requests is none of the service's. */
	if (con->link.protocol->by_requests || !(seen = seen_last(con)))
		return;
	seen->id = strdup(link_session_id(&con->link) ? link_session_id(&con->link) : "");
	seen->endpoint = con->link.access->host;
	seen->from_ms = conversation_at_ms(con, now);
}

/* The next one is opened as the ears are by then; one that hears again what was answered does not answer. */
static void set_wish(struct conversation *con)
{
	con->link.wish.protect =
	    con->dialogue.ears == EARS_PROTECTING || (!con->dialogue.model && con->ears.again && con->ears.answered);
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

void conversation_sessions_over(struct conversation *con, int64_t now_us)
{
	note_end(con, "call_ended", now_us);
}

/* The dialogue asks for nothing while no session talks. */
static void go_away(struct conversation *con, const char *why, int64_t now)
{
	note_end(con, why, now);
	atomic_store_explicit(&con->call->caller_speaking, false, memory_order_relaxed);
	keep_unheard(con, now);
	TELL(con, now, .type = EVENT_MODEL_AWAY);
	conversation_end_silent(con, "incomplete");
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
	int64_t away_ms = (now - con->sessions.away_us) / US_PER_MS;

	if (renewed) {
		stat_add(model_renewed, 1);
		log_info(con->call->tag, "model: a new session goes on with the call");
		return;
	}
	stat_add(model_reconnected, 1);
	snprintf(tries, sizeof tries, "%d", con->link.tries);
	snprintf(ms, sizeof ms, "%" PRId64, away_ms);
	log_info(con->call->tag, "model: reconnected; reason=%s tries=%s away_ms=%s", call_ending(con->link.why)->json,
	    tries, ms);
	call_tell(con->call, (struct journal_entry){ .kind = JOURNAL_NOTE,
				 .type = "call.reconnected",
				 .facts = (struct journal_fact[]){ { "reason", call_ending(con->link.why)->json },
				     { "tries", tries }, { "ms", ms }, { 0 } } });
}

/* A session is ready; its audio format may differ from the last one's. It hears the caller once it has
 * been told the conversation. */
static void meet_session(struct conversation *con, int64_t now)
{
	bool renewed = con->dialogue.model, first = !con->sessions.count;

	if (renewed)
		go_away(con, "renewed", now);
	if (con->link.protocol->audio && converter_switch(&con->audio.converter, con->link.access->format))
		call_end(con->call, END_INTERNAL_ERROR);
	if (con->audio.converter)
		converter_reset_to_caller(con->audio.converter);
	hear_again(con);
	tell_past(con, false);
	con->timeline.dirty = true;
	link_replayed(&con->link);
	note_session(con, now);
	if (!first)
		tell_of_another(con, renewed, now);
	con->sessions.away_us = 0;
	TELL(con, now, .type = EVENT_MODEL_READY, .resent = con->ears.again && !con->ears.answered,
	    .heard_again = con->ears.again && con->ears.answered && con->link.wish.protect);
}

/* Nobody is to notice: it comes at a moment at which nothing is under way, or else when there is hardly
 * any time left. */
static void mind_next(struct conversation *con, int64_t now)
{
	struct link *l = &con->link;

	if (!con->dialogue.farewell.state && link_renew(l, now))
		log_info(con->call->tag, "model: the session is nearly over, the next one is dialled");
	if (!l->next_ready)
		return;
	if (con->sessions.told != l->next_no)
		tell_past(con, true);
	con->sessions.told = l->next_no;
	link_swap(l, dialogue_quiet(&con->dialogue) || now >= l->force_us);
}

void conversation_mind_sessions(struct conversation *con, int64_t now_us)
{
	mind_next(con, now_us);
	if (con->link.state == LINK_REPLAYING)
		meet_session(con, now_us);
	set_wish(con);
}

/* ------------------------------------------------------------------------------ waiting */

/* Before the first session the link's own patience stands. */
void conversation_mind_waiting(struct conversation *con, int64_t now_us)
{
	_Atomic int64_t *since = &con->call->waits_since_us;
	bool waits = con->sessions.count && now_us >= dialogue_waits_us(&con->dialogue);

	con->link.waited_for = waits;
	if (!waits)
		atomic_store_explicit(since, 0, memory_order_relaxed);
	else if (!atomic_load_explicit(since, memory_order_relaxed))
		atomic_store_explicit(since, now_us, memory_order_relaxed);
}

int64_t conversation_waits_us(const struct conversation *con)
{
	bool known = atomic_load_explicit(&con->call->waits_since_us, memory_order_relaxed);

	return known || !con->sessions.count ? NEVER_US : dialogue_waits_us(&con->dialogue);
}

int64_t conversation_give_up_us(const struct conversation *con)
{
	int64_t since = atomic_load_explicit(&con->call->waits_since_us, memory_order_relaxed);

	if (!since || link_talks(&con->link) || con->link.state == LINK_GONE)
		return NEVER_US;
	return later(since + con->call->cfg->give_up_seconds * (int64_t)US_PER_S, con->sessions.away_us + ONE_TRY);
}

/* ------------------------------------------------------------------------------- shown */

void conversation_put_sessions(const struct conversation *con, struct buf *out)
{
	struct json_out j = json_out_to(out);

	json_put_array(&j, NULL);
	for (size_t i = 0; i < con->sessions.count && i < SESSIONS_SHOWN; i++) {
		const struct session_seen *seen = &con->sessions.seen[i];

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
}

void conversation_sessions_free(struct conversation *con)
{
	for (size_t i = 0; i < SESSIONS_SHOWN; i++)
		free(con->sessions.seen[i].id);
}
