#include "server/model/trial.h"

#include "common/clock.h"
#include "server/model/words.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REQUEST_STEPS = 3 /* a request has name, connection and TLS before it: so many times MODEL_CONNECT_MS */ };

/* Words that the session is to say: until they begin, or with `ear` until their end. */
struct saying {
	const struct model_access *access;
	const struct model_protocol *protocol;
	struct model_session *session;
	struct bell *bell, *stop;
	const char *instructions, *words;
	int64_t patience_ms;
	model_trial_ear *ear;
	void *arg;
	struct model_failure *failure;
};

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
static int answer_failed(const struct saying *a, const struct model_event *e)
{
	const struct model_protocol *protocol = a->protocol;
	struct model_failure *failure = a->failure;
	int status = !strncmp(e->code, "http_", 5) ? atoi(e->code + 5) : 0;
	bool silent = protocol->by_requests && (!strcmp(e->code, "connection") || !strcmp(e->code, "timeout"));
	char what[MODEL_FAILURE_SIZE];

	failure->error_class = "session";
	failure->permanent = e->error == MODEL_FATAL || (protocol->by_requests && e->error == MODEL_HARMLESS);
	failure->agents_own = protocol->by_requests && failure->permanent;
	snprintf(failure->code, sizeof failure->code, "%s", e->code);
	snprintf(what, sizeof what, "%s (%s): %s",
	    silent ? "the text API gave no answer" : "the model refused an answer", e->code, e->text);
	model_access_explain(a->access, protocol->by_requests ? MODEL_KIND_TEXT : MODEL_KIND_REALTIME, what, e->code,
	    status, "", failure->text, sizeof failure->text);
	return -EPROTO;
}

/* 1: that is enough. 0: not yet. Negative: it was refused. */
static int on_event(const struct saying *a, const struct model_event *e)
{
	bool enough = a->ear && !a->ear(a->arg, e);

	if (e->type == MODEL_ERROR || (e->type == MODEL_RESPONSE_DONE && e->status == MODEL_FAILED))
		return answer_failed(a, e);
	if (a->ear)
		return enough || e->type == MODEL_RESPONSE_DONE;
	if (a->protocol->by_requests && (e->type == MODEL_RESPONSE_SIGN || e->type == MODEL_ITEM_ADDED))
		return 1; /* a request is looked at as a whole before it is answered */
	return e->type == MODEL_AUDIO || e->type == MODEL_TEXT_DELTA || e->type == MODEL_RESPONSE_DONE;
}

/* The reason may stand in the Close alone. */
static int closed(const struct saying *a, int err)
{
	const char *reason = model_session_ended(a->session).reason;
	struct model_failure *failure = a->failure;

	failure->error_class = "connection";
	failure->permanent = a->protocol->close_class(reason) == MODEL_FATAL;
	snprintf(failure->code, sizeof failure->code, "%s", reason[0] ? reason : "closed");
	snprintf(failure->text, sizeof failure->text, "the model closed the session instead of an answer (%s%s%.100s)",
	    strerror(-err), reason[0] ? ": " : "", reason);
	return err;
}

static int send_words(const struct saying *a)
{
	char id[MODEL_REQUEST_ID_SIZE];
	struct buf message;
	int err;

	buf_init(&message, 0);
	model_request_id(MODEL_REQUEST_ANSWER, 1, id);
	a->protocol->say(&message, id, a->instructions, a->words, true);
	err = buf_error(&message);
	if (!err)
		err = model_session_send(a->session, buf_text(&message), message.len);
	buf_free(&message);
	return err;
}

/* Closing the session ends the answer. */
static int have_said(const struct saying *a)
{
	int64_t until = clock_now_us() + a->patience_ms * US_PER_MS;
	struct model_session *s = a->session;
	bool wants_flush = false;
	struct model_event e;
	int err, got;

	a->failure->error_class = "timeout";
	snprintf(
	    a->failure->text, sizeof a->failure->text, "the model %s no answer in time", a->ear ? "ended" : "began");
	err = send_words(a);
	while (!err && clock_now_us() < until) {
		struct pollfd fds[3] = { { .fd = a->bell->fd, .events = POLLIN },
			{ .fd = a->stop ? a->stop->fd : -1, .events = POLLIN } };
		int unsent = model_session_flush(s);

		bell_clear(a->bell);
		while (!err && (got = model_session_read(s, &e, &wants_flush)) > 0) {
			if (got != 1)
				continue;
			err = on_event(a, &e);
			model_session_release(s, &e);
		}
		if (err)
			return err > 0 ? 0 : err;
		if (got < 0)
			return closed(a, got);
		model_session_poll(s, &fds[2]);
		fds[2].events |= unsent == -EAGAIN ? POLLOUT : 0;
		poll(fds, 3, clock_poll_ms(clock_now_us(), until));
		if (fds[1].revents)
			return -ECANCELED;
	}
	return err ? err : -ETIMEDOUT;
}

/* Opens the session into *a, whose access, stop and failure are set. 0; or negative, and the failure says why. */
static int open_ready(struct saying *a, const struct model_wish *wish)
{
	int err;

	a->failure->error_class = "internal";
	snprintf(a->failure->text, sizeof a->failure->text, "out of memory or descriptors");
	a->protocol = model_access_protocol(a->access, wish);
	err = bell_open(a->bell);
	if (!err)
		err = model_session_open(&a->session, a->access, wish, a->bell, clock_now_us());
	if (!err)
		err = wait_until_ready(a->session, a->bell, a->stop);
	if (err && a->session)
		*a->failure = *model_session_failure(a->session);
	return err;
}

static void close_again(struct saying *a, int err)
{
	if (!err)
		model_session_leave(a->session);
	model_session_close(a->session);
	bell_close(a->bell);
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
	struct bell bell = { .fd = -1 };
	struct saying a = { .access = access,
		.bell = &bell,
		.stop = stop,
		.instructions = "",
		.words = "Yes.",
		.failure = &out->failure };
	int64_t began_us = clock_now_us();
	int err;

	memset(out, 0, sizeof *out);
	buf_init(&differs, 0);
	err = open_ready(&a, &wish);
	a.patience_ms = (int64_t)access->cfg->model_connect_ms * (a.protocol->by_requests ? REQUEST_STEPS : 1);
	if (!err && (asks || a.protocol->by_requests))
		err = have_said(&a);
	if (!err) {
		out->connect_ms = a.protocol->by_requests ? (clock_now_us() - began_us) / US_PER_MS
							  : model_session_connect_ms(a.session);
		out->without = model_session_without(a.session);
		put_lack(out, &differs);
	}
	close_again(&a, err);
	buf_free(&differs);
	return err;
}

/* The agent's instructions would be paid for with each line. No caller is heard, so no turn is found. */
int model_trial_say(const struct model_access *access, const struct agent *agent, const char *words,
    int64_t patience_ms, model_trial_ear *ear, void *arg, struct bell *stop, struct model_failure *failure)
{
	struct model_wish wish = {
		.agent = agent, .instructions = words_reading, .caller = "", .tools = "", .protect = true, .trial = true
	};
	struct bell bell = { .fd = -1 };
	struct saying a = { .access = access,
		.bell = &bell,
		.stop = stop,
		.instructions = words_reading,
		.words = words,
		.patience_ms = patience_ms,
		.ear = ear,
		.arg = arg,
		.failure = failure };
	int err;

	memset(failure, 0, sizeof *failure);
	err = open_ready(&a, &wish);
	if (!err)
		err = have_said(&a);
	close_again(&a, err);
	return err;
}
