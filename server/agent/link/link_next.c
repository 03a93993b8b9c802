#include "server/agent/link/link_next.h"

#include "common/backoff.h"
#include "common/clock.h"
#include "common/log.h"
#include "server/agent/link/link_private.h"
#include "server/model/health.h"
#include "server/stats/stats.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum {
	DIAL_TRIES = 3,            /* for the first session, before the call is given up */
	REDIAL_US = 2 * US_PER_S,  /* for a try after a loss */
	AGAIN_US = 60 * US_PER_S,  /* two that break within this time are no weather */
	PROVED_US = 30 * US_PER_S, /* a session that talked for so long counts as a good one, or one that answered */
	RENEW_BEFORE_US = 60 * US_PER_S, /* a session's end, or a tenth of a short one's time */
	RENEW_AGAIN_US = 10 * US_PER_S,  /* after a next session that failed */
	RENEW_EVERY_US = 60 * US_PER_S,  /* at most: a session that ends sooner is lost, and followed like any other */
	RENEW_LIMIT_US = 20 * US_PER_S   /* for one to be opened */
};

/* Between the tries for the first session, at one endpoint; and between those after a loss. */
static const struct backoff dial_pause = { .first_ms = 400, .most_ms = 800 };
static const struct backoff redial_pause = { .first_ms = 250, .most_ms = 2000 };

/* Many calls may have lost the same service: they do not come back as one. */
static int64_t pause_us(const struct backoff *pause, int tries)
{
	return tries ? backoff_ms(pause, tries, 0, backoff_chance()) * US_PER_MS : 0;
}

/* ---------------------------------------------------------------------- the first one */

/* The first session did not come. A caller hears nothing meanwhile: another endpoint is dialled at once. A
 * permanent failure, a wrong key say, ends the tries if there is no other. */
static void first_failed(struct link *l, bool permanent)
{
	const struct model_access *other = model_endpoints_next(l->endpoints, l->wish.agent, l->current.access);

	if (!other || (permanent && other == l->current.access)) {
		link_give_up(l, END_MODEL_REFUSED);
	} else if (l->attempts >= DIAL_TRIES || (l->caller && l->now_us >= l->last_try_us)) {
		link_give_up(l, END_MODEL_UNREACHABLE);
	} else {
		l->retry_us = l->now_us + (other == l->current.access ? pause_us(&dial_pause, l->attempts) : 0);
		l->current.access = other;
		link_enter(l, LINK_LOST);
	}
}

/* ------------------------------------------------------------------------- after a loss */

/* Where the next session is to be had; NULL: nowhere. A session that was lost may be weather, so its
 * own endpoint comes first, or one before it that is well by now; not if it gave no answers, or is lost each time. */
static const struct model_access *where_next(const struct link *l, bool refused)
{
	const struct model_access *own = l->current.access, *first, *other;

	if (!l->tries && !refused && !l->broke_again && l->why != END_MODEL_FAILED) {
		first = model_endpoints_next(l->endpoints, l->wish.agent, NULL);
		return first && model_endpoints_before(l->endpoints, l->wish.agent, first, own) ? first : own;
	}
	other = model_endpoints_next(l->endpoints, l->wish.agent, own);
	return refused && other == own ? NULL : other;
}

void link_proved(struct link *l)
{
	l->tries = 0;
	l->lost_us = 0;
}

/* The end of all tries after a loss. */
static int64_t last_us(const struct link *l)
{
	return l->lost_us + l->call->cfg->reconnect_seconds * (int64_t)US_PER_S;
}

/* The next try is made after a pause, or there is none. */
static void try_again(struct link *l, bool refused)
{
	const struct model_access *access = where_next(l, refused);
	int64_t at_us = l->now_us + pause_us(&redial_pause, l->tries);

	if (!access)
		link_give_up(l, END_MODEL_REFUSED);
	else if (l->tries >= l->call->cfg->reconnect_tries || at_us >= last_us(l))
		link_give_up(l, l->why);
	else
		l->retry_us = at_us;
	l->current.access = access ? access : l->current.access;
}

/* True if the next attempt would be made elsewhere. */
static bool has_another(const struct link *l)
{
	const struct model_access *next = model_endpoints_next(l->endpoints, l->wish.agent, l->current.access);

	return next && next != l->current.access;
}

/* The limits of its steps, added up, would be a minute of silence for a caller. */
void link_limit_attempt(struct link *l, int64_t now)
{
	int64_t patience_us = l->call->cfg->silence_max_ms * US_PER_MS;

	if (!link_opens(l))
		return;
	if (l->lost_us)
		model_session_limit(l->current.session, earlier(now + REDIAL_US, last_us(l)));
	else if (has_another(l))
		model_session_limit(l->current.session, now + patience_us / 2);
	else if (l->caller)
		model_session_limit(l->current.session, now + patience_us);
}

