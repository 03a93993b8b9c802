#include "server/delivery/delivery_queue.h"

#include <stdlib.h>
#include <string.h>

/* Those of one call to one address. Never empty while it is in the queue. */
struct delivery_chain {
	uint64_t key; /* of both, so that looking for one reads no texts of others */
	struct delivery_target *target;
	struct delivery_entry *first;
	struct delivery_chain *next;
};

/* One origin. */
struct delivery_target {
	char origin[280];
	int sending;
	int chains;      /* that refer to it */
	int unanswered;  /* tries in a row without any answer */
	int64_t next_ms; /* while unanswered: not before */
	struct delivery_target *next;
};

/* ------------------------------------------------------------------------ entries */

static char *copy(const char *text)
{
	return strdup(text ? text : "");
}

struct delivery_entry *delivery_entry_new(const char *call_sid, const char *agent, const char *variant,
    const char *event, const char *url, const char *body, const char *secret)
{
	struct delivery_entry *e = calloc(1, sizeof *e);

	if (!e)
		return NULL;
	e->call_sid = copy(call_sid);
	e->agent = copy(agent);
	e->variant = copy(variant);
	e->event = copy(event);
	e->url = copy(url);
	e->body = body ? copy(body) : NULL;
	e->secret = secret ? copy(secret) : NULL;
	if (!e->call_sid || !e->agent || !e->variant || !e->event || !e->url || (body && !e->body) ||
	    (secret && !e->secret)) {
		delivery_entry_free(e);
		return NULL;
	}
	return e;
}

void delivery_entry_free(struct delivery_entry *e)
{
	if (!e)
		return;
	free(e->call_sid);
	free(e->agent);
	free(e->variant);
	free(e->event);
	free(e->url);
	free(e->body);
	free(e->secret);
	free(e);
}

static size_t body_bytes(const struct delivery_entry *e)
{
	return e->body ? strlen(e->body) : 0;
}

/* ------------------------------------------------------------------------ adding */

/* FNV-1a over both texts and the NUL between them. */
static uint64_t key_of(const char *call_sid, const char *url)
{
	uint64_t key = 14695981039346656037u;

	for (const char *p = call_sid; *p; p++)
		key = (key ^ (unsigned char)*p) * 1099511628211u;
	key *= 1099511628211u;
	for (const char *p = url; *p; p++)
		key = (key ^ (unsigned char)*p) * 1099511628211u;
	return key;
}

static bool of_chain(const struct delivery_chain *chain, uint64_t key, const struct delivery_entry *e)
{
	return chain->key == key && !strcmp(chain->first->call_sid, e->call_sid) && !strcmp(chain->first->url, e->url);
}

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

/* An origin nobody waits for is remembered only while it is in disgrace: there
 * are as many as agents have addresses. */
static void forget_idle_targets(struct delivery_queue *q)
{
	for (struct delivery_target **at = &q->targets; *at;) {
		struct delivery_target *t = *at;

		if (t->chains || t->unanswered) {
			at = &t->next;
		} else {
			*at = t->next;
			free(t);
		}
	}
}

static struct delivery_chain *chain_of(struct delivery_queue *q, struct delivery_entry *e)
{
	uint64_t key = key_of(e->call_sid, e->url);
	struct delivery_chain *chain;

	for (chain = q->chains; chain; chain = chain->next)
		if (of_chain(chain, key, e))
			return chain;
	chain = calloc(1, sizeof *chain);
	if (!chain)
		return NULL;
	chain->key = key;
	chain->target = target_of(q, e->url);
	if (!chain->target) {
		free(chain);
		return NULL;
	}
	chain->target->chains++;
	*q->last = chain;
	q->last = &chain->next;
	return chain;
}

void delivery_queue_init(struct delivery_queue *q, int at_once)
{
	memset(q, 0, sizeof *q);
	q->last = &q->chains;
	q->at_once = at_once;
}

bool delivery_queue_add(struct delivery_queue *q, struct delivery_entry *e)
{
	struct delivery_chain *chain = chain_of(q, e);
	struct delivery_entry **at;

	if (!chain)
		return false;
	for (at = &chain->first; *at; at = &(*at)->next)
		if (!strcmp((*at)->id, e->id))
			return false;
	for (at = &chain->first; *at && ((*at)->sending || (*at)->seq <= e->seq); at = &(*at)->next)
		;
	e->sending = false;
	e->next = *at;
	*at = e;
	q->count++;
	q->bytes += body_bytes(e);
	return true;
}

/* --------------------------------------------------------------------- taking out */

/* The first of its chain leaves it, and with the last the chain goes. */
static struct delivery_entry *remove_first(struct delivery_queue *q, struct delivery_chain **at)
{
	struct delivery_chain *chain = *at;
	struct delivery_entry *e = chain->first;

