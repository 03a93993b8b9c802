/* What a new session is told of a conversation: all of it in its order, or the newest. */
#include "server/agent/replay.h"

#include "server/model/words.h"
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

static struct timeline timeline;
static struct toolbox box;
static struct replay replay;
static struct replay_source from;

static int begin(void **state)
{
	(void)state;
	timeline_init(&timeline);
	memset(&box, 0, sizeof box);
	memset(&replay, 0, sizeof replay);
	from = (struct replay_source){
		.back = "", .timeline = &timeline, .box = &box, .session = 2, .place = "", .bytes = 32 * 1024
	};
	return 0;
}

FIXTURE(end, replay_free(&replay); timeline_free(&timeline); toolbox_free(&box))

static struct turn *say(enum turn_kind kind, const char *id, const char *text, int64_t at_ms)
{
	struct turn *turn = timeline_turn(&timeline, kind, id, at_ms);

	turn->session = 1;
	timeline_text(&timeline, turn, text, true);
	return turn;
}

static struct turn *answer(const char *id, const char *text, int64_t at_ms, uint32_t heard_ms)
{
	struct turn *turn = say(TURN_AGENT, id, text, at_ms);

	turn->sound = true;
	turn->generated_ms = 1000;
	turn->heard_ms = heard_ms;
	turn->heard_known = true;
	return turn;
}

static struct tool_run *call(const char *id, int64_t at_ms)
{
	struct tool_run *run;

	assert_int_equal(toolbox_begin(&box, id, "book", "{\"day\":1}", at_ms, 0), TOOL_BEGUN);
	run = toolbox_find(&box, id);
	run->session = 1;
	return run;
}

static void tool_answers(const char *id, const char *output)
{
	struct tool_run *run = toolbox_find(&box, id);

	toolbox_result(&box, run, true, output, 0);
	toolbox_told(&box, run);
}

/* A letter for each piece, then its text. */
static const char *told(void)
{
	static char text[8192];
	size_t len = 0;

	replay_free(&replay);
	assert_true(replay_make(&replay, &from));
	text[0] = '\0';
	for (size_t i = 0; i < replay.count && len < sizeof text; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%c %.*s|", "uanCR"[replay.pieces[i].kind],
		    (int)replay.pieces[i].len, replay.pieces[i].text);
	return text;
}

static void nothing_said_is_nothing_told(void **state)
{
	(void)state;
	assert_string_equal(told(), "");
	assert_int_equal(replay.left_out, 0);
}

static void conversation_is_told_in_its_order(void **state)
{
	(void)state;
	say(TURN_CALLER, "i1", "Friday?", 100);
	answer("i2", "One moment please.", 200, 1000);
	call("c1", 210);
	tool_answers("c1", "{\"ok\":true}");
	answer("i3", "Friday at nine is fine.", 900, 500);
	say(TURN_KEYS, "", "12", 1500);
	from.place = "so far";
	assert_string_equal(told(), "u Friday?|a One moment please.|C {\"day\":1}|R {\"ok\":true}|a Friday at|"
				    "u The caller pressed these keys on the telephone keypad: 1 2|n so far|");
	assert_ptr_equal(replay.pieces[0].turn, &timeline.turns[0]);
	assert_ptr_equal(replay.pieces[2].run, &box.runs[0]);
	assert_ptr_equal(replay.pieces[3].run, &box.runs[0]);
	assert_ptr_equal(replay.pieces[5].turn, &timeline.turns[3]);
}

static void what_the_session_knows_is_not_told_again(void **state)
{
	(void)state;
	say(TURN_CALLER, "i1", "one", 100);
	say(TURN_CALLER, "i2", "two", 200)->session = 2;
	call("c1", 210);
	tool_answers("c1", "{}");
	toolbox_find(&box, "c1")->session = 2;
	assert_string_equal(told(), "u one|");
}

/* What is queued will be heard; what was cut was heard to there; what has no sound was not heard. */
static void agent_said_what_was_heard(void **state)
{
	(void)state;
	answer("i1", "Nobody heard this.", 100, 0);
	answer("i2", "Still to be played.", 200, 0)->heard_known = false;
	assert_string_equal(told(), "a Still to be played.|");
}

static void words_of_the_caller_that_are_not_known_leave_their_place(void **state)
{
	char due[400];

	(void)state;
	timeline_turn(&timeline, TURN_CALLER, "i1", 100);
	answer("i2", "Nine to five.", 200, 1000);
	say(TURN_CALLER, "i3", "", 300); /* it was noise */
	snprintf(due, sizeof due, "n %s|a Nine to five.|", words_unwritten);
	assert_string_equal(told(), due);
}

