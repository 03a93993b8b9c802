/* What a conversation does with the model's words and with what its tools answer, where
 * that is more than to tell the dialogue: here without a dialogue, a loop or a socket.
 */
#include "server/agent/conversation.h"

#include "common/clock.h"
#include "server/agent/conversation_model.h"
#include "server/agent/conversation_orders.h"
#include "server/agent/conversation_session.h"
#include "server/agent/conversation_tools.h"
#include "server/model/realtime.h"
#include "server/phone/gather.h"
#include "server/phone/media_stream.h"
#include "server/phone/relay.h"
#include "server/stats/stats.h"
#include "server/work/tool_call.h"
#include "tests/unit/agent/conversation_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

/* ------------------------------------------------------------------------------ tools */

/* The longest answer there is, each byte of which becomes six on its way. */
static void answer_at_length(const char *call_id)
{
	char *text = malloc(TOOL_ANSWER_MAX);

	memset(text, '\177', TOOL_ANSWER_MAX - 1);
	text[TOOL_ANSWER_MAX - 1] = '\0';
	assert_int_equal(toolbox_begin(&con->tools.box, call_id, "book", "{}", 0, 0), TOOL_BEGUN);
	toolbox_result(&con->tools.box, toolbox_find(&con->tools.box, call_id), true, text, 0);
	toolbox_find(&con->tools.box, call_id)->session = con->link.current.no;
	free(text);
}

static void tell(const char *call_id)
{
	conversation_tell_result(con, &(struct dialogue_order){ .run = toolbox_find(&con->tools.box, call_id)->no }, 0);
}

/* The oldest message in the ring; it is taken out. */
static char *sent(void)
{
	struct ring_message m;
	char *text;

	assert_true(ring_next(&call->writer.orders, &m));
	assert_int_equal(m.type, ORDER_TEXT);
	text = strndup(m.body, m.len);
	ring_pop(&call->writer.orders);
	return text;
}

static void answer_of_a_tool_that_does_not_fit_is_bad_and_the_call_goes_on(void **state)
{
	uint64_t bad = atomic_load(&stats.tools_bad_answer);
	char id[16], *text;
	int fit = 0;

	(void)state;
	for (bool full = false; !full; fit += !full) {
		snprintf(id, sizeof id, "call_%d", fit);
		answer_at_length(id);
		tell(id);
		full = atomic_load(&stats.tools_bad_answer) != bad;
	}
	assert_in_range(fit, 1, 16);
	assert_int_equal(atomic_load(&stats.tools_bad_answer), bad + 1);
	assert_false(toolbox_find(&con->tools.box, id)->ok);
	assert_true(toolbox_find(&con->tools.box, "call_0")->ok);
	assert_int_equal(call_ended(call), CALL_NOT_ENDED);
	assert_int_equal(con->link.state, LINK_TALKING);
	/* The model is told so, behind the answers that fitted. */
	for (int i = 0; i < fit; i++) {
		text = sent();
		assert_true(strlen(text) > TOOL_ANSWER_MAX);
		free(text);
	}
	text = sent();
	assert_non_null(strstr(text, id));
	assert_non_null(strstr(text, "bad_answer"));
	free(text);
	/* What comes when there is room again is told whole. */
	answer_at_length("later");
	tell("later");
	text = sent();
	assert_non_null(strstr(text, "\"later\""));
	assert_true(strlen(text) > TOOL_ANSWER_MAX);
	free(text);
}

/* ---------------------------------------------------------------------------- answers */

/* An answer to a turn, of which nothing was heard; `why` it was stopped. */
static void stop_answer(const char *id, const char *why, enum model_reason reason)
{
	struct model_event e = { .type = MODEL_COMMITTED, .text = "" };

	snprintf(e.item_id, sizeof e.item_id, "turn of %s", id);
	conversation_model_told(con, &e, US_PER_S);
	e = (struct model_event){ .type = MODEL_RESPONSE_CREATED, .text = "" };
	snprintf(e.response_id, sizeof e.response_id, "%s", id);
	conversation_model_told(con, &e, US_PER_S);
	e.type = MODEL_RESPONSE_DONE;
	e.status = MODEL_CANCELLED;
	e.reason = reason;
	snprintf(e.code, sizeof e.code, "%s", why);
	conversation_model_told(con, &e, US_PER_S);
}

static void turn_ends_a_speech_whose_end_was_not_told(void **state)
{
	struct model_event e = { .type = MODEL_SPEECH_STARTED, .item_id = "item_1", .ms = 300, .text = "" };

	(void)state;
	conversation_model_told(con, &e, US_PER_S);
	assert_true(atomic_load(&call->caller_speaking) && con->dialogue.speaking);
	e.type = MODEL_COMMITTED;
	conversation_model_told(con, &e, US_PER_S);
	assert_false(atomic_load(&call->caller_speaking) || con->dialogue.speaking);
}

