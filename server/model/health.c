/* What lies with the service, the key or the way there is known of all agents at once (`all`); what lies with an
 * agent's file, of each (`agents`). The text API is one more way there, which the endpoints have nothing to do with;
 * what it refuses lies with the agents. The thread sleeps until a call's failure or a reload asks, or while something is
 * refused or failing, for one interval. A trial is a whole session, opened and closed, because a wrong key may pass the
 * upgrade and be refused afterwards. It asks for no answer and sends no audio, so it is not billed; only where an answer
 * was what was refused (no money is left, say) it asks for one. */
#include "server/model/health.h"

#include "common/backoff.h"
#include "common/clock.h"
#include "common/log.h"
#include "server/model/errors.h"
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

/* The thread's own, for one endpoint. */
struct probing {
	int64_t next_us; /* of the next trials there */
	int failed;      /* rounds in a row after which something was to be tried again */
	bool unfinished; /* the last round broke off */
};

struct model_health {
	struct bell stop, ask;  /* both ring for the probing thread */
	_Atomic bool round_due; /* by a start or a reload: all agents are to be tried, now */

	pthread_mutex_t lock; /* guards the findings */
	struct findings findings;

	/* Set before the thread starts, constant after. */
	struct agents *known;
	model_declare *declare;
	const struct work *work;
	pthread_t thread;
	bool started;
	struct probing probing[FINDINGS_WAYS];
};

/* ------------------------------------------------------------------- from any thread */

static size_t place(const struct model_health *h, const struct model_access *endpoint, const struct agent *agent)
{
	return findings_place(&h->findings, endpoint, agent);
}

bool model_health_blocks(struct model_health *h)
{
	bool blocks;

	pthread_mutex_lock(&h->lock);
	blocks = findings_block(&h->findings, h->known);
	pthread_mutex_unlock(&h->lock);
	return blocks;
}

bool model_health_refuses(struct model_health *h, const struct agent *agent, char why[MODEL_FAILURE_SIZE])
{
	const struct finding *found;

	if (!h)
		return false;
	pthread_mutex_lock(&h->lock);
	found = findings_all_refused(&h->findings, agent);
	if (!found)
		found = findings_refused(&h->findings, h->known, agent->name);
	if (found)
		snprintf(why, MODEL_FAILURE_SIZE, "%s", found->text);
	pthread_mutex_unlock(&h->lock);
	return found;
}

enum way_state model_health_way(struct model_health *h, const struct model_access *endpoint, const struct agent *agent)
{
	enum way_state state = WAY_WELL;

	if (!h)
		return state;
	pthread_mutex_lock(&h->lock);
	state = findings_way(&h->findings, place(h, endpoint, agent), agent);
	pthread_mutex_unlock(&h->lock);
	return state;
}

void model_health_ok(
    struct model_health *h, const struct model_access *endpoint, const struct agent *agent, int64_t connect_ms)
{
	struct agent_finding *a;
	size_t at;

	if (connect_ms < 0)
		return;
	stat_add(model_connects, 1);
	hist_add(&stats.model_connect, connect_ms * US_PER_MS);
	atomic_store(&stats.last_connect_ms, connect_ms);
	if (!h)
		return;
	at = place(h, endpoint, agent);
	pthread_mutex_lock(&h->lock);
	h->findings.connect_ms[at] = connect_ms;
	if (!h->findings.all[at].in_answer || findings_in_text(agent))
		findings_clear(&h->findings, at);
	a = findings_of(&h->findings, agent, false);
	if (a && a->at[at].found.blocks)
		log_info(
		    "model", "agent %s: its sessions are taken again by endpoint %d", agent->name, endpoint->number);
	if (a)
		memset(&a->at[at].found, 0, sizeof a->at[at].found);
	pthread_mutex_unlock(&h->lock);
}

static void answered(struct model_health *h, const struct model_access *endpoint, const struct agent *agent)
{
	size_t at = place(h, endpoint, agent);

	pthread_mutex_lock(&h->lock);
	if (findings_in_text(agent) || h->findings.all[at].in_answer)
		findings_clear(&h->findings, at);
	pthread_mutex_unlock(&h->lock);
}

