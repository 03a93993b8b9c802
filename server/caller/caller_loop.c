/* The caller loop: the phone's socket, both ways.
 *
 * Reads the caller's frames and sends their audio straight on to the model, or
 * their words to the agent loop;
 * plays the agent's audio to the phone in time; serves interruptions, because
 * it alone knows what was sent and what was heard. One blocking poll, on the
 * phone's socket, the bell and the next deadline. What a message looks like is
 * the channel's business (server/phone/channel.h).
 */
#include "server/caller/caller_loop.h"

#include "common/clock.h"
#include "common/json_out.h"
#include "common/log.h"
#include "server/caller/phone_socket.h"
#include "server/caller/playout.h"
#include "server/caller/uplink.h"
#include "server/line/call.h"
#include "server/line/calls.h"
#include "server/line/calls_admit.h"
#include "server/phone/channel.h"
#include "server/recording/recorder.h"
#include "server/stats/stats.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

enum {
	READ_AT_ONCE = 64,     /* messages, before the loop looks around */
	INVALID_MAX = 200,     /* nonsense of this amount is not an accident */
	WORDS_MAX = 16 * 1000, /* bytes in one message to the agent loop */
	COMPLAINT_SHOWN = 160
};

struct caller {
	struct call *call;
	struct phone_socket socket;
	bool started;
	bool more_to_read; /* the reader may hold messages that poll does not show */
	int64_t last_frame_us;
	uint64_t invalid;
	bool complained, words_cut, strayed; /* in the log */
	struct buf words;                    /* the text of the message in hand */
	struct playout playout;
	struct uplink uplink;
	struct recording *recording; /* borrowed from the call; NULL: not recorded */
};

/* ------------------------------------------------------------ what the phone says */

/* Why this start is not the start of our call, in words; NULL if it is. */
static const char *start_problem(struct call *c, const struct phone_event *e)
{
	struct call_facts facts = { .call_sid = e->call_sid, .from = e->caller, .to = e->called };

	if (e->unusable)
		return e->unusable;
	if (c->announced && strcmp(e->call_sid, c->call_sid))
		return "not the announced call";
	return c->announced ? NULL : call_name(c, &facts);
}

static void begin_recording(struct caller *p, int64_t now)
{
	struct call *c = p->call;

	if (c->record != RECORDING_LOCAL)
		return;
	p->recording = recording_begin(calls_recorder(c->calls), c->call_sid, c->agent, clock_wall_ms(), now);
	if (!p->recording)
		log_warn(c->tag, "not recorded: DATA_DIR is not set, or there is no memory");
	p->playout.recording = p->uplink.recording = p->recording;
	/* Release: pairs with the acquire in calls_shown.c. */
	atomic_store_explicit(&c->recording, p->recording, memory_order_release);
}

static void on_start(struct caller *p, const struct phone_event *e, int64_t now)
{
	struct call *c = p->call;
	const char *problem;

	if (p->started) {
		log_warn(c->tag, "twilio: second start ignored");
		p->invalid++;
		return;
	}
	problem = start_problem(c, e);
	if (problem) {
		log_warn(c->tag, "twilio: start refused: %s", problem);
		call_end(c, END_STREAM_INVALID);
		return;
	}
	p->started = true;
	p->last_frame_us = now;
	begin_recording(p, now);
	playout_start(&p->playout);
	/* Release: who sees the time may read the stream's name. */
	atomic_store_explicit(&c->started_us, now, memory_order_release);
	ring_put(&c->from_caller, FROM_STARTED, NULL, 0);
	bell_ring(&c->agent_bell);
	log_info(c->tag, "stream started; stream=%.10s", c->stream.id);
}

static void on_audio(struct caller *p, const struct phone_event *e, int64_t now)
{
	p->last_frame_us = now;
	if (!uplink_frame(&p->uplink, e, now))
		p->invalid++;
}

static void on_key(struct caller *p, char key)
{
	struct ring *ring = &p->call->from_caller;

	/* A flood of keys must leave room for what cannot be dropped. */
	if (ring_used(ring) > FROM_CALLER_BYTES / 4 || !ring_put(ring, FROM_DIGIT, &key, 1))
		stat_add(twilio_digits_dropped, 1);
	bell_ring(&p->call->agent_bell);
}

