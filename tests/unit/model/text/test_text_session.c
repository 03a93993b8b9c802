/* A session with a text API over a carrier that tells what this test says: the commands of a call, the
 * requests they make, and the events that come of the answers. */
#include "server/model/text/text_session.c"

#include "common/json.h"
#include "server/model/text/text_access.h"
#include "server/model/trial.h"
#include "server/stats/stats.h"
#include "tests/unit.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

/* ------------------------------------------------------------------------- the carrier */

enum { STREAMS = 8 };

struct text_stream {
	char url[200], headers[1000], body[4000];
	char pieces[8][600];
	size_t count, read;
	bool over, left, drained;
	enum text_over how;
	int status, delay_ms;
	int64_t retry_after_ms;
};

static struct text_stream streams[STREAMS];
static size_t started;
static bool refuse;
static struct bell *of_owner;
static const char *at_once; /* what a stream tells from its start, for a trial */
static int status_at_once;
static enum text_over how_at_once;

static struct text_stream *start(struct text_carrier *carrier, const struct text_call *call, struct bell *bell)
{
	struct text_stream *s = &streams[started];

	(void)carrier;
	if (refuse)
		return NULL;
	assert_true(started < STREAMS);
	started++;
	memset(s, 0, sizeof *s);
	s->status = 200;
	s->delay_ms = call->delay_ms;
	s->retry_after_ms = -1;
	of_owner = bell;
	snprintf(s->url, sizeof s->url, "%s", call->url);
	for (size_t i = 0; i < call->header_count; i++)
		snprintf(
		    s->headers + strlen(s->headers), sizeof s->headers - strlen(s->headers), "%s\n", call->headers[i]);
	snprintf(s->body, sizeof s->body, "%s", buf_text(call->body));
	assert_true(call->connect_ms > 0 && call->first_ms > 0 && call->silent_ms > 0);
	if (at_once) {
		snprintf(s->pieces[s->count++], sizeof s->pieces[0], "%s", at_once);
		s->status = status_at_once;
		s->how = how_at_once;
		s->over = true;
	}
	return s;
}

static int next_piece(struct text_stream *s, const char **bytes, size_t *len)
{
	assert_false(s->left);
	if (s->read == s->count)
		return s->over ? -1 : 0;
	*bytes = s->pieces[s->read];
	*len = strlen(*bytes);
	return 1;
}

static void taken(struct text_stream *s)
{
	s->read++;
}

static int status(const struct text_stream *s)
{
	return s->status;
}

static enum text_over over(const struct text_stream *s, const char **words)
{
	*words = s->how == TEXT_OVER_WHOLE ? "" : "the words of the carrier";
	return s->how;
}

static int64_t retry_after_ms(const struct text_stream *s)
{
	return s->retry_after_ms;
}

static void leave_it(struct text_stream *s, bool drain)
{
	assert_false(s->left);
	s->left = true;
	s->drained = drain;
}

static struct text_carrier carrier = { start, next_piece, taken, status, over, retry_after_ms, leave_it };

static void tell(size_t n, const char *piece)
{
	snprintf(streams[n].pieces[streams[n].count++], sizeof streams[n].pieces[0], "%s", piece);
}

/* -------------------------------------------------------------------------- the session */

static struct config cfg;
static struct model_access access_to;
static const struct agent agent = { .openai_model = "m",
	.instructions = "I",
	.reasoning_effort = "",
	.model_protocol = MODEL_KIND_TEXT,
	.channel = CHANNEL_RELAY };
static struct model_session *session;
static struct bell bell;
static struct buf command;
static char told[2000];

