/* GET /calls over what is in memory (here: an array) and a real store. */
#include "server/web/api/call_list.h"

#include "common/json.h"
#include "server/stats/endings.h"
#include "server/news/journal_json.h"
#include "server/news/journal_store.h"
#include "server/store/row.h"
#include "server/store/store.h"
#include "server/store/store_calls.h"
#include "server/web/api/known_call.h"
#include "server/line/calls_shown.h"
#include "tests/unit.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct call_summary memory[600]; /* owned; as calls_each would tell them */
static size_t memory_count;
static struct web_parts parts;
static char dir[64];

void calls_each(struct calls *calls, void (*each)(void *arg, const struct call_summary *call), void *arg)
{
	(void)calls;
	for (size_t i = 0; i < memory_count; i++)
		each(arg, &memory[i]);
}

static struct { /* by calls_one, whatever it is asked for */
	bool there;
	int64_t first_turn;
	const char *turns;
} remembered;

int calls_one(struct calls *calls, const char *call_sid, struct call_summary *call, struct call_talk *talk)
{
	(void)calls;
	if (!remembered.there)
		return -ENOENT;
	*call = (struct call_summary){ .stage = CALL_IS_LIVE, .state = "live", .first_turn = remembered.first_turn };
	snprintf(call->call_sid, sizeof call->call_sid, "%s", call_sid);
	memset(talk, 0, sizeof *talk);
	call_talk_begin(talk);
	buf_puts(&talk->turns, remembered.turns);
	buf_puts(&talk->tools, "[]");
	return 0;
}

struct made {
	const char *state, *agent, *from, *to, *ending, *direction;
	int second; /* after 10:00 on that day */
};

static enum call_end end_of(const char *name)
{
	int end = CALL_NOT_ENDED + 1;

	while (strcmp(call_ending((enum call_end)end)->json, name) != 0)
		assert_in_range(++end, 1, CALL_END_COUNT - 1);
	return (enum call_end)end;
}

/* To be freed. */
static struct call_summary summary_of(const char *sid, const struct made *m)
{
	const char *state = m->state ? m->state : "ended";
	bool over = !strcmp(state, "ended");
	struct call_summary call = { .stage = over                    ? CALL_IS_OVER
					      : strcmp(state, "live") ? CALL_IS_RESERVED
								      : CALL_IS_LIVE,
		.state = state,
		.agent = strdup(m->agent ? m->agent : "default"),
		.reserved_ms = 1795168800500 + m->second * INT64_C(1000),
		.seconds = 1.5,
		.end = over ? end_of(m->ending ? m->ending : "caller_hung_up") : CALL_NOT_ENDED,
		.cost = { .known = true, .total = 0.25, .prices_of = "" } };

	snprintf(call.call_sid, sizeof call.call_sid, "%s", sid);
	snprintf(call.direction, sizeof call.direction, "%s", m->direction ? m->direction : "inbound");
	snprintf(call.from, sizeof call.from, "%s", m->from ? m->from : "+12025550123");
	snprintf(call.to, sizeof call.to, "%s", m->to ? m->to : "+12025550100");
	return call;
}

static void in_memory(const char *sid, const struct made *m)
{
	memory[memory_count++] = summary_of(sid, m);
}

/* As it gets there in life: by the journal. */
static void is_told(enum journal_kind kind, const char *type, const char *sid, const struct made *m)
{
	struct call_summary call = summary_of(sid, m);
	struct call_talk talk = { 0 };

	call_talk_begin(&talk);
	buf_puts(&talk.turns, "[\"not kept twice\"]");
	buf_puts(&talk.tools, "[]");
	journal_store_take(parts.store,
	    &(struct journal_entry){ .kind = kind, .type = type, .call_sid = sid, .call = &call, .talk = &talk });
	call_talk_free(&talk);
	call_summary_free(&call);
}

static void in_store(const char *sid, const struct made *m)
{
	is_told(JOURNAL_ENDED, "call.ended", sid, m);
}

