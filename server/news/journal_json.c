#include "server/news/journal_json.h"

#include "server/money/cost.h"
#include "server/store/store_outcomes.h"

#include <string.h>

/* ---------------------------------------------------------------------------- a call */

/* The shapes are published (page/openapi.json), and tests compare. Members may be added
 * but not renamed: owners' programs read them, and rows in the store keep the JSON of
 * older versions. */

/* null while the call is up. */
static void put_ending(struct json_out *j, enum call_end end, bool said)
{
	const struct call_ending *ending = call_ending(end);

	if (!end) {
		json_put_null(j, "ending");
		return;
	}
	json_put_object(j, "ending");
	json_put_text(j, "reason", ending->json);
	json_put_text(j, "text", ending->text);
	json_put_bool(j, "fault", ending->fault);
	json_put_bool(j, "said", said);
	json_put_end(j);
}

static void put_audio(struct json_out *j, const struct call_audio *audio)
{
	json_put_object(j, "audio");
	json_put_uint(j, "frames_in", audio->frames_in);
	json_put_uint(j, "frames_out", audio->frames_out);
	json_put_uint(j, "dropped_ms", audio->dropped_ms);
	json_put_uint(j, "padded_ms", audio->padded_ms);
	json_put_uint(j, "underruns", audio->underruns);
	json_put_uint(j, "stale_ms", audio->stale_ms);
	json_put_uint(j, "late_delta_ms", audio->late_delta_ms);
	json_put_uint(j, "answer_dropped_ms", audio->answer_dropped_ms);
	json_put_int(j, "late_ms", audio->late_ms);
	json_put_int(j, "late_max_ms", audio->late_max_ms);
	json_put_int(j, "backlog_ms", audio->backlog_ms);
	json_put_bool(j, "valve_open", audio->valve_open);
	json_put_end(j);
	json_put_uint(j, "interruptions", audio->interruptions);
	json_put_uint(j, "keys", audio->keys);
	json_put_uint(j, "invalid_messages", audio->invalid_messages);
}

static const char *or_null(const char *text)
{
	return text && *text ? text : NULL;
}

/* The metadata of an order stands further down, in put_order. */
static void put_facts(struct json_out *j, const struct call_summary *call)
{
	json_put_text(j, "call_sid", or_null(call->call_sid));
	json_put_text(j, "stream_sid", or_null(call->stream_sid));
	json_put_text(j, "state", call->state);
	json_put_text(j, "direction", call->direction);
	if (call->channel)
		json_put_text(j, "channel", call->channel);
	json_put_text(j, "from", call->from);
	json_put_text(j, "to", call->to);
	json_put_text(j, "agent", call->agent);
	json_put_text(j, "variant", or_null(call->variant));
	if (call->metadata && !call->order)
		json_put_json(j, "metadata", call->metadata);
	json_put_time(j, "reserved_at", call->reserved_ms);
	if (call->first_turn)
		json_put_int(j, "first_turn", call->first_turn);
	if (call->started_ms)
		json_put_time(j, "started_at", call->started_ms);
	if (call->ended_ms)
		json_put_time(j, "ended_at", call->ended_ms);
	json_put_fixed(j, "seconds", call->seconds, 3);
	put_ending(j, call->end, call->said);
}

/* A call that we place and that has no line yet, or never got one: it has no sound, no
 * cost and no turns. */
static void put_order(struct json_out *j, const struct call_summary *call, bool turns)
{
	put_facts(j, call);
	json_put_json(j, "metadata", call->metadata ? call->metadata : "{}");
	json_put_json(j, "outbound", call->order);
	if (!turns)
		return;
	json_put_array(j, "turns");
	json_put_end(j);
}

/* The turns of former streams of the call, and those of this one, as one array. */
static void put_turns(struct json_out *j, const struct call_talk *talk)
{
	json_put_array(j, "turns");
	json_put_inside(j, buf_text(&talk->earlier), talk->earlier.len);
	json_put_inside(j, buf_text(&talk->turns), talk->turns.len);
	json_put_end(j);
}

static void put_talk(struct json_out *j, const struct call_talk *talk, bool turns)
{
	json_put_text(j, "model_session_id", or_null(talk->session_id));
	json_put_json(j, "sessions", talk->sessions.len ? buf_text(&talk->sessions) : "[]");
	json_put_uint(j, "sessions_before", talk->sessions_before);
	if (turns)
		put_turns(j, talk);
	json_put_uint(j, "turns_before", talk->turns_before);
	json_put_json(j, "tools", buf_text(&talk->tools));
	json_put_uint(j, "turns_dropped", talk->turns_dropped);
	json_put_uint(j, "text_dropped", talk->text_dropped);
}

/* Three kinds of summaries meet here: an order, a call read from the store, whose JSON
 * was made when it was live, and a call that has or had a line in this process. A stored
 * call has a conversation only as turns; its tools are inside `kept`. */