static void answer_that_was_stopped_but_not_for_the_caller_is_asked_for_again(void **state)
{
	uint64_t silent = atomic_load(&stats.model_silent_answers);

	(void)state;
	dialogue_init(&con->dialogue, &(struct dialogue_rules){ .silence_us = US_PER_S, .slow_us = US_PER_S });
	stop_answer("r1", "turn_detected", MODEL_TURN_DETECTED);
	assert_int_equal(con->dialogue.failures, 0);
	stop_answer("r2", "client_cancelled", MODEL_OTHER_REASON);
	assert_int_equal(con->dialogue.failures, 1);
	assert_int_equal(atomic_load(&stats.model_silent_answers), silent + 1);
}

/* A session that did not make the sound cannot cut it. */
static void answer_of_a_lost_session_is_shortened_in_words(void **state)
{
	static const struct model_access to = { .host = "example.com", .number = 1 };
	static const struct agent agent = { .name = "desk", .openai_model = "m", .transcription_model = "" };
	static const struct config cfg = { .replay_tokens = 1000 };
	struct turn *turn = timeline_turn(&con->timeline, TURN_AGENT, "item_1", 0);
	struct ring_message m;
	char *text;

	(void)state;
	dialogue_init(&con->dialogue, &(struct dialogue_rules){ .silence_us = US_PER_S, .slow_us = US_PER_S });
	turn->session = 1;
	turn->sound = true;
	turn->generated_ms = 2000;
	turn->status = "completed";
	timeline_text(&con->timeline, turn, "Friday at nine is fine.", true);
	call->agent = call->context.agent = &agent;
	call->cfg = &cfg;
	con->link.current.access = &to;
	con->link.current.renew_us = NEVER_US;
	con->link.current.no = 2;
	con->link.state = LINK_REPLAYING;
	conversation_mind_sessions(con, US_PER_S);
	assert_int_equal(con->link.state, LINK_TALKING);
	text = sent();
	assert_non_null(strstr(text, "\"past_1\""));
	assert_non_null(strstr(text, "Friday at nine is fine."));
	free(text);
	/* Its rest was cut before it was played. */
	turn->heard_ms = 1000;
	turn->heard_known = true;
	conversation_tell_heard(con, "item_1", turn, 1000);
	text = sent();
	assert_non_null(strstr(text, "\"previous_item_id\":\"past_1\""));
	assert_non_null(strstr(text, "\"past_2\""));
	assert_non_null(strstr(text, "\"Friday at"));
	assert_null(strstr(text, "fine"));
	free(text);
	text = sent();
	assert_non_null(strstr(text, "conversation.item.delete"));
	assert_non_null(strstr(text, "\"past_1\""));
	free(text);
	assert_false(ring_next(&call->writer.orders, &m));
	conversation_sessions_free(con);
}

/* The service has cut it off: nothing more is asked of it, nor of another. */
static void answer_that_is_moderated_ends_the_call(void **state)
{
	struct model_event e = { .type = MODEL_RESPONSE_CREATED, .text = "" };

	(void)state;
	dialogue_init(&con->dialogue, &(struct dialogue_rules){ .silence_us = US_PER_S, .slow_us = US_PER_S });
	call->calls = calloc(1, 64 * 1024); /* opaque, and empty */
	TELL(con, US_PER_S, .type = EVENT_MODEL_READY);
	TELL(con, US_PER_S, .type = EVENT_CALLER_THERE);
	strcpy(e.response_id, "r1");
	conversation_model_told(con, &e, US_PER_S);
	e.type = MODEL_RESPONSE_DONE;
	e.status = MODEL_INCOMPLETE;
	e.error = MODEL_MODERATED;
	strcpy(e.code, "content_filter");
	conversation_model_told(con, &e, US_PER_S);
	assert_int_equal(con->link.state, LINK_GONE);
	assert_int_equal(con->link.why, END_MODEL_MODERATED);
	free(call->calls);
}

/* ------------------------------------------------------------- from session to session */

static const struct phone_channel stream = { .audio = true };
static const struct model_access endpoint = { .host = "example.com", .number = 1 };
static const struct agent desk = { .name = "desk", .openai_model = "m", .transcription_model = "t" };
static const struct config settings = { .replay_tokens = 1000, .backlog_ms = 8000 };

/* A session is lost, and another is ready. */
static void begin_another(void)
{
	dialogue_init(&con->dialogue, &(struct dialogue_rules){ .silence_us = US_PER_S, .slow_us = US_PER_S });
	call->channel = &stream;
	call->agent = call->context.agent = &desk;
	call->cfg = &settings;
	con->link.current.access = &endpoint;
	con->link.current.renew_us = NEVER_US;
	con->link.why = END_MODEL_LOST;
	con->link.current.no = 2;
	con->link.state = LINK_REPLAYING;
	con->sessions.count = 1;
}

