#include "server/outcome/outcomes.h"

#include "common/clock.h"
#include "common/log.h"
#include "server/agents/agents.h"
#include "server/news/journal.h"
#include "server/outcome/outcome_fill.h"
#include "server/outcome/outcome_save.h"
#include "server/stats/stats.h"
#include "server/store/store.h"
#include "server/store/store_outcomes.h"
#include "server/work/due.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TRIES_AFTER = 2,
	WORKING_MAX = 8,
	TRANSCRIPT_MAX = 128 * 1024,
	FLUSH_MS = 5000,
	DISK_MS = 1000 /* pause after the store could not be written or read */
};

/* A record to be completed; its call is over. */
struct pending {
	struct due_item due; /* first */
	char id[OUTCOME_ID_SIZE];
	int64_t next_ms;
	bool again; /* its call came back and ended once more while a job had it */
};

struct outcomes {
	const struct config *cfg;
	struct store *store;
	struct agents *agents;
	struct jobs *background;
	struct due due;
	_Atomic int64_t last_seq;
	struct outcome_saves saves;

	pthread_mutex_t lock; /* for the list; held briefly */
	struct due_list list;
};

/* ---------------------------------------------------------------- calls that are up */

/* `how` is due_add when the journal tells of an end, and due_found for a record that the
 * store has had since before. Two of one record become one in `put`. */
static void add(struct outcomes *o, const char *id, int64_t next_ms, void (*how)(struct due *, struct due_item *))
{
	struct pending *p = calloc(1, sizeof *p);

	/* Without memory the record stays open until the next start finds it. */
	if (!p)
		return;
	snprintf(p->id, sizeof p->id, "%s", id);
	p->next_ms = next_ms;
	p->due.seq = atomic_fetch_add(&o->last_seq, 1) + 1;
	how(&o->due, &p->due);
}

/* On the threads of the call: copies, and waits for nothing. The store's sink stands
 * before this one, so the call's last turns are queued for writing by now. The end of a
 * call without a known agent is taken, too: it may be one that a dead process left. */
static void on_journal(void *arg, const struct journal_entry *e)
{
	struct outcomes *o = arg;
	char id[OUTCOME_ID_SIZE];

	if ((e->agent && !*e->agent->outcome_schema) || !strcmp(e->type, "call.refused"))
		return;
	if (e->kind == JOURNAL_STARTED && e->agent) {
		store_outcome_open(o->store, e->call_sid, e->agent->name, e->agent->variant, e->wall_ms);
	} else if (e->kind == JOURNAL_ENDED) {
		outcome_saves_forget(&o->saves, e->call_sid);
		outcome_id(e->call_sid, id);
		add(o, id, e->wall_ms, due_add);
	}
}

bool outcomes_save(void *arg, const struct tool_call *call, struct buf *out)
{
	struct outcomes *o = arg;

	return outcome_saves_take(&o->saves, call, out);
}

/* ---------------------------------------------------------------- after the call */

static void count_status(const char *status)
{
	if (!strcmp(status, "valid"))
		stat_add(records_valid, 1);
	else if (!strcmp(status, "invalid"))
		stat_add(records_invalid, 1);
	else
		stat_add(records_failed, 1);
}

/* These functions run in a background job, one for a record at a time. They return the
 * time of the next try in ms of the wall clock; 0: the record is closed or gone. */

/* Closes the record, valid or not. It is told before it is closed: a process that dies in
 * between makes the next one tell it again, and receivers know it by its id. */
static int64_t complete(struct outcomes *o, const struct agent *agent, struct outcome_row *row)
{
	int64_t now_ms = clock_wall_ms();

	journal_tell(&(struct journal_entry){ .kind = JOURNAL_OUTCOME,
	    .type = "record.created",
	    .call_sid = row->call_sid,
	    .agent = agent,
	    .wall_ms = now_ms,
	    .outcome = row });
	store_outcome_fill(o->store, row, 0, now_ms);
	count_status(row->status);
	log_info(row->call_sid, "record complete: %s; id=%s source=%s attempts=%d", row->status, row->id,
	    *row->source ? row->source : "none", row->attempts);
	return 0;
}

static int64_t try_later(struct outcomes *o, struct outcome_row *row)
{
	int64_t now_ms = clock_wall_ms(), next_ms = now_ms + (int64_t)o->cfg->record_retry_seconds * 1000;

	store_outcome_fill(o->store, row, next_ms, now_ms);
	log_info(row->call_sid, "the record is tried once more in %d s", o->cfg->record_retry_seconds);
	return next_ms;
}

static int64_t fill_from_transcript(
    struct outcomes *o, const struct agent *agent, struct outcome_row *row, const char *transcript)
{
	enum outcome_filled filled;

	row->attempts++;
	filled = outcome_fill_in(o->cfg, agent, transcript, row, jobs_cancel(o->background));
	if (filled == OUTCOME_STOPPED)
		return INT64_MAX; /* still open: the next start finds it */
	if (filled == OUTCOME_UNFILLED && row->attempts < TRIES_AFTER)
		return try_later(o, row);
	return complete(o, agent, row);
}

static int64_t fail(struct outcomes *o, const struct agent *agent, struct outcome_row *row, const char *why)
{
	outcome_set(&row->status, "failed");
	outcome_set_problem(row, why);
	return complete(o, agent, row);
}

/* Decides what is left to do. A caller who said nothing leaves no record, unless the
 * model saved one. What the call saved is final with OUTCOME_IN_CALL, and with
 * OUTCOME_BOTH if it is valid; otherwise the transcript is read. */
static int64_t fill(
    struct outcomes *o, const struct agent *agent, struct outcome_row *row, int said, const char *transcript)
{
	bool empty = !strcmp(row->status, "open"), in_call = !strcmp(row->source, "call");
	enum outcome_fill how = agent ? agent->outcome_fill : OUTCOME_IN_CALL;

