/* The handlers themselves; bodies and doors are test_routes' business. The table
 * of calls is stood in for by this file. */
#include "server/web/api/steer.h"

#include "server/agents/agent.h"
#include "server/web/api/place.h"
#include "server/news/journal_json.h"
#include "server/line/keys/call_keys.h"
#include "server/line/mailbox.h"
#include "server/line/calls_shown.h"
#include "server/line/calls.h"
#include "tests/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

ONE_THREAD;

#define SID "CA00000000000000000000000000000001"
#define OVER "CA00000000000000000000000000000002"

static const struct agent_destination destinations[] = { { .name = "workshop", .number = "+12025550177" } };
static const struct agent agent = { .name = "reception", .destinations = destinations, .destination_count = 1 };

static struct {
	bool live, gone;
	int post_answer, retained;
	int posted;
	enum mail_type type;
	bool exact, waits;
	enum keys_answer may_press;
	char name[64], text[64];
	char noted[256]; /* what the journal was told last */
} table;

int calls_find(struct calls *calls, const char *call_sid, struct call_ref *out)
{
	(void)calls;
	*out = (struct call_ref){ 3, 4 };
	return strcmp(call_sid, SID) ? -ENOENT : 0;
}

const struct agent *calls_agent(struct calls *calls, struct call_ref ref, bool *live)
{
	(void)calls;
	assert_int_equal(ref.index, 3);
	assert_int_equal(ref.generation, 4);
	*live = table.live;
	table.retained += !table.gone;
	return table.gone ? NULL : &agent;
}

void agent_release(const struct agent *p)
{
	table.retained -= p != NULL;
}

bool place_may_dial(struct agents *agents, const char *number, const char *tag, const char *field, struct response *r)
{
	(void)agents, (void)tag;
	if (strncmp(number, "+1900", 5) != 0)
		return true;
	response_error_at(r, 403, "not_allowed", field, "%s", number);
	return false;
}

int calls_post(struct calls *calls, struct call_ref ref, struct mail *mail)
{
	(void)calls, (void)ref;
	assert_non_null(mail);
	if (!table.post_answer) {
		table.posted++;
		table.type = mail->type;
		table.exact = mail->exact;
		table.waits = mail->waits;
		snprintf(table.name, sizeof table.name, "%s", mail->name);
		snprintf(table.text, sizeof table.text, "%s", mail->text);
	}
	mail_free(mail);
	return table.post_answer;
}

enum keys_answer calls_may_press(struct calls *calls, struct call_ref ref)
{
	(void)calls, (void)ref;
	return table.may_press;
}

int calls_one(struct calls *calls, const char *call_sid, struct call_summary *call, struct call_talk *talk)
{
	(void)calls;
	*call = (struct call_summary){ .stage = CALL_IS_OVER, .state = "ended" };
	memset(talk, 0, sizeof *talk);
	return strcmp(call_sid, OVER) && strcmp(call_sid, SID) ? -ENOENT : 0;
}

static void note(void *arg, const struct journal_entry *entry)
{
	struct json_out j;
	struct buf json;

	(void)arg;
	assert_int_equal(entry->kind, JOURNAL_NOTE);
	assert_string_equal(entry->call_sid, SID);
	buf_init(&json, 0);
	j = json_out_to(&json);
	journal_put_entry(&j, NULL, entry);
	snprintf(table.noted, sizeof table.noted, "%s %s", entry->type, buf_text(&json));
	buf_free(&json);
}

static int listen_to_journal(void **state)
{
	(void)state;
	journal_add_sink(note, NULL);
	return 0;
}

static int reset(void **state)
{
	(void)state;
	memset(&table, 0, sizeof table);
	table.live = true;
	return 0;
}

/* The status of the answer; its body stays in `answer`. */
static char answer[512];

static int ask(route_handler *handle, const char *sid, const char *body)
{
	static const struct web_parts parts = { 0 };
	struct request q = {
		.method = "POST", .peer = "127.0.0.1", .client = "127.0.0.1", .json = json_parse(body, strlen(body))
	};
	struct response r;
	int status;

	assert_non_null(q.json);
	response_init(&r);
	handle(&parts, &q, sid, &r);
	snprintf(answer, sizeof answer, "%s%s", buf_text(&r.headers), buf_text(&r.body));
	status = r.status;
	response_free(&r);
	cJSON_Delete((cJSON *)q.json);
	assert_int_equal(table.retained, 0);
	return status;
}

