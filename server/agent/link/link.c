#include "server/agent/link/link.h"

#include "common/clock.h"
#include "common/log.h"
#include "server/agent/link/link_ids.h"
#include "server/agent/link/link_next.h"
#include "server/agent/link/link_private.h"
#include "server/model/health.h"
#include "server/stats/stats.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum {
	READ_AT_ONCE = 64,                 /* messages, before the loop does other things */
	PING_US = 20 * US_PER_S,           /* silence of the model after which it is pinged … */
	DEAD_US = 45 * US_PER_S,           /* … and after which its session is lost */
	LOOK_US = 3 * US_PER_S,            /* the same, if it is known to answer pings: it is pinged after this … */
	LOOK_WAITING_US = 700 * US_PER_MS, /* … and while the caller waits after this … */
	NO_PONG_US = 1500 * US_PER_MS      /* … and an answer that does not come in this time will not come */
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
	assert((state != LINK_DIALLING && state != LINK_CONFIGURING) ||
	       (l->current.session && !l->current.ready && l->writer_is_ours));
	assert(state != LINK_REPLAYING || (l->current.ready && l->writer_is_ours));
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
	model_session_close(l->current.session);
	l->current =
	    (struct link_session){ .access = l->current.access, .protocol = l->current.protocol, .no = l->current.no };
}

void link_ask_writer_back(struct link *l)
{
	if (!l->writer_is_ours)
		model_writer_ask_back(&l->call->writer, &l->call->caller_bell);
}

/* ---------------------------------------------------------------------- sessions */

int link_dial(struct link *l, struct link_session *s, const struct model_access *access, int64_t now)
{
	struct model_wish wish = l->wish;
	int err;

	*s = (struct link_session){
		.access = access, .protocol = model_access_protocol(access, &wish), .deaf = wish.protect
	};
	wish.without = model_health_without(l->health, access, wish.agent);
	err = model_session_open(&s->session, access, &wish, &l->call->agent_bell, now);
	if (err)
		log_error(l->call->tag, "model: cannot dial: %s", strerror(-err));
	else
		s->no = ++l->last_no;
	return err;
}

static void dial_anew(struct link *l, int64_t now)
{
	link_drop_session(l);
	l->attempts++;
	l->tries += l->lost_us != 0;
	if (link_dial(l, &l->current, l->current.access, now))
		link_give_up(l, END_INTERNAL_ERROR);
	else
		link_enter(l, LINK_DIALLING);
	link_limit_attempt(l, now);
}

void link_caller_came(struct link *l, int64_t now_us)
{
	l->caller = true;
	l->last_try_us = now_us + l->call->cfg->slow_answer_max_ms * US_PER_MS;
	link_limit_attempt(l, now_us);
}

void link_begin_session(struct link *l, int64_t now)
{
	int64_t connect_ms = model_session_connect_ms(l->current.session);

	l->current.ready = true;
	model_writer_meet(&l->call->writer, model_session_client(l->current.session), l->current.protocol,
	    l->current.access->format, l->current.no);
	model_writer_wrote(&l->call->writer, strlen(l->wish.instructions), now);
	l->current.heard_us = l->current.pinged_us = l->current.began_us = now;
	l->waited_for = false;
	link_set_renewal(l, now);
	model_health_ok(l->health, l->current.access, l->wish.agent, connect_ms);
	if (model_session_resumed(l->current.session))
		stat_add(model_resumed, 1);
	if (l->current.access != model_endpoints_first(l->endpoints, l->wish.agent))
		stat_add(model_elsewhere, 1);
	if (connect_ms < 0)
		log_info(l->call->tag, "model ready; it is asked for each answer");
	else
		log_info(l->call->tag, "model ready; endpoint=%d session=%s connect_ms=%" PRId64 " resumed=%d",
		    l->current.access->number, model_session_id(l->current.session), connect_ms,
		    model_session_resumed(l->current.session));
	link_enter(l, LINK_REPLAYING);
}

static void step_session(struct link *l, int64_t now)
{
	int done = model_session_step(l->current.session, now);

	if (done < 0) {
		link_attempt_failed(l);
		return;
	}
	if (l->state == LINK_DIALLING && model_session_connected(l->current.session))
		link_enter(l, LINK_CONFIGURING);
	if (done > 0)
		link_begin_session(l, now);
}