static int set_up(void **state)
{
	(void)state;
	cfg = (struct config){ .openai_url = "wss://api.openai.com/v1/realtime",
		.openai_api_key = "sk-1",
		.openai_organization = "org",
		.openai_project = "",
		.openai_safety_identifier = "",
		.text_api_url = "",
		.text_api_key = "",
		.https_ca_file = "",
		.model_connect_ms = 60000 };
	memset(&access_to, 0, sizeof access_to);
	access_to.cfg = &cfg;
	text_access(&access_to, &carrier);
	started = 0;
	refuse = false;
	at_once = NULL;
	how_at_once = TEXT_OVER_WHOLE;
	assert_int_equal(bell_open(&bell), 0);
	buf_init(&command, 0);
	assert_int_equal(model_session_open(&session, &access_to,
			     &(struct model_wish){ .agent = &agent, .instructions = "I", .text = true }, &bell, 0),
	    0);
	assert_int_equal(model_session_step(session, 0), 1);
	bell_clear(&bell);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	model_session_close(session);
	for (size_t i = 0; i < started; i++)
		assert_true(streams[i].left);
	bell_close(&bell);
	buf_free(&command);
	return 0;
}

static void send_it(void)
{
	assert_int_equal(model_session_send(session, buf_text(&command), command.len), 0);
	buf_reset(&command);
}

static bool bell_rang(void)
{
	struct pollfd p = { .fd = bell.fd, .events = POLLIN };
	bool rang = poll(&p, 1, 0);

	bell_clear(&bell);
	return rang;
}

/* The next thing that is told; to be released. */
static void read_one(struct model_event *e)
{
	bool flush = false;

	assert_int_equal(model_session_read(session, e, &flush), 1);
}

/* What is told by now, a line each; signs of life are left out. */
static const char *hear(void)
{
	struct model_event e;
	bool flush = false;
	int is;

	told[0] = '\0';
	while ((is = model_session_read(session, &e, &flush)) == 1) {
		size_t at = strlen(told);

		if (e.type == MODEL_RESPONSE_CREATED)
			snprintf(told + at, sizeof told - at, "begun %s%s\n", e.response_id, e.aside ? " aside" : "");
		if (e.type == MODEL_TEXT_DELTA)
			snprintf(told + at, sizeof told - at, "delta %s\n", e.text);
		if (e.type == MODEL_RESPONSE_DONE)
			snprintf(told + at, sizeof told - at, "over %s %s %s\n", e.response_id,
			    model_status_name(e.status), e.code);
		if (e.type == MODEL_ERROR)
			snprintf(told + at, sizeof told - at, "refused %s %d\n", e.refused_id, e.reason);
		for (size_t i = 0; i < e.call_count; i++)
			snprintf(told + strlen(told), sizeof told - strlen(told), "call %s\n", e.calls[i].call_id);
		model_session_release(session, &e);
	}
	assert_int_equal(is, 0);
	return told;
}

#define ADDED "data: {\"type\":\"response.output_item.added\",\"item\":{\"type\":\"message\",\"id\":\"msg_1\"}}\n\n"
#define DELTA(text) "data: {\"type\":\"response.output_text.delta\",\"item_id\":\"msg_1\",\"delta\":\"" text "\"}\n\n"
#define COMPLETED "data: {\"type\":\"response.completed\",\"response\":{\"usage\":{\"input_tokens\":5}}}\n\n"

static void ask(const char *id)
{
	text_protocol.ask(&command, id);
	send_it();
}

/* --------------------------------------------------------------------------- the tests */

static void a_session_is_ready_and_has_asked_for_nothing(void **state)
{
	struct pollfd p;

	(void)state;
	assert_string_equal(hear(), "");
	assert_int_equal(started, 0);
	assert_int_equal(model_session_connect_ms(session), -1);
	model_session_poll(session, &p);
	assert_int_equal(p.fd, -1);
	assert_true(model_session_ping(session));
}

