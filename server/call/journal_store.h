#ifndef CALL_JOURNAL_STORE_H
#define CALL_JOURNAL_STORE_H
/* What happens in calls, written to the store: a call's row from its
 * reservation on, its turns as they settle, tools, and all else as events.
 */
#include "server/call/journal.h"

struct store;

/* At start, before any call: closes the calls that a process which died left
 * open (ending `interrupted`, at the last thing known of them), and listens to
 * the journal from now on. Nothing for NULL. */
void journal_store_open(struct store *store);

/* The sink; `arg` is the store. */
journal_sink journal_store_take;

#endif
