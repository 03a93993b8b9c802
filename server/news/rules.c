#include "server/news/rules.h"

#include "server/agents/agents.h"
#include "server/delivery/delivery.h"
#include "server/news/journal_json.h"

#include <stdlib.h>
#include <string.h>

unsigned rules_events(const struct journal_entry *entry)
{
	if (!strcmp(entry->type, "call.failed"))
		return WEBHOOK_CALL_FAILED;
	/* Who is refused could otherwise make us send one for each of his calls. */
	if (!strcmp(entry->type, "call.refused"))
		return 0;
	switch (entry->kind) {
	case JOURNAL_STARTED:
		return WEBHOOK_CALL_STARTED;
	case JOURNAL_ENDED:
		return WEBHOOK_CALL_ENDED | (call_ending(entry->call->end)->fault ? (unsigned)WEBHOOK_CALL_FAILED : 0);
	case JOURNAL_OUTCOME:
		return !strcmp(entry->type, "record.created") ? WEBHOOK_OUTCOME_CREATED : 0;
	case JOURNAL_NOTE:
		if (!strcmp(entry->type, "voicemail.left"))
			return WEBHOOK_VOICEMAIL_LEFT;
		return !strcmp(entry->type, "call.reconnected") ? WEBHOOK_CALL_RECONNECTED : 0;
	default:
		return 0;
	}
}

/* The members for every receiver of this entry. The delivery adds id, event and time, which
 * differ for each of them. */
static void put_members(struct json_out *j, const void *what)
{
	const struct journal_entry *entry = what;

	if (entry->kind != JOURNAL_OUTCOME && entry->kind != JOURNAL_NOTE) {
		journal_put_entry(j, "call", entry);
		return;
	}
	json_put_object(j, "call");
	json_put_text(j, "call_sid", entry->call_sid);
	json_put_text(j, "agent", entry->agent->name);
	json_put_end(j);
	if (entry->kind == JOURNAL_OUTCOME)
		journal_put_entry(j, "record", entry);
	else
		journal_put_entry(j, strcmp(entry->type, "voicemail.left") ? "reconnected" : "voicemail", entry);
}

static void tell(struct delivery *delivery, const struct journal_entry *entry, const char *event, const char *url)
{
	delivery_add(delivery, &(struct delivery_event){ .event = event,
				   .url = url,
				   .call_sid = entry->call_sid,
				   .agent = entry->agent->name,
				   .variant = entry->agent->variant,
				   .secret = entry->agent->signing_secret,
				   .at_ms = entry->wall_ms,
				   .put = put_members,
				   .what = entry });
}

/* On the teller's thread, often a call's loop: the delivery writes the JSON and queues it.
 * One entry can be two events (call.ended and call.failed), and each address that lists
 * an event gets its own delivery. */
void rules_sink(void *delivery, const struct journal_entry *entry)
{
	const struct agent *p = entry->agent;
	unsigned events;

	/* Most agents have no webhook; their calls cost nothing here. */
	if (!delivery || !p || !p->webhook_count || !(events = rules_events(entry)))
		return;
	for (size_t n = 0; n < WEBHOOK_EVENTS; n++) {
		for (size_t i = 0; i < p->webhook_count; i++)
			if (events & p->webhooks[i].events & (1u << n))
				tell(delivery, entry, webhook_event_names[n], p->webhooks[i].url);
	}
}

/* For a delivery that an earlier process left: its row has no secret, since secrets are
 * not written to the disk. The agent's present one signs it. */
char *rules_secret(void *agents, const char *agent, const char *variant)
{
	const struct agent *p = agents ? agents_variant(agents, agent, variant) : NULL;
	char *secret = p ? strdup(p->signing_secret) : NULL;

	agent_release(p);
	return secret;
}

void rules_warnings(struct agents *agents, struct store *store, struct buf *out)
{
	const struct agent **all = calloc(AGENTS_LISTED_MAX, sizeof *all);
	size_t count = all ? agents_list(agents, all, AGENTS_LISTED_MAX) : 0;
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		any |= all[i]->webhook_count > 0;
		agent_release(all[i]);
	}
	free(all);
	if (any && !store)
		buf_puts(out, "DATA_DIR is not set: webhooks that are not delivered when the server stops are lost, "
			      "and cannot be listed.\n");
}