static void an_answer_is_a_request_with_the_conversation(void **state)
{
	(void)state;
	text_protocol.item(&command, "turn_1", MODEL_ROLE_CALLER, "Hello.", "");
	send_it();
	assert_int_equal(started, 0);
	ask("say_2");
	assert_int_equal(started, 1);
	assert_true(bell_rang());
	assert_string_equal(streams[0].url, "https://api.openai.com/v1/responses");
	assert_string_equal(streams[0].headers,
	    "Content-Type: application/json\nAuthorization: Bearer sk-1\nOpenAI-Organization: org\n");
	assert_string_equal(streams[0].body,
	    "{\"model\":\"m\",\"stream\":true,\"store\":false,\"instructions\":\"I\",\"input\":[{\"role\":\"user\","
	    "\"content\":\"Hello.\"}]}");
	assert_string_equal(hear(), "begun resp_say_2\n");
	tell(0, ADDED DELTA("We "));
	assert_string_equal(hear(), "delta We \n");
	tell(0, DELTA("are.") "data: {\"ty");
	tell(0, "pe\":\"response.completed\",\"response\":{}}\n\n");
	assert_string_equal(hear(), "delta are.\nover resp_say_2 completed \n");
	assert_true(streams[0].left && streams[0].drained);
	ask("say_3");
	assert_non_null(strstr(streams[1].body, "{\"role\":\"assistant\",\"content\":\"We are.\"}]"));
}

static void an_interrupt_aborts_the_transfer_and_the_next_request_knows_what_was_heard(void **state)
{
	(void)state;
	ask("say_1");
	tell(0, ADDED DELTA("One ") DELTA("two "));
	assert_string_equal(hear(), "begun resp_say_1\ndelta One \ndelta two \n");
	tell(0, DELTA("three"));
	bell_rang();
	text_protocol.cancel(&command, "cancel_2", "resp_say_1");
	send_it();
	assert_true(streams[0].left && !streams[0].drained);
	assert_true(bell_rang());
	assert_string_equal(hear(), "over resp_say_1 cancelled client_cancelled\n");
	text_protocol.item(&command, "cut_3", MODEL_ROLE_AGENT, "One", "resp_say_1.msg_1");
	send_it();
	text_protocol.unheard(&command, "cut_4", "resp_say_1.msg_1");
	send_it();
	text_protocol.item(&command, "turn_5", MODEL_ROLE_CALLER, "Wait.", "");
	send_it();
	ask("say_6");
	assert_non_null(strstr(streams[1].body,
	    "[{\"role\":\"assistant\",\"content\":\"One\"},{\"role\":\"user\",\"content\":\"Wait.\"}]"));
}

static void an_answer_is_cancelled_before_its_first_word_and_in_the_middle_of_a_piece(void **state)
{
	struct model_event e;

	(void)state;
	ask("say_1");
	text_protocol.cancel(&command, "cancel_2", "resp_say_1");
	send_it();
	assert_string_equal(hear(), "begun resp_say_1\nover resp_say_1 cancelled client_cancelled\n");
	ask("say_3");
	tell(1, ADDED DELTA("a") DELTA("b"));
	for (int i = 0; i < 3; i++) {
		read_one(&e);
		model_session_release(session, &e);
	}
	assert_int_equal(e.type, MODEL_TEXT_DELTA);
	text_protocol.cancel(&command, "cancel_4", "resp_say_3");
	send_it();
	text_protocol.cancel(&command, "cancel_5", "resp_say_1"); /* long over */
	send_it();
	assert_string_equal(hear(), "over resp_say_3 cancelled client_cancelled\n");
}

static void an_aside_comes_beside_an_answer_and_is_not_kept(void **state)
{
	(void)state;
	ask("say_1");
	text_protocol.aside(&command, "say_2", "I", "One moment.", true);
	send_it();
	assert_int_equal(started, 2);
	assert_non_null(strstr(streams[1].body, "One moment."));
	tell(1, ADDED DELTA("One moment.") COMPLETED);
	tell(0, DELTA("x"));
	assert_string_equal(hear(),
	    "begun resp_say_1\ndelta x\nbegun resp_say_2 aside\ndelta One moment.\nover resp_say_2 completed \n");
	ask("say_3"); /* one answer at a time */
	assert_string_equal(hear(), "refused say_3 2\n");
	tell(0, COMPLETED);
	assert_string_equal(hear(), "over resp_say_1 completed \n");
	ask("say_4");
	assert_null(strstr(streams[2].body, "One moment."));
}

