#include "server/web/api/status.h"

#include "common/clock.h"
#include "common/json.h"
#include "server/recording/recorder.h"
#include "server/agents/agents.h"
#include "server/money/spending.h"
#include "server/stats/stats.h"
#include "server/model/health.h"
#include "server/store/store.h"
#include "server/config/version.h"
#include "server/knowledge/knowledge.h"
#include "server/dialer/dialer_show.h"
#include "server/delivery/delivery.h"
#include "server/work/work.h"

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

/* Every counter of the section, each with a comma before it. */
static void put_counters(struct buf *out, const char *section)
{
	for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
		if (!strcmp(counters[i].section, section))
			buf_printf(out, ",\"%s\":%llu", counters[i].name,
			    (unsigned long long)atomic_load_explicit(counters[i].value, memory_order_relaxed));
	}
}

/* -------------------------------------------------------------------- calls */

static void put_endings(struct buf *out)
{
	buf_puts(out, ",\"ended\":{");
	for (int end = CALL_NOT_ENDED + 1; end < CALL_END_COUNT; end++)
		buf_printf(out, "%s\"%s\":%llu", end > CALL_NOT_ENDED + 1 ? "," : "",
		    call_ending((enum call_end)end)->json, (unsigned long long)stat_get(ended[end]));
	buf_putc(out, '}');
}

static void put_calls(const struct web_parts *parts, struct buf *out)
{
	struct calls_count count;

	calls_count(parts->calls, &count);
	buf_printf(out, ",\"calls\":{\"live\":%d,\"reserved\":%d,\"ending\":%d,\"limit\":%d,\"draining\":%s",
	    count.live, count.reserved, count.ending, count.limit, count.draining ? "true" : "false");
	put_counters(out, "calls");
	put_endings(out);
	buf_putc(out, '}');
}

/* ------------------------------------------------------------------- agents */

static void put_agents(const struct web_parts *parts, struct buf *out)
{
	buf_puts(out, ",\"agents\":{");
	agents_put_json(parts->agents, out);
	put_counters(out, "agents");
	buf_putc(out, '}');
}

/* -------------------------------------------------------------------- model */

struct error_list {
	struct buf *out;
	bool begun;
};

static void put_error(void *arg, const char *error_class, const char *code, uint64_t count)
{
	struct error_list *list = arg;

	buf_puts(list->out, list->begun ? ",{\"class\":" : "{\"class\":");
	json_put_cstring(list->out, error_class);
	buf_puts(list->out, ",\"code\":");
	json_put_cstring(list->out, code);
	buf_printf(list->out, ",\"count\":%llu}", (unsigned long long)count);
	list->begun = true;
}

static void put_model(struct buf *out)
{
	struct error_list list = { out, false };
	int64_t connect_ms = stat_get(last_connect_ms);
	char failure[512];

	model_health_text(failure, sizeof failure);
	buf_printf(out, ",\"model\":{\"available\":%s,\"last_connect_ms\":", model_health_blocks() ? "false" : "true");
	if (connect_ms < 0)
		buf_puts(out, "null");
	else
		buf_printf(out, "%lld", (long long)connect_ms);
	buf_puts(out, ",\"last_failure\":");
	json_put_cstring(out, *failure ? failure : NULL);
	put_counters(out, "model");
	buf_puts(out, ",\"errors\":[");
	stat_model_errors(put_error, &list);
	buf_puts(out, "]}");
}

/* ------------------------------------------------------- audio and latencies */

static void put_audio(struct buf *out)
{
	buf_printf(out, ",\"audio\":{\"valves_open\":%d,\"oldest_audio_ms\":%lld", stat_get(valves_open),
	    (long long)stat_get(oldest_audio_ms));
	put_counters(out, "audio");
	buf_putc(out, '}');
}

static void put_latency(struct buf *out, const char *name, const struct hist *h)
{
	static const struct {
		const char *name;
		double share;
	} parts[] = { { "p50_ms", 0.50 }, { "p90_ms", 0.90 }, { "p99_ms", 0.99 }, { "max_ms", 1.0 } };

	buf_printf(out, "\"%s\":{\"count\":%llu", name,
	    (unsigned long long)atomic_load_explicit(&h->count, memory_order_relaxed));
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		buf_printf(out, ",\"%s\":%.3f", parts[i].name, (double)hist_quantile_us(h, parts[i].share) / 1000.0);
	buf_putc(out, '}');
}