void journal_put_call(struct json_out *j, const struct call_summary *call, const struct call_talk *talk, bool turns)
{
	if (call->order) {
		put_order(j, call, turns);
		return;
	}
	if (call->kept) {
		json_put_inside(j, call->kept, strlen(call->kept));
	} else {
		put_facts(j, call);
		put_audio(j, &call->audio);
		journal_put_recording(j, "recording", &call->recording);
		cost_put_json(&call->cost, "cost", j);
	}
	if (talk && talk->begun)
		put_talk(j, talk, turns);
	else if (talk && turns && talk->earlier.len + talk->turns.len)
		put_turns(j, talk);
}

/* ----------------------------------------------------------- turns, tools, recordings */

/* null: not recorded. Twilio's has a sid only once its webhook came; until then it is
 * known that Twilio was asked to record. */
void journal_put_recording(struct json_out *j, const char *key, const struct call_recording *recording)
{
	if (recording->by == CALL_NOT_RECORDED) {
		json_put_null(j, key);
		return;
	}
	json_put_object(j, key);
	if (recording->by == CALL_RECORDED_BY_TWILIO) {
		json_put_text(j, "mode", "twilio");
		if (recording->sid) {
			json_put_text(j, "sid", recording->sid);
			json_put_text(j, "status", recording->status);
			json_put_text(j, "url", recording->url);
			json_put_fixed(j, "seconds", recording->seconds, 0);
			json_put_int(j, "channels", recording->channels);
		}
	} else {
		json_put_text(j, "mode", "local");
		json_put_text(j, "state", recording->state);
		if (recording->channels) {
			json_put_fixed(j, "seconds", recording->seconds, 3);
			json_put_uint(j, "bytes", recording->bytes);
			json_put_int(j, "channels", recording->channels);
			json_put_uint(j, "lost_ms", recording->lost_ms);
		}
		json_put_text(j, "error", recording->error);
	}
	json_put_end(j);
}

/* An agent's turn. How much of the words was heard is mostly an estimate: sound is measured, and
 * the words are spread evenly over it. */
static void put_spoken(struct json_out *j, const struct call_turn *turn)
{
	json_put_uint(j, "generated_ms", turn->generated_ms);
	json_put_text(j, "status", turn->status);
	if (turn->heard_known) {
		json_put_uint(j, "heard_ms", turn->heard_ms);
		json_put_bool(j, "heard_confirmed", turn->heard_confirmed);
		json_put_text_of(j, "heard_text", turn->heard_text, turn->heard_len);
	} else {
		json_put_null(j, "heard_ms");
		json_put_bool(j, "heard_confirmed", false);
		json_put_null(j, "heard_text");
	}
	json_put_bool(j, "heard_text_estimated", !turn->heard_exact);
	json_put_bool(j, "interrupted", turn->interrupted);
	if (turn->after_event_ms >= 0)
		json_put_int(j, "answer_after_event_ms", turn->after_event_ms);
	if (turn->after_speech_ms >= 0)
		json_put_int(j, "answer_after_speech_ms", turn->after_speech_ms);
}

void journal_put_turn(struct json_out *j, const char *key, const struct call_turn *turn)
{
	json_put_object(j, key);
	json_put_text(j, "who", turn->who);
	json_put_int(j, "at_ms", turn->at_ms);
	json_put_text(j, "item_id", turn->item_id);
	json_put_text(j, "text", turn->text);
	if (turn->transcript_failed)
		json_put_bool(j, "transcript_failed", true);
	if (turn->spoken)
		put_spoken(j, turn);
	json_put_end(j);
}

/* `ok` and `took_ms` are null until the tool has answered. */
void journal_put_tool(struct json_out *j, const char *key, const struct call_tool *tool)
{
	json_put_object(j, key);
	json_put_text(j, "call_id", tool->call_id);
	json_put_text(j, "name", tool->name);
	json_put_text(j, "arguments", tool->arguments);
	json_put_int(j, "at_ms", tool->at_ms);
	if (tool->answered)
		json_put_bool(j, "ok", tool->ok);
	else
		json_put_null(j, "ok");
	if (tool->answered && tool->took_ms >= 0)
		json_put_int(j, "took_ms", tool->took_ms);
	else
		json_put_null(j, "took_ms");
	if (tool->answer)
		json_put_text(j, "answer", tool->answer);
	json_put_end(j);
}

void journal_put_entry(struct json_out *j, const char *key, const struct journal_entry *entry)
{
	switch (entry->kind) {
	case JOURNAL_RESERVED:
	case JOURNAL_STARTED:
	case JOURNAL_ENDED:
		json_put_object(j, key);
		journal_put_call(j, entry->call, entry->talk, true);
		json_put_end(j);
		return;
	case JOURNAL_TURN:
	case JOURNAL_FORMING:
		journal_put_turn(j, key, entry->turn);
		return;
	case JOURNAL_TOOL:
		journal_put_tool(j, key, entry->tool);
		return;
	case JOURNAL_RECORDING:
		journal_put_recording(j, key, entry->recording);
		return;
	case JOURNAL_OUTCOME:
		outcome_put_json(entry->outcome, true, entry->wall_ms, json_put_value(j, key));
		return;
	case JOURNAL_NOTE:
		break;
	}
	json_put_object(j, key);
	for (const struct journal_fact *fact = entry->facts; fact && fact->name; fact++)
		json_put_text(j, fact->name, fact->text);
	json_put_end(j);
}
