#include "server/agent/link.h"

#include "common/clock.h"
#include "common/log.h"
#include "server/agent/link_next.h"
#include "server/agent/link_private.h"
#include "server/model/health.h"
#include "server/stats/stats.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum {
	REDIAL_US = 2 * US_PER_S,          /* for a try after a loss */
	READ_AT_ONCE = 64,                 /* messages, before the loop does other things */
	PING_US = 20 * US_PER_S,           /* silence of the model after which it is pinged … */
	DEAD_US = 45 * US_PER_S,           /* … and after which its session is lost */
	LOOK_US = 3 * US_PER_S,            /* the same, if it is known to answer pings: it is pinged after this … */
	LOOK_WAITING_US = 700 * US_PER_MS, /* … and while the caller waits after this … */
	NO_PONG_US = 1500 * US_PER_MS,     /* … and an answer that does not come in this time will not come */
	US_PER_BYTE = 30,                  /* that a service takes at most to read what it is told */
	CLOSE_US = 300 * US_PER_MS         /* for the model's Close after ours */
};

/* ----------------------------------------------------------------------- states */

const char *link_state_name(enum link_state state)
{
	static const char *const names[] = { "lost", "dialling", "configuring", "replaying", "talking", "gone" };

	return names[state];
}

void link_enter(struct link *l, enum link_state state)
{
	assert(state != LINK_LOST || l->state != LINK_GONE);
	assert((state != LINK_DIALLING && state != LINK_CONFIGURING) || (l->session && !l->up && l->writer_is_ours));
	assert(state != LINK_REPLAYING || (l->up && l->writer_is_ours));
	assert(state != LINK_TALKING || l->state == LINK_REPLAYING);
	assert(state != LINK_GONE || (l->why && l->state != LINK_GONE));
	log_debug(l->call->tag, "model link: %s -> %s", link_state_name(l->state), link_state_name(state));
	l->state = state;
}

void link_give_up(struct link *l, enum call_end why)
{
	if (l->state != LINK_GONE) {
		l->why = why;
		link_enter(l, LINK_GONE);
	}
}

/* A dead session is kept until the writer is back: the caller loop uses its connection. */
void link_drop_session(struct link *l)
{
	assert(l->writer_is_ours);
	model_writer_leave(&l->call->writer);
	l->up = l->unsent = l->more_to_read = false;
	l->write_error = 0;
	model_session_close(l->session);
	l->session = NULL;
}

void link_ask_writer_back(struct link *l)
{
	if (!l->writer_is_ours)
		model_writer_ask_back(&l->call->writer, &l->call->caller_bell);
}

/* ---------------------------------------------------------------------- sessions */

int link_dial(
    struct link *l, const struct model_access *access, struct model_wish wish, struct model_session **out, int64_t now)
{
	int err;

	wish.without = model_health_without(l->health, access, wish.agent);
	err = model_session_open(out, access, &wish, &l->call->agent_bell, now);
	if (err)
		log_error(l->call->tag, "model: cannot dial: %s", strerror(-err));
	return err;
}

/* True if the next attempt would be made elsewhere. */
static bool has_another(const struct link *l)
{
	const struct model_access *next = model_endpoints_next(l->endpoints, l->wish.agent, l->access);

	return next && next != l->access;
}

/* The limits of its steps, added up, would be a minute of silence for a caller. */
static void limit_attempt(struct link *l, int64_t now)
{
	int64_t patience_us = l->call->cfg->silence_max_ms * US_PER_MS;

	if (!link_opens(l))
		return;
	if (l->lost_us)
		model_session_limit(l->session, earlier(now + REDIAL_US, link_last_us(l)));
	else if (has_another(l))
		model_session_limit(l->session, now + patience_us / 2);
	else if (l->caller)
		model_session_limit(l->session, now + patience_us);
}

static void dial_anew(struct link *l, int64_t now)
{
	link_drop_session(l);
	l->attempts++;
	l->tries += l->lost_us != 0;
	l->no = ++l->last_no;
	if (link_dial(l, l->access, l->wish, &l->session, now))
		link_give_up(l, END_INTERNAL_ERROR);
	else
		link_enter(l, LINK_DIALLING);
	limit_attempt(l, now);
}

void link_caller_came(struct link *l, int64_t now_us)
{
	l->caller = true;
	l->last_try_us = now_us + l->call->cfg->slow_answer_max_ms * US_PER_MS;
	limit_attempt(l, now_us);
}

static void dial_failed(struct link *l)
{
	struct model_failure failure = *model_session_failure(l->session);

	log_warn(
	    l->call->tag, "model: attempt %d failed; endpoint=%d: %s", l->attempts, l->access->number, failure.text);
	model_health_failed(l->health, l->access, l->wish.agent, &failure);
	link_drop_session(l);
	if (failure.moderated) {
		link_give_up(l, END_MODEL_REFUSED);
	} else if (l->lost_us) {
		link_enter(l, LINK_LOST);
		link_try_again(l, failure.permanent);
	} else {
		link_first_failed(l, failure.permanent);
	}
}

