#include "server/call/hooks.h"

#include "common/json.h"
#include "common/clock.h"
#include "common/log.h"
#include "server/agents/agents.h"
#include "server/call/calls.h"
#include "server/call/endings.h"
#include "server/store/store.h"
#include "server/store/store_calls.h"
#include "server/work/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	AGENTS_MAX = 1024,
	INTERRUPTED_MAX = 1000, /* told of at one start */
	CLOSED_MS = 5000        /* for the store to have closed them */
};
/* Who hears of the end of a call a week late has found out otherwise. */
#define NEWS_MS (7 * 24 * 3600 * INT64_C(1000))

static const struct {
	unsigned event;
	const char *name;
} names[] = {
	{ WEBHOOK_CALL_STARTED, "call.started" },
	{ WEBHOOK_CALL_ENDED, "call.ended" },
	{ WEBHOOK_CALL_FAILED, "call.failed" },
	{ WEBHOOK_RECORD_CREATED, "record.created" },
};

/* "ending":{…,"fault":true} */
static bool by_fault(const char *json)
{
	struct span ending, fault;

	return json_scan(json, strlen(json), "ending", &ending) && json_scan(ending.p, ending.n, "fault", &fault) &&
	       span_is(fault, "true");
}

unsigned hooks_events(const struct journal_entry *entry)
{
	switch (entry->kind) {
	case JOURNAL_STARTED:
		return WEBHOOK_CALL_STARTED;
	case JOURNAL_ENDED:
		if (!strcmp(entry->type, "call.failed"))
			return WEBHOOK_CALL_FAILED;
		return WEBHOOK_CALL_ENDED | (by_fault(entry->json) ? (unsigned)WEBHOOK_CALL_FAILED : 0);
	case JOURNAL_RECORD:
		return !strcmp(entry->type, "record.created") ? WEBHOOK_RECORD_CREATED : 0;
	default:
		return !strcmp(entry->type, "call.failed") ? WEBHOOK_CALL_FAILED : 0;
	}
}

static void put_fields(struct buf *out, const struct journal_entry *entry)
{
	if (entry->kind != JOURNAL_RECORD) {
		buf_printf(out, "\"call\":%s", entry->json);
		return;
	}
	buf_puts(out, "\"call\":{\"call_sid\":");
	json_put_cstring(out, entry->call_sid);
	buf_puts(out, ",\"agent\":");
	json_put_cstring(out, entry->profile->name);
	buf_printf(out, "},\"record\":%s", entry->json);
}

static void tell(
    struct outbox *outbox, const struct journal_entry *entry, const char *event, const char *url, const char *fields)
{
	outbox_add(outbox, &(struct outbox_event){ .event = event,
			       .url = url,
			       .call_sid = entry->call_sid,
			       .agent = entry->profile->name,
			       .variant = entry->profile->variant,
			       .secret = entry->profile->signing_secret,
			       .at_ms = entry->wall_ms,
			       .fields = fields });
}

void hooks_sink(void *outbox, const struct journal_entry *entry)
{
	const struct profile *p = entry->profile;
	struct buf fields;
	unsigned events;

	/* Most calls' agents have none; nothing is spent on them. */
	if (!outbox || !p || !p->webhook_count || !(events = hooks_events(entry)))
		return;
	buf_init(&fields, 0);
	put_fields(&fields, entry);
	if (buf_error(&fields)) {
		log_error(entry->call_sid, "webhooks are lost: what there is to tell is too large");
		events = 0;
	}
	for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
		for (size_t i = 0; i < p->webhook_count; i++)
			if (events & p->webhooks[i].events & names[n].event)
				tell(outbox, entry, names[n].name, p->webhooks[i].url, buf_text(&fields));
	}
	buf_free(&fields);
}

