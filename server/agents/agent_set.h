#ifndef AGENTS_AGENT_SET_H
#define AGENTS_AGENT_SET_H
/* All agents of one loading, and the choice among them. Constant once made,
 * shared by reference: a look-up during a reload uses the old set or the new
 * one, never a mixture. Only server/agents/ needs it.
 */
#include "server/agents/agent_memory.h"
#include "server/config/dialling.h"

enum { AGENTS_MAX = 1000, AGENT_VARIANTS_MAX = 16 };

struct agent_entry {
	const char *name;
	struct agent_memory *memory;                      /* one reference */
	const struct agent *variants[AGENT_VARIANTS_MAX]; /* in `memory`; without variants one agent, unnamed */
	size_t variant_count;
	bool answers_rest; /* it takes the numbers that no agent names */
};

struct agent_set {
	_Atomic int refs;
	struct agent_entry builtin; /* always there; the last resort of agent_set_for_number */
	struct agent_entry *list;   /* owned; by name */
	size_t count;
	struct dialling dialling; /* whom these agents may dial */
};

/* The built-in agent alone; one reference. NULL if there is no memory. */
struct agent_set *agent_set_new(const struct config *cfg);
struct agent_set *agent_set_retain(struct agent_set *set);
void agent_set_release(struct agent_set *set); /* fine with NULL */

/* Takes over the entry's reference. False if there is no memory: the reference
 * stays with the caller. */
bool agent_set_add(struct agent_set *set, const struct agent_entry *entry);
void agent_set_sort(struct agent_set *set);

/* The agent that answers this number; never NULL. */
const struct agent_entry *agent_set_for_number(const struct agent_set *set, const char *number);

/* True if its file has this number among its own. */
bool agent_entry_names(const struct agent_entry *entry, const char *number);

/* NULL if there is none of that name. */
const struct agent_entry *agent_set_by_name(const struct agent_set *set, const char *name);

/* The variant that `at`, from 0 to 1, falls on when each is as wide as its weight. */
const struct agent *agent_entry_draw(const struct agent_entry *entry, double at);

#endif
