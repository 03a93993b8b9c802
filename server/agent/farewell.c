#include "server/agent/farewell.h"

#include <stdio.h>

enum { US_A_MS = 1000 };

bool parting_begin(
    struct parting *p, enum call_end end, bool firm, const char *response_id, const char *call_id, int64_t now_us)
{
	if (p->state != PARTING_NONE && (p->firm || !firm))
		return false;
	*p = (struct parting){
		.state = PARTING_SAYING, .end = end, .firm = firm, .deadline_us = now_us + PARTING_WORDS_US
	};
	snprintf(p->response_id, sizeof p->response_id, "%s", response_id);
	snprintf(p->call_id, sizeof p->call_id, "%s", call_id);
	return true;
}

void parting_made(struct parting *p, int64_t left_ms, int64_t now_us)
{
	int64_t longest = left_ms * US_A_MS + PARTING_MARGIN_US;

	if (p->state != PARTING_SAYING)
		return;
	p->state = PARTING_HEARING;
	p->deadline_us = now_us + (longest < PARTING_LONGEST_US ? longest : PARTING_LONGEST_US);
}

bool parting_spoke(struct parting *p)
{
	if (p->state == PARTING_NONE || p->firm)
		return false;
	p->state = PARTING_NONE;
	return true;
}

bool parting_due(const struct parting *p, bool waiting, int64_t now_us)
{
	if (p->state == PARTING_NONE)
		return false;
	return now_us >= p->deadline_us || (p->state == PARTING_HEARING && !waiting);
}

int64_t parting_deadline_us(const struct parting *p)
{
	return p->state == PARTING_NONE ? INT64_MAX : p->deadline_us;
}