static int setup(void **state)
{
	struct buf problem;

	(void)state;
	snprintf(dir, sizeof dir, "build/tmp/test_call_list_XXXXXX");
	buf_init(&problem, 0);
	return mkdtemp(dir) && !store_open(&parts.store, dir, 0, &problem) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[96];

	(void)state;
	while (memory_count)
		call_summary_free(&memory[--memory_count]);
	store_close(parts.store);
	parts.store = NULL;
	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command);
}

/* ------------------------------------------------------------------------- asking */

/* The answer to a query; the caller deletes it. */
static cJSON *get(const char *query, int status)
{
	struct form params;
	struct request q = { .method = "GET", .path = "/calls", .params = &params };
	struct response r;
	cJSON *answer;

	assert_int_equal(store_flush(parts.store, 60000), 0);
	assert_int_equal(form_parse(&params, query, strlen(query)), 0);
	response_init(&r);
	call_list_get(&parts, &q, "", &r);
	answer = json_parse(buf_text(&r.body), r.body.len);
	if (r.status != status || !answer)
		fail_msg("%s: %d %s", query, r.status, buf_text(&r.body));
	response_free(&r);
	form_free(&params);
	return answer;
}

/* The names of a page, in order, blank-separated; `next` gets its cursor or "". */
static const char *page(const char *query, char next[128])
{
	static char names[8192];
	cJSON *answer = get(query, 200);
	const cJSON *call;
	size_t len = 0;

	names[0] = '\0';
	cJSON_ArrayForEach(call, json_get(answer, "calls"))
	{
		assert_null(json_get(call, "turns"));
		len += (size_t)snprintf(
		    names + len, sizeof names - len, "%s%s", len ? " " : "", json_str(call, "call_sid"));
	}
	if (next)
		snprintf(next, 128, "%s", json_str(answer, "next") ? json_str(answer, "next") : "");
	else
		assert_true(cJSON_IsNull(json_get(answer, "next")));
	cJSON_Delete(answer);
	return names;
}

static void refuses(const char *query, const char *field)
{
	cJSON *answer = get(query, 400);

	assert_string_equal(json_str(json_get(answer, "error"), "field"), field);
	cJSON_Delete(answer);
}

static void live_ones_come_first_then_the_newest_and_none_twice(void **state)
{
	(void)state;
	in_store("CA1", &(struct made){ .second = 1 });
	in_store("CA2", &(struct made){ .second = 2 });
	in_store("CA4", &(struct made){ .second = 4 });
	in_store("CA5", &(struct made){ .second = 5, .state = "live" });
	in_memory("CA3", &(struct made){ .second = 3, .state = "live" });
	in_memory("CA5", &(struct made){ .second = 5, .state = "live" });
	in_memory("CA4", &(struct made){ .second = 4 });
	in_memory("CA6", &(struct made){ .second = 6 });
	in_memory("CA6", &(struct made){ .second = 0 }); /* its first stream */
	assert_string_equal(page("", NULL), "CA5 CA3 CA6 CA4 CA2 CA1");
}

static void a_call_that_is_live_is_not_shown_as_it_was_kept(void **state)
{
	(void)state;
	in_store("CA1", &(struct made){ .second = 1, .agent = "old" });
	in_memory("CA1", &(struct made){ .second = 9, .agent = "new", .state = "live" });
	assert_string_equal(page("agent=old", NULL), "");
	assert_string_equal(page("agent=new", NULL), "CA1");
}

