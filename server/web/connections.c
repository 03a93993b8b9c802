#include "server/web/connections.h"

#include "common/clock.h"
#include "common/log.h"
#include "server/stats/stats.h"
#include "server/web/inflight.h"
#include "server/web/sockets.h"

#include <civetweb.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
	FILES_PER_WORKER = 8, /* a call holds four: two sockets, two bells */
	FILES_BESIDES = 1024  /* connections that wait for a worker, logs, … */
};

struct connections {
	pthread_mutex_t lock;
	size_t workers;
	struct inflight *inflight; /* entry i is about list[i] */
	struct connection *list;
};

int connections_open(struct connections **out, size_t workers)
{
	struct connections *cs = calloc(1, sizeof *cs);

	if (!cs)
		return -ENOMEM;
	pthread_mutex_init(&cs->lock, NULL);
	cs->workers = workers;
	cs->inflight = calloc(workers, sizeof *cs->inflight);
	cs->list = calloc(workers, sizeof *cs->list);
	if (!cs->inflight || !cs->list) {
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
	free(cs);
}

/* As many entries as workers, and a worker has one connection at a time: so there
 * is always a free one, and the search is short. */
struct connection *connections_take(struct connections *cs, const struct mg_connection *conn)
{
	struct connection *c = NULL;

	pthread_mutex_lock(&cs->lock);
	for (size_t i = 0; i < cs->workers && !c; i++) {
		if (cs->inflight[i].used)
			continue;
		cs->inflight[i] = (struct inflight){ .used = true, .since_us = clock_now_us() };
		c = &cs->list[i];
		*c = (struct connection){ .conn = (struct mg_connection *)conn };
	}
	pthread_mutex_unlock(&cs->lock);
	return c;
}

void connections_give_back(struct connections *cs, struct connection *c)
{
	pthread_mutex_lock(&cs->lock);
	cs->inflight[c - cs->list].used = false;
	pthread_mutex_unlock(&cs->lock);
}

/* Only now, since behind a proxy the client's address stands in a header. */
void connections_of_client(struct connections *cs, const struct connection *c, uint32_t client)
{
	pthread_mutex_lock(&cs->lock);
	cs->inflight[c - cs->list].client = client;
	pthread_mutex_unlock(&cs->lock);
}

void connections_has_limits(struct connections *cs, const struct connection *c)
{
	pthread_mutex_lock(&cs->lock);
	cs->inflight[c - cs->list].limited = true;
	pthread_mutex_unlock(&cs->lock);
}

/* CivetWeb does not hand out its descriptor. Both ends of the connection are
 * compared: two clients may share an address. */
int connections_socket(const struct connections *cs, const struct mg_connection *conn)
{
	const struct mg_request_info *info = mg_get_request_info(conn);
	/* The system hands out the lowest free number, so no descriptor is larger
	 * than the most that were ever open. */
	int limit = (int)cs->workers * FILES_PER_WORKER + FILES_BESIDES;

	return info ? socket_find(info->remote_addr, info->remote_port, info->server_port, limit) : -ENOENT;
}

/* First only the reading side: the worker's read then ends, and its handler
 * can still say what was wrong. If the worker is stuck in writing, the next
 * look cuts both. True the first time. */
static bool cut_off(const struct connections *cs, struct connection *c)
{
	int fd = connections_socket(cs, c->conn);

	if (fd < 0)
		return false; /* it will be looked at again */
	shutdown(fd, c->times_cut ? SHUT_RDWR : SHUT_RD);
	return c->times_cut++ == 0;
}

/* From the program's clock, four times a second. The lock is held
 * throughout, so that no entry is given back, and no descriptor reused,
 * between its judgement and its end. */
void connections_tend(struct connections *cs, int64_t now_us)
{
	const struct mg_connection *last = NULL;
	int n = 0;

	pthread_mutex_lock(&cs->lock);
	inflight_judge(cs->inflight, cs->workers, cs->workers, now_us);
	for (size_t i = 0; i < cs->workers; i++) {
		if (cs->inflight[i].used && cs->inflight[i].cut && cut_off(cs, &cs->list[i])) {
			last = cs->list[i].conn;
			n++;
		}
	}
	/* One line however many there were: strangers shall not fill the log. */
	if (n) {
		stat_add(http_refused_busy, n);
		log_warn("http", "cut off requests that took too long; requests=%d last_peer=%s", n,
		    mg_get_request_info(last)->remote_addr);
	}
	pthread_mutex_unlock(&cs->lock);
}
