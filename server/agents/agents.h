#ifndef AGENTS_AGENTS_H
#define AGENTS_AGENTS_H
/* The agents there are: loaded from AGENTS_DIR, swapped as a whole on SIGHUP.
 * Calls that are up keep the one they began with.
 */
#include "common/json_out.h"
#include "server/agents/agent.h"

struct agents;

/* Reads and checks every file. 0, or -EINVAL with one line a mistake in
 * `problem`: file, place (a JSON path, or line and column) and a sentence. */
int agents_open(struct agents **out, const struct config *cfg, struct buf *problem);

/* What was odd in the files in use, but no mistake; a line each. */
void agents_notes(struct agents *agents, struct buf *out);

void agents_close(struct agents *agents); /* fine with NULL */

/* The same again for new calls; on a mistake the old ones stay. One thread,
 * main's; it reads files. */
int agents_reload(struct agents *agents, struct buf *problem);

/* Called after each reload that brought a new set, on the thread that reloads.
 * At start, before any call; a handful of them. */
typedef void agents_changed(void *arg);
void agents_on_change(struct agents *agents, agents_changed *callback, void *arg);

/* Retained for the caller. By the number called: its agent, else the one that
 * names no number, else the built-in one; a variant is drawn by weight. By name:
 * NULL if there is none. */
const struct agent *agents_for_number(struct agents *agents, const char *number);
const struct agent *agents_by_name(struct agents *agents, const char *name);

/* The agent a call had, as it is now: that variant, else another of its; retained. */
const struct agent *agents_variant(struct agents *agents, const char *name, const char *variant);

enum { AGENTS_LISTED_MAX = 16001 }; /* as many as agents_list can ever give */

/* All of them, each variant for itself, the built-in one only if it can be
 * reached by a number; each retained. How many (at most `max`) were written. */
size_t agents_list(struct agents *agents, const struct agent **out, size_t max);

size_t agents_count(struct agents *agents); /* files loaded */

/* A line for each of them. Whole numbers are in it: not for logs. */
void agents_describe(struct agents *agents, struct buf *out);

/* For /status, into the object that is open: names, loaded_at, last_error. */
void agents_put_json(struct agents *agents, struct json_out *j);

#endif
