#include "server/recording/voicemail.h"

#include "common/backoff.h"
#include "common/clock.h"
#include "common/log.h"
#include "server/agents/agents.h"
#include "server/delivery/delivery_plan.h"
#include "server/money/spending.h"
#include "server/news/journal.h"
#include "server/news/journal_json.h"
#include "server/recording/twilio_recording.h"
#include "server/recording/voicemail_fetch.h"
#include "server/stats/stats.h"
#include "server/store/store.h"
#include "server/store/store_calls.h"
#include "server/store/store_recordings.h"
#include "server/work/due.h"
#include "server/work/transcription.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	WORKING_MAX = 2,
	FLUSH_MS = 5000,
	DISK_MS = 1000 /* pause after the store could not be read */
};

/* A message to be seen to. */
struct pending {
	struct due_item due; /* first */
	char id[FOREIGN_ID_SIZE];
	int64_t next_ms;
	int failed; /* tries, in this process */
	bool again; /* there is news of it: not later than now */
};

struct voicemail {
	const struct config *cfg;
	struct store *store;
	struct agents *agents;
	struct jobs *background;
	struct spending *spending;
	struct due due;
	_Atomic int64_t last_seq;

	pthread_mutex_t lock; /* for the list; held briefly */
	struct due_list list;
};

/* ----------------------------------------------------------------- Twilio's reports */

/* `how`: due_add for news, due_found for a row that is there already. Two of one message become one
 * in `put`. */
static void add(struct voicemail *v, const char *id, void (*how)(struct due *, struct due_item *))
{
	struct pending *p = calloc(1, sizeof *p);

	/* Without memory the message stays as it is until the next start finds it. */
	if (!p)
		return;
	snprintf(p->id, sizeof p->id, "%s", id);
	p->due.seq = atomic_fetch_add(&v->last_seq, 1) + 1;
	how(&v->due, &p->due);
}

/* Of a caller whom no line was free for nothing is known but the message, and that is found by its call. */
static void open_call(struct voicemail *v, const struct message_row *row)
{
	struct call_summary call = { .direction = "inbound",
		.stage = CALL_IS_OVER,
		.state = "ended",
		.agent = *row->agent ? row->agent : NULL,
		.variant = *row->variant ? row->variant : NULL,
		.reserved_ms = row->at_ms,
		.ended_ms = row->at_ms,
		.end = END_MESSAGE_LEFT };
	struct json_out j;
	struct buf json;

	snprintf(call.call_sid, sizeof call.call_sid, "%s", row->call_sid);
	snprintf(call.from, sizeof call.from, "%s", row->from);
	snprintf(call.to, sizeof call.to, "%s", row->to);
	buf_init(&json, 0);
	j = json_out_to(&json);
	json_put_object(&j, NULL);
	journal_put_call(&j, &call, NULL, false);
	json_put_end(&j);
	if (!buf_error(&json))
		store_message_open_call(v->store, &call, buf_text(&json));
	buf_free(&json);
}

/* The strings are borrowed for the time of the statement, which copies them. */
static void open_row(struct voicemail *v, const struct twilio_recording *news, const struct voicemail_party *party)
{
	struct message_row row = { .at_ms = clock_wall_ms(),
		.seconds = news->seconds,
		.url = *news->url ? (char *)news->url : NULL,
		.agent = (char *)party->agent,
		.variant = (char *)party->variant,
		.from = (char *)party->from,
		.to = (char *)party->to };

	snprintf(row.id, sizeof row.id, "%s", news->sid);
	snprintf(row.call_sid, sizeof row.call_sid, "%s", news->call_sid);
	store_message_open(v->store, &row);
	open_call(v, &row);
	add(v, news->sid, due_add);
}

/* The same again meets its own row, and changes nothing: at most an item that finds nothing to do. */
void voicemail_news(struct voicemail *v, const struct twilio_recording *news, const struct voicemail_party *party)
{
	bool completed = !strcmp(news->status, "completed");

	if (!strcmp(news->status, "in-progress"))
		return;
	if (!completed || news->seconds <= 0) {
		stat_add(voicemail_empty, 1);
		log_write(strcmp(news->status, "failed") != 0 ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, news->call_sid,
		    "no message was left; recording=%.40s status=%.20s seconds=%ld", news->sid, news->status,
		    news->seconds);
	} else if (!v) {
		stat_add(voicemail_unkept, 1);
		log_error(news->call_sid,
		    "a message was left, and DATA_DIR is not set: it stays at Twilio; recording=%.40s", news->sid);
	} else {
		open_row(v, news, party);
	}
}

/* The words may come before the news of the sound they are of. */
void voicemail_written(
    struct voicemail *v, const struct twilio_recording *of, const struct voicemail_party *party, const char *words)
{
	if (!v)
		return; /* its recording is counted */
	open_row(v, of, party);
	store_message_written(v->store, of->sid, words, words ? NULL : "not written down: Twilio could not");
	add(v, of->sid, due_add);
}

/* ------------------------------------------------------------------- the background */