static void step_lost(struct link *l, int64_t now)
{
	if (!l->writer_is_ours || now < l->retry_us)
		return;
	if (!l->next.session) {
		dial_anew(l, now);
		return;
	}
	l->tries++;
	link_take_next(l);
	if (l->current.ready) {
		link_begin_session(l, now);
		return;
	}
	link_enter(l, LINK_DIALLING);
	link_limit_attempt(l, now);
}

void link_step(struct link *l, int64_t now_us)
{
	l->now_us = now_us;
	if (l->state == LINK_LOST)
		step_lost(l, now_us);
	if (link_opens(l))
		step_session(l, now_us);
	else if (l->state == LINK_TALKING && l->next.session)
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
	struct model_ended ended = model_session_ended(l->current.session);
	const char *reason = ended.reason;
	enum model_error error = l->current.protocol->close_class(reason);
	int code = ended.code;

	if (err == -EPIPE && !code && l->current.write_error)
		err = l->current.write_error;
	log_info(l->call->tag, "model: connection ended: %s; close_code=%d%s%.100s", strerror(-err), code,
	    reason[0] ? " reason=" : "", reason);
	stat_model_error("connection", reason[0] ? reason : end_name(err));
	model_health_closed(l->health, l->current.access, l->wish.agent, error, reason);
	link_lose_by(l, error);
}

/* Not the end yet: earlier messages, perhaps a Close with its reason, are read first. */
static void write_failed(struct link *l, int err)
{
	if (l->state != LINK_TALKING && l->state != LINK_REPLAYING)
		return;
	if (!l->current.write_error)
		l->current.write_error = err;
	l->current.more_to_read = true;
}

/* Through the ring to the caller loop. A lost ping does no harm, a lost message would. */
static void order(struct link *l, enum model_order type, const char *text, size_t len)
{
	if (!ring_put(&l->call->writer.orders, (uint8_t)type, text, len) && type == ORDER_TEXT)
		link_lose(l, END_MODEL_LOST);
	bell_ring(&l->call->caller_bell);
}

/* Reading has made bytes to send, a pong say. */
static void want_flush(struct link *l, struct link_session *s)
{
	if (s == &l->current && !l->writer_is_ours)
		order(l, ORDER_FLUSH, NULL, 0);
	else
		s->unsent = true;
}

int link_read_some(struct link *l, struct link_session *s, link_take_fn *take, void *arg, int64_t now_us)
{
	s->more_to_read = false;
	for (int count = 0; count < READ_AT_ONCE; count++) {
		struct model_event e;
		bool wants_flush = false, goes_on;
		int got = model_session_read(s->session, &e, &wants_flush);

		if (wants_flush)
			want_flush(l, s);
		if (!got && s->write_error)
			got = s->write_error;
		if (got <= 0)
			return got;
		s->heard_us = now_us;
		s->answers_pings |= got == 2 && s->was_pinged;
		if (got != 1)
			continue;
		link_ids_come(l, s->no, &e);
		goes_on = take(l, &e, arg, now_us);
		model_session_release(s->session, &e);
		if (!goes_on)
			return 0;
	}
	s->more_to_read = true;
	return 0;
}

struct listener {
	link_event_fn *each;
	void *arg;
};

/* An event may end the session. */
static bool pass_on(struct link *l, const struct model_event *e, void *arg, int64_t now)
{
	struct listener *to = arg;

	model_health_heard(l->health, l->current.access, l->wish.agent, e);
	to->each(to->arg, e, now);
	return l->state == LINK_TALKING;
}

void link_read(struct link *l, link_event_fn *each, void *arg, int64_t now_us)
{
	int over;

	l->now_us = now_us;
	if (l->state != LINK_TALKING)
		return;
	over = link_read_some(l, &l->current, pass_on, &(struct listener){ each, arg }, now_us);
	if (over < 0)
		connection_over(l, over);
}

/* ----------------------------------------------------------------------- writing */

void link_send(struct link *l, const char *text, size_t len)
{
	int err;

	if (l->state != LINK_TALKING && l->state != LINK_REPLAYING)
		return;
	if (!l->writer_is_ours) {
		order(l, ORDER_TEXT, text, len);
		return;
	}
	model_writer_wrote(&l->call->writer, len, l->now_us);
	l->current.unsent = true;
	if ((err = model_session_send(l->current.session, text, len)))
		write_failed(l, err);
}