static void end_it(void)
{
	conversation_sessions_free(con);
	memset(&con->sessions, 0, sizeof con->sessions);
	dialogue_free(&con->dialogue);
}

static void says(const char *item, int64_t from_ms, const char *words)
{
	struct model_event e = { .type = MODEL_SPEECH_STARTED, .ms = from_ms, .text = words };

	snprintf(e.item_id, sizeof e.item_id, "%s", item);
	conversation_model_told(con, &e, US_PER_S);
	e.type = MODEL_SPEECH_STOPPED;
	e.ms += 500;
	conversation_model_told(con, &e, US_PER_S);
	e.type = MODEL_COMMITTED;
	conversation_model_told(con, &e, US_PER_S);
	e.type = MODEL_TRANSCRIPT;
	conversation_model_told(con, &e, US_PER_S);
}

static void expect_said(const char *item, const char *text)
{
	assert_string_equal(buf_text(&timeline_find(&con->timeline, item)->text), text);
}

static void what_was_lost_meanwhile_is_told_and_the_rest_of_it_is_marked(void **state)
{
	(void)state;
	begin_another();
	atomic_store(&call->gone_to, 9000);
	conversation_mind_sessions(con, US_PER_S);
	assert_true(con->timeline.count == 1 && con->timeline.turns[0].transcript_failed);
	EXPECT_SENT("not written down");
	says("item_1", 300, "four");
	says("item_2", 600, "hello");
	expect_said("item_1", "[…] four");
	expect_said("item_2", "hello");
	end_it();
	/* It does not begin with the session. */
	begin_another();
	con->dialogue.model = false;
	atomic_store(&call->gone_to, 90000);
	conversation_mind_sessions(con, US_PER_S);
	says("item_3", 1000, "five");
	expect_said("item_3", "five");
	end_it();
}

/* The turn of which all but the words are known; its sound is from position 8000 to 16000. */
static void meet_with_a_turn(bool answered, uint64_t gone_to)
{
	struct turn *turn = timeline_turn(&con->timeline, TURN_CALLER, "item_1", 100);

	begin_another();
	turn->session = 1;
	turn->begins_at = 8000;
	turn->ends_at = con->spoken.pending = 16000;
	con->spoken.again = 1;
	con->spoken.answered = con->link.current.deaf = answered;
	atomic_store(&call->said_to, 6400);
	atomic_store(&call->gone_to, gone_to);
	conversation_mind_sessions(con, US_PER_S);
}

static void turn_that_is_there_no_more_from_its_beginning_is_not_heard_again(void **state)
{
	(void)state;
	for (int answered = 0; answered < 2; answered++) {
		meet_with_a_turn(answered, 12000);
		assert_int_equal(con->spoken.again, 0);
		assert_int_equal(call->said_to, 16000);
		assert_false(con->spoken.lost);
		/* The session was opened for that, and is told to listen. */
		assert_int_equal(con->dialogue.ears, answered ? EARS_RESTORING : EARS_LISTENING);
		EXPECT_SENT("not written down");
		end_it();
		atomic_store(&call->said_to, 0);
	}
}

static void turn_that_is_all_there_is_heard_again(void **state)
{
	(void)state;
	meet_with_a_turn(false, 7000);
	assert_int_equal(con->spoken.again, 1);
	assert_int_equal(call->said_to, 6400);
	assert_null(strstr(sent_all(), "not written down"));
	end_it();
}

static void what_nobody_heard_before_the_end_stands_in_the_record(void **state)
{
	(void)state;
	begin_another();
	con->link.state = LINK_TALKING;
	atomic_store(&call->gone_to, 9000);
	conversation_sessions_over(con, US_PER_S);
	assert_int_equal(con->timeline.count, 0);
	con->link.state = LINK_LOST;
	con->spoken.pending = 9000; /* that turn is known */
	conversation_sessions_over(con, US_PER_S);
	assert_int_equal(con->timeline.count, 0);
	con->spoken.pending = 0;
	conversation_sessions_over(con, US_PER_S);
	assert_int_equal(con->timeline.count, 1);
	assert_true(con->timeline.turns[0].transcript_failed);
	conversation_sessions_over(con, US_PER_S); /* once */
	assert_int_equal(con->timeline.count, 1);
	end_it();
}

/* Everywhere else they have its number. */
static void session_is_told_the_ids_that_it_gave(void **state)
{
	struct turn *turn = timeline_turn(&con->timeline, TURN_AGENT, "2.item_1", 0);

	(void)state;
	turn->session = con->link.current.no = 2;
	conversation_tell_heard(con, "2.item_1", turn, 100);
	EXPECT_SENT("\"item_id\":\"item_1\"");
	assert_int_equal(toolbox_begin(&con->tools.box, "2.call_1", "look", "{}", 0, 0), TOOL_BEGUN);
	con->tools.box.runs[0].session = 2;
	tell("2.call_1");
	EXPECT_SENT("\"call_id\":\"call_1\"");
	con->link.current.no = 3;
	tell("2.call_1");
	assert_null(strstr(sent_all(), "\"call_id\":\"call_1\""));
}

