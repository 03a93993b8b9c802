/* A watcher gets, in this order: how soon to come back ("retry"), "missed"
 * if its Last-Event-ID is older than the hub's memory, a snapshot of the one
 * call it asked for, then events. Each event has the hub's id, so that a
 * client that was cut off goes on where it was.
 */
#include "server/web/api/watch.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/json_out.h"
#include "common/log.h"
#include "server/line/mailbox.h"
#include "server/stats/stats.h"
#include "server/news/hub.h"
#include "server/news/journal_json.h"
#include "server/web/api/known_call.h"
#include "server/web/writer.h"
#include "server/line/calls.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	KEEP_ALIVE_MS = 15000,
	STALLED_MS = 5000, /* a client that takes nothing for so long is gone, or as good as */
	GONE_CHECKS = 2    /* keep-alives after which a call that is nowhere must have ended */
};

struct watch {
	struct hub *hub;
	struct calls *calls;
	struct hub_watcher *watcher;    /* owned */
	char call_sid[FOREIGN_ID_SIZE]; /* "": all calls */
	char client[64];
	struct buf first; /* owned; everything before the first event */
};

static void watch_free(void *arg)
{
	struct watch *w = arg;

	hub_unwatch(w->hub, w->watcher);
	buf_free(&w->first);
	free(w);
}

/* ----------------------------------------------------------- while it lasts */

/* 0, or a reason to stop (negative); 1: that was the end of the call. */
static int pass_on(struct watch *w, struct writer *to, const struct hub_event *e)
{
	char id[40];
	int n = snprintf(id, sizeof id, "id: %" PRIu64 "\n", e->id);
	int err = writer_put(to, id, (size_t)n, STALLED_MS);

	if (!err)
		err = writer_put(to, e->text, e->len, STALLED_MS);
	return err ? err : w->call_sid[0] && e->kind == JOURNAL_ENDED;
}

/* Passes on all pending events. -ENOBUFS: the hub has dropped some for this
 * watcher, which must come back by its last id. */
static int pass_on_all(struct watch *w, struct writer *to)
{
	struct hub_event *e;
	int result = 0;

	while (!result && (e = hub_next(w->hub, w->watcher))) {
		result = pass_on(w, to, e);
		hub_event_done(e);
	}
	if (!result && hub_dropped(w->hub, w->watcher))
		result = -ENOBUFS;
	return result;
}

/* Whether the one call is on no line any more. Never for a watcher of all. */
static bool is_gone(const struct watch *w)
{
	struct call_ref ref;

	return w->call_sid[0] && calls_find(w->calls, w->call_sid, &ref);
}

/* On the connection's worker, for hours if the client likes. A comment every
 * 15 s keeps proxies from closing an idle connection, and finds clients that
 * have vanished. */
static void watch_run(void *arg, struct writer *to)
{
	struct watch *w = arg;
	int result, gone = 0;

	writer_bound(to);
	result = writer_put(to, buf_text(&w->first), w->first.len, STALLED_MS);
	buf_free(&w->first);
	while (!result && !(result = pass_on_all(w, to))) {
		result = writer_wait(to, hub_bell(w->watcher), KEEP_ALIVE_MS);
		if (result > 0) {
			result = 0; /* the bell: look again */
			continue;
		}
		/* The line is free and no end has come: none will. */
		gone = is_gone(w) ? gone + 1 : 0;
		if (!result && gone < GONE_CHECKS)
			result = writer_put(to, ":\n\n", 3, STALLED_MS);
		else if (!result)
			result = 1;
	}
	if (result == -ENOBUFS || result == -ETIMEDOUT) {
		stat_add(http_watchers_dropped, 1);
		log_warn("http", "dropped a watcher that did not keep up; call=%s client=%s",
		    w->call_sid[0] ? w->call_sid : "all", w->client);
	}
}

/* ----------------------------------------------------------------- its start */

/* A client that comes back sends the id of the last event it has seen (HTML
 * standard, §9.2.4). Anything else counts as none. */
