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
	char working[WORKING_MAX][OUTCOME_ID_SIZE]; /* "" free */
} outcomes = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---------------------------------------------------------------- calls that are up */

static struct saving **bucket(const char *call_sid)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *call_sid; call_sid++)
		h = (h ^ (uint8_t)*call_sid) * 16777619u;
	return &outcomes.saved[h % BUCKETS];
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

	pthread_mutex_lock(&outcomes.lock);
	at = find_saving(call_sid);
	gone = *at;
	if (gone)
		*at = gone->next;
	pthread_mutex_unlock(&outcomes.lock);
	free(gone);
}

/* On the call's own threads: copies, and waits for nothing. */
static void on_journal(void *arg, const struct journal_entry *e)
{
	(void)arg;
	if (!e->agent || !*e->agent->outcome_schema)
		return;
	if (e->kind == JOURNAL_STARTED)
		store_outcome_open(outcomes.store, e->call_sid, e->agent->name, e->agent->variant, e->wall_ms);
	else if (e->kind == JOURNAL_ENDED)
		forget_saving(e->call_sid);
}

/* ------------------------------------------------------------------ save_record */

enum verdict { SAVED, SAY_AGAIN, KEPT_INVALID, TOO_OFTEN };

static enum verdict judge_save(const char *call_sid, bool valid)
{
	enum verdict verdict = SAVED;
	struct saving **at, *s;

	pthread_mutex_lock(&outcomes.lock);
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
	pthread_mutex_unlock(&outcomes.lock);
	return verdict;
}

static void tell_saved(const struct tool_call *call, const char *status)
{
	char id[OUTCOME_ID_SIZE], json[128];

	outcome_id(call->call_sid, id);
	snprintf(json, sizeof json, "{\"id\":\"%s\",\"status\":\"%s\"}", id, status);
	journal_tell(&(struct journal_entry){ .kind = JOURNAL_NOTE,
	    .type = "record.saved",
	    .call_sid = call->call_sid,
	    .agent = call->agent,
	    .wall_ms = clock_wall_ms(),
	    .no = -1,
	    .json = json });
}

static void keep(const struct tool_call *call, const char *status, const cJSON *value, const char *problems)
{
	char *json = cJSON_PrintUnformatted(value);

	store_outcome_save(outcomes.store, call->call_sid, call->agent->name, call->agent->variant, status, json,
	    problems, clock_wall_ms());
	cJSON_free(json);
	tell_saved(call, status);
	log_info(call->call_sid, "save_record: status=%s", status);
}

bool outcomes_save(const struct tool_call *call, struct buf *out)
{
	const char *schema_text = call->agent->outcome_schema;
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
	struct outcome_row row;
};

static void done_working(const char *id)
{
	pthread_mutex_lock(&outcomes.lock);
	for (int i = 0; i < WORKING_MAX; i++)
		if (!strcmp(outcomes.working[i], id))
			outcomes.working[i][0] = '\0';
	pthread_mutex_unlock(&outcomes.lock);
}

