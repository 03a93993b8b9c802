#include "server/outcome/outcomes.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "common/schema.h"
#include "server/agents/agents.h"
#include "server/news/journal.h"
#include "server/outcome/outcome_fill.h"
#include "server/stats/stats.h"
#include "server/store/store_outcomes.h"
#include "server/work/jobs.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	LOOK_EVERY_US = US_PER_S,
	BUCKETS = 256,
	TRIES_IN_CALL = 2,  /* the model is told what is wrong, once */
	SAVES_IN_CALL = 20, /* more is a model that has lost its way */
	TRIES_AFTER = 2,
	WORKING_MAX = 8,
	TRANSCRIPT_MAX = 128 * 1024,
	FLUSH_MS = 5000,
	FLUSHES = 120
};

/* What the agent has saved so far, of a call that is up. */
struct saving {
	struct saving *next;
	char call_sid[RECORD_SID_SIZE];
	int tries, saves; /* that did not follow the schema; all */
	bool valid;
};

static struct {
	const struct config *cfg;
	struct store *store;
	struct agents *agents;
	struct jobs *background;
	int at_once;          /* jobs that may fill in records */
	_Atomic bool looking; /* a job looks */
	int64_t next_look_us; /* main's */
	pthread_mutex_t lock; /* what follows; held briefly */
	struct saving *saved[BUCKETS];
	char working[WORKING_MAX][RECORD_ID_SIZE]; /* "" free */
} records = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---------------------------------------------------------------- calls that are up */

static struct saving **bucket(const char *call_sid)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *call_sid; call_sid++)
		h = (h ^ (uint8_t)*call_sid) * 16777619u;
	return &records.saved[h % BUCKETS];
}

/* Under lock. Where the call's stands, or the end of the list. */
static struct saving **find_saving(const char *call_sid)
{
	struct saving **at = bucket(call_sid);

	while (*at && strcmp((*at)->call_sid, call_sid) != 0)
		at = &(*at)->next;
	return at;
}

static void forget_saving(const char *call_sid)
{
	struct saving **at, *gone;

	pthread_mutex_lock(&records.lock);
	at = find_saving(call_sid);
	gone = *at;
	if (gone)
		*at = gone->next;
	pthread_mutex_unlock(&records.lock);
	free(gone);
}

/* On the call's own threads: copies, and waits for nothing. */
static void on_journal(void *arg, const struct journal_entry *e)
{
	(void)arg;
	if (!e->profile || !*e->profile->outcome_schema)
		return;
	if (e->kind == JOURNAL_STARTED)
		store_record_open(records.store, e->call_sid, e->profile->name, e->profile->variant, e->wall_ms);
	else if (e->kind == JOURNAL_ENDED)
		forget_saving(e->call_sid);
}

/* ------------------------------------------------------------------ save_record */

enum verdict { SAVED, SAY_AGAIN, KEPT_INVALID, TOO_OFTEN };

static enum verdict judge_save(const char *call_sid, bool valid)
{
	enum verdict verdict = SAVED;
	struct saving **at, *s;

	pthread_mutex_lock(&records.lock);
	at = find_saving(call_sid);
	if (!*at && (*at = calloc(1, sizeof **at)))
		snprintf((*at)->call_sid, sizeof(*at)->call_sid, "%s", call_sid);
	s = *at;
	if (s && ++s->saves > SAVES_IN_CALL)
		verdict = TOO_OFTEN;
	else if (!valid)
		verdict = s && ++s->tries < TRIES_IN_CALL ? SAY_AGAIN : KEPT_INVALID;
	if (s && valid)
		s->valid = true;
	pthread_mutex_unlock(&records.lock);
	return verdict;
}

static void tell_saved(const struct tool_call *call, const char *status)
{
	char id[RECORD_ID_SIZE], json[128];

	record_id(call->call_sid, id);
	snprintf(json, sizeof json, "{\"id\":\"%s\",\"status\":\"%s\"}", id, status);
	journal_tell(&(struct journal_entry){ .kind = JOURNAL_NOTE,
	    .type = "record.saved",
	    .call_sid = call->call_sid,
	    .profile = call->profile,
	    .wall_ms = clock_wall_ms(),
	    .no = -1,
	    .json = json });
}

static void keep(const struct tool_call *call, const char *status, const cJSON *value, const char *problems)
{
	char *json = cJSON_PrintUnformatted(value);

	store_record_save(records.store, call->call_sid, call->profile->name, call->profile->variant, status, json,
	    problems, clock_wall_ms());
	cJSON_free(json);
	tell_saved(call, status);
	log_info(call->call_sid, "save_record: status=%s", status);
}

