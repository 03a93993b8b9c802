/* The caller loop: the phone's socket, both ways. It reads the caller's frames and sends
 * their audio straight on to the model, or their words to the agent loop; plays the agent's
 * audio to the phone in time; serves interruptions, because it alone knows what was sent and
 * what was heard. One blocking poll, on the phone's socket, the bell and the next deadline.
 * What a message looks like is the channel's business (server/phone/channel.h).
 */
#include "server/caller/caller_loop.h"

#include "common/clock.h"
#include "common/json_out.h"
#include "common/log.h"
#include "common/memory.h"
#include "server/caller/caller_private.h"
#include "server/phone/channel.h"

#include <poll.h>

/* A caller who is heard in words may be silent for long; before its start no stream may. */
static int64_t silent_us(const struct caller *p)
{
	if (p->started && !p->call->channel->audio)
		return NEVER_US;
	return p->last_frame_us + (int64_t)p->call->cfg->stream_silent_seconds * US_PER_S;
}

static int64_t deadline(struct caller *p)
{
	const int64_t dues[] = { silent_us(p), playout_deadline_us(&p->playout), uplink_deadline_us(&p->uplink),
		phone_socket_deadline_us(&p->socket) };
	int64_t due = p->more_to_read ? 0 : NEVER_US;

	for (size_t i = 0; i < sizeof dues / sizeof *dues; i++)
		due = dues[i] < due ? dues[i] : due;
	return due;
}

static void wait_for_something(struct caller *p)
{
	struct pollfd fds[] = { { .fd = p->socket.fd, .events = phone_socket_events(&p->socket) },
		{ .fd = p->call->caller_bell.fd, .events = POLLIN },
		{ .fd = uplink_fd(&p->uplink), .events = POLLOUT } };

	poll(fds, 3, clock_poll_ms(clock_now_us(), deadline(p)));
	if (fds[1].revents)
		bell_clear(&p->call->caller_bell);
	if (fds[0].revents || p->uplink.valve_open) /* whose low-water mark hides a last frame */
		phone_socket_woken(&p->socket);
}

static void write_frames(struct caller *p, int64_t now)
{
	enum call_end why = CALL_NOT_ENDED;

	if (!phone_socket_ping(&p->socket, now)) {
		log_warn(p->call->tag, "twilio: no answer to %d pings", PHONE_PINGS_MISSED);
		why = END_STREAM_LOST;
	}
	if (!why)
		why = phone_socket_flush(&p->socket, now);
	if (why)
		call_lose(p->call, why);
}

static void end_if_silent(struct caller *p, int64_t now)
{
	if (now >= silent_us(p))
		call_lose(p->call, END_STREAM_SILENT);
}

static int caller_open(struct caller *p, struct call *c, int fd, int64_t now)
{
	int err;

	caller_begin(p, c, fd, now);
	err = phone_socket_open(&p->socket, fd, now);
	if (!c->channel->audio)
		phone_socket_watch(&p->socket, now);
	return err;
}

/* Where the phone asks what is next once a session is over, it must be told that it is: a socket that
 * breaks off is a failure to it. The handle is the one it knows itself. */
static void put_end(struct caller *p)
{
	struct call *c = p->call;
	struct buf handoff, message;
	struct json_out j;

	buf_init(&handoff, 0);
	buf_init(&message, 0);
	j = json_out_to(&handoff);
	json_put_object(&j, NULL);
	json_put_text(&j, "reason", call_ending(call_ended(c))->json);
	json_put_text(&j, "handle", c->stream.id);
	json_put_end(&j);
	c->channel->put_end(&c->stream, &message, buf_text(&handoff));
	ws_put_frame(&p->socket.out, WS_TEXT, buf_text(&message), message.len, NULL);
	buf_free(&message);
	buf_free(&handoff);
	phone_socket_await_close(&p->socket);
}

static void hang_up(struct caller *p)
{
	struct call *c = p->call;

	if (c->channel->put_end && p->started && !p->socket.peer_closed && call_ended(c) != END_STREAM_LOST)
		put_end(p);
	phone_socket_part(&p->socket);
}

/* The steps of a turn, and why they are in this order:
 *
 *   - Play-out first. It serves interruptions before anything else is sent, so
 *     that no audio of an answer that was cut follows its `clear`.
 *   - Then the uplink: what the last turn read goes to the model, all of it in
 *     as few messages as it takes.
 *   - One write for all that play-out, and the answers to pings, have put. Who was refused memory in any of
 *     this, or in the reading before it, ends the call here.
 *   - Only then we wait: everything that could be done is done, and the
 *     deadlines are those of the state it left. The bell is cleared before
 *     rings are looked at again; a ring in between wakes the next wait.
 *   - The clock is read once a turn, right after the wait. What came in is
 *     judged by it, and so are the steps that open the next turn.
 *   - Reading comes last, and is bounded: its frames are not sent on from in
 *     there, so that a burst costs one message to the model and not sixty.
 *   - Silence is judged after reading, or a stall of ours would count as theirs.
 */
void caller_loop(struct call *c, int fd)
{
	struct caller p;
	int64_t now = clock_now_us();

	memory_missed(); /* what was before is not this call's */
	if (caller_open(&p, c, fd, now) < 0)
		call_end(c, END_INTERNAL_ERROR);
	while (!caller_over(c)) {
		playout_run(&p.playout, now);
		uplink_run(&p.uplink, now);
		write_frames(&p, now);
		call_mind_memory(c);
		wait_for_something(&p);
		now = clock_now_us();
		caller_read(&p, now);
		end_if_silent(&p, now);
	}
	if (caller_park(&p, now)) {
		phone_socket_part(&p.socket);
	} else {
		caller_end(&p, now);
		hang_up(&p);
	}
	phone_socket_close(&p.socket);
}
