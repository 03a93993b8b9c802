#include "server/delivery/delivery_queue.h"

#include <stdlib.h>
#include <string.h>

/* One origin, shared by all entries that go there. */
struct delivery_target {
	char origin[280];
	int sending;
	int unanswered;  /* tries in a row without an answer */
	int64_t next_ms; /* if unanswered: time of the next try */
	struct delivery_target *next;
};

static struct delivery_entry *entry_of(const struct due_item *item)
{
	return (struct delivery_entry *)item;
}

/* ------------------------------------------------------------------------ entries */

/* Copies the text to *at, which moves behind the copy; NULL gives NULL. */
static const char *keep(char **at, const char *text)
{
	size_t size = text ? strlen(text) + 1 : 0;
	char *copy = *at;

	if (!text)
		return NULL;
	memcpy(copy, text, size);
	*at += size;
	return copy;
}

/* FNV-1a over both texts and the NUL between them. Two lanes with the same hash would
 * merely wait for each other. */
static uint64_t lane_of(const char *call_sid, const char *url)
{
	uint64_t key = 14695981039346656037u;

	for (const char *p = call_sid; *p; p++)
		key = (key ^ (unsigned char)*p) * 1099511628211u;
	key *= 1099511628211u;
	for (const char *p = url; *p; p++)
		key = (key ^ (unsigned char)*p) * 1099511628211u;
	return key;
}

/* One allocation for an entry and its texts: there may be 20,000 of them. */
struct delivery_entry *delivery_entry_new(const struct delivery_row *row, const char *secret, char *body)
{
	size_t size = strlen(row->call_sid) + strlen(row->agent) + strlen(row->variant) + strlen(row->event) +
		      strlen(row->url) + (secret ? strlen(secret) : 0) + 6;
	struct delivery_entry *e = calloc(1, sizeof *e + size);
	char *at;

	if (!e) {
		free(body);
		return NULL;
	}
	at = e->texts;
	e->row = *row;
	e->row.call_sid = keep(&at, row->call_sid);
	e->row.agent = keep(&at, row->agent);
	e->row.variant = keep(&at, row->variant);
	e->row.event = keep(&at, row->event);
	e->row.url = keep(&at, row->url);
	e->secret = keep(&at, secret);
	e->body = body;
	e->due.seq = row->seq;
	e->due.lane = lane_of(row->call_sid, row->url);
	e->due.bytes = body ? strlen(body) : 0;
	return e;
}

void delivery_entry_free(struct due_item *item)
{
	free(entry_of(item)->body);
	free(item);
}

/* ------------------------------------------------------------------------ targets */

/* Targets are never freed before the end: there are as many as agents have origins. */
static struct delivery_target *target_of(struct delivery_queue *q, const char *url)
{
	struct delivery_target *t;
	char origin[sizeof t->origin];

	delivery_origin(url, origin, sizeof origin);
	for (t = q->targets; t; t = t->next)
		if (!strcmp(t->origin, origin))
			return t;
	t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	memcpy(t->origin, origin, sizeof origin);
	t->next = q->targets;
	q->targets = t;
	return t;
}

/* The time of the target's next try; INT64_MAX: not before one under way is over. */
static int64_t target_due_ms(const struct delivery_queue *q, const struct delivery_target *t)
{
	if (t->sending >= (t->unanswered ? 1 : q->at_once))
		return INT64_MAX;
	return t->unanswered ? t->next_ms : INT64_MIN;
}

/* Any answer, a bad one too, shows that the origin is alive, and opens it to all again.
 * Without an answer it gets one try at a time, each after a longer pause. */
static void note_answer(
    struct delivery_target *t, const struct delivery_result *result, int64_t now_ms, uint32_t random)
{
	int64_t pause;

	if (result->ours)
		return;
	if (result->status) {
		t->unanswered = 0;
		return;
	}
	pause = backoff_ms(&delivery_backoff, ++t->unanswered, 0, random);
	t->next_ms = now_ms + (pause < DELIVERY_PAUSE_MAX_MS ? pause : DELIVERY_PAUSE_MAX_MS);
}

