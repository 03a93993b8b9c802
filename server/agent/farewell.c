#include "server/agent/farewell.h"

#include "common/clock.h"
#include <stdio.h>

bool farewell_begin(
    struct farewell *p, enum call_end end, bool firm, const char *response_id, const char *call_id, int64_t now_us)
{
	if (p->state != FAREWELL_NONE && (p->firm || !firm))
		return false;
	*p = (struct farewell){
		.state = FAREWELL_SAYING, .end = end, .firm = firm, .deadline_us = now_us + FAREWELL_WORDS_US
	};
	snprintf(p->response_id, sizeof p->response_id, "%s", response_id);
	snprintf(p->call_id, sizeof p->call_id, "%s", call_id);
	return true;
}

void farewell_made(struct farewell *p, int64_t left_ms, int64_t now_us)
{
	int64_t longest = left_ms * US_PER_MS + FAREWELL_MARGIN_US;

	if (p->state != FAREWELL_SAYING)
		return;
	p->state = FAREWELL_HEARING;
	p->deadline_us = now_us + (longest < FAREWELL_LONGEST_US ? longest : FAREWELL_LONGEST_US);
}

bool farewell_spoke(struct farewell *p)
{
	if (p->state == FAREWELL_NONE || p->firm)
		return false;
	p->state = FAREWELL_NONE;
	return true;
}

bool farewell_due(const struct farewell *p, bool waiting, int64_t now_us)
{
	if (p->state == FAREWELL_NONE)
		return false;
	return now_us >= p->deadline_us || (p->state == FAREWELL_HEARING && !waiting);
}

int64_t farewell_deadline_us(const struct farewell *p)
{
	return p->state == FAREWELL_NONE ? INT64_MAX : p->deadline_us;
}
