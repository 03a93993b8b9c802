/* A conversation on a channel of text: words both ways, as the rings and the model get them; with a
 * dialogue, and without a loop or a socket.
 */
#include "server/agent/conversation_phone.h"

#include "common/clock.h"
#include "common/json.h"
#include "server/agent/conversation_orders.h"
#include "server/agent/conversation_session.h"
#include "server/agent/conversation_tools.h"
#include "server/model/realtime.h"
#include "server/stats/stats.h"
#include "tests/unit/agent/conversation_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

static const struct phone_channel channel = { .text = true };
static const struct relay_language languages[] = { { .code = "es-ES" } };
static const char *const sounds[] = { "https://example.com/ring.mp3" };
static const char *const parking[] = { "parking" };
static const struct agent_instant instants[] = { { parking, 1, "Behind the house." } };
static const struct model_access to = { .host = "example.com", .number = 1 };
static struct agent agent;
static struct config cfg;
static int64_t now;

static int begin(void **state)
{
	conversation_kit_begin(state);
	con->link.current.protocol = &realtime_text_protocol;
	agent = (struct agent){ .name = "reception",
		.greeting_mode = GREETING_WAIT,
		.channel = CHANNEL_RELAY,
		.knowledge = "",
		.outcome_schema = "",
		.transcription_model = "",
		.instants = instants,
		.instant_count = 1,
		.relay = { .attributes = { [RELAY_language] = "en-US" },
		    .languages = languages,
		    .language_count = 1,
		    .plays = sounds,
		    .play_count = 1 } };
	cfg = (struct config){ .silence_max_ms = 4000, .slow_answer_max_ms = 8000, .replay_tokens = 8000 };
	assert_int_equal(ring_open(&call->to_caller, 1 << 20), 0);
	assert_int_equal(ring_open(&call->from_caller, 1 << 16), 0);
	call->cfg = &cfg;
	call->calls = calloc(1, 64 * 1024); /* opaque, and empty */
	call->agent = &agent;
	call->channel = &channel;
	call->announced = true;
	call->context = (struct call_context){ .agent = &agent, .instructions = "", .greeting = "Hello, how are you?" };
	atomic_store(&call->started_us, 1);
	con->link.current.access = &to;
	con->link.current.renew_us = NEVER_US;
	buf_init(&con->audio.decoded, 0);
	dialogue_init(&con->dialogue,
	    &(struct dialogue_rules){
		.asks = true, .interruptible = true, .silence_us = 4 * US_PER_S, .slow_us = 8 * US_PER_S });
	now = 100 * (int64_t)US_PER_S;
	TELL(con, now, .type = EVENT_MODEL_READY);
	TELL(con, now, .type = EVENT_CALLER_THERE);
	conversation_do_due(con, now);
	return 0;
}

static int end(void **state)
{
	conversation_sessions_free(con);
	buf_free(&con->audio.decoded);
	ring_close(&call->to_caller);
	ring_close(&call->from_caller);
	free(call->calls);
	return conversation_kit_end(state);
}

/* ------------------------------------------------------------------------ the far ends */

static void take(void)
{
	conversation_take_messages(con, now);
	conversation_do_due(con, now);
}

static void caller_says(const char *words, bool last)
{
	ring_put2(&call->from_caller, FROM_TEXT, &last, sizeof last, words, strlen(words));
	take();
}

static void from_caller(enum from_caller_type type, uint32_t no, uint32_t heard_ms, const char *words)
{
	struct from_cut cut = { .count = no != 0,
		.items = { { .no = no, .heard_ms = heard_ms, .confirmed = !words } } };

	ring_put2(&call->from_caller, (uint8_t)type, &cut, sizeof cut, words ? words : "", words ? strlen(words) : 0);
	take();
}

static void from_model(enum model_event_type type, const char *item, const char *text)
{
	struct model_event e = { .type = type, .text = text, .status = MODEL_COMPLETED };

	snprintf(e.response_id, sizeof e.response_id, "r_%s", item);
	snprintf(e.item_id, sizeof e.item_id, "%s", item);
	conversation_model_told(con, &e, now);
	conversation_do_due(con, now);
}

static void answer(const char *item, const char *text)
{
	from_model(MODEL_RESPONSE_CREATED, item, "");
	from_model(MODEL_TEXT_DELTA, item, text);
	from_model(MODEL_TEXT_DONE, item, text);
	from_model(MODEL_RESPONSE_DONE, item, "");
}

