#include "server/agent/conversation_model.h"

#include "audio/g711.h"
#include "server/agent/link/link_ids.h"
#include "server/agent/link/link_next.h"

#include <stdlib.h>
#include <string.h>

enum {
	BEFORE_SPEECH = 200 * G711_BYTES_PER_MS, /* speech may have begun so much before the model says */
	TORN_MS = 1000 /* what begins so early in a session goes on from what was lost before it */
};

/* ---------------------------------------------------------------------- to the model */

const char *conversation_next_id(struct conversation *con, enum model_request request)
{
	static _Thread_local char id[MODEL_REQUEST_ID_SIZE];

	model_request_id(request, ++con->requests_sent, id);
	return id;
}

void conversation_mind_link(struct conversation *con)
{
	if (conversation_is_gone(con) && !con->known[KNOWN_SORRY])
		call_end(con->call, con->link.why);
}

void conversation_model_failed(struct conversation *con, enum call_end why)
{
	link_lose(&con->link, why);
	conversation_mind_link(con);
}

void conversation_send(struct conversation *con)
{
	if ((!link_talks(&con->link) && con->link.state != LINK_REPLAYING) || call_ended(con->call)) {
		buf_reset(&con->message);
		return;
	}
	if (buf_error(&con->message)) {
		call_end(con->call, END_INTERNAL_ERROR);
	} else if (con->message.len) { /* else there was nothing to tell, and an empty message says nothing */
		link_send(&con->link, buf_text(&con->message), con->message.len);
		conversation_mind_link(con);
	}
	buf_reset(&con->message);
}

void conversation_tell_item(struct conversation *con, enum model_request why, enum model_role role, const char *text)
{
	con->link.current.protocol->item(&con->message, conversation_next_id(con, why), role, text, "");
	conversation_send(con);
}

/* ----------------------------------------------------------------- what a session knows */

struct turn *conversation_turn(struct conversation *con, enum turn_kind kind, const char *item_id, int64_t now_us)
{
	struct turn *turn = timeline_turn(&con->timeline, kind, item_id, conversation_at_ms(con, now_us));

	if (turn && !turn->session)
		turn->session = con->link.current.no;
	return turn;
}

/* The id by which the session knows the turn; "": it does not, or not by one that can be told. */
static const char *known_as(const struct conversation *con, const struct turn *turn, char id[MODEL_REQUEST_ID_SIZE])
{
	if (turn->session != con->link.current.no)
		return "";
	if (!turn->known_as)
		return turn->item_id && foreign_id_is_theirs(turn->item_id) ? turn->item_id : "";
	model_request_id(MODEL_REQUEST_PAST, turn->known_as, id);
	return id;
}

static void take_away(struct conversation *con, const char *item_id)
{
	con->link.current.protocol->unheard(
	    &con->message, conversation_next_id(con, MODEL_REQUEST_HEARD), link_ids_tell(&con->link, item_id));
	conversation_send(con);
}

/* Text cannot be truncated, nor an item of ours: what was heard is put behind it, and it is taken away; not
 * while its response is being made, since the service keeps it for so long. */
void conversation_shorten(struct conversation *con, struct turn *turn)
{
	char before[MODEL_REQUEST_ID_SIZE], id[MODEL_REQUEST_ID_SIZE], *heard;
	const char *text, *item_id = known_as(con, turn, before);
	size_t len;

	if (!turn->to_shorten || (!turn->known_as && !strcmp(turn->status, "in_progress")))
		return;
	turn->to_shorten = false;
	text = timeline_heard(turn, &len);
	if (!item_id[0] || !(heard = strndup(text, len)))
		return;
	model_request_id(MODEL_REQUEST_PAST, ++con->requests_sent, id);
	turn->known_as = con->requests_sent;
	if (len) {
		con->link.current.protocol->item(
		    &con->message, id, MODEL_ROLE_AGENT, heard, link_ids_tell(&con->link, item_id));
		conversation_send(con);
	}
	take_away(con, item_id);
	free(heard);
}

/* If the model is not told, it believes that it said the rest. */
void conversation_tell_heard(struct conversation *con, const char *item_id, struct turn *turn, int64_t truncate_ms)
{
	char id[MODEL_REQUEST_ID_SIZE];

	if (turn)
		item_id = known_as(con, turn, id);
	if (!foreign_id_is_theirs(item_id) || !item_id[0])
		return;
	if (turn && (con->link.current.protocol->text || turn->known_as)) {
		turn->to_shorten = true;
		conversation_shorten(con, turn);
	} else if (con->link.current.protocol->can_truncate) {
		con->link.current.protocol->heard_until(&con->message, conversation_next_id(con, MODEL_REQUEST_HEARD),
		    link_ids_tell(&con->link, item_id), truncate_ms);
		conversation_send(con);
	}
}

/* The place in the timeline, from 1, of the agent's last turn with sound; 0: none. */
static size_t last_sound(const struct timeline *t)
{
	size_t i = t->count;

	while (i && (t->turns[i - 1].kind != TURN_AGENT || !t->turns[i - 1].sound))
		i--;
	return i;
}