void link_take_writer(struct link *l)
{
	struct model_writer *w = &l->call->writer;
	int err;

	if (l->writer_is_ours || !model_writer_is_held_by(w, WRITER_AGENT))
		return;
	l->writer_is_ours = true;
	l->current.unsent = true; /* the caller loop may have left something unsent */
	err = atomic_exchange_explicit(&w->failed, 0, memory_order_relaxed);
	/* Orders that came while the writer was on its way; void after the call's end. */
	if (atomic_exchange_explicit(&w->asked_back, false, memory_order_relaxed) && !call_ended(l->call) && !err)
		err = model_writer_carry_out(w, &l->current.unsent, l->now_us);
	if (err)
		write_failed(l, err);
}

/* Any sign of life answers a ping; the first one tells whether pings are answered. */
int64_t link_ping_us(const struct link_session *s, bool waited_for)
{
	int64_t last_us = later(s->heard_us, s->pinged_us);

	if (!s->answers_pings)
		return s->was_pinged ? last_us + PING_US : s->began_us;
	return s->pinged_us > s->heard_us ? NEVER_US : last_us + (waited_for ? LOOK_WAITING_US : LOOK_US);
}

int64_t link_dead_us(const struct link_session *s, int64_t read_us)
{
	if (s->answers_pings && s->pinged_us > s->heard_us && read_us)
		return read_us + NO_PONG_US;
	return s->heard_us + DEAD_US;
}

static int64_t dead_us(const struct link *l)
{
	return link_dead_us(&l->current, model_writer_ping_read_us(&l->call->writer));
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
	if (now_us < link_ping_us(&l->current, l->waited_for))
		return;
	l->current.was_pinged = true;
	l->current.pinged_us = now_us;
	model_writer_ping_again(&l->call->writer);
	if (!l->writer_is_ours) {
		order(l, ORDER_PING, NULL, 0);
		return;
	}
	if (model_session_ping(l->current.session)) {
		l->current.heard_us = now_us;
		return;
	}
	l->current.unsent = l->call->writer.ping_unsent = true;
}

/* In any state: after the end there may be an answer to the model's Close. */
void link_flush(struct link *l)
{
	int err;

	if (!l->current.ready || !l->writer_is_ours || !l->current.unsent)
		return;
	err = model_session_flush(l->current.session);
	l->current.unsent = err == -EAGAIN;
	if (!err)
		model_writer_flushed(&l->call->writer, l->now_us);
	else if (err != -EAGAIN)
		write_failed(l, err);
}

void link_pass_writer(struct link *l)
{
	if (l->state != LINK_TALKING || !l->writer_is_ours || l->current.unsent || l->current.write_error || l->swap)
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
		return model_session_deadline_us(l->current.session);
	case LINK_TALKING:
		if (l->current.more_to_read)
			return 0;
		return earlier(next, earlier(link_ping_us(&l->current, l->waited_for), dead_us(l)));
	default:
		return INT64_MAX;
	}
}

void link_fds(const struct link *l, struct pollfd fds[LINK_FDS])
{
	fds[0] = fds[1] = (struct pollfd){ .fd = -1 };
	if (l->state == LINK_TALKING) {
		model_session_poll(l->current.session, &fds[0]);
		fds[0].events = l->writer_is_ours && l->current.unsent ? POLLIN | POLLOUT : POLLIN;
	} else if (link_opens(l)) {
		model_session_poll(l->current.session, &fds[0]);
	}
	link_next_poll(l, &fds[1]);
}

void link_hang_up(struct link *l)
{
	if (l->state == LINK_TALKING)
		model_session_hang_up(l->current.session, clock_now_us() + LINK_CLOSE_US);
}

void link_open(struct link *l, struct call *c, const struct model_endpoints *endpoints, struct model_health *health,
    const struct model_wish *wish)
{
	*l =
	    (struct link){ .call = c, .endpoints = endpoints, .health = health, .wish = *wish, .writer_is_ours = true };
	buf_init(&l->call_ids, 0);
	l->current.access = model_endpoints_next(endpoints, wish->agent, NULL);
	l->current.protocol = model_access_protocol(l->current.access, wish);
}

void link_close(struct link *l)
{
	link_drop_session(l);
	link_drop_next(l);
	buf_free(&l->call_ids);
}