/* ------------------------------------------------------------------------------- cost */

static void hear(enum model_event_type type, const char *item, int64_t tokens)
{
	struct model_event e = { .type = type, .text = "hello" };

	snprintf(e.item_id, sizeof e.item_id, "%s", item);
	e.usage.n[USAGE_AUDIO_IN] = tokens;
	conversation_model_told(con, &e, 0);
}

static void transcript_told_twice_is_billed_once(void **state)
{
	(void)state;
	hear(MODEL_TRANSCRIPT_DELTA, "item_1", 0);
	hear(MODEL_TRANSCRIPT, "item_1", 40);
	assert_int_equal(atomic_load(&call->transcription_used[USAGE_AUDIO_IN]), 40);
	hear(MODEL_TRANSCRIPT, "item_1", 40);
	assert_int_equal(atomic_load(&call->transcription_used[USAGE_AUDIO_IN]), 40);
	hear(MODEL_TRANSCRIPT, "item_2", 2);
	assert_int_equal(atomic_load(&call->transcription_used[USAGE_AUDIO_IN]), 42);
	assert_int_equal(con->timeline.count, 2);
}

/* ---------------------------------------------------------------- a caller who says nothing */

static struct dialogue_rules quiet_rules(const struct agent *agent, const struct phone_channel *channel)
{
	struct dialogue_rules rules = { 0 };

	call->agent = agent;
	call->channel = channel;
	conversation_set_quiet(con, &rules);
	return rules;
}

static void silence_is_asked_about_and_sound_where_words_are_written_down(void **state)
{
	const struct agent written = { .transcription_model = "t",
		.reprompt_seconds = 10,
		.hold_music_seconds = 120,
		.transcription_language = "de",
		.say_voice = "",
		.say_language = "",
		.phrases = { [PHRASE_IDLE] = "Bye." } };
	const struct agent unwritten = { .transcription_model = "",
		.reprompt_seconds = 10,
		.hold_music_seconds = 120,
		.transcription_language = "de",
		.say_voice = "",
		.say_language = "" };
	struct dialogue_rules rules = quiet_rules(&written, &media_stream_channel);

	(void)state;
	assert_true(rules.reprompt_us == 10 * US_PER_S && rules.music_us == 120 * US_PER_S);
	assert_non_null(strstr(rules.still_there.text, "Sind Sie noch da?"));
	assert_false(rules.still_there.exact);
	assert_string_equal(rules.parting.text, "Bye.");
	assert_true(rules.parting.exact);
	rules = quiet_rules(&unwritten, &media_stream_channel);
	assert_true(rules.reprompt_us == 10 * US_PER_S && rules.music_us == 0);
	rules = quiet_rules(&unwritten, &relay_channel);
	assert_true(rules.music_us == 120 * US_PER_S);
	rules = quiet_rules(&written, &gather_channel);
	assert_true(rules.reprompt_us == 0 && rules.music_us == 0);
}

static void marks_and_blanks_are_no_words(void **state)
{
	static const char *const texts[] = { "", " \n", "...", "yes", " \xe2\x80\xa6yes" };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		con->dialogue.quiet.asked = 1;
		conversation_model_told(con, &(struct model_event){ .type = MODEL_TRANSCRIPT, .text = texts[i] }, 0);
		assert_int_equal(con->dialogue.quiet.asked, i < 3);
	}
}

const struct CMUnitTest unit_tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, conversation_kit_begin, conversation_kit_end)
	CASE(answer_of_a_tool_that_does_not_fit_is_bad_and_the_call_goes_on),
	CASE(turn_ends_a_speech_whose_end_was_not_told),
	CASE(answer_that_was_stopped_but_not_for_the_caller_is_asked_for_again),
	CASE(answer_of_a_lost_session_is_shortened_in_words),
	CASE(answer_that_is_moderated_ends_the_call),
	CASE(what_was_lost_meanwhile_is_told_and_the_rest_of_it_is_marked),
	CASE(turn_that_is_there_no_more_from_its_beginning_is_not_heard_again),
	CASE(turn_that_is_all_there_is_heard_again),
	CASE(what_nobody_heard_before_the_end_stands_in_the_record),
	CASE(session_is_told_the_ids_that_it_gave),
	CASE(transcript_told_twice_is_billed_once),
	CASE(silence_is_asked_about_and_sound_where_words_are_written_down),
	CASE(marks_and_blanks_are_no_words),
	{ 0 },
};
