#include "tools/relay/faults.h"

#include "common/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* All wait equally long, so a queue keeps them in order. */
struct waiting {
	struct waiting *next;
	void *arg;
	int way;
	int64_t due_us;
	size_t len;
	char text[];
};

struct faults faults;

static struct waiting *first, **last = &first;

bool faults_drop(uint64_t *counter)
{
	if (!faults.drop_percent)
		return false;
	/* Evenly: the n-th message goes when the share passes a whole number. */
	uint64_t before = *counter * (uint64_t)faults.drop_percent / 100;

	++*counter;
	return *counter * (uint64_t)faults.drop_percent / 100 != before;
}

static int64_t cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

void faults_burn(void)
{
	int64_t until;

	if (!faults.burn_us)
		return;
	until = cpu_us() + faults.burn_us;
	while (cpu_us() < until)
		;
}

void faults_put_off(void *arg, int way, const char *text, size_t len, int64_t now_us)
{
	struct waiting *w = malloc(sizeof *w + len);

	if (!w) {
		perror("relay");
		exit(1);
	}
	*w = (struct waiting){ .arg = arg, .way = way, .due_us = now_us + faults.delay_ms * US_PER_MS, .len = len };
	memcpy(w->text, text, len);
	*last = w;
	last = &w->next;
}

int64_t faults_run(faults_send_fn *send, int64_t now_us)
{
	while (first && first->due_us <= now_us) {
		struct waiting *w = first;

		first = w->next;
		if (!first)
			last = &first;
		send(w->arg, w->way, w->text, w->len);
		free(w);
	}
	return first ? first->due_us : NEVER_US;
}