void link_attempt_failed(struct link *l)
{
	struct model_failure failure = *model_session_failure(l->current.session);

	log_warn(l->call->tag, "model: attempt %d failed; endpoint=%d: %s", l->attempts, l->current.access->number,
	    failure.text);
	model_health_failed(l->health, l->current.access, l->wish.agent, &failure);
	link_drop_session(l);
	if (failure.moderated) {
		link_give_up(l, END_MODEL_MODERATED);
	} else if (l->lost_us) {
		link_enter(l, LINK_LOST);
		try_again(l, failure.permanent);
	} else {
		first_failed(l, failure.permanent);
	}
}

/* For whoever dials next: that endpoint opens sessions, and they are of no use. */
static void note_loss(struct link *l, enum call_end why)
{
	l->broke_again = why == END_MODEL_LOST && l->broke_us && l->now_us < l->broke_us + AGAIN_US;
	if (l->broke_again && l->broke_at == l->current.access)
		model_health_useless(l->health, l->current.access, l->wish.agent, "lost_again",
		    "a call lost two sessions within a minute");
	else if (why == END_MODEL_FAILED)
		model_health_useless(
		    l->health, l->current.access, l->wish.agent, "quiet", "a session was opened, and gave no answers");
	if (why == END_MODEL_LOST) {
		l->broke_us = l->now_us;
		l->broke_at = l->current.access;
	}
}

/* The conversation goes on with another session: the next one, if it is on its way. */
void link_lose(struct link *l, enum call_end why)
{
	if (l->state != LINK_TALKING && l->state != LINK_REPLAYING)
		return;
	if (l->now_us >= l->current.began_us + PROVED_US)
		link_proved(l);
	note_loss(l, why);
	l->lost_us = l->now_us;
	l->why = why;
	l->retry_us = 0;
	link_enter(l, LINK_LOST);
	link_ask_writer_back(l);
	if (!l->next.session || why == END_MODEL_REFUSED)
		try_again(l, why == END_MODEL_REFUSED);
}

void link_lose_by(struct link *l, enum model_error error)
{
	if (error == MODEL_MODERATED)
		link_give_up(l, END_MODEL_MODERATED);
	else
		link_lose(l, error == MODEL_RENEW   ? END_MODEL_EXPIRED
			     : error == MODEL_FATAL ? END_MODEL_REFUSED
						    : END_MODEL_LOST);
}

/* --------------------------------------------------------------------- before a loss */

/* What a service says of its end is its own clock's: it is believed if it makes sense. */
static int64_t length_us(const struct link *l)
{
	int64_t length = (int64_t)l->call->cfg->session_renew_seconds * US_PER_S;
	int64_t told_s = model_session_expires_s(l->current.session);
	int64_t left = told_s ? told_s * (int64_t)US_PER_S - clock_wall_ms() * US_PER_MS : 0;

	return left > US_PER_S && left < length ? left : length;
}

/* By a service that gives so little time again and again, a call would be renewed all the time. */
static void put_off(struct link *l, int64_t by_us, int64_t length)
{
	if (by_us <= 0)
		return;
	l->current.renew_us += by_us;
	l->current.force_us += by_us;
	stat_add(model_renewals_late, 1);
	log_write(l->said_brief ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, l->call->tag,
	    "model: a session ends in %" PRId64 " s again; another is not dialled so soon before its end",
	    length / US_PER_S);
	l->said_brief = true;
}

void link_set_renewal(struct link *l, int64_t now_us)
{
	int64_t length = length_us(l), before = earlier(RENEW_BEFORE_US, length / 10);

	l->current.renew_us = l->current.force_us = NEVER_US;
	if (l->current.protocol->by_requests)
		return; /* that is no session of the service's */
	l->current.renew_us = now_us + length - before;
	l->current.force_us = now_us + length - before / 4;
	l->current.brief = length < l->call->cfg->session_renew_seconds * (int64_t)US_PER_S;
	if (l->current.brief && l->renewed_us)
		put_off(l, l->renewed_us + RENEW_EVERY_US - l->current.renew_us, length);
}

void link_drop_next(struct link *l)
{
	model_session_close(l->next.session);
	l->next = (struct link_session){ 0 };
	l->swap = false;
}

/* The old one goes on, and another is tried later; not if what was said is to blame. */
static void next_refused(struct link *l, const char *why, enum model_error error, int64_t now)
{
	log_warn(l->call->tag, "model: the next session: %s", why);
	link_drop_next(l);
	l->current.renew_us = error == MODEL_MODERATED ? NEVER_US : now + RENEW_AGAIN_US;
}

static void next_failed(struct link *l, const char *why, int64_t now)
{
	next_refused(l, why, MODEL_RETRY, now);
}

/* By their numbers, which grow: a service may tell it more than once. */
void link_refused(struct link *l, const struct model_event *e)
{
	uint32_t no = e->refused == MODEL_REQUEST_PAST ? model_request_no(e->refused_id) : 0;

	if (no <= l->refused_no)
		return;
	l->refused_no = no;
	stat_add(model_replay_refused, 1);
}

