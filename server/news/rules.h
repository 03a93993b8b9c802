#ifndef NEWS_RULES_H
#define NEWS_RULES_H
/* Which news of a call its agent's webhooks are told: the journal's sink in
 * front of the outbox.
 *
 *   call.started    the caller is there
 *   call.ended      it is over, however it ended
 *   call.failed     besides, when it ended by a fault; or alone, when it never
 *                   came to be: an outbound call nobody answered, which is an
 *                   entry of that type, whatever its kind
 *   record.created  a record was made
 *
 * The body: {"id","event","created_at","call":{…}}, with "record":{…} beside it
 * for the last, and then "call" is only which one it was.
 */
#include "common/buf.h"
#include "server/news/journal.h"

struct agents;
struct delivery;
struct store;

/* For journal_add_sink; `delivery` is a struct delivery, or NULL. */
void rules_sink(void *delivery, const struct journal_entry *entry);

/* For delivery_open, with a struct agents: the signing secret of an agent. */
char *rules_secret(void *agents, const char *agent, const char *variant);

/* What must be said at start: webhooks without a store. One sentence a line. */
void rules_warnings(struct agents *agents, struct store *store, struct buf *out);

/* The bits of the events (agent.h) the entry gives rise to; 0: none. */
unsigned rules_events(const struct journal_entry *entry);

#endif