static const struct {
	const char *query;
	const char *found; /* of 1 to 8 */
} filters[] = {
	{ "", "8 7 6 5 4 3 2 1" },
	{ "agent=sales", "5 2" },
	{ "agent=Sales", "" },
	{ "from=%2B12025550177", "7 3" },
	{ "from=+12025550177", "7 3" }, /* a plus that nobody escaped */
	{ "from=12025550177", "7 3" },
	{ "from=tel:%2B1-202-555-0177", "7 3" },
	{ "from=Anonymous", "6" },
	{ "from=%2B266696687", "6" },
	{ "from=restricted", "" },
	{ "from=%28%29", "" },
	{ "to=%2B12025550111", "4" },
	{ "to=sip:%2B12025550111@acme.example", "4" },
	{ "to=12025550100@acme.example", "" },
	{ "ending=idle", "6" },
	{ "direction=outbound", "8" },
	{ "since=2026-11-20T10:00:05.500Z", "8 7 6 5" },
	{ "since=2026-11-20T10:00:05.501Z", "8 7 6" },
	{ "until=2026-11-20T10:00:05.500Z", "4 3 2 1" },
	{ "since=2026-11-20T11:00:03%2B01:00&until=2026-11-20T11:00:06+01:00", "5 4 3" },
	{ "since=1795168803&until=1795168805", "4 3" },
	{ "since=2026-11-21", "" },
	{ "agent=sales&since=2026-11-20T10:00:04Z", "5" },
	/* Data, whatever it looks like. */
	{ "agent=%25", "" },
	{ "agent=sal%25", "" },
	{ "agent=s_les", "" },
	{ "agent=*", "" },
	{ "agent='%20OR%201=1%20--", "" },
	{ "agent='%3B%20DROP%20TABLE%20calls%3B%20--", "" },
	{ "from=%2B1202555017_", "" },
	{ "agent=o'brien", "1" },
	{ "agent=", "" },
};

static void filters_do_the_same_in_memory_and_in_the_store(void **state)
{
	char sid[16], expected[64], *at;

	(void)state;
	for (int from_store = 0; from_store < 2; from_store++) {
		for (int i = 1; i <= 8; i++) {
			struct made m = { .second = i,
				.agent = i == 2 || i == 5 ? "sales"
					 : i == 1         ? "o'brien"
							  : NULL,
				.from = i == 3 || i == 7 ? "+12025550177"
					: i == 6         ? "anonymous"
							 : NULL,
				.to = i == 4 ? "+12025550111" : NULL,
				.ending = i == 6 ? "idle" : NULL,
				.direction = i == 8 ? "outbound" : NULL };

			snprintf(sid, sizeof sid, "CA%d", i);
			if (from_store)
				in_store(sid, &m);
			else
				in_memory(sid, &m);
		}
		for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
			at = expected;
			*at = '\0';
			for (const char *c = filters[i].found; *c; c++)
				at += *c == ' ' ? sprintf(at, " ") : sprintf(at, "CA%c", *c);
			if (strcmp(page(filters[i].query, NULL), expected) != 0)
				fail_msg("%s of the %s: %s", filters[i].query, from_store ? "store" : "memory",
				    page(filters[i].query, NULL));
		}
		while (memory_count)
			call_summary_free(&memory[--memory_count]);
	}
}

static void pages_join_without_gap_or_double(void **state)
{
	static const int limits[] = { 1, 2, 3, 7, 50, 200 };
	static char whole[8192];
	char sid[16], query[192], next[128];

	(void)state;
	for (int i = 0; i < 60; i++) {
		/* Some of the same moment, on both sides of the line. */
		struct made m = { .second = i / 3 };

		snprintf(sid, sizeof sid, "CA%02d", i);
		in_store(sid, &m);
		if (i >= 40)
			in_memory(sid, &m);
	}
	for (int i = 60; i < 70; i++) {
		snprintf(sid, sizeof sid, "CA%02d", i);
		in_memory(sid, &(struct made){ .second = i / 3, .state = "live" });
	}
	snprintf(whole, sizeof whole, "%s", page("limit=200", NULL));
	assert_int_equal(strlen(whole), 70 * 5 - 1);
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		static char joined[8192];
		size_t len = 0;
		int pages = 0;

		next[0] = '\0';
		do {
			snprintf(query, sizeof query, next[0] ? "limit=%d&cursor=%s" : "limit=%d", limits[i], next);
			len += (size_t)snprintf(
			    joined + len, sizeof joined - len, "%s%s", len ? " " : "", page(query, next));
			pages++;
		} while (next[0]);
		assert_string_equal(joined, whole);
		assert_int_equal(pages, (70 + limits[i] - 1) / limits[i]);
	}
}