/* The oldest message to the caller loop, as "TYPE text"; "" none. */
static const char *played(void)
{
	static const char *const names[] = { [TO_AUDIO] = "text",
		[TO_ITEM_END] = "end",
		[TO_GREETED] = "greeted",
		[TO_LANGUAGE] = "language",
		[TO_PLAY] = "play" };
	static char shown[70000];
	struct ring_message m;
	size_t head;

	if (!ring_next(&call->to_caller, &m))
		return "";
	head = m.type == TO_AUDIO || m.type == TO_GREETED ? sizeof(struct to_audio) : m.type == TO_ITEM_END ? m.len : 0;
	snprintf(shown, sizeof shown, "%s %.*s", names[m.type], (int)(m.len - head), (const char *)m.body + head);
	ring_pop(&call->to_caller);
	return shown;
}

/* The oldest message to the model: its type, and of an item its role, text and the item before it. */
static const char *sent(void)
{
	static char shown[4000];
	const cJSON *item, *content;
	struct ring_message m;
	cJSON *t;

	if (!ring_next(&call->writer.orders, &m))
		return "";
	t = json_parse(m.body, m.len);
	item = json_get(t, "item");
	content = cJSON_GetArrayItem(json_get(item, "content"), 0);
	snprintf(shown, sizeof shown, "%s", json_str(t, "type"));
	if (content)
		snprintf(shown, sizeof shown, "%s: %s%s%s", json_str(item, "role"), json_str(content, "text"),
		    json_str(t, "previous_item_id") ? " after " : "",
		    json_str(t, "previous_item_id") ? json_str(t, "previous_item_id") : "");
	else if (json_str(t, "item_id"))
		snprintf(shown, sizeof shown, "%s %s", json_str(t, "type"), json_str(t, "item_id"));
	cJSON_Delete(t);
	ring_pop(&call->writer.orders);
	return shown;
}

static void said(size_t no, const char *text, const char *heard)
{
	const struct turn *turn = &con->timeline.turns[no];
	struct call_turn out;

	assert_true(no < con->timeline.count);
	timeline_tell(turn, &out);
	assert_string_equal(out.text, text);
	if (!heard) {
		assert_false(out.heard_known);
		return;
	}
	assert_true(out.heard_known);
	assert_int_equal(out.heard_len, strlen(heard));
	assert_memory_equal(out.heard_text, heard, out.heard_len);
}

static void asked(const char *words)
{
	char line[200];

	caller_says(words, true);
	snprintf(line, sizeof line, "user: %s", words);
	assert_string_equal(sent(), line);
	assert_string_equal(sent(), "response.create");
	assert_string_equal(sent(), "");
}

/* In the middle of an answer, of which so many bytes were heard. */
static void interrupted(uint32_t heard)
{
	asked("When?");
	from_model(MODEL_RESPONSE_CREATED, "i1", "");
	from_model(MODEL_TEXT_DELTA, "i1", "We open at nine");
	from_caller(FROM_INTERRUPTED, 1, heard * SPOKEN_MS_PER_BYTE, NULL);
	assert_string_equal(sent(), "response.cancel");
}

static void shortened(const char *heard)
{
	char line[200];

	snprintf(line, sizeof line, "assistant: %s after i1", heard);
	assert_string_equal(sent(), line);
	assert_string_equal(sent(), "conversation.item.delete i1");
}

/* ------------------------------------------------------------------------------- tests */

/* The answer does, and that much of it is played. */
static void goes_on(const char *item, const char *text, const char *heard)
{
	from_model(MODEL_TEXT_DELTA, item, text);
	assert_string_equal(played(), heard);
}

static void turn_is_told_and_answered_in_text(void **state)
{
	(void)state;
	caller_says("when do", false);
	assert_true(con->dialogue.speaking);
	assert_string_equal(sent(), "");
	said(0, "when do", NULL);
	asked("When do you open?");
	said(0, "When do you open?", NULL);
	assert_true(con->timeline.turns[0].text_final);
	from_model(MODEL_RESPONSE_CREATED, "i1", "");
	goes_on("i1", " We open", "text  We open");
	goes_on("i1", " at **nine** \xf0\x9f", "text  at nine ");
	goes_on("i1", "\x98\x80!", "");
	from_model(MODEL_TEXT_DONE, "i1", " We open at **nine** \xf0\x9f\x98\x80!");
	assert_string_equal(played(), "text !");
	assert_string_equal(played(), "end ");
	from_model(MODEL_RESPONSE_DONE, "i1", "");
	said(1, " We open at nine !", NULL);
	assert_int_equal(con->timeline.turns[1].generated_ms, 18 * SPOKEN_MS_PER_BYTE);
	ring_put(&call->from_caller, FROM_HEARD,
	    &(struct heard){ .no = 1, .heard_ms = 18 * SPOKEN_MS_PER_BYTE, .confirmed = true }, sizeof(struct heard));
	take();
	said(1, " We open at nine !", " We open at nine !");
	assert_string_equal(sent(), "");
	assert_int_equal(con->timeline.count, 2);
}

