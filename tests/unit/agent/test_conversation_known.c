/* Lines that have their sound: what the caller loop gets, what stands in the record, and what a session is told of
 * them, whenever it comes. Without a loop or a socket, and with lines of the test's own. */
#include "server/agent/conversation_known.h"

#include "common/clock.h"
#include "server/agent/conversation_orders.h"
#include "server/agent/conversation_phone.h"
#include "server/agent/conversation_model.h"
#include "server/agent/conversation_session.h"
#include "server/agent/conversation_waits.h"
#include "server/phone/channel.h"
#include "server/voice/voice.h"
#include "tests/unit/agent/conversation_kit.h"

ONE_THREAD;

enum { LINE_BYTES = 16000 /* 2 s */ };

static const struct phone_channel sound = { .audio = true };
static const struct model_access to = { .host = "example.com", .number = 1 };
static const struct agent agent = { .name = "desk",
	.openai_model = "m",
	.transcription_model = "t",
	.greeting_mode = GREETING_EXACT,
	.say_voice = "",
	.say_language = "" };
static struct config cfg = { .replay_tokens = 8000, .backlog_ms = 15000, .give_up_seconds = 15 };
static unsigned char ulaw[LINE_BYTES];
static const struct voice_line line = { ulaw, sizeof ulaw };
static char greeting[] = "Good morning, this is the front desk.";
static int64_t now;

static int begin(void **state)
{
	conversation_kit_begin(state);
	now = 10 * (int64_t)US_PER_S;
	call->cfg = &cfg;
	call->agent = &agent;
	call->channel = &sound;
	call->context = (struct call_context){ .agent = &agent, .instructions = "", .greeting = greeting };
	call->calls = calloc(1, 64 * 1024); /* opaque, and empty */
	assert_int_equal(ring_open(&call->to_caller, 1 << 20), 0);
	assert_int_equal(ring_open(&call->from_caller, 1 << 16), 0);
	con->link.current.access = &to;
	con->link.current.renew_us = NEVER_US;
	con->link.state = LINK_DIALLING;
	con->link.current.no = 0;
	for (int i = KNOWN_NONE + 1; i < KNOWN_COUNT; i++)
		con->known[i] = &line;
	dialogue_init(&con->dialogue, &(struct dialogue_rules){ .greets = true,
					  .interruptible = true,
					  .silence_us = 4 * US_PER_S,
					  .slow_us = 8 * US_PER_S,
					  .knows = { [KNOWN_GREETING] = true } });
	return 0;
}

static int end(void **state)
{
	conversation_sessions_free(con);
	ring_close(&call->to_caller);
	ring_close(&call->from_caller);
	free(call->calls);
	return conversation_kit_end(state);
}

static void caller_comes(void)
{
	TELL(con, now, .type = EVENT_CALLER_THERE);
	conversation_do_due(con, now);
}

static void meet_session(void)
{
	con->link.current.no++;
	con->link.state = LINK_REPLAYING;
	conversation_mind_sessions(con, now);
	assert_int_equal(con->link.state, LINK_TALKING);
	conversation_do_due(con, now);
}

static void from_caller(enum from_caller_type type, const void *body, size_t len)
{
	ring_put(&call->from_caller, (uint8_t)type, body, len);
	conversation_take_messages(con, now);
	conversation_do_due(con, now);
}

static void voice(bool speaks)
{
	from_caller(FROM_VOICE, &speaks, sizeof speaks);
}

/* The cut that the caller loop was asked for, after so much of the line. */
static void serve_cut(uint32_t heard_ms)
{
	struct from_cut cut = {
		.cut = con->dialogue.cuts, .count = 1, .items = { { .no = 1, .heard_ms = heard_ms, .confirmed = true } }
	};

	assert_int_equal(con->dialogue.cuts, 1);
	from_caller(FROM_CUT, &cut, sizeof cut);
}

/* Bytes of sound in the ring, which ends an item; -1: it does not. */
static long queued(void)
{
	struct ring_message m;
	bool ends = false;
	long bytes = 0;

	while (ring_next(&call->to_caller, &m)) {
		if (m.type == TO_AUDIO)
			bytes += (long)(m.len - sizeof(struct to_audio));
		ends = m.type == TO_ITEM_END;
		ring_pop(&call->to_caller);
	}
	return ends ? bytes : -1;
}

static const struct turn *the_turn(void)
{
	assert_int_equal(con->timeline.count, 1);
	return &con->timeline.turns[0];
}

static void greeting_is_played_and_noted_without_a_session(void **state)
{
	struct heard heard = { .no = 1, .heard_ms = 2000, .confirmed = true };

	(void)state;
	caller_comes();
	assert_int_equal(queued(), LINE_BYTES);
	assert_string_equal(buf_text(&the_turn()->text), greeting);
	assert_int_equal(the_turn()->generated_ms, 2000);
	assert_string_equal(sent_all(), "");
	from_caller(FROM_HEARD, &heard, sizeof heard);
	assert_true(the_turn()->heard_known);
	assert_int_equal(the_turn()->heard_ms, 2000);
	assert_false(the_turn()->interrupted);
}

static void session_that_comes_later_is_told_of_it_and_greets_nobody(void **state)
{
	(void)state;
	caller_comes();
	now += 500 * US_PER_MS;
	meet_session();
	EXPECT_SENT("\"role\":\"assistant\"", greeting);
	assert_int_equal(con->dialogue.last_request, 0); /* nothing is asked of it */
	assert_int_equal(the_turn()->session, con->link.current.no);
}

