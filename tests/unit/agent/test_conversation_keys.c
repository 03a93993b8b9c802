/* Keys of a conversation, on a stream and on a channel of text, with a dialogue and without the line that asks Twilio. */
#include "server/line/keys/call_keys.h"

static enum keys_answer press_answer;
static int presses, unpresses, refusals;
static bool there, can;
static char pressed[CALL_KEYS_MAX + 1];

static bool stood_in_can(const struct call *c)
{
	(void)c;
	return can;
}

static enum keys_answer stood_in_press(struct call *c, const char *digits, struct tool_cancel *cancel);

static bool stood_in_unpress(struct call *c, bool refused)
{
	(void)c;
	unpresses++;
	refusals += refused;
	return there;
}

#define call_can_press stood_in_can
#define call_press stood_in_press
#define call_unpress stood_in_unpress
#include "server/agent/conversation_keys.c"
#undef call_can_press
#undef call_press
#undef call_unpress

#include "server/agent/conversation_orders.h"
#include "tests/unit/agent/conversation_kit.h"

ONE_THREAD;

static enum keys_answer stood_in_press(struct call *c, const char *digits, struct tool_cancel *cancel)
{
	(void)c;
	presses++;
	assert_non_null(cancel);
	snprintf(pressed, sizeof pressed, "%s", digits);
	return press_answer;
}

static const struct phone_channel stream = { .audio = true, .marks = true, .parks = true }, relay = { .text = true },
				  gather = { .text = true, .requests = true };
static struct agent agent;
static struct config cfg;
static int64_t now;

static int begin_on(void **state, const struct phone_channel *channel)
{
	conversation_kit_begin(state);
	agent = (struct agent){
		.name = "desk", .knowledge = "", .outcome_schema = "", .transcription_model = "", .sends_digits = true
	};
	cfg = (struct config){ .stream_grace_ms = 5000 };
	assert_int_equal(ring_open(&call->to_caller, 1 << 16), 0);
	call->cfg = &cfg;
	call->calls = calloc(1, 64 * 1024); /* opaque, and empty */
	call->agent = &agent;
	call->channel = channel;
	dialogue_init(&con->dialogue,
	    &(struct dialogue_rules){ .asks = channel->text, .silence_us = 4 * US_PER_S, .slow_us = 8 * US_PER_S });
	now = 100 * (int64_t)US_PER_S;
	TELL(con, now, .type = EVENT_MODEL_READY);
	TELL(con, now, .type = EVENT_CALLER_THERE);
	press_answer = KEYS_OK;
	presses = unpresses = refusals = 0;
	there = can = true;
	sent_all();
	return 0;
}

static int begin_stream(void **state)
{
	return begin_on(state, &stream);
}
static int begin_relay(void **state)
{
	return begin_on(state, &relay);
}
static int begin_gather(void **state)
{
	return begin_on(state, &gather);
}

static int end(void **state)
{
	ring_close(&call->to_caller);
	free(call->calls);
	return conversation_kit_end(state);
}

static void mind(void)
{
	conversation_mind_keys(con, now);
	conversation_take_mail(con, now);
}

static void back(void)
{
	conversation_keys_back(con);
	conversation_take_mail(con, now);
}

/* An answer is made: from here to its end the agent speaks. */
static void speak(void)
{
	TELL(con, now, .type = EVENT_BEGAN, .response = "r1");
}
static void fall_silent(void)
{
	TELL(con, now, .type = EVENT_OVER, .response = "r1", .text = "completed");
	mind();
}

static struct tool_run *tool(const char *digits)
{
	static int count;
	char id[32], arguments[300];
	struct model_tool_call wanted = { id, "send_digits", arguments };
	struct model_event e = { .type = MODEL_ITEM_DONE, .text = "", .calls = &wanted, .call_count = 1 };

	snprintf(id, sizeof id, "call_%d", ++count);
	snprintf(arguments, sizeof arguments, "{\"digits\":\"%s\"}", digits);
	snprintf(e.response_id, sizeof e.response_id, "r1");
	conversation_tools_called(con, &e, now);
	conversation_take_mail(con, now);
	return toolbox_find(&con->tools.box, id);
}

static void answered(enum keys_answer answer)
{
	struct mail *mail = mail_new(MAIL_PRESSED, NULL, NULL);

	mail->answer = (int)answer;
	conversation_keys_answered(con, mail, now);
	mail_free(mail);
	conversation_take_mail(con, now);
}