static void answered_at_once(void)
{
	caller_says("Is there parking?", true);
	assert_string_equal(played(), "text Behind the house.");
	assert_string_equal(played(), "end ");
	assert_true(con->timeline.turns[con->timeline.count - 1].text_final);
}

/* The model is told both, and asked for nothing. */
static void instant_answer_needs_no_model(void **state)
{
	uint64_t count = atomic_load(&stats.turns_instant);

	(void)state;
	con->dialogue.quiet.asked = 1;
	answered_at_once();
	assert_int_equal(con->dialogue.quiet.asked, 0);
	assert_int_equal(atomic_load(&stats.turns_instant), count + 1);
	said(0, "Is there parking?", NULL);
	said(1, "Behind the house.", NULL);
	assert_string_equal(sent(), "user: Is there parking?");
	assert_string_equal(sent(), "assistant: Behind the house.");
	assert_string_equal(sent(), "");
	asked("And where do I pay?");
	answer("i1", "At the desk.");
	assert_string_equal(played(), "text At the desk.");
	assert_int_equal(con->timeline.count, 4);
}

/* What is owed then is answered with it. */
static void question_while_an_answer_is_owed_is_the_models(void **state)
{
	(void)state;
	asked("When do you open?");
	caller_says("And is there parking?", true);
	assert_string_equal(sent(), "user: And is there parking?");
	assert_string_equal(played(), "");
}

/* It is told to the next one, and the caller has heard it by then. */
static void instant_answer_comes_without_a_session(void **state)
{
	(void)state;
	con->link.state = LINK_DIALLING;
	TELL(con, now, .type = EVENT_MODEL_AWAY);
	answered_at_once();
	assert_string_equal(sent(), "");
	caller_says("And where?", true);
	assert_string_equal(played(), "");
}

static void interrupted_instant_answer_is_shortened_at_the_model(void **state)
{
	(void)state;
	answered_at_once();
	from_caller(FROM_INTERRUPTED, 1, 6 * SPOKEN_MS_PER_BYTE, NULL);
	said(1, "Behind the house.", "Behind");
	sent();
	sent();
	assert_memory_equal(sent(), "assistant: Behind after ", 24);
	assert_memory_equal(sent(), "conversation.item.delete", 24);
}

/* Twilio found it, or heard it after our own change. */
static void model_is_told_when_the_caller_speaks_another_language(void **state)
{
	static const char *const tags[] = { "en-US", "es-ES", "es-ES" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		ring_put(&call->from_caller, FROM_LANGUAGE, tags[i], 5);
		take();
		assert_string_equal(sent(), i == 1 ? "system: The caller speaks es-ES now." : "");
	}
	/* Without a session it is for the next one to be told. */
	con->link.state = LINK_LOST;
	ring_put(&call->from_caller, FROM_LANGUAGE, "en-US", 5);
	take();
	con->link.state = LINK_TALKING;
	assert_string_equal(sent(), "");
	assert_string_equal(con->text.language, "en-US");
}

static void answer_told_by_its_end_alone_is_said(void **state)
{
	(void)state;
	asked("Hello?");
	from_model(MODEL_RESPONSE_CREATED, "i1", "");
	from_model(MODEL_TEXT_DONE, "i1", "Yes, hello.");
	assert_string_equal(played(), "text Yes, hello.");
	assert_string_equal(played(), "end ");
	from_model(MODEL_TEXT_DONE, "i1", "Yes, hello.");
	assert_string_equal(played(), "");
}

static void answer_is_said_once_though_the_record_is_full(void **state)
{
	char *much = malloc(TIMELINE_TEXT + 1);

	(void)state;
	memset(much, 'm', TIMELINE_TEXT);
	much[TIMELINE_TEXT] = '\0';
	timeline_text(&con->timeline, timeline_turn(&con->timeline, TURN_CALLER, "much", 0), much, true);
	free(much);
	asked("Hello?");
	answer("i1", "Yes, hello.");
	assert_string_equal(played(), "text Yes, hello.");
	assert_string_equal(played(), "end ");
	assert_string_equal(played(), "");
}

