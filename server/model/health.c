/* Two states. Either the model is believed to answer, and the thread sleeps
 * until a call's failure asks; or it is not, and the thread probes. A probe
 * is a whole session, opened and closed, because a wrong key may pass the
 * upgrade and be refused afterwards. It asks for no answer and sends no
 * audio, so it is not billed.
 */
#include "server/model/health.h"

#include "common/clock.h"
#include "common/log.h"
#include "server/stats/stats.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct model_health {
	struct bell stop, ask; /* both ring for the probing thread */
	_Atomic bool blocks;
	pthread_mutex_t lock; /* guards the sentence */
	char text[MODEL_FAILURE_SIZE];

	/* Set before the thread starts, constant after. */
	const struct model_access *access;
	struct agents *agents;
	pthread_t thread;
	bool probing;
};

static void set_text(struct model_health *h, const char *sentence)
{
	pthread_mutex_lock(&h->lock);
	snprintf(h->text, sizeof h->text, "%s", sentence);
	pthread_mutex_unlock(&h->lock);
}

/* "" if the last attempt succeeded. */
static void last_failure(struct model_health *h, char *out, size_t size)
{
	pthread_mutex_lock(&h->lock);
	snprintf(out, size, "%s", h->text);
	pthread_mutex_unlock(&h->lock);
}

bool model_health_blocks(const struct model_health *h)
{
	return atomic_load(&h->blocks);
}

/* The exchange lets only one of many calls that recover at once write the
 * line. */
void model_health_ok(struct model_health *h, int64_t connect_ms)
{
	stat_add(model_connects, 1);
	hist_add(&stats.model_connect, connect_ms * US_PER_MS);
	atomic_store(&stats.last_connect_ms, connect_ms);
	if (!h)
		return;
	if (atomic_exchange(&h->blocks, false))
		log_info("model", "can be reached again");
	set_text(h, "");
}

/* An overloaded service refuses one call and takes the next: only a failure
 * that will not pass by itself blocks. The bell wakes the probing thread. */
void model_health_failed(struct model_health *h, const struct model_failure *failure)
{
	stat_model_error(failure->error_class, failure->code);
	if (!h)
		return;
	set_text(h, failure->text);
	if (failure->permanent && !atomic_exchange(&h->blocks, true)) {
		log_error("model", "not to be had: %s", failure->text);
		bell_ring(&h->ask);
	}
}

/* True if the model answered, or the program stops. Blocks, bounded by the
 * session's deadlines. */
static bool probe(struct model_health *h)
{
	struct model_failure failure;
	int64_t connect_ms = 0;
	const struct agent *agent = agents_for_number(h->agents, "");
	int err = model_session_try(h->access, agent, &h->stop, &failure, &connect_ms);

	agent_release(agent);
	if (err == -ECANCELED)
		return true;
	if (err) {
		model_health_failed(h, &failure);
		log_warn("model", "probe failed: %s", failure.text);
		return false;
	}
	log_info("model", "probe succeeded; connect_ms=%lld", (long long)connect_ms);
	model_health_ok(h, connect_ms);
	return true;
}

/* A call has got through since the last probe: then there is nothing to ask. */
static bool recovered(struct model_health *h)
{
	char last[sizeof h->text];

	last_failure(h, last, sizeof last);
	return !model_health_blocks(h) && !last[0];
}

/* `good` picks the sleep: for ever with an ear on `ask`, or one interval
 * without. In the second state `ask` is not polled: a hundred failing calls
 * are still one probe an interval. */
static void *probe_until_stopped(void *arg)
{
	struct model_health *h = arg;
	bool good = probe(h);

	for (;;) {
		struct pollfd fds[2] = { { .fd = h->stop.fd, .events = POLLIN },
			{ .fd = good ? h->ask.fd : -1, .events = POLLIN } };
		int n = poll(fds, 2, good ? -1 : HEALTH_PROBE_SECONDS * 1000);

		if (fds[0].revents)
			return NULL;
		if (n > 0 && fds[1].revents) {
			/* A call has just seen it fail: probe after one interval, not
			 * at once. */
			bell_clear(&h->ask);
			good = false;
		} else if (!good) {
			good = recovered(h) || probe(h);
		}
	}
}

void model_health_put_status(struct model_health *h, struct json_out *j)
{
	int64_t connect_ms = stat_get(last_connect_ms);
	char failure[sizeof h->text];

	last_failure(h, failure, sizeof failure);
	json_put_bool(j, "available", !model_health_blocks(h));
	if (connect_ms < 0)
		json_put_null(j, "last_connect_ms");
	else
		json_put_int(j, "last_connect_ms", connect_ms);
	json_put_text(j, "last_failure", *failure ? failure : NULL);
}

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
	free(h);
}

int model_health_probe(struct model_health *h, const struct model_access *access, struct agents *agents)
{
	int err;

	h->access = access;
	h->agents = agents;
	err = -pthread_create(&h->thread, NULL, probe_until_stopped, h);
	h->probing = !err;
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
