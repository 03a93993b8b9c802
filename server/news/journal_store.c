#include "server/news/journal_store.h"

#include "common/log.h"
#include "server/agents/agents.h"
#include "server/news/journal_json.h"
#include "server/stats/stats.h"

/* The JSON for the row. A call's is without its turns, which have rows of their own. */
static void put_kept(struct json_out *j, const struct journal_entry *e)
{
	if (e->kind != JOURNAL_RESERVED && e->kind != JOURNAL_STARTED && e->kind != JOURNAL_ENDED) {
		journal_put_entry(j, NULL, e);
		return;
	}
	json_put_object(j, NULL);
	journal_put_call(j, e->call, e->talk, false);
	json_put_end(j);
}

/* Every row is only queued here; the store's thread writes it (store.h). A later entry
 * of the same call, turn or tool replaces the row, so each entry tells all there is. The
 * agent may be gone from memory for an interrupted call: then its name counts. */
static void keep(struct store *store, const struct journal_entry *e, const char *json)
{
	const char *agent = e->agent ? e->agent->name : NULL;
	const char *variant = e->agent && e->agent->variant && e->agent->variant[0] ? e->agent->variant : NULL;

	switch (e->kind) {
	case JOURNAL_TURN:
		store_turn_put(store, e->call_sid, e->no, e->turn, e->wall_ms, json);
		return;
	case JOURNAL_RESERVED:
	case JOURNAL_STARTED:
	case JOURNAL_ENDED:
		store_call_put(store, e->call_sid, e->call, agent ? agent : e->call->agent,
		    variant ? variant : e->call->variant, json);
		if (e->kind != JOURNAL_RESERVED) /* the row itself says when it was reserved */
			store_event_put(store, e->call_sid, e->type, e->wall_ms, NULL);
		return;
	case JOURNAL_TOOL:
		store_tool_put(store, e->call_sid, e->tool, e->wall_ms);
		break;
	case JOURNAL_NOTE:
	case JOURNAL_OUTCOME:
	case JOURNAL_RECORDING:
	case JOURNAL_FORMING:
		break;
	}
	store_event_put(store, e->call_sid, e->type, e->wall_ms, json);
}

void journal_store_take(void *arg, const struct journal_entry *e)
{
	struct json_out j;
	struct buf json;

	if (e->kind == JOURNAL_FORMING) /* the whole turn follows, or nothing was said */
		return;
	buf_init(&json, 0);
	j = json_out_to(&json);
	put_kept(&j, e);
	if (buf_error(&json))
		log_error(e->call_sid, "not kept: what there is to tell is too large; type=%s", e->type);
	else
		keep(arg, e, buf_text(&json));
	buf_free(&json);
}

/* ------------------------------------------------- calls of a process that died */

struct interrupted {
	struct agents *agents;
	unsigned count;
};

/* The end goes to all sinks, the store included. So the end of the call and its webhook
 * are written together; if this process dies before that, the next one tells them. */
static void tell_interrupted(void *arg, const struct call_summary *call, const struct call_talk *talk)
{
	struct interrupted *those = arg;
	const struct agent *agent = NULL;

	if (those->agents && call->agent)
		agent = agents_variant(those->agents, call->agent, call->variant ? call->variant : "");
	those->count++;

	journal_tell(&(struct journal_entry){ .kind = JOURNAL_ENDED,
	    .type = "call.ended",
	    .call_sid = call->call_sid,
	    .agent = agent,
	    .wall_ms = call->ended_ms,
	    .call = call,
	    .talk = talk });
	agent_release(agent);
}

void journal_store_close_open(struct store *store, struct agents *agents)
{
	struct interrupted those = { .agents = agents };

	if (!store)
		return;
	if (store_calls_open(store, END_INTERRUPTED, tell_interrupted, &those))
		log_error(
		    "store", "the calls that the server died during cannot be read: no webhook tells of their end");
	if (those.count) {
		log_warn("store", "the server died during %u calls; they are closed as %s", those.count,
		    call_ending(END_INTERRUPTED)->json);
		atomic_fetch_add(&stats.ended[END_INTERRUPTED], those.count);
	}
	/* The rows that could not be read now are closed once the disk is back. */
	store_calls_close_open(store, END_INTERRUPTED);
}

void journal_store_open(struct store *store)
{
	if (store)
		journal_add_sink(journal_store_take, store);
}
