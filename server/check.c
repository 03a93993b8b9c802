#include "server/check.h"

#include "common/clock.h"
#include "common/json.h"
#include "server/agents/agents.h"
#include "server/config/api_token.h"
#include "server/config/config_names.h"
#include "server/config/config_print.h"
#include "server/config/config_warnings.h"
#include "server/local_client.h"
#include "server/knowledge/knowledge_tool.h"
#include "server/model/endpoints.h"
#include "server/model/text/text_access.h"
#include "server/model/text/text_session.h"
#include "server/model/trial.h"
#include "server/money/prices.h"
#include "server/outcome/outcomes.h"
#include "server/process.h"
#include "server/readable.h"
#include "server/store/store.h"
#include "server/web/sockets.h"
#include "server/work/text_stream.h"
#include "server/work/tool_list.h"
#include "server/work/twilio_rest.h"
#include "server/work/work.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NUMBERS_ASKED = 30 };

static void print_lines(FILE *to, const char *text)
{
	struct buf lines;

	buf_init(&lines, 0);
	readable_lines(&lines, text);
	fwrite(buf_text(&lines), 1, lines.len, to);
	fflush(to);
	buf_free(&lines);
}

void print_text(FILE *to, const struct buf *text)
{
	print_lines(to, buf_text(text));
}

/* What is said may quote a service, a file or the environment. */
static void __attribute__((format(printf, 2, 3))) say(FILE *to, const char *format, ...)
{
	char text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	print_lines(to, text);
}

/* Once for each of the two at an endpoint; the text API has one address. */
static void say_where(const struct model_access *access, bool text, bool said[2])
{
	struct buf url;

	if (said[text])
		return;
	said[text] = true;
	buf_init(&url, 0);
	text_access_put_url(access->cfg, &url);
	if (text)
		say(stdout, "asking %s …\n", buf_text(&url));
	else
		say(stdout, "connecting to %s:%d …\n", access->host, access->port);
	buf_free(&url);
}

/* One session, as a call of this agent would have it there. `where`: the endpoint, if there are several.
 * 0, or negative; *lacks is set if it is not all that was asked for. */
static int try_agent(const struct model_access *access, const struct work *offered, const struct agent *a,
    const char *where, bool *lacks)
{
	struct model_trial_result result;
	char who[200];
	struct buf tools;
	int err;

	snprintf(who, sizeof who, "agent %s%s%s%s", a->name, *a->variant ? "/" : "", a->variant, where);
	buf_init(&tools, 0);
	tool_list_put(&tools, offered, a);
	err = model_trial(access, a, buf_text(&tools), false, NULL, &result);
	buf_free(&tools);
	if (err)
		say(stderr, "%s: the model cannot be had: %s\n%s\n", who, result.failure.text,
		    result.failure.permanent ? "This will not pass by itself." : "This may pass; try again.");
	else if (a->model_protocol == MODEL_KIND_TEXT)
		say(stdout, "%s: the text model %s began an answer, in %lld ms\n", who, a->openai_model,
		    (long long)result.connect_ms);
	else
		say(stdout, "%s: the session was configured %s%s, in %lld ms\n", who,
		    *result.lack ? "otherwise than asked: " : "as asked", result.lack, (long long)result.connect_ms);
	*lacks |= !err && *result.lack;
	return err;
}

/* Opens a session at each endpoint as each agent would, and closes it again. Only the model itself knows
 * whether it takes an agent's voice, tools and settings with this key. One failure does
 * not stop the others. `sound`: nothing else speaks against calls. */
static int check_model(const struct model_endpoints *endpoints, struct agents *agents, bool sound)
{
	const struct config *cfg = endpoints->list[0].cfg;
	/* Ours are only declared here, as the parts of a server with these settings would offer them. */
	struct work offered = { .cfg = cfg };
	static const struct agent *all[AGENTS_LISTED_MAX];
	size_t n = agents_list(agents, all, AGENTS_LISTED_MAX);
	bool lacks = false, said[2] = { false, false };
	char where[32] = "";
	int err = 0;

	tool_set_builtin(&offered, TOOL_SEARCH_KNOWLEDGE, search_tool, NULL);
	if (*cfg->data_dir)
		tool_set_builtin(&offered, TOOL_SAVE_RECORD, outcomes_save, NULL);
	for (size_t e = 0; e < endpoints->count; e++) {
		const struct model_access *access = &endpoints->list[e];

		said[false] = false;
		if (endpoints->count > 1)
			snprintf(where, sizeof where, " at endpoint %d", access->number);
		for (size_t i = 0; i < n; i++) {
			bool text = all[i]->model_protocol == MODEL_KIND_TEXT;
			int one;

			if (text ? e > 0 : !agent_takes_endpoint(all[i], access->number))
				continue;
			say_where(access, text, said);
			one = try_agent(access, &offered, all[i], where, &lacks);
			err = one ? one : err;
		}
	}
	for (size_t i = 0; i < n; i++)
		agent_release(all[i]);
	if (!err && sound)
		say(stdout, "calls will work%s\n", lacks ? ", but for what is named above" : "");
	return err;
}