/* It is told the conversation, and says little. A piece of it that it refuses is left out. */
static bool take_word(struct link *l, const struct model_event *e, void *worst, int64_t now)
{
	(void)now;
	if (e->type != MODEL_ERROR)
		return true;
	stat_model_error(model_error_name(e->error), e->code);
	link_refused(l, e);
	*(enum model_error *)worst = e->error;
	return e->error < MODEL_RENEW;
}

static void read_next(struct link *l, int64_t now)
{
	enum model_error error = MODEL_HARMLESS;

	if (link_read_some(l, &l->next, take_word, &error, now) < 0)
		error = l->next.protocol->close_class(model_session_ended(l->next.session).reason);
	else if (error < MODEL_RENEW)
		return;
	next_refused(l, "it was lost before its turn came", error, now);
}

static void flush_next(struct link *l, int64_t now)
{
	int err = model_session_flush(l->next.session);

	l->next.unsent = err == -EAGAIN;
	if (err && err != -EAGAIN)
		next_failed(l, strerror(-err), now);
}

static int64_t next_dead_us(const struct link *l)
{
	return link_dead_us(&l->next, l->next.unsent ? 0 : l->next.pinged_us);
}

/* It may wait for long, and is not to be found dead when its turn comes. */
static void ping_next(struct link *l, int64_t now)
{
	if (now >= next_dead_us(l)) {
		next_failed(l, "no sign of life", now);
		return;
	}
	if (now < link_ping_us(&l->next, false))
		return;
	l->next.was_pinged = l->next.unsent = true;
	l->next.pinged_us = now;
	if (model_session_ping(l->next.session))
		l->next.heard_us = now;
}

void link_step_next(struct link *l, int64_t now_us)
{
	int done = l->next.ready ? 0 : model_session_step(l->next.session, now_us);

	if (done < 0) {
		struct model_failure failure = *model_session_failure(l->next.session);

		model_health_failed(l->health, l->next.access, l->wish.agent, &failure);
		next_refused(l, failure.text, failure.moderated ? MODEL_MODERATED : MODEL_RETRY, now_us);
		return;
	}
	if (done > 0) {
		l->next.ready = true;
		l->next.began_us = l->next.heard_us = l->next.pinged_us = now_us;
	}
	if (l->next.ready)
		read_next(l, now_us);
	if (l->next.session && l->next.ready)
		ping_next(l, now_us);
	if (l->next.session && l->next.unsent)
		flush_next(l, now_us);
}

bool link_replace(struct link *l, const struct model_access *access, int64_t now_us)
{
	if (l->next.session || l->state != LINK_TALKING)
		return false;
	if (link_dial(l, &l->next, access, now_us)) {
		next_failed(l, "it cannot be dialled", now_us);
		return false;
	}
	model_session_limit(l->next.session, now_us + RENEW_LIMIT_US);
	link_step_next(l, now_us); /* nothing would wake the loop for the first step */
	return true;
}

int64_t link_renew_us(const struct link *l)
{
	return l->state == LINK_TALKING && !l->next.session ? l->current.renew_us : NEVER_US;
}

bool link_renew(struct link *l, int64_t now_us)
{
	const struct model_access *access;

	if (now_us < link_renew_us(l))
		return false;
	access = model_endpoints_next(l->endpoints, l->wish.agent, NULL);
	return link_replace(l, access ? access : l->current.access, now_us);
}

void link_send_next(struct link *l, const char *text, size_t len)
{
	if (!l->next.ready)
		return;
	l->next.unsent = true;
	if (model_session_send(l->next.session, text, len))
		next_failed(l, "it cannot be told the conversation", l->now_us);
}

/* Unsent bytes of the old session are not worth a wait. */
void link_take_next(struct link *l)
{
	if (l->current.ready)
		model_session_leave(l->current.session);
	link_drop_session(l);
	l->current = l->next;
	l->next = (struct link_session){ 0 };
	l->swap = false;
}

bool link_may_swap(struct link *l, bool now_is_good)
{
	l->swap = now_is_good && l->next.ready && l->state == LINK_TALKING;
	if (l->swap)
		link_ask_writer_back(l);
	return l->swap && l->writer_is_ours;
}

void link_swap(struct link *l)
{
	if (l->current.brief)
		l->renewed_us = l->now_us;
	link_take_next(l);
	link_begin_session(l, l->now_us);
}

int64_t link_next_due_us(const struct link *l)
{
	if (call_ended(l->call) || !l->next.session)
		return NEVER_US;
	if (l->next.more_to_read)
		return 0;
	if (l->swap)
		return l->writer_is_ours ? 0 : NEVER_US;
	if (!l->next.ready)
		return model_session_deadline_us(l->next.session);
	return earlier(l->current.force_us, earlier(link_ping_us(&l->next, false), next_dead_us(l)));
}

void link_next_poll(const struct link *l, struct pollfd *fd)
{
	if (!l->next.session || call_ended(l->call))
		return;
	model_session_poll(l->next.session, fd);
	if (l->next.ready && fd->fd >= 0)
		fd->events = l->next.unsent ? POLLIN | POLLOUT : POLLIN;
}
