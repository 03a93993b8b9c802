/* trunkline: puts an AI voice on a phone number.
 *
 * main reads the settings, starts the parts, waits for signals and tidies up.
 * SIGTERM and SIGINT drain: no new calls, those that are up may finish within
 * DRAIN_SECONDS, and Twilio may still ask what comes after the stream. A second
 * signal ends at once. SIGHUP reads the agents' files anew, for new calls.
 */
#include "common/clock.h"
#include "common/log.h"
#include "server/all_routes.h"
#include "server/agent/agent_loop.h"
#include "server/agents/agents.h"
#include "server/caller/caller_loop.h"
#include "server/line/calls.h"
#include "server/news/rules.h"
#include "server/news/journal.h"
#include "server/recording/recorder.h"
#include "server/money/spending.h"
#include "server/recording/twilio_recording.h"
#include "server/news/journal_store.h"
#include "server/outcome/outcomes.h"
#include "server/knowledge/knowledge_tool.h"
#include "server/stats/stats.h"
#include "server/config/config.h"
#include "server/config/config_print.h"
#include "server/config/config_warnings.h"
#include "server/model/access.h"
#include "server/model/health.h"
#include "server/store/store.h"
#include "server/config/version.h"
#include "server/web/health_probe.h"
#include "server/web/twilio/dialer_web.h"
#include "server/news/hub.h"
#include "server/web/server.h"
#include "server/web/twilio/webhooks.h"
#include "server/knowledge/knowledge.h"
#include "server/delivery/delivery.h"
#include "server/work/work.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum {
	TICK_MS = 250,
	ASKED_US = 5 * US_PER_S, /* after the last call, for connect-action */
	DESCRIPTORS_PER_CALL = 8 /* two sockets, two bells, one connection being tidied up, room */
};

static void print(FILE *to, const struct buf *text)
{
	fwrite(buf_text(text), 1, text->len, to);
	fflush(to);
}

static void log_lines(enum log_level level, const struct buf *text)
{
	const char *line = buf_text(text);

	while (*line) {
		size_t len = strcspn(line, "\n");

		log_write(level, "setup", "%.*s", (int)len, line);
		line += len + (line[len] == '\n');
	}
}

/* Out of descriptors the accept thread would spin. */
static void raise_descriptor_limit(const struct config *cfg)
{
	rlim_t need = 256 + (rlim_t)(calls_lines(cfg) + (uint32_t)cfg->max_watchers) * DESCRIPTORS_PER_CALL;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= need)
		return;
	limit.rlim_cur = need;
	if (limit.rlim_max < need)
		limit.rlim_max = need;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		log_warn("setup", "open files are limited to less than MAX_CALLS=%d needs (%lu); raise `ulimit -n`",
		    cfg->max_calls, (unsigned long)need);
}

/* ------------------------------------------------------------------ the server */

struct parts {
	struct config cfg;
	struct model_access access;
	struct agents *agents;
	struct work *work;
	struct store *store;   /* NULL without DATA_DIR */
	struct dialer *dialer; /* calls we place */
	struct dialer_web dialer_web;
	struct delivery *delivery;
	struct calls *calls;
	struct hub *hub;
	struct web *web;
	sigset_t signals;
	bool health; /* the model's probe was started */
};

/* SIGHUP: new calls get what the files say now; calls that are up keep theirs. */
static void reload_agents(struct parts *p)
{
	struct buf text;

	buf_init(&text, 0);
	if (agents_reload(p->agents, &text)) {
		stat_add(agents_reloads_failed, 1);
		log_lines(LOG_LEVEL_ERROR, &text);
		log_error("setup", "agents not reloaded; those from before stay");
	} else {
		stat_add(agents_reloads, 1);
		agents_notes(p->agents, &text);
		rules_warnings(p->agents, p->store, &text);
		outcomes_warnings(&p->cfg, p->agents, &text);
		log_lines(LOG_LEVEL_WARN, &text);
		log_info("setup", "agents reloaded; agents=%zu", agents_count(p->agents));
	}
	buf_free(&text);
}

