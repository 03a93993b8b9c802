#ifndef LINE_CALL_JOURNAL_H
#define LINE_CALL_JOURNAL_H
/* What the journal is told of a call on its line.
 *
 * Either loop; no lock held. A call without a name is not told of.
 */
#include "server/line/call.h"
#include "server/news/journal.h"

/* Fills in which call, whose, and when. */
void call_tell(struct call *c, struct journal_entry entry);

/* The caller is there. */
void call_tell_started(struct call *c);

#endif
