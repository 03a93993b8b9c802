#ifndef NEWS_JOURNAL_JSON_H
#define NEWS_JOURNAL_JSON_H
/* Calls as JSON: for the API, watchers, webhooks and the store's columns alike, so that
 * all of them use the same names. Pure.
 */
#include "common/json_out.h"
#include "server/news/journal.h"

/* Members of the open object: the call, and with `talk` its conversation and tools; the
 * turns only if `turns`. */
void journal_put_call(struct json_out *j, const struct call_summary *call, const struct call_talk *talk, bool turns);

void journal_put_turn(struct json_out *j, const char *key, const struct call_turn *turn);
void journal_put_tool(struct json_out *j, const char *key, const struct call_tool *tool);
void journal_put_recording(struct json_out *j, const char *key, const struct call_recording *recording);

/* The contents of an entry, as one object. */
void journal_put_entry(struct json_out *j, const char *key, const struct journal_entry *entry);

#endif