static void word_is_posted_as_an_instruction_or_exactly(void **state)
{
	(void)state;
	assert_int_equal(ask(control_say, SID, "{\"text\":\"Say \\\"hi\\\"\"}"), 202);
	assert_string_equal(answer, "{\"call_sid\":\"" SID "\",\"status\":\"accepted\"}\n");
	assert_int_equal(table.type, MAIL_SAY);
	assert_false(table.exact);
	assert_string_equal(table.text, "Say \"hi\"");
	assert_string_equal(table.noted, "operator.say {\"mode\":\"instruction\",\"text\":\"Say \\\"hi\\\"\"}");
	assert_int_equal(ask(control_say, SID, "{\"text\":\"hi\",\"mode\":\"exact\"}"), 202);
	assert_true(table.exact);
	assert_int_equal(table.posted, 2);
}

static void word_that_will_not_do_is_not_posted(void **state)
{
	(void)state;
	assert_int_equal(ask(control_say, SID, "{\"text\":\"\"}"), 422);
	assert_int_equal(ask(control_say, SID, "{\"mode\":\"exact\"}"), 422);
	assert_int_equal(ask(control_say, SID, "{\"text\":\"a\",\"mode\":\"loud\"}"), 422);
	assert_non_null(strstr(answer, "\"field\":\"mode\""));
	assert_int_equal(table.posted, 0);
	assert_string_equal(table.noted, "");
}

static void transfer_goes_to_a_destination_of_the_agent_or_any_number(void **state)
{
	(void)state;
	assert_int_equal(ask(control_transfer, SID, "{\"destination\":\"workshop\"}"), 202);
	assert_int_equal(table.type, MAIL_TRANSFER);
	assert_string_equal(table.name, "workshop");
	assert_int_equal(ask(control_transfer, SID, "{\"number\":\"+12025550199\"}"), 202);
	assert_string_equal(table.name, "+12025550199");
	assert_string_equal(table.noted, "operator.transfer {\"to\":\"+12025550199\"}");
}

static void transfer_to_a_number_that_must_not_be_dialled_is_refused(void **state)
{
	(void)state;
	assert_int_equal(ask(control_transfer, SID, "{\"number\":\"+19005550199\"}"), 403);
	assert_non_null(strstr(answer, "\"field\":\"number\""));
	assert_int_equal(table.posted, 0);
}

static void transfer_to_nowhere_is_refused_with_the_field(void **state)
{
	static const struct {
		const char *body, *field;
	} cases[] = {
		{ "{}", "destination" },
		{ "{\"destination\":\"kitchen\"}", "destination" },
		{ "{\"destination\":\"+12025550199\"}", "destination" },
		{ "{\"destination\":\"\"}", "destination" },
		{ "{\"number\":\"workshop\"}", "number" },
		{ "{\"number\":\"12025550199\"}", "number" },
		{ "{\"number\":\"+1\"}", "number" },
		{ "{\"number\":12025550199}", "number" },
		{ "{\"destination\":\"workshop\",\"number\":\"+12025550199\"}", "number" },
		{ "{\"destination\":\"workshop\",\"when\":1}", "when" },
	};
	char wanted[64];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(wanted, sizeof wanted, "\"field\":\"%s\"", cases[i].field);
		if (ask(control_transfer, SID, cases[i].body) != 422 || !strstr(answer, wanted))
			fail_msg("%s: %s", cases[i].body, answer);
	}
	assert_int_equal(table.posted, 0);
}

static void keys_are_posted_and_not_told_to_others(void **state)
{
	(void)state;
	table.may_press = KEYS_OK;
	assert_int_equal(ask(control_digits, SID, "{\"digits\":\"1w*#\"}"), 202);
	assert_int_equal(table.type, MAIL_DIGITS);
	assert_string_equal(table.text, "1w*#");
	assert_false(table.waits);
	assert_string_equal(table.noted, "operator.digits {\"count\":\"4\"}");
	table.may_press = KEYS_SPEAKING;
	assert_int_equal(ask(control_digits, SID, "{\"digits\":\"1\",\"wait\":true}"), 202);
	assert_true(table.waits);
	assert_int_equal(table.posted, 2);
}

