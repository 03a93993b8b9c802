#ifndef NEWS_JOURNAL_STORE_H
#define NEWS_JOURNAL_STORE_H
/* What happens in calls, written to the store: a call's row from its
 * reservation on, its turns as they settle, tools, and all else as events.
 */
#include "server/news/journal.h"

struct agents;
struct store;

/* At start, before any call: listens to the journal. Nothing for NULL. */
void journal_store_open(struct store *store);

/* At start, behind all who listen and before any call: the calls that a process
 * which died left open are told to have ended (`interrupted`, when the last thing
 * was known of them), with the agents of their names. `agents` may be NULL. */
void journal_store_close_open(struct store *store, struct agents *agents);

/* The sink; `arg` is the store. */
journal_sink journal_store_take;

#endif
