#include "server/news/hub.h"

#include "common/bell.h"
#include "common/buf.h"
#include "common/clock.h"
#include "server/agents/agent.h"
#include "server/news/journal_json.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hub_watcher {
	struct hub_watcher *next;
	char call_sid[FOREIGN_ID_SIZE]; /* "": all */
	struct bell bell;
	bool dropped;
	size_t first, count, bytes; /* of the queue, a circle */
	struct hub_event *queue[HUB_QUEUE_MAX];
};

struct hub {
	pthread_mutex_t lock;
	struct hub_watcher *watchers;
	uint64_t last_id, lost_id; /* of the newest event; of the newest that is no longer kept */
	size_t recent_first, recent_count, recent_bytes;
	struct hub_event *recent[HUB_RECENT_MAX]; /* a circle */
};

int hub_open(struct hub **out)
{
	struct hub *hub = calloc(1, sizeof *hub);

	if (!hub)
		return -ENOMEM;
	pthread_mutex_init(&hub->lock, NULL);
	/* Larger than any id of an earlier run: no run tells an event each microsecond.
	 * A watcher that comes back with such an id has missed events, and is told so. */
	hub->last_id = hub->lost_id = (uint64_t)clock_wall_ms() * 1000;
	*out = hub;
	return 0;
}

void hub_event_done(struct hub_event *event)
{
	/* Acquire-release: the last one frees the event after the others are done. */
	if (event && atomic_fetch_sub_explicit(&event->refs, 1, memory_order_acq_rel) == 1)
		free(event);
}

void hub_close(struct hub *hub)
{
	if (!hub)
		return;
	while (hub->recent_count--)
		hub_event_done(hub->recent[hub->recent_first++ % HUB_RECENT_MAX]);
	pthread_mutex_destroy(&hub->lock);
	free(hub);
}

/* -------------------------------------------------------------------- events */

/* An event is made complete, in the form of server-sent events, before the lock is
 * taken: JSON takes too long to be made under it, and all watchers share one text. */

/* A line break would end the event's data early. Our JSON has none; JSON that came from
 * outside (a record, metadata) may have some between its values, where a blank means
 * the same. */
static void in_one_line(char *text)
{
	for (; *text; text++)
		if (*text == '\r' || *text == '\n')
			*text = ' ';
}

static void put_data(struct buf *out, const struct journal_entry *entry)
{
	bool turn = entry->kind == JOURNAL_TURN || entry->kind == JOURNAL_FORMING;
	struct json_out j = json_out_to(out);

	json_put_object(&j, NULL);
	json_put_text(&j, "call_sid", entry->call_sid);
	json_put_time(&j, "at", entry->wall_ms);
	if (entry->agent)
		json_put_text(&j, "agent", entry->agent->name);
	if (turn)
		json_put_int(&j, "no", entry->no);
	if (entry->kind == JOURNAL_FORMING)
		json_put_bool(&j, "final", false);
	journal_put_entry(&j, "data", entry);
	json_put_end(&j);
}

static void put_text(struct buf *out, const struct journal_entry *entry)
{
	size_t begin;

	buf_printf(out, "event: %s\ndata: ", entry->type);
	begin = out->len;
	put_data(out, entry);
	if (!buf_error(out))
		in_one_line(out->data + begin);
	buf_puts(out, "\n\n");
}

/* With one reference, its maker's. NULL: no memory, or a text beyond HUB_QUEUE_BYTES,
 * which no queue would take. */
static struct hub_event *event_of(const struct journal_entry *entry)
{
	struct hub_event *e = NULL;
	struct buf text;

	buf_init(&text, HUB_QUEUE_BYTES);
	put_text(&text, entry);
	if (!buf_error(&text) && (e = malloc(sizeof *e + text.len + 1))) {
		*e = (struct hub_event){ .refs = 1, .kind = entry->kind, .at_us = clock_now_us(), .len = text.len };
		snprintf(e->call_sid, sizeof e->call_sid, "%s", entry->call_sid);
		memcpy(e->text, text.data, text.len + 1);
	}
	buf_free(&text);
	return e;
}

static struct hub_event *again(struct hub_event *e)
{
	atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
	return e;
}

/* ------------------------------------------------- queues, under the lock */

static bool wants(const struct hub_watcher *w, const struct hub_event *e)
{
	return !w->call_sid[0] || !strcmp(w->call_sid, e->call_sid);
}

/* A full queue drops its watcher for good. It has lost an event, and a stream with a
 * hole is worth less than a broken one: the HTTP side ends it, and the client comes back
 * with its last id. A queue takes one event of any size, or a large one could never be
 * told. FORMING events are skipped from half a queue on; the whole turn follows them.
 *
 * The bell rings for the first event only. A watcher that is awake looks again under
 * the lock before it sleeps. */
static void enqueue(struct hub_watcher *w, struct hub_event *e)
{
	if (w->dropped || (e->kind == JOURNAL_FORMING && w->count > HUB_QUEUE_MAX / 2))
		return;
	if (w->count == HUB_QUEUE_MAX || (w->count && w->bytes + e->len > HUB_QUEUE_BYTES))
		w->dropped = true;
	else {
		w->queue[(w->first + w->count++) % HUB_QUEUE_MAX] = again(e);
		w->bytes += e->len;
	}
	if (w->dropped || w->count == 1)
		bell_ring(&w->bell);
}

/* Makes room among the recent events. The ones that had to go are returned as a list,
 * to be freed after the lock. */
static struct hub_event *forget(struct hub *hub, size_t len)
{
	struct hub_event *gone = NULL;

