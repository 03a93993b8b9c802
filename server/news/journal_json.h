#ifndef NEWS_JOURNAL_JSON_H
#define NEWS_JOURNAL_JSON_H
/* What is told of a call, as JSON: for the API, watchers, webhooks and the store's
 * columns alike, so that all of them name things the same way. Pure.
 */
#include "common/json_out.h"
#include "server/news/journal.h"

/* Members of the object that is open: the call itself, and with `talk` what was
 * said and done in it; its turns only if `turns`. */
void journal_put_call(struct json_out *j, const struct call_summary *call, const struct call_talk *talk, bool turns);

void journal_put_turn(struct json_out *j, const char *key, const struct call_turn *turn);
void journal_put_tool(struct json_out *j, const char *key, const struct call_tool *tool);
void journal_put_recording(struct json_out *j, const char *key, const struct call_recording *recording);

/* All that an entry has to tell, as one object. */
void journal_put_entry(struct json_out *j, const char *key, const struct journal_entry *entry);

#endif
