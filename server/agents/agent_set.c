#include "server/agents/agent_set.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The set begins with the built-in agent, so that every number has somebody to answer it even if
 * the directory is empty or unset. */
struct agent_set *agent_set_new(const struct config *cfg)
{
	struct agent_set *set = calloc(1, sizeof *set);
	struct agent_memory *memory = agent_memory_new();
	struct agent *p = memory ? agent_memory_new_agent(memory) : NULL;

	if (!set || !p) {
		agent_memory_release(memory);
		free(set);
		return NULL;
	}
	atomic_init(&set->refs, 1);
	agent_from_config(p, cfg);
	agent_settle_model(p, cfg);
	set->builtin = (struct agent_entry){ .name = p->name, .memory = memory, .variants = { p }, .variant_count = 1 };
	return set;
}

struct agent_set *agent_set_retain(struct agent_set *set)
{
	atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
	return set;
}

void agent_set_release(struct agent_set *set)
{
	/* Release and acquire as in agent_memory_release. A call may still hold an agent after
	 * this: its own reference keeps that file's memory. */
	if (!set || atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < set->count; i++)
		agent_memory_release(set->list[i].memory);
	agent_memory_release(set->builtin.memory);
	free(set->list);
	free(set);
}

bool agent_set_add(struct agent_set *set, const struct agent_entry *entry)
{
	struct agent_entry *list = realloc(set->list, (set->count + 1) * sizeof *list);

	if (!list)
		return false;
	set->list = list;
	list[set->count++] = *entry;
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct agent_entry *)a)->name, ((const struct agent_entry *)b)->name);
}

void agent_set_sort(struct agent_set *set)
{
	if (set->count)
		qsort(set->list, set->count, sizeof *set->list, by_name);
}

/* Numbers belong to the file, not to a variant, so any variant can be asked. */
bool agent_entry_names(const struct agent_entry *entry, const char *number)
{
	const struct agent *p = entry->variants[0];

	for (size_t i = 0; i < p->number_count; i++)
		if (!strcmp(p->numbers[i], number))
			return true;
	return false;
}

/* Three steps: the agent that names the number, else the one file without "numbers", else the
 * built-in one. A walk and not an index: there are at most AGENTS_MAX files, and one look-up a
 * call. */
const struct agent_entry *agent_set_for_number(const struct agent_set *set, const char *number)
{
	const struct agent_entry *rest = &set->builtin;

	for (size_t i = 0; i < set->count; i++) {
		if (agent_entry_names(&set->list[i], number))
			return &set->list[i];
		if (set->list[i].answers_rest)
			rest = &set->list[i];
	}
	return rest;
}

const struct agent_entry *agent_set_by_name(const struct agent_set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		if (!strcmp(set->list[i].name, name))
			return &set->list[i];
	return strcmp(set->builtin.name, name) ? NULL : &set->builtin;
}

/* The weights laid end to end make a line of length `all`; `at` picks a point on it. The last
 * variant takes the remainder, so that rounding never falls off the end. */
const struct agent *agent_entry_draw(const struct agent_entry *entry, double at)
{
	double all = 0, upto = 0;

	for (size_t i = 0; i < entry->variant_count; i++)
		all += entry->variants[i]->weight;
	for (size_t i = 0; i + 1 < entry->variant_count; i++) {
		upto += entry->variants[i]->weight;
		if (at * all < upto)
			return entry->variants[i];
	}
	return entry->variants[entry->variant_count - 1];
}
