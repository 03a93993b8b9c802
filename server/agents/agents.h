#ifndef AGENTS_AGENTS_H
#define AGENTS_AGENTS_H
/* The agents of this process: loaded from AGENTS_DIR, swapped as a whole on
 * SIGHUP. A call keeps the agent it began with.
 */
#include "common/json_out.h"
#include "server/agents/agent.h"
#include "server/config/config_warnings.h"

struct agents;

/* Reads and checks every file. 0, or -EINVAL with one line a mistake in
 * `problem`: file, place (a JSON path, or line and column) and a sentence. */
int agents_open(struct agents **out, const struct config *cfg, struct buf *problem);

/* Oddities in the files in use that are no mistakes; a line each. */
void agents_notes(struct agents *agents, struct buf *out);

void agents_close(struct agents *agents); /* fine with NULL */

/* Loads again, for new calls; after a mistake the old agents stay in use. Main's
 * thread only; blocks on the disk. */
int agents_reload(struct agents *agents, struct buf *problem);

/* A callback runs after each reload that brought a new set, on the thread that
 * reloads. agents_on_change is for the start, before any call; four at most. */
typedef void agents_changed(void *arg);
void agents_on_change(struct agents *agents, agents_changed *callback, void *arg);

/* Retained for the caller. By the number called: its agent, else the one that
 * names no number, else the built-in one; a variant is drawn by weight. By name:
 * NULL if there is none. */
const struct agent *agents_for_number(struct agents *agents, const char *number);
const struct agent *agents_by_name(struct agents *agents, const char *name);

/* The agent that can only be meant where none is named: the one that has the number `from` (NULL:
 * not told), else the only file's, or without files the built-in one; retained. NULL if there are
 * several. */
const struct agent *agents_only(struct agents *agents, const char *from);

/* What a call may name where there is more than one: the files' names, and the numbers of all of
 * them. Appends the first few, with commas, and says how many more there are. Returns how many in
 * all. */
size_t agents_name_all(struct agents *agents, struct buf *out);
size_t agents_number_all(struct agents *agents, struct buf *out);

/* The agent of an earlier call as it is now: the same variant, else another one of
 * that agent; retained. NULL if there is no agent of that name any more. */
const struct agent *agents_variant(struct agents *agents, const char *name, const char *variant);

enum { AGENTS_LISTED_MAX = 16001 }; /* the most that agents_list can give */

/* All agents, each variant for itself; the built-in one only if a number can reach
 * it, and not where it alone would need the realtime model. Each is retained. Returns how many (at most `max`) were written. */
size_t agents_list(struct agents *agents, const struct agent **out, size_t max);

size_t agents_count(struct agents *agents); /* files loaded */

/* How many agents_list would give, of this name alone, or with NULL of all. */
size_t agents_count_variants(struct agents *agents, const char *name);

/* A line for each agent. Whole numbers are in it: not for logs. */
void agents_describe(struct agents *agents, struct buf *out);

/* Of all agents that can be reached: models that end (config_warnings.h). */
void agents_model_ends(struct agents *agents, const struct model_ends *to);

/* Whether this number, or SIP address, may be dialled: by OUTBOUND_ALLOW, or without it by the
 * agents' own numbers. A no is logged under `tag` and counted; `way` is a word for what it was wanted
 * for. */
bool agents_may_dial(struct agents *agents, const char *number, const char *tag, const char *way);

/* The sentence for whoever asked for it. */
void agents_put_dialling(struct agents *agents, struct buf *out);

/* The fallback numbers and destinations that will not be dialled, a line each: a mistake, with which
 * calls are answered all the same. */
void agents_undialled(struct agents *agents, struct buf *out);

/* For /status, into the object that is open: names, loaded_at, last_error. */
void agents_put_json(struct agents *agents, struct json_out *j);

#endif
