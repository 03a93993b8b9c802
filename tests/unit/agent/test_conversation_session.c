/* What the next session is told of a conversation, and what it hears of it again: without a loop or a socket. */
#include "server/agent/conversation_session.h"

#include "common/clock.h"
#include "server/agent/conversation_orders.h"
#include "server/agent/link/link_next.h"
#include "server/model/words.h"
#include "server/phone/channel.h"
#include "server/stats/stats.h"
#include "tests/unit/agent/conversation_kit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

static const struct phone_channel sound = { .audio = true };
static const struct model_access to = { .host = "example.com", .number = 1 };
static const struct agent agent = { .name = "desk", .openai_model = "m", .transcription_model = "t" };
static struct config cfg = { .replay_tokens = 8000, .backlog_ms = 15000, .give_up_seconds = 15 };
static int64_t now;

static int begin(void **state)
{
	conversation_kit_begin(state);
	now = 10 * (int64_t)US_PER_S;
	call->cfg = &cfg;
	call->agent = &agent;
	call->channel = &sound;
	call->context = (struct call_context){ .agent = &agent, .instructions = "", .greeting = "" };
	call->calls = calloc(1, 64 * 1024); /* opaque, and empty */
	con->link.current.access = &to;
	con->link.current.renew_us = NEVER_US;
	con->sessions.count = 1;
	dialogue_init(&con->dialogue, &(struct dialogue_rules){ .silence_us = 4 * US_PER_S, .slow_us = 8 * US_PER_S });
	con->dialogue.model = con->dialogue.caller = con->dialogue.greeted = true;
	return 0;
}

static int end(void **state)
{
	conversation_sessions_free(con);
	free(call->calls);
	return conversation_kit_end(state);
}

static void from_model(enum model_event_type type, const char *item, const char *text)
{
	struct model_event e = { .type = type, .text = text };

	snprintf(e.item_id, sizeof e.item_id, "%s", item);
	conversation_model_told(con, &e, now);
	conversation_do_due(con, now);
}

/* A question whose transcript is late, and an answer that was heard. */
static void ask_and_answer(void)
{
	struct turn *turn = timeline_turn(&con->timeline, TURN_CALLER, "q1", 1000);

	turn->session = 1;
	turn->ends_at = con->spoken.pending = 8 * 8000;
	con->spoken.answered = true;
	turn = timeline_turn(&con->timeline, TURN_AGENT, "a1", 2000);
	turn->session = 1;
	turn->sound = turn->heard_known = turn->text_final = true;
	turn->heard_ms = turn->generated_ms = 1000;
	timeline_text(&con->timeline, turn, "Nine to five.", true);
}

static void lose(void)
{
	con->link.state = LINK_LOST;
	con->link.why = END_MODEL_LOST;
	conversation_mind_loss(con, now);
}

static void meet_another(bool deaf)
{
	con->link.current.no++;
	con->link.current.deaf = deaf;
	con->link.state = LINK_REPLAYING;
	conversation_mind_sessions(con, now);
	assert_int_equal(con->link.state, LINK_TALKING);
}

static void hear_again(void)
{
	from_model(MODEL_SPEECH_STARTED, "q2", "");
	from_model(MODEL_SPEECH_STOPPED, "q2", "");
	from_model(MODEL_COMMITTED, "q2", "");
}

/* Its words go to where it was said. Behind the answer it would be a new question. */
static void question_that_was_answered_is_heard_again_and_put_before_its_answer(void **state)
{
	uint64_t reconnected = atomic_load(&stats.model_reconnected), renewed = atomic_load(&stats.model_renewed);

	(void)state;
	ask_and_answer();
	lose();
	meet_another(false);
	/* It was opened with ears: it is told to answer nothing before it hears a sound. */
	EXPECT_SENT("\"id\":\"past_1\"", "was not written down", "Nine to five.", "\"create_response\":false");
	assert_int_equal(atomic_load(&stats.model_reconnected), reconnected + 1);
	assert_int_equal(atomic_load(&stats.model_renewed), renewed);
	hear_again();
	EXPECT_SENT("\"create_response\":true");
	assert_int_not_equal(con->dialogue.placing_us, 0);
	from_model(MODEL_TRANSCRIPT, "q2", "When do you open?");
	EXPECT_SENT("When do you open?", "\"previous_item_id\":\"past_1\"", "conversation.item.delete", "\"past_1\"",
	    "conversation.item.delete", "\"q2\"");
	assert_int_equal(con->dialogue.placing_us, 0);
	assert_int_equal(con->timeline.count, 2);
	assert_string_equal(buf_text(&con->timeline.turns[0].text), "When do you open?");
	from_model(MODEL_TRANSCRIPT_DELTA, "q2", "When");
	assert_string_equal(sent_all(), "");
}

