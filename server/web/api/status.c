/* Each section is a part's own numbers, then its counters. Everything is
 * read without stopping anybody: the numbers of two sections may be a moment
 * apart. Names are never changed or reused, as people's dashboards read
 * them.
 */
#include "server/web/api/status.h"

#include "common/clock.h"
#include "common/json_out.h"
#include "server/config/version.h"
#include "server/stats/stats.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ----------------------------------------------------------------- counters */

static const struct {
	const char *section, *name;
	_Atomic uint64_t *value;
} counters[] = {
#define X(section, name, help) { #section, #name, &stats.section##_##name },
	STAT_COUNTERS(X)
#undef X
};

/* Every counter of the section, into the object that is open. */
static void put_counters(struct json_out *j, const char *section)
{
	for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
		if (!strcmp(counters[i].section, section))
			json_put_uint(
			    j, counters[i].name, atomic_load_explicit(counters[i].value, memory_order_relaxed));
	}
}

/* ------------------------------------------------------------- what is nobody's own */

/* Also the endings that have not occurred: 0 is news, too. */
static void put_endings(struct json_out *j)
{
	json_put_object(j, "ended");
	for (int end = CALL_NOT_ENDED + 1; end < CALL_END_COUNT; end++)
		json_put_uint(j, call_ending((enum call_end)end)->json, stat_get(ended[end]));
	json_put_end(j);
}

static void put_error(void *arg, const char *error_class, const char *code, uint64_t count)
{
	struct json_out *j = arg;

	json_put_object(j, NULL);
	json_put_text(j, "class", error_class);
	json_put_text(j, "code", code);
	json_put_uint(j, "count", count);
	json_put_end(j);
}

static void put_errors(struct json_out *j)
{
	json_put_array(j, "errors");
	stat_model_errors(put_error, j);
	json_put_end(j);
}

static void put_audio(struct json_out *j)
{
	json_put_int(j, "valves_open", stat_get(valves_open));
	json_put_int(j, "oldest_audio_ms", stat_get(oldest_audio_ms));
}

/* Quantiles since the start, from logarithmic buckets; all 0 without
 * samples. */
static void put_latency(struct json_out *j, const char *name, const struct hist *h)
{
	static const struct {
		const char *name;
		double share;
	} parts[] = { { "p50_ms", 0.50 }, { "p90_ms", 0.90 }, { "p99_ms", 0.99 }, { "max_ms", 1.0 } };

	json_put_object(j, name);
	json_put_uint(j, "count", atomic_load_explicit(&h->count, memory_order_relaxed));
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		json_put_fixed(j, parts[i].name, (double)hist_quantile_us(h, parts[i].share) / 1000.0, 3);
	json_put_end(j);
}

static void put_latencies(struct json_out *j)
{
#define X(name, help) put_latency(j, #name, &stats.name);
	STAT_LATENCIES(X)
#undef X
}

/* ------------------------------------------------------------------ process */

/* The number behind a name in /proc/self/status ("VmRSS: 5120 kB"); -1 if it
 * is not there. */
static long proc_status(const char *name)
{
	FILE *file = fopen("/proc/self/status", "re");
	size_t len = strlen(name);
	char line[256];
	long value = -1;

	while (file && fgets(line, sizeof line, file)) {
		if (!strncmp(line, name, len) && line[len] == ':') {
			sscanf(line + len + 1, "%ld", &value);
			break;
		}
	}
	if (file)
		fclose(file);
	return value;
}

static long open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	long n = -3; /* ".", ".." and the one just opened */

	if (!dir)
		return -1;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void put_process(struct json_out *j)
{
	struct rusage usage = { 0 };

	getrusage(RUSAGE_SELF, &usage);
	json_put_int(j, "pid", getpid());
	json_put_int(j, "rss_kb", proc_status("VmRSS"));
	json_put_int(j, "threads", proc_status("Threads"));
	json_put_fixed(j, "cpu_seconds", seconds(usage.ru_utime) + seconds(usage.ru_stime), 3);
	json_put_int(j, "open_files", open_files());
}

/* -------------------------------------------------------------------- whole */

/* In the order in which they are shown. */
static const char *const sections[] = { "calls", "agents", "model", "latency", "audio", "turns", "digits", "tools",
	"twilio", "relay", "gather", "ladder", "voicemail", "voice", "http", "watchers", "records", "knowledge",
	"recording", "cost", "work", "outbound", "outbox", "store", "process" };

/* What is gathered here. */
static const struct {
	const char *section;
	void (*put)(struct json_out *j);
} gathered[] = {
	{ "calls", put_endings },
	{ "model", put_errors },
	{ "latency", put_latencies },
	{ "audio", put_audio },
	{ "process", put_process },
};

/* First what its part says (parts.c), last its counters. */
static void put_section(const struct web_parts *parts, const char *name, struct json_out *j)
{
	if (parts->put_status && !parts->put_status(parts->program, name, NULL)) {
		json_put_null(j, name);
		return;
	}
	json_put_object(j, name);
	if (parts->put_status)
		parts->put_status(parts->program, name, j);
	for (size_t i = 0; i < sizeof gathered / sizeof *gathered; i++)
		if (!strcmp(gathered[i].section, name))
			gathered[i].put(j);
	put_counters(j, name);
	json_put_end(j);
}

/* On a worker, at each request. */
void status_json(const struct web_parts *parts, int64_t now_us, struct buf *out)
{
	struct json_out j = json_out_to(out);

	json_put_object(&j, NULL);
	json_put_text(&j, "version", TRUNKLINE_VERSION);
	json_put_fixed(&j, "uptime_seconds", (double)(now_us - parts->started_us) / US_PER_S, 3);
	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
		put_section(parts, sections[i], &j);
	json_put_end(&j);
	buf_putc(out, '\n');
}