/* What Twilio says of the question; 0, or negative with a line of why. */
static int twilio_said(const struct twilio_answer *answer, const char *question)
{
	if (answer->outcome == TWILIO_OK)
		return 0;
	say(stderr, "Twilio: %s: %s%s\n", question, answer->message,
	    answer->status == 401 ? "; look at TWILIO_ACCOUNT_SID and its token or key" : "");
	return -EPROTO;
}

/* Numbers may reach us otherwise (a SIP trunk, another account's hosting), so what is odd about one is
 * told and no mistake. */
static int check_number(const struct twilio *t, const struct config *cfg, const struct agent *agent, const char *number)
{
	char place[128];
	struct twilio_answer answer;
	const cJSON *mine;
	const char *url;
	int err;

	snprintf(place, sizeof place, "the number %s of the agent %.60s", number, agent->name);
	twilio_find_number(t, number, &answer);
	err = twilio_said(&answer, place);
	mine = cJSON_GetArrayItem(json_get(answer.json, "incoming_phone_numbers"), 0);
	url = json_str(mine, "voice_url");
	if (!err && !mine)
		say(stdout, "Twilio: %s is none of this account\n", place);
	else if (!err && *cfg->public_url && (!url || strncmp(url, cfg->public_url, strlen(cfg->public_url)) != 0))
		say(stdout, "Twilio: %s leads to %s, not to PUBLIC_URL\n", place, url && *url ? url : "no webhook");
	twilio_answer_free(&answer);
	return err;
}

/* The account, and the numbers that agents name: some tens, so that a check stays short. Only the
 * token may ask for the account; an API key proves itself with the numbers. */
static int check_twilio(const struct config *cfg, struct agents *agents)
{
	static const struct agent *all[AGENTS_LISTED_MAX];
	const char *missing = twilio_missing(cfg), *status;
	struct twilio_answer answer;
	size_t n, asked = 0;
	struct twilio t;
	int err;

	if (missing) {
		say(stdout, "Twilio's account was not looked at: %s\n", missing);
		return 0;
	}
	err = fetch_setup();
	twilio_from_config(&t, cfg, NULL);
	if (!err && !*cfg->twilio_api_key_sid) {
		twilio_fetch_account(&t, &answer);
		err = twilio_said(&answer, "the account");
		status = json_str(answer.json, "status");
		if (!err && (!status || strcmp(status, "active") != 0)) {
			say(stderr, "Twilio: the account is %s: no calls are carried\n", status ? status : "unknown");
			err = -EPERM;
		}
		twilio_answer_free(&answer);
	}
	n = agents_list(agents, all, AGENTS_LISTED_MAX);
	for (size_t i = 0; i < n; i++) {
		bool variant = i && !strcmp(all[i]->name, all[i - 1]->name); /* of the same numbers */

		for (size_t j = 0; !err && !variant && j < all[i]->number_count && asked < NUMBERS_ASKED; j++, asked++)
			err = check_number(&t, cfg, all[i], all[i]->numbers[j]);
	}
	for (size_t i = 0; i < n; i++)
		agent_release(all[i]);
	if (!err)
		say(stdout, "Twilio: the account was asked; numbers=%zu\n", asked);
	fetch_teardown();
	return err;
}

/* Both, whatever the first says. */
static int check_outside(struct model_endpoints *endpoints, struct agents *agents)
{
	struct text_carrier *text = NULL;
	int err = check_twilio(endpoints->list[0].cfg, agents), model = fetch_setup();

	if (!model)
		model = text_streams_open(&text, 1);
	if (!model) {
		text_access(&endpoints->list[0], text);
		model = check_model(endpoints, agents, !err);
	}
	text_streams_close(text);
	fetch_teardown();
	return err ? err : model;
}

