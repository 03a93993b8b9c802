/* What lies with the service, the key or the way there is known of all agents
 * at once (`all`); what lies with an agent's file, of each (`agents`), and so does all that a text
 * API says: the two services have nothing to do with each other. The
 * thread sleeps until a call's failure or a reload asks, or while something is
 * refused, for one interval. A trial is a whole session, opened and closed,
 * because a wrong key may pass the upgrade and be refused afterwards. It asks
 * for no answer and sends no audio, so it is not billed; only where an answer
 * was what was refused (no money is left, say) it asks for one.
 */
#include "server/model/health.h"

#include "common/clock.h"
#include "common/log.h"
#include "server/model/findings.h"
#include "server/model/trial.h"
#include "server/stats/stats.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTERVAL_US (HEALTH_PROBE_SECONDS * US_PER_S)

struct model_health {
	struct bell stop, ask;  /* both ring for the probing thread */
	_Atomic bool round_due; /* by a start or a reload: all agents are to be tried, now */
	bool unfinished;        /* the thread's: the last round broke off */
	_Atomic bool answers;   /* what blocks all was met in an answer: a session alone proves nothing */

	pthread_mutex_t lock; /* guards the findings */
	struct findings findings;

	/* Set before the thread starts, constant after. */
	const struct model_access *access;
	struct agents *known;
	model_declare *declare;
	const struct work *work;
	pthread_t thread;
	bool probing;
};

/* ------------------------------------------------------------------- from any thread */

bool model_health_blocks(struct model_health *h)
{
	bool blocks;

	pthread_mutex_lock(&h->lock);
	blocks = h->findings.all.blocks || findings_refused(&h->findings, h->known, NULL);
	pthread_mutex_unlock(&h->lock);
	return blocks;
}

bool model_health_refuses(struct model_health *h, const struct agent *agent, char why[MODEL_FAILURE_SIZE])
{
	bool text = agent->model_protocol == MODEL_KIND_TEXT, all;
	const struct agent_finding *of_agent;
	bool refuses;

	if (!h)
		return false;
	pthread_mutex_lock(&h->lock);
	of_agent = findings_refused(&h->findings, h->known, agent->name);
	all = h->findings.all.blocks && !text;
	refuses = all || of_agent;
	if (refuses)
		snprintf(why, MODEL_FAILURE_SIZE, "%s", all ? h->findings.all.text : of_agent->found.text);
	pthread_mutex_unlock(&h->lock);
	return refuses;
}

static void clear_all(struct model_health *h)
{
	if (h->findings.all.blocks)
		log_info("model", "can be reached again");
	memset(&h->findings.all, 0, sizeof h->findings.all);
	atomic_store(&h->answers, false);
}

void model_health_ok(struct model_health *h, const struct agent *agent, int64_t connect_ms)
{
	struct agent_finding *a;

	if (connect_ms < 0)
		return;
	stat_add(model_connects, 1);
	hist_add(&stats.model_connect, connect_ms * US_PER_MS);
	atomic_store(&stats.last_connect_ms, connect_ms);
	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	if (!atomic_load(&h->answers) && agent->model_protocol != MODEL_KIND_TEXT)
		clear_all(h);
	a = findings_of(&h->findings, agent, false);
	if (a && a->found.blocks)
		log_info("model", "agent %s: its sessions are taken again", agent->name);
	if (a)
		memset(&a->found, 0, sizeof a->found);
	pthread_mutex_unlock(&h->lock);
}

static void answered(struct model_health *h)
{
	if (!atomic_load(&h->answers))
		return;
	pthread_mutex_lock(&h->lock);
	clear_all(h);
	pthread_mutex_unlock(&h->lock);
}

/* An overloaded service refuses one call and takes the next: only a failure that will not pass by
 * itself blocks. The bell wakes the probing thread. */
static bool failed(
    struct model_health *h, const struct agent *agent, const struct model_failure *failure, bool in_answer)
{
	struct agent_finding *a = NULL;
	bool news;

	if (!h)
		return false;
	pthread_mutex_lock(&h->lock);
	if (failure->agents_own)
		a = findings_of(&h->findings, agent, true);
	news = findings_note(a ? &a->found : &h->findings.all, failure);
	if (!a && failure->permanent)
		atomic_store(&h->answers, in_answer);
	pthread_mutex_unlock(&h->lock);
	if (news && a)
		log_error("model", "not to be had for the agent %s%s%s: %s", agent->name, *agent->variant ? "/" : "",
		    agent->variant, failure->text);
	else if (news)
		log_error("model", "not to be had: %s", failure->text);
	if (news)
		bell_ring(&h->ask);
	return news;
}