/* What is owed is asked for all the same, and then not to the sound. */
static void words_that_do_not_come_are_left_out_before_anything_is_asked_for(void **state)
{
	(void)state;
	ask_and_answer();
	lose();
	conversation_tell(con, &(struct dialogue_event){ .type = EVENT_SAY, .text = "Hello?", .exact = true }, now);
	meet_another(true);
	hear_again();
	sent_all();
	now += PLACE_US;
	conversation_do_due(con, now);
	EXPECT_SENT("conversation.item.delete", "\"q2\"", "response.create");
	/* The note becomes the words, should they come. */
	from_model(MODEL_TRANSCRIPT, "q2", "When do you open?");
	EXPECT_SENT("When do you open?", "\"previous_item_id\":\"past_1\"", "conversation.item.delete", "\"past_1\"");
}

static void question_without_an_answer_is_heard_again_and_answered(void **state)
{
	(void)state;
	ask_and_answer();
	con->spoken.answered = false;
	lose();
	meet_another(false);
	assert_null(strstr(sent_all(), "not written down"));
	hear_again();
	from_model(MODEL_TRANSCRIPT, "q2", "When do you open?");
	assert_null(strstr(sent_all(), "delete"));
}

/* In a farewell, or while somebody is to take the call, nothing is begun anew. */
static void session_in_a_farewell_is_told_where_the_call_is(void **state)
{
	static const struct {
		enum call_end end;
		const char *note;
	} places[] = { { END_AGENT_ENDED, words_ending },
		{ END_TRANSFERRED,
		    "The caller is being connected to Ann now, and is being told so. Begin nothing new." } };

	(void)state;
	con->hand_over = call_hand_over_to("Ann", "+12025550177", 20);
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		con->dialogue.farewell =
		    (struct farewell){ .state = FAREWELL_SAYING, .end = places[i].end, .deadline_us = NEVER_US };
		lose();
		meet_another(false);
		EXPECT_SENT("\"system\"", places[i].note);
	}
	con->dialogue.farewell.state = FAREWELL_NONE;
	lose();
	meet_another(false);
	assert_null(strstr(sent_all(), "Begin nothing new."));
}

static void from_mcp_server(enum model_event_type type, enum model_mcp what, const char *id, const char *output)
{
	struct model_event e = {
		.type = type, .text = "", .response_id = "r1", .mcp = { what, id, "crm", "book", "{}", output }
	};

	conversation_model_told(con, &e, now);
}

static void what_mcp_servers_did_is_known_to_the_next_session(void **state)
{
	(void)state;
	from_mcp_server(MODEL_ITEM_ADDED, MODEL_MCP_BEGINS, "m1", "");
	from_mcp_server(MODEL_ITEM_DONE, MODEL_MCP_CALLED, "m1", "booked");
	from_mcp_server(MODEL_ITEM_ADDED, MODEL_MCP_BEGINS, "m2", "");
	assert_int_equal(con->tools.box.count, 2);
	lose();
	assert_true(con->spoken.answered); /* else it would be called again */
	meet_another(false);
	EXPECT_SENT("\"system\"", "crm/book was called", "Its result: booked", "\"system\"", "crm/book was called",
	    "is not known");
}

