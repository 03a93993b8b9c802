#include "server/line/keys/call_keys.h"

#include "common/log.h"
#include "server/line/calls_carry.h"
#include "server/line/calls_private.h"
#include "server/line/mailbox.h"
#include "server/phone/twiml.h"
#include "server/work/tool_call.h"
#include "server/work/twilio_rest.h"
#include "server/work/work.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ----------------------------------------------------------------------- the web's side */

enum keys_answer calls_may_press(struct calls *calls, struct call_ref ref)
{
	const struct call *c = calls_line(calls, ref);
	enum keys_answer answer = KEYS_LOST;

	if (!c)
		return answer;
	pthread_mutex_lock(&calls->lock);
	if (c->generation == ref.generation && call_takes_line(c->state))
		answer = (enum keys_answer)atomic_load_explicit(&c->may_press, memory_order_relaxed);
	pthread_mutex_unlock(&calls->lock);
	return answer;
}

void calls_keep_way(struct calls *calls, const char *token, const char *const way[WAY_PARTS])
{
	struct call *c;

	pthread_mutex_lock(&calls->lock);
	c = calls_find_token(calls, token);
	for (int i = 0; c && i < WAY_PARTS; i++) {
		free(c->way[i]);
		c->way[i] = strdup(way[i]);
	}
	pthread_mutex_unlock(&calls->lock);
}

/* ------------------------------------------------------------------------------ the job */

struct press_job {
	struct job job; /* first */
	const struct config *cfg;
	struct calls *calls;
	struct call_ref ref;
	struct tool_cancel *cancel; /* retained */
	struct buf twiml;           /* owned */
	char call_sid[FOREIGN_ID_SIZE];
};

static void drop(struct job *job)
{
	struct press_job *j = (struct press_job *)job;

	tool_cancel_release(j->cancel);
	buf_free(&j->twiml);
	free(j);
}

/* Only what was certainly not done is a refusal. */
static enum keys_answer answer_of(const struct twilio_answer *answer)
{
	if (answer->outcome == TWILIO_OK)
		return KEYS_OK;
	return answer->outcome == TWILIO_UNKNOWN ? KEYS_UNANSWERED : KEYS_REFUSED;
}

/* A call that is over meanwhile may be with a person by now, and is left alone. */
static void run(struct job *job)
{
	struct press_job *j = (struct press_job *)job;
	struct twilio_answer answer;
	struct twilio twilio;
	struct mail *mail;

	twilio_from_config(&twilio, j->cfg, &j->cancel->on);
	twilio_redirect_call(&twilio, j->call_sid, buf_text(&j->twiml), &answer);
	if (answer.outcome != TWILIO_OK && !atomic_load(&j->cancel->on))
		log_warn(j->call_sid, "Twilio does not press keys: %s; status=%d code=%d", answer.message,
		    answer.status, answer.code);
	mail = mail_new(MAIL_PRESSED, NULL, NULL);
	if (mail)
		mail->answer = (int)answer_of(&answer);
	if (calls_post(j->calls, j->ref, mail) && mail)
		log_debug(j->call_sid, "the call was over, or has too much mail, when Twilio had answered");
	twilio_answer_free(&answer);
	drop(job);
}

/* ----------------------------------------------------------------------- the agent loop's */

bool call_can_press(const struct call *c)
{
	return c->channel->text || (c->channel->parks && c->announced && c->cfg->stream_grace_ms &&
				       c->calls->use.work && !twilio_missing(c->cfg));
}

