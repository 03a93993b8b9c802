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
#include <string.h>

static const struct model_access *access_;
static struct agents *agents_;
static pthread_t thread;
static struct bell stop = { -1 }, ask = { -1 };
static _Atomic bool blocks;
static pthread_mutex_t text_lock = PTHREAD_MUTEX_INITIALIZER;
static char text[256];

static void set_text(const char *sentence)
{
	pthread_mutex_lock(&text_lock);
	snprintf(text, sizeof text, "%s", sentence);
	pthread_mutex_unlock(&text_lock);
}

void model_health_text(char *out, size_t size)
{
	pthread_mutex_lock(&text_lock);
	snprintf(out, size, "%s", text);
	pthread_mutex_unlock(&text_lock);
}

bool model_health_blocks(void)
{
	return atomic_load(&blocks);
}

/* The exchange lets only one of many calls that recover at once write the
 * line. */
void model_health_ok(int64_t connect_ms)
{
	stat_add(model_connects, 1);
	hist_add(&stats.model_connect, connect_ms * US_PER_MS);
	atomic_store(&stats.last_connect_ms, connect_ms);
	if (atomic_exchange(&blocks, false))
		log_info("model", "can be reached again");
	set_text("");
}

/* An overloaded service refuses one call and takes the next: only a failure
 * that will not pass by itself blocks. The bell wakes the probing thread. */
void model_health_failed(const struct model_failure *failure)
{
	stat_model_error(failure->error_class, failure->code);
	set_text(failure->text);
	if (failure->permanent && !atomic_exchange(&blocks, true)) {
		log_error("model", "not to be had: %s", failure->text);
		bell_ring(&ask);
	}
}

/* True if the model answered, or the program stops. Blocks, bounded by the
 * session's deadlines. */
static bool probe(void)
{
	struct model_failure failure;
	int64_t connect_ms = 0;
	const struct agent *agent = agents_for_number(agents_, "");
	int err = model_session_try(access_, agent, &stop, &failure, &connect_ms);

	agent_release(agent);
	if (err == -ECANCELED)
		return true;
	if (err) {
		model_health_failed(&failure);
		log_warn("model", "probe failed: %s", failure.text);
		return false;
	}
	log_info("model", "probe succeeded; connect_ms=%lld", (long long)connect_ms);
	model_health_ok(connect_ms);
	return true;
}

/* A call has got through since the last probe: then there is nothing to ask. */
static bool recovered(void)
{
	char last[sizeof text];

	model_health_text(last, sizeof last);
	return !model_health_blocks() && !last[0];
}

/* `good` picks the sleep: for ever with an ear on `ask`, or one interval
 * without. In the second state `ask` is not polled: a hundred failing calls
 * are still one probe an interval. */
static void *probe_until_stopped(void *unused)
{
	bool good = probe();

	(void)unused;
	for (;;) {
		struct pollfd fds[2] = { { .fd = stop.fd, .events = POLLIN },
			{ .fd = good ? ask.fd : -1, .events = POLLIN } };
		int n = poll(fds, 2, good ? -1 : HEALTH_PROBE_SECONDS * 1000);

		if (fds[0].revents)
			return NULL;
		if (n > 0 && fds[1].revents) {
			/* A call has just seen it fail: probe after one interval, not
			 * at once. */
			bell_clear(&ask);
			good = false;
		} else if (!good) {
			good = recovered() || probe();
		}
	}
}

int model_health_open(const struct model_access *access, struct agents *agents)
{
	int err;

	access_ = access;
	agents_ = agents;
	if ((err = bell_open(&stop)) || (err = bell_open(&ask)))
		return err;
	return -pthread_create(&thread, NULL, probe_until_stopped, NULL);
}

/* The bell also cuts a running probe short, so the join is quick. */
void model_health_close(void)
{
	bell_ring(&stop);
	pthread_join(thread, NULL);
	bell_close(&stop);
	bell_close(&ask);
}