	while (
	    hub->recent_count == HUB_RECENT_MAX || (hub->recent_count && hub->recent_bytes + len > HUB_RECENT_BYTES)) {
		struct hub_event *e = hub->recent[hub->recent_first];

		hub->recent_first = (hub->recent_first + 1) % HUB_RECENT_MAX;
		hub->recent_count--;
		hub->recent_bytes -= e->len;
		hub->lost_id = e->id;
		e->next = gone;
		gone = e;
	}
	return gone;
}

static struct hub_event *keep(struct hub *hub, struct hub_event *e)
{
	struct hub_event *gone = forget(hub, e->len);

	hub->recent[(hub->recent_first + hub->recent_count++) % HUB_RECENT_MAX] = again(e);
	hub->recent_bytes += e->len;
	return gone;
}

/* ----------------------------------------------------------------- any thread */

/* On the teller's thread, often a call's loop. The id is given under the lock, so that
 * ids stand in the queues in rising order. */
void hub_take(void *arg, const struct journal_entry *entry)
{
	struct hub *hub = arg;
	struct hub_event *e = event_of(entry), *gone = NULL;

	if (!e)
		return;
	pthread_mutex_lock(&hub->lock);
	e->id = ++hub->last_id;
	/* A returning watcher needs no half turn: the whole one is kept when it comes. */
	if (entry->kind != JOURNAL_FORMING)
		gone = keep(hub, e);
	for (struct hub_watcher *w = hub->watchers; w; w = w->next) {
		if (wants(w, e))
			enqueue(w, e);
	}
	pthread_mutex_unlock(&hub->lock);
	while (gone) {
		struct hub_event *next = gone->next;

		hub_event_done(gone);
		gone = next;
	}
	hub_event_done(e);
}

/* A new watcher of one call begins with the call's snapshot, which the agent loop
 * publishes twice a second. The events of the last HUB_LAG_US come after it, so that
 * none falls between the two; clients know turns by their numbers. An `after` beyond our
 * last id is none of ours, so what it missed is unknown. */
static void catch_up(struct hub *hub, struct hub_watcher *w, uint64_t after, int64_t now_us, bool *missed)
{
	int64_t since = now_us - HUB_LAG_US;

	*missed = after && (after < hub->lost_id || after > hub->last_id);
	for (size_t i = 0; i < hub->recent_count; i++) {
		struct hub_event *e = hub->recent[(hub->recent_first + i) % HUB_RECENT_MAX];

		if (wants(w, e) && (after ? e->id > after : w->call_sid[0] && e->at_us >= since))
			enqueue(w, e);
	}
}

struct hub_watcher *hub_watch(struct hub *hub, const char *call_sid, uint64_t after, int64_t now_us, bool *missed)
{
	struct hub_watcher *w = calloc(1, sizeof *w);

	if (!w || bell_open(&w->bell)) {
		free(w);
		return NULL;
	}
	snprintf(w->call_sid, sizeof w->call_sid, "%s", call_sid);
	pthread_mutex_lock(&hub->lock);
	catch_up(hub, w, after, now_us, missed);
	w->next = hub->watchers;
	hub->watchers = w;
	pthread_mutex_unlock(&hub->lock);
	journal_watch(1);
	return w;
}

void hub_unwatch(struct hub *hub, struct hub_watcher *w)
{
	if (!w)
		return;
	journal_watch(-1);
	pthread_mutex_lock(&hub->lock);
	for (struct hub_watcher **at = &hub->watchers; *at; at = &(*at)->next) {
		if (*at == w) {
			*at = w->next;
			break;
		}
	}
	pthread_mutex_unlock(&hub->lock);
	/* It is out of the list: no other thread reaches it now. */
	while (w->count--)
		hub_event_done(w->queue[w->first++ % HUB_QUEUE_MAX]);
	bell_close(&w->bell);
	free(w);
}

/* The bell is cleared before the look: an event that comes after the look rings it
 * anew. A dropped watcher gets none of the events that are still in its queue. */
struct hub_event *hub_next(struct hub *hub, struct hub_watcher *w)
{
	struct hub_event *e = NULL;

	bell_clear(&w->bell);
	pthread_mutex_lock(&hub->lock);
	if (w->count && !w->dropped) {
		e = w->queue[w->first];
		w->first = (w->first + 1) % HUB_QUEUE_MAX;
		w->count--;
		w->bytes -= e->len;
	}
	pthread_mutex_unlock(&hub->lock);
	return e;
}

int hub_bell(const struct hub_watcher *w)
{
	return w->bell.fd;
}

bool hub_dropped(struct hub *hub, struct hub_watcher *w)
{
	bool dropped;

	pthread_mutex_lock(&hub->lock);
	dropped = w->dropped;
	pthread_mutex_unlock(&hub->lock);
	return dropped;
}

bool hub_waiting(struct hub *hub, struct hub_watcher *w)
{
	bool waiting;

	pthread_mutex_lock(&hub->lock);
	waiting = w->count > 0;
	pthread_mutex_unlock(&hub->lock);
	return waiting;
}

uint64_t hub_last_id(struct hub *hub)
{
	uint64_t id;

	pthread_mutex_lock(&hub->lock);
	id = hub->last_id;
	pthread_mutex_unlock(&hub->lock);
	return id;
}

void hub_ring(struct hub *hub)
{
	pthread_mutex_lock(&hub->lock);
	for (struct hub_watcher *w = hub->watchers; w; w = w->next)
		bell_ring(&w->bell);
	pthread_mutex_unlock(&hub->lock);
}
