#include "server/web/connections.h"

#include "common/clock.h"
#include "common/log.h"
#include "server/stats/stats.h"
#include "server/web/sockets.h"

#include <civetweb.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	FILES_PER_WORKER = 8, /* a call holds four: two sockets, two bells */
	FILES_BESIDES = 1024, /* connections that wait for a worker, logs, … */
	STUCK_US = 200 * US_PER_MS,
	LINGER_MS = 500, /* for a refused body that is still on its way */
	LINGER_BYTES = 256 * 1024,
};

struct connections {
	const struct config *cfg;
	const char *listen;        /* the address, borrowed from it */
	_Atomic ptrdiff_t info_at; /* see info_of; 0: not known */

	pthread_mutex_t lock;
	size_t workers;
	int files;                 /* descriptors there may be */
	_Atomic bool *held;        /* of each, whether it is in the list; written with the lock */
	struct inflight *inflight; /* entry i is about list[i] */
	struct connection *list;
};

int connections_open(struct connections **out, const struct config *cfg, size_t workers)
{
	struct connections *cs = calloc(1, sizeof *cs);

	if (!cs)
		return -ENOMEM;
	pthread_mutex_init(&cs->lock, NULL);
	cs->cfg = cfg;
	cs->listen = cfg->listen;
	cs->workers = workers;
	cs->inflight = calloc(workers, sizeof *cs->inflight);
	cs->list = calloc(workers, sizeof *cs->list);
	cs->files = (int)workers * FILES_PER_WORKER + FILES_BESIDES;
	cs->held = calloc((size_t)cs->files, sizeof *cs->held);
	if (!cs->inflight || !cs->list || !cs->held) {
		connections_close(cs);
		return -ENOMEM;
	}
	*out = cs;
	return 0;
}

void connections_close(struct connections *cs)
{
	if (!cs)
		return;
	pthread_mutex_destroy(&cs->lock);
	free(cs->inflight);
	free(cs->list);
	free((void *)cs->held);
	free(cs);
}

/* CivetWeb tells the ends of a connection only once its request has been read, and of
 * those that never send one too late. It knows them from the beginning, at the same
 * distance from every connection; which is measured on the first that it tells of. */
static const struct mg_request_info *info_of(const struct connections *cs, const struct mg_connection *conn)
{
	ptrdiff_t at = atomic_load_explicit(&cs->info_at, memory_order_relaxed);

	return at ? (const struct mg_request_info *)((const char *)conn + at) : NULL;
}

/* CivetWeb does not hand out its descriptor: those that no connection holds are asked. The
 * system hands out the lowest free number, so that none is larger than the
 * most that were ever open. */
static int find_socket(const struct connections *cs, const struct socket_ends *ends)
{
	for (int fd = 0; fd < cs->files; fd++)
		if (!atomic_load_explicit(&cs->held[fd], memory_order_relaxed) && socket_is_between(fd, ends))
			return fd;
	return -ENOENT;
}

/* First only the reading side: the worker's read then ends, and its handler
 * can still say what was wrong. Who does not take the answer, or is still
 * here a while later, is cut off both ways. */
static void cut_off(const struct connections *cs, size_t i, bool both)
{
	const struct connection *c = &cs->list[i];

	if (c->fd >= 0 && socket_is_between(c->fd, &c->ends))
		shutdown(c->fd, both || cs->inflight[i].stage == INFLIGHT_LEAVING ? SHUT_RDWR : SHUT_RD);
}

/* Whom the judge marked and whose bytes have come meanwhile is let go, until the next time.
 * True if there was one, and others may have to pay. */
static bool spared(struct connections *cs)
{
	bool found = false;

	for (size_t i = 0; i < cs->workers; i++) {
		struct inflight *e = &cs->inflight[i];

		/* Once: who is marked although it is fed has taken too long for anybody. */
		if (!e->used || !e->cut || e->fed || cs->list[i].cut_us || e->stage != INFLIGHT_READING ||
		    cs->list[i].fd < 0 || !socket_has_bytes(cs->list[i].fd))
			continue;
		e->fed = found = true;
		e->cut = false;
	}
	return found;
}

/* With the lock held: no entry is given back, and no descriptor reused, between its
 * judgement and its end. */
static void judge(struct connections *cs, int64_t now_us)
{
	static struct log_kind lines;
	const struct connection *last = NULL;
	unsigned more;
	int n = 0;

	for (size_t i = 0; i < cs->workers; i++)
		cs->inflight[i].fed = false;
	while (inflight_judge(cs->inflight, cs->workers, cs->workers, now_us) && spared(cs))
		;
	for (size_t i = 0; i < cs->workers; i++) {
		if (!cs->inflight[i].used || !cs->inflight[i].cut || cs->list[i].cut_us)
			continue;
		cut_off(cs, i, false);
		last = &cs->list[i];
		cs->list[i].cut_us = now_us;
		n++;
	}
	if (!n)
		return;
	stat_add(http_refused_busy, n);
	if (log_due(&lines, LOG_STRANGERS_US, &more))
		log_warn("http", "cut off a connection that kept a worker waiting; client=%s more_before=%u",
		    last->client, more);
}

