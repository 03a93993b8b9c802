#ifndef AGENTS_AGENT_SET_H
#define AGENTS_AGENT_SET_H
/* All agents that were loaded together, and which of them answers. Constant
 * once made, shared by reference: a call that looks one up during a reload uses
 * the old set or the new one, never a bit of both. Only server/agents/ needs it.
 */
#include "server/agents/agent_memory.h"

enum { AGENTS_MAX = 1000, AGENT_VARIANTS_MAX = 16 };

struct agent_entry {
	const char *name;
	struct agent_memory *memory;                      /* one reference */
	const struct agent *variants[AGENT_VARIANTS_MAX]; /* the family's; one without a name if it has none */
	size_t variant_count;
	bool answers_rest; /* the numbers that nobody names */
};

struct agent_set {
	_Atomic int refs;
	struct agent_entry builtin; /* always there; for what no other answers */
	struct agent_entry *list;   /* owned; by name */
	size_t count;
};

/* The built-in agent alone; one reference. NULL if there is no memory. */
struct agent_set *agent_set_new(const struct config *cfg);
struct agent_set *agent_set_retain(struct agent_set *set);
void agent_set_release(struct agent_set *set); /* fine with NULL */

/* Takes over the reference to the agent's family. False if there is no memory;
 * then it does not. */
bool agent_set_add(struct agent_set *set, const struct agent_entry *entry);
void agent_set_sort(struct agent_set *set);

/* Who answers this number; never NULL. */
const struct agent_entry *agent_set_for_number(const struct agent_set *set, const char *number);

/* NULL if there is none of that name. */
const struct agent_entry *agent_set_by_name(const struct agent_set *set, const char *name);

/* The variant that `at`, from 0 to 1, falls on when each is as wide as its weight. */
const struct agent *agent_entry_draw(const struct agent_entry *entry, double at);

#endif