static void expect_error(const struct tool_run *run, enum keys_answer answer)
{
	assert_true(run->answered);
	assert_false(run->ok);
	assert_non_null(strstr(run->output, keys_words(answer)->code));
}

static enum keys_answer shown(void)
{
	mind();
	return (enum keys_answer)atomic_load(&call->may_press);
}

static const char *given(void)
{
	static char keys[100];
	struct ring_message m;

	keys[0] = '\0';
	if (!ring_next(&call->to_caller, &m))
		return keys;
	assert_int_equal(m.type, TO_KEYS);
	snprintf(keys, sizeof keys, "%.*s", (int)m.len, (const char *)m.body);
	ring_pop(&call->to_caller);
	return keys;
}

static void stream_is_told_once_the_next_one_is_there(void **state)
{
	const struct tool_run *run;

	(void)state;
	speak();
	run = tool("1w2#");
	mind();
	assert_int_equal(presses, 0); /* what it says comes first */
	assert_int_equal(shown(), KEYS_BUSY);
	fall_silent();
	assert_int_equal(presses, 1);
	assert_string_equal(pressed, "1w2#");
	answered(KEYS_OK);
	assert_false(run->answered);
	assert_true(conversation_keys_make_room(con));
	back();
	assert_true(run->answered);
	assert_string_equal(run->output, words_done);
	assert_false(conversation_keys_make_room(con));
	assert_int_equal(shown(), KEYS_OK);
	assert_int_equal(unpresses, 0);
}

/* Its answer may be slower than what it does. */
static void next_stream_may_come_before_twilios_answer(void **state)
{
	const struct tool_run *run = tool("1");

	(void)state;
	assert_int_equal(presses, 1);
	back();
	assert_true(run->ok);
	answered(KEYS_REFUSED);
	assert_int_equal(refusals, 0);
}

static void refusal_leaves_the_call_talking(void **state)
{
	const struct tool_run *run = tool("1");

	(void)state;
	answered(KEYS_REFUSED);
	expect_error(run, KEYS_REFUSED);
	assert_int_equal(refusals, 1);
	assert_int_equal(shown(), KEYS_OK);
}

/* For a while a stop is no hang-up, since they may be played yet; the model is told at once, and once. */
static void nobody_knows_what_became_of_an_unanswered_request(void **state)
{
	(void)state;
	for (int told = 0; told < 2; told++) {
		uint64_t failed = atomic_load(&stats.digits_failed);
		struct tool_run *run = tool("12"), *other;

		unpresses = 0;
		if (told)
			answered(KEYS_UNANSWERED);
		else
			now += 12 * (int64_t)US_PER_S;
		mind();
		expect_error(run, KEYS_UNANSWERED);
		assert_int_equal(unpresses, 0);
		other = tool("3");
		expect_error(other, KEYS_BUSY);
		now = con->press.until_us - 1;
		mind();
		assert_int_equal(unpresses, 0);
		now += 1;
		assert_int_equal(shown(), KEYS_OK);
		assert_int_equal(unpresses, 1);
		assert_int_equal(atomic_load(&stats.digits_failed), failed + 1);
	}
}

static void twilio_that_says_yes_and_does_nothing_is_told_of(void **state)
{
	const struct tool_run *run = tool("12");

	(void)state;
	answered(KEYS_OK);
	now += 1000 * US_PER_MS + 5 * (int64_t)US_PER_S; /* the keys, and the grace */
	mind();
	assert_false(run->answered);
	now += MARGIN_US;
	mind();
	expect_error(run, KEYS_IGNORED);
}

static void stream_that_is_away_is_waited_for(void **state)
{
	const struct tool_run *run = tool("12");

	(void)state;
	there = false;
	answered(KEYS_OK);
	now = con->press.until_us;
	mind();
	assert_false(run->answered);
	assert_int_equal(conversation_keys_us(con), NEVER_US);
	back();
	assert_true(run->ok);
}

/* Nobody is left to be told; it counts. */
static void call_that_ends_before_has_failed(void **state)
{
	uint64_t failed = atomic_load(&stats.digits_failed);

	(void)state;
	tool("12");
	conversation_keys_over(con);
	conversation_keys_over(con);
	assert_int_equal(atomic_load(&stats.digits_failed), failed + 1);
}