static void functions_and_their_results_are_part_of_the_conversation(void **state)
{
	(void)state;
	ask("say_1");
	tell(0,
	    "data: {\"type\":\"response.output_item.done\",\"item\":{\"type\":\"function_call\",\"status\":\"completed\","
	    "\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"{}\"}}\n\n" COMPLETED);
	assert_string_equal(hear(), "begun resp_say_1\ncall resp_say_1.c\nover resp_say_1 completed \n");
	text_protocol.tool_result(&command, "tool_2", "resp_say_1.c", "7");
	send_it();
	ask("say_3");
	assert_non_null(strstr(
	    streams[1].body, "{\"type\":\"function_call_output\",\"call_id\":\"resp_say_1.c\",\"output\":\"7\"}"));
}

static void what_the_carrier_cannot_do_fails_the_answer_alone(void **state)
{
	(void)state;
	refuse = true;
	ask("say_1");
	assert_string_equal(hear(), "begun resp_say_1\nover resp_say_1 failed not_sent\n");
	refuse = false;
	ask("say_2");
	streams[0].status = 0;
	streams[0].over = true;
	streams[0].how = TEXT_OVER_CONNECT;
	assert_string_equal(hear(), "begun resp_say_2\nover resp_say_2 failed connection\n");
	ask("say_3");
	tell(1, DELTA("x"));
	streams[1].over = true;
	streams[1].how = TEXT_OVER_TIMEOUT;
	assert_string_equal(hear(), "begun resp_say_3\ndelta x\nover resp_say_3 failed timeout\n");
	ask("say_4");
	streams[2].status = 429;
	tell(2, "{\"error\":{\"code\":\"insuffici");
	tell(2, "ent_quota\"}}");
	streams[2].over = true;
	assert_string_equal(hear(), "begun resp_say_4\nover resp_say_4 failed insufficient_quota\n");
}

/* --------------------------------------------------- what brought nothing is sent again */

/* The n-th request ends like this. */
static void ends(size_t n, int http_status, const char *says, int64_t retry_after)
{
	streams[n].status = http_status;
	streams[n].retry_after_ms = retry_after;
	streams[n].how = http_status ? TEXT_OVER_WHOLE : TEXT_OVER_CONNECT;
	streams[n].over = true;
	if (*says)
		tell(n, says);
}

static void expect_pause(size_t n, int from_ms, int to_ms)
{
	assert_int_equal(started, n + 1);
	if (streams[n].delay_ms < from_ms || streams[n].delay_ms > to_ms)
		fail_msg("a pause of %d ms", streams[n].delay_ms);
}

static void a_request_that_brought_nothing_is_sent_again_in_ever_longer_pauses(void **state)
{
	uint64_t before = stat_get(model_resent);

	(void)state;
	cfg.slow_answer_max_ms = 60000;
	ask("say_1");
	assert_int_equal(streams[0].delay_ms, 0);
	ends(0, 0, "", -1);
	assert_string_equal(hear(), "begun resp_say_1\n");
	expect_pause(1, 125, 250);
	ends(1, 503, "{\"error\":{\"code\":\"server_error\"}}", -1);
	assert_string_equal(hear(), "");
	expect_pause(2, 250, 500);
	ends(2, 429, "{\"error\":{\"code\":\"rate_limit_exceeded\"}}", 5000);
	assert_string_equal(hear(), "");
	expect_pause(3, 5000, 5500);
	ends(3, 500, "<html>", -1);
	assert_string_equal(hear(), "");
	expect_pause(4, 1000, 2000);
	assert_string_equal(streams[4].body, streams[0].body);
	tell(4, ADDED DELTA("Yes."));
	ends(4, 200, "", -1);
	streams[4].how = TEXT_OVER_BROKEN;
	/* Something came: it is not for us to say it again. */
	assert_string_equal(hear(), "delta Yes.\nover resp_say_1 failed connection\n");
	assert_int_equal(started, 5);
	assert_int_equal(stat_get(model_resent) - before, 4);
}

