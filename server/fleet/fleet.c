#include "server/fleet/fleet.h"

#include <stdlib.h>
#include <string.h>

struct fleet_said *fleet_said_new(size_t turns)
{
	return calloc(1, sizeof(struct fleet_said) + turns * sizeof(struct fleet_turn));
}

bool fleet_said_add(struct fleet_said *said, bool agents, const char *text, size_t len)
{
	char *copy = strndup(text, len);

	if (copy)
		said->turns[said->count++] = (struct fleet_turn){ .agents = agents, .text = copy };
	return copy;
}

struct fleet_said *fleet_said_copy(const struct fleet_said *said)
{
	struct fleet_said *copy = fleet_said_new(said->count);
	bool whole = copy;

	for (size_t i = 0; whole && i < said->count; i++)
		whole = fleet_said_add(copy, said->turns[i].agents, said->turns[i].text, strlen(said->turns[i].text));
	if (whole)
		return copy;
	fleet_said_free(copy);
	return NULL;
}

void fleet_said_free(struct fleet_said *said)
{
	for (size_t i = 0; said && i < said->count; i++)
		free(said->turns[i].text);
	free(said);
}

/* The agent is released by a function that came with it, so that fleet/ knows nothing of agents. */
void fleet_transfer_free(struct fleet_transfer *t)
{
	if (t->held && t->release)
		t->release(t->held);
	free(t->contact_name);
	free(t->business_name);
	free(t->metadata);
	fleet_said_free(t->said);
	memset(t, 0, sizeof *t);
}
