/* The agents of a directory: who answers, how variants are drawn, and reloading.
 * Memory fails when it is told to. */
#include <stdbool.h>
#include <stdlib.h>

/* Allocations that succeed before one fails; -1: all do. */
static int allocations_left = -1;

static bool none_left(void)
{
	if (allocations_left < 0)
		return false;
	if (allocations_left == 0)
		return true;
	allocations_left--;
	return false;
}

static void *failing_calloc(size_t n, size_t size)
{
	return none_left() ? NULL : calloc(n, size);
}

static void *failing_realloc(void *old, size_t size)
{
	return none_left() ? NULL : realloc(old, size);
}

#define calloc failing_calloc
#define realloc failing_realloc
#include "server/agents/agent_set.c"
#include "server/agents/load.c"
#include "server/agents/agent_memory.c"
#undef calloc
#undef realloc

#include "server/agents/agents.h"

#include "common/json.h"
#include "server/stats/stats.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct config cfg;
static struct buf problem;
static struct agents *agents;

static void path_of(const char *name, char path[160])
{
	snprintf(path, 160, "%s/%s", folder, name);
}

static void put(const char *name, const char *text)
{
	folder_put(name, text, strlen(text));
}

static void take_away(const char *name)
{
	char path[160];

	path_of(name, path);
	assert_int_equal(remove(path), 0);
}

static int begin(void **state)
{
	const char *const pairs[] = { "AGENTS_DIR", folder, NULL };

	folder_begin(state);
	buf_init(&problem, 0);
	pairs_load(&cfg, pairs);
	return 0;
}

static int end(void **state)
{
	agents_close(agents);
	agents = NULL;
	config_free(&cfg);
	buf_free(&problem);
	return folder_end(state);
}

static void open_agents(void)
{
	if (agents_open(&agents, &cfg, &problem))
		fail_msg("%s", buf_text(&problem));
}

/* Whose agent answers; the reference is given back at once. */
static const char *who(const char *number)
{
	static char name[80];
	const struct agent *p = agents_for_number(agents, number);

	snprintf(name, sizeof name, "%s", p->name);
	agent_release(p);
	return name;
}

/* ------------------------------------------------------------------------ who answers */

static void number_leads_to_its_agent_and_the_rest_to_the_one_without(void **state)
{
	const struct agent *p;

	(void)state;
	put("a.json", "{\"numbers\":[\"+12025550100\",\"+12025550101\"]}");
	put("b.json", "{\"numbers\":[\"+12025550102\"]}");
	put("c.json", "{\"numbers\":[]}");
	put("notes.md", "not an agent");
	put(".d.json", "an editor's leftover");
	open_agents();
	assert_string_equal(who("+12025550101"), "a");
	assert_string_equal(who("+12025550102"), "b");
	assert_string_equal(who("+12025550199"), "default");
	assert_string_equal(who(""), "default");
	assert_int_equal(agents_count(agents), 3);
	p = agents_by_name(agents, "c");
	assert_string_equal(p->name, "c");
	agent_release(p);
	p = agents_by_name(agents, "default");
	assert_string_equal(p->file, "");
	agent_release(p);
	assert_null(agents_by_name(agents, "d"));

	put("c.json", "{}");
	assert_int_equal(agents_reload(agents, &problem), 0);
	assert_string_equal(who("+12025550199"), "c");
	assert_string_equal(who("+12025550100"), "a");
}

/* The name of the agent that can only be meant; "" if none. */
static const char *only(const char *from)
{
	static char name[80];
	const struct agent *p = agents_only(agents, from);

	snprintf(name, sizeof name, "%s", p ? p->name : "");
	agent_release(p);
	return name;
}

static void where_none_is_named_the_only_one_is_meant(void **state)
{
	(void)state;
	open_agents();
	assert_string_equal(only(NULL), "default");
	assert_string_equal(only("+12025550100"), "default");
	put("a.json", "{\"numbers\":[\"+12025550100\"],\"variants\":[{\"name\":\"x\"},{\"name\":\"y\"}]}");
	assert_int_equal(agents_reload(agents, &problem), 0);
	assert_string_equal(only(NULL), "a");
	assert_string_equal(only("+12025550177"), "a");
	put("b.json", "{}");
	assert_int_equal(agents_reload(agents, &problem), 0);
	assert_string_equal(only(NULL), "");
	assert_string_equal(only("+12025550100"), "a");
	/* b would answer that number, and yet it is not its own. */
	assert_string_equal(only("+12025550177"), "");
}

