/* What a conversation does with the model's words and with what its tools answer, where
 * that is more than to tell the dialogue: here without a dialogue, a loop or a socket.
 */
#include "server/agent/conversation.h"

#include "common/clock.h"
#include "server/agent/conversation_tools.h"
#include "server/model/realtime.h"
#include "server/stats/stats.h"
#include "server/work/tool_call.h"
#include "tests/unit/agent/conversation_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------ tools */

/* The longest answer there is, each byte of which becomes six on its way. */
static void answer_at_length(const char *call_id)
{
	char *text = malloc(TOOL_ANSWER_MAX);

	memset(text, '\177', TOOL_ANSWER_MAX - 1);
	text[TOOL_ANSWER_MAX - 1] = '\0';
	assert_int_equal(toolbox_begin(&con->tools.box, call_id, "book", "{}", 0, 0), TOOL_BEGUN);
	toolbox_result(&con->tools.box, toolbox_find(&con->tools.box, call_id), true, text, 0);
	toolbox_find(&con->tools.box, call_id)->session = con->link.no;
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

const struct CMUnitTest unit_tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, conversation_kit_begin, conversation_kit_end)
	CASE(answer_of_a_tool_that_does_not_fit_is_bad_and_the_call_goes_on),
	CASE(answer_that_was_stopped_but_not_for_the_caller_is_asked_for_again),
	CASE(transcript_told_twice_is_billed_once),
	{ 0 },
};