/* ---------------------------------------------------------------------- the queue */

void delivery_queue_init(struct delivery_queue *q, int at_once, int64_t give_up_ms)
{
	*q = (struct delivery_queue){ .at_once = at_once, .give_up_ms = give_up_ms };
}

void delivery_queue_free(struct delivery_queue *q)
{
	while (q->targets) {
		struct delivery_target *next = q->targets->next;

		free(q->targets);
		q->targets = next;
	}
}

/* The same event can come twice: from delivery_add and from the store, or from two
 * requests of the operator. Its seq is the same then; two events may share one after the
 * clock was set back. */
bool delivery_queue_put(void *owner, struct due_item *item)
{
	struct delivery_queue *q = owner;
	struct delivery_entry *e = entry_of(item);

	for (const struct due_item *i = due_list_find(&q->list, item->seq); i && i->seq == item->seq;
	     i = i->links[DUE_ALL].prev)
		if (!strcmp(entry_of(i)->row.id, e->row.id))
			return false;
	e->target = target_of(q, e->row.url);
	if (!e->target)
		return false;
	due_list_put(&q->list, item);
	return true;
}

static bool expired(const struct delivery_queue *q, const struct delivery_entry *e, int64_t now_ms)
{
	return e->target->unanswered && now_ms - e->row.since_ms >= q->give_up_ms;
}

int64_t delivery_queue_when(void *owner, const struct due_item *item, int64_t now_ms)
{
	const struct delivery_queue *q = owner;
	const struct delivery_entry *e = entry_of(item);
	int64_t target_ms = target_due_ms(q, e->target);

	if (expired(q, e, now_ms))
		return now_ms;
	return e->row.next_ms > target_ms ? e->row.next_ms : target_ms;
}

void delivery_queue_taken(void *q, struct due_item *item, int64_t now_ms)
{
	struct delivery_entry *e = entry_of(item);

	e->expired = expired(q, e, now_ms);
	if (!e->expired)
		e->target->sending++;
}

/* The origin has a free place again, whatever came of the try; the verdict is about the
 * entry alone. */
void delivery_queue_settle(struct delivery_queue *q, struct delivery_entry *e, enum delivery_verdict verdict,
    const struct delivery_result *result, int64_t now_ms, uint32_t random)
{
	due_list_let_go(&q->list, &e->due);
	e->target->sending--;
	note_answer(e->target, result, now_ms, random);
	if (verdict != DELIVERY_DELIVERED)
		e->row.attempts++;
	if (verdict == DELIVERY_RETRY)
		e->row.next_ms = now_ms + backoff_ms(&delivery_backoff, e->row.attempts, result->retry_after_s, random);
	else
		due_list_remove(&q->list, &e->due);
}

struct delivery_entry *delivery_queue_find(const struct delivery_queue *q, const char *id)
{
	for (const struct due_item *i = due_list_first(&q->list); i; i = due_item_next(i))
		if (!strcmp(entry_of(i)->row.id, id))
			return entry_of(i);
	return NULL;
}

void delivery_queue_drop_body(struct delivery_queue *q, struct delivery_entry *e)
{
	due_list_shrink(&q->list, &e->due);
	free(e->body);
	e->body = NULL;
}

void delivery_queue_hurry(struct delivery_entry *e, int64_t now_ms)
{
	e->row.next_ms = e->row.since_ms = now_ms;
	if (e->target->next_ms > now_ms)
		e->target->next_ms = now_ms;
}

int64_t delivery_queue_oldest_ms(const struct delivery_queue *q)
{
	int64_t oldest = INT64_MAX;

	for (const struct due_item *i = due_list_first(&q->list); i; i = due_item_next(i))
		if (entry_of(i)->row.at_ms < oldest)
			oldest = entry_of(i)->row.at_ms;
	return oldest;
}