/* Waits one tick. True if a signal came that ends the program. */
static bool tick(struct parts *p)
{
	struct timespec wait = { .tv_nsec = TICK_MS * 1000000L };
	int signal_number = sigtimedwait(&p->signals, NULL, &wait);

	calls_reap(p->calls);
	outcomes_tend(clock_now_us());
	spending_tend(clock_now_us());
	web_tend(p->web, clock_now_us());
	if (signal_number == SIGHUP)
		reload_agents(p);
	return signal_number > 0 && signal_number != SIGHUP;
}

static bool nobody_left(struct parts *p)
{
	struct calls_count count;

	calls_count(p->calls, &count);
	return count.live + count.reserved + count.ending == 0;
}

static void drain(struct parts *p)
{
	int64_t until = clock_now_us() + (int64_t)p->cfg.drain_seconds * US_PER_S;
	struct calls_count count;

	web_end_streams(p->web);
	calls_drain(p->calls);
	dialer_drain(p->dialer);
	calls_count(p->calls, &count);
	log_info("server", "draining; live=%d reserved=%d at_most_seconds=%d", count.live, count.reserved,
	    p->cfg.drain_seconds);
	while (!nobody_left(p) && clock_now_us() < until)
		if (tick(p))
			until = 0;
	calls_end_all(p->calls, END_DRAINED);
	if (!until)
		return;
	/* Twilio asks what comes after each stream; who hears nothing is cut off
	 * in the middle of a sentence. */
	until = clock_now_us() + ASKED_US;
	while ((!nobody_left(p) || calls_unasked(p->calls)) && clock_now_us() < until)
		if (tick(p))
			return;
}

static int open_outbox(struct parts *p, struct buf *problem)
{
	/* After the agents, whose secrets sign, and fetch_setup (work_open). */
	int err = delivery_open(&p->delivery, &p->cfg, p->store, rules_secret, p->agents);

	if (err) {
		buf_printf(problem, "cannot start the outbox: %s\n", strerror(-err));
		return err;
	}
	journal_add_sink(rules_sink, p->delivery);
	return 0;
}

static int open_knowledge(struct parts *p, struct buf *problem)
{
	int err = knowledge_open();

	if (err)
		buf_printf(problem, "cannot start the thread that looks after knowledge: %s\n", strerror(-err));
	else
		search_follow_agents(p->agents);
	if (!err) {
		agents_on_change(p->agents, search_follow_agents, p->agents);
		tool_set_builtin(TOOL_SEARCH_KNOWLEDGE, search_tool);
	}
	return err;
}

static int open_outbound(struct parts *p, struct buf *problem)
{
	struct dialer_hooks hooks;
	int err;

	p->dialer_web = (struct dialer_web){ .calls = p->calls, .agents = p->agents };
	dialer_web_hooks(&p->dialer_web, &hooks);
	err = dialer_open(&p->dialer, &p->cfg, p->store, &hooks);
	if (err)
		buf_printf(problem, "cannot start placing calls: %s\n", strerror(-err));
	return err;
}