static void turn_that_is_forming_is_told_when_it_is_whole(void **state)
{
	struct turn *turn = timeline_turn(&timeline, TURN_CALLER, "i1", 100);

	(void)state;
	from.text = true;
	timeline_forming(&timeline, turn, "I would");
	assert_string_equal(told(), "");
	timeline_text(&timeline, turn, "I would like to", true);
	assert_string_equal(told(), "u I would like to|");
}

static void tool_that_runs_is_told_of_and_its_call_is_not(void **state)
{
	const char *text;

	(void)state;
	say(TURN_CALLER, "i1", "Friday?", 100);
	call("c1", 200);
	text = told();
	assert_int_equal(replay.count, 2);
	assert_non_null(strstr(text, "n The tool book was called, and is still running."));
	/* Answered, and not told: that comes by itself. */
	toolbox_result(&box, toolbox_find(&box, "c1"), true, "{}", 0);
	assert_null(strstr(told(), "C "));
}

static void mcp(const char *id, enum model_mcp what, const char *arguments, const char *output, int64_t at_ms)
{
	toolbox_note(&box, &(struct model_mcp_item){ what, id, "crm", "book", arguments, output }, 1, at_ms, 0);
}

/* Else it might be called once more. */
static void tool_of_an_mcp_server_is_told_of_in_words(void **state)
{
	static const char due[] =
	    "u Friday?|n The tool crm/book was called here, with these arguments: {\"day\":5}. It did its "
	    "work. Its result: booked|a It is done.|";

	(void)state;
	say(TURN_CALLER, "i1", "Friday?", 100);
	mcp("m1", MODEL_MCP_CALLED, "{\"day\":5}", "booked", 150);
	mcp("m2", MODEL_MCP_ASKS, "{}", "", 160);
	answer("i2", "It is done.", 200, 1000);
	assert_string_equal(told(), due);
	assert_ptr_equal(replay.pieces[1].run, &box.runs[0]);
	mcp("m3", MODEL_MCP_BEGINS, "", "", 300);
	/* Its session may still tell what comes of it. */
	from.settled = true;
	assert_string_equal(told(), due);
	from.settled = false;
	assert_non_null(
	    strstr(told(), "a It is done.|n The tool crm/book was called here. The connection to it broke off, and "
			   "whether it did its work is not known."));
	mcp("m3", MODEL_MCP_FAILED, "{}", "", 300);
	assert_non_null(strstr(told(), "n The tool crm/book was called here, with these arguments: {}. It failed.|"));
	for (size_t i = 0; i < box.count; i++)
		box.runs[i].session = from.session;
	assert_string_equal(told(), "u Friday?|a It is done.|");
}

static void long_result_of_an_mcp_server_takes_no_more_than_its_share(void **state)
{
	char output[501] = "";

	(void)state;
	memset(output, '7', sizeof output - 1);
	mcp("m1", MODEL_MCP_CALLED, "{}", output, 100);
	from.bytes = 800;
	assert_non_null(strstr(told(), "Its result: 777777"));
	assert_non_null(strstr(told(), "77 [100 more bytes of this"));
}

static void arguments_are_told_whole_or_not_at_all(void **state)
{
	char *huge = malloc(TOOL_SHOWN + 100);

	(void)state;
	memset(huge, 'x', TOOL_SHOWN + 99);
	huge[TOOL_SHOWN + 99] = '\0';
	toolbox_begin(&box, "c1", "book", huge, 10, 0);
	tool_answers("c1", "7");
	told();
	assert_int_equal(replay.pieces[0].len, TOOL_SHOWN + 99);
	assert_string_equal(replay.pieces[0].text, huge);
	from.bytes = 4 * TOOL_SHOWN;
	assert_string_equal(told(), "C {\"note\":\"The arguments are left out here; they were told before.\"}|R 7|");
	free(huge);
}

static void caller_who_is_back_has_said_this_before(void **state)
{
	struct fleet_said *said = fleet_said_new(2);

	(void)state;
	fleet_said_add(said, false, "Ann, please.", 12);
	fleet_said_add(said, true, "I connect you.", 14);
	from.said = said;
	from.back = "Ann was busy.";
	say(TURN_CALLER, "i1", "Again.", 100);
	assert_string_equal(told(), "u Ann, please.|a I connect you.|n Ann was busy.|u Again.|");
	from.bytes = 70;
	assert_string_equal(told(), "n 2 earlier turns of this call are left out here. They began: Ann, please.|"
				    "n Ann was busy.|u Again.|");
	assert_int_equal(replay.left_out, 2);
	fleet_said_free(said);
}