static void calls_that_begin_meanwhile_move_no_page(void **state)
{
	char next[128], query[192];

	(void)state;
	for (int i = 1; i <= 5; i++) {
		char sid[16];

		snprintf(sid, sizeof sid, "CA%d", i);
		in_store(sid, &(struct made){ .second = i });
	}
	assert_string_equal(page("limit=2", next), "CA5 CA4");
	in_store("CA6", &(struct made){ .second = 6 });
	in_memory("CA7", &(struct made){ .second = 7, .state = "live" });
	snprintf(query, sizeof query, "limit=2&cursor=%s", next);
	assert_string_equal(page(query, next), "CA3 CA2");
	snprintf(query, sizeof query, "limit=2&cursor=%s", next);
	assert_string_equal(page(query, NULL), "CA1");
}

static void without_a_store_it_pages_over_memory(void **state)
{
	struct store *store = parts.store;
	char next[128], query[192];

	(void)state;
	parts.store = NULL;
	in_memory("CA3", &(struct made){ .second = 3, .state = "live" });
	in_memory("CA2", &(struct made){ .second = 2 });
	in_memory("CA1", &(struct made){ .second = 1 });
	assert_string_equal(page("limit=2", next), "CA3 CA2");
	snprintf(query, sizeof query, "cursor=%s", next);
	assert_string_equal(page(query, NULL), "CA1");
	parts.store = store;
}

static void nonsense_is_refused_by_name(void **state)
{
	char cursor[600];

	(void)state;
	refuses("limit=0", "limit");
	refuses("limit=201", "limit");
	refuses("limit=-1", "limit");
	refuses("limit=1e1", "limit");
	refuses("limit=", "limit");
	refuses("limit=99999999999999999999", "limit");
	refuses("since=yesterday", "since");
	refuses("since=", "since");
	refuses("until=2026-02-30", "until");
	refuses("since=2026-11-20&until=2026-11-20", "until");
	refuses("since=2026-11-21&until=2026-11-20", "until");
	refuses("ending=bored", "ending");
	refuses("direction=outbound-api", "direction");
	refuses("cursor=", "cursor");
	refuses("cursor=x1.CA1", "cursor");
	refuses("cursor=e.CA1", "cursor");
	refuses("cursor=e1", "cursor");
	refuses("cursor=e1x.CA1", "cursor");
	refuses("cursor=e1111111111111111.CA1", "cursor");
	snprintf(cursor, sizeof cursor, "cursor=e1.%0513d", 1);
	refuses(cursor, "cursor");
}

/* ------------------------------------------------------------------ one call, kept */

static void tell_turn(const char *sid, int64_t no, const struct call_turn *turn)
{
	journal_store_take(parts.store, &(struct journal_entry){ .kind = JOURNAL_TURN,
					    .type = "turn",
					    .call_sid = sid,
					    .no = no,
					    .wall_ms = 1795169730000,
					    .turn = turn });
}

/* All there is to know of a call, or NULL with that error. */
static const char *all_of(const char *sid, int expected)
{
	static char text[4096];
	struct call_summary call;
	struct call_talk talk;
	struct json_out j;
	struct buf out;

	assert_int_equal(known_call(&parts, sid, &call, &talk), expected);
	if (expected)
		return NULL;
	buf_init(&out, 0);
	j = json_out_to(&out);
	json_put_object(&j, NULL);
	journal_put_call(&j, &call, &talk, true);
	json_put_end(&j);
	snprintf(text, sizeof text, "%s", buf_text(&out));
	buf_free(&out);
	call_summary_free(&call);
	call_talk_free(&talk);
	return text;
}

