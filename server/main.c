/* trunkline: puts an AI voice on a phone number.
 *
 * main opens the parts (parts.c), waits for signals and closes the parts. The options
 * other than serving calls are in cli.c. SIGTERM and SIGINT drain: no new calls begin,
 * live calls may finish within DRAIN_SECONDS, and Twilio may still ask what comes after
 * their streams. A second signal ends at once. SIGHUP reads the agents' files anew, for
 * new calls.
 */
#include "common/clock.h"
#include "common/log.h"
#include "common/log_writer.h"
#include "server/agents/agents.h"
#include "server/cli.h"
#include "server/config/api_token.h"
#include "server/config/config_names.h"
#include "server/config/config_print.h"
#include "server/config/config_warnings.h"
#include "server/config/version.h"
#include "server/line/calls.h"
#include "server/line/calls_after.h"
#include "server/parts.h"
#include "server/process.h"
#include "server/stats/stats.h"
#include "server/web/server.h"
#include "server/web/twilio/twilio_routes.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	TICK_MS = 250,
	LAST_LINES_MS = 2000,   /* for the log to be written at the end */
	ASKED_US = 5 * US_PER_S /* for Twilio's connect-action after the last call */
};

static sigset_t signals; /* main waits for these */

/* A model that has ended does not stop the start: agents with other models still answer. */
static void warn(struct program *p)
{
	struct buf text, ended;

	buf_init(&text, 0);
	buf_init(&ended, 0);
	parts_warn(p, &text);
	agents_model_ends(
	    p->agents, &(struct model_ends){ .wall_ms = clock_wall_ms(), .ended = &ended, .ahead = &text });
	agents_undialled(p->agents, &ended);
	log_text(LOG_LEVEL_ERROR, "setup", buf_text(&ended));
	log_text(LOG_LEVEL_WARN, "setup", buf_text(&text));
	buf_free(&ended);
	buf_free(&text);
}

/* SIGHUP. New calls get the agents as the files have them now; live calls keep theirs.
 * A mistake in any file leaves all agents as they were. */
static void reload_agents(struct program *p)
{
	struct buf problem;

	buf_init(&problem, 0);
	if (agents_reload(p->agents, &problem)) {
		stat_add(agents_reloads_failed, 1);
		log_text(LOG_LEVEL_ERROR, "setup", buf_text(&problem));
		log_error("setup", "agents not reloaded; those from before stay");
	} else {
		stat_add(agents_reloads, 1);
		warn(p);
		log_info("setup", "agents reloaded; agents=%zu", agents_count(p->agents));
	}
	buf_free(&problem);
}

/* Waits for a signal, a quarter of a second at most, and gives each part its turn. True:
 * the signal ends the program. */
static bool tick(struct program *p)
{
	struct timespec wait = { .tv_nsec = TICK_MS * 1000000L };
	int signal_number = sigtimedwait(&signals, NULL, &wait);

	parts_tend(p, clock_now_us());
	if (signal_number == SIGHUP)
		reload_agents(p);
	return signal_number > 0 && signal_number != SIGHUP;
}

/* A call that is ending counts too: its loops still run and write its record. */
static bool nobody_left(struct program *p)
{
	struct calls_count count;

	calls_count(p->calls, &count);
	return count.live + count.reserved + count.ending == 0;
}

/* Between the first signal and the end. No new call begins, and live calls may finish.
 * At the deadline the others end, and their callers hear an apology in the answer to
 * connect-action. A second signal skips the waiting but not the ending: parts_close
 * needs calls that are over. */
static void drain(struct program *p)
{
	int64_t until = clock_now_us() + (int64_t)p->cfg->drain_seconds * US_PER_S;
	struct calls_count count;

	parts_drain(p);
	calls_count(p->calls, &count);
	log_info("server", "draining; live=%d reserved=%d at_most_seconds=%d", count.live, count.reserved,
	    p->cfg->drain_seconds);
	while (!nobody_left(p) && clock_now_us() < until)
		if (tick(p))
			until = 0;
	calls_end_all(p->calls, END_DRAINED);
	if (!until)
		return;
	/* Twilio asks what comes after each stream. Without our answer it hangs up,
	 * and the caller hears neither the apology nor the fallback number. */
	until = clock_now_us() + ASKED_US;
	while ((!nobody_left(p) || calls_unasked(p->calls)) && clock_now_us() < until)
		if (tick(p))
			return;
}

static void announce(struct program *p)
{
	struct buf text;

	buf_init(&text, 0);
	config_wrong_zone(p->cfg, &text);
	log_text(LOG_LEVEL_ERROR, "setup", buf_text(&text));
	buf_reset(&text);
	config_warnings(p->cfg, &text);
	config_names(environ, true, &text);
	log_text(LOG_LEVEL_WARN, "setup", buf_text(&text));
	buf_reset(&text);
	warn(p);
	config_print_zone(p->cfg, &text);
	config_print_bounds(p->cfg, &text);
	twilio_print_address(p->cfg, web_port(p->web), &text);
	api_token_print(p->cfg, web_port(p->web), &text);
	log_text(LOG_LEVEL_INFO, "setup", buf_text(&text));
	buf_free(&text);
	log_info("server", "listening; address=%s port=%d max_calls=%d version=%s", p->cfg->listen, web_port(p->web),
	    p->cfg->max_calls, TRUNKLINE_VERSION);
}

/* Threads inherit the mask, so it is set before the first part opens: signals reach main
 * alone, in sigtimedwait, and interrupt no other thread. */
static void own_signals(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a write over the file size limit then fails with EFBIG */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

/* From start to end. If a part does not open, those before it are closed again. */
static int serve(struct config *cfg)
{
	static struct program p;
	struct buf problem;
	int err;

	buf_init(&problem, 0);
	p.cfg = cfg;
	own_signals();
	log_writer_start();
	process_show_memory(cfg->core_dumps);
	process_keep_files_private();
	err = process_claim_files(cfg, false, &problem);
	if (!err) {
		log_text(LOG_LEVEL_WARN, "setup", buf_text(&problem));
		buf_reset(&problem);
		err = parts_open(&p, &problem);
	}
	log_text(LOG_LEVEL_ERROR, "setup", buf_text(&problem));
	buf_free(&problem);
	if (!err) {
		announce(&p);
		while (!tick(&p))
			;
		drain(&p);
	}
	parts_close(&p);
	if (!err)
		log_info("server", "stopped");
	log_writer_stop(LAST_LINES_MS);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	process_show_memory(false); /* before the keys are read */
	return cli_run(argc, argv, serve);
}