/* Nobody hears them, so that is no answer; nor are they missed before one. */
static void answer_of_blanks_is_asked_for_again(void **state)
{
	(void)state;
	asked("Hello?");
	answer("i1", " \n\n ");
	assert_string_equal(played(), "");
	assert_string_equal(sent(), "conversation.item.delete i1");
	now += US_PER_S;
	take();
	assert_string_equal(sent(), "response.create");
	from_model(MODEL_RESPONSE_CREATED, "i2", "");
	goes_on("i2", "\n", "");
	goes_on("i2", " Yes,", "text  Yes,");
	goes_on("i2", " ", "text  ");
	goes_on("i2", "hello.", "text hello.");
}

static void interrupted_answer_is_shortened_at_the_model_to_what_was_heard(void **state)
{
	(void)state;
	asked("When?");
	answer("i1", "We open at nine in the morning.");
	from_caller(FROM_INTERRUPTED, 1, 13 * SPOKEN_MS_PER_BYTE, NULL);
	shortened("We open at ni");
	assert_int_equal(atomic_load(&call->cuts_wanted), 1);
	said(1, "We open at nine in the morning.", "We open at ni");
	caller_says("Later", true);
	assert_string_equal(sent(), "user: Later");
}

static void answer_that_is_being_made_is_cancelled_when_it_is_interrupted(void **state)
{
	(void)state;
	interrupted(0);
	from_model(MODEL_TEXT_DELTA, "i1", " late");
	assert_string_equal(sent(), "");
	from_model(MODEL_RESPONSE_DONE, "i1", "");
	assert_string_equal(sent(), "conversation.item.delete i1"); /* nothing was heard */
	assert_string_equal(played(), "text We open at nine");
	assert_string_equal(played(), "");
	said(1, "We open at nine", "");
}

/* The service keeps what it is making: the shorter item must not stand beside it. */
static void answer_is_shortened_once_its_response_is_over_and_before_the_next(void **state)
{
	(void)state;
	interrupted(7);
	caller_says("And on Sunday?", true);
	assert_string_equal(sent(), "user: And on Sunday?");
	assert_string_equal(sent(), "");
	from_model(MODEL_RESPONSE_DONE, "i1", "");
	shortened("We open");
	assert_string_equal(sent(), "response.create");
	assert_string_equal(sent(), "");
}

/* Nor if the end of it is lost. */
static void answer_whose_end_is_lost_is_shortened_before_the_next(void **state)
{
	(void)state;
	interrupted(7);
	caller_says("And on Sunday?", true);
	assert_string_equal(sent(), "user: And on Sunday?");
	now += 10 * (int64_t)US_PER_S;
	conversation_do_due(con, now);
	shortened("We open");
	assert_string_equal(sent(), "response.create");
}

static void words_that_are_not_ours_are_what_was_heard(void **state)
{
	(void)state;
	asked("When?");
	answer("i1", "We open at 9.");
	from_caller(FROM_INTERRUPTED, 1, 10 * SPOKEN_MS_PER_BYTE, "We open at nine");
	shortened("We open at nine");
	said(1, "We open at 9.", "We open at nine");
	assert_null(con->text.foreign.p);
}

static void phone_that_was_interrupted_always_gets_its_cut(void **state)
{
	(void)state;
	from_caller(FROM_INTERRUPTED, 0, 0, NULL);
	assert_int_equal(atomic_load(&call->cuts_wanted), 1);
	assert_string_equal(sent(), "");
}

static void nothing_of_an_answer_that_nobody_heard_stays_with_the_model(void **state)
{
	(void)state;
	asked("When?");
	caller_says("Where?", true);
	assert_string_equal(sent(), "user: Where?");
	from_model(MODEL_RESPONSE_CREATED, "i1", "");
	assert_string_equal(sent(), "response.cancel");
	from_model(MODEL_TEXT_DELTA, "i1", "At nine.");
	from_model(MODEL_RESPONSE_DONE, "i1", "");
	assert_string_equal(played(), "");
	assert_string_equal(sent(), "conversation.item.delete i1");
	assert_string_equal(sent(), "response.create");
	said(2, "At nine.", "");
}

static void turn_of_spaces_is_none(void **state)
{
	(void)state;
	caller_says("  \n", true);
	assert_int_equal(con->timeline.count, 0);
	caller_says("mm", false);
	caller_says(" ", true);
	assert_false(con->dialogue.speaking);
	assert_int_equal(con->timeline.count, 1);
	assert_int_equal(timeline_untranscribed(&con->timeline), 0);
	assert_string_equal(sent(), "");
}