/* An agent as it is now, retained; another variant of it is better than none. */
static const struct profile *find_agent(struct agents *agents, const char *agent, const char *variant)
{
	const struct profile **all = agents ? calloc(AGENTS_MAX, sizeof *all) : NULL;
	size_t count = all ? agents_list(agents, all, AGENTS_MAX) : 0;
	const struct profile *found = NULL;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(all[i]->name, agent) != 0)
			continue;
		if (!found || !strcmp(all[i]->variant, variant))
			found = all[i];
	}
	for (size_t i = 0; i < count; i++)
		if (all[i] != found)
			profile_release(all[i]);
	free(all);
	return found;
}

char *hooks_secret(void *agents, const char *agent, const char *variant)
{
	const struct profile *p = find_agent(agents, agent, variant);
	char *secret = p ? strdup(p->signing_secret) : NULL;

	profile_release(p);
	return secret;
}

void hooks_warnings(struct agents *agents, struct store *store, struct buf *out)
{
	const struct profile **all = calloc(AGENTS_MAX, sizeof *all);
	size_t count = all ? agents_list(agents, all, AGENTS_MAX) : 0;
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		any |= all[i]->webhook_count > 0;
		profile_release(all[i]);
	}
	free(all);
	if (any && !store)
		buf_puts(out, "DATA_DIR is not set: webhooks that are not delivered when the server stops are lost, "
			      "and cannot be listed.\n");
}

/* --------------------------------------------------------------------- left open */

struct interrupted {
	char call_sid[CALL_SID_SIZE], agent[128], variant[128];
};

/* Those nobody was told the end of. How many were written to `out`. */
static int find_interrupted(struct store *store, struct interrupted *out, int most)
{
	static const char sql[] =
	    "SELECT call_sid, coalesce(agent, ''), coalesce(variant, '') FROM calls c WHERE ending = ? AND ended_at > ?"
	    " AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.call_sid = c.call_sid AND o.event IN ('call.ended',"
	    " 'call.failed')) ORDER BY reserved_at LIMIT ?";
	sqlite3 *db = store_reader(store);
	sqlite3_stmt *row = NULL;
	int count = 0;

	if (db && sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK) {
		sqlite3_bind_text(row, 1, call_ending(END_INTERRUPTED)->json, -1, SQLITE_STATIC);
		sqlite3_bind_int64(row, 2, clock_wall_ms() - NEWS_MS);
		sqlite3_bind_int(row, 3, most);
		while (count < most && sqlite3_step(row) == SQLITE_ROW) {
			struct interrupted *i = &out[count++];

			snprintf(i->call_sid, sizeof i->call_sid, "%s", (const char *)sqlite3_column_text(row, 0));
			snprintf(i->agent, sizeof i->agent, "%s", (const char *)sqlite3_column_text(row, 1));
			snprintf(i->variant, sizeof i->variant, "%s", (const char *)sqlite3_column_text(row, 2));
		}
	}
	sqlite3_finalize(row);
	if (db)
		store_reader_done(store, db);
	return count;
}

static void tell_interrupted(
    struct store *store, struct agents *agents, struct outbox *outbox, const struct interrupted *i)
{
	const struct profile *p = find_agent(agents, i->agent, i->variant);
	struct buf json;

	buf_init(&json, 0);
	if (p && p->webhook_count && !store_call(store, i->call_sid, &json) && !buf_error(&json))
		hooks_sink(outbox, &(struct journal_entry){ .kind = JOURNAL_ENDED,
				       .type = "call.ended",
				       .call_sid = i->call_sid,
				       .profile = p,
				       .wall_ms = clock_wall_ms(),
				       .no = -1,
				       .json = buf_text(&json) });
	buf_free(&json);
	profile_release(p);
}

void hooks_tell_interrupted(struct store *store, struct agents *agents, struct outbox *outbox)
{
	struct interrupted *found = store ? calloc(INTERRUPTED_MAX, sizeof *found) : NULL;
	int count = 0;

	/* What closes them may still be on its way to the disk. */
	if (found && !store_flush(store, CLOSED_MS))
		count = find_interrupted(store, found, INTERRUPTED_MAX);
	for (int i = 0; i < count; i++)
		tell_interrupted(store, agents, outbox, &found[i]);
	free(found);
}