bool records_save(const struct tool_call *call, struct buf *out)
{
	const char *schema_text = call->profile->outcome_schema;
	cJSON *schema = json_parse(schema_text, strlen(schema_text));
	cJSON *value = json_parse(call->arguments, strlen(call->arguments));
	struct schema_problems problems = { .count = 0 };
	enum verdict verdict;
	struct buf list;

	buf_init(&list, 0);
	if (!cJSON_IsObject(value))
		schema_add_problem(&problems, "", "must be a JSON object");
	else
		schema_follows(schema, value, &problems);
	schema_put_problems(&list, &problems);
	verdict = judge_save(call->call_sid, !problems.count);
	if (verdict == TOO_OFTEN) {
		buf_puts(out,
		    "{\"error\":{\"code\":\"too_often\",\"message\":\"This has been saved often enough; go on "
		    "with the call.\"}}");
	} else if (verdict == SAVED) {
		keep(call, "valid", value, NULL);
		buf_puts(out, "{\"saved\":true}");
	} else {
		if (cJSON_IsObject(value))
			keep(call, "invalid", value, buf_text(&list));
		buf_printf(out, "{\"error\":{\"code\":\"invalid_record\",\"message\":\"%s\"},\"problems\":%s}",
		    verdict == SAY_AGAIN
			? "Not saved yet: put the problems right, ask the caller if need be, and call save_record again."
			: "Kept as it is, marked as incomplete. Do not call save_record again unless the caller says "
			  "something new.",
		    buf_text(&list));
	}
	buf_free(&list);
	cJSON_Delete(schema);
	cJSON_Delete(value);
	return verdict == SAVED;
}

/* ---------------------------------------------------------------- after the call */

struct fill_job {
	struct job job; /* first */
	struct record_row row;
};

static void done_working(const char *id)
{
	pthread_mutex_lock(&records.lock);
	for (int i = 0; i < WORKING_MAX; i++)
		if (!strcmp(records.working[i], id))
			records.working[i][0] = '\0';
	pthread_mutex_unlock(&records.lock);
}

/* False: it is being worked on, or enough others are. */
static bool begin_working(const char *id)
{
	int free_at = -1;

	pthread_mutex_lock(&records.lock);
	for (int i = 0; i < records.at_once; i++) {
		if (!strcmp(records.working[i], id)) {
			free_at = -1;
			break;
		}
		if (!records.working[i][0])
			free_at = i;
	}
	if (free_at >= 0)
		snprintf(records.working[free_at], RECORD_ID_SIZE, "%.31s", id);
	pthread_mutex_unlock(&records.lock);
	return free_at >= 0;
}

static void count_status(const char *status)
{
	if (!strcmp(status, "valid"))
		stat_add(records_valid, 1);
	else if (!strcmp(status, "invalid"))
		stat_add(records_invalid, 1);
	else
		stat_add(records_failed, 1);
}

/* All that can be done is done. It is told before it is closed: who dies in
 * between tells it again. */
static void complete(const struct profile *profile, struct record_row *row)
{
	int64_t now_ms = clock_wall_ms();
	struct buf json;

	buf_init(&json, 0);
	record_put_json(row, true, now_ms, &json);
	if (!buf_error(&json))
		journal_tell(&(struct journal_entry){ .kind = JOURNAL_RECORD,
		    .type = "record.created",
		    .call_sid = row->call_sid,
		    .profile = profile,
		    .wall_ms = now_ms,
		    .no = -1,
		    .json = buf_text(&json) });
	buf_free(&json);
	store_record_fill(records.store, row, 0, now_ms);
	count_status(row->status);
	log_info(row->call_sid, "record complete: %s; id=%s source=%s attempts=%d", row->status, row->id,
	    *row->source ? row->source : "none", row->attempts);
}

static void try_later(struct record_row *row)
{
	int64_t now_ms = clock_wall_ms();

	store_record_fill(records.store, row, now_ms + (int64_t)records.cfg->record_retry_seconds * 1000, now_ms);
	log_info(row->call_sid, "the record is tried once more in %d s", records.cfg->record_retry_seconds);
}

static void fill_from_transcript(const struct profile *profile, struct record_row *row, const char *transcript)
{
	enum record_filled filled;

	row->attempts++;
	filled = record_fill(records.cfg, profile, transcript, row, jobs_cancel(records.background));
	if (filled == RECORD_UNFILLED && row->attempts < TRIES_AFTER)
		try_later(row);
	else if (filled != RECORD_STOPPED)
		complete(profile, row);
}

static void fail(const struct profile *profile, struct record_row *row, const char *why)
{
	record_set(&row->status, "failed");
	record_set_problem(row, why);
	complete(profile, row);
}