static void voice_shows_that_the_caller_speaks(void **state)
{
	bool on = true;

	(void)state;
	ring_put(&call->from_caller, FROM_VOICE, &on, sizeof on);
	take();
	assert_true(con->dialogue.speaking);
	on = false;
	ring_put(&call->from_caller, FROM_VOICE, &on, sizeof on);
	take();
	assert_false(con->dialogue.speaking);
	assert_int_equal(con->timeline.count, 0);
}

static void session_is_ready(void)
{
	con->link.state = LINK_REPLAYING;
	con->link.current.no++;
	conversation_mind_sessions(con, now);
	conversation_do_due(con, now);
}

/* As when the caller comes, before or after the session. */
static void comes(enum link_state state)
{
	struct dialogue_rules rules = con->dialogue.rules;

	dialogue_init(&con->dialogue, &rules);
	agent.greeting_mode = GREETING_EXACT;
	con->link.state = state;
	if (state == LINK_TALKING)
		TELL(con, now, .type = EVENT_MODEL_READY);
	ring_put(&call->from_caller, FROM_STARTED, NULL, 0);
	take();
	assert_string_equal(played(), "greeted Hello, how are you?");
	assert_string_equal(played(), "end ");
	assert_string_equal(played(), "");
}

static void greeting_of_the_phone_is_known_to_the_model_and_can_be_interrupted(void **state)
{
	char line[100];

	(void)state;
	comes(LINK_TALKING);
	assert_string_equal(sent(), "assistant: Hello, how are you?");
	from_caller(FROM_INTERRUPTED, 1, 5 * SPOKEN_MS_PER_BYTE, NULL);
	snprintf(line, sizeof line, "assistant: Hello after %s", con->timeline.turns[0].item_id);
	assert_string_equal(sent(), line);
	snprintf(line, sizeof line, "conversation.item.delete %s", con->timeline.turns[0].item_id);
	assert_string_equal(sent(), line);
	said(0, "Hello, how are you?", "Hello");
	asked("Fine.");
}

static void what_was_said_before_the_session_is_told_to_it_first(void **state)
{
	(void)state;
	comes(LINK_LOST);
	from_caller(FROM_INTERRUPTED, 1, 6 * SPOKEN_MS_PER_BYTE, NULL);
	caller_says("Hi there", true);
	assert_string_equal(sent(), "");
	session_is_ready();
	assert_string_equal(sent(), "assistant: Hello,");
	assert_string_equal(sent(), "user: Hi there");
	assert_string_equal(sent(), "response.create");
	assert_string_equal(sent(), "");
}

static void greeting_of_which_nothing_was_heard_is_not_told(void **state)
{
	(void)state;
	comes(LINK_LOST);
	from_caller(FROM_INTERRUPTED, 1, 0, NULL);
	caller_says("Hi there", true);
	session_is_ready();
	assert_string_equal(sent(), "user: Hi there");
	assert_string_equal(sent(), "response.create");
	assert_string_equal(sent(), "");
}

static void caller_who_is_back_or_comes_by_other_twiml_is_not_greeted_by_the_phone(void **state)
{
	(void)state;
	agent.greeting_mode = GREETING_EXACT;
	assert_string_equal(call_welcome(call), "Hello, how are you?");
	call->context.said = (struct fleet_said *)call;
	assert_string_equal(call_welcome(call), "");
	call->context.said = NULL;
	/* Nor do we know what TwiML says that is not ours. */
	call->announced = false;
	assert_string_equal(call_welcome(call), "");
	call->announced = true;
}

static void long_answer_goes_out_in_pieces_that_part_no_character(void **state)
{
	enum { LONG = 64 * 1024 };
	char *text = malloc(LONG + 1);
	size_t len = 0, at = 0;
	const char *part;

	(void)state;
	strcpy(text, "x"); /* so that no boundary is even */
	for (size_t i = 1; i + 2 < LONG; i += 2)
		strcpy(text + i, "\xc3\xa4");
	asked("Long?");
	from_model(MODEL_RESPONSE_CREATED, "i1", "");
	from_model(MODEL_TEXT_DELTA, "i1", text);
	while (strncmp(part = played(), "text ", 5) == 0) {
		assert_false((part[5] & 0xc0) == 0x80);
		len = strlen(part + 5);
		assert_memory_equal(part + 5, text + at, len);
		at += len;
	}
	assert_int_equal(at, strlen(text));
	free(text);
}