/* What the function appends, and how many it counts. */
static const char *told(size_t (*all)(struct agents *, struct buf *), size_t *count)
{
	static char text[200];
	struct buf out;

	buf_init(&out, 0);
	*count = all(agents, &out);
	snprintf(text, sizeof text, "%s", buf_text(&out));
	buf_free(&out);
	return text;
}

static void names_and_numbers_are_told_where_one_is_to_be_chosen(void **state)
{
	char name[32], text[64];
	size_t count;

	(void)state;
	open_agents();
	assert_string_equal(told(agents_name_all, &count), "");
	assert_int_equal(count, 0);
	put("a.json", "{\"numbers\":[\"+12025550100\"],\"variants\":[{\"name\":\"x\"},{\"name\":\"y\"}]}");
	put("b.json", "{}");
	assert_int_equal(agents_reload(agents, &problem), 0);
	assert_string_equal(told(agents_name_all, &count), "a, b");
	assert_int_equal(count, 2);
	assert_string_equal(told(agents_number_all, &count), "+12025550100");
	assert_int_equal(count, 1);
	for (int i = 0; i < 9; i++) {
		snprintf(name, sizeof name, "c%d.json", i);
		snprintf(text, sizeof text, "{\"numbers\":[\"+1202555011%d\"]}", i);
		put(name, text);
	}
	assert_int_equal(agents_reload(agents, &problem), 0);
	assert_string_equal(told(agents_name_all, &count), "a, b, c0, c1, c2, c3, c4, c5 and 3 more");
	assert_int_equal(count, 11);
	assert_string_equal(told(agents_number_all, &count),
	    "+12025550100, +12025550110, +12025550111, +12025550112, +12025550113, +12025550114, +12025550115, "
	    "+12025550116 and 2 more");
	assert_int_equal(count, 10);
}

static void built_in_agent_is_there_without_any_file(void **state)
{
	const struct agent *list[4];

	(void)state;
	open_agents();
	assert_string_equal(who("+12025550100"), "default");
	assert_int_equal(agents_list(agents, list, 4), 1);
	assert_string_equal(list[0]->instructions, cfg.instructions);
	agent_release(list[0]);
	agents_notes(agents, &problem);
	assert_non_null(strstr(buf_text(&problem), "holds no agent"));
}

static void all_are_listed_each_variant_for_itself(void **state)
{
	const struct agent *list[8];
	size_t n;

	(void)state;
	put("b.json", "{}");
	put("a.json", "{\"numbers\":[],\"variants\":[{\"name\":\"x\"},{\"name\":\"y\"}]}");
	open_agents();
	n = agents_list(agents, list, 8);
	assert_int_equal(n, 3); /* the built-in one is never reached */
	assert_string_equal(list[0]->variant, "x");
	assert_string_equal(list[1]->variant, "y");
	assert_string_equal(list[2]->name, "b");
	for (size_t i = 0; i < n; i++)
		agent_release(list[i]);
	assert_int_equal(agents_list(agents, list, 1), 1);
	agent_release(list[0]);
	/* As the calls of before name them: that variant, else another; no longer there; the built-in one. */
	list[0] = agents_variant(agents, "a", "y");
	list[1] = agents_variant(agents, "a", "gone");
	list[2] = agents_variant(agents, "default", "");
	assert_string_equal(list[0]->variant, "y");
	assert_string_equal(list[1]->variant, "x");
	assert_string_equal(list[2]->name, "default");
	assert_null(agents_variant(agents, "c", ""));
	for (size_t i = 0; i < 3; i++)
		agent_release(list[i]);
}

