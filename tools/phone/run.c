#include "tools/phone/run.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "tools/kit/file.h"
#include "tools/phone/call.h"
#include "tools/phone/clock.h"
#include "tools/phone/report.h"
#include "tools/phone/wav.h"

/* One thread and its calls: every n-th of them. */
struct lane {
	struct loop loop;
	struct stats *stats;
	pthread_t thread;
	long calls, over;
};

static _Thread_local struct lane *my_lane;

static void on_over(struct call *c)
{
	c->over_ns = mono_ns();
	if (++my_lane->over == my_lane->calls)
		my_lane->loop.stop = true;
}

static void *run_lane(void *arg)
{
	my_lane = arg;
	/* The default lets the kernel be 50 us late with every tick. */
	prctl(PR_SET_TIMERSLACK, 2000UL, 0, 0, 0);
	loop_run(&my_lane->loop);
	return NULL;
}

static void open_calls(const struct options *o, struct call *calls, struct lane *lanes)
{
	uint64_t start = mono_ns() + 10 * NS_PER_MS;
	uint64_t ramp = (uint64_t)((double)o->calls / o->ramp * 1e9);

	for (long i = 0; i < o->calls; i++) {
		struct lane *lane = &lanes[i % o->threads];
		uint64_t begin = start + (uint64_t)((double)i / o->ramp * 1e9);

		call_open(&calls[i], &lane->loop, o, lane->stats, (int)i, begin, on_over);
		lane->calls++;
		calls[i].steady_end_ns = UINT64_MAX;
		if (o->calls == 1 || o->seconds <= 0)
			continue;
		/* Time for the last to settle; all hang up in the order they came. */
		calls[i].steady_begin_ns = start + ramp + (uint64_t)(o->settle * 1e9);
		calls[i].steady_end_ns = start + ramp + (uint64_t)(o->seconds * 1e9);
		calls[i].hangup_ns = begin + ramp + (uint64_t)(o->seconds * 1e9);
	}
}

static void merge(struct stats *into, const struct stats *from)
{
#define X(name) into->name += from->name;
	STAT_COUNTS(X)
#undef X
#define X(name) hist_merge(&into->name, &from->name);
	STAT_TIMES(X)
#undef X
}

static int write_sound(const struct options *o, struct call *calls)
{
	struct call *c = &calls[0];

	if (!o->out)
		return 0;
	if (wav_write(o->out, (const uint8_t *)text_str(&c->left), (const uint8_t *)text_str(&c->right), c->left.len) ==
	    0)
		return 0;
	fprintf(stderr, "phone: %s: %s\n", o->out, strerror(errno));
	return -1;
}

static int verdict(const struct options *o, const struct call *calls)
{
	char why[400];

	for (long i = 0; i < o->calls; i++) {
		if (!report_verdict(&calls[i], why, sizeof why)) {
			fprintf(stderr, "phone: %s\n", why);
			return 1;
		}
	}
	return 0;
}

static int run(const struct options *o, struct call *calls, struct lane *lanes)
{
	struct stats *sum = need(sizeof *sum);
	int status;

	for (long i = 0; i < o->threads; i++)
		pthread_create(&lanes[i].thread, NULL, run_lane, &lanes[i]);
	for (long i = 0; i < o->threads; i++) {
		pthread_join(lanes[i].thread, NULL);
		merge(sum, lanes[i].stats);
	}
	status = write_sound(o, calls) == 0 ? verdict(o, calls) : 1;
	report_print(o, calls, sum);
	if (o->report && report_write(o, calls, sum) != 0)
		status = 1;
	free(sum);
	return status;
}

int phone_run(int argc, char **argv)
{
	struct options o;
	struct lane *lanes;
	struct call *calls;
	int status = options_read(&o, argc, argv);

	if (status != OPTIONS_RUN) {
		options_free(&o);
		return status;
	}
	signal(SIGPIPE, SIG_IGN);
	file_allow_many();
	lanes = need((size_t)o.threads * sizeof *lanes);
	calls = need((size_t)o.calls * sizeof *calls);
	for (long i = 0; i < o.threads; i++) {
		lanes[i].stats = need(sizeof *lanes[i].stats);
		if (loop_open(&lanes[i].loop) != 0) {
			perror("phone: epoll");
			return 2;
		}
	}
	open_calls(&o, calls, lanes);
	status = run(&o, calls, lanes);
	for (long i = 0; i < o.calls; i++)
		call_close(&calls[i]);
	for (long i = 0; i < o.threads; i++) {
		loop_close(&lanes[i].loop);
		free(lanes[i].stats);
	}
	free(calls);
	free(lanes);
	options_free(&o);
	return status;
}
