/* Each section is a part's own numbers, then its counters. Everything is
 * read without stopping anybody: the numbers of two sections may be a moment
 * apart. Names are never changed or reused, as people's dashboards read
 * them.
 */
#include "server/web/api/status.h"

#include "common/clock.h"
#include "common/json_out.h"
#include "server/recording/recorder.h"
#include "server/agents/agents.h"
#include "server/stats/stats.h"
#include "server/model/health.h"
#include "server/store/store.h"
#include "server/config/version.h"
#include "server/knowledge/knowledge.h"

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

/* -------------------------------------------------------------------- calls */

/* Also the endings that have not occurred: 0 is news, too. */
static void put_endings(struct json_out *j)
{
	json_put_object(j, "ended");
	for (int end = CALL_NOT_ENDED + 1; end < CALL_END_COUNT; end++)
		json_put_uint(j, call_ending((enum call_end)end)->json, stat_get(ended[end]));
	json_put_end(j);
}

static void put_calls(const struct web_parts *parts, struct json_out *j)
{
	struct calls_count count;

	calls_count(parts->calls, &count);
	json_put_object(j, "calls");
	json_put_int(j, "live", count.live);
	json_put_int(j, "reserved", count.reserved);
	json_put_int(j, "ending", count.ending);
	json_put_int(j, "limit", count.limit);
	json_put_bool(j, "draining", count.draining);
	put_counters(j, "calls");
	put_endings(j);
	json_put_end(j);
}

/* ------------------------------------------------------------------- agents */

static void put_agents(const struct web_parts *parts, struct json_out *j)
{
	json_put_object(j, "agents");
	agents_put_json(parts->agents, j);
	put_counters(j, "agents");
	json_put_end(j);
}

/* -------------------------------------------------------------------- model */

static void put_error(void *arg, const char *error_class, const char *code, uint64_t count)
{
	struct json_out *j = arg;

	json_put_object(j, NULL);
	json_put_text(j, "class", error_class);
	json_put_text(j, "code", code);
	json_put_uint(j, "count", count);
	json_put_end(j);
}

static void put_model(const struct web_parts *parts, struct json_out *j)
{
	int64_t connect_ms = stat_get(last_connect_ms);
	char failure[512] = "";

	if (parts->health)
		model_health_text(parts->health, failure, sizeof failure);
	json_put_object(j, "model");
	json_put_bool(j, "available", !parts->health || !model_health_blocks(parts->health));
	if (connect_ms < 0)
		json_put_null(j, "last_connect_ms");
	else
		json_put_int(j, "last_connect_ms", connect_ms);
	json_put_text(j, "last_failure", *failure ? failure : NULL);
	put_counters(j, "model");
	json_put_array(j, "errors");
	stat_model_errors(put_error, j);
	json_put_end(j);
	json_put_end(j);
}

/* ------------------------------------------------------- audio and latencies */

static void put_audio(struct json_out *j)
{
	json_put_object(j, "audio");
	json_put_int(j, "valves_open", stat_get(valves_open));
	json_put_int(j, "oldest_audio_ms", stat_get(oldest_audio_ms));
	put_counters(j, "audio");
	json_put_end(j);
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
	json_put_object(j, "latency");
#define X(name, help) put_latency(j, #name, &stats.name);
	STAT_LATENCIES(X)
#undef X
	json_put_end(j);
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
	json_put_object(j, "process");
	json_put_int(j, "pid", getpid());
	json_put_int(j, "rss_kb", proc_status("VmRSS"));
	json_put_int(j, "threads", proc_status("Threads"));
	json_put_fixed(j, "cpu_seconds", seconds(usage.ru_utime) + seconds(usage.ru_stime), 3);
	json_put_int(j, "open_files", open_files());
	json_put_end(j);
}

/* -------------------------------------------------------------------- whole */

/* null without DATA_DIR. `oldest_ms` is the age of the oldest row that waits
 * to be written: it grows while the disk fails. */
static void put_store(const struct web_parts *parts, struct json_out *j)
{
	struct store_health h;

	if (!parts->store) {
		json_put_null(j, "store");
		return;
	}
	store_health(parts->store, &h);
	json_put_object(j, "store");
	json_put_bool(j, "failing", h.failing);
	json_put_uint(j, "written", h.written);
	json_put_uint(j, "failures", h.failures);
	json_put_uint(j, "lost", h.lost);
	json_put_uint(j, "waiting", h.waiting);
	json_put_int(j, "oldest_ms", h.oldest_ms);
	json_put_int(j, "db_bytes", h.db_bytes);
	json_put_text(j, "last_error", h.last_error[0] ? h.last_error : NULL);
	json_put_end(j);
}

static void put_recording(const struct web_parts *parts, struct json_out *j)
{
	json_put_object(j, "recording");
	recorder_put_json(parts->recorder, j);
	put_counters(j, "recording");
	json_put_end(j);
}

static void put_watchers(const struct web_parts *parts, struct json_out *j)
{
	json_put_object(j, "watchers");
	json_put_int(j, "open", stat_get(watchers_open));
	json_put_int(j, "limit", parts->cfg->max_watchers);
	json_put_end(j);
}

/* For parts that have nothing to show but their counters. */
static void put_section(struct json_out *j, const char *section)
{
	json_put_object(j, section);
	put_counters(j, section);
	json_put_end(j);
}

static void put_knowledge(const struct web_parts *parts, struct json_out *j)
{
	json_put_object(j, "knowledge");
	knowledge_put_status(parts->knowledge, json_put_value(j, "folders"));
	put_counters(j, "knowledge");
	json_put_end(j);
}

/* On a worker, at each request. A part that is missing shows null or its
 * zeroes. */
void status_json(const struct web_parts *parts, int64_t now_us, struct buf *out)
{
	struct json_out j = json_out_to(out);

	json_put_object(&j, NULL);
	json_put_text(&j, "version", TRUNKLINE_VERSION);
	json_put_fixed(&j, "uptime_seconds", (double)(now_us - parts->started_us) / US_PER_S, 3);
	put_calls(parts, &j);
	put_agents(parts, &j);
	put_model(parts, &j);
	put_latencies(&j);
	put_audio(&j);
	put_section(&j, "turns");
	put_section(&j, "tools");
	put_section(&j, "twilio");
	put_section(&j, "http");
	put_watchers(parts, &j);
	put_section(&j, "records");
	put_knowledge(parts, &j);
	put_recording(parts, &j);
	if (parts->put_status)
		parts->put_status(parts->program, &j);
	put_store(parts, &j);
	put_process(&j);
	json_put_end(&j);
	buf_putc(out, '\n');
}