/* False: it is being worked on, or enough others are. */
static bool begin_working(const char *id)
{
	int free_at = -1;

	pthread_mutex_lock(&outcomes.lock);
	for (int i = 0; i < outcomes.at_once; i++) {
		if (!strcmp(outcomes.working[i], id)) {
			free_at = -1;
			break;
		}
		if (!outcomes.working[i][0])
			free_at = i;
	}
	if (free_at >= 0)
		snprintf(outcomes.working[free_at], OUTCOME_ID_SIZE, "%.31s", id);
	pthread_mutex_unlock(&outcomes.lock);
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
static void complete(const struct agent *agent, struct outcome_row *row)
{
	int64_t now_ms = clock_wall_ms();
	struct buf json;

	buf_init(&json, 0);
	outcome_put_json(row, true, now_ms, &json);
	if (!buf_error(&json))
		journal_tell(&(struct journal_entry){ .kind = JOURNAL_OUTCOME,
		    .type = "record.created",
		    .call_sid = row->call_sid,
		    .agent = agent,
		    .wall_ms = now_ms,
		    .no = -1,
		    .json = buf_text(&json) });
	buf_free(&json);
	store_outcome_fill(outcomes.store, row, 0, now_ms);
	count_status(row->status);
	log_info(row->call_sid, "record complete: %s; id=%s source=%s attempts=%d", row->status, row->id,
	    *row->source ? row->source : "none", row->attempts);
}

static void try_later(struct outcome_row *row)
{
	int64_t now_ms = clock_wall_ms();

	store_outcome_fill(outcomes.store, row, now_ms + (int64_t)outcomes.cfg->record_retry_seconds * 1000, now_ms);
	log_info(row->call_sid, "the record is tried once more in %d s", outcomes.cfg->record_retry_seconds);
}

static void fill_from_transcript(const struct agent *agent, struct outcome_row *row, const char *transcript)
{
	enum outcome_filled filled;

	row->attempts++;
	filled = outcome_fill_in(outcomes.cfg, agent, transcript, row, jobs_cancel(outcomes.background));
	if (filled == OUTCOME_UNFILLED && row->attempts < TRIES_AFTER)
		try_later(row);
	else if (filled != OUTCOME_STOPPED)
		complete(agent, row);
}

static void fail(const struct agent *agent, struct outcome_row *row, const char *why)
{
	outcome_set(&row->status, "failed");
	outcome_set_problem(row, why);
	complete(agent, row);
}

/* What is left to do, now that the call is over. */
static void fill(const struct agent *agent, struct outcome_row *row, int said, const char *transcript)
{
	bool empty = !strcmp(row->status, "open"), in_call = !strcmp(row->source, "call");
	enum outcome_fill how = agent ? agent->outcome_fill : OUTCOME_IN_CALL;

	if (empty && !said) {
		store_outcome_drop(outcomes.store, row->id);
		log_info(row->call_sid, "no record: the caller said nothing");
	} else if (in_call && (how == OUTCOME_IN_CALL || (how == OUTCOME_BOTH && !strcmp(row->status, "valid")))) {
		complete(agent, row);
	} else if (!agent || !*agent->outcome_schema) {
		fail(agent, row, "the agent is gone, or has no outcome any more");
	} else if (how == OUTCOME_IN_CALL) {
		fail(agent, row, "the agent saved nothing during the call");
	} else {
		fill_from_transcript(agent, row, transcript);
	}
}

static void free_fill(struct job *job)
{
	struct fill_job *mine = (struct fill_job *)job;

	done_working(mine->row.id);
	outcome_row_free(&mine->row);
	free(mine);
}

static void run_fill(struct job *job)
{
	struct fill_job *mine = (struct fill_job *)job;
	const struct agent *agent;
	struct buf transcript;
	int said;

	/* Another job may have filled it in, or put it off, after it was looked
	 * for and before it was taken up here. */
	if (!store_outcome_is_due(outcomes.store, mine->row.id, clock_wall_ms())) {
		free_fill(job);
		return;
	}
	agent = agents_variant(outcomes.agents, mine->row.agent, mine->row.variant);
	buf_init(&transcript, 0);
	said = store_outcome_transcript(outcomes.store, mine->row.call_sid, TRANSCRIPT_MAX, &transcript);
	if (said >= 0 && !buf_error(&transcript))
		fill(agent, &mine->row, said, buf_text(&transcript));
	buf_free(&transcript);
	agent_release(agent);
	/* Until it is written, the store still says that there is something to do. */
	for (int i = 0; i < FLUSHES && store_flush(outcomes.store, FLUSH_MS) && !jobs_closing(outcomes.background); i++)
		nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
	free_fill(job);
}

/* Takes the row. */
static void hand_over(struct outcome_row *row)
{
	struct fill_job *job = begin_working(row->id) ? calloc(1, sizeof *job) : NULL;

	if (!job) {
		outcome_row_free(row);
		return;
	}
	job->job.run = run_fill;
	job->job.drop = free_fill;
	job->row = *row;
	if (!jobs_submit(outcomes.background, &job->job))
		free_fill(&job->job);
}

static void run_look(struct job *job)
{
	struct outcome_row rows[2 * WORKING_MAX];
	int count = store_outcomes_due(outcomes.store, clock_wall_ms(), rows, 2 * WORKING_MAX);

	free(job);
	for (int i = 0; i < count; i++)
		hand_over(&rows[i]);
	atomic_store(&outcomes.looking, false);
}

static void drop_look(struct job *job)
{
	free(job);
	atomic_store(&outcomes.looking, false);
}

void outcomes_tend(int64_t now_us)
{
	struct job *look;

	/* Also when nothing has happened: what was written down may have had to
	 * wait for the disk. */
	if (!outcomes.store || now_us < outcomes.next_look_us || atomic_load(&outcomes.looking))
		return;
	outcomes.next_look_us = now_us + LOOK_EVERY_US;
	look = calloc(1, sizeof *look);
	if (!look)
		return;
	look->run = run_look;
	look->drop = drop_look;
	atomic_store(&outcomes.looking, true);
	if (!jobs_submit(outcomes.background, look))
		drop_look(look);
}

/* -------------------------------------------------------------------- beginning, end */

void outcomes_open(const struct config *cfg, struct store *store, struct agents *agents, struct jobs *background)
{
	if (!store)
		return;
	outcomes.cfg = cfg;
	outcomes.store = store;
	outcomes.agents = agents;
	outcomes.background = background;
	/* One thread stays for others. */
	outcomes.at_once = cfg->job_threads - 1 < WORKING_MAX ? cfg->job_threads - 1 : WORKING_MAX;
	if (outcomes.at_once < 1)
		outcomes.at_once = 1;
	journal_add_sink(on_journal, NULL);
}

void outcomes_warnings(const struct config *cfg, struct agents *agents, struct buf *out)
{
	const struct agent **all = calloc(AGENTS_LISTED_MAX, sizeof *all), *with = NULL;
	size_t count = all ? agents_list(agents, all, AGENTS_LISTED_MAX) : 0;

	for (size_t i = 0; i < count && !with; i++)
		if (*all[i]->outcome_schema)
			with = all[i];
	if (with && !*cfg->data_dir)
		buf_printf(
		    out, "DATA_DIR is not set: the agent %s has an outcome, and no records are kept.\n", with->name);
	for (size_t i = 0; i < count; i++)
		agent_release(all[i]);
	free(all);
}

void outcomes_close(void)
{
	journal_remove_sink(on_journal, NULL);
	for (int i = 0; i < BUCKETS; i++)
		while (outcomes.saved[i]) {
			struct saving *gone = outcomes.saved[i];

			outcomes.saved[i] = gone->next;
			free(gone);
		}
	outcomes.store = NULL;
}
