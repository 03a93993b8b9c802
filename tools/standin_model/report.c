#include "tools/standin_model/report.h"

#include "tools/standin_model/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { LIST_MAX = 500 };

const char *const client_event_names[EVENTS] = {
#define X(id, name) name,
	CLIENT_EVENTS(X)
#undef X
	    "other"
};
const char *const status_names[STATUSES] = { "completed", "cancelled", "failed", "incomplete" };

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct record *records, **last_record = &records;
static struct load_stats *all_stats;

/* Below 32 ns one bucket each; above, 32 buckets for each power of two. */
static int bucket_of(uint64_t ns)
{
	if (ns < 32)
		return (int)ns;
	int power = 63 - __builtin_clzll(ns);
	int bucket = (power - 4) * 32 + (int)((ns >> (power - 5)) & 31);

	return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

static uint64_t bucket_top(int bucket)
{
	if (bucket < 32)
		return (uint64_t)bucket;
	return ((uint64_t)(bucket & 31) + 33) << (bucket / 32 - 1);
}

void histogram_add(struct histogram *h, uint64_t ns)
{
	h->buckets[bucket_of(ns)]++;
	h->count++;
	h->sum += ns;
	if (ns > h->max)
		h->max = ns;
}

static void histogram_merge(struct histogram *to, const struct histogram *from)
{
	for (int i = 0; i < BUCKETS; i++)
		to->buckets[i] += from->buckets[i];
	to->count += from->count;
	to->sum += from->sum;
	to->max = from->max > to->max ? from->max : to->max;
}

static double percentile_us(const struct histogram *h, double share)
{
	uint64_t want = (uint64_t)((double)h->count * share), seen = 0;

	for (int i = 0; i < BUCKETS; i++) {
		seen += h->buckets[i];
		if (seen > want) {
			uint64_t top = bucket_top(i);

			return (double)(top < h->max ? top : h->max) / 1000;
		}
	}
	return (double)h->max / 1000;
}

static cJSON *histogram_json(const struct histogram *h)
{
	cJSON *json = cJSON_CreateObject(), *bars = cJSON_CreateArray();
	uint64_t bar = 0;

	cJSON_AddNumberToObject(json, "count", (double)h->count);
	cJSON_AddNumberToObject(json, "mean_us", h->count ? (double)h->sum / (double)h->count / 1000 : 0);
	cJSON_AddNumberToObject(json, "p50_us", percentile_us(h, 0.5));
	cJSON_AddNumberToObject(json, "p90_us", percentile_us(h, 0.9));
	cJSON_AddNumberToObject(json, "p99_us", percentile_us(h, 0.99));
	cJSON_AddNumberToObject(json, "p999_us", percentile_us(h, 0.999));
	cJSON_AddNumberToObject(json, "max_us", (double)h->max / 1000);
	/* One bar for each doubling: [below so many microseconds, count]. */
	for (int i = 0; i < BUCKETS; i++) {
		bar += h->buckets[i];
		if (i % 32 == 31) {
			if (bar) {
				const double pair[] = { (double)bucket_top(i) / 1000, (double)bar };

				cJSON_AddItemToArray(bars, cJSON_CreateDoubleArray(pair, 2));
			}
			bar = 0;
		}
	}
	cJSON_AddItemToObject(json, "histogram", bars);
	return json;
}

struct record *record_new(unsigned long number, pthread_mutex_t *lock, uint64_t now_ns)
{
	struct record *r = must_alloc(sizeof *r);

	r->lock = lock;
	r->number = number;
	r->open = true;
	r->opened_ns = now_ns;
	r->asked = cJSON_CreateArray();
	r->requests = cJSON_CreateArray();
	r->violation_list = cJSON_CreateArray();
	r->truncates = cJSON_CreateArray();
	r->responses = cJSON_CreateArray();
	r->turns = cJSON_CreateArray();
	r->cancels = cJSON_CreateArray();
	r->items = cJSON_CreateArray();
	pthread_mutex_lock(&registry_lock);
	*last_record = r;
	last_record = &r->next;
	pthread_mutex_unlock(&registry_lock);
	return r;
}

struct load_stats *load_stats_new(pthread_mutex_t *lock)
{
	struct load_stats *s = must_alloc(sizeof *s);

	s->lock = lock;
	pthread_mutex_lock(&registry_lock);
	s->next = all_stats;
	all_stats = s;
	pthread_mutex_unlock(&registry_lock);
	return s;
}

void load_stats_reset(void)
{
	pthread_mutex_lock(&registry_lock);
	for (struct load_stats *s = all_stats; s; s = s->next) {
		struct load_stats keep = { .next = s->next, .lock = s->lock };

		pthread_mutex_lock(s->lock);
		*s = keep;
		pthread_mutex_unlock(keep.lock);
	}
	pthread_mutex_unlock(&registry_lock);
}

void record_add(cJSON *list, cJSON *object)
{
	/* cJSON finds the size by walking; past the bound only counters go on. */
	if (cJSON_GetArraySize(list) < LIST_MAX)
		cJSON_AddItemToArray(list, object);
	else
		cJSON_Delete(object);
}

void record_violation(struct record *r, const char *format, ...)
{
	char text[500];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	r->violations++;
	record_add(r->violation_list, cJSON_CreateString(text));
	fprintf(stderr, "standin-model: connection %lu: violation: %s\n", r->number, text);
}

static void add_counts(cJSON *to, const char *name, const char *const *names, const uint64_t *counts, int n)
{
	cJSON *object = cJSON_AddObjectToObject(to, name);

	for (int i = 0; i < n; i++)
		if (counts[i])
			cJSON_AddNumberToObject(object, names[i], (double)counts[i]);
}

static cJSON *record_json(const struct record *r, uint64_t started_ns)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddNumberToObject(json, "connection", (double)r->number);
	cJSON_AddStringToObject(json, "session", r->session_id);
	cJSON_AddStringToObject(json, "path", r->path);
	cJSON_AddStringToObject(json, "model", r->model);
	cJSON_AddStringToObject(json, "auth", r->auth);
	cJSON_AddStringToObject(json, "server_name", r->sni);
	cJSON_AddStringToObject(json, "tls", r->tls);
	cJSON_AddStringToObject(json, "alpn", r->alpn);
	cJSON_AddBoolToObject(json, "resumed", r->resumed);
	cJSON_AddBoolToObject(json, "upgraded", r->upgraded);
	cJSON_AddNumberToObject(json, "refused", r->refused);
	cJSON_AddBoolToObject(json, "open", r->open);
	cJSON_AddStringToObject(json, "end", r->end);
	cJSON_AddNumberToObject(json, "opened_s", (double)(r->opened_ns - started_ns) / 1e9);
	if (r->closed_ns)
		cJSON_AddNumberToObject(json, "lasted_s", (double)(r->closed_ns - r->opened_ns) / 1e9);
	cJSON_AddStringToObject(json, "input_format", r->input_format);
	cJSON_AddStringToObject(json, "output_format", r->output_format);
	cJSON_AddNumberToObject(json, "audio_ms", r->audio_ms);
	cJSON_AddNumberToObject(json, "audio_bytes", (double)r->audio_bytes);
	cJSON_AddNumberToObject(json, "gaps", (double)r->gaps);
	cJSON_AddNumberToObject(json, "longest_gap_ms", r->longest_gap_ms);
	cJSON_AddNumberToObject(json, "pings", (double)r->pings);
	cJSON_AddNumberToObject(json, "pongs", (double)r->pongs);
	cJSON_AddNumberToObject(json, "errors_sent", (double)r->errors_sent);
	cJSON_AddNumberToObject(json, "unanswered_turns", (double)r->unanswered_turns);
	cJSON_AddNumberToObject(json, "violation_count", (double)r->violations);
	add_counts(json, "events", client_event_names, r->events, EVENTS);
	add_counts(json, "responses_by_status", status_names, r->statuses, STATUSES);
	cJSON_AddItemToObject(json, "violations", cJSON_Duplicate(r->violation_list, 1));
	cJSON_AddItemToObject(json, "asked", cJSON_Duplicate(r->asked, 1));
	cJSON_AddItemToObject(json, "requests", cJSON_Duplicate(r->requests, 1));
	cJSON_AddItemToObject(json, "turns", cJSON_Duplicate(r->turns, 1));
	cJSON_AddItemToObject(json, "responses", cJSON_Duplicate(r->responses, 1));
	cJSON_AddItemToObject(json, "truncates", cJSON_Duplicate(r->truncates, 1));
	cJSON_AddItemToObject(json, "cancels", cJSON_Duplicate(r->cancels, 1));
	cJSON_AddItemToObject(json, "items", cJSON_Duplicate(r->items, 1));
	return json;
}