/* An overloaded service refuses one call and takes the next: only a failure that will not pass by
 * itself blocks. The bell wakes the probing thread. True: it was told, as news. */
static bool failed(struct model_health *h, const struct model_access *endpoint, const struct agent *agent,
    const struct model_failure *failure, bool in_answer)
{
	enum way_state before, after;

	if (!h || failure->moderated)
		return false;
	pthread_mutex_lock(&h->lock);
	after = findings_state(
	    findings_note_at(&h->findings, place(h, endpoint, agent), agent, failure, in_answer, &before));
	pthread_mutex_unlock(&h->lock);
	if (before == after || (after == WAY_FAILING && h->findings.endpoint_count == 1 && !findings_in_text(agent)))
		return false;
	findings_tell(&h->findings, place(h, endpoint, agent), agent, failure, after);
	bell_ring(&h->ask);
	return true;
}

void model_health_failed(struct model_health *h, const struct model_access *endpoint, const struct agent *agent,
    const struct model_failure *failure)
{
	stat_model_error(failure->error_class, failure->code);
	failed(h, endpoint, agent, failure, false);
}

/* The conversation has counted the error already. */
static void refused(struct model_health *h, const struct model_access *endpoint, const struct agent *agent,
    const char *code, const char *text)
{
	struct model_failure failure = { .error_class = "session", .permanent = true };
	int status = !strncmp(code, "http_", 5) ? atoi(code + 5) : 0;
	char what[MODEL_FAILURE_SIZE];

	failure.agents_own = findings_in_text(agent) ||
			     (model_error_is_of_model(code) && model_access_has_agents_model(endpoint, agent));
	snprintf(failure.code, sizeof failure.code, "%s", code);
	snprintf(what, sizeof what, "the model refused to go on with a call (%s): %s", code, text);
	model_access_explain(
	    endpoint, agent->model_protocol, what, code, status, "", failure.text, sizeof failure.text);
	failed(h, endpoint, agent, &failure, true);
}

/* One that would be asked for again: nothing of it says that the agent is to blame. */
static void answer_failed(
    struct model_health *h, const struct model_access *endpoint, const struct agent *agent, const struct model_event *e)
{
	struct model_failure failure = { .error_class = "session" };

	snprintf(failure.code, sizeof failure.code, "%s", e->code);
	snprintf(
	    failure.text, sizeof failure.text, "the text API gave a call no answer (%s): %.300s", e->code, e->text);
	failed(h, endpoint, agent, &failure, false);
}

void model_health_heard(
    struct model_health *h, const struct model_access *endpoint, const struct agent *agent, const struct model_event *e)
{
	if (h && e->type == MODEL_RESPONSE_DONE && e->status == MODEL_COMPLETED)
		answered(h, endpoint, agent);
	if (h && e->type == MODEL_RESPONSE_DONE && e->error == MODEL_RETRY && findings_in_text(agent) && !e->aside)
		answer_failed(h, endpoint, agent, e);
	if (h && e->error == MODEL_FATAL)
		refused(h, endpoint, agent, e->code, e->text);
}

/* The text API is not known by its silence: each of its answers has a status. */
void model_health_useless(struct model_health *h, const struct model_access *endpoint, const struct agent *agent,
    const char *code, const char *text)
{
	struct model_failure failure = { .error_class = "session" };

	snprintf(failure.code, sizeof failure.code, "%s", code);
	snprintf(failure.text, sizeof failure.text, "%s", text);
	stat_model_error(failure.error_class, failure.code);
	if (!findings_in_text(agent))
		failed(h, endpoint, agent, &failure, true);
}

void model_health_closed(struct model_health *h, const struct model_access *endpoint, const struct agent *agent,
    enum model_error error, const char *reason)
{
	if (h && error == MODEL_FATAL)
		refused(h, endpoint, agent, reason, "it closed the session");
}

