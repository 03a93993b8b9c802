#include "server/model/trial.h"

#include "common/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REQUEST_STEPS = 3 /* a request has name, connection and TLS before it: so many times MODEL_CONNECT_MS */ };

/* The bell is cleared before the next step looks: a ring in between stays. */
static int wait_until_ready(struct model_session *s, struct bell *bell, struct bell *stop)
{
	for (;;) {
		struct pollfd fds[3] = { { .fd = bell->fd, .events = POLLIN },
			{ .fd = stop ? stop->fd : -1, .events = POLLIN } };
		int64_t now = clock_now_us();
		int err = model_session_step(s, now);

		if (err)
			return err < 0 ? err : 0;
		model_session_poll(s, &fds[2]);
		poll(fds, 3, clock_poll_ms(now, model_session_deadline_us(s)));
		if (fds[1].revents)
			return -ECANCELED;
		bell_clear(bell);
	}
}

static void put_lack(struct model_trial_result *out, const struct buf *differs)
{
	struct buf lack;

	buf_init(&lack, 0);
	if (out->without) {
		buf_puts(&lack, "the service does not know and the session is without ");
		model_extras_put(&lack, out->without);
	}
	if (differs->len)
		buf_printf(&lack, "%sof what was asked for, %s", lack.len ? "; " : "", buf_text(differs));
	snprintf(out->lack, sizeof out->lack, "%s", buf_text(&lack));
	buf_free(&lack);
}

/* By requests, whatever will not be otherwise the next time lies with the settings. */
static int answer_failed(const struct model_access *access, const struct model_protocol *protocol,
    const struct model_event *e, struct model_failure *failure)
{
	int status = !strncmp(e->code, "http_", 5) ? atoi(e->code + 5) : 0;
	bool silent = protocol->by_requests && (!strcmp(e->code, "connection") || !strcmp(e->code, "timeout"));
	char what[MODEL_FAILURE_SIZE];

	failure->error_class = "session";
	failure->permanent = e->error == MODEL_FATAL || (protocol->by_requests && e->error == MODEL_HARMLESS);
	failure->agents_own = protocol->by_requests && failure->permanent;
	snprintf(failure->code, sizeof failure->code, "%s", e->code);
	snprintf(what, sizeof what, "%s (%s): %s",
	    silent ? "the text API gave no answer" : "the model refused an answer", e->code, e->text);
	model_access_explain(access, protocol->by_requests ? MODEL_KIND_TEXT : MODEL_KIND_REALTIME, what, e->code,
	    status, "", failure->text, sizeof failure->text);
	return -EPROTO;
}

/* 1: the answer has begun. 0: not yet. Negative: it was refused. */
static int on_event(const struct model_access *access, const struct model_protocol *protocol,
    const struct model_event *e, struct model_failure *failure)
{
	if (e->type == MODEL_ERROR || (e->type == MODEL_RESPONSE_DONE && e->status == MODEL_FAILED))
		return answer_failed(access, protocol, e, failure);
	if (protocol->by_requests && (e->type == MODEL_RESPONSE_SIGN || e->type == MODEL_ITEM_ADDED))
		return 1; /* a request is looked at as a whole before it is answered */
	return e->type == MODEL_AUDIO || e->type == MODEL_TEXT_DELTA || e->type == MODEL_RESPONSE_DONE;
}

/* The reason may stand in the Close alone. */
static int closed(
    const struct model_protocol *protocol, const struct model_session *s, struct model_failure *failure, int err)
{
	const char *reason = model_session_ended(s).reason;

	failure->error_class = "connection";
	failure->permanent = protocol->close_class(reason) == MODEL_FATAL;
	snprintf(failure->code, sizeof failure->code, "%s", reason[0] ? reason : "closed");
	snprintf(failure->text, sizeof failure->text, "the model closed the session instead of an answer (%s%s%.100s)",
	    strerror(-err), reason[0] ? ": " : "", reason);
	return err;
}

/* Closing the session ends the answer. */
static int have_answer(const struct model_access *access, const struct model_protocol *protocol,
    struct model_session *s, struct bell *bell, struct bell *stop, struct model_failure *failure)
{
	int steps = protocol->by_requests ? REQUEST_STEPS : 1;
	int64_t until = clock_now_us() + (int64_t)access->cfg->model_connect_ms * steps * US_PER_MS;
	char id[MODEL_REQUEST_ID_SIZE];
	bool wants_flush = false;
	struct model_event e;
	struct buf message;
	int err, got;

	failure->error_class = "timeout";
	snprintf(failure->text, sizeof failure->text, "the model began no answer in time");
	buf_init(&message, 0);
	model_request_id(MODEL_REQUEST_ANSWER, 1, id);
	protocol->say(&message, id, "", "Yes.", true);
	err = buf_error(&message) ? buf_error(&message) : model_session_send(s, buf_text(&message), message.len);
	buf_free(&message);
	while (!err && clock_now_us() < until) {
		struct pollfd fds[3] = { { .fd = bell->fd, .events = POLLIN },
			{ .fd = stop ? stop->fd : -1, .events = POLLIN } };
		int unsent = model_session_flush(s);

		bell_clear(bell);
		while (!err && (got = model_session_read(s, &e, &wants_flush)) > 0) {
			if (got != 1)
				continue;
			err = on_event(access, protocol, &e, failure);
			model_session_release(s, &e);
		}
		if (err)
			return err > 0 ? 0 : err;
		if (got < 0)
			return closed(protocol, s, failure, got);
		model_session_poll(s, &fds[2]);
		fds[2].events |= unsent == -EAGAIN ? POLLOUT : 0;
		poll(fds, 3, clock_poll_ms(clock_now_us(), until));
		if (fds[1].revents)
			return -ECANCELED;
	}
	return err ? err : -ETIMEDOUT;
}

/* Nobody is on the line. Else it is what a call opens: a tool that is refused ends every call. */
int model_trial(const struct model_access *access, const struct agent *agent, const char *tools, bool asks,
    struct bell *stop, struct model_trial_result *out)
{
	struct buf differs;
	struct model_wish wish = { .agent = agent,
		.instructions = agent->instructions,
		.caller = "",
		.tools = tools,
		.differs = &differs,
		.protect = agent->greeting_protect_ms > 0 && agent->greeting_mode != GREETING_WAIT,
		.text = agent_in_text(agent),
		.trial = true };
	const struct model_protocol *protocol = model_access_protocol(access, &wish);
	struct model_session *s = NULL;
	int64_t began_us = clock_now_us();
	struct bell bell;
	int err;

	memset(out, 0, sizeof *out);
	out->failure.error_class = "internal";
	snprintf(out->failure.text, sizeof out->failure.text, "out of memory or descriptors");
	err = bell_open(&bell);
	if (err)
		return err;
	buf_init(&differs, 0);
	err = model_session_open(&s, access, &wish, &bell, clock_now_us());
	if (!err)
		err = wait_until_ready(s, &bell, stop);
	if (err && s)
		out->failure = *model_session_failure(s);
	if (!err && (asks || protocol->by_requests))
		err = have_answer(access, protocol, s, &bell, stop, &out->failure);
	if (!err) {
		out->connect_ms =
		    protocol->by_requests ? (clock_now_us() - began_us) / US_PER_MS : model_session_connect_ms(s);
		out->without = model_session_without(s);
		put_lack(out, &differs);
		model_session_leave(s);
	}
	model_session_close(s);
	buf_free(&differs);
	bell_close(&bell);
	return err;
}