/* The words of a part that finds no room come again with the next one; at a turn's end they would be
 * missed, and so may take more of it. What then is left is for what cannot be dropped. */
static void on_text(struct caller *p, const struct phone_event *e)
{
	struct call *c = p->call;
	size_t len = utf8_whole(buf_text(&p->words), p->words.len, WORDS_MAX);
	bool told;

	if (e->last && e->language.p && ring_used(&c->from_caller) <= FROM_CALLER_BYTES / 4)
		ring_put(&c->from_caller, FROM_LANGUAGE, e->language.p, e->language.n);
	told = ring_used(&c->from_caller) <= FROM_CALLER_BYTES / (e->last ? 2 : 4) &&
	       ring_put2(&c->from_caller, FROM_TEXT, &e->last, sizeof e->last, buf_text(&p->words), len);
	bell_ring(&c->agent_bell);
	if (!e->last || (told && len == p->words.len))
		return;
	stat_add(relay_words_cut, 1);
	if (!p->words_cut)
		log_warn(c->tag, "the caller's words were cut: %zu bytes of %zu kept", told ? len : 0, p->words.len);
	p->words_cut = true;
}

static void on_voice(struct caller *p, bool on)
{
	struct call *c = p->call;

	if (ring_used(&c->from_caller) <= FROM_CALLER_BYTES / 4)
		ring_put(&c->from_caller, FROM_VOICE, &on, sizeof on);
	bell_ring(&c->agent_bell);
}

static void on_played(struct caller *p, const struct phone_event *e, int64_t now)
{
	if (e->on)
		playout_quiet(&p->playout, now);
	else
		playout_spoken(&p->playout, buf_text(&p->words), p->words.len, now);
}

/* Once: the rest is counted. What it quotes of our message is the conversation's, and no log's. */
static void on_complaint(struct caller *p)
{
	struct call *c = p->call;

	stat_add(relay_complaints, 1);
	if (!p->complained)
		log_warn(c->tag, "twilio complains: %.*s",
		    (int)utf8_whole(buf_text(&p->words), strcspn(buf_text(&p->words), "{"), COMPLAINT_SHOWN),
		    buf_text(&p->words));
	p->complained = true;
}

/* Whoever points the wrong thing here hears it in a sentence, once. */
static void tell_stray(struct caller *p, const struct phone_event *e)
{
	if (e->type == PHONE_STARTED || !e->unusable || p->strayed)
		return;
	log_warn(p->call->tag, "twilio: a message that does not belong here: %s", e->unusable);
	p->strayed = true;
}

static void on_message(struct caller *p, const char *text, size_t len, int64_t now)
{
	struct call *c = p->call;
	struct phone_event e;

	c->channel->parse(&c->stream, text, len, &e);
	tell_stray(p, &e);
	/* Before its start a stream has nothing to say, except that it is over. */
	if (e.type > PHONE_STARTED && e.type != PHONE_STOPPED && !p->started)
		e.type = PHONE_INVALID;
	if (e.text.p) {
		buf_reset(&p->words);
		foreign_put_text(&p->words, e.text);
	}
	switch (e.type) {
	case PHONE_INVALID:
		p->invalid++;
		return;
	case PHONE_TEXT:
		on_text(p, &e);
		return;
	case PHONE_VOICE:
		on_voice(p, e.on);
		return;
	case PHONE_PLAYED:
		on_played(p, &e, now);
		return;
	case PHONE_COMPLAINT:
		on_complaint(p);
		return;
	case PHONE_UNKNOWN:
		stat_add(twilio_unknown_messages, 1);
		return;
	case PHONE_NOTHING:
		return;
	case PHONE_STARTED:
		on_start(p, &e, now);
		return;
	case PHONE_AUDIO:
		on_audio(p, &e, now);
		return;
	case PHONE_KEY:
		on_key(p, e.key);
		return;
	case PHONE_MARK:
		playout_echo(&p->playout, e.mark, now);
		return;
	case PHONE_INTERRUPTED:
		playout_interrupted(&p->playout, e.text.p ? buf_text(&p->words) : NULL, p->words.len, e.spoken_ms, now);
		return;
	case PHONE_STOPPED:
		call_end(c, END_CALLER_HUNG_UP);
		return;
	}
}