static enum voicemail_step fetch_message(struct voicemail *v, struct message_row *row, struct voicemail_why *why)
{
	char path[RECORDING_PATH_SIZE];
	enum voicemail_step step = voicemail_fetch(v->cfg, jobs_cancel(v->background), row, path, why);

	if (step == VOICEMAIL_DONE && !(row->file = strdup(path)))
		step = voicemail_because(why, VOICEMAIL_LATER, "out of memory");
	if (step != VOICEMAIL_DONE)
		return step;
	row->state = MESSAGE_TRANSCRIBING;
	stat_add(voicemail_fetched, 1);
	store_message_set(v->store, row);
	return step;
}

/* Whoever does not say what was used means all of it. */
static void book(struct voicemail *v, const struct message_row *row, const struct model_usage *used)
{
	struct cost_use use = { .model = "", .transcription_model = v->cfg->voicemail_model, .bare = true };
	int64_t any = 0;

	use.transcription_used = *used;
	for (int i = 0; i < USAGE_COUNT; i++)
		any |= used->n[i];
	if (!any)
		use.transcription_used.n[USAGE_MS] = row->seconds * 1000;
	log_debug(row->call_sid, "a message is written down; usd=%.6f", spending_book_apart(v->spending, &use));
}

static enum voicemail_step transcribe(
    struct voicemail *v, const struct agent *agent, struct message_row *row, struct voicemail_why *why)
{
	const char *language = agent ? agent->transcription_language : v->cfg->transcription_language;
	enum voicemail_step step = VOICEMAIL_DONE;
	struct text_answer answer;
	struct model_usage used;
	char path[PATH_MAX];

	if (transcription_by_twilio(v->cfg) && !row->transcript && !row->problem)
		return voicemail_because(why, VOICEMAIL_LATER, "Twilio has not told its words so far");
	stat_add(voicemail_transcribed, row->transcript != NULL);
	stat_add(voicemail_untranscribed, row->problem != NULL);
	if (!transcription_wanted(v->cfg))
		return VOICEMAIL_DONE;
	if ((size_t)snprintf(path, sizeof path, "%s/%s", v->cfg->data_dir, row->file) >= sizeof path ||
	    access(path, R_OK))
		return voicemail_because(why, VOICEMAIL_NEVER, "its file is gone");
	transcription_ask(v->cfg, path, language, jobs_cancel(v->background), &answer, &used, &why->retry_after_s);
	if (answer.outcome == TEXT_OK) {
		book(v, row, &used);
		row->transcript = answer.text;
		answer.text = NULL;
		stat_add(voicemail_transcribed, 1);
	} else if (answer.outcome == TEXT_CANCELLED) {
		step = VOICEMAIL_STOPPED;
	} else {
		step = voicemail_because(
		    why, answer.outcome == TEXT_UNAVAILABLE ? VOICEMAIL_LATER : VOICEMAIL_NEVER, answer.problem);
	}
	text_answer_free(&answer);
	return step;
}

/* Told before it is marked as done: a process that dies in between makes the next one tell it again. */
static void tell(struct voicemail *v, const struct agent *agent, struct message_row *row)
{
	char seconds[24];

	snprintf(seconds, sizeof seconds, "%lld", (long long)row->seconds);
	stat_add(voicemail_left, 1);
	stat_add(voicemail_unclaimed, !agent);
	if (!agent)
		log_warn(row->call_sid,
		    "a message was left for an agent that is not there; recording=%.40s agent=%.40s", row->id,
		    row->agent);
	log_info(row->call_sid, "a message was left; recording=%.40s seconds=%s kept=%d transcript=%d", row->id,
	    seconds, row->file != NULL, row->transcript != NULL);
	journal_tell(&(struct journal_entry){ .kind = JOURNAL_NOTE,
	    .type = "voicemail.left",
	    .call_sid = row->call_sid,
	    .agent = agent,
	    .wall_ms = clock_wall_ms(),
	    .facts = (struct journal_fact[]){ { "from", row->from }, { "to", row->to }, { "seconds", seconds },
		{ "recording_sid", row->id }, { "transcript", row->transcript }, { "problem", row->problem },
		{ 0 } } });
	row->state = MESSAGE_DONE;
	store_message_set(v->store, row);
}

/* There will be no sound, or no transcript; Twilio may still hand over the sound to who asks. */
static void give_up(struct message_row *row, const struct voicemail_why *why)
{
	bool sound = row->state == MESSAGE_FETCHING;
	char text[TWILIO_MESSAGE_SIZE + 32];

	stat_add(voicemail_unfetched, sound);
	stat_add(voicemail_untranscribed, !sound);
	snprintf(text, sizeof text, "%s: %s", sound ? "not fetched" : "not written down", why->text);
	log_error(row->call_sid, "a message was %s; recording=%.40s", text, row->id);
	free(row->problem);
	row->problem = strdup(text);
}

