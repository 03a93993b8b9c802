#include "server/agent/cues.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void take_out(struct cues *q, size_t at)
{
	free(q->list[at].text);
	q->count--;
	memmove(&q->list[at], &q->list[at + 1], (q->count - at) * sizeof q->list[0]);
}

void cues_free(struct cues *q)
{
	while (q->count)
		take_out(q, q->count - 1);
}

/* Last words go before what else was to be said. */
static void make_room(struct cues *q)
{
	if (q->count == CUES_MAX && q->list[CUES_MAX - 1].state == CUE_WAITING)
		take_out(q, CUES_MAX - 1);
}

bool cues_add(struct cues *q, enum cue_kind kind, const char *text, bool exact, bool firm)
{
	struct cue *cue;
	char *copy;

	if (kind == CUE_GOODBYE)
		make_room(q);
	if (q->count == CUES_MAX || !(copy = strdup(text)))
		return false;
	cue = &q->list[q->count];
	*cue = (struct cue){ .kind = kind, .text = copy, .exact = exact, .firm = firm };
	q->count++;
	return true;
}

const struct cue *cues_next(const struct cues *q)
{
	return q->count && q->list[0].state == CUE_WAITING ? &q->list[0] : NULL;
}

void cues_asked(struct cues *q, const char *event_id)
{
	q->list[0].state = CUE_ASKED;
	q->list[0].response_id[0] = '\0';
	snprintf(q->list[0].event_id, sizeof q->list[0].event_id, "%s", event_id);
}

/* It waits again, or is given up. True if it is over. */
static bool try_again(struct cues *q)
{
	struct cue *cue = &q->list[0];

	cue->state = CUE_WAITING;
	cue->event_id[0] = cue->response_id[0] = '\0';
	if (++cue->tries < CUE_TRIES)
		return false;
	take_out(q, 0);
	return true;
}

static bool under_way(const struct cues *q, enum cue_state state)
{
	return q->count && q->list[0].state == state;
}

void cues_created(struct cues *q, const char *response_id, bool welcome)
{
	if (!under_way(q, CUE_ASKED))
		return;
	if (!welcome) {
		try_again(q);
		return;
	}
	q->list[0].state = CUE_SPOKEN;
	snprintf(q->list[0].response_id, sizeof q->list[0].response_id, "%s", response_id);
}

bool cues_refused(struct cues *q, const char *event_id)
{
	if (!q->count || q->list[0].state == CUE_WAITING || strcmp(q->list[0].event_id, event_id))
		return false;
	try_again(q);
	return true;
}

bool cues_lost(struct cues *q)
{
	if (!under_way(q, CUE_ASKED))
		return false;
	try_again(q);
	return true;
}

enum cue_end cues_done(struct cues *q, const char *response_id, bool failed, bool cut)
{
	if (!under_way(q, CUE_SPOKEN) || strcmp(q->list[0].response_id, response_id))
		return CUE_NOT_OURS;
	if (failed || (cut && q->list[0].firm))
		return try_again(q) ? CUE_OVER : CUE_AGAIN;
	take_out(q, 0);
	return CUE_OVER;
}

void cues_drop(struct cues *q, enum cue_kind kind)
{
	for (size_t i = q->count; i > 0; i--)
		if (q->list[i - 1].kind == kind && q->list[i - 1].state == CUE_WAITING)
			take_out(q, i - 1);
}

bool cues_has(const struct cues *q, enum cue_kind kind)
{
	for (size_t i = 0; i < q->count; i++)
		if (q->list[i].kind == kind)
			return true;
	return false;
}