/* The session in l->session has become ready. */
void link_begin_session(struct link *l, int64_t now)
{
	int64_t connect_ms = model_session_connect_ms(l->session);

	l->up = true;
	l->protocol = model_access_protocol(l->access, &l->wish);
	model_writer_meet(&l->call->writer, model_session_client(l->session), l->protocol, l->access->format);
	l->heard_us = l->pinged_us = l->began_us = now;
	l->reads_until_us = now + (int64_t)strlen(l->wish.instructions) * US_PER_BYTE;
	l->was_pinged = l->answers_pings = l->waited_for = false;
	link_set_renewal(l, now);
	model_health_ok(l->health, l->access, l->wish.agent, connect_ms);
	if (model_session_resumed(l->session))
		stat_add(model_resumed, 1);
	if (l->access != &l->endpoints->list[0])
		stat_add(model_elsewhere, 1);
	if (connect_ms < 0)
		log_info(l->call->tag, "model ready; it is asked for each answer");
	else
		log_info(l->call->tag, "model ready; endpoint=%d session=%s connect_ms=%" PRId64 " resumed=%d",
		    l->access->number, model_session_id(l->session), connect_ms, model_session_resumed(l->session));
	link_enter(l, LINK_REPLAYING);
}

static void step_session(struct link *l, int64_t now)
{
	int done = model_session_step(l->session, now);

	if (done < 0) {
		dial_failed(l);
		return;
	}
	if (l->state == LINK_DIALLING && model_session_connected(l->session))
		link_enter(l, LINK_CONFIGURING);
	if (done > 0)
		link_begin_session(l, now);
}

static void step_lost(struct link *l, int64_t now)
{
	if (!l->writer_is_ours || now < l->retry_us)
		return;
	if (!l->next) {
		dial_anew(l, now);
		return;
	}
	l->tries++;
	link_take_next(l);
	link_enter(l, LINK_DIALLING);
	limit_attempt(l, now);
}

void link_step(struct link *l, int64_t now_us)
{
	l->now_us = now_us;
	if (l->state == LINK_LOST)
		step_lost(l, now_us);
	if (link_opens(l))
		step_session(l, now_us);
	else if (l->state == LINK_TALKING && l->next)
		link_step_next(l, now_us);
}

void link_replayed(struct link *l)
{
	if (l->state == LINK_REPLAYING)
		link_enter(l, LINK_TALKING);
}

/* ----------------------------------------------------------------------- reading */

static const char *end_name(int err)
{
	return err == -EPIPE ? "closed" : err == -ETIMEDOUT ? "stalled" : strerrorname_np(-err);
}

/* Counted once. Reading and writing share one report of a reset; the other sees an end. */
static void connection_over(struct link *l, int err)
{
	struct model_ended ended = model_session_ended(l->session);
	const char *reason = ended.reason;
	enum model_error error = l->protocol->close_class(reason);
	int code = ended.code;

	if (err == -EPIPE && !code && l->write_error)
		err = l->write_error;
	log_info(l->call->tag, "model: connection ended: %s; close_code=%d%s%.100s", strerror(-err), code,
	    reason[0] ? " reason=" : "", reason);
	stat_model_error("connection", reason[0] ? reason : end_name(err));
	model_health_closed(l->health, l->access, l->wish.agent, error, reason);
	link_lose_by(l, error);
}

/* Not the end yet: earlier messages, perhaps a Close with its reason, are read first. */
static void write_failed(struct link *l, int err)
{
	if (l->state != LINK_TALKING && l->state != LINK_REPLAYING)
		return;
	if (!l->write_error)
		l->write_error = err;
	l->more_to_read = true;
}

/* Through the ring to the caller loop. A lost ping does no harm, a lost message would. */
static void order(struct link *l, enum model_order type, const char *text, size_t len)
{
	if (!ring_put(&l->call->writer.orders, (uint8_t)type, text, len) && type == ORDER_TEXT)
		link_lose(l, END_MODEL_LOST);
	bell_ring(&l->call->caller_bell);
}

void link_read(struct link *l, link_event_fn *each, void *arg, int64_t now_us)
{
	l->now_us = now_us;
	if (l->state != LINK_TALKING)
		return;
	l->more_to_read = false;
	for (int count = 0; count < READ_AT_ONCE; count++) {
		struct model_event e;
		bool wants_flush = false;
		int got = model_session_read(l->session, &e, &wants_flush);

		if (wants_flush && l->writer_is_ours)
			l->unsent = true;
		else if (wants_flush)
			order(l, ORDER_FLUSH, NULL, 0);
		if (!got && l->write_error)
			got = l->write_error;
		if (got < 0)
			connection_over(l, got);
		if (got <= 0)
			return;
		l->heard_us = now_us;
		l->answers_pings |= got == 2 && l->was_pinged;
		if (got != 1)
			continue;
		model_health_heard(l->health, l->access, l->wish.agent, &e);
		each(arg, &e, now_us);
		model_session_release(l->session, &e);
		if (l->state != LINK_TALKING)
			return; /* the event said so */
	}
	l->more_to_read = true;
}