/* Two thousand turns, and a result of 64 KB among the last. */
static void what_is_too_much_for_a_session_is_counted(void **state)
{
	uint64_t left_out = atomic_load(&stats.model_replay_left_out), cut = atomic_load(&stats.model_replay_cut);
	static char long_output[64 * 1024];
	struct tool_run *run;
	char id[16];

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct turn *turn;

		snprintf(id, sizeof id, "i%d", i);
		turn = timeline_turn(&con->timeline, i % 2 ? TURN_AGENT : TURN_CALLER, id, i);
		turn->heard_known = true;
		turn->heard_ms = turn->generated_ms = 1000;
		timeline_text(&con->timeline, turn, i % 2 ? "Nine to five, every day." : "When do you open?", true);
	}
	memset(long_output, 'x', sizeof long_output - 1);
	assert_int_equal(toolbox_begin(&con->tools.box, "c1", "look", "{}", 1990, now), TOOL_BEGUN);
	run = toolbox_no(&con->tools.box, 1);
	run->output = strdup(long_output);
	run->told = true;
	assert_int_equal(toolbox_begin(&con->tools.box, "c2", "look", "{}", 1991, now), TOOL_BEGUN);
	run = toolbox_no(&con->tools.box, 2);
	run->output = strdup("{\"ok\":true}");
	run->told = true;
	call->cfg = &(struct config){ .replay_tokens = 1000, .backlog_ms = 15000, .give_up_seconds = 15 };
	lose();
	meet_another(false);
	assert_in_range(atomic_load(&stats.model_replay_left_out) - left_out, 1900, 1999);
	assert_int_equal(atomic_load(&stats.model_replay_cut), cut + 1);
	call->cfg = &cfg;
}

/* In a farewell none is dialled, and so none is due: the loop would turn and turn. */
static void renewal_in_a_farewell_is_not_due(void **state)
{
	(void)state;
	con->link.current.began_us = con->link.current.heard_us = now;
	con->link.current.was_pinged = true;
	con->link.current.renew_us = now - 1;
	assert_int_equal(conversation_renew_us(con), now - 1);
	con->dialogue.farewell.state = FAREWELL_SAYING;
	assert_int_equal(conversation_renew_us(con), NEVER_US);
	assert_true(link_deadline_us(&con->link) > now);
	conversation_mind_sessions(con, now);
	assert_null(con->link.next.session);
}

static int has_no_memory(struct model_session *s, const char *text, size_t len)
{
	(void)s, (void)text, (void)len;
	return -ENOMEM;
}

static void closed(struct model_session *s)
{
	(void)s;
}

/* The old one goes on, and knows what it knew. */
static void next_session_that_cannot_be_told_is_let_go(void **state)
{
	static const struct model_session_body body = { .send = has_no_memory, .close = closed };
	struct model_session full = { .body = &body };

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct turn *turn = timeline_turn(&con->timeline, TURN_AGENT, "", 1000 * i);

		turn->session = 1;
		turn->sound = turn->heard_known = turn->text_final = true;
		turn->heard_ms = turn->generated_ms = 1000;
		timeline_text(&con->timeline, turn, "Nine to five.", true);
	}
	con->link.next = (struct link_session){
		.session = &full, .access = &to, .protocol = &realtime_protocol, .no = 2, .ready = true
	};
	con->link.now_us = now;
	conversation_mind_sessions(con, now);
	assert_null(con->link.next.session);
	assert_int_equal(con->link.state, LINK_TALKING);
	assert_true(link_renew_us(&con->link) > now);
	for (int i = 0; i < 4; i++)
		assert_int_equal(con->timeline.turns[i].session, 1);
}

/* Nobody hears it, and no end of it will come. */
static void silent_answer_is_over_with_the_call(void **state)
{
	const struct turn *turn;

	(void)state;
	ask_and_answer();
	from_model(MODEL_TEXT_DELTA, "a2", "It is paid");
	turn = timeline_find(&con->timeline, "a2");
	assert_false(turn->heard_known);
	atomic_store(&call->end, END_CALLER_HUNG_UP);
	conversation_sessions_over(con, now);
	assert_true(turn->heard_known);
	assert_int_equal(turn->heard_ms, 0);
	assert_string_equal(turn->status, "incomplete");
}

/* The service may not say what it refuses. Of an answer that has begun it tells at its end. */
static void request_that_is_refused_without_a_name_is_made_again(void **state)
{
	struct model_event e = { .type = MODEL_ERROR, .error = MODEL_HARMLESS, .text = "" };

	(void)state;
	conversation_tell(con, &(struct dialogue_event){ .type = EVENT_SAY, .text = "Hello?" }, now);
	conversation_do_due(con, now);
	EXPECT_SENT("response.create");
	conversation_model_told(con, &e, now);
	e.error = MODEL_RETRY;
	snprintf(e.refused_id, sizeof e.refused_id, "past_1");
	conversation_model_told(con, &e, now); /* that is something else */
	assert_int_equal(con->dialogue.failures, 0);
	e.refused_id[0] = '\0';
	conversation_model_told(con, &e, now);
	assert_int_equal(con->dialogue.failures, 1);
	now += RETRY_US;
	conversation_do_due(con, now);
	EXPECT_SENT("response.create");
	conversation_model_told(con, &(struct model_event){ .type = MODEL_RESPONSE_CREATED, .response_id = "r1" }, now);
	conversation_model_told(con, &e, now);
	assert_int_equal(con->dialogue.failures, 1);
}