static void wait_for_the_agent_has_an_end(void **state)
{
	struct tool_run *run;

	(void)state;
	speak();
	run = tool("1");
	assert_int_equal(conversation_keys_us(con), now + WAIT_US);
	now += WAIT_US;
	mind();
	expect_error(run, KEYS_SPEAKING);
	run = tool("2");
	con->dialogue.farewell.state = FAREWELL_SAYING;
	mind();
	expect_error(run, KEYS_ENDING);
	assert_int_equal(shown(), KEYS_ENDING);
	assert_int_equal(presses, 0);
}

static void what_is_no_keys_is_not_pressed(void **state)
{
	char many[CALL_KEYS_MAX + 2];

	(void)state;
	memset(many, '1', sizeof many - 1);
	many[sizeof many - 1] = '\0';
	expect_error(tool(""), KEYS_INVALID);
	expect_error(tool(many), KEYS_INVALID);
	expect_error(tool("12A"), KEYS_INVALID);
	expect_error(tool("W"), KEYS_INVALID);
	expect_error(tool("+1"), KEYS_INVALID);
	expect_error(tool("\xef\xbc\x91"), KEYS_INVALID); /* a full-width 1 */
	assert_int_equal(presses, 0);
	tool(many + 1);
	assert_string_equal(pressed, many + 1);
}

static void call_that_cannot_says_so(void **state)
{
	(void)state;
	can = false;
	assert_int_equal(shown(), KEYS_UNABLE);
	expect_error(tool("1"), KEYS_UNABLE);
	can = true;
	press_answer = KEYS_UNABLE;
	expect_error(tool("1"), KEYS_UNABLE);
	con->dialogue.caller = false;
	atomic_store(&call->lost, END_STREAM_LOST);
	assert_int_equal(shown(), KEYS_AWAY);
	atomic_store(&call->lost, CALL_NOT_ENDED);
	assert_int_equal(shown(), KEYS_NOT_LIVE);
}

static void order(const char *digits, bool wait)
{
	struct mail *mail = mail_new(MAIL_DIGITS, NULL, digits);

	mail->waits = wait;
	conversation_keys_wanted(con, mail, now);
	mail_free(mail);
}

static void operator_is_refused_while_the_agent_speaks_unless_he_waits(void **state)
{
	(void)state;
	speak();
	assert_int_equal(shown(), KEYS_SPEAKING);
	order("1", false);
	assert_int_equal(con->press.state, PRESS_NONE);
	order("23", true);
	assert_int_equal(con->press.state, PRESS_WAITING);
	fall_silent();
	assert_int_equal(presses, 1);
	assert_string_equal(pressed, "23");
	sent_all();
	back();
	EXPECT_SENT("\"system\"", "by an operator on your side: 2 3");
}

static void phone_that_can_presses_them_itself_once_all_is_heard(void **state)
{
	const struct tool_run *run;

	(void)state;
	speak();
	run = tool("1w2#");
	mind();
	assert_string_equal(given(), "");
	fall_silent();
	assert_string_equal(given(), "1w2#");
	assert_true(run->ok);
	assert_int_equal(presses, 0);
}

/* Its next answer has them, behind the words. */
static void phone_that_asks_gets_them_at_once(void **state)
{
	(void)state;
	speak();
	assert_int_equal(shown(), KEYS_OK);
	assert_true(tool("12")->ok);
	assert_string_equal(given(), "12");
}

#define ON(channel, name) cmocka_unit_test_setup_teardown(name, begin_##channel, end)

const struct CMUnitTest unit_tests[] = {
	ON(stream, stream_is_told_once_the_next_one_is_there),
	ON(stream, next_stream_may_come_before_twilios_answer),
	ON(stream, refusal_leaves_the_call_talking),
	ON(stream, nobody_knows_what_became_of_an_unanswered_request),
	ON(stream, twilio_that_says_yes_and_does_nothing_is_told_of),
	ON(stream, stream_that_is_away_is_waited_for),
	ON(stream, call_that_ends_before_has_failed),
	ON(stream, wait_for_the_agent_has_an_end),
	ON(stream, what_is_no_keys_is_not_pressed),
	ON(stream, call_that_cannot_says_so),
	ON(stream, operator_is_refused_while_the_agent_speaks_unless_he_waits),
	ON(relay, phone_that_can_presses_them_itself_once_all_is_heard),
	ON(gather, phone_that_asks_gets_them_at_once),
	{ 0 },
};