unsigned model_health_without(struct model_health *h, const struct model_access *endpoint, const struct agent *agent)
{
	const struct agent_finding *a;
	unsigned without;

	if (!h)
		return 0;
	pthread_mutex_lock(&h->lock);
	a = findings_of(&h->findings, agent, false);
	without = a ? a->at[place(h, endpoint, agent)].without : 0;
	pthread_mutex_unlock(&h->lock);
	return without;
}

/* --------------------------------------------------------------------- the thread */

/* 0; -ECANCELED: the program stops; another: this agent's session failed. */
static int try(struct model_health *h, size_t at, const struct agent *agent)
{
	const struct model_access *endpoint = findings_access(&h->findings, at);
	struct model_trial_result result;
	struct buf tools;
	bool asks, news;
	int err;

	pthread_mutex_lock(&h->lock);
	asks = h->findings.all[at].in_answer;
	pthread_mutex_unlock(&h->lock);
	buf_init(&tools, 0);
	h->declare(&tools, h->work, agent);
	err = model_trial(endpoint, agent, buf_text(&tools), asks, &h->stop, &result);
	buf_free(&tools);
	if (err == -ECANCELED)
		return err;
	if (err) {
		stat_model_error(result.failure.error_class, result.failure.code);
		if (!failed(h, endpoint, agent, &result.failure, asks))
			log_warn("model", "probe failed: endpoint=%d agent=%s %s", endpoint->number, agent->name,
			    result.failure.text);
		return result.failure.agents_own ? 0 : err;
	}
	log_info("model", "probe succeeded; endpoint=%d agent=%s%s%s connect_ms=%lld", endpoint->number, agent->name,
	    *agent->variant ? "/" : "", agent->variant, (long long)result.connect_ms);
	if (asks)
		answered(h, endpoint, agent);
	pthread_mutex_lock(&h->lock);
	news = findings_keep_lack(&h->findings, at, agent, &result);
	pthread_mutex_unlock(&h->lock);
	if (news)
		log_warn("model", "the session is not all that the agent %s asks for: %s", agent->name, result.lack);
	model_health_ok(h, endpoint, agent, result.connect_ms);
	return 0;
}

/* True if this agent is to be tried there now: in a round all are; else those with a failure, and where
 * all have one, the first. */
static bool due(struct model_health *h, size_t at, const struct agent *agent, bool round)
{
	struct agent_finding *a;
	bool so;

	pthread_mutex_lock(&h->lock);
	a = findings_of(&h->findings, agent, false);
	if (a)
		a->seen = true;
	so = findings_ways(&h->findings, agent) & 1u << at &&
	     (round || h->findings.all[at].text[0] || (a && a->at[at].found.text[0]));
	pthread_mutex_unlock(&h->lock);
	return so;
}

/* The time of the next trials there; NEVER_US: nothing is to be tried again. Where callers have another
 * way meanwhile, and do not try it, the pause is short. */
static int64_t next_at(struct model_health *h, size_t at)
{
	static const struct backoff failing = { .first_ms = HEALTH_FAILING_SECONDS * 1000,
		.most_ms = HEALTH_PROBE_SECONDS * 1000 };
	const struct findings *f = &h->findings;
	int64_t next_us = clock_now_us() + INTERVAL_US;

	pthread_mutex_lock(&h->lock);
	if (findings_good(f, at) && !h->probing[at].unfinished)
		next_us = NEVER_US;
	else if ((f->endpoint_count > 1 || at == FINDINGS_TEXT) && findings_state(&f->all[at]) == WAY_FAILING)
		next_us = clock_now_us() + backoff_ms(&failing, h->probing[at].failed + 1, 0, UINT32_MAX) * US_PER_MS;
	pthread_mutex_unlock(&h->lock);
	return next_us;
}