	if (empty && !said) {
		store_outcome_drop(o->store, row->id);
		log_info(row->call_sid, "no record: the caller said nothing");
		return 0;
	}
	if (in_call && (how == OUTCOME_IN_CALL || (how == OUTCOME_BOTH && !strcmp(row->status, "valid"))))
		return complete(o, agent, row);
	if (!agent || !*agent->outcome_schema)
		return fail(o, agent, row, "the agent is gone, or has no outcome any more");
	if (how == OUTCOME_IN_CALL)
		return fail(o, agent, row, "the agent saved nothing during the call");
	return fill_from_transcript(o, agent, row, transcript);
}

/* The agent is taken as it is now: an owner who mends its schema mends the records that
 * are still open. */
static int64_t fill_row(struct outcomes *o, struct outcome_row *row)
{
	const struct agent *agent = agents_variant(o->agents, row->agent, row->variant);
	int64_t next_ms = clock_wall_ms() + DISK_MS;
	struct buf transcript;
	int said;

	buf_init(&transcript, 0);
	said = store_outcome_transcript(o->store, row->call_sid, TRANSCRIPT_MAX, &transcript);
	if (said >= 0 && !buf_error(&transcript))
		next_ms = fill(o, agent, row, said, buf_text(&transcript));
	buf_free(&transcript);
	agent_release(agent);
	return next_ms;
}

/* One job. The flush comes first: turns are queued for the disk, and a transcript read
 * before they are written would lack the last words. A store that fails is asked again
 * after DISK_MS; -ENOENT means that there never was a record, or that it is closed. */
static void work(void *owner, struct due_item *item)
{
	struct pending *p = (struct pending *)item;
	struct outcomes *o = owner;
	struct outcome_row row;
	int64_t next_ms = 0;
	int err = store_flush(o->store, FLUSH_MS);

	if (!err)
		err = store_outcome_pending(o->store, p->id, &row);
	if (!err) {
		next_ms = fill_row(o, &row);
		outcome_row_free(&row);
	} else if (err != -ENOENT) {
		next_ms = clock_wall_ms() + DISK_MS;
	}
	pthread_mutex_lock(&o->lock);
	if (p->again)
		next_ms = clock_wall_ms();
	p->again = false;
	p->next_ms = next_ms;
	if (next_ms) {
		due_list_let_go(&o->list, item);
	} else {
		due_list_remove(&o->list, item);
		free(p);
	}
	pthread_mutex_unlock(&o->lock);
	due_wake(&o->due);
}

/* ---------------------------------------------------------------- the queue's policy */

static int64_t when(void *owner, const struct due_item *item, int64_t now_ms)
{
	(void)owner, (void)now_ms;
	return ((const struct pending *)item)->next_ms;
}

/* A call that came back from a transfer ends a second time, with one record for both
 * streams. If the record is in the list already, it becomes due; if a job has it at this
 * moment, that job makes it due again. */
static bool put(void *owner, struct due_item *item)
{
	struct pending *p = (struct pending *)item;
	struct outcomes *o = owner;

	for (struct due_item *i = due_list_first(&o->list); i; i = due_item_next(i)) {
		struct pending *known = (struct pending *)i;

		if (strcmp(known->id, p->id) != 0)
			continue;
		known->again = i->taken;
		known->next_ms = p->next_ms;
		return false;
	}
	due_list_put(&o->list, item);
	return true;
}

static void free_item(struct due_item *item)
{
	free(item);
}

static void on_pending(void *arg, const char *id, int64_t next_ms)
{
	add(arg, id, next_ms, due_found);
}

static int read_pending(void *owner, int64_t seq, size_t room)
{
	struct outcomes *o = owner;

	(void)seq, (void)room; /* all open records are held in memory */
	if (store_flush(o->store, FLUSH_MS))
		return -EIO;
	return store_outcomes_pending(o->store, on_pending, o);
}

static const struct due_policy policy = {
	.name = "outcomes",
	.clock_ms = clock_wall_ms,
	.when = when,
	.work = work,
	.put = put,
	.free = free_item,
	.read = read_pending,
};

/* -------------------------------------------------------------------- beginning, end */

int outcomes_open(struct outcomes **out, const struct config *cfg, struct store *store, struct agents *agents,
    struct jobs *background)
{
	struct outcomes *o = calloc(1, sizeof *o);
	int at_once = cfg->job_threads - 1, err;

	if (!o)
		return -ENOMEM;
	o->cfg = cfg;
	o->store = store;
	o->agents = agents;
	o->background = background;
	pthread_mutex_init(&o->lock, NULL);
	outcome_saves_open(&o->saves, store);
	o->due.policy = &policy;
	o->due.owner = o;
	o->due.lock = &o->lock;
	o->due.list = &o->list;
	o->due.jobs = background;
	/* One background thread stays free for other jobs. */
	o->due.at_once = (size_t)(at_once < 1 ? 1 : at_once < WORKING_MAX ? at_once : WORKING_MAX);
	o->due.stored = true;
	o->due.held = o->due.held_bytes = SIZE_MAX;
	/* Before the thread starts: it may tell at once of records that a dead process
	 * left. */
	journal_add_sink(on_journal, o);
	err = due_open(&o->due);
	if (!err)
		*out = o;
	else
		outcomes_close(o);
	return err;
}

void outcomes_close(struct outcomes *o)
{
	if (!o)
		return;
	journal_remove_sink(on_journal, o);
	due_close(&o->due);
	outcome_saves_close(&o->saves);
	pthread_mutex_destroy(&o->lock);
	free(o);
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