static int start(struct parts *p)
{
	struct buf problem;
	int err;

	buf_init(&problem, 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like others */
	sigemptyset(&p->signals);
	sigaddset(&p->signals, SIGTERM);
	sigaddset(&p->signals, SIGINT);
	sigaddset(&p->signals, SIGHUP);
	/* Every thread inherits this: signals are main's alone. */
	pthread_sigmask(SIG_BLOCK, &p->signals, NULL);
	raise_descriptor_limit(&p->cfg);
	err = model_access_open(&p->access, &p->cfg, &problem);
	if (!err && p->cfg.data_dir[0])
		err = store_open(&p->store, p->cfg.data_dir, p->cfg.retain_days, &problem);
	if (!err)
		journal_store_open(p->store);
	if (!err)
		err = spending_open(&p->cfg, p->store, &problem);
	twilio_recording_open(p->store);
	if (!err && p->cfg.data_dir[0] && (err = recorder_open(p->cfg.data_dir, p->store)))
		buf_printf(&problem, "cannot start the recorder: %s\n", strerror(-err));
	if (!err)
		err = agents_open(&p->agents, &p->cfg, &problem);
	if (!err)
		err = work_open(&p->work, &p->cfg, &problem);
	if (!err)
		err = open_outbox(p, &problem);
	if (!err)
		err = open_knowledge(p, &problem);
	if (!err) {
		err = calls_open(&p->calls, &p->cfg, &p->access, p->agents, p->work,
		    &(struct call_loops){ caller_loop, agent_loop });
		if (err)
			buf_printf(&problem, "cannot make the table of calls: %s\n", strerror(-err));
	}
	if (!err && !(err = hub_open(&p->hub)))
		journal_add_sink(hub_take, p->hub);
	/* Behind all who take what it tells. */
	if (!err && p->store) {
		outcomes_open(&p->cfg, p->store, p->agents, p->work->background);
		tool_set_builtin(TOOL_SAVE_RECORD, outcomes_save);
	}
	if (!err)
		journal_store_close_open(p->store, p->agents);
	if (!err)
		err = open_outbound(p, &problem);
	if (!err)
		err = web_open(&p->web,
		    &(struct web_parts){ .cfg = &p->cfg,
			.routes = all_routes,
			.agents = p->agents,
			.calls = p->calls,
			.hub = p->hub,
			.store = p->store,
			.dialer = p->dialer,
			.delivery = p->delivery,
			.work = p->work },
		    &problem);
	if (!err) {
		err = model_health_open(&p->access, p->agents);
		p->health = !err;
	}
	log_lines(LOG_LEVEL_ERROR, &problem);
	buf_free(&problem);
	return err;
}

static void stop(struct parts *p)
{
	if (p->health)
		model_health_close();
	work_stop(p->work);
	web_close(p->web);
	dialer_close(p->dialer);
	calls_close(p->calls);
	recorder_close(); /* after all calls */
	spending_close();
	delivery_stop(p->delivery); /* after the last call has ended */
	work_close(p->work);
	outcomes_close();
	knowledge_close();
	delivery_close(p->delivery); /* after all who tell the journal something */
	store_close(p->store);       /* after all who might still write */
	agents_close(p->agents);
	model_access_close(&p->access);
	hub_close(p->hub); /* after all who tell the journal something */
}

static void announce(struct parts *p)
{
	struct buf text;

	buf_init(&text, 0);
	config_warnings(&p->cfg, &text);
	agents_notes(p->agents, &text);
	rules_warnings(p->agents, p->store, &text);
	log_lines(LOG_LEVEL_WARN, &text);
	buf_reset(&text);
	webhooks_print_address(&p->cfg, web_port(p->web), &text);
	log_lines(LOG_LEVEL_INFO, &text);
	buf_free(&text);
	log_info("server", "listening; address=%s port=%d max_calls=%d version=%s", p->cfg.listen, web_port(p->web),
	    p->cfg.max_calls, TRUNKLINE_VERSION);
}

static int serve(struct parts *p)
{
	int err = start(p);

	if (!err) {
		announce(p);
		while (!tick(p))
			;
		drain(p);
	}
	stop(p);
	if (!err)
		log_info("server", "stopped");
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* --------------------------------------------------------------- other things it does */

/* Opens a session as each agent would, and closes it again. */
static int check_model(struct parts *p)
{
	static const struct agent *all[AGENTS_LISTED_MAX];
	size_t n = agents_list(p->agents, all, AGENTS_LISTED_MAX);
	struct model_failure failure;
	int64_t connect_ms = 0;
	int err = 0;

	printf("connecting to %s:%d …\n", p->access.host, p->access.port);
	for (size_t i = 0; i < n; i++) {
		const struct agent *a = all[i];
		int one;

		fflush(stdout);
		one = model_session_try(&p->access, a, NULL, &failure, &connect_ms);
		if (one)
			fprintf(stderr, "agent %s%s%s: the model cannot be had: %s\n%s\n", a->name,
			    *a->variant ? "/" : "", a->variant, failure.text,
			    failure.permanent ? "This will not pass by itself." : "This may pass; try again.");
		else
			printf("agent %s%s%s: the session was configured as asked, in %lld ms\n", a->name,
			    *a->variant ? "/" : "", a->variant, (long long)connect_ms);
		err = one ? one : err;
		agent_release(a);
	}
	if (!err)
		printf("calls will work\n");
	return err;
}

/* --check: would a call work? */
static int check_all(struct parts *p, bool offline)
{
	struct buf text;
	int err, mistakes;

	buf_init(&text, 0);
	config_print(&p->cfg, &text);
	config_warnings(&p->cfg, &text);
	print(stdout, &text);
	buf_reset(&text);
	err = model_access_open(&p->access, &p->cfg, &text);
	if (spending_open(&p->cfg, NULL, &text)) /* the prices */
		err = -EINVAL;
	mistakes = agents_open(&p->agents, &p->cfg, &text);
	print(stderr, &text);
	buf_reset(&text);
	if (!mistakes) {
		agents_describe(p->agents, &text);
		agents_notes(p->agents, &text);
		outcomes_warnings(&p->cfg, p->agents, &text);
		search_warnings(p->agents, &text);
		print(stdout, &text);
	}
	if (!err && !mistakes && offline)
		printf("settings and agents are sound; nothing was connected to\n");
	else if (!err && !mistakes)
		err = check_model(p);
	agents_close(p->agents);
	model_access_close(&p->access);
	buf_free(&text);
	return err || mistakes ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int check(struct parts *p)
{
	return check_all(p, false);
}

static int check_offline(struct parts *p)
{
	return check_all(p, true);
}

static const char *asked_agent, *question;

/* --ask: what search_knowledge would give the model. */
static int ask(struct parts *p)
{
	const struct agent *agent = NULL;
	struct buf text;
	int status = EXIT_FAILURE;

	buf_init(&text, 0);
	log_setup(p->cfg.log_format, LOG_LEVEL_WARN);
	if (agents_open(&p->agents, &p->cfg, &text))
		;
	else if (!(agent = agents_by_name(p->agents, asked_agent)))
		buf_printf(&text, "there is no agent called %s in AGENTS_DIR=%s\n", asked_agent, p->cfg.agents_dir);
	else if (!*agent->knowledge)
		buf_printf(&text, "the agent %s has no knowledge folder\n", asked_agent);
	else if (!knowledge_ask(agent->knowledge, question, &text))
		buf_printf(&text, "the folder %s cannot be searched\n", agent->knowledge);
	else
		status = EXIT_SUCCESS;
	print(status ? stderr : stdout, &text);
	knowledge_close();
	agent_release(agent);
	agents_close(p->agents);
	buf_free(&text);
	return status;
}

static int usage(void)
{
	fprintf(stderr,
	    "usage: trunkline [--check [--offline] | --ask AGENT QUESTION | --health | --help | --settings-markdown | --settings-env | --version]\n"
	    "Without an option it serves calls. Settings come from the environment.\n");
	return 2;
}

static int print_table(void (*fill)(struct buf *))
{
	struct buf text;

	buf_init(&text, 0);
	fill(&text);
	print(stdout, &text);
	buf_free(&text);
	return EXIT_SUCCESS;
}

static void fill_help(struct buf *out)
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
		      "                       the settings below for a README and for a .env\n\n");
	config_print_help(out);
}

static int with_settings(int (*run)(struct parts *), bool needs_keys)
{
	static struct parts p;
	struct buf errors;
	int status = EXIT_FAILURE;

	buf_init(&errors, 0);
	if (config_load(&p.cfg, NULL, NULL, &errors)) {
		print(stderr, &errors);
	} else {
		log_setup(p.cfg.log_format, p.cfg.log_level);
		if (needs_keys)
			config_missing(&p.cfg, &errors);
		if (errors.len)
			print(stderr, &errors);
		else
			status = run(&p);
	}
	config_free(&p.cfg);
	buf_free(&errors);
	return status;
}

static int health(struct parts *p)
{
	return web_health_probe(p->cfg.listen, p->cfg.port) ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const char *option = argc == 2 ? argv[1] : "";

	if (argc == 1)
		return with_settings(serve, true);
	if (!strcmp(option, "--check"))
		return with_settings(check, true);
	if (argc == 3 && !strcmp(argv[1], "--check") && !strcmp(argv[2], "--offline"))
		return with_settings(check_offline, false);
	if (argc == 4 && !strcmp(argv[1], "--ask")) {
		asked_agent = argv[2];
		question = argv[3];
		return with_settings(ask, false);
	}
	if (!strcmp(option, "--health"))
		return with_settings(health, false);
	if (!strcmp(option, "--help"))
		return print_table(fill_help);
	if (!strcmp(option, "--settings-markdown"))
		return print_table(config_print_markdown);
	if (!strcmp(option, "--settings-env"))
		return print_table(config_print_env);
	if (!strcmp(option, "--version")) {
		puts("trunkline " TRUNKLINE_VERSION);
		return EXIT_SUCCESS;
	}
	return usage();
}