static void add_totals(cJSON *json, const struct record *r, struct record *sum)
{
	const cJSON *violation;

	for (int i = 0; i < EVENTS; i++)
		sum->events[i] += r->events[i];
	for (int i = 0; i < STATUSES; i++)
		sum->statuses[i] += r->statuses[i];
	sum->violations += r->violations;
	sum->audio_ms += r->audio_ms;
	sum->gaps += r->gaps;
	sum->errors_sent += r->errors_sent;
	cJSON_ArrayForEach(violation, r->violation_list)
	    record_add(cJSON_GetObjectItemCaseSensitive(json, "violations"), cJSON_Duplicate(violation, 1));
}

static cJSON *load_json(void)
{
	static const char *const names[] = { "frames", "backlog_frames", "lost", "duplicated", "reordered",
		"padding_bytes", "answers", "interruptions", "clears", "unasked_clears", "missing_clears",
		"truncations", "no_truncation" };
	enum { COUNTERS = sizeof names / sizeof names[0] };
	uint64_t counts[COUNTERS] = { 0 }, late = 0;
	struct load_stats *sum = must_alloc(sizeof *sum);
	cJSON *json = cJSON_CreateObject();

	for (struct load_stats *s = all_stats; s; s = s->next) {
		pthread_mutex_lock(s->lock);
		const uint64_t part[COUNTERS] = { s->frames, s->backlog_frames, s->lost, s->duplicated, s->reordered,
			s->padding_bytes, s->answers, s->interruptions, s->clears, s->unasked_clears, s->missing_clears,
			s->truncations, s->no_truncation };

		for (int i = 0; i < COUNTERS; i++)
			counts[i] += part[i];
		late = s->ticks_late_ns_max > late ? s->ticks_late_ns_max : late;
		histogram_merge(&sum->uplink, &s->uplink);
		histogram_merge(&sum->interruption, &s->interruption);
		histogram_merge(&sum->truncation, &s->truncation);
		pthread_mutex_unlock(s->lock);
	}
	for (int i = 0; i < COUNTERS; i++)
		cJSON_AddNumberToObject(json, names[i], (double)counts[i]);
	cJSON_AddNumberToObject(json, "own_timers_late_max_us", (double)late / 1000);
	cJSON_AddItemToObject(json, "uplink", histogram_json(&sum->uplink));
	cJSON_AddItemToObject(json, "interruption_to_clear", histogram_json(&sum->interruption));
	cJSON_AddItemToObject(json, "truncation_error", histogram_json(&sum->truncation));
	free(sum);
	return json;
}

