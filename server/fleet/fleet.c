#include "server/fleet/fleet.h"

#include <stdlib.h>
#include <string.h>

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