/* True if a server could listen here, or answers here already. */
static bool port_is_sound(const struct config *cfg, struct buf *mistakes)
{
	int err = socket_listen_error(cfg->listen, cfg->port);

	if (err == -EADDRINUSE && !local_health(cfg->listen, cfg->port)) {
		say(stdout, "a server is running at %s:%d already\n", cfg->listen, cfg->port);
	} else if (err) {
		buf_printf(
		    mistakes, "cannot listen on %s:%d (LISTEN, PORT): %s\n", cfg->listen, cfg->port, strerror(-err));
		return false;
	}
	return true;
}

/* True if the token of the API cannot be had. One that is made only by the first start, or by each,
 * is no mistake. */
static bool api_token_is_wrong(const struct config *cfg, struct buf *mistakes)
{
	struct buf why;
	int err;

	buf_init(&why, 0);
	err = api_token_check(cfg, &why);
	if (err == -ENOENT && *cfg->data_dir)
		say(stdout, "API: the first start makes a token in %s/%s\n", cfg->data_dir, API_TOKEN_FILE);
	else if (err == -ENOENT)
		say(stdout,
		    "API: each start makes a token of its own and logs it; API_TOKEN or DATA_DIR gives one that stays\n");
	else
		buf_puts(mistakes, buf_text(&why));
	buf_free(&why);
	return err && err != -ENOENT;
}

/* True if a server with this process's limits would start. */
static bool files_suffice(struct config *cfg, struct buf *mistakes)
{
	struct buf said;
	int err;

	buf_init(&said, 0);
	err = process_claim_files(cfg, true, &said);
	if (err)
		buf_puts(mistakes, buf_text(&said));
	else
		print_text(stdout, &said);
	buf_free(&said);
	return !err;
}

int check_all(struct config *cfg, bool offline)
{
	static struct model_endpoints endpoints; /* large */
	struct agents *agents = NULL;
	static struct prices prices; /* large, and read once */
	struct model_ends ends = { .wall_ms = clock_wall_ms() };
	struct buf text, ended;
	int err, mistakes;

	buf_init(&text, 0);
	buf_init(&ended, 0);
	config_print(cfg, &text);
	config_print_zone(cfg, &text);
	config_warnings(cfg, &text);
	store_warnings(cfg->data_dir, &text);
	print_text(stdout, &text);
	buf_reset(&text);
	err = model_endpoints_open(&endpoints, cfg, &text);
	if (!offline && config_missing(cfg, &text))
		err = -EINVAL;
	if (!offline && !port_is_sound(cfg, &text))
		err = -EINVAL;
	if (!offline && !files_suffice(cfg, &text))
		err = -EINVAL;
	if (config_wrong_zone(cfg, &text))
		err = -EINVAL;
	if (prices_load(&prices, cfg->prices_file, &text))
		err = -EINVAL;
	if (*cfg->data_dir && store_check(cfg->data_dir, &text))
		err = -EINVAL;
	if (api_token_is_wrong(cfg, &text))
		err = -EINVAL;
	mistakes = agents_open(&agents, cfg, &text);
	print_text(stderr, &text);
	buf_reset(&text);
	config_names(environ, !mistakes, &text);
	if (!mistakes) {
		agents_describe(agents, &text);
		agents_notes(agents, &text);
		outcomes_warnings(cfg, agents, &text);
		search_warnings(agents, &text);
		ends.ahead = &text;
		ends.ended = &ended;
		agents_model_ends(agents, &ends);
		agents_undialled(agents, &ended);
	}
	print_text(stdout, &text);
	print_text(stderr, &ended);
	if (ended.len)
		err = -EINVAL;
	if (!err && !mistakes && offline)
		say(stdout, "settings and agents are sound; nothing was connected to\n");
	else if (!err && !mistakes)
		err = check_outside(&endpoints, agents);
	else
		say(stderr, "there are mistakes, told above; nothing was connected to\n");
	agents_close(agents);
	model_endpoints_close(&endpoints);
	buf_free(&text);
	buf_free(&ended);
	return err || mistakes ? EXIT_FAILURE : EXIT_SUCCESS;
}