static uint64_t last_event_id(const struct request *q)
{
	const char *text = request_header(q, "Last-Event-ID");
	uint64_t id;

	return text && span_u64((struct span){ text, strlen(text) }, &id) ? id : 0;
}

static void put_missed(struct buf *out, uint64_t after)
{
	struct json_out j = json_out_to(out);

	buf_puts(out, "event: missed\ndata: ");
	json_put_object(&j, NULL);
	json_put_uint(&j, "after", after);
	json_put_end(&j);
	buf_puts(out, "\n\n");
}

/* NULL: the refusal is in `r`. */
static struct watch *watch_begin(
    const struct web_parts *parts, const struct request *q, const char *call_sid, struct response *r)
{
	struct watch *w = parts->hub ? calloc(1, sizeof *w) : NULL;
	uint64_t after = last_event_id(q);
	bool missed = false;

	if (w) {
		snprintf(w->call_sid, sizeof w->call_sid, "%s", call_sid);
		w->hub = parts->hub;
		w->calls = parts->calls;
		w->watcher = hub_watch(parts->hub, call_sid, after, q->began_us, &missed);
	}
	if (!w || !w->watcher) {
		free(w);
		response_error(r, 503, "unavailable", "this server cannot show events now");
		return NULL;
	}
	snprintf(w->client, sizeof w->client, "%s", q->client);
	buf_init(&w->first, 0);
	buf_puts(&w->first, "retry: 2000\n\n");
	if (missed)
		put_missed(&w->first, after);
	return w;
}

/* From here on the answer is the stream, and `w` its own. */
static void watch_answer(struct watch *w, struct response *r)
{
	if (buf_error(&w->first)) {
		watch_free(w);
		response_error(r, 500, "internal_error", "out of memory");
		return;
	}
	r->type = "text/event-stream";
	/* For proxies that collect an answer before passing it on (nginx). */
	response_header(r, "X-Accel-Buffering", "no");
	r->stream = (struct response_stream){ .run = watch_run, .done = watch_free, .arg = w, .len = -1 };
}

/* The call as GET /calls/{CallSid} shows it. It has no id, so that the
 * client's last id stays that of an event. */
static void put_snapshot(struct watch *w, const struct call_summary *call, const struct call_talk *talk)
{
	struct json_out j = json_out_to(&w->first);

	buf_puts(&w->first, "event: snapshot\ndata: ");
	json_put_object(&j, NULL);
	json_put_time(&j, "at", clock_wall_ms());
	json_put_object(&j, "data");
	journal_put_call(&j, call, talk, true);
	json_put_end(&j);
	json_put_end(&j);
	buf_puts(&w->first, "\n\n");
}

void watch_call(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	/* Listening begins before the look at the call: nothing falls between. */
	struct watch *w = strlen(arg) < FOREIGN_ID_SIZE ? watch_begin(parts, q, arg, r) : NULL;
	struct call_summary call;
	struct call_talk talk;

	if (!w) {
		if (strlen(arg) >= FOREIGN_ID_SIZE)
			known_call_refuse(parts, arg, r);
		return;
	}
	/* A call that is over is shown only to a client that was cut off before
	 * its end. */
	if (is_gone(w) && !(last_event_id(q) && hub_waiting(parts->hub, w->watcher))) {
		known_call_refuse(parts, arg, r);
		watch_free(w);
	} else if (known_call(parts, arg, &call, &talk)) {
		response_error(r, 404, "no_such_call", "no call of that CallSid is known here");
		watch_free(w);
	} else {
		put_snapshot(w, &call, &talk);
		watch_answer(w, r);
		call_summary_free(&call);
		call_talk_free(&talk);
	}
}

/* Without a snapshot: GET /calls has the list. */
void watch_all(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	struct watch *w = watch_begin(parts, q, "", r);

	(void)arg;
	if (!w)
		return;
	/* A client that is cut off before the first event can come back to here. */
	if (!last_event_id(q))
		buf_printf(&w->first, "id: %" PRIu64 "\n\n", hub_last_id(parts->hub));
	watch_answer(w, r);
}
