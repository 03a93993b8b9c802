#include "server/cli.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "server/agents/agents.h"
#include "server/config/config_names.h"
#include "server/config/config_print.h"
#include "server/config/config_warnings.h"
#include "server/config/version.h"
#include "server/knowledge/knowledge.h"
#include "server/knowledge/knowledge_tool.h"
#include "server/model/access.h"
#include "server/model/trial.h"
#include "server/money/prices.h"
#include "server/outcome/outcomes.h"
#include "server/store/store.h"
#include "server/web/sockets.h"
#include "server/work/tool_list.h"
#include "server/work/twilio_rest.h"
#include "server/work/work.h"
#include "server/health_probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NUMBERS_ASKED = 30 };

static void print(FILE *to, const struct buf *text)
{
	fwrite(buf_text(text), 1, text->len, to);
	fflush(to);
}

/* ------------------------------------------------------------------------ --check */

/* Opens a session as each agent would, and closes it again. Only the model itself knows
 * whether it takes an agent's voice, tools and settings with this key. One failure does
 * not stop the others. `sound`: nothing else speaks against calls. */
static int check_model(const struct model_access *access, struct agents *agents, bool sound)
{
	/* Ours are only declared here, as the parts of a server with these settings would offer them. */
	struct work offered = { .cfg = access->cfg };
	static const struct agent *all[AGENTS_LISTED_MAX];
	size_t n = agents_list(agents, all, AGENTS_LISTED_MAX);
	struct model_trial_result result;
	bool lacks = false;
	int err = 0;

	tool_set_builtin(&offered, TOOL_SEARCH_KNOWLEDGE, search_tool, NULL);
	if (*access->cfg->data_dir)
		tool_set_builtin(&offered, TOOL_SAVE_RECORD, outcomes_save, NULL);
	printf("connecting to %s:%d …\n", access->host, access->port);
	for (size_t i = 0; i < n; i++) {
		const struct agent *a = all[i];
		struct buf tools;
		int one;

		fflush(stdout);
		buf_init(&tools, 0);
		tool_list_put(&tools, &offered, a);
		one = model_trial(access, a, buf_text(&tools), false, NULL, &result);
		buf_free(&tools);
		if (one)
			fprintf(stderr, "agent %s%s%s: the model cannot be had: %s\n%s\n", a->name,
			    *a->variant ? "/" : "", a->variant, result.failure.text,
			    result.failure.permanent ? "This will not pass by itself." : "This may pass; try again.");
		else
			printf("agent %s%s%s: the session was configured %s%s, in %lld ms\n", a->name,
			    *a->variant ? "/" : "", a->variant, *result.lack ? "otherwise than asked: " : "as asked",
			    result.lack, (long long)result.connect_ms);
		lacks |= !one && *result.lack;
		err = one ? one : err;
		agent_release(a);
	}
	if (!err && sound)
		printf(lacks ? "calls will work, but for what is named above\n" : "calls will work\n");
	return err;
}