/* Else a service would be asked for that nobody uses, and missed. */
static void built_in_one_is_not_listed_where_it_alone_would_need_the_realtime_model(void **state)
{
	const struct agent *list[4];

	(void)state;
	put("a.json", "{\"numbers\":[\"+12025550100\"],\"channel\":\"relay\",\"model_protocol\":\"text\"}");
	open_agents();
	assert_int_equal(agents_list(agents, list, 4), 1);
	assert_string_equal(list[0]->name, "a");
	agent_release(list[0]);
	assert_int_equal(agents_count_variants(agents, NULL), 1);
	assert_string_equal(who("+12025550199"), "default"); /* who calls it all the same may have it */
	put("b.json", "{\"numbers\":[\"+12025550101\"]}");
	assert_int_equal(agents_reload(agents, &problem), 0);
	assert_int_equal(agents_count_variants(agents, NULL), 3);
}

static void variants_are_drawn_by_weight(void **state)
{
	const struct agent x = { .variant = "x", .weight = 1 }, y = { .variant = "y", .weight = 0 },
			   z = { .variant = "z", .weight = 3 };
	struct agent_entry a = { .variants = { &x, &y, &z }, .variant_count = 3 };

	(void)state;
	assert_ptr_equal(agent_entry_draw(&a, 0), &x);
	assert_ptr_equal(agent_entry_draw(&a, 0.2499), &x);
	assert_ptr_equal(agent_entry_draw(&a, 0.25), &z);
	assert_ptr_equal(agent_entry_draw(&a, 0.9999), &z);
	assert_ptr_equal(agent_entry_draw(&a, 1), &z);
	a.variant_count = 1;
	assert_ptr_equal(agent_entry_draw(&a, 0.9999), &x);
	/* A last one without weight is never drawn for want of another. */
	a = (struct agent_entry){ .variants = { &x, &y }, .variant_count = 2 };
	assert_ptr_equal(agent_entry_draw(&a, 0.9999), &x);
}

/* ------------------------------------------------------------------- what is wrong */

static void assert_refused(const char *says)
{
	struct agents *none = NULL;

	buf_reset(&problem);
	assert_int_equal(agents_open(&none, &cfg, &problem), -EINVAL);
	assert_null(none);
	if (!strstr(buf_text(&problem), says))
		fail_msg("does not say \"%s\", but:\n%s", says, buf_text(&problem));
}

static void number_of_two_agents_is_a_mistake_of_the_second(void **state)
{
	(void)state;
	put("a.json", "{\"numbers\":[\"+12025550100\"]}");
	put("b.json", "{\"numbers\":[\"+12025550109\",\"+12025550100\"]}");
	assert_refused("/b.json: numbers[1]: is answered by a already\n");
	/* Whole numbers are not for logs. */
	assert_null(strstr(buf_text(&problem), "+12025550100"));
	put("a.json", "{}");
	put("b.json", "{}");
	assert_refused("/b.json: numbers: is missing, as it is in a;");
}

static void mistakes_of_all_files_are_told(void **state)
{
	char path[160];

	(void)state;
	put("a.json", "{\"voice\":1}");
	put("b.json", "{");
	put("two words.json", "{}");
	path_of("dir.json", path);
	mkdir(path, 0700);
	path_of("pipe.json", path);
	assert_int_equal(mkfifo(path, 0600), 0);
	path_of("away.json", path);
	assert_int_equal(symlink("nowhere", path), 0);
	assert_refused("/a.json: voice: ");
	assert_non_null(strstr(buf_text(&problem), "/b.json: line 1, column "));
	assert_non_null(strstr(buf_text(&problem), "/two words.json: must be named"));
	assert_non_null(strstr(buf_text(&problem), "/dir.json: is a directory"));
	assert_non_null(strstr(buf_text(&problem), "/pipe.json: is not a regular file"));
	assert_non_null(strstr(buf_text(&problem), "/away.json: is not there"));
}

static void file_too_large_or_unreadable_is_said_so(void **state)
{
	char path[160];

	(void)state;
	put("a.json", "{}");
	path_of("a.json", path);
	assert_int_equal(truncate(path, AGENT_FILE_MAX + 1), 0);
	assert_refused("/a.json: is larger than 1048576 bytes");
	put("a.json", "{}");
	if (geteuid() != 0) { /* root may read all */
		assert_int_equal(chmod(path, 0), 0);
		assert_refused("/a.json: cannot be opened: Permission denied");
	}
	take_away("a.json");
	assert_int_equal(rmdir(folder), 0);
	assert_refused("AGENTS_DIR: ");
	assert_int_equal(mkdir(folder, 0700), 0);
}