/* As many entries as workers, and a worker has one connection at a time: so there
 * is always a free one, and the search is short. The client is the peer until the
 * headers say more; behind a proxy, nobody. */
struct connection *connections_take(struct connections *cs, const struct mg_connection *conn)
{
	const struct mg_request_info *info = info_of(cs, conn);
	const char *peer = info ? info->remote_addr : "";
	struct connection *c = NULL, new = { .conn = (struct mg_connection *)conn, .fd = -ENOENT };
	int64_t now_us = clock_now_us();

	snprintf(new.client, sizeof new.client, "%s", info ? peer : "?");
	if (info && socket_ends_set(&new.ends, peer, info->remote_port, cs->listen, info->server_port))
		new.fd = find_socket(cs, &new.ends);
	pthread_mutex_lock(&cs->lock);
	if (new.fd >= 0 && atomic_exchange_explicit(&cs->held[new.fd], true, memory_order_relaxed))
		new.fd = -EBUSY; /* another's, between the same ends, at the same moment */
	for (size_t i = 0; i < cs->workers && !c; i++) {
		if (cs->inflight[i].used)
			continue;
		c = &cs->list[i];
		*c = new;
		cs->inflight[i] = (struct inflight){ .used = true,
			.client = config_trusts(cs->cfg, peer) ? 0 : inflight_client(peer),
			.since_us = now_us };
	}
	judge(cs, now_us);
	pthread_mutex_unlock(&cs->lock);
	return c;
}

void connections_give_back(struct connections *cs, struct connection *c)
{
	const struct mg_request_info *info = mg_get_request_info(c->conn);

	if (info)
		atomic_store_explicit(&cs->info_at, (const char *)info - (const char *)c->conn, memory_order_relaxed);
	pthread_mutex_lock(&cs->lock);
	cs->inflight[c - cs->list].used = false;
	if (c->fd >= 0)
		atomic_store_explicit(&cs->held[c->fd], false, memory_order_relaxed);
	pthread_mutex_unlock(&cs->lock);
}

/* One peer may come from one port to two addresses of ours. Where we listen on all of
 * them nobody can say which connection is which; no honest client does that. */
bool connections_has_socket(const struct connections *cs, const struct connection *c)
{
	if (!c || c->fd < 0)
		return false;
	for (int fd = 0; c->ends.own.sin_addr.s_addr == INADDR_ANY && fd < cs->files; fd++)
		if (fd != c->fd && socket_is_between(fd, &c->ends))
			return false;
	return true;
}

void connections_of_client(struct connections *cs, struct connection *c, const char *client)
{
	pthread_mutex_lock(&cs->lock);
	cs->inflight[c - cs->list].client = inflight_client(client);
	if (*client)
		snprintf(c->client, sizeof c->client, "%s", client);
	pthread_mutex_unlock(&cs->lock);
}

bool connections_stage(struct connections *cs, const struct connection *c, enum inflight_stage stage)
{
	struct inflight *e;
	bool whole;

	if (!c)
		return true;
	e = &cs->inflight[c - cs->list];
	pthread_mutex_lock(&cs->lock);
	e->stage = stage;
	e->since_us = clock_now_us();
	whole = !e->cut;
	pthread_mutex_unlock(&cs->lock);
	return whole;
}

/* When workers run short, who does not stop sending has to do without the answer. */
void connections_linger(struct connections *cs, const struct connection *c)
{
	bool runs_short;

	pthread_mutex_lock(&cs->lock);
	runs_short = inflight_short(cs->inflight, cs->workers, cs->workers);
	pthread_mutex_unlock(&cs->lock);
	if (c && c->fd >= 0 && !runs_short)
		socket_linger(c->fd, LINGER_MS, LINGER_BYTES);
}

void connections_tend(struct connections *cs, int64_t now_us)
{
	pthread_mutex_lock(&cs->lock);
	judge(cs, now_us);
	for (size_t i = 0; i < cs->workers; i++) {
		const struct inflight *e = &cs->inflight[i];
		bool waits = e->stage == INFLIGHT_READING || e->stage == INFLIGHT_LEAVING;

		if (e->used && e->cut && waits && now_us - cs->list[i].cut_us > STUCK_US)
			cut_off(cs, i, true);
	}
	pthread_mutex_unlock(&cs->lock);
}