void model_health_failed(struct model_health *h, const struct agent *agent, const struct model_failure *failure)
{
	stat_model_error(failure->error_class, failure->code);
	failed(h, agent, failure, false);
}

/* The conversation has counted the error already. */
static void refused(struct model_health *h, const struct agent *agent, const char *code, const char *text)
{
	struct model_failure failure = { .error_class = "session", .permanent = true };
	bool text_api = agent->model_protocol == MODEL_KIND_TEXT;
	int status = !strncmp(code, "http_", 5) ? atoi(code + 5) : 0;
	const char *blame = model_access_blame(agent->model_protocol, status, code);

	failure.agents_own = text_api || strstr(code, "model_not_found");
	snprintf(failure.text, sizeof failure.text, "the model refused to go on with a call (%s): %s%s%s", code, text,
	    blame ? "; " : "", blame ? blame : "");
	failed(h, agent, &failure, true);
}

void model_health_heard(struct model_health *h, const struct agent *agent, const struct model_event *e)
{
	if (h && e->type == MODEL_RESPONSE_DONE && e->status == MODEL_COMPLETED &&
	    agent->model_protocol != MODEL_KIND_TEXT)
		answered(h);
	if (h && e->error == MODEL_FATAL)
		refused(h, agent, e->code, e->text);
}

void model_health_closed(struct model_health *h, const struct agent *agent, enum model_error error, const char *reason)
{
	if (h && error == MODEL_FATAL)
		refused(h, agent, reason, "it closed the session");
}

unsigned model_health_without(struct model_health *h, const struct agent *agent)
{
	const struct agent_finding *a;
	unsigned without;

	if (!h)
		return 0;
	pthread_mutex_lock(&h->lock);
	a = findings_of(&h->findings, agent, false);
	without = a ? a->without : 0;
	pthread_mutex_unlock(&h->lock);
	return without;
}

/* --------------------------------------------------------------------- the thread */

/* A sentence that several agents share is said once. */
static void keep_lack(struct model_health *h, const struct agent *agent, const struct model_trial_result *result)
{
	const char *lack = result->lack;
	struct agent_finding *a;
	bool said = !*lack;

	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < h->findings.count; i++)
		said |= !strcmp(h->findings.agents[i].lack, lack);
	a = findings_of(&h->findings, agent, *lack);
	if (a) {
		snprintf(a->lack, sizeof a->lack, "%s", lack);
		a->without = result->without;
	}
	pthread_mutex_unlock(&h->lock);
	if (!said)
		log_warn("model", "the session is not all that the agent %s asks for: %s", agent->name, lack);
}

/* 0; -ECANCELED: the program stops; another: this agent's session failed. */
static int try(struct model_health *h, const struct agent *agent)
{
	bool asks = atomic_load(&h->answers);
	struct model_trial_result result;
	struct buf tools;
	int err;

	buf_init(&tools, 0);
	h->declare(&tools, h->work, agent);
	err = model_trial(h->access, agent, buf_text(&tools), asks, &h->stop, &result);
	buf_free(&tools);
	if (err == -ECANCELED)
		return err;
	if (err) {
		stat_model_error(result.failure.error_class, result.failure.code);
		if (!failed(h, agent, &result.failure, false))
			log_warn("model", "probe failed: agent=%s %s", agent->name, result.failure.text);
		return result.failure.agents_own ? 0 : err;
	}
	log_info("model", "probe succeeded; agent=%s%s%s connect_ms=%lld", agent->name, *agent->variant ? "/" : "",
	    agent->variant, (long long)result.connect_ms);
	if (asks && agent->model_protocol != MODEL_KIND_TEXT)
		answered(h);
	keep_lack(h, agent, &result);
	model_health_ok(h, agent, result.connect_ms);
	return 0;
}

/* True if this agent is to be tried now: in a round all are; else those with a failure, and where
 * all have one, the first. */
static bool due(struct model_health *h, const struct agent *agent, bool round)
{
	struct agent_finding *a;
	bool so;

	pthread_mutex_lock(&h->lock);
	a = findings_of(&h->findings, agent, false);
	if (a)
		a->seen = true;
	so = round || h->findings.all.text[0] || (a && a->found.text[0]);
	pthread_mutex_unlock(&h->lock);
	return so;
}

