#include "server/agent/answers.h"

#include "audio/g711.h"
#include <stdio.h>
#include <string.h>

void answers_init(struct answers *a)
{
	memset(a, 0, sizeof *a);
}

struct answer *answers_by_no(struct answers *a, uint32_t no)
{
	for (size_t i = a->count; i > 0; i--)
		if (a->list[i - 1].no == no)
			return &a->list[i - 1];
	return NULL;
}

struct answer *answers_by_item(struct answers *a, const char *item_id)
{
	for (size_t i = a->count; i > 0; i--)
		if (!strcmp(a->list[i - 1].item_id, item_id))
			return &a->list[i - 1];
	return NULL;
}

struct answer *answers_item(struct answers *a, const char *response_id, const char *item_id)
{
	struct answer *found = answers_by_item(a, item_id);

	if (found)
		return found;
	if (a->count == ANSWERS_MAX) {
		a->count--;
		memmove(a->list, a->list + 1, a->count * sizeof a->list[0]);
	}
	found = &a->list[a->count++];
	memset(found, 0, sizeof *found);
	found->no = ++a->last_no;
	snprintf(found->item_id, sizeof found->item_id, "%s", item_id);
	snprintf(found->response_id, sizeof found->response_id, "%s", response_id);
	return found;
}

void answers_drop(struct answers *a, const char *response_id)
{
	if (!response_id[0] || answers_dropped(a, response_id))
		return;
	snprintf(a->dropped[a->dropped_next], ANSWER_ID_SIZE, "%s", response_id);
	a->dropped_next = (a->dropped_next + 1) % ANSWERS_DROPPED_MAX;
}

void answers_drop_unfinished(struct answers *a)
{
	for (size_t i = 0; i < a->count; i++)
		if (!a->list[i].over)
			answers_drop(a, a->list[i].response_id);
}

bool answers_dropped(const struct answers *a, const char *response_id)
{
	for (size_t i = 0; i < ANSWERS_DROPPED_MAX; i++)
		if (a->dropped[i][0] && !strcmp(a->dropped[i], response_id))
			return true;
	return false;
}

bool answers_unfinished(const struct answers *a)
{
	for (size_t i = 0; i < a->count; i++)
		if (a->list[i].received && !a->list[i].over)
			return true;
	return false;
}

int64_t answers_truncate_ms(const struct answer *a, uint32_t heard_ms)
{
	uint64_t received_ms = a->received / G711_BYTES_PER_MS;

	if (!received_ms || (a->complete && heard_ms >= received_ms))
		return -1;
	return (int64_t)(heard_ms < received_ms ? heard_ms : received_ms);
}