/* What Twilio says of the question; 0, or negative with a line of why. */
static int twilio_said(const struct twilio_answer *answer, const char *question)
{
	if (answer->outcome == TWILIO_OK)
		return 0;
	fprintf(stderr, "Twilio: %s: %s%s\n", question, answer->message,
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
		printf("Twilio: %s is none of this account\n", place);
	else if (!err && *cfg->public_url && (!url || strncmp(url, cfg->public_url, strlen(cfg->public_url)) != 0))
		printf("Twilio: %s leads to %s, not to PUBLIC_URL\n", place, url && *url ? url : "no webhook");
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
		printf("Twilio's account was not looked at: %s\n", missing);
		return 0;
	}
	err = fetch_setup();
	twilio_from_config(&t, cfg, NULL);
	if (!err && !*cfg->twilio_api_key_sid) {
		twilio_fetch_account(&t, &answer);
		err = twilio_said(&answer, "the account");
		status = json_str(answer.json, "status");
		if (!err && (!status || strcmp(status, "active") != 0)) {
			fprintf(
			    stderr, "Twilio: the account is %s: no calls are carried\n", status ? status : "unknown");
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
		printf("Twilio: the account was asked; numbers=%zu\n", asked);
	fetch_teardown();
	return err;
}

/* Both, whatever the first says. */
static int check_outside(const struct model_access *access, struct agents *agents)
{
	int err = check_twilio(access->cfg, agents), model = check_model(access, agents, !err);

	return err ? err : model;
}

/* True if a server could listen here, or answers here already. */
static bool port_is_sound(const struct config *cfg, struct buf *mistakes)
{
	int err = socket_listen_error(cfg->listen, cfg->port);

	if (err == -EADDRINUSE && !health_probe(cfg->listen, cfg->port)) {
		printf("a server is running at %s:%d already\n", cfg->listen, cfg->port);
	} else if (err) {
		buf_printf(
		    mistakes, "cannot listen on %s:%d (LISTEN, PORT): %s\n", cfg->listen, cfg->port, strerror(-err));
		return false;
	}
	return true;
}

/* Answers whether a call would work. All steps run before a mistake ends it, so that one
 * run names them all: the settings, the way to the model, the prices, DATA_DIR, the agents. The
 * model is asked only if these are sound. The mistakes go to stderr, the rest to
 * stdout. */
static int check_all(struct config *cfg, bool offline)
{
	struct model_access access = { .cfg = cfg };
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
	print(stdout, &text);
	buf_reset(&text);
	err = model_access_open(&access, cfg, &text);
	if (!offline && config_missing(cfg, &text))
		err = -EINVAL;
	if (!offline && !port_is_sound(cfg, &text))
		err = -EINVAL;
	if (config_wrong_zone(cfg, &text))
		err = -EINVAL;
	if (prices_load(&prices, cfg->prices_file, &text))
		err = -EINVAL;
	if (*cfg->data_dir && store_check(cfg->data_dir, &text))
		err = -EINVAL;
	mistakes = agents_open(&agents, cfg, &text);
	print(stderr, &text);
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
	}
	print(stdout, &text);
	print(stderr, &ended);
	if (ended.len)
		err = -EINVAL;
	if (!err && !mistakes && offline)
		printf("settings and agents are sound; nothing was connected to\n");
	else if (!err && !mistakes)
		err = check_outside(&access, agents);
	else
		fprintf(stderr, "there are mistakes, told above; nothing was connected to\n");
	agents_close(agents);
	model_access_close(&access);
	buf_free(&text);
	buf_free(&ended);
	return err || mistakes ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int check(struct config *cfg, char **args)
{
	(void)args;
	return check_all(cfg, false);
}

static int check_offline(struct config *cfg, char **args)
{
	(void)args;
	return check_all(cfg, true);
}

/* -------------------------------------------------------------------------- --ask */

/* Prints the answer of search_knowledge, as the model would get it, so that an owner can
 * try a folder without a call. The index is built for this one question, on this
 * thread; log lines below warnings are left out. */
static int ask(struct config *cfg, char **args)
{
	const char *name = args[0], *question = args[1];
	struct knowledge *knowledge = knowledge_new();
	const struct agent *agent = NULL;
	struct agents *agents = NULL;
	int status = EXIT_FAILURE;
	struct buf text;

	buf_init(&text, 0);
	log_setup(cfg->log_format, LOG_LEVEL_WARN);
	if (agents_open(&agents, cfg, &text))
		;
	else if (!(agent = agents_by_name(agents, name)))
		buf_printf(&text, "there is no agent called %s in AGENTS_DIR=%s\n", name, cfg->agents_dir);
	else if (!*agent->knowledge)
		buf_printf(&text, "the agent %s has no knowledge folder\n", name);
	else if (!knowledge || !knowledge_ask(knowledge, agent->knowledge, question, &text))
		buf_printf(&text, "the folder %s cannot be searched\n", agent->knowledge);
	else
		status = EXIT_SUCCESS;
	print(status ? stderr : stdout, &text);
	knowledge_free(knowledge);
	agent_release(agent);
	agents_close(agents);
	buf_free(&text);
	return status;
}

/* ------------------------------------------------------------------ smaller options */

/* For a container's HEALTHCHECK: a second process beside the one that serves. */
static int health(struct config *cfg, char **args)
{
	int err;

	(void)args;
	err = health_probe(cfg->listen, cfg->port);
	if (err == -EPROTO)
		fprintf(stderr, "what listens on %s:%d does not answer GET /health with 200\n", cfg->listen, cfg->port);
	else if (err)
		fprintf(stderr, "no answer from %s:%d: %s\n", cfg->listen, cfg->port,
		    err == -EAGAIN ? "it took longer than 3 s" : strerror(-err));
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void put_help(struct buf *out)
{
	buf_puts(out, "trunkline: puts an AI voice on a phone number\n\n"
		      "  trunkline            serves calls\n"
		      "  trunkline --check    checks settings and agents, opens a model session as each agent would\n"
		      "  trunkline --check --offline\n"
		      "                       the same without connecting to anything; needs no key\n"
		      "  trunkline --ask AGENT \"question\"\n"
		      "                       what search_knowledge would give that agent's model; needs no key\n"
		      "  trunkline --health   asks the server on this machine whether it is alive (exit status)\n"
		      "  trunkline --version\n"
		      "  trunkline --settings-markdown, --settings-env\n"
		      "                       the settings below for SETTINGS.md and for a .env\n\n");
	config_print_help(out);
}

static void put_version(struct buf *out)
{
	buf_puts(out, "trunkline " TRUNKLINE_VERSION "\n");
}

/* --------------------------------------------------------------------- the options */

/* An option is the whole command line: words and arguments in this order, and nothing
 * else. `put` is for texts that are printed even if the settings are wrong. */
static const struct option {
	const char *words[2]; /* the first arguments */
	int more;             /* how many more follow */
	int (*run)(struct config *cfg, char **args);
	void (*put)(struct buf *out); /* instead of run; needs no settings */
} options[] = {
	{ { "--check" }, 0, check, NULL },
	{ { "--check", "--offline" }, 0, check_offline, NULL },
	{ { "--ask" }, 2, ask, NULL },
	{ { "--health" }, 0, health, NULL },
	{ { "--help" }, 0, NULL, put_help },
	{ { "--settings-markdown" }, 0, NULL, config_print_markdown },
	{ { "--settings-env" }, 0, NULL, config_print_env },
	{ { "--version" }, 0, NULL, put_version },
};

/* The option of the arguments, and its own arguments in *rest; NULL: none. */
static const struct option *option_of(int argc, char **argv, char ***rest)
{
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		const struct option *o = &options[i];
		int words = o->words[1] ? 2 : 1;

		if (argc == 1 + words + o->more && !strcmp(argv[1], o->words[0]) &&
		    (words == 1 || !strcmp(argv[2], o->words[1]))) {
			*rest = argv + 1 + words;
			return o;
		}
	}
	return NULL;
}

static int usage(void)
{
	fprintf(stderr,
	    "usage: trunkline [--check [--offline] | --ask AGENT QUESTION | --health | --help | --settings-markdown | --settings-env | --version]\n"
	    "Without an option it serves calls. Settings come from the environment.\n");
	return 2;
}

/* For people as sentences, for machines as log lines: what collects the log as JSON must not
 * choke on the line that says why there is no more. */
static void print_mistakes(const struct config *cfg, const struct buf *mistakes)
{
	if (cfg->log_format == LOG_FORMAT_JSON)
		log_text(LOG_LEVEL_ERROR, "setup", buf_text(mistakes));
	else
		print(stderr, mistakes);
}

/* Reads the settings, and sets the log up. False: a setting is wrong, or a key is missing
 * that is needed; all mistakes were printed, and names that may explain them. */
static bool load(struct config *cfg, bool needs_keys)
{
	struct buf errors;
	bool ok;

	buf_init(&errors, 0);
	ok = !config_load(cfg, NULL, NULL, &errors);
	log_setup(cfg->log_format, cfg->log_level);
	if (ok) {
		config_set_time_zone(cfg);
		if (needs_keys)
			config_missing(cfg, &errors);
		ok = !errors.len;
	}
	if (!ok) {
		config_names(environ, false, &errors);
		print_mistakes(cfg, &errors);
	}
	buf_free(&errors);
	return ok;
}

/* The settings are static, since all threads read them: they are freed after the last
 * part is closed. */
int cli_run(int argc, char **argv, int (*serve)(struct config *cfg))
{
	const struct option *option = NULL;
	char **rest = argv;
	static struct config cfg;
	int status = EXIT_FAILURE;
	struct buf text;

	if (argc != 1 && !(option = option_of(argc, argv, &rest)))
		return usage();
	if (option && option->put) {
		buf_init(&text, 0);
		option->put(&text);
		print(stdout, &text);
		buf_free(&text);
		return EXIT_SUCCESS;
	}
	if (load(&cfg, !option))
		status = option ? option->run(&cfg, rest) : serve(&cfg);
	config_free(&cfg);
	return status;
}
