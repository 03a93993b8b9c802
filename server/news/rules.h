#ifndef NEWS_RULES_H
#define NEWS_RULES_H
/* The events that an agent's webhooks are told: the journal's sink in front of the
 * deliveries.
 *
 *   call.started    the stream is there
 *   call.ended      the call is over, however it ended
 *   call.failed     in addition, if it ended by a fault; or alone, for an outbound call
 *                   that was never answered, which is an entry of that type, of any kind
 *   record.created  a record is complete
 *
 * The body: {"id","event","created_at","call":{…}}. The last one also has "record":{…},
 * and its "call" has only "call_sid" and "agent".
 */
#include "common/buf.h"
#include "server/news/journal.h"

struct agents;
struct delivery;
struct store;

/* For journal_add_sink; its argument is a struct delivery, or NULL. */
void rules_sink(void *delivery, const struct journal_entry *entry);

/* A delivery_secret for delivery_open; `agents` is a struct agents. */
char *rules_secret(void *agents, const char *agent, const char *variant);

/* Appends a line if agents have webhooks and there is no store. */
void rules_warnings(struct agents *agents, struct store *store, struct buf *out);

/* The bits of the events (agent.h) for an entry; 0: none. */
unsigned rules_events(const struct journal_entry *entry);

#endif