static void a_kept_call_has_its_turns_in_their_order_and_as_they_became(void **state)
{
	struct call_turn hello = { .who = "agent", .text = "Hello", .spoken = true, .status = "in_progress" };
	const char *text;

	(void)state;
	hello.after_event_ms = hello.after_speech_ms = -1;
	tell_turn("CA1", 1, &hello);
	tell_turn("CA1", 0, &(struct call_turn){ .who = "caller" });
	tell_turn("CA2", 0, &(struct call_turn){ .who = "caller", .text = "not yours" });
	hello.text = "Hello!";
	hello.heard_known = true;
	hello.heard_ms = 5;
	hello.heard_text = hello.text;
	hello.heard_len = 3;
	tell_turn("CA1", 1, &hello);
	in_store("CA1", &(struct made){ .second = 1 });
	tell_turn("CA1", 0, &(struct call_turn){ .who = "caller", .text = "late words" });
	assert_int_equal(store_flush(parts.store, 60000), 0);
	text = all_of("CA1", 0);
	assert_non_null(strstr(text,
	    "\"turns\":[{\"who\":\"caller\",\"at_ms\":0,\"item_id\":null,\"text\":\"late words\"},{\"who\":\"agent\","
	    "\"at_ms\":0,\"item_id\":null,\"text\":\"Hello!\",\"generated_ms\":0,\"status\":\"in_progress\",\"heard_ms\":5,"
	    "\"heard_confirmed\":false,\"heard_text\":\"Hel\",\"heard_text_estimated\":true,\"interrupted\":false}]}"));
	assert_null(strstr(text, "not kept twice"));
	all_of("CA' OR '1'='1", -ENOENT);
}

static void a_call_that_came_back_is_one_call(void **state)
{
	const char *text;

	(void)state;
	tell_turn("CA1", 0, &(struct call_turn){ .who = "caller", .text = "first" });
	tell_turn("CA1", 1, &(struct call_turn){ .who = "keys", .text = "second" });
	tell_turn("CA1", 1000, &(struct call_turn){ .who = "caller", .text = "third, as it was kept" });
	assert_int_equal(store_flush(parts.store, 60000), 0);
	remembered.there = true;
	remembered.first_turn = 1000;
	remembered.turns = "[{\"text\":\"third\"},{\"text\":\"fourth\"}]";
	text = all_of("CA1", 0);
	assert_non_null(strstr(text, "\"first_turn\":1000,"));
	assert_non_null(strstr(text,
	    "\"turns\":[{\"who\":\"caller\",\"at_ms\":0,\"item_id\":null,\"text\":\"first\"},"
	    "{\"who\":\"keys\",\"at_ms\":0,\"item_id\":null,\"text\":\"second\"},{\"text\":\"third\"},{\"text\":\"fourth\"}]"));
	remembered.first_turn = 0; /* never away: as it is */
	remembered.turns = "[]";
	text = all_of("CA1", 0);
	assert_null(strstr(text, "first"));
	assert_non_null(strstr(text, "\"turns\":[],"));
	remembered.there = false;
	all_of("CA1", -ENOENT); /* no row of its own */
}

static void columns_hold_what_the_json_says(void **state)
{
	static const char sql[] =
	    "SELECT count(*) FROM calls WHERE call_sid = 'CA1' AND direction = 'inbound' AND"
	    " from_number = '+12025550123' AND to_number = '+12025550100' AND agent = 'default' AND"
	    " state = 'ended' AND reserved_at = 1795168801500 AND ending = 'caller_hung_up' AND fault = 0"
	    " AND seconds = 1.5 AND cost_usd = 0.25 AND started_at IS NULL";
	sqlite3_stmt *stmt;
	sqlite3 *db;

	(void)state;
	in_store("CA1", &(struct made){ .second = 1 });
	assert_int_equal(store_flush(parts.store, 60000), 0);
	db = store_reader(parts.store);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(stmt, 0), 1);
	sqlite3_finalize(stmt);
	store_reader_done(parts.store, db);
}

/* The last word about a call is not undone by an earlier one that comes late. */
static void what_is_told_late_undoes_nothing(void **state)
{
	(void)state;
	in_store("CA1", &(struct made){ .second = 1 });
	is_told(JOURNAL_RESERVED, "call.reserved", "CA1", &(struct made){ .second = 1, .state = "reserved" });
	assert_string_equal(page("ending=caller_hung_up", NULL), "CA1");
	/* A later stream of the same call is another matter. */
	is_told(JOURNAL_RESERVED, "call.reserved", "CA1", &(struct made){ .second = 2, .state = "reserved" });
	assert_string_equal(page("ending=caller_hung_up", NULL), "");
	/* And the first stream's end, if it is told only now, is not the call's. */
	in_store("CA1", &(struct made){ .second = 1 });
	assert_string_equal(page("ending=caller_hung_up", NULL), "");
	assert_string_equal(page("", NULL), "CA1");
}

