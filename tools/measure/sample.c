#include "tools/measure/sample.h"

#include "tools/measure/child.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The number behind `name` in a file of lines "Name:  number …"; 0 if it is not there. */
static uint64_t field(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

static bool read_text(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(text, 1, size - 1, f) : 0;

	text[n] = '\0';
	if (f)
		fclose(f);
	return n > 0;
}

uint64_t sample_cpu_ns(pid_t pid)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
		return 0;
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

uint64_t sample_busy_ns(void)
{
	/* user nice system idle iowait irq softirq steal, in ticks. */
	unsigned long long t[8] = { 0 };
	char text[4096];

	if (!read_text("/proc/stat", text, sizeof text) ||
	    sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6],
		&t[7]) != 8)
		return 0;
	return (t[0] + t[1] + t[2] + t[5] + t[6] + t[7]) * (1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK));
}

static void add_threads(struct sample *s, pid_t pid)
{
	char path[64], text[4096];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "/proc/%d/task/%.16s/status", (int)pid, entry->d_name);
		if (!read_text(path, text, sizeof text))
			continue;
		s->wakeups += field(text, "\nvoluntary_ctxt_switches:");
		s->preempted += field(text, "\nnonvoluntary_ctxt_switches:");
		s->threads++;
	}
	if (dir)
		closedir(dir);
}

bool sample_take(struct sample *s, pid_t pid)
{
	char path[64], text[4096];

	*s = (struct sample){ .at_ns = mono_ns(), .cpu_ns = sample_cpu_ns(pid) };
	add_threads(s, pid);
	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	if (!read_text(path, text, sizeof text))
		return false;
	s->rss_kb = (double)field(text, "\nVmRSS:");
	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
	if (read_text(path, text, sizeof text))
		s->pss_kb = (double)field(text, "\nPss:");
	return s->threads > 0;
}