/* What fails for reasons that all agents share ends the round there: it is due again. */
static int probe(struct model_health *h, size_t at, bool round)
{
	const struct agent **list = calloc(AGENTS_LISTED_MAX, sizeof *list);
	size_t n = list ? agents_list(h->known, list, AGENTS_LISTED_MAX) : 0;
	struct probing *p = &h->probing[at];
	int err = list ? 0 : -ENOMEM;
	size_t in_text = 0;

	round |= p->unfinished;
	for (size_t i = 0; i < n; i++) {
		if (due(h, at, list[i], round) && !err)
			err = try(h, at, list[i]);
		in_text += findings_in_text(list[i]);
		agent_release(list[i]);
	}
	free(list);
	p->unfinished = err && round;
	pthread_mutex_lock(&h->lock);
	h->findings.listed = n;
	h->findings.in_text = in_text;
	findings_keep_seen(&h->findings); /* what is known of agents that are gone is forgotten */
	pthread_mutex_unlock(&h->lock);
	p->next_us = next_at(h, at);
	p->failed = p->next_us == NEVER_US ? 0 : p->failed + 1;
	return err;
}

/* While all is good it sleeps until somebody asks; else for one interval, which a reload alone cuts
 * short: a hundred failing calls are still one trial an interval. */
static void *probe_until_stopped(void *arg)
{
	struct model_health *h = arg;

	for (;;) {
		struct pollfd fds[2] = { { .fd = h->stop.fd, .events = POLLIN },
			{ .fd = h->ask.fd, .events = POLLIN } };
		bool round = atomic_exchange(&h->round_due, false);
		int64_t next_us = NEVER_US;

		for (size_t i = 0; i < FINDINGS_WAYS; i++) {
			if (!findings_has(&h->findings, i))
				continue;
			if ((round || clock_now_us() >= h->probing[i].next_us) && probe(h, i, round) == -ECANCELED)
				return NULL;
			next_us = earlier(next_us, h->probing[i].next_us);
		}
		poll(fds, 2, next_us == NEVER_US ? -1 : clock_poll_ms(clock_now_us(), next_us));
		if (fds[0].revents)
			return NULL;
		if (fds[1].revents)
			bell_clear(&h->ask);
		/* A call that has just seen it fail begins the interval. */
		for (size_t i = 0; i < FINDINGS_WAYS; i++)
			h->probing[i].next_us = earlier(h->probing[i].next_us, next_at(h, i));
	}
}

/* ------------------------------------------------------------------------- showing */

void model_health_put_ready(struct model_health *h, struct json_out *j)
{
	pthread_mutex_lock(&h->lock);
	findings_put_ready(&h->findings, j);
	pthread_mutex_unlock(&h->lock);
}

void model_health_put_status(struct model_health *h, struct json_out *j)
{
	pthread_mutex_lock(&h->lock);
	findings_put_status(&h->findings, h->known, j);
	pthread_mutex_unlock(&h->lock);
}

/* -------------------------------------------------------------- opening and closing */

int model_health_open(struct model_health **out, const struct model_access *endpoints, size_t count)
{
	struct model_health *h = calloc(1, sizeof *h);
	int err;

	if (!h)
		return -ENOMEM;
	h->stop.fd = h->ask.fd = -1;
	pthread_mutex_init(&h->lock, NULL);
	findings_init(&h->findings, endpoints, count);
	for (size_t i = 0; i < FINDINGS_WAYS; i++)
		h->probing[i] = (struct probing){ .next_us = NEVER_US };
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

int model_health_probe(struct model_health *h, struct agents *agents, model_declare *declare, const struct work *work)
{
	int err;

	h->declare = declare;
	h->work = work;
	atomic_store(&h->round_due, true);
	pthread_mutex_lock(&h->lock);
	h->known = agents;
	pthread_mutex_unlock(&h->lock);
	err = -pthread_create(&h->thread, NULL, probe_until_stopped, h);
	h->started = !err;
	if (!err)
		agents_on_change(agents, agents_are_new, h);
	return err;
}

/* The bell also cuts a running probe short, so the join is quick. */
void model_health_stop(struct model_health *h)
{
	if (!h->started)
		return;
	h->started = false;
	bell_ring(&h->stop);
	pthread_join(h->thread, NULL);
}
