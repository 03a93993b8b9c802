/* The module itself: whether its queue is quiet is nobody else's business. */
#include "server/recording/voicemail.c"

#include "common/clock.h"
#include "common/json.h"
#include "server/agents/agents.h"
#include "server/news/journal_json.h"
#include "server/news/journal_store.h"
#include "server/recording/twilio_recording.h"
#include "server/stats/stats.h"
#include "server/store/store.h"
#include "server/store/store_calls.h"
#include "server/store/store_recordings.h"
#include "server/work/jobs.h"
#include "tests/peers/http_peer.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A store, agents, jobs, and one far end that is Twilio and the transcription API in one. Each test has messages of its
 * own. */
static struct config cfg;
static struct store *store;
static struct agents *agents;
static struct jobs *background;
static struct voicemail *voicemail;
static struct http_peer *far;
static char api[64], url[96];

static struct {
	pthread_mutex_t lock;
	int media, words; /* the status of their answers; 0: they hang up */
	const char *said; /* by the transcription API */
	int media_asked, words_asked;
	int told; /* voicemail.left */
	char last_told[2048], agent[40];
} world = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int answer(void *arg, const char *request)
{
	bool words = !strncmp(request, "POST ", 5);
	int status;

	(void)arg;
	pthread_mutex_lock(&world.lock);
	status = words ? world.words : world.media;
	world.words_asked += words;
	world.media_asked += !words;
	if (words)
		http_peer_say_as(far, "application/json", world.said);
	else
		http_peer_say_as(far, "audio/x-wav", "RIFF....WAVE, and what was said");
	pthread_mutex_unlock(&world.lock);
	return status;
}

static void answers_are(int media, int words, const char *said)
{
	pthread_mutex_lock(&world.lock);
	world.media = media;
	world.words = words;
	world.said = said;
	world.media_asked = world.words_asked = world.told = 0;
	*world.last_told = '\0';
	pthread_mutex_unlock(&world.lock);
}

static int counted(const int *count)
{
	int n;

	pthread_mutex_lock(&world.lock);
	n = *count;
	pthread_mutex_unlock(&world.lock);
	return n;
}

static int told_so_far(void)
{
	return counted(&world.told);
}

static void listen_to_messages(void *arg, const struct journal_entry *e)
{
	struct json_out j;
	struct buf json;

	(void)arg;
	if (strcmp(e->type, "voicemail.left") != 0)
		return;
	buf_init(&json, 0);
	j = json_out_to(&json);
	journal_put_entry(&j, NULL, e);
	pthread_mutex_lock(&world.lock);
	world.told++;
	snprintf(world.last_told, sizeof world.last_told, "%s", buf_text(&json));
	snprintf(world.agent, sizeof world.agent, "%s", e->agent ? e->agent->name : "");
	pthread_mutex_unlock(&world.lock);
	buf_free(&json);
}

static void assert_told(const char *text)
{
	until_true(told_so_far() == 1);
	pthread_mutex_lock(&world.lock);
	if (!strstr(world.last_told, text))
		fail_msg("not %s in %s", text, world.last_told);
	pthread_mutex_unlock(&world.lock);
}

/* Nothing more will come of what was reported: also what is not told. */
static bool quiet(void)
{
	bool none;

	if (!due_quiet(&voicemail->due))
		return false;
	pthread_mutex_lock(&voicemail->lock);
	none = !voicemail->list.count;
	pthread_mutex_unlock(&voicemail->lock);
	return none;
}

static void begin_work(void)
{
	assert_int_equal(jobs_open(&background, "background", cfg.job_threads, 64), 0);
	assert_int_equal(voicemail_open(&voicemail, &cfg, store, agents, background, NULL), 0);
}

static void end_work(void)
{
	jobs_close(background);
	voicemail_close(voicemail);
}