static void keys_that_cannot_be_pressed_now_are_refused_by_name(void **state)
{
	(void)state;
	for (int why = 0; why < KEYS_ANSWER_COUNT; why++) {
		table.may_press = (enum keys_answer)why;
		if (why == KEYS_OK)
			continue;
		assert_int_equal(ask(control_digits, SID, "{\"digits\":\"1\"}"), why == KEYS_UNABLE ? 503 : 409);
		assert_non_null(strstr(answer, keys_words((enum keys_answer)why)->code));
	}
	table.may_press = KEYS_BUSY; /* which no patience helps */
	assert_int_equal(ask(control_digits, SID, "{\"digits\":\"1\",\"wait\":true}"), 409);
	assert_int_equal(table.posted, 0);
	assert_string_equal(table.noted, "");
}

static void what_is_no_keys_is_refused_with_the_field(void **state)
{
	static const char *const bodies[] = { "{}", "{\"digits\":\"\"}", "{\"digits\":\"12A\"}", "{\"digits\":\"1 2\"}",
		"{\"digits\":\"W\"}", "{\"digits\":12}", "{\"digits\":\"\xef\xbc\x91\"}", "{\"digits\":null}",
		"{\"digits\":\"11111111111111111111111111111111111111111111111111111111111111111\"}" };

	(void)state;
	table.may_press = KEYS_OK;
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
		if (ask(control_digits, SID, bodies[i]) != 422 || !strstr(answer, "\"field\":\"digits\""))
			fail_msg("%s: %s", bodies[i], answer);
	assert_int_equal(ask(control_digits, SID, "{\"digits\":\"1\",\"wait\":\"yes\"}"), 422);
	assert_non_null(strstr(answer, "\"field\":\"wait\""));
	assert_int_equal(table.posted, 0);
}

static void call_must_be_live(void **state)
{
	static const char body[] = "{\"text\":\"hi\"}";

	(void)state;
	assert_int_equal(ask(control_say, "CAnone", body), 404);
	assert_int_equal(ask(control_say, OVER, body), 409);
	assert_non_null(strstr(answer, "call_over"));
	table.live = false;
	assert_int_equal(ask(control_say, SID, body), 409);
	assert_non_null(strstr(answer, "call_not_live"));
	table.gone = true;
	assert_int_equal(ask(control_say, SID, body), 409);
	assert_non_null(strstr(answer, "call_over"));
}

static void letter_that_cannot_be_delivered_is_said_so(void **state)
{
	static const char body[] = "{\"text\":\"hi\"}";

	(void)state;
	table.post_answer = -EBUSY;
	assert_int_equal(ask(control_say, SID, body), 429);
	assert_int_equal(strncmp(answer, "Retry-After: 1\r\n", 16), 0);
	table.post_answer = -ENOENT;
	assert_int_equal(ask(control_say, SID, body), 409);
	table.post_answer = -ENOMEM;
	assert_int_equal(ask(control_say, SID, body), 500);
	assert_string_equal(table.noted, "");
}

#define TEST(name) cmocka_unit_test_setup(name, reset)

const struct CMUnitTest unit_tests[] = {
	TEST(word_is_posted_as_an_instruction_or_exactly),
	TEST(word_that_will_not_do_is_not_posted),
	TEST(transfer_goes_to_a_destination_of_the_agent_or_any_number),
	TEST(transfer_to_a_number_that_must_not_be_dialled_is_refused),
	TEST(transfer_to_nowhere_is_refused_with_the_field),
	TEST(keys_are_posted_and_not_told_to_others),
	TEST(keys_that_cannot_be_pressed_now_are_refused_by_name),
	TEST(what_is_no_keys_is_refused_with_the_field),
	TEST(call_must_be_live),
	TEST(letter_that_cannot_be_delivered_is_said_so),
	GROUP(listen_to_journal, NULL),
};