static void settings_are_templates_too(void **state)
{
	(void)state;
	cfg.instructions = "You are {{me}}.";
	assert_refused("INSTRUCTIONS: has {{me}}");
}

static void memory_that_is_wanting_anywhere_is_an_error(void **state)
{
	int err, n = 0;

	(void)state;
	put("a.json",
	    "{\"numbers\":[\"+12025550100\"],\"languages\":[\"en\",\"es\"],\"mcp_servers\":[{\"label\":\"m\","
	    "\"url\":\"https://m.example/\"}],\"variants\":[{\"name\":\"x\"},{\"name\":\"y\",\"voice\":\"z\"}]}");
	put("b.json", "{}");
	do {
		struct buf text, odd;
		struct agent_set *set = NULL;

		buf_init(&text, 0);
		buf_init(&odd, 0);
		allocations_left = n++;
		err = agents_load(&set, &cfg, &text, &odd);
		allocations_left = -1;
		if (err) {
			assert_int_equal(err, -ENOMEM);
			assert_non_null(strstr(buf_text(&text), "out of memory\n"));
		}
		agent_set_release(set);
		buf_free(&text);
		buf_free(&odd);
	} while (err);
	assert_true(n > 20);
}

/* ---------------------------------------------------------------------- reloading */

static void count_change(void *arg)
{
	++*(int *)arg;
}

static void reload_is_for_new_calls(void **state)
{
	const struct agent *call;
	int changes = 0;

	(void)state;
	put("a.json", "{\"instructions\":\"old\"}");
	open_agents();
	agents_on_change(agents, count_change, &changes);
	call = agents_for_number(agents, "+12025550100");
	put("a.json", "{\"instructions\":\"new\"}");
	assert_int_equal(agents_reload(agents, &problem), 0);
	assert_int_equal(changes, 1);
	assert_string_equal(call->instructions, "old");
	agent_release(call);
	call = agents_for_number(agents, "+12025550100");
	assert_string_equal(call->instructions, "new");
	agent_release(call);
}

/* What /status would show. */
static cJSON *shown(void)
{
	agents_put_json(agents, tree_begin());
	return tree_end();
}

static void bad_file_keeps_the_old_and_says_so_until_it_is_mended(void **state)
{
	int changes = 0;
	cJSON *tree;

	(void)state;
	put("a.json", "{}");
	open_agents();
	agents_on_change(agents, count_change, &changes);
	put("a.json", "{");
	put("b.json", "{\"numbers\":[]}");
	assert_int_equal(agents_reload(agents, &problem), -EINVAL);
	assert_int_equal(changes, 0);
	assert_string_equal(who("+12025550100"), "a");
	assert_null(agents_by_name(agents, "b"));
	tree = shown();
	assert_non_null(strstr(json_str(tree, "last_error"), "/a.json: line 1"));
	assert_int_equal(cJSON_GetArraySize(json_get(tree, "names")), 1);
	cJSON_Delete(tree);
	put("a.json", "{}");
	assert_int_equal(agents_reload(agents, &problem), 0);
	assert_int_equal(changes, 1);
	tree = shown();
	assert_true(cJSON_IsNull(json_get(tree, "last_error")));
	assert_int_equal(cJSON_GetArraySize(json_get(tree, "names")), 2);
	cJSON_Delete(tree);
}

static void *call_until_told(void *arg)
{
	_Atomic bool *stop = arg;

	while (!atomic_load(stop)) {
		const struct agent *p = agents_for_number(agents, "+12025550100");

		/* Both come from one file, whichever. */
		if (strcmp(p->instructions, p->greeting) != 0)
			abort();
		agent_release(p);
	}
	return NULL;
}