	chain->first = e->next;
	e->next = NULL;
	q->count--;
	q->bytes -= body_bytes(e);
	if (!chain->first) {
		*at = chain->next;
		if (q->last == &chain->next)
			q->last = at;
		chain->target->chains--;
		free(chain);
		forget_idle_targets(q);
	}
	return e;
}

static struct delivery_chain **where(struct delivery_queue *q, const struct delivery_entry *e)
{
	uint64_t key = key_of(e->call_sid, e->url);
	struct delivery_chain **at = &q->chains;

	while (!of_chain(*at, key, e))
		at = &(*at)->next;
	return at;
}

void delivery_queue_free(struct delivery_queue *q)
{
	while (q->chains)
		delivery_entry_free(remove_first(q, &q->chains));
	while (q->targets) {
		struct delivery_target *next = q->targets->next;

		free(q->targets);
		q->targets = next;
	}
}

/* ----------------------------------------------------------------------- deciding */

/* When the target may be tried next; INT64_MAX: when a try comes back. */
static int64_t target_due_ms(const struct delivery_queue *q, const struct delivery_target *t)
{
	if (t->sending >= (t->unanswered ? 1 : q->at_once))
		return INT64_MAX;
	return t->unanswered ? t->next_ms : INT64_MIN;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* The oldest whose first is due, or NULL and when to look again. */
static struct delivery_chain *find_due(const struct delivery_queue *q, int64_t now_ms, int64_t *next_ms)
{
	*next_ms = INT64_MAX;
	for (struct delivery_chain *chain = q->chains; chain; chain = chain->next) {
		int64_t due;

		if (chain->first->sending)
			continue;
		due = later(chain->first->next_ms, target_due_ms(q, chain->target));
		if (due <= now_ms)
			return chain;
		if (due < *next_ms)
			*next_ms = due;
	}
	return NULL;
}

struct delivery_entry *delivery_queue_take(struct delivery_queue *q, int64_t now_ms, int64_t *next_ms)
{
	struct delivery_chain *chain = find_due(q, now_ms, next_ms);

	if (!chain)
		return NULL;
	chain->first->sending = true;
	chain->target->sending++;
	q->sending++;
	return chain->first;
}

bool delivery_queue_due(const struct delivery_queue *q, int64_t now_ms)
{
	int64_t next_ms;

	return find_due(q, now_ms, &next_ms);
}

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
	pause = delivery_delay_ms(++t->unanswered, -1, random);
	t->next_ms = now_ms + (pause < DELIVERY_PAUSE_MAX_MS ? pause : DELIVERY_PAUSE_MAX_MS);
}

void delivery_queue_settle(struct delivery_queue *q, struct delivery_entry *e, enum delivery_verdict verdict,
    const struct delivery_result *result, int64_t now_ms, uint32_t random)
{
	struct delivery_chain **at = where(q, e);

	e->sending = false;
	q->sending--;
	(*at)->target->sending--;
	note_answer((*at)->target, result, now_ms, random);
	if (verdict != DELIVERY_DELIVERED)
		e->attempts++;
	if (verdict == DELIVERY_RETRY)
		e->next_ms = now_ms + delivery_delay_ms(e->attempts, result->retry_after_s, random);
	else
		remove_first(q, at);
}

struct delivery_entry *delivery_queue_expired(struct delivery_queue *q, int64_t now_ms, int64_t give_up_ms)
{
	for (struct delivery_chain **at = &q->chains; *at; at = &(*at)->next) {
		struct delivery_entry *e = (*at)->first;

		if (!e->sending && (*at)->target->unanswered && now_ms - e->since_ms >= give_up_ms)
			return remove_first(q, at);
	}
	return NULL;
}

struct delivery_entry *delivery_queue_find(const struct delivery_queue *q, const char *id)
{
	for (const struct delivery_chain *chain = q->chains; chain; chain = chain->next)
		for (struct delivery_entry *e = chain->first; e; e = e->next)
			if (!strcmp(e->id, id))
				return e;
	return NULL;
}

void delivery_queue_drop_body(struct delivery_queue *q, struct delivery_entry *e)
{
	q->bytes -= body_bytes(e);
	free(e->body);
	e->body = NULL;
}

void delivery_queue_hurry(struct delivery_queue *q, struct delivery_entry *e, int64_t now_ms)
{
	struct delivery_target *t = (*where(q, e))->target;

	e->next_ms = e->since_ms = now_ms;
	if (t->next_ms > now_ms)
		t->next_ms = now_ms;
}

int64_t delivery_queue_oldest_ms(const struct delivery_queue *q)
{
	int64_t oldest = INT64_MAX;

	for (const struct delivery_chain *chain = q->chains; chain; chain = chain->next)
		if (chain->first->at_ms < oldest)
			oldest = chain->first->at_ms;
	return oldest;
}