static void as_long_as_the_caller_would_wait(void **state)
{
	(void)state;
	cfg.slow_answer_max_ms = 4000;
	ask("say_1");
	ends(0, 429, "", 5000); /* it would not fit */
	assert_string_equal(hear(), "begun resp_say_1\nover resp_say_1 failed http_429\n");
	/* Who asks again at once has not waited any longer. */
	ask("say_2");
	ends(1, 503, "", -1);
	assert_string_equal(hear(), "begun resp_say_2\nover resp_say_2 failed http_503\n");
	((struct text_session *)session)->given_up_us -= GIVEN_UP_US;
	ask("say_3");
	ends(2, 503, "", -1);
	assert_string_equal(hear(), "begun resp_say_3\n");
	assert_int_equal(started, 4);
}

static void what_will_not_pass_is_told_at_once(void **state)
{
	(void)state;
	cfg.slow_answer_max_ms = 60000;
	ask("say_1");
	ends(0, 429, "{\"error\":{\"code\":\"insufficient_quota\"}}", 1);
	assert_string_equal(hear(), "begun resp_say_1\nover resp_say_1 failed insufficient_quota\n");
	ask("say_2");
	ends(1, 401, "", -1);
	assert_string_equal(hear(), "begun resp_say_2\nover resp_say_2 failed http_401\n");
	ask("say_3");
	ends(2, 400, "", -1);
	assert_string_equal(hear(), "begun resp_say_3\nover resp_say_3 failed http_400\n");
	/* Nor is what was to be said beside an answer worth a wait. */
	text_protocol.aside(&command, "say_4", "I", "One moment.", true);
	send_it();
	ends(3, 503, "", -1);
	assert_string_equal(hear(), "begun resp_say_4 aside\nover resp_say_4 failed http_503\n");
	assert_int_equal(started, 4);
}

static void an_interruption_ends_the_pause(void **state)
{
	struct model_event e;

	(void)state;
	cfg.slow_answer_max_ms = 60000;
	ask("say_1");
	ends(0, 503, "", -1);
	assert_string_equal(hear(), "begun resp_say_1\n");
	text_protocol.cancel(&command, "cancel_2", "resp_say_1");
	send_it();
	assert_true(streams[1].left && !streams[1].drained);
	read_one(&e);
	assert_int_equal(e.status, MODEL_CANCELLED);
	assert_int_equal(e.usage.n[USAGE_TEXT_IN], 0); /* nothing is billed for it */
	model_session_release(session, &e);
	ask("say_3");
	assert_int_equal(streams[2].delay_ms, 0);
}

static void open_for(const struct agent *whose, const char *caller, unsigned without)
{
	model_session_close(session);
	assert_int_equal(
	    model_session_open(&session, &access_to,
		&(struct model_wish){
		    .agent = whose, .instructions = "I", .caller = caller, .text = true, .without = without },
		&bell, 0),
	    0);
}

static void the_service_can_tell_the_callers_apart(void **state)
{
	char first[4000];

	(void)state;
	cfg.openai_safety_identifier = "caller";
	open_for(&agent, "+12025550123", 0);
	ask("say_1");
	snprintf(first, sizeof first, "%s", streams[0].body);
	assert_non_null(strstr(first, ",\"safety_identifier\":\"caller-"));
	assert_null(strstr(first, "2025550123"));
	open_for(&agent, "+12025550124", 0);
	ask("say_1");
	assert_string_not_equal(streams[1].body, first);
	open_for(&agent, "anonymous", 0);
	ask("say_1");
	assert_null(strstr(streams[2].body, "safety_identifier"));
	cfg.openai_safety_identifier = "tenant-7";
	cfg.text_api = TEXT_API_CHAT;
	open_for(&agent, "", 0);
	ask("say_1");
	assert_non_null(strstr(streams[3].body, ",\"safety_identifier\":\"tenant-7\"}"));
}

