#include "server/cli.h"

#include "common/log.h"
#include "server/agents/agents.h"
#include "server/check.h"
#include "server/config/config_names.h"
#include "server/config/config_print.h"
#include "server/config/version.h"
#include "server/knowledge/knowledge.h"
#include "server/knowledge/knowledge_tool.h"
#include "server/local_client.h"
#include "server/operator_commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ------------------------------------------------------------------------ --check */

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
	print_text(status ? stderr : stdout, &text);
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
	err = local_health(cfg->listen, cfg->port);
	if (err == -EPROTO)
		fprintf(stderr, "what listens on %s:%d does not answer GET /health with 200\n", cfg->listen, cfg->port);
	else if (err)
		fprintf(stderr, "no answer from %s:%d: %s\n", cfg->listen, cfg->port,
		    err == -ETIMEDOUT ? "it took longer than 3 s" : strerror(-err));
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void put_help(struct buf *out)
{
	buf_puts(out, "trunkline: puts an AI voice on a phone number\n\n"
		      "  trunkline            serves calls\n");
	operator_command_help(out);
	buf_puts(out, "  trunkline --check    checks settings and agents, opens a model session as each agent would\n"
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
	    "usage: trunkline [status | calls | call SID | --check [--offline] | --ask AGENT QUESTION | --health | --help | --settings-markdown | --settings-env | --version]\n"
	    "Without an argument it serves calls. Settings come from the environment.\n");
	return 2;
}

/* For people as sentences, for machines as log lines: what collects the log as JSON must not
 * choke on the line that says why there is no more. */
static void print_mistakes(const struct config *cfg, const struct buf *mistakes)
{
	if (cfg->log_format == LOG_FORMAT_JSON)
		log_text(LOG_LEVEL_ERROR, "setup", buf_text(mistakes));
	else
		print_text(stderr, mistakes);
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
static int with_settings(int argc, const struct option *option, char **rest, const struct operator_command *command,
    int (*serve)(struct config *cfg))
{
	static struct config cfg;
	int status = EXIT_FAILURE;

	if (load(&cfg, argc == 1))
		status = command ? operator_command_run(&cfg, command) : option ? option->run(&cfg, rest) : serve(&cfg);
	config_free(&cfg);
	return status;
}

int cli_run(int argc, char **argv, int (*serve)(struct config *cfg))
{
	const struct option *option = NULL;
	struct operator_command command;
	bool commanded = argc > 1 && operator_command_named(argv[1]);
	char **rest = argv;
	struct buf text;

	buf_init(&text, 0);
	if (commanded && !operator_command_read(&command, argv + 1, &text)) {
		print_text(stderr, &text);
		buf_free(&text);
		return 2;
	}
	if (!commanded && argc != 1 && !(option = option_of(argc, argv, &rest)))
		return usage();
	if (option && option->put) {
		option->put(&text);
		print_text(stdout, &text);
		buf_free(&text);
		return EXIT_SUCCESS;
	}
	return with_settings(argc, option, rest, commanded ? &command : NULL, serve);
}