/* ----------------------------------------------------------------------- writing */

void link_send(struct link *l, const char *text, size_t len)
{
	int err;

	if (l->state != LINK_TALKING && l->state != LINK_REPLAYING)
		return;
	l->reads_until_us = later(l->reads_until_us, l->now_us) + (int64_t)len * US_PER_BYTE;
	if (!l->writer_is_ours) {
		order(l, ORDER_TEXT, text, len);
		return;
	}
	l->unsent = true;
	if ((err = model_session_send(l->session, text, len)))
		write_failed(l, err);
}

void link_take_writer(struct link *l)
{
	struct model_writer *w = &l->call->writer;
	int err;

	if (l->writer_is_ours || !model_writer_is_held_by(w, WRITER_AGENT))
		return;
	l->writer_is_ours = true;
	l->unsent = true; /* the caller loop may have left something unsent */
	err = atomic_exchange_explicit(&w->failed, 0, memory_order_relaxed);
	/* Orders that came while the writer was on its way; void after the call's end. */
	if (atomic_exchange_explicit(&w->asked_back, false, memory_order_relaxed) && !call_ended(l->call) && !err)
		err = model_writer_carry_out(w, &l->unsent);
	if (err)
		write_failed(l, err);
}

/* The next ping, and the loss. Any sign of life answers a ping; the first one tells whether pings are answered. */
static int64_t ping_us(const struct link *l)
{
	int64_t last_us = later(l->heard_us, l->pinged_us);

	if (!l->answers_pings)
		return l->was_pinged ? last_us + PING_US : l->began_us;
	return l->pinged_us > l->heard_us ? NEVER_US : last_us + (l->waited_for ? LOOK_WAITING_US : LOOK_US);
}

static int64_t dead_us(const struct link *l)
{
	if (l->answers_pings && l->pinged_us > l->heard_us)
		return later(l->pinged_us, l->reads_until_us) + NO_PONG_US;
	return l->heard_us + DEAD_US;
}

void link_ping(struct link *l, int64_t now_us)
{
	l->now_us = now_us;
	if (l->state != LINK_TALKING)
		return;
	if (now_us >= dead_us(l)) {
		log_warn(l->call->tag, "model: no sign of life");
		stat_model_error("connection", "silent");
		link_lose(l, END_MODEL_LOST);
		return;
	}
	if (now_us < ping_us(l))
		return;
	l->was_pinged = true;
	l->pinged_us = now_us;
	if (!l->writer_is_ours) {
		order(l, ORDER_PING, NULL, 0);
		return;
	}
	if (model_session_ping(l->session))
		l->heard_us = now_us;
	else
		l->unsent = true;
}

/* In any state: after the end there may be an answer to the model's Close. */
void link_flush(struct link *l)
{
	int err;

	if (!l->up || !l->writer_is_ours || !l->unsent)
		return;
	err = model_session_flush(l->session);
	l->unsent = err == -EAGAIN;
	if (err && err != -EAGAIN)
		write_failed(l, err);
}

void link_pass_writer(struct link *l)
{
	if (l->state != LINK_TALKING || !l->writer_is_ours || l->unsent || l->write_error || l->swap)
		return;
	l->writer_is_ours = false;
	model_writer_pass(&l->call->writer, WRITER_CALLER, &l->call->caller_bell);
}

int64_t link_deadline_us(const struct link *l)
{
	int64_t next = link_next_due_us(l);

	switch (l->state) {
	case LINK_LOST:
		return l->writer_is_ours ? l->retry_us : INT64_MAX;
	case LINK_DIALLING:
	case LINK_CONFIGURING:
		return model_session_deadline_us(l->session);
	case LINK_TALKING:
		if (l->more_to_read)
			return 0;
		return earlier(next, earlier(ping_us(l), dead_us(l)));
	default:
		return INT64_MAX;
	}
}

void link_fds(const struct link *l, struct pollfd fds[LINK_FDS])
{
	fds[0] = fds[1] = (struct pollfd){ .fd = -1 };
	if (l->state == LINK_TALKING) {
		model_session_poll(l->session, &fds[0]);
		fds[0].events = l->writer_is_ours && l->unsent ? POLLIN | POLLOUT : POLLIN;
	} else if (link_opens(l)) {
		model_session_poll(l->session, &fds[0]);
	}
	link_next_poll(l, &fds[1]);
}

void link_hang_up(struct link *l)
{
	if (l->state == LINK_TALKING)
		model_session_hang_up(l->session, clock_now_us() + CLOSE_US);
}

void link_open(struct link *l, struct call *c, const struct model_endpoints *endpoints, struct model_health *health,
    const struct model_wish *wish)
{
	*l =
	    (struct link){ .call = c, .endpoints = endpoints, .health = health, .wish = *wish, .writer_is_ours = true };
	l->renew_us = l->force_us = NEVER_US;
	l->access = model_endpoints_next(endpoints, wish->agent, NULL);
	l->protocol = model_access_protocol(l->access, wish);
}

void link_close(struct link *l)
{
	link_drop_session(l);
	link_drop_next(l);
}
