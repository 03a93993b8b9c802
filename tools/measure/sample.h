#ifndef MEASURE_SAMPLE_H
#define MEASURE_SAMPLE_H
/* What the kernel says a process has used so far. */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct sample {
	uint64_t at_ns;
	uint64_t cpu_ns;  /* all threads, those that have ended included */
	uint64_t wakeups; /* voluntary context switches: how often a thread slept and was woken */
	uint64_t preempted;
	double rss_kb, pss_kb; /* pss 0 if the kernel does not tell */
	int threads;
};

/* False if it is gone. */
bool sample_take(struct sample *s, pid_t pid);
/* The CPU time alone, which is cheap. */
uint64_t sample_cpu_ns(pid_t pid);
/* What all cores have spent on anything, stolen time of a virtual machine included. */
uint64_t sample_busy_ns(void);

#endif
