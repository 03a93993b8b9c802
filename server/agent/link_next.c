#include "server/agent/link_next.h"

#include "common/clock.h"
#include "common/digest.h"
#include "common/log.h"
#include "server/agent/link_private.h"
#include "server/model/health.h"
#include "server/stats/stats.h"

#include <errno.h>
#include <string.h>

enum {
	DIAL_TRIES = 3,                    /* for the first session, before the call is given up */
	DIAL_PAUSE_US = 300 * US_PER_MS,   /* before the second try; twice that before the third */
	REDIAL_PAUSE_US = 250 * US_PER_MS, /* after the first try; doubles … */
	REDIAL_PAUSE_MAX_US = 2 * US_PER_S,
	PROVED_US = 30 * US_PER_S, /* a session that talked for so long counts as a good one, or one that answered */
	RENEW_BEFORE_US = 60 * US_PER_S, /* a session's end, or a tenth of a short one's time */
	RENEW_AGAIN_US = 10 * US_PER_S,  /* after a next session that failed */
	RENEW_LIMIT_US = 20 * US_PER_S,  /* for one to be opened */
	READ_AT_ONCE = 64
};

/* ---------------------------------------------------------------------- the first one */

/* The first session did not come. A caller hears nothing meanwhile: another endpoint is dialled at once. A
 * permanent failure, a wrong key say, ends the tries if there is no other. */
void link_first_failed(struct link *l, bool permanent)
{
	const struct model_access *next = model_endpoints_next(l->endpoints, l->wish.agent, l->access);

	if (!next || (permanent && next == l->access)) {
		link_give_up(l, END_MODEL_REFUSED);
	} else if (l->attempts >= DIAL_TRIES || (l->caller && l->now_us >= l->last_try_us)) {
		link_give_up(l, END_MODEL_UNREACHABLE);
	} else {
		l->retry_us = next == l->access ? l->now_us + l->attempts * DIAL_PAUSE_US : l->now_us;
		l->access = next;
		link_enter(l, LINK_LOST);
	}
}

/* ------------------------------------------------------------------------- after a loss */

/* Where the next session is to be had; NULL: nowhere. A session that was lost may be weather, so its
 * own endpoint comes first; not if it gave no answers. */
static const struct model_access *where_next(const struct link *l, bool refused)
{
	const struct model_access *next;

	if (!l->tries && !refused && l->why != END_MODEL_FAILED)
		return l->access;
	next = model_endpoints_next(l->endpoints, l->wish.agent, l->access);
	return refused && next == l->access ? NULL : next;
}

void link_proved(struct link *l)
{
	l->tries = 0;
	l->lost_us = 0;
}

/* Many calls may have lost the same service: they do not come back as one. */
static int64_t pause_us(int tries)
{
	int64_t pause = REDIAL_PAUSE_US;
	uint8_t chance;

	while (--tries > 0 && pause < REDIAL_PAUSE_MAX_US)
		pause *= 2;
	random_bytes(&chance, sizeof chance);
	return pause - pause / 4 * chance / UINT8_MAX;
}

/* The end of all tries after a loss. */
int64_t link_last_us(const struct link *l)
{
	return l->lost_us + l->call->cfg->reconnect_seconds * (int64_t)US_PER_S;
}

/* The next try is made after a pause, or there is none. */
void link_try_again(struct link *l, bool refused)
{
	const struct model_access *access = where_next(l, refused);
	int64_t at_us = l->now_us + (l->tries ? pause_us(l->tries) : 0);

	if (!access)
		link_give_up(l, END_MODEL_REFUSED);
	else if (l->tries >= l->call->cfg->reconnect_tries || at_us >= link_last_us(l))
		link_give_up(l, l->why);
	else
		l->retry_us = at_us;
	l->access = access ? access : l->access;
}

/* The conversation goes on with another session: the next one, if it is on its way. */
void link_lose(struct link *l, enum call_end why)
{
	if (l->state != LINK_TALKING && l->state != LINK_REPLAYING)
		return;
	if (l->now_us >= l->began_us + PROVED_US)
		link_proved(l);
	if (why == END_MODEL_FAILED)
		model_health_quiet(l->health, l->access, l->wish.agent);
	l->lost_us = l->now_us;
	l->why = why;
	l->retry_us = 0;
	link_enter(l, LINK_LOST);
	link_ask_writer_back(l);
	if (!l->next || why == END_MODEL_REFUSED)
		link_try_again(l, why == END_MODEL_REFUSED);
}

void link_lose_by(struct link *l, enum model_error error)
{
	if (error == MODEL_MODERATED)
		link_give_up(l, END_MODEL_REFUSED);
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
	int64_t told_s = model_session_expires_s(l->session);
	int64_t left = told_s ? told_s * (int64_t)US_PER_S - clock_wall_ms() * US_PER_MS : 0;

	return left > US_PER_S && left < length ? left : length;
}