static void calls_may_come_in_while_agents_are_reloaded(void **state)
{
	_Atomic bool stop = false;
	pthread_t threads[2];

	(void)state;
	put("a.json", "{\"instructions\":\"0\",\"greeting\":{\"text\":\"0\"}}");
	open_agents();
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, call_until_told, &stop), 0);
	for (int i = 1; i < 100; i++) {
		char text[80];

		snprintf(text, sizeof text, "{\"instructions\":\"%d\",\"greeting\":{\"text\":\"%d\"}}", i, i);
		put("a.json", text);
		assert_int_equal(agents_reload(agents, &problem), 0);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

/* ---------------------------------------------------------------------- dialling */

static bool may_dial(const char *number)
{
	uint64_t before = stat_get(calls_not_dialled);
	bool may = agents_may_dial(agents, number, "CA1", "test");

	assert_int_equal(stat_get(calls_not_dialled), before + !may);
	return may;
}

static void their_own_numbers_say_whom_they_may_dial(void **state)
{
	(void)state;
	put("a.json", "{\"numbers\":[\"+12025550100\"]}");
	open_agents();
	assert_true(may_dial("+14155550123"));
	assert_false(may_dial("+493012345678"));
	assert_false(may_dial("+19005550123"));
	put("b.json", "{\"numbers\":[\"+493012345678\"]}");
	assert_int_equal(agents_reload(agents, &problem), 0);
	assert_true(may_dial("+4915112345678"));
	take_away("b.json");
	assert_int_equal(agents_reload(agents, &problem), 0);
	assert_false(may_dial("+4915112345678"));
}

static bool notes_tell(const char *sentence)
{
	struct buf notes;
	bool tell;

	buf_init(&notes, 0);
	agents_notes(agents, &notes);
	tell = strstr(buf_text(&notes), sentence);
	buf_free(&notes);
	return tell;
}

static void a_relay_without_a_price_is_told_wherever_it_is_named(void **state)
{
	(void)state;
	put("a.json", "{\"numbers\":[],\"variants\":[{\"name\":\"x\"},{\"name\":\"y\",\"channel\":\"relay\"}]}");
	open_agents();
	assert_true(notes_tell("RELAY_MINUTE_PRICE is not set"));
	put("a.json", "{\"numbers\":[]}");
	assert_int_equal(agents_reload(agents, &problem), 0);
	assert_false(notes_tell("RELAY_MINUTE_PRICE"));
	cfg.channel = CHANNEL_RELAY; /* the built-in one's */
	assert_int_equal(agents_reload(agents, &problem), 0);
	assert_true(notes_tell("RELAY_MINUTE_PRICE is not set"));
	cfg.relay_minute_price = 0.07;
	assert_int_equal(agents_reload(agents, &problem), 0);
	assert_false(notes_tell("RELAY_MINUTE_PRICE"));
}

static void a_language_that_gather_is_not_told_of_is_noted(void **state)
{
	static const char *const agents_of[] = {
		"{\"numbers\":[],\"channel\":\"gather\",\"languages\":[\"tr\"]%s}",
		"{\"numbers\":[],\"fallback\":[\"text\"],\"languages\":[\"tr\"]%s}",
		"{\"numbers\":[],\"variants\":[{\"name\":\"x\"},{\"name\":\"y\",\"languages\":[\"tr\",\"es\"]%s}]}",
	};
	char text[200];

	(void)state;
	cfg.openai_api_key = "a-key";
	put("a.json", "{\"numbers\":[],\"channel\":\"gather\",\"languages\":[\"ja\",\"tr\"]}");
	open_agents();
	assert_false(notes_tell("by gather"));
	for (size_t i = 0; i < sizeof agents_of / sizeof *agents_of; i++) {
		snprintf(text, sizeof text, agents_of[i], "");
		put("a.json", text);
		assert_int_equal(agents_reload(agents, &problem), 0);
		assert_true(notes_tell("a.json: by gather callers are heard as if they spoke English"));
		snprintf(text, sizeof text, agents_of[i], ",\"say_language\":\"tr-TR\"");
		put("a.json", text);
		assert_int_equal(agents_reload(agents, &problem), 0);
		assert_false(notes_tell("by gather"));
	}
	put("a.json", "{\"numbers\":[],\"fallback\":[\"reconnect\"],\"languages\":[\"tr\"]}");
	assert_int_equal(agents_reload(agents, &problem), 0);
	assert_false(notes_tell("by gather"));
}

/* Of each variant; what the settings have alone is not the file's. */
static void what_ends_a_call_before_its_goodbye_is_noted(void **state)
{
	(void)state;
	cfg.reprompt_seconds = 10;
	put("a.json",
	    "{\"numbers\":[],\"variants\":[{\"name\":\"x\"},{\"name\":\"y\",\"limits\":{\"idle_seconds\":14}}]}");
	open_agents();
	assert_true(notes_tell("a.json: y: limits.idle_seconds: is hardly more than reprompt_seconds"));
	assert_false(notes_tell("a.json: x"));
	put("a.json", "{\"numbers\":[],\"limits\":{\"idle_seconds\":15}}");
	assert_int_equal(agents_reload(agents, &problem), 0);
	assert_false(notes_tell("idle_seconds"));
	cfg.idle_seconds = 14;
	put("a.json", "{\"numbers\":[]}");
	assert_int_equal(agents_reload(agents, &problem), 0);
	assert_false(notes_tell("idle_seconds"));
}

/* What they lack in sound, a channel of text does not need. */
static void instant_answers_that_nobody_can_hear_are_noted(void **state)
{
#define ASKS "{\"numbers\":[],\"instant_answers\":[{\"when\":[\"hours\"],\"say\":\"Nine to five.\"}]"
	(void)state;
	cfg.voice_cache = true;
	put("a.json", ASKS "}");
	open_agents();
	assert_false(notes_tell("instant_answers"));
	put("a.json", ASKS ",\"transcription\":{\"model\":\"off\"}}");
	assert_int_equal(agents_reload(agents, &problem), 0);
	assert_true(notes_tell("a.json: instant_answers: have no effect without transcription.model"));
	cfg.voice_cache = false;
	put("a.json", ASKS "}");
	assert_int_equal(agents_reload(agents, &problem), 0);
	assert_true(notes_tell("a.json: instant_answers: have no effect with VOICE_CACHE=off"));
	put("a.json", ASKS ",\"channel\":\"relay\"}");
	assert_int_equal(agents_reload(agents, &problem), 0);
	assert_false(notes_tell("instant_answers"));
}

static void who_places_calls_without_the_setting_is_told_what_holds(void **state)
{
	(void)state;
	cfg.twilio_account_sid = "AC1";
	open_agents();
	assert_true(notes_tell("OUTBOUND_ALLOW is not set: where every number was dialled, now only those of the "
			       "agents' own countries are: none\n"));
	put("a.json", "{\"numbers\":[\"+493012345678\"]}");
	assert_int_equal(agents_reload(agents, &problem), 0);
	assert_true(notes_tell("countries are: +49\n"));
	cfg.outbound_allow[0] = "-+49900";
	cfg.outbound_allow_count = 1;
	assert_int_equal(agents_reload(agents, &problem), 0);
	assert_false(notes_tell("OUTBOUND_ALLOW"));
	assert_true(may_dial("+493012345678"));
	assert_false(may_dial("+49900123456"));
}

static void the_setting_says_it_instead(void **state)
{
	(void)state;
	put("a.json", "{\"numbers\":[\"+12025550100\"]}");
	cfg.outbound_allow[0] = "+49";
	cfg.outbound_allow_count = 1;
	open_agents();
	assert_true(may_dial("+493012345678"));
	assert_false(may_dial("+12025550123"));
}

static void numbers_that_will_not_be_dialled_are_told(void **state)
{
	struct buf text;
	const char *line;

	(void)state;
	put("a.json", "{\"numbers\":[\"+12025550100\"],\"fallback\":{\"number\":\"+493012345678\"},\"transfers\":["
		      "{\"name\":\"near\",\"number\":\"+12025550123\",\"description\":\"d\"},"
		      "{\"name\":\"pbx\",\"number\":\"sip:a@b.example\",\"description\":\"d\"},"
		      "{\"name\":\"far\",\"number\":\"+18765550123\",\"description\":\"d\"}],"
		      "\"variants\":[{\"name\":\"x\"},{\"name\":\"y\"}]}");
	put("b.json", "{\"numbers\":[]}");
	cfg.overflow_number = "+442071838750";
	open_agents();
	buf_init(&text, 0);
	agents_undialled(agents, &text);
	line = strstr(buf_text(&text), "/a.json: fallback.number: +493…78 is not dialled: without OUTBOUND_ALLOW ");
	assert_non_null(line);
	assert_null(strstr(strchr(line, '\n'), "fallback.number"));
	assert_non_null(strstr(buf_text(&text), "/a.json: transfers[2].number: "));
	assert_null(strstr(buf_text(&text), "transfers[0]"));
	assert_null(strstr(buf_text(&text), "transfers[1]"));
	assert_non_null(strstr(buf_text(&text), "OVERFLOW_NUMBER: +442…50 is not dialled"));
	assert_null(strstr(buf_text(&text), "+493012345678"));
	buf_free(&text);
}

/* At each endpoint it may be another. */
static void models_that_end_are_told_of_every_endpoint_an_agent_takes(void **state)
{
	const char *const pairs[] = { "AGENTS_DIR", folder, "OPENAI_MODEL_2", "gpt-realtime", "OPENAI_MODEL_3",
		"gpt-realtime-mini", NULL };
	struct buf ended, ahead;
	struct model_ends to = { .ended = &ended, .ahead = &ahead };

	(void)state;
	config_free(&cfg);
	pairs_load(&cfg, pairs);
	put("one.json", "{\"numbers\":[],\"endpoints\":[{\"number\":1},{\"number\":3}]}");
	put("two.json", "{\"endpoints\":[{\"number\":3,\"model\":\"gpt-realtime-2025-08-28\"}]}");
	open_agents();
	buf_init(&ended, 0);
	buf_init(&ahead, 0);
	agents_model_ends(agents, &to); /* as things stood in 1970 */
	assert_string_equal(buf_text(&ended), "");
	assert_non_null(strstr(buf_text(&ahead), "OPENAI_MODEL_3: gpt-realtime-mini is to be shut down"));
	assert_non_null(strstr(buf_text(&ahead), "two.json: model: gpt-realtime-2025-08-28 is to be"));
	assert_null(strstr(buf_text(&ahead), "OPENAI_MODEL_2")); /* nobody takes it */
	buf_free(&ended);
	buf_free(&ahead);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

const struct CMUnitTest unit_tests[] = {
	CASE(number_leads_to_its_agent_and_the_rest_to_the_one_without),
	CASE(where_none_is_named_the_only_one_is_meant),
	CASE(names_and_numbers_are_told_where_one_is_to_be_chosen),
	CASE(built_in_agent_is_there_without_any_file),
	CASE(all_are_listed_each_variant_for_itself),
	CASE(built_in_one_is_not_listed_where_it_alone_would_need_the_realtime_model),
	CASE(variants_are_drawn_by_weight),
	CASE(number_of_two_agents_is_a_mistake_of_the_second),
	CASE(mistakes_of_all_files_are_told),
	CASE(file_too_large_or_unreadable_is_said_so),
	CASE(settings_are_templates_too),
	CASE(memory_that_is_wanting_anywhere_is_an_error),
	CASE(reload_is_for_new_calls),
	CASE(bad_file_keeps_the_old_and_says_so_until_it_is_mended),
	CASE(calls_may_come_in_while_agents_are_reloaded),
	CASE(their_own_numbers_say_whom_they_may_dial),
	CASE(a_relay_without_a_price_is_told_wherever_it_is_named),
	CASE(a_language_that_gather_is_not_told_of_is_noted),
	CASE(instant_answers_that_nobody_can_hear_are_noted),
	CASE(what_ends_a_call_before_its_goodbye_is_noted),
	CASE(who_places_calls_without_the_setting_is_told_what_holds),
	CASE(the_setting_says_it_instead),
	CASE(numbers_that_will_not_be_dialled_are_told),
	CASE(models_that_end_are_told_of_every_endpoint_an_agent_takes),
	{ 0 },
};