static void session_that_is_ready_is_told_of_it_at_once(void **state)
{
	(void)state;
	meet_session();
	assert_string_equal(sent_all(), "");
	caller_comes();
	assert_int_equal(queued(), LINE_BYTES);
	EXPECT_SENT("conversation.item.create", "\"id\":\"past_1\"", "\"role\":\"assistant\"", greeting);
}

/* Deleted, and put in again shortened. */
static void session_that_knows_it_is_told_how_little_was_heard(void **state)
{
	(void)state;
	caller_comes();
	meet_session();
	sent_all();
	conversation_tell(con, &(struct dialogue_event){ .type = EVENT_CALLER_BEGAN }, now);
	serve_cut(1000);
	EXPECT_SENT(
	    "Good morning, this\"", "\"previous_item_id\":\"past_1\"", "conversation.item.delete", "\"past_1\"");
	assert_true(the_turn()->interrupted);
}

/* So too where it was there before the line. */
static void session_that_was_ready_is_told_how_little_was_heard(void **state)
{
	(void)state;
	meet_session();
	caller_comes();
	sent_all();
	conversation_tell(con, &(struct dialogue_event){ .type = EVENT_CALLER_BEGAN }, now);
	serve_cut(1000);
	EXPECT_SENT(
	    "Good morning, this\"", "\"previous_item_id\":\"past_1\"", "conversation.item.delete", "\"past_1\"");
}

static void session_that_comes_after_a_cut_knows_what_was_heard(void **state)
{
	(void)state;
	caller_comes();
	voice(true);
	serve_cut(1000);
	voice(false);
	assert_string_equal(sent_all(), "");
	meet_session();
	EXPECT_SENT("\"role\":\"assistant\"", "Good morning, this\"");
}

/* The cut is on its way when the session comes. */
static void session_that_comes_into_a_cut_is_put_right(void **state)
{
	(void)state;
	caller_comes();
	voice(true);
	meet_session();
	EXPECT_SENT("\"role\":\"assistant\"", greeting);
	serve_cut(0);
	EXPECT_SENT("conversation.item.delete", "\"past_1\"");
}

/* Whatever the link says of it meanwhile, the call goes on until that was heard. */
static void model_that_is_gone_is_told_of_before_the_end(void **state)
{
	struct heard heard = { .no = 1, .heard_ms = 2000, .confirmed = true };

	(void)state;
	con->dialogue.rules.knows[KNOWN_GREETING] = false;
	con->dialogue.rules.knows[KNOWN_SORRY] = true;
	caller_comes();
	link_give_up(&con->link, END_MODEL_UNREACHABLE);
	conversation_mind_link(con);
	assert_int_equal(conversation_waits_us(con), 0);
	conversation_mind_gone(con, now);
	conversation_do_due(con, now);
	assert_int_equal(queued(), LINE_BYTES);
	assert_string_equal(buf_text(&the_turn()->text), phrase_of(&agent, PHRASE_TROUBLE).text);
	assert_true(conversation_waits_us(con) > 0);
	conversation_mind_gone(con, now);
	assert_int_equal(queued(), -1);
	from_caller(FROM_HEARD, &heard, sizeof heard);
	assert_true(con->dialogue.over);
	assert_true(atomic_load(&call->parted));
	assert_string_equal(sent_all(), "");
}

static void level_of_the_caller_counts_until_a_model_hears_him(void **state)
{
	(void)state;
	caller_comes();
	meet_session();
	voice(true);
	assert_int_equal(con->dialogue.cuts, 0);
	assert_false(con->dialogue.speaking);
}

/* Or a call would look for what nobody keeps. */
static void lines_that_a_call_plays_are_among_those_that_are_made(void **state)
{
	(void)state;
	for (enum known_line known = KNOWN_HOLD; known < KNOWN_COUNT; known++) {
		const char *words = conversation_known_words(con, known);
		bool made = known == KNOWN_INSTANT; /* test_voice_lines */

		for (enum phrase phrase = 0; phrase < PHRASE_COUNT; phrase++)
			made |= !made && phrase_on_stream(&agent, phrase) == words;
		if (!made)
			fail_msg("\"%s\" is made by nobody", words);
	}
}

/* Or he would hear English in the middle of a call in another language. */
static void line_without_words_in_the_agents_language_is_none(void **state)
{
	static const char *const japanese[] = { "ja" };
	struct agent p = agent;

	(void)state;
	p.languages = japanese;
	p.language_count = 1;
	call->agent = &p;
	for (enum known_line known = KNOWN_HOLD; known < KNOWN_COUNT; known++)
		assert_null(conversation_known_words(con, known));
	p.phrases[PHRASE_ONE_MOMENT] = "少々お待ちください。";
	assert_string_equal(conversation_known_words(con, KNOWN_HOLD), p.phrases[PHRASE_ONE_MOMENT]);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

const struct CMUnitTest unit_tests[] = {
	CASE(greeting_is_played_and_noted_without_a_session),
	CASE(session_that_comes_later_is_told_of_it_and_greets_nobody),
	CASE(session_that_is_ready_is_told_of_it_at_once),
	CASE(session_that_knows_it_is_told_how_little_was_heard),
	CASE(session_that_was_ready_is_told_how_little_was_heard),
	CASE(session_that_comes_after_a_cut_knows_what_was_heard),
	CASE(session_that_comes_into_a_cut_is_put_right),
	CASE(model_that_is_gone_is_told_of_before_the_end),
	CASE(level_of_the_caller_counts_until_a_model_hears_him),
	CASE(lines_that_a_call_plays_are_among_those_that_are_made),
	CASE(line_without_words_in_the_agents_language_is_none),
	{ 0 },
};
