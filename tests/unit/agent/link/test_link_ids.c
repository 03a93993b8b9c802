/* Ids that begin anew with each session of a call. */
#include "server/agent/link/link_ids.h"

#include "tests/unit.h"

#include <stdio.h>
#include <string.h>

ONE_THREAD;

static struct link link;

static int begin(void **state)
{
	(void)state;
	memset(&link, 0, sizeof link);
	buf_init(&link.call_ids, 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	buf_free(&link.call_ids);
	return 0;
}

static struct model_event comes(uint32_t session, const char *item, const char *response)
{
	struct model_event e = { .type = MODEL_ITEM_DONE };

	snprintf(e.item_id, sizeof e.item_id, "%s", item);
	snprintf(e.response_id, sizeof e.response_id, "%s", response);
	link.current.no = session;
	link_ids_come(&link, session, &e);
	return e;
}

static void same_id_in_another_session_is_another_id(void **state)
{
	struct model_event first = comes(1, "item_1", "resp_1"), next = comes(2, "item_1", "resp_1");

	(void)state;
	assert_string_equal(first.item_id, "item_1");
	assert_string_equal(next.item_id, "2.item_1");
	assert_string_equal(next.response_id, "2.resp_1");
	assert_string_equal(comes(2, "", "").item_id, "");
	assert_string_equal(comes(31, "item_1", "").item_id, "31.item_1");
}

static void session_is_told_its_own_ids_and_those_of_others_as_they_are(void **state)
{
	(void)state;
	link.current.no = 2;
	assert_string_equal(link_ids_tell(&link, "2.item_1"), "item_1");
	assert_string_equal(link_ids_tell(&link, "item_1"), "item_1");
	assert_string_equal(link_ids_tell(&link, "3.item_1"), "3.item_1");
	assert_string_equal(link_ids_tell(&link, "22.item_1"), "22.item_1");
	link.current.no = 1;
	assert_string_equal(link_ids_tell(&link, "2.item_1"), "2.item_1");
}

static void calls_of_tools_have_ids_of_their_own_too(void **state)
{
	struct model_tool_call calls[] = { { .call_id = "call_1" }, { .call_id = "" }, { .call_id = "call_2" } };
	struct model_event e = { .calls = calls, .call_count = 3, .mcp.id = "mcp_1" };

	(void)state;
	link_ids_come(&link, 12, &e);
	assert_string_equal(calls[0].call_id, "12.call_1");
	assert_string_equal(calls[1].call_id, "");
	assert_string_equal(calls[2].call_id, "12.call_2");
	assert_string_equal(e.mcp.id, "12.mcp_1");
}

/* It is a name of our own then, and not told back. */
static void id_that_becomes_too_long_stays_one_of_a_kind(void **state)
{
	char longest[FOREIGN_ID_SIZE];
	struct model_event e, other;

	(void)state;
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	e = comes(2, longest, "");
	other = comes(3, longest, "");
	assert_false(foreign_id_is_theirs(e.item_id));
	assert_string_not_equal(e.item_id, other.item_id);
	assert_string_equal(comes(2, longest, "").item_id, e.item_id);
	assert_string_equal(comes(2, e.item_id, "").item_id, e.item_id);
	assert_string_equal(link_ids_tell(&link, e.item_id), e.item_id);
}

const struct CMUnitTest unit_tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	CASE(same_id_in_another_session_is_another_id),
	CASE(session_is_told_its_own_ids_and_those_of_others_as_they_are),
	CASE(calls_of_tools_have_ids_of_their_own_too),
	CASE(id_that_becomes_too_long_stays_one_of_a_kind),
	{ 0 },
};
