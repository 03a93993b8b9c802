#include "server/outcome/outcome_save.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/json_out.h"
#include "common/log.h"
#include "common/schema_follow.h"
#include "server/news/journal.h"
#include "server/store/store_outcomes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TRIES_IN_CALL = 2, /* records that break the schema; the first is answered with the problems */
	SAVES_IN_CALL = 20 /* a model that saves more often runs in circles */
};

/* The counts of a live call. The records themselves are in the store. */
struct outcome_saving {
	struct outcome_saving *next;
	char call_sid[FOREIGN_ID_SIZE];
	int tries, saves; /* records that broke the schema; all records */
};

void outcome_saves_open(struct outcome_saves *s, struct store *store)
{
	*s = (struct outcome_saves){ .store = store };
	pthread_mutex_init(&s->lock, NULL);
}

void outcome_saves_close(struct outcome_saves *s)
{
	for (int i = 0; i < OUTCOME_SAVES_BUCKETS; i++)
		while (s->of[i]) {
			struct outcome_saving *gone = s->of[i];

			s->of[i] = gone->next;
			free(gone);
		}
	pthread_mutex_destroy(&s->lock);
}

static struct outcome_saving **bucket(struct outcome_saves *s, const char *call_sid)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *call_sid; call_sid++)
		h = (h ^ (uint8_t)*call_sid) * 16777619u;
	return &s->of[h % OUTCOME_SAVES_BUCKETS];
}

/* Under the lock. The link to the call's counts, or the one at the end of the list. */
static struct outcome_saving **find_saving(struct outcome_saves *s, const char *call_sid)
{
	struct outcome_saving **at = bucket(s, call_sid);

	while (*at && strcmp((*at)->call_sid, call_sid) != 0)
		at = &(*at)->next;
	return at;
}

void outcome_saves_forget(struct outcome_saves *s, const char *call_sid)
{
	struct outcome_saving **at, *gone;

	pthread_mutex_lock(&s->lock);
	at = find_saving(s, call_sid);
	gone = *at;
	if (gone)
		*at = gone->next;
	pthread_mutex_unlock(&s->lock);
	free(gone);
}

enum verdict { SAVED, SAY_AGAIN, KEPT_INVALID, TOO_OFTEN };

/* Counts this save, and decides what the model is told. A model that cannot follow the
 * schema would otherwise ask the caller the same things again and again, so it gets one
 * second chance in a call. Without memory for the counts the record is kept as it is. */
static enum verdict judge_save(struct outcome_saves *s, const char *call_sid, bool valid)
{
	struct outcome_saving **at, *of_call;
	enum verdict verdict = SAVED;

	pthread_mutex_lock(&s->lock);
	at = find_saving(s, call_sid);
	if (!*at && (*at = calloc(1, sizeof **at)))
		snprintf((*at)->call_sid, sizeof(*at)->call_sid, "%s", call_sid);
	of_call = *at;
	if (of_call && ++of_call->saves > SAVES_IN_CALL)
		verdict = TOO_OFTEN;
	else if (!valid)
		verdict = of_call && ++of_call->tries < TRIES_IN_CALL ? SAY_AGAIN : KEPT_INVALID;
	pthread_mutex_unlock(&s->lock);
	return verdict;
}

static void tell_saved(const struct tool_call *call, const char *status)
{
	char id[OUTCOME_ID_SIZE];

	outcome_id(call->call_sid, id);
	journal_tell(&(struct journal_entry){ .kind = JOURNAL_NOTE,
	    .type = "record.saved",
	    .call_sid = call->call_sid,
	    .agent = call->agent,
	    .wall_ms = clock_wall_ms(),
	    .facts = (struct journal_fact[]){ { "id", id }, { "status", status }, { 0 } } });
}

/* The store never replaces a valid record by an invalid one, so a later slip of the
 * model costs nothing. */
static void keep(
    struct outcome_saves *s, const struct tool_call *call, const char *status, const cJSON *value, const char *problems)
{
	char *json = cJSON_PrintUnformatted(value);

	store_outcome_save(
	    s->store, call->call_sid, call->agent->name, call->agent->variant, status, json, problems, clock_wall_ms());
	cJSON_free(json);
	tell_saved(call, status);
	log_info(call->call_sid, "save_record: status=%s", status);
}

/* `problems`: a JSON array, or NULL. */
static void put_refusal(struct buf *out, const char *code, const char *message, const char *problems)
{
	struct json_out j = json_out_to(out);

	json_put_object(&j, NULL);
	tool_put_error_member(&j, code, message);
	if (problems)
		json_put_json(&j, "problems", problems);
	json_put_end(&j);
}

static void put_saved(struct buf *out)
{
	struct json_out j = json_out_to(out);

	json_put_object(&j, NULL);
	json_put_bool(&j, "saved", true);
	json_put_end(&j);
}

/* On a job's thread, while the caller is on the line: nothing here asks another server.
 * `out` is the tool's answer, which the model reads: what is missing, in sentences that
 * it can act on. The record itself is completed after the call (outcomes.c). */
bool outcome_saves_take(struct outcome_saves *s, const struct tool_call *call, struct buf *out)
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
	verdict = judge_save(s, call->call_sid, !problems.count);
	if (verdict == TOO_OFTEN) {
		put_refusal(out, "too_often", "This has been saved often enough; go on with the call.", NULL);
	} else if (verdict == SAVED) {
		keep(s, call, "valid", value, NULL);
		put_saved(out);
	} else {
		if (cJSON_IsObject(value))
			keep(s, call, "invalid", value, buf_text(&list));
		put_refusal(out, "invalid_record",
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