static void put_latencies(struct buf *out)
{
	static const struct {
		const char *name;
		const struct hist *hist;
	} all[] = {
#define X(name, help) { #name, &stats.name },
		STAT_LATENCIES(X)
#undef X
	};

	buf_puts(out, ",\"latency\":{");
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (i)
			buf_putc(out, ',');
		put_latency(out, all[i].name, all[i].hist);
	}
	buf_putc(out, '}');
}

/* ------------------------------------------------------------------ process */

/* The number behind a name in /proc/self/status; -1 if it is not there. */
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

static void put_process(struct buf *out)
{
	struct rusage usage = { 0 };

	getrusage(RUSAGE_SELF, &usage);
	buf_printf(out,
	    ",\"process\":{\"pid\":%ld,\"rss_kb\":%ld,\"threads\":%ld,\"cpu_seconds\":%.3f,\"open_files\":%ld}",
	    (long)getpid(), proc_status("VmRSS"), proc_status("Threads"),
	    seconds(usage.ru_utime) + seconds(usage.ru_stime), open_files());
}

/* -------------------------------------------------------------------- whole */

static void put_work(const struct web_parts *parts, struct buf *out)
{
	buf_puts(out, ",\"work\":");
	work_put_status(parts->work, out);
}

static void put_store(const struct web_parts *parts, struct buf *out)
{
	struct store_health h;

	buf_puts(out, ",\"store\":");
	if (!parts->store) {
		buf_puts(out, "null");
		return;
	}
	store_health(parts->store, &h);
	buf_printf(out,
	    "{\"failing\":%s,\"written\":%llu,\"failures\":%llu,\"lost\":%llu,\"waiting\":%zu,\"oldest_ms\":%lld,"
	    "\"db_bytes\":%lld,\"last_error\":",
	    h.failing ? "true" : "false", (unsigned long long)h.written, (unsigned long long)h.failures,
	    (unsigned long long)h.lost, h.waiting, (long long)h.oldest_ms, (long long)h.db_bytes);
	json_put_cstring(out, h.last_error[0] ? h.last_error : NULL);
	buf_putc(out, '}');
}

static void put_recording(const struct web_parts *parts, struct buf *out)
{
	buf_puts(out, ",\"recording\":{");
	recorder_put_json(parts->recorder, out);
	put_counters(out, "recording");
	buf_putc(out, '}');
}

static void put_watchers(const struct web_parts *parts, struct buf *out)
{
	buf_printf(out, ",\"watchers\":{\"open\":%d,\"limit\":%d}", stat_get(watchers_open), parts->cfg->max_watchers);
}

static void put_section(struct buf *out, const char *section)
{
	size_t begin;

	buf_printf(out, ",\"%s\":", section);
	begin = out->len;
	put_counters(out, section);
	buf_putc(out, '}');
	/* The comma before the first counter becomes the brace. */
	if (!buf_error(out))
		out->data[begin] = '{';
}

static void put_knowledge(const struct web_parts *parts, struct buf *out)
{
	buf_puts(out, ",\"knowledge\":{\"folders\":");
	knowledge_put_status(parts->knowledge, out);
	put_counters(out, "knowledge");
	buf_putc(out, '}');
}

void status_json(const struct web_parts *parts, int64_t now_us, struct buf *out)
{
	buf_printf(out, "{\"version\":\"%s\",\"uptime_seconds\":%.3f", TRUNKLINE_VERSION,
	    (double)(now_us - parts->started_us) / US_PER_S);
	put_calls(parts, out);
	put_agents(parts, out);
	put_model(out);
	put_latencies(out);
	put_audio(out);
	put_section(out, "turns");
	put_section(out, "tools");
	put_section(out, "twilio");
	put_section(out, "http");
	put_watchers(parts, out);
	put_section(out, "records");
	put_knowledge(parts, out);
	put_recording(parts, out);
	buf_puts(out, ",\"cost\":");
	spending_put_json(out, clock_wall_ms());
	put_work(parts, out);
	buf_puts(out, ",\"outbound\":");
	dialer_put_status(parts->dialer, out);
	buf_puts(out, ",\"outbox\":");
	delivery_put_status(parts->delivery, out);
	put_store(parts, out);
	put_process(out);
	buf_puts(out, "}\n");
}
