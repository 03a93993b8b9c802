#ifndef NEWS_JOURNAL_STORE_H
#define NEWS_JOURNAL_STORE_H
/* The journal's sink that writes to the store: a call's row from its reservation on, its
 * turns as they change, its tools, and everything else as events.
 */
#include "server/news/journal.h"

struct agents;
struct store;

/* At start, before any call: adds the sink. Nothing for NULL. */
void journal_store_open(struct store *store);

/* At start, after all sinks were added and before any call. Calls that a dead process
 * left open are told to have ended: as `interrupted`, at the time of their last known
 * event, with the agents of their names. `agents` may be NULL. */
void journal_store_close_open(struct store *store, struct agents *agents);

/* The sink; its argument is the store. */
journal_sink journal_store_take;

#endif