void link_set_renewal(struct link *l, int64_t now_us)
{
	int64_t length = length_us(l), before = earlier(RENEW_BEFORE_US, length / 10);

	l->renew_us = l->force_us = NEVER_US;
	if (l->protocol->by_requests)
		return; /* that is no session of the service's */
	l->renew_us = now_us + length - before;
	l->force_us = now_us + length - before / 4;
}

void link_drop_next(struct link *l)
{
	model_session_close(l->next);
	l->next = NULL;
	l->next_ready = l->next_unsent = l->swap = false;
}

/* The old one goes on, and another is tried later. */
static void next_failed(struct link *l, const char *why, int64_t now)
{
	log_warn(l->call->tag, "model: the next session: %s", why);
	link_drop_next(l);
	l->renew_us = now + RENEW_AGAIN_US;
}

/* It is told the conversation, and says little. A piece of it that it refuses is left out. */
static void read_next(struct link *l, int64_t now)
{
	struct model_event e;
	bool fatal = false;
	int got = 1;

	for (int count = 0; got > 0 && !fatal && count < READ_AT_ONCE; count++) {
		got = model_session_read(l->next, &e, &l->next_unsent);
		if (got != 1)
			continue;
		if (e.type == MODEL_ERROR) {
			stat_model_error(model_error_name(e.error), e.code);
			if (e.refused == MODEL_REQUEST_PAST)
				stat_add(model_replay_refused, 1);
			fatal = e.error >= MODEL_RENEW;
		}
		model_session_release(l->next, &e);
	}
	if (got < 0 || fatal)
		next_failed(l, "it was lost before its turn came", now);
}

static void flush_next(struct link *l, int64_t now)
{
	int err = model_session_flush(l->next);

	l->next_unsent = err == -EAGAIN;
	if (err && err != -EAGAIN)
		next_failed(l, strerror(-err), now);
}

void link_step_next(struct link *l, int64_t now_us)
{
	int done = l->next_ready ? 0 : model_session_step(l->next, now_us);

	if (done < 0) {
		model_health_failed(l->health, l->next_access, l->wish.agent, model_session_failure(l->next));
		next_failed(l, model_session_failure(l->next)->text, now_us);
		return;
	}
	l->next_ready |= done > 0;
	if (l->next_ready)
		read_next(l, now_us);
	if (l->next && l->next_unsent)
		flush_next(l, now_us);
}

bool link_replace(struct link *l, const struct model_access *access, const struct model_wish *wish, int64_t now_us)
{
	if (l->next || l->state != LINK_TALKING || link_dial(l, access, *wish, &l->next, now_us)) {
		l->renew_us = later(l->renew_us, now_us + RENEW_AGAIN_US);
		return false;
	}
	model_session_limit(l->next, now_us + RENEW_LIMIT_US);
	l->wish = *wish;
	l->next_access = access;
	l->next_no = ++l->last_no;
	link_step_next(l, now_us); /* nothing would wake the loop for the first step */
	return true;
}

bool link_renew(struct link *l, int64_t now_us)
{
	const struct model_access *access;

	if (now_us < l->renew_us)
		return false;
	access = model_endpoints_next(l->endpoints, l->wish.agent, NULL);
	return link_replace(l, access ? access : l->access, &l->wish, now_us);
}

void link_send_next(struct link *l, const char *text, size_t len)
{
	if (!l->next_ready)
		return;
	l->next_unsent = true;
	if (model_session_send(l->next, text, len))
		next_failed(l, "it cannot be told the conversation", l->now_us);
}

/* Unsent bytes of the old session are not worth a wait. */
void link_take_next(struct link *l)
{
	bool unsent = l->next_unsent;

	if (l->up)
		model_session_leave(l->session);
	link_drop_session(l);
	l->session = l->next;
	l->access = l->next_access;
	l->no = l->next_no;
	l->unsent = unsent;
	l->next = NULL;
	link_drop_next(l);
}

bool link_swap(struct link *l, bool now_is_good)
{
	l->swap = now_is_good && l->next_ready && l->state == LINK_TALKING;
	if (l->swap)
		link_ask_writer_back(l);
	if (!l->swap || !l->writer_is_ours)
		return false;
	link_take_next(l);
	link_begin_session(l, l->now_us);
	return true;
}

int64_t link_next_due_us(const struct link *l)
{
	if (call_ended(l->call))
		return INT64_MAX;
	if (l->swap)
		return l->writer_is_ours ? 0 : INT64_MAX;
	return !l->next ? l->renew_us : l->next_ready ? l->force_us : model_session_deadline_us(l->next);
}

void link_next_poll(const struct link *l, struct pollfd *fd)
{
	if (!l->next || call_ended(l->call))
		return;
	model_session_poll(l->next, fd);
	if (l->next_ready && fd->fd >= 0)
		fd->events = l->next_unsent ? POLLIN | POLLOUT : POLLIN;
}
