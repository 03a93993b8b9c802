#include "server/model/trial.h"

#include "common/clock.h"
#include "common/ws_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

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
		fds[2].fd = model_session_fd(s);
		fds[2].events = model_session_events(s);
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

static int answer_failed(const struct model_event *e, struct model_failure *failure)
{
	const char *blame = model_access_blame(0, e->code);

	failure->error_class = "session";
	failure->permanent = e->error == MODEL_FATAL;
	snprintf(failure->code, sizeof failure->code, "%s", e->code);
	snprintf(failure->text, sizeof failure->text, "the model refused an answer (%s): %s%s%s", e->code, e->text,
	    blame ? "; " : "", blame ? blame : "");
	return -EPROTO;
}

/* 1: the answer has begun. 0: not yet. Negative: it was refused. */
static int on_message(const struct model_access *access, const struct model_protocol *protocol,
    const struct ws_message *m, struct model_failure *failure)
{
	struct model_event e;
	int done = 0;

	if (m->opcode != WS_TEXT)
		return 0;
	protocol->parse(m->data, m->len, access->format, &e);
	if (e.type == MODEL_ERROR || (e.type == MODEL_RESPONSE_DONE && e.status == MODEL_FAILED))
		done = answer_failed(&e, failure);
	else if (e.type == MODEL_AUDIO || e.type == MODEL_TEXT_DELTA || e.type == MODEL_RESPONSE_DONE)
		done = 1;
	protocol->release(&e);
	return done;
}

/* The reason may stand in the Close alone. */
static int closed(
    const struct model_protocol *protocol, struct ws_client *client, struct model_failure *failure, int err)
{
	const char *reason = ws_client_close_reason(client);

	failure->error_class = "connection";
	failure->permanent = protocol->close_class(reason) == MODEL_FATAL;
	snprintf(failure->code, sizeof failure->code, "%s", reason[0] ? reason : "closed");
	snprintf(failure->text, sizeof failure->text, "the model closed the session instead of an answer (%s%s%.100s)",
	    strerror(-err), reason[0] ? ": " : "", reason);
	return err;
}

/* Closing the session ends the answer. */
static int have_answer(const struct model_access *access, const struct model_protocol *protocol,
    struct model_session *s, struct bell *stop, struct model_failure *failure)
{
	int64_t until = clock_now_us() + (int64_t)access->cfg->model_connect_ms * US_PER_MS;
	struct ws_client *client = model_session_client(s);
	char id[MODEL_REQUEST_ID_SIZE];
	bool wants_flush = false;
	struct ws_message m;
	struct buf message;
	int err, got;

	failure->error_class = "timeout";
	snprintf(failure->text, sizeof failure->text, "the model began no answer in time");
	buf_init(&message, 0);
	model_request_id(MODEL_REQUEST_ANSWER, 1, id);
	protocol->say(&message, id, "", "Yes.", true);
	err = buf_error(&message) ? buf_error(&message) : ws_client_send_text(client, buf_text(&message), message.len);
	buf_free(&message);
	while (!err && clock_now_us() < until) {
		struct pollfd fds[2] = { { .fd = ws_client_fd(client), .events = POLLIN },
			{ .fd = stop ? stop->fd : -1, .events = POLLIN } };
		int unsent = ws_client_flush(client);

		while ((got = ws_client_read(client, &m, &wants_flush)) > 0 && !err)
			err = on_message(access, protocol, &m, failure);
		if (err)
			return err > 0 ? 0 : err;
		if (got < 0)
			return closed(protocol, client, failure, got);
		fds[0].events |= unsent == -EAGAIN ? POLLOUT : 0;
		poll(fds, 2, clock_poll_ms(clock_now_us(), until));
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
		.text = agent_in_text(agent) };
	struct model_session *s = NULL;
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
	if (!err && asks)
		err = have_answer(access, model_access_protocol(access, &wish), s, stop, &out->failure);
	if (!err) {
		out->connect_ms = model_session_connect_ms(s);
		out->without = model_session_without(s);
		put_lack(out, &differs);
		model_session_leave(s);
	}
	model_session_close(s);
	buf_free(&differs);
	bell_close(&bell);
	return err;
}