/* A part of an answer with so much of its sound. */
static void answers(const char *response, const char *item, const char *text, size_t ms)
{
	struct model_event e = { .type = MODEL_AUDIO };
	size_t len = ms * 8 / 3 * 4;
	char *base64 = malloc(len + 1);

	base64[0] = '"';
	memset(base64 + 1, '/', len);
	e.audio = (struct span){ base64 + 1, len };
	snprintf(e.response_id, sizeof e.response_id, "%s", response);
	snprintf(e.item_id, sizeof e.item_id, "%s", item);
	from_model(MODEL_TEXT_DELTA, item, text);
	conversation_model_told(con, &e, now);
	free(base64);
}

/* The session is lost while its words are ahead of so much sound: the next one says what nobody heard. */
static const char *told_after(const char *text, size_t ms, bool cut_short)
{
	struct model_event e = { .type = MODEL_RESPONSE_CREATED, .response_id = "r1" };

	assert_int_equal(ring_open(&call->to_caller, 1 << 20), 0);
	buf_init(&con->audio.decoded, 0);
	buf_init(&con->audio.converted, 0);
	conversation_model_told(con, &e, now);
	answers("r1", "a1", "We open at nine in the morning.", 3000);
	from_model(MODEL_TEXT_DONE, "a1", "We open at nine in the morning.");
	e = (struct model_event){
		.type = MODEL_RESPONSE_DONE, .status = MODEL_COMPLETED, .response_id = "r1", .text = ""
	};
	conversation_model_told(con, &e, now);
	e = (struct model_event){ .type = MODEL_RESPONSE_CREATED, .response_id = "r2" };
	conversation_model_told(con, &e, now);
	answers("r2", "a2", text, ms);
	if (cut_short) {
		e = (struct model_event){ .type = MODEL_AUDIO_DONE, .response_id = "r2", .item_id = "a2" };
		conversation_model_told(con, &e, now);
		from_model(MODEL_TEXT_DONE, "a2", text);
		e = (struct model_event){
			.type = MODEL_RESPONSE_DONE, .status = MODEL_INCOMPLETE, .response_id = "r2", .text = ""
		};
		conversation_model_told(con, &e, now);
	}
	lose();
	meet_another(false);
	ring_close(&call->to_caller);
	buf_free(&con->audio.decoded);
	buf_free(&con->audio.converted);
	return sent_all();
}

static int64_t used(enum usage_kind kind)
{
	return atomic_load(&call->models[0].used[kind]);
}

/* Nobody says what it is billed: by what came of it, and with as much in as the last one had. */
static void answer_that_its_session_cannot_report_is_counted(void **state)
{
	(void)state;
	con->spending.last.n[USAGE_AUDIO_IN] = 700;
	con->spending.last.n[USAGE_AUDIO_CACHED] = 600;
	con->spending.last.n[USAGE_AUDIO_OUT] = 5000;
	told_after("And on Sundays we are closed, as ever.", 1020, false);
	assert_int_equal(used(USAGE_AUDIO_OUT), 20);
	assert_int_equal(used(USAGE_TEXT_OUT), 9);
	assert_int_equal(used(USAGE_AUDIO_IN), 700);
	assert_int_equal(used(USAGE_AUDIO_CACHED), 600);
	lose(); /* that session made nothing */
	assert_int_equal(used(USAGE_AUDIO_OUT), 20);
	conversation_sessions_over(con, now);
	assert_int_equal(used(USAGE_AUDIO_OUT), 20);
}