#define REFUSES(param) \
	"{\"error\":{\"message\":\"no\",\"type\":\"invalid_request_error\",\"param\":" param ",\"code\":null}}"
#define EFFORT "\"effort\":\"low\""

/* Only that is left out, and for the rest of the session. */
static void an_extra_that_is_refused_is_left_out(void **state)
{
	struct agent thinks = agent;

	(void)state;
	thinks.reasoning_effort = "low";
	open_for(&thinks, "", 0);
	ask("say_1");
	assert_non_null(strstr(streams[0].body, EFFORT));
	streams[0].status = 400;
	streams[0].over = true;
	tell(0, REFUSES("\"reasoning.effort\""));
	assert_string_equal(hear(), "begun resp_say_1\n");
	assert_int_equal(started, 2);
	assert_null(strstr(streams[1].body, "effort"));
	assert_int_equal(model_session_without(session), MODEL_EXTRA_REASONING);
	tell(1, ADDED DELTA("Yes.") COMPLETED);
	assert_string_equal(hear(), "delta Yes.\nover resp_say_1 completed \n");
	ask("say_2");
	assert_null(strstr(streams[2].body, "effort"));
	streams[2].status = 400; /* nothing is left to leave out */
	streams[2].over = true;
	tell(2, REFUSES("\"reasoning.effort\""));
	assert_string_equal(hear(), "begun resp_say_2\nover resp_say_2 failed invalid_request_error\n");
	/* A trial has found it before; and what else is refused is no reason. */
	open_for(&thinks, "", MODEL_EXTRA_REASONING);
	ask("say_1");
	assert_null(strstr(streams[3].body, "effort"));
	open_for(&thinks, "", 0);
	ask("say_1");
	streams[4].status = 400;
	streams[4].over = true;
	tell(4, REFUSES("\"input\""));
	assert_string_equal(hear(), "begun resp_say_1\nover resp_say_1 failed invalid_request_error\n");
	assert_int_equal(started, 5);
}

static void a_key_that_is_quoted_is_not_repeated(void **state)
{
	struct model_event e;

	(void)state;
	cfg.text_api_key = "sk-of-text";
	ask("say_1");
	assert_non_null(strstr(streams[0].headers, "Bearer sk-of-text\n"));
	streams[0].status = 401;
	tell(0, "{\"error\":{\"code\":\"x\",\"message\":\"wrong key sk-of-text\"}}");
	streams[0].over = true;
	read_one(&e);
	read_one(&e);
	assert_int_equal(e.error, MODEL_FATAL);
	assert_string_equal(e.text, "");
	assert_string_equal(e.code, "http_401");
	model_session_release(session, &e);
}

