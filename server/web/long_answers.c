#include "server/web/long_answers.h"

#include "server/stats/stats.h"
#include "server/web/writer.h"

void long_answers_stop(struct long_answers *all)
{
	atomic_store_explicit(&all->stopping, true, memory_order_release);
}

/* Taken first and given back if it was one too many: two who come at once cannot
 * both get the last. The statistic follows, and decides nothing. */
bool long_answer_take(struct long_answers *all, struct response *r)
{
	if (!r->stream.run)
		return false;
	if (atomic_load_explicit(&all->stopping, memory_order_acquire)) {
		response_error(r, 503, "shutting_down", "the server is shutting down");
		return false;
	}
	if (atomic_fetch_add(&all->open, 1) < all->most) {
		atomic_fetch_add(&stats.watchers_open, 1);
		return true;
	}
	atomic_fetch_sub(&all->open, 1);
	response_error(r, 429, "too_many_watchers", "all places for watchers and downloads (MAX_WATCHERS) are taken");
	response_header(r, "Retry-After", "5");
	stat_add(http_refused_watchers, 1);
	return false;
}

static void leave_place(struct long_answers *all)
{
	atomic_fetch_sub(&stats.watchers_open, 1);
	atomic_fetch_sub(&all->open, 1);
}

bool long_answer_begin(struct long_answers *all, struct response *r)
{
	if (r->stream.begin)
		r->stream.begin(r->stream.arg, r, &all->stopping);
	/* It has become an error instead, which is short. */
	if (!r->stream.run)
		leave_place(all);
	return r->stream.run;
}

/* On the connection's own worker, until the answer ends, the client goes or
 * the server stops. */
void long_answer_run(struct long_answers *all, struct response *r, int fd)
{
	struct writer w;

	if (fd >= 0 && r->stream.run) {
		writer_init(&w, fd, &all->stopping);
		r->stream.run(r->stream.arg, &w);
	}
	response_drop_stream(r);
	leave_place(all);
}
