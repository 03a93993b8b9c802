#include "tools/standin_model/report.h"

#include "tools/kit/report.h"
#include "tools/kit/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { LIST_MAX = 5000 };

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

struct record *record_new(unsigned long number, pthread_mutex_t *lock, uint64_t now_ns)
{
	struct record *r = need(sizeof *r);

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
	r->deletes = cJSON_CreateArray();
	r->conversation = cJSON_CreateArray();
	pthread_mutex_lock(&registry_lock);
	*last_record = r;
	last_record = &r->next;
	pthread_mutex_unlock(&registry_lock);
	return r;
}

struct load_stats *load_stats_new(pthread_mutex_t *lock)
{
	struct load_stats *s = need(sizeof *s);

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

#define FIELD(name, kind, field) \
	{ \
		name, REPORT_##kind, offsetof(struct record, field) \
	}
#define SAME(kind, field) FIELD(#field, kind, field)

static cJSON *record_json(const struct record *r, uint64_t started_ns)
{
	static const struct report_field fields[] = { FIELD("connection", COUNT, number),
		FIELD("session", TEXT, session_id), SAME(TEXT, path), SAME(TEXT, model), SAME(TEXT, auth),
		FIELD("server_name", TEXT, sni), SAME(TEXT, tls), SAME(TEXT, alpn), SAME(BOOL, resumed),
		SAME(BOOL, upgraded), SAME(INT, refused), SAME(BOOL, open), SAME(TEXT, end), SAME(TEXT, input_format),
		SAME(TEXT, output_format), SAME(NUMBER, audio_ms), SAME(COUNT, audio_bytes), SAME(COUNT, gaps),
		SAME(NUMBER, longest_gap_ms), SAME(COUNT, pings), SAME(COUNT, pongs), SAME(COUNT, errors_sent),
		SAME(COUNT, unanswered_turns), FIELD("violation_count", COUNT, violations) };
	const struct {
		const char *name;
		const cJSON *list;
	} lists[] = { { "violations", r->violation_list }, { "asked", r->asked }, { "requests", r->requests },
		{ "turns", r->turns }, { "responses", r->responses }, { "truncates", r->truncates },
		{ "cancels", r->cancels }, { "items", r->items }, { "deletes", r->deletes },
		{ "conversation", r->conversation } };
	cJSON *json = cJSON_CreateObject();

	report_fields(json, r, fields, sizeof fields / sizeof fields[0]);
	cJSON_AddNumberToObject(json, "opened_s", (double)(r->opened_ns - started_ns) / 1e9);
	if (r->closed_ns)
		cJSON_AddNumberToObject(json, "lasted_s", (double)(r->closed_ns - r->opened_ns) / 1e9);
	add_counts(json, "events", client_event_names, r->events, EVENTS);
	add_counts(json, "responses_by_status", status_names, r->statuses, STATUSES);
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		cJSON_AddItemToObject(json, lists[i].name, cJSON_Duplicate(lists[i].list, 1));
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

#define LOAD(field) \
	{ \
#field, REPORT_COUNT, offsetof(struct load_stats, field) \
	}

static cJSON *load_json(void)
{
	static const struct report_field fields[] = { LOAD(frames), LOAD(backlog_frames), LOAD(lost), LOAD(duplicated),
		LOAD(reordered), LOAD(padding_bytes), LOAD(answers), LOAD(interruptions), LOAD(clears),
		LOAD(unasked_clears), LOAD(missing_clears), LOAD(truncations), LOAD(no_truncation) };
	enum { FIELDS = sizeof fields / sizeof fields[0] };
	struct load_stats *sum = need(sizeof *sum);
	cJSON *json = cJSON_CreateObject();
	uint64_t late = 0;

	for (struct load_stats *s = all_stats; s; s = s->next) {
		pthread_mutex_lock(s->lock);
		for (int i = 0; i < FIELDS; i++)
			*(uint64_t *)(void *)((char *)sum + fields[i].at) +=
			    *(uint64_t *)(void *)((char *)s + fields[i].at);
		late = s->ticks_late_ns_max > late ? s->ticks_late_ns_max : late;
		hist_merge(&sum->uplink, &s->uplink);
		hist_merge(&sum->interruption, &s->interruption);
		hist_merge(&sum->truncation, &s->truncation);
		pthread_mutex_unlock(s->lock);
	}
	report_fields(json, sum, fields, FIELDS);
	cJSON_AddNumberToObject(json, "own_timers_late_max_us", (double)late / 1000);
	cJSON_AddItemToObject(json, "uplink", report_hist(&sum->uplink));
	cJSON_AddItemToObject(json, "interruption_to_clear", report_hist(&sum->interruption));
	cJSON_AddItemToObject(json, "truncation_error", report_hist(&sum->truncation));
	free(sum);
	return json;
}

static cJSON *build(uint64_t started_ns, uint64_t now_ns)
{
	static const struct report_field sums[] = { FIELD("violation_count", COUNT, violations),
		SAME(COUNT, errors_sent), SAME(NUMBER, audio_ms), SAME(COUNT, gaps) };
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
	report_fields(json, &sum, sums, sizeof sums / sizeof sums[0]);
	add_counts(json, "events", client_event_names, sum.events, EVENTS);
	add_counts(json, "responses_by_status", status_names, sum.statuses, STATUSES);
	report_usage(cJSON_AddObjectToObject(json, "process"));
	cJSON_AddItemToObject(json, "per_session", sessions);
	return json;
}

int report_write(const char *path, uint64_t started_ns, uint64_t now_ns)
{
	return report_save("standin-model", path, build(started_ns, now_ns));
}

void report_free(void)
{
	for (struct record *r = records, *next; r; r = next) {
		cJSON *lists[] = { r->violation_list, r->truncates, r->responses, r->turns, r->cancels, r->items,
			r->asked, r->requests, r->deletes, r->conversation };

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