static void only_what_cannot_change_is_told_beforehand(void **state)
{
	(void)state;
	from.settled = true;
	say(TURN_CALLER, "i1", "one", 100);
	assert_string_equal(told(), "");
	answer("i2", "two", 200, 1000);
	say(TURN_CALLER, "i3", "three", 300);
	call("c1", 310);
	tool_answers("c1", "{}");
	assert_string_equal(told(), "u one|a two|");
	answer("i4", "four", 400, 1000)->heard_known = false;
	answer("i5", "five", 500, 1000);
	assert_string_equal(told(), "u one|a two|");
	timeline_find(&timeline, "i4")->heard_known = true;
	assert_string_equal(told(), "u one|a two|u three|C {\"day\":1}|R {}|a four|a five|");
}

/* What was left out beforehand would come behind what is newer. Another session is told it, if it has the room. */
static void what_was_left_out_beforehand_is_not_told_later(void **state)
{
	char text[16];

	(void)state;
	from.settled = true;
	from.bytes = 100;
	call("c1", 50);
	tool_answers("c1", "{}");
	for (int i = 0; i < 6; i++) {
		snprintf(text, sizeof text, "number %d", i);
		answer(i ? "" : "i0", text, 100 + i, 1000);
	}
	assert_string_equal(told(), "n 2 earlier turns of this call are left out here. They began: number 0 […] "
				    "Tools that were called by then: book: ok.|"
				    "a number 2|a number 3|a number 4|a number 5|");
	for (size_t i = 0; i < replay.count; i++)
		if (replay.pieces[i].turn)
			replay.pieces[i].turn->session = from.session;
	from.settled = false;
	say(TURN_CALLER, "i7", "seven", 300);
	assert_string_equal(told(), "u seven|");
	from.session++;
	from.bytes = 1000;
	assert_string_equal(told(),
	    "C {\"day\":1}|R {}|a number 0|a number 1|a number 2|a number 3|a number 4|a number 5|"
	    "u seven|");
}

/* A transcript may be late; then what comes behind it waits, too. Or there is none. */
static void turn_that_may_still_be_written_down_is_not_told_beforehand(void **state)
{
	struct turn *turn;

	(void)state;
	from.settled = from.written = true;
	say(TURN_CALLER, "i1", "one", 100);
	answer("i2", "two", 200, 1000);
	turn = timeline_turn(&timeline, TURN_CALLER, "i3", 300);
	timeline_text(&timeline, turn, "th", false);
	answer("i4", "four", 400, 1000);
	assert_string_equal(told(), "u one|a two|");
	turn->transcript_failed = true;
	assert_string_equal(told(), "u one|a two|u th|a four|");
	turn->transcript_failed = false;
	timeline_text(&timeline, turn, "three", true);
	assert_string_equal(told(), "u one|a two|u three|a four|");
	timeline_turn(&timeline, TURN_CALLER, "i5", 500);
	answer("i6", "six", 600, 1000);
	from.written = false;
	assert_string_equal(told(),
	    "u one|a two|u three|a four|n The caller said something here that was not written down. If it is not "
	    "answered yet, say that you did not hear all of it, and ask the caller to say it again.|a six|");
}

/* ------------------------------------------------------------------------------- bounds */

static void two_thousand_turns_are_told_from_their_end(void **state)
{
	enum { TURNS = 2000 };
	char text[64];
	struct fleet_said *said = fleet_said_new(TURNS / 2);
	size_t bytes = 0;

	(void)state;
	for (int i = 0; i < TURNS; i++) {
		snprintf(text, sizeof text, "turn number %d of a long call", i);
		if (i < TURNS / 2)
			fleet_said_add(said, i % 2, text, strlen(text));
		else
			answer("", text, i, 1000);
	}
	from.said = said;
	from.bytes = 10000;
	told();
	assert_int_equal(replay.pieces[0].kind, REPLAY_NOTE);
	assert_int_equal(replay.count - 1 + replay.left_out, TURNS);
	assert_non_null(strstr(replay.pieces[0].text, "They began: turn number 0 of"));
	assert_memory_equal(replay.pieces[replay.count - 1].text, "turn number 1999", 16);
	for (size_t i = 1; i < replay.count; i++)
		bytes += replay.pieces[i].len + 16;
	assert_in_range(bytes, 9000, 10000);
	from.bytes = 10 * 1000 * 1000;
	from.session++;
	told();
	assert_int_equal(replay.count, TURNS + 1); /* and the note behind what was said before */
	fleet_said_free(said);
}