static int open_all(void **state)
{
	static const char agent[] = "{\"numbers\":[\"+12025550101\"],\"instructions\":\"x\"}";
	const char *const pairs[] = { "AGENTS_DIR", folder, "OPENAI_API_KEY", "a-key", "TWILIO_ACCOUNT_SID",
		"ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "TWILIO_AUTH_TOKEN", "0123456789abcdef0123456789abcdef", NULL };
	struct buf problem;
	static char data[96];

	buf_init(&problem, 0);
	folder_begin(state);
	folder_put("desk.json", agent, sizeof agent - 1);
	pairs_load(&cfg, pairs);
	snprintf(data, sizeof data, "%s/data", folder);
	if (http_begin(state) || store_open(&store, data, 0, &problem) || agents_open(&agents, &cfg, &problem))
		fail_msg("%s", buf_text(&problem));
	buf_free(&problem);
	far = http_peer_start(answer, NULL);
	snprintf(api, sizeof api, "http://127.0.0.1:%d", http_peer_port(far));
	snprintf(url, sizeof url, "%s/v1/audio/transcriptions", api);
	cfg.twilio_api_url = api;
	cfg.voicemail_api_url = url;
	cfg.data_dir = data;
	journal_store_open(store);
	journal_add_sink(listen_to_messages, NULL);
	begin_work();
	return 0;
}

static int close_all(void **state)
{
	end_work();
	store_close(store);
	agents_close(agents);
	http_peer_stop(far);
	http_end(state);
	cfg.twilio_api_url = cfg.voicemail_api_url = cfg.data_dir = "";
	config_free(&cfg);
	return folder_end(NULL);
}

/* Twilio's report; the message and its call have the same number. */
static void report(const char *number, const char *status, long seconds, const char *agent)
{
	char call_sid[40], sid[40], place[160];

	snprintf(call_sid, sizeof call_sid, "CA%s", number);
	snprintf(sid, sizeof sid, "RE%s", number);
	snprintf(place, sizeof place, "%s/2010-04-01/Accounts/AC1/Recordings/%s", api, sid);
	voicemail_news(voicemail,
	    &(struct twilio_recording){
		.call_sid = call_sid, .sid = sid, .status = status, .url = place, .seconds = seconds },
	    &(struct voicemail_party){ agent, "", "+12025550123", "+12025550101" });
}

/* As the API shows it, once it is done; caller deletes. */
static cJSON *shown(const char *call_sid)
{
	cJSON *json;

	assert_int_equal(store_flush(store, 5000), 0);
	store_message_put_of_call(store, call_sid, tree_begin(), "m");
	json = tree_end();
	return json;
}

static void assert_shown(
    const char *call_sid, const char *state, bool kept, const char *transcript, const char *problem)
{
	cJSON *all = shown(call_sid);
	const cJSON *m = json_get(all, "m");

	assert_string_equal(json_str(m, "state"), state);
	assert_int_equal(json_bool(m, "kept", !kept), kept);
	if (transcript)
		assert_string_equal(json_str(m, "transcript"), transcript);
	else
		assert_true(cJSON_IsNull(json_get(m, "transcript")));
	if (problem && (!json_str(m, "problem") || !strstr(json_str(m, "problem"), problem)))
		fail_msg("not %s in %s", problem, json_str(m, "problem"));
	if (!problem)
		assert_true(cJSON_IsNull(json_get(m, "problem")));
	cJSON_Delete(all);
}

static void a_message_is_fetched_written_down_and_told_once(void **state)
{
	(void)state;
	answers_are(200, 200, "{\"text\":\"Please call me.\"}");
	report("1", "in-progress", 0, "desk");
	report("1", "completed", 4, "desk");
	report("1", "completed", 4, "desk");
	assert_told("\"transcript\":\"Please call me.\"");
	assert_told("\"from\":\"+12025550123\"");
	assert_told("\"problem\":null");
	assert_string_equal(world.agent, "desk");
	report("1", "completed", 4, "desk");
	report("1", "in-progress", 0, "desk");
	until_true(quiet());
	assert_int_equal(told_so_far(), 1);
	assert_shown("CA1", "done", true, "Please call me.", NULL);
}

static char *call_shown(const char *call_sid)
{
	struct call_summary call;
	struct call_talk talk;
	char *kept;

	assert_int_equal(store_flush(store, 5000), 0);
	assert_int_equal(store_call(store, call_sid, &call, &talk), 0);
	kept = strdup(call.kept);
	call_summary_free(&call);
	call_talk_free(&talk);
	return kept;
}

/* The caller had no line; or had one, and then the call stays what it is. */
static void its_call_is_among_the_calls(void **state)
{
	struct call_summary call = {
		.call_sid = "CA82", .stage = CALL_IS_RESERVED, .direction = "inbound", .reserved_ms = 7
	};
	char *kept;

	(void)state;
	answers_are(200, 200, "{\"text\":\"Please call me.\"}");
	assert_true(store_call_put(store, "CA82", &call, "desk", NULL, "{\"call_sid\":\"CA82\"}"));
	report("81", "completed", 4, "desk");
	report("81", "completed", 4, "desk");
	report("82", "completed", 4, "desk");
	until_true(told_so_far() == 2 && quiet());
	kept = call_shown("CA81");
	if (!strstr(kept,
		"\"state\":\"ended\",\"direction\":\"inbound\",\"from\":\"+12025550123\",\"to\":\"+12025550101\","
		"\"agent\":\"desk\",\"variant\":null") ||
	    !strstr(kept, "\"ending\":{\"reason\":\"message_left\""))
		fail_msg("%s", kept);
	free(kept);
	kept = call_shown("CA82");
	assert_string_equal(kept, "{\"call_sid\":\"CA82\"}");
	free(kept);
	/* It had one, of which the store is told late. */
	strcpy(call.call_sid, "CA81");
	call.stage = CALL_IS_OVER;
	assert_true(store_call_put(store, "CA81", &call, "desk", NULL, "{\"call_sid\":\"CA81\"}"));
	kept = call_shown("CA81");
	assert_string_equal(kept, "{\"call_sid\":\"CA81\"}");
	free(kept);
}

/* Without a key of ours. Its words are waited for, and come once, before the news of the sound or behind it. */
static void twilios_own_words_are_waited_for(void **state)
{
	static const struct voicemail_party party = { "desk", "", "+12025550123", "+12025550101" };
	const char *key = cfg.openai_api_key;
	uint64_t retries = stat_get(voicemail_retries);

	(void)state;
	cfg.openai_api_key = "";
	answers_are(200, 500, "{}");
	report("71", "completed", 4, "desk");
	until_true(stat_get(voicemail_retries) > retries);
	assert_int_equal(told_so_far(), 0);
	for (int i = 0; i < 2; i++)
		voicemail_written(voicemail, &(struct twilio_recording){ .call_sid = "CA71", .sid = "RE71", .url = "" },
		    &party, i ? "Another." : "Call me.");
	assert_told("\"transcript\":\"Call me.\"");
	until_true(quiet());
	assert_int_equal(told_so_far(), 1);
	assert_shown("CA71", "done", true, "Call me.", NULL);
	cfg.openai_api_key = key;
}

static void what_may_pass_is_tried_again(void **state)
{
	uint64_t retries = stat_get(voicemail_retries);

	(void)state;
	answers_are(404, 503, "{}");
	report("2", "completed", 4, "desk");
	until_true(stat_get(voicemail_retries) > retries);
	assert_int_equal(told_so_far(), 0);
	pthread_mutex_lock(&world.lock);
	world.media = 200;
	pthread_mutex_unlock(&world.lock);
	until_true(counted(&world.words_asked) == 1);
	pthread_mutex_lock(&world.lock);
	world.words = 200;
	world.said = "{\"text\":\"Late.\"}";
	pthread_mutex_unlock(&world.lock);
	assert_told("\"transcript\":\"Late.\"");
	assert_shown("CA2", "done", true, "Late.", NULL);
}

static void what_does_not_pass_is_told_as_it_is(void **state)
{
	int patience = cfg.voicemail_give_up_seconds;

	(void)state;
	answers_are(200, 400, "{\"error\":{\"code\":\"invalid_file\"}}");
	report("3", "completed", 4, "desk");
	assert_told("\"transcript\":null");
	assert_told("invalid_file");
	until_true(quiet());
	assert_shown("CA3", "done", true, NULL, "not written down: the transcription API answered 400");
	assert_int_equal(counted(&world.words_asked), 1);

	cfg.voicemail_give_up_seconds = 1;
	answers_are(500, 200, "{}");
	report("4", "completed", 4, "desk");
	assert_told("not fetched");
	until_true(quiet());
	assert_shown("CA4", "done", false, NULL, "not fetched");
	assert_int_equal(counted(&world.words_asked), 0);
	cfg.voicemail_give_up_seconds = patience;
}

static void without_a_model_it_stays_sound(void **state)
{
	const char *model = cfg.voicemail_model;

	(void)state;
	cfg.voicemail_model = "";
	answers_are(200, 200, "{\"text\":\"x\"}");
	report("5", "completed", 4, "desk");
	assert_told("\"problem\":null");
	until_true(quiet());
	assert_shown("CA5", "done", true, NULL, NULL);
	assert_int_equal(counted(&world.words_asked), 0);
	cfg.voicemail_model = model;
}

static void nothing_left_is_counted_and_forgotten(void **state)
{
	uint64_t empty = stat_get(voicemail_empty);
	cJSON *all;

	(void)state;
	answers_are(200, 200, "{\"text\":\"x\"}");
	report("6", "absent", 0, "desk");
	report("6", "failed", 0, "desk");
	report("6", "completed", 0, "desk");
	assert_int_equal(stat_get(voicemail_empty), empty + 3);
	all = shown("CA6");
	assert_true(cJSON_IsNull(json_get(all, "m")));
	cJSON_Delete(all);
	assert_int_equal(counted(&world.media_asked), 0);
}

static void a_message_for_an_agent_that_is_gone_is_kept(void **state)
{
	uint64_t unclaimed = stat_get(voicemail_unclaimed);

	(void)state;
	answers_are(200, 200, "{\"text\":\"Hello?\"}");
	report("7", "completed", 4, "nobody");
	assert_told("Hello?");
	assert_string_equal(world.agent, "");
	assert_int_equal(stat_get(voicemail_unclaimed), unclaimed + 1);
}

static void the_next_start_goes_on_where_the_last_one_was(void **state)
{
	uint64_t retries = stat_get(voicemail_retries);

	(void)state;
	answers_are(200, 503, "{}");
	report("8", "completed", 4, "desk");
	until_true(stat_get(voicemail_retries) > retries);
	end_work();
	assert_shown("CA8", "transcribing", true, NULL, NULL);
	answers_are(500, 200, "{\"text\":\"After all.\"}");
	begin_work();
	assert_told("After all.");
	assert_int_equal(counted(&world.media_asked), 0);
	until_true(quiet());
	assert_shown("CA8", "done", true, "After all.", NULL);
}

static void without_a_store_it_is_counted(void **state)
{
	uint64_t unkept = stat_get(voicemail_unkept);

	(void)state;
	voicemail_news(NULL,
	    &(struct twilio_recording){
		.call_sid = "CA9", .sid = "RE9", .status = "completed", .url = "", .seconds = 4 },
	    &(struct voicemail_party){ "desk", "", "", "" });
	assert_int_equal(stat_get(voicemail_unkept), unkept + 1);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(a_message_is_fetched_written_down_and_told_once),
	cmocka_unit_test(its_call_is_among_the_calls),
	cmocka_unit_test(twilios_own_words_are_waited_for),
	cmocka_unit_test(what_may_pass_is_tried_again),
	cmocka_unit_test(what_does_not_pass_is_told_as_it_is),
	cmocka_unit_test(without_a_model_it_stays_sound),
	cmocka_unit_test(nothing_left_is_counted_and_forgotten),
	cmocka_unit_test(a_message_for_an_agent_that_is_gone_is_kept),
	cmocka_unit_test(the_next_start_goes_on_where_the_last_one_was),
	cmocka_unit_test(without_a_store_it_is_counted),
	GROUP(open_all, close_all),
};