/* What is known of agents that are gone is forgotten. True: nothing is left to be tried again. */
static bool settle(struct model_health *h)
{
	bool good;

	pthread_mutex_lock(&h->lock);
	good = findings_keep_seen(&h->findings);
	pthread_mutex_unlock(&h->lock);
	return good && !h->unfinished;
}

/* What fails for reasons that all agents share ends the round: it is due again. True if nothing is
 * to be tried again, or the program stops. */
static bool probe(struct model_health *h)
{
	const struct agent **list = calloc(AGENTS_LISTED_MAX, sizeof *list);
	size_t n = list ? agents_list(h->known, list, AGENTS_LISTED_MAX) : 0;
	bool round = atomic_exchange(&h->round_due, false) || h->unfinished;
	int err = list ? 0 : -ENOMEM;

	for (size_t i = 0; i < n; i++) {
		if (due(h, list[i], round) && !err)
			err = try(h, list[i]);
		agent_release(list[i]);
	}
	free(list);
	h->unfinished = err && round;
	return err == -ECANCELED || settle(h);
}

/* While all is good it sleeps until somebody asks; else for one interval, which a reload alone cuts
 * short: a hundred failing calls are still one trial an interval. A call that has just seen it fail
 * begins the interval. */
static void *probe_until_stopped(void *arg)
{
	struct model_health *h = arg;
	int64_t next_us = probe(h) ? NEVER_US : clock_now_us() + INTERVAL_US;

	for (;;) {
		struct pollfd fds[2] = { { .fd = h->stop.fd, .events = POLLIN },
			{ .fd = h->ask.fd, .events = POLLIN } };

		poll(fds, 2, next_us == NEVER_US ? -1 : clock_poll_ms(clock_now_us(), next_us));
		if (fds[0].revents)
			return NULL;
		if (fds[1].revents)
			bell_clear(&h->ask);
		if (atomic_load(&h->round_due) || clock_now_us() >= next_us)
			next_us = probe(h) ? NEVER_US : clock_now_us() + INTERVAL_US;
		else if (next_us == NEVER_US)
			next_us = clock_now_us() + INTERVAL_US;
	}
}

/* ------------------------------------------------------------------------- showing */

void model_health_put_refused(struct model_health *h, struct json_out *j)
{
	pthread_mutex_lock(&h->lock);
	findings_put_refused(&h->findings, j);
	pthread_mutex_unlock(&h->lock);
}

void model_health_put_status(struct model_health *h, struct json_out *j)
{
	pthread_mutex_lock(&h->lock);
	findings_put_status(&h->findings, h->known, j);
	pthread_mutex_unlock(&h->lock);
}

/* -------------------------------------------------------------- opening and closing */

int model_health_open(struct model_health **out)
{
	struct model_health *h = calloc(1, sizeof *h);
	int err;

	if (!h)
		return -ENOMEM;
	h->stop.fd = h->ask.fd = -1;
	pthread_mutex_init(&h->lock, NULL);
	if ((err = bell_open(&h->stop)) || (err = bell_open(&h->ask))) {
		model_health_close(h);
		return err;
	}
	*out = h;
	return 0;
}

void model_health_close(struct model_health *h)
{
	if (!h)
		return;
	bell_close(&h->stop);
	bell_close(&h->ask);
	pthread_mutex_destroy(&h->lock);
	findings_free(&h->findings);
	free(h);
}

static void agents_are_new(void *health)
{
	struct model_health *h = health;

	pthread_mutex_lock(&h->lock);
	findings_ask_again(&h->findings);
	pthread_mutex_unlock(&h->lock);
	atomic_store(&h->round_due, true);
	bell_ring(&h->ask);
}

int model_health_probe(struct model_health *h, const struct model_access *access, struct agents *agents,
    model_declare *declare, const struct work *work)
{
	int err;

	h->access = access;
	h->declare = declare;
	h->work = work;
	atomic_store(&h->round_due, true);
	pthread_mutex_lock(&h->lock);
	h->known = agents;
	pthread_mutex_unlock(&h->lock);
	err = -pthread_create(&h->thread, NULL, probe_until_stopped, h);
	h->probing = !err;
	if (!err)
		agents_on_change(agents, agents_are_new, h);
	return err;
}

/* The bell also cuts a running probe short, so the join is quick. */
void model_health_stop(struct model_health *h)
{
	if (!h->probing)
		return;
	h->probing = false;
	bell_ring(&h->stop);
	pthread_join(h->thread, NULL);
}
