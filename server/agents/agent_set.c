#include "server/agents/agent_set.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct agent_set *agent_set_new(const struct config *cfg)
{
	struct agent_set *set = calloc(1, sizeof *set);
	struct family *family = family_new();
	struct profile *p = family ? family_profile(family) : NULL;

	if (!set || !p) {
		family_release(family);
		free(set);
		return NULL;
	}
	atomic_init(&set->refs, 1);
	profile_from_config(p, cfg);
	set->builtin = (struct agent){ .name = p->name, .family = family, .variants = { p }, .variant_count = 1 };
	return set;
}

struct agent_set *agent_set_retain(struct agent_set *set)
{
	atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
	return set;
}

void agent_set_release(struct agent_set *set)
{
	/* As in family_release. */
	if (!set || atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < set->count; i++)
		family_release(set->list[i].family);
	family_release(set->builtin.family);
	free(set->list);
	free(set);
}

bool agent_set_add(struct agent_set *set, const struct agent *agent)
{
	struct agent *list = realloc(set->list, (set->count + 1) * sizeof *list);

	if (!list)
		return false;
	set->list = list;
	list[set->count++] = *agent;
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct agent *)a)->name, ((const struct agent *)b)->name);
}

void agent_set_sort(struct agent_set *set)
{
	if (set->count)
		qsort(set->list, set->count, sizeof *set->list, by_name);
}

static bool names_number(const struct agent *agent, const char *number)
{
	const struct profile *p = agent->variants[0];

	for (size_t i = 0; i < p->number_count; i++)
		if (!strcmp(p->numbers[i], number))
			return true;
	return false;
}

const struct agent *agent_set_for_number(const struct agent_set *set, const char *number)
{
	const struct agent *rest = &set->builtin;

	for (size_t i = 0; i < set->count; i++) {
		if (names_number(&set->list[i], number))
			return &set->list[i];
		if (set->list[i].answers_rest)
			rest = &set->list[i];
	}
	return rest;
}

const struct agent *agent_set_by_name(const struct agent_set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		if (!strcmp(set->list[i].name, name))
			return &set->list[i];
	return strcmp(set->builtin.name, name) ? NULL : &set->builtin;
}

const struct profile *agent_draw(const struct agent *agent, double at)
{
	double all = 0, upto = 0;

	for (size_t i = 0; i < agent->variant_count; i++)
		all += agent->variants[i]->weight;
	for (size_t i = 0; i + 1 < agent->variant_count; i++) {
		upto += agent->variants[i]->weight;
		if (at * all < upto)
			return agent->variants[i];
	}
	return agent->variants[agent->variant_count - 1];
}