static void the_address_follows_the_realtime_models(void **state)
{
	static const struct {
		const char *realtime, *own, *url;
		enum text_api api;
	} cases[] = { { "wss://api.openai.com/v1/realtime", "", "https://api.openai.com/v1/responses", 0 },
		{ "wss://localhost:9443/v1/realtime?model=x", "", "https://localhost:9443/v1/responses", 0 },
		{ "wss://localhost:9443/v1/realtime", "", "https://localhost:9443/v1/chat/completions", TEXT_API_CHAT },
		{ "wss://x.openai.azure.com/openai/v1/realtime?deployment=x", "",
		    "https://x.openai.azure.com/openai/v1/responses", 0 },
		{ "wss://api.openai.com/v1/realtime", "https://other/v1/x", "https://other/v1/x", 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf url;

		buf_init(&url, 0);
		cfg.openai_url = cases[i].realtime;
		cfg.text_api_url = cases[i].own;
		cfg.text_api = cases[i].api;
		text_access_put_url(&cfg, &url);
		assert_string_equal(buf_text(&url), cases[i].url);
		buf_free(&url);
	}
	cfg.openai_url = "wss://x.openai.azure.com/openai/v1/realtime";
	cfg.text_api_url = "";
	ask("say_1");
	assert_non_null(strstr(streams[0].headers, "api-key: sk-1\n"));
}

/* ----------------------------------------------------------------------------- the trial */

static int try(const char *answer, int http_status, struct model_trial_result *out)
{
	at_once = answer;
	status_at_once = http_status;
	return model_trial(
	    &access_to, &agent, "[{\"type\":\"function\",\"name\":\"f\",\"parameters\":{}}]", false, NULL, out);
}

static void a_trial_has_an_answer_begun_with_the_tools(void **state)
{
	struct model_trial_result result;

	(void)state;
	assert_int_equal(try("data: {\"type\":\"response.created\",\"response\":{}}\n\n", 200, &result), 0);
	assert_true(result.connect_ms >= 0);
	assert_non_null(strstr(streams[0].body, "\"tools\":[{\"type\":\"function\",\"name\":\"f\""));
	assert_true(streams[0].left && !streams[0].drained);
	assert_true(try("{\"error\":{\"code\":\"invalid_api_key\",\"message\":\"no\"}}", 401, &result) < 0);
	assert_true(result.failure.permanent && result.failure.agents_own);
	assert_non_null(strstr(result.failure.text, "TEXT_API_KEY"));
	assert_true(try("{\"error\":{\"code\":\"unknown_parameter\",\"message\":\"no\"}}", 400, &result) < 0);
	assert_true(result.failure.permanent);
	assert_true(try("<html>", 404, &result) < 0);
	assert_true(result.failure.permanent);
	assert_non_null(strstr(result.failure.text, "TEXT_API_URL"));
	assert_true(try("", 503, &result) < 0);
	assert_false(result.failure.permanent);
}

/* Who cannot be reached has refused nothing. */
static void a_trial_tells_silence_from_a_refusal(void **state)
{
	struct model_trial_result result;

	(void)state;
	how_at_once = TEXT_OVER_CONNECT;
	assert_true(try("", 0, &result) < 0);
	assert_string_equal(result.failure.text,
	    "the text API gave no answer (connection): the words of the carrier; look "
	    "at TEXT_API_URL, or at HTTPS_CA_FILE where a certificate is refused");
	how_at_once = TEXT_OVER_TIMEOUT;
	assert_true(try("", 0, &result) < 0);
	assert_string_equal(result.failure.text, "the text API gave no answer (timeout): the words of the carrier");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

const struct CMUnitTest unit_tests[] = {
	TEST(a_session_is_ready_and_has_asked_for_nothing),
	TEST(an_answer_is_a_request_with_the_conversation),
	TEST(an_interrupt_aborts_the_transfer_and_the_next_request_knows_what_was_heard),
	TEST(an_answer_is_cancelled_before_its_first_word_and_in_the_middle_of_a_piece),
	TEST(an_aside_comes_beside_an_answer_and_is_not_kept),
	TEST(functions_and_their_results_are_part_of_the_conversation),
	TEST(what_the_carrier_cannot_do_fails_the_answer_alone),
	TEST(a_request_that_brought_nothing_is_sent_again_in_ever_longer_pauses),
	TEST(as_long_as_the_caller_would_wait),
	TEST(what_will_not_pass_is_told_at_once),
	TEST(an_interruption_ends_the_pause),
	TEST(the_service_can_tell_the_callers_apart),
	TEST(an_extra_that_is_refused_is_left_out),
	TEST(a_key_that_is_quoted_is_not_repeated),
	TEST(the_address_follows_the_realtime_models),
	TEST(a_trial_has_an_answer_begun_with_the_tools),
	TEST(a_trial_tells_silence_from_a_refusal),
	{ 0 },
};