/* Under the lock: the token and the number are those of the stream that is to come. */
static void put_twiml(const struct call *c, const char *digits, struct buf *out)
{
	struct buf stream, action;

	buf_init(&stream, 0);
	buf_init(&action, 0);
	buf_printf(&stream, "%s%s", c->way[WAY_STREAM], c->token);
	buf_printf(&action, "%s%d%s", c->way[WAY_ACTION], c->streams, c->way[WAY_REST]);
	twiml_connect_stream(out, &(struct twiml_stream){ .stream_url = buf_text(&stream),
				      .action_url = buf_text(&action),
				      .status_url = c->way[WAY_STATUS],
				      .caller = c->from,
				      .called = c->to,
				      .digits = digits });
	if (buf_error(&stream) || buf_error(&action))
		out->err = -ENOMEM;
	buf_free(&stream);
	buf_free(&action);
}

static bool has_way(const struct call *c)
{
	bool has = true;

	for (int i = 0; i < WAY_PARTS; i++)
		has &= c->way[i] != NULL;
	return has;
}

/* The next stream is announced before Twilio knows of it, so that it cannot come too early. */
static enum keys_answer announce(struct call *c, const char *digits, struct press_job *j)
{
	enum keys_answer answer = KEYS_AWAY;

	pthread_mutex_lock(&c->calls->lock);
	if (c->state == LINE_LIVE && !call_lost(c))
		answer = has_way(c) ? KEYS_OK : KEYS_UNABLE;
	if (answer == KEYS_OK) {
		call_announce_stream(c);
		c->press =
		    (struct call_press){ .on = true, .play_us = (int64_t)strlen(digits) * CALL_KEY_MS * US_PER_MS };
		put_twiml(c, digits, &j->twiml);
	}
	pthread_mutex_unlock(&c->calls->lock);
	return answer;
}

enum keys_answer call_press(struct call *c, const char *digits, struct tool_cancel *cancel)
{
	struct work *work = c->calls->use.work;
	struct press_job *j = cancel ? calloc(1, sizeof *j) : NULL;
	enum keys_answer answer;

	if (!j)
		return KEYS_UNABLE;
	*j = (struct press_job){ .job = { .run = run, .drop = drop },
		.cfg = c->cfg,
		.calls = c->calls,
		.ref = { c->index, c->generation },
		.cancel = tool_cancel_retain(cancel) };
	buf_init(&j->twiml, 0);
	memcpy(j->call_sid, c->call_sid, sizeof j->call_sid);
	answer = announce(c, digits, j);
	if (answer == KEYS_OK &&
	    (buf_error(&j->twiml) || j->twiml.len > TWILIO_TWIML_MAX || !jobs_submit(work->tools, &j->job))) {
		log_warn(c->tag, "keys are not pressed: too much else is waiting, or addresses are too long; bytes=%zu",
		    j->twiml.len);
		call_unpress(c, false);
		answer = KEYS_UNABLE;
	}
	if (answer != KEYS_OK)
		drop(&j->job);
	return answer;
}

/* Its number goes back, for the next one. */
static void withdraw(struct call *c)
{
	c->press = (struct call_press){ 0 };
	c->streams--;
	c->calls->use.fleet->ops->withdraw(c->calls->use.fleet, c->token);
}

bool call_unpress(struct call *c, bool refused)
{
	bool there;

	pthread_mutex_lock(&c->calls->lock);
	there = c->state == LINE_LIVE && !call_lost(c);
	if (c->press.on && there)
		withdraw(c);
	else if (c->press.on && refused && c->press.stopped)
		call_end_locked(c, END_CALLER_HUNG_UP);
	pthread_mutex_unlock(&c->calls->lock);
	return there;
}

/* ----------------------------------------------------------------------- the caller loop's */

void call_stopped(struct call *c)
{
	pthread_mutex_lock(&c->calls->lock);
	if (c->press.on) {
		c->press.stopped = true;
		call_lose_locked(c, END_STREAM_LOST);
	} else {
		call_end_locked(c, END_CALLER_HUNG_UP);
	}
	pthread_mutex_unlock(&c->calls->lock);
}

bool call_is_pressing(struct call *c)
{
	bool on;

	pthread_mutex_lock(&c->calls->lock);
	on = c->press.on;
	pthread_mutex_unlock(&c->calls->lock);
	return on;
}