/* The time of the next try, in ms of the wall clock; 0: it is done, or gone. */
static int64_t go_on(struct voicemail *v, struct pending *p, const struct agent *agent, struct message_row *row)
{
	int64_t now_ms, give_up_ms = row->at_ms + (int64_t)v->cfg->voicemail_give_up_seconds * 1000, next_ms;
	struct voicemail_why why = { .retry_after_s = -1 };
	enum voicemail_step step = VOICEMAIL_DONE;

	if (row->state == MESSAGE_FETCHING)
		step = fetch_message(v, row, &why);
	if (row->state == MESSAGE_TRANSCRIBING)
		step = transcribe(v, agent, row, &why);
	if (step == VOICEMAIL_STOPPED || (step == VOICEMAIL_LATER && jobs_closing(v->background)))
		return INT64_MAX;
	now_ms = clock_wall_ms();
	if (step == VOICEMAIL_LATER && now_ms < give_up_ms) {
		next_ms = now_ms + backoff_ms(&delivery_backoff, ++p->failed, why.retry_after_s, backoff_chance());
		next_ms = next_ms < give_up_ms ? next_ms : give_up_ms;
		stat_add(voicemail_retries, 1);
		log_info(row->call_sid, "a message is tried again in %lld ms: %s; recording=%.40s",
		    (long long)(next_ms - now_ms), why.text, row->id);
		return next_ms;
	}
	if (step != VOICEMAIL_DONE)
		give_up(row, &why);
	tell(v, agent, row);
	return 0;
}

/* One job. The flush comes first: the row may be on its way to the disk. -ENOENT: it is done. */
static void work(void *owner, struct due_item *item)
{
	struct pending *p = (struct pending *)item;
	struct voicemail *v = owner;
	struct message_row row;
	int64_t next_ms = 0;
	int err = store_flush(v->store, FLUSH_MS);

	if (!err)
		err = store_message_pending(v->store, p->id, &row);
	if (!err) {
		/* The agent is taken as it is now; it may be gone. */
		const struct agent *agent = *row.agent ? agents_variant(v->agents, row.agent, row.variant) : NULL;

		next_ms = go_on(v, p, agent, &row);
		agent_release(agent);
		message_row_free(&row);
	} else if (err != -ENOENT) {
		next_ms = clock_wall_ms() + DISK_MS;
	}
	pthread_mutex_lock(&v->lock);
	p->next_ms = next_ms && p->again ? 1 : next_ms;
	p->again = false;
	if (next_ms) {
		due_list_let_go(&v->list, item);
	} else {
		due_list_remove(&v->list, item);
		free(p);
	}
	pthread_mutex_unlock(&v->lock);
	due_wake(&v->due);
}

/* ---------------------------------------------------------------- the queue's policy */

static int64_t when(void *owner, const struct due_item *item, int64_t now_ms)
{
	(void)owner, (void)now_ms;
	return ((const struct pending *)item)->next_ms;
}

/* A second report of a message that is in the list already has it looked at now. */
static bool put(void *owner, struct due_item *item)
{
	struct voicemail *v = owner;

	for (struct due_item *i = due_list_first(&v->list); i; i = due_item_next(i)) {
		struct pending *p = (struct pending *)i;

		if (strcmp(p->id, ((struct pending *)item)->id) != 0)
			continue;
		p->again = i->taken;
		p->next_ms = i->taken ? p->next_ms : 1;
		return false;
	}
	due_list_put(&v->list, item);
	return true;
}

static void free_item(struct due_item *item)
{
	free(item);
}

static void on_pending(void *arg, const char *id)
{
	add(arg, id, due_found);
}

static int read_pending(void *owner, int64_t seq, size_t room)
{
	struct voicemail *v = owner;

	(void)seq, (void)room; /* all of them are held in memory */
	if (store_flush(v->store, FLUSH_MS))
		return -EIO;
	return store_messages_pending(v->store, on_pending, v);
}

static const struct due_policy policy = {
	.name = "voicemail",
	.clock_ms = clock_wall_ms,
	.when = when,
	.work = work,
	.put = put,
	.free = free_item,
	.read = read_pending,
};

/* -------------------------------------------------------------------- beginning, end */

int voicemail_open(struct voicemail **out, const struct config *cfg, struct store *store, struct agents *agents,
    struct jobs *background, struct spending *spending)
{
	struct voicemail *v = calloc(1, sizeof *v);
	int err;

	if (!v)
		return -ENOMEM;
	v->cfg = cfg;
	v->store = store;
	v->agents = agents;
	v->background = background;
	v->spending = spending;
	pthread_mutex_init(&v->lock, NULL);
	v->due.policy = &policy;
	v->due.owner = v;
	v->due.lock = &v->lock;
	v->due.list = &v->list;
	v->due.jobs = background;
	/* Background threads stay free for other jobs, if there are any. */
	v->due.at_once = cfg->job_threads > WORKING_MAX ? WORKING_MAX : 1;
	v->due.stored = true;
	v->due.held = v->due.held_bytes = SIZE_MAX;
	err = due_open(&v->due);
	if (!err)
		*out = v;
	else
		voicemail_close(v);
	return err;
}

void voicemail_close(struct voicemail *v)
{
	if (!v)
		return;
	due_close(&v->due);
	pthread_mutex_destroy(&v->lock);
	free(v);
}