bool conversation_said_some(const struct conversation *con)
{
	size_t last = last_sound(&con->timeline), len = 0;

	return last && timeline_said_text(&con->timeline.turns[last - 1], &len) && len;
}

bool conversation_answer_unheard(const struct conversation *con)
{
	const struct timeline *t = &con->timeline;
	const struct toolbox *box = &con->tools.box;
	size_t newest = con->spoken.newest;
	bool acted = box->count && newest && box->runs[box->count - 1].at_ms >= t->turns[newest - 1].at_ms;

	return !acted && last_sound(t) > newest && !conversation_said_some(con);
}

/* Its next answer would go on from words that nobody heard. */
void conversation_end_silent(struct conversation *con, const char *status)
{
	char id[MODEL_REQUEST_ID_SIZE];

	for (const struct turn *turn; (turn = timeline_end_silent(&con->timeline, status));)
		if (con->link.current.protocol->unheard && known_as(con, turn, id)[0])
			take_away(con, known_as(con, turn, id));
}

/* ------------------------------------------------------------- what is to be heard again */

void conversation_speech_began(struct conversation *con, int64_t at_ms)
{
	uint64_t at = at_ms < 0 ? 0 : call_position(con->call, at_ms);

	if (!con->spoken.pending && at > BEFORE_SPEECH)
		call_said_to(con->call, at - BEFORE_SPEECH);
	con->spoken.begin = at;
	con->spoken.torn = con->spoken.lost && at_ms >= 0 && at_ms < TORN_MS;
	con->spoken.lost = false;
}

void conversation_speech_ended(struct conversation *con, int64_t at_ms)
{
	con->spoken.end = at_ms < 0 ? 0 : call_position(con->call, at_ms);
}

/* A turn that is heard once more keeps its place. */
bool conversation_turn_over(struct conversation *con, const char *item_id, int64_t now_us)
{
	struct turn *turn = con->spoken.again ? &con->timeline.turns[con->spoken.again - 1] : NULL;
	bool again = turn && timeline_rename(&con->timeline, turn, item_id);

	if (!again)
		turn = conversation_turn(con, TURN_CALLER, item_id, now_us);
	con->spoken.pending = con->spoken.end;
	con->spoken.answered = again && con->spoken.answered;
	con->spoken.stray = con->spoken.answered ? con->spoken.again : 0;
	con->spoken.end = con->spoken.again = 0;
	con->spoken.newest = turn ? (size_t)(turn - con->timeline.turns) + 1 : 0;
	if (turn) {
		turn->begins_at = con->spoken.begin;
		turn->ends_at = con->spoken.pending;
		turn->torn = con->spoken.torn;
	}
	con->spoken.begin = 0;
	con->spoken.torn = false;
	return !again;
}

/* For a session that was told of it by a note, or the half of it. */
static void put_words(struct conversation *con, struct turn *turn)
{
	char before[MODEL_REQUEST_ID_SIZE], id[MODEL_REQUEST_ID_SIZE];

	if (!turn->known_as || !known_as(con, turn, before)[0] || !turn->text_final || !turn->text.len)
		return;
	model_request_id(MODEL_REQUEST_PAST, turn->known_as = ++con->requests_sent, id);
	con->link.current.protocol->item(&con->message, id, MODEL_ROLE_CALLER, buf_text(&turn->text), before);
	conversation_send(con);
	take_away(con, before);
}

bool conversation_place_turn(struct conversation *con)
{
	struct turn *turn = con->spoken.stray ? &con->timeline.turns[con->spoken.stray - 1] : NULL;

	con->spoken.stray = 0;
	if (!turn)
		return false;
	put_words(con, turn);
	if (turn->item_id && foreign_id_is_theirs(turn->item_id))
		take_away(con, turn->item_id);
	return true;
}

bool conversation_written_down(struct conversation *con, struct turn *turn)
{
	call_said_to(con->call, turn->ends_at);
	if (turn->ends_at >= con->spoken.pending)
		con->spoken.pending = 0;
	if (con->spoken.stray == (size_t)(turn - con->timeline.turns) + 1)
		return conversation_place_turn(con);
	put_words(con, turn);
	return false;
}

/* Without transcripts nobody will write it down. */
void conversation_answered(struct conversation *con)
{
	con->spoken.answered = true;
	if (con->call->agent->transcription_model[0])
		return;
	call_said_to(con->call, con->spoken.pending);
	con->spoken.pending = 0;
}

void conversation_tell_call(struct conversation *con, struct tool_run *run)
{
	if (run->session == con->link.current.no)
		return;
	con->link.current.protocol->tool_call(&con->message, conversation_next_id(con, MODEL_REQUEST_PAST),
	    run->call_id, run->name, toolbox_arguments(run, SIZE_MAX));
	conversation_send(con);
	run->session = con->link.current.no;
}