/* Nonsense is counted where it is found; here it is told, once, and bounded. */
static void judge_nonsense(struct caller *p, uint64_t before)
{
	struct call *c = p->call;

	if (p->invalid == before)
		return;
	stat_add(twilio_invalid_messages, p->invalid - before);
	atomic_store_explicit(&c->counters.invalid_messages, p->invalid, memory_order_relaxed);
	if (before == 0)
		log_warn(c->tag, "twilio: message that makes no sense ignored");
	if (p->invalid >= INVALID_MAX)
		call_end(c, END_STREAM_INVALID);
}

static void on_broken(struct caller *p, int err)
{
	bool invalid = err == -EPROTO || err == -EMSGSIZE || err == -EILSEQ;

	if (call_ended(p->call))
		return;
	if (err != -EPIPE && err != -ECONNRESET)
		log_warn(p->call->tag, "twilio: stream broke off: %s", strerror(-err));
	call_end(p->call, invalid ? END_STREAM_INVALID : END_STREAM_LOST);
}

/* Where a Close is not how a caller hangs up, the caller may still be there; nor is one that gives another
 * reason. */
static void on_close(struct caller *p, const struct ws_message *m)
{
	struct call *c = p->call;

	if (c->channel->closes && m->close_code != WS_CLOSE_NORMAL)
		log_warn(c->tag, "twilio: closed with %d: %.60s", m->close_code, m->data);
	call_end(c, c->channel->closes && m->close_code == WS_CLOSE_NORMAL ? END_CALLER_HUNG_UP : END_STREAM_LOST);
}

static void read_frames(struct caller *p, int64_t now)
{
	struct call *c = p->call;
	uint64_t before = p->invalid;
	struct ws_message m;
	int got = 1;

	phone_socket_woken(&p->socket);
	for (int i = 0; i < READ_AT_ONCE && !call_ended(c); i++) {
		got = phone_socket_next(&p->socket, &m);
		if (got <= 0)
			break;
		if (m.opcode == WS_TEXT)
			on_message(p, m.data, m.len, now);
		else if (m.opcode == WS_BINARY)
			p->invalid++;
		else if (m.opcode == WS_CLOSE)
			on_close(p, &m);
	}
	/* Play-out wants its turn too, however much the phone has to say. */
	p->more_to_read = got > 0;
	if (got < 0)
		on_broken(p, got);
	judge_nonsense(p, before);
}

/* ------------------------------------------------------------------- the loop */

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
		call_end(p->call, why);
}

static void end_if_silent(struct caller *p, int64_t now)
{
	if (now >= silent_us(p))
		call_end(p->call, END_STREAM_SILENT);
}

static int caller_open(struct caller *p, struct call *c, int fd, int64_t now)
{
	int err;

	memset(p, 0, sizeof *p);
	p->call = c;
	p->last_frame_us = now;
	playout_init(&p->playout, c, &p->socket.out);
	uplink_init(&p->uplink, c, fd, now);
	buf_init(&p->words, 0);
	err = phone_socket_open(&p->socket, fd, now);
	if (!c->channel->audio)
		phone_socket_watch(&p->socket, now);
	return err;
}

static void caller_close(struct caller *p)
{
	uplink_close(&p->uplink);
	buf_free(&p->words);
	phone_socket_close(&p->socket);
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

/* What was heard is known now or never. The agent loop writes it down while we
 * wait for the phone's Close; so the model writer goes back first, then what was
 * heard, and the handshake comes last. */
static void leave(struct caller *p, int64_t now)
{
	struct call *c = p->call;

	uplink_leave(&p->uplink);
	playout_leave(&p->playout, now);
	if (p->recording)
		recording_end(p->recording, now);
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
 *   - One write for all that play-out, and the answers to pings, have put.
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

	if (caller_open(&p, c, fd, now) < 0)
		call_end(c, END_INTERNAL_ERROR);
	while (!call_ended(c)) {
		playout_run(&p.playout, now);
		uplink_run(&p.uplink, now);
		write_frames(&p, now);
		wait_for_something(&p);
		now = clock_now_us();
		read_frames(&p, now);
		end_if_silent(&p, now);
	}
	leave(&p, now);
	caller_close(&p);
}