static void long_answer_of_a_tool_takes_no_more_than_its_share(void **state)
{
	enum { LONG = 64 * 1024 };
	char *output = malloc(LONG);

	(void)state;
	memset(output, '7', LONG - 1);
	output[LONG - 1] = '\0';
	memcpy(output + from.bytes / 4 - 1, "\xc3\xa9", 2); /* a character across the edge */
	say(TURN_CALLER, "i1", "first", 100);
	call("c1", 150);
	tool_answers("c1", output);
	answer("i2", "last", 200, 1000);
	call("c2", 250);
	tool_answers("c2", output);
	told();
	assert_int_equal(replay.count, 6);
	assert_memory_equal(replay.pieces[2].text + from.bytes / 4 - 1,
	    " [57344 more bytes of this result are left out here; they were told before.]", 76);
	/* The newest is what the next answer rests on. */
	assert_memory_equal(replay.pieces[5].text + from.bytes / 2, " [49151 more", 12);
	from.bytes = 8 * LONG;
	told();
	assert_string_equal(replay.pieces[2].text, output);
	assert_string_equal(replay.pieces[5].text, output);
	free(output);
}

/* It is left out with its call, and what is older, too. */
static void result_without_room_leaves_with_its_call(void **state)
{
	(void)state;
	say(TURN_CALLER, "i1", "first", 100);
	call("c1", 150);
	tool_answers("c1", "seven");
	answer("i2", "last", 200, 1000);
	from.bytes = 4 + 16 + 5 + 16 + 4; /* for the last words and the result, and not for the call */
	assert_string_equal(told(),
	    "n 1 earlier turn of this call is left out here. They began: first […] Tools that were "
	    "called by then: book: ok.|a last|");
}

/* What was done stays known: each once, and what came of it. */
static void tools_that_are_left_out_are_named(void **state)
{
	(void)state;
	call("c1", 100);
	tool_answers("c1", "{\"day\":5}");
	call("c2", 110);
	tool_answers("c2", "{\"day\":6}");
	toolbox_find(&box, "c2")->name[0] = 'l';
	call("c3", 120);
	tool_answers("c3", "{\"day\":7}");
	call("c4", 130);
	toolbox_result(&box, toolbox_find(&box, "c4"), false, "{}", 0);
	toolbox_told(&box, toolbox_find(&box, "c4"));
	mcp("m1", MODEL_MCP_BEGINS, "", "", 140);
	answer("i1", "last", 200, 1000);
	from.bytes = 30;
	assert_string_equal(told(),
	    "n Tools that were called by then: book: ok, look: ok, book: failed, crm/book: not known."
	    "|a last|");
	say(TURN_CALLER, "i0", "yes", 210);
	assert_string_equal(told(), "n 1 earlier turn of this call is left out here. They began: last|u yes|");
}

static void newest_turn_alone_may_be_too_long(void **state)
{
	(void)state;
	say(TURN_CALLER, "i1", "first", 100);
	say(TURN_CALLER, "i2", "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 200);
	from.bytes = 5;
	assert_string_equal(
	    told(), "n 1 earlier turn of this call is left out here. They began: first|u \xc3\xa9\xc3\xa9|");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

const struct CMUnitTest unit_tests[] = {
	CASE(nothing_said_is_nothing_told),
	CASE(conversation_is_told_in_its_order),
	CASE(what_the_session_knows_is_not_told_again),
	CASE(agent_said_what_was_heard),
	CASE(words_of_the_caller_that_are_not_known_leave_their_place),
	CASE(turn_that_is_forming_is_told_when_it_is_whole),
	CASE(tool_that_runs_is_told_of_and_its_call_is_not),
	CASE(tool_of_an_mcp_server_is_told_of_in_words),
	CASE(long_result_of_an_mcp_server_takes_no_more_than_its_share),
	CASE(arguments_are_told_whole_or_not_at_all),
	CASE(caller_who_is_back_has_said_this_before),
	CASE(only_what_cannot_change_is_told_beforehand),
	CASE(what_was_left_out_beforehand_is_not_told_later),
	CASE(turn_that_may_still_be_written_down_is_not_told_beforehand),
	CASE(two_thousand_turns_are_told_from_their_end),
	CASE(long_answer_of_a_tool_takes_no_more_than_its_share),
	CASE(result_without_room_leaves_with_its_call),
	CASE(tools_that_are_left_out_are_named),
	CASE(newest_turn_alone_may_be_too_long),
	{ 0 },
};