/* Nor of one that the call's end cut short; but of one with whose end the session ends, too. */
static void answer_at_the_end_is_counted_once(void **state)
{
	struct model_event e = { .type = MODEL_RESPONSE_CREATED, .response_id = "r1" };

	(void)state;
	conversation_model_told(con, &e, now);
	from_model(MODEL_TEXT_DELTA, "a1", "We open at nine.");
	snprintf(con->ended, sizeof con->ended, "r1"); /* it was reported, with an error that ends the session */
	conversation_sessions_over(con, now);
	assert_int_equal(used(USAGE_TEXT_OUT), 0);
	con->ended[0] = '\0';
	from_model(MODEL_TEXT_DELTA, "a2", "We open at nine.");
	conversation_sessions_over(con, now);
	assert_int_equal(used(USAGE_TEXT_OUT), 4);
}

static void next_session_is_told_no_words_that_had_no_sound(void **state)
{
	const char *told = told_after("And on Sundays we are closed.", 1000, false);

	(void)state;
	assert_non_null(strstr(told, "We open at nine in the morning."));
	assert_non_null(strstr(told, "\"And on\""));
	assert_non_null(strstr(told, "broke off there"));
	assert_true(con->spoken.answered);
}

/* By the service itself: the sound had an end, and the words go on. */
static void answer_that_was_cut_short_is_known_as_far_as_it_had_sound(void **state)
{
	const char *told = told_after("And on Sundays we are closed.", 1000, true);

	(void)state;
	assert_non_null(strstr(told, "\"And on\""));
}

/* What it said last is an older answer, and that is whole. */
static void answer_that_broke_off_in_its_first_word_is_begun_anew(void **state)
{
	const char *told = told_after("Wednesdays", 300, false);

	(void)state;
	assert_false(con->spoken.answered);
	assert_non_null(strstr(told, "We open at nine in the morning."));
	assert_null(strstr(told, "Wednesdays"));
	assert_null(strstr(told, "broke off there"));
}

/* The question is not heard again where that could call the tool a second time. */
static void answer_torn_off_behind_a_tool_leaves_its_question_answered(void **state)
{
	struct turn *turn;

	(void)state;
	for (int tools = 0; tools < 2; tools++) {
		ask_and_answer();
		con->spoken.newest = con->timeline.count - 1;
		turn = timeline_find(&con->timeline, "a1");
		turn->heard_ms = 0; /* not one word */
		turn->generated_ms = 1000;
		if (tools)
			assert_int_equal(toolbox_begin(&con->tools.box, "c1", "look", "{}", 1500, now), TOOL_BEGUN);
		lose();
		assert_int_equal(con->spoken.answered, tools);
		meet_another(false);
	}
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test_setup_teardown(
	    question_that_was_answered_is_heard_again_and_put_before_its_answer, begin, end),
	cmocka_unit_test_setup_teardown(words_that_do_not_come_are_left_out_before_anything_is_asked_for, begin, end),
	cmocka_unit_test_setup_teardown(question_without_an_answer_is_heard_again_and_answered, begin, end),
	cmocka_unit_test_setup_teardown(session_in_a_farewell_is_told_where_the_call_is, begin, end),
	cmocka_unit_test_setup_teardown(what_mcp_servers_did_is_known_to_the_next_session, begin, end),
	cmocka_unit_test_setup_teardown(next_session_that_cannot_be_told_is_let_go, begin, end),
	cmocka_unit_test_setup_teardown(answer_that_was_cut_short_is_known_as_far_as_it_had_sound, begin, end),
	cmocka_unit_test_setup_teardown(what_is_too_much_for_a_session_is_counted, begin, end),
	cmocka_unit_test_setup_teardown(renewal_in_a_farewell_is_not_due, begin, end),
	cmocka_unit_test_setup_teardown(silent_answer_is_over_with_the_call, begin, end),
	cmocka_unit_test_setup_teardown(request_that_is_refused_without_a_name_is_made_again, begin, end),
	cmocka_unit_test_setup_teardown(answer_that_its_session_cannot_report_is_counted, begin, end),
	cmocka_unit_test_setup_teardown(answer_at_the_end_is_counted_once, begin, end),
	cmocka_unit_test_setup_teardown(next_session_is_told_no_words_that_had_no_sound, begin, end),
	cmocka_unit_test_setup_teardown(answer_that_broke_off_in_its_first_word_is_begun_anew, begin, end),
	cmocka_unit_test_setup_teardown(answer_torn_off_behind_a_tool_leaves_its_question_answered, begin, end),
	{ 0 },
};