static void add_process(cJSON *json)
{
	struct rusage usage;
	cJSON *process = cJSON_AddObjectToObject(json, "process");

	getrusage(RUSAGE_SELF, &usage);
	cJSON_AddNumberToObject(process, "cpu_s",
	    (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
	cJSON_AddNumberToObject(process, "max_rss_kb", (double)usage.ru_maxrss);
}

static cJSON *build(uint64_t started_ns, uint64_t now_ns)
{
	cJSON *json = cJSON_CreateObject(), *sessions = cJSON_CreateArray();
	struct record sum = { 0 };
	double connections = 0, upgraded = 0, open = 0, resumed = 0;

	cJSON_AddNumberToObject(json, "uptime_s", (double)(now_ns - started_ns) / 1e9);
	cJSON_AddItemToObject(json, "violations", cJSON_CreateArray());
	pthread_mutex_lock(&registry_lock);
	/* First: writing down hundreds of sessions takes time from the very
	 * threads that are measured. */
	cJSON_AddItemToObject(json, "load", load_json());
	for (const struct record *r = records; r; r = r->next) {
		pthread_mutex_lock(r->lock);
		connections++;
		upgraded += r->upgraded;
		open += r->open && r->upgraded;
		resumed += r->resumed;
		add_totals(json, r, &sum);
		cJSON_AddItemToArray(sessions, record_json(r, started_ns));
		pthread_mutex_unlock(r->lock);
	}
	pthread_mutex_unlock(&registry_lock);
	cJSON_AddNumberToObject(json, "connections", connections);
	cJSON_AddNumberToObject(json, "sessions", upgraded);
	cJSON_AddNumberToObject(json, "open", open);
	cJSON_AddNumberToObject(json, "tls_resumed", resumed);
	cJSON_AddNumberToObject(json, "violation_count", (double)sum.violations);
	cJSON_AddNumberToObject(json, "errors_sent", (double)sum.errors_sent);
	cJSON_AddNumberToObject(json, "audio_ms", sum.audio_ms);
	cJSON_AddNumberToObject(json, "gaps", (double)sum.gaps);
	add_counts(json, "events", client_event_names, sum.events, EVENTS);
	add_counts(json, "responses_by_status", status_names, sum.statuses, STATUSES);
	add_process(json);
	cJSON_AddItemToObject(json, "per_session", sessions);
	return json;
}

int report_write(const char *path, uint64_t started_ns, uint64_t now_ns)
{
	cJSON *json = build(started_ns, now_ns);
	char *text = cJSON_Print(json), fresh[1024];
	FILE *f;
	int err = -1;

	snprintf(fresh, sizeof fresh, "%s.new", path);
	f = fopen(fresh, "w");
	if (f) {
		fputs(text, f);
		fputc('\n', f);
		err = fclose(f) || rename(fresh, path) ? -1 : 0;
	}
	if (err)
		fprintf(stderr, "standin-model: %s: %s\n", path, strerror(errno));
	free(text);
	cJSON_Delete(json);
	return err;
}

void report_free(void)
{
	for (struct record *r = records, *next; r; r = next) {
		cJSON *lists[] = { r->violation_list, r->truncates, r->responses, r->turns, r->cancels, r->items,
			r->asked, r->requests };

		next = r->next;
		for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
			cJSON_Delete(lists[i]);
		free(r);
	}
	for (struct load_stats *s = all_stats, *next; s; s = next) {
		next = s->next;
		free(s);
	}
	records = NULL;
	last_record = &records;
	all_stats = NULL;
}