static void call_tool(const char *name, const char *arguments)
{
	static int count;
	char id[32];
	struct model_tool_call wanted = { id, name, arguments };
	struct model_event e = { .type = MODEL_ITEM_DONE, .text = "", .calls = &wanted, .call_count = 1 };

	snprintf(id, sizeof id, "call_%d", ++count);
	snprintf(e.response_id, sizeof e.response_id, "r_i1");
	conversation_model_told(con, &e, now);
	assert_true(toolbox_find(&con->tools.box, id)->answered);
}

static bool last_tool_went_well(void)
{
	return con->tools.box.runs[con->tools.box.count - 1].ok;
}

static void tools_of_the_phone_come_behind_the_words_before_them(void **state)
{
	static const char *const bad[][2] = {
		{ "switch_language", "{\"language\":\"fr-FR\"}" }, { "switch_language", "{}" },
		{ "play", "{\"sound\":\"https://example.com/other.mp3\"}" }, { "send_digits", "{\"digits\":\"1\"}" }
	}; /* the file does not say so; test_conversation_keys.c has the rest */

	(void)state;
	asked("Spanish?");
	from_model(MODEL_RESPONSE_CREATED, "i1", "");
	from_model(MODEL_TEXT_DELTA, "i1", "One moment. ");
	call_tool("switch_language", "{\"language\":\"es-ES\"}");
	assert_true(last_tool_went_well());
	call_tool("play", "{\"sound\":\"https://example.com/ring.mp3\"}");
	assert_string_equal(played(), "text One moment. ");
	assert_string_equal(played(), "language es-ES");
	assert_string_equal(played(), "play https://example.com/ring.mp3");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		call_tool(bad[i][0], bad[i][1]);
		assert_false(last_tool_went_well());
	}
	assert_string_equal(played(), "");
	agent.channel = CHANNEL_STREAM;
	call_tool("play", "{\"sound\":\"https://example.com/ring.mp3\"}");
	assert_false(last_tool_went_well());
}

/* Whoever is asked what follows the call says another one then. */
static void goodbye_that_is_not_heard_in_time_is_known_to_the_call(void **state)
{
	(void)state;
	TELL(con, now, .type = EVENT_GOODBYE, .text = "Bye.", .end = END_AGENT_ENDED);
	conversation_do_due(con, now);
	assert_false(atomic_load(&call->unheard));
	now += FAREWELL_WORDS_US;
	conversation_do_due(con, now);
	assert_true(con->dialogue.over);
	assert_true(atomic_load(&call->unheard));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

const struct CMUnitTest unit_tests[] = {
	CASE(turn_is_told_and_answered_in_text),
	CASE(instant_answer_needs_no_model),
	CASE(question_while_an_answer_is_owed_is_the_models),
	CASE(instant_answer_comes_without_a_session),
	CASE(interrupted_instant_answer_is_shortened_at_the_model),
	CASE(model_is_told_when_the_caller_speaks_another_language),
	CASE(answer_told_by_its_end_alone_is_said),
	CASE(answer_is_said_once_though_the_record_is_full),
	CASE(answer_of_blanks_is_asked_for_again),
	CASE(interrupted_answer_is_shortened_at_the_model_to_what_was_heard),
	CASE(answer_is_shortened_once_its_response_is_over_and_before_the_next),
	CASE(answer_whose_end_is_lost_is_shortened_before_the_next),
	CASE(answer_that_is_being_made_is_cancelled_when_it_is_interrupted),
	CASE(words_that_are_not_ours_are_what_was_heard),
	CASE(phone_that_was_interrupted_always_gets_its_cut),
	CASE(nothing_of_an_answer_that_nobody_heard_stays_with_the_model),
	CASE(turn_of_spaces_is_none),
	CASE(voice_shows_that_the_caller_speaks),
	CASE(greeting_of_the_phone_is_known_to_the_model_and_can_be_interrupted),
	CASE(what_was_said_before_the_session_is_told_to_it_first),
	CASE(greeting_of_which_nothing_was_heard_is_not_told),
	CASE(caller_who_is_back_or_comes_by_other_twiml_is_not_greeted_by_the_phone),
	CASE(long_answer_goes_out_in_pieces_that_part_no_character),
	CASE(tools_of_the_phone_come_behind_the_words_before_them),
	CASE(goodbye_that_is_not_heard_in_time_is_known_to_the_call),
	{ 0 },
};