/* What is left to do, now that the call is over. */
static void fill(const struct profile *profile, struct record_row *row, int said, const char *transcript)
{
	bool empty = !strcmp(row->status, "open"), in_call = !strcmp(row->source, "call");
	enum outcome_fill how = profile ? profile->outcome_fill : OUTCOME_IN_CALL;

	if (empty && !said) {
		store_record_drop(records.store, row->id);
		log_info(row->call_sid, "no record: the caller said nothing");
	} else if (in_call && (how == OUTCOME_IN_CALL || (how == OUTCOME_BOTH && !strcmp(row->status, "valid")))) {
		complete(profile, row);
	} else if (!profile || !*profile->outcome_schema) {
		fail(profile, row, "the agent is gone, or has no outcome any more");
	} else if (how == OUTCOME_IN_CALL) {
		fail(profile, row, "the agent saved nothing during the call");
	} else {
		fill_from_transcript(profile, row, transcript);
	}
}

static void free_fill(struct job *job)
{
	struct fill_job *mine = (struct fill_job *)job;

	done_working(mine->row.id);
	record_row_free(&mine->row);
	free(mine);
}

static void run_fill(struct job *job)
{
	struct fill_job *mine = (struct fill_job *)job;
	const struct profile *profile;
	struct buf transcript;
	int said;

	/* Another job may have filled it in, or put it off, after it was looked
	 * for and before it was taken up here. */
	if (!store_record_is_due(records.store, mine->row.id, clock_wall_ms())) {
		free_fill(job);
		return;
	}
	profile = agents_variant(records.agents, mine->row.agent, mine->row.variant);
	buf_init(&transcript, 0);
	said = store_record_transcript(records.store, mine->row.call_sid, TRANSCRIPT_MAX, &transcript);
	if (said >= 0 && !buf_error(&transcript))
		fill(profile, &mine->row, said, buf_text(&transcript));
	buf_free(&transcript);
	profile_release(profile);
	/* Until it is written, the store still says that there is something to do. */
	for (int i = 0; i < FLUSHES && store_flush(records.store, FLUSH_MS) && !jobs_closing(records.background); i++)
		nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
	free_fill(job);
}

/* Takes the row. */
static void hand_over(struct record_row *row)
{
	struct fill_job *job = begin_working(row->id) ? calloc(1, sizeof *job) : NULL;

	if (!job) {
		record_row_free(row);
		return;
	}
	job->job.run = run_fill;
	job->job.drop = free_fill;
	job->row = *row;
	if (!jobs_submit(records.background, &job->job))
		free_fill(&job->job);
}

static void run_look(struct job *job)
{
	struct record_row rows[2 * WORKING_MAX];
	int count = store_records_due(records.store, clock_wall_ms(), rows, 2 * WORKING_MAX);

	free(job);
	for (int i = 0; i < count; i++)
		hand_over(&rows[i]);
	atomic_store(&records.looking, false);
}

static void drop_look(struct job *job)
{
	free(job);
	atomic_store(&records.looking, false);
}

void records_tend(int64_t now_us)
{
	struct job *look;

	/* Also when nothing has happened: what was written down may have had to
	 * wait for the disk. */
	if (!records.store || now_us < records.next_look_us || atomic_load(&records.looking))
		return;
	records.next_look_us = now_us + LOOK_EVERY_US;
	look = calloc(1, sizeof *look);
	if (!look)
		return;
	look->run = run_look;
	look->drop = drop_look;
	atomic_store(&records.looking, true);
	if (!jobs_submit(records.background, look))
		drop_look(look);
}

/* -------------------------------------------------------------------- beginning, end */

void records_open(const struct config *cfg, struct store *store, struct agents *agents, struct jobs *background)
{
	if (!store)
		return;
	records.cfg = cfg;
	records.store = store;
	records.agents = agents;
	records.background = background;
	/* One thread stays for others. */
	records.at_once = cfg->job_threads - 1 < WORKING_MAX ? cfg->job_threads - 1 : WORKING_MAX;
	if (records.at_once < 1)
		records.at_once = 1;
	journal_add_sink(on_journal, NULL);
}

void records_warnings(const struct config *cfg, struct agents *agents, struct buf *out)
{
	const struct profile **all = calloc(AGENT_PROFILES_MAX, sizeof *all), *with = NULL;
	size_t count = all ? agents_list(agents, all, AGENT_PROFILES_MAX) : 0;

	for (size_t i = 0; i < count && !with; i++)
		if (*all[i]->outcome_schema)
			with = all[i];
	if (with && !*cfg->data_dir)
		buf_printf(
		    out, "DATA_DIR is not set: the agent %s has an outcome, and no records are kept.\n", with->name);
	for (size_t i = 0; i < count; i++)
		profile_release(all[i]);
	free(all);
}

void records_close(void)
{
	for (int i = 0; i < BUCKETS; i++)
		while (records.saved[i]) {
			struct saving *gone = records.saved[i];

			records.saved[i] = gone->next;
			free(gone);
		}
	records.store = NULL;
}