static int told;

static void interrupted(void *arg, const struct journal_entry *e)
{
	struct json_out j;
	struct buf out;
	cJSON *call;

	(void)arg;
	assert_int_equal(e->kind, JOURNAL_ENDED);
	assert_int_equal(e->call->end, END_INTERRUPTED);
	buf_init(&out, 0);
	j = json_out_to(&out);
	journal_put_entry(&j, NULL, e);
	call = json_parse(buf_text(&out), out.len);
	buf_free(&out);
	assert_string_equal(e->call_sid, "CA1");
	assert_string_equal(json_str(json_get(call, "ending"), "reason"), "interrupted");
	assert_string_equal(json_str(cJSON_GetArrayItem(json_get(call, "turns"), 0), "text"), "Hello");
	cJSON_Delete(call);
	told++;
}

static void a_call_left_open_is_closed_at_the_next_start(void **state)
{
	const struct call_tool called = { .call_id = "call_1", .name = "book", .arguments = "{}", .at_ms = 7 };
	const struct call_tool answered = { "call_1", "book", "{}", 7, true, true, 12, "done" };
	struct journal_entry entry = { .kind = JOURNAL_TOOL,
		.type = "tool.called",
		.call_sid = "CA1",
		.wall_ms = 1795168802500,
		.tool = &called };
	const char *text;
	cJSON *call;

	(void)state;
	in_store("CA0", &(struct made){ .second = 0 });
	is_told(JOURNAL_STARTED, "call.started", "CA1", &(struct made){ .second = 1, .state = "live" });
	journal_store_take(parts.store, &entry);
	entry.type = "tool.answered";
	entry.tool = &answered;
	journal_store_take(parts.store, &entry);
	tell_turn("CA1", 0, &(struct call_turn){ .who = "caller", .text = "Hello" });
	assert_int_equal(store_flush(parts.store, 60000), 0);
	journal_add_sink(interrupted, NULL);
	journal_store_open(parts.store);
	journal_store_close_open(parts.store, NULL);
	assert_int_equal(told, 1); /* of the one that was open */
	assert_string_equal(page("ending=interrupted", NULL), "CA1");
	assert_string_equal(page("ending=caller_hung_up", NULL), "CA0");
	text = all_of("CA1", 0);
	call = json_parse(text, strlen(text));
	assert_non_null(call);
	assert_string_equal(json_str(call, "state"), "ended");
	assert_string_equal(json_str(call, "ended_at"), "2026-11-20T10:15:30.000Z"); /* of the turn */
	assert_string_equal(json_str(json_get(call, "ending"), "text"), "the server died during the call");
	assert_true(json_bool(json_get(call, "ending"), "fault", false));
	assert_int_equal(cJSON_GetArraySize(json_get(call, "turns")), 1);
	assert_int_equal(cJSON_GetArraySize(json_get(call, "tools")), 1); /* called, then answered */
	assert_string_equal(json_str(cJSON_GetArrayItem(json_get(call, "tools"), 0), "name"), "book");
	assert_true(json_bool(cJSON_GetArrayItem(json_get(call, "tools"), 0), "ok", false));
	cJSON_Delete(call);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

const struct CMUnitTest unit_tests[] = {
	TEST(live_ones_come_first_then_the_newest_and_none_twice),
	TEST(a_call_that_is_live_is_not_shown_as_it_was_kept),
	TEST(filters_do_the_same_in_memory_and_in_the_store),
	TEST(pages_join_without_gap_or_double),
	TEST(calls_that_begin_meanwhile_move_no_page),
	TEST(without_a_store_it_pages_over_memory),
	TEST(nonsense_is_refused_by_name),
	TEST(a_kept_call_has_its_turns_in_their_order_and_as_they_became),
	TEST(a_call_that_came_back_is_one_call),
	TEST(columns_hold_what_the_json_says),
	TEST(what_is_told_late_undoes_nothing),
	TEST(a_call_left_open_is_closed_at_the_next_start),
	{ 0 },
};
