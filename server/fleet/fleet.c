#include "server/fleet/fleet.h"

#include <stdlib.h>
#include <string.h>

/* The agent is released by a function that came with it, so that fleet/ knows nothing of agents. */
void fleet_transfer_free(struct fleet_transfer *t)
{
	if (t->held && t->release)
		t->release(t->held);
	free(t->contact_name);
	free(t->business_name);
	free(t->metadata);
	free(t->said);
	memset(t, 0, sizeof *t);
}
