/* The caller loop: Twilio's socket, both ways.
 *
 * Reads the caller's frames and sends their audio straight on to the model;
 * plays the agent's audio to the phone in time; serves interruptions, because
 * it alone knows what was sent and what was heard. One blocking poll, on
 * Twilio's socket, the bell and the next deadline.
 */
#include "server/caller/caller_loop.h"

#include "audio/convert.h"
#include "common/base64.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/ws_client.h"
#include "common/ws_frame.h"
#include "server/caller/lateness.h"
#include "server/caller/playout.h"
#include "server/recording/recorder.h"
#include "server/stats/stats.h"
#include "server/caller/uplink.h"
#include "server/line/call.h"
#include "server/phone/media_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MAX_MESSAGE = 64 * 1024,  /* a Twilio frame has 400 bytes; nothing it says is larger than this */
	SEND_BUFFER = 64 * 1024,  /* in the kernel: what waits there cannot be taken back at a cut */
	STALL_US = 10 * US_PER_S, /* unsent bytes and no progress for so long: nobody reads */
	UNSENT_MAX = 1024 * 1024,
	CLOSE_US = 500 * US_PER_MS, /* wait for Twilio's Close after ours */
	READ_AT_ONCE = 64,          /* messages, before the loop looks around */
	INVALID_MAX = 200           /* nonsense of this amount is not an accident */
};

struct caller {
	struct call *call;
	int fd;
	struct ws_reader *reader;
	struct buf out; /* frames on their way to Twilio; a part may be sent */
	size_t out_sent;
	int64_t progress_us; /* when Twilio last took bytes, or had none to take */
	bool started, peer_closed, drained;
	bool more_to_read; /* the reader may hold messages that poll does not show */
	int close_code;    /* ours to send when the end comes */
	int64_t last_frame_us;
	uint64_t invalid;
	struct playout playout;
	struct uplink uplink;
	struct recording *recording; /* borrowed from the call; NULL: not recorded */
};

/* ------------------------------------------------------------ Twilio's socket */

/* For the frame reader. One short read tells that the socket is empty, and
 * saves the call that would only have said so. */
static ssize_t read_socket(void *arg, uint8_t *out, size_t size)
{
	struct caller *p = arg;
	ssize_t n;

	if (p->drained)
		return -EAGAIN;
	n = recv(p->fd, out, size, 0);
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	p->drained = n > 0 && (size_t)n < size;
	return n;
}

static void flush_socket(struct caller *p, int64_t now)
{
	while (p->out_sent < p->out.len) {
		ssize_t n = send(p->fd, p->out.data + p->out_sent, p->out.len - p->out_sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (errno != EAGAIN)
				call_end(p->call, END_STREAM_LOST);
			else if (now > p->progress_us + STALL_US || p->out.len - p->out_sent > UNSENT_MAX)
				call_end(p->call, END_STREAM_STALLED);
			return;
		}
		p->out_sent += (size_t)n;
		p->progress_us = now;
	}
	p->progress_us = now;
	p->out_sent = 0;
	buf_reset(&p->out);
}

/* ------------------------------------------------------------ Twilio's messages */

/* What is wrong with a start message, in words; NULL if nothing. */
static const char *start_problem(struct call *c, const struct stream_message *m)
{
	struct call_facts facts = { .call_sid = m->call_sid, .from = m->caller, .to = m->called };

	if (!m->mulaw)
		return "not 8 kHz mu-law";
	if (!stream_sid_plain(m->stream_sid))
		return "no usable streamSid";
	if (c->announced && strcmp(m->call_sid, c->call_sid))
		return "not the announced call";
	if (!c->announced && !call_name(c, &facts))
		return "that call is here already";
	return NULL;
}

static void begin_recording(struct caller *p, int64_t now)
{
	struct call *c = p->call;

	if (c->record != RECORDING_LOCAL)
		return;
	p->recording = recording_begin(c->call_sid, c->agent, clock_wall_ms(), now);
	if (!p->recording)
		log_warn(c->tag, "not recorded: DATA_DIR is not set, or there is no memory");
	p->playout.recording = p->uplink.recording = p->recording;
	/* Release: pairs with the acquire in call_put_facts. */
	atomic_store_explicit(&c->recording, p->recording, memory_order_release);
}

static void on_start(struct caller *p, const struct stream_message *m, int64_t now)
{
	struct call *c = p->call;
	const char *problem;

	if (p->started) {
		log_warn(c->tag, "twilio: second start ignored");
		p->invalid++;
		return;
	}
	problem = start_problem(c, m);
	if (problem) {
		log_warn(c->tag, "twilio: start refused: %s", problem);
		call_end(c, END_STREAM_INVALID);
		return;
	}
	memcpy(c->stream_sid, m->stream_sid.p, m->stream_sid.n);
	c->stream_sid[m->stream_sid.n] = '\0';
	p->started = true;
	p->last_frame_us = now;
	begin_recording(p, now);
	playout_start(&p->playout, c->stream_sid);
	atomic_store_explicit(&c->started_us, now, memory_order_release);
	ring_put(&c->from_caller, FROM_STARTED, NULL, 0);
	bell_ring(&c->agent_bell);
	log_info(c->tag, "stream started; stream=%.10s", c->stream_sid);
}

static void on_media(struct caller *p, const struct stream_message *m, int64_t now)
{
	p->last_frame_us = now;
	if (!uplink_frame(&p->uplink, m, now))
		p->invalid++;
}

static void on_digit(struct caller *p, char digit)
{
	struct ring *ring = &p->call->from_caller;

	/* A flood of keys must leave room for what cannot be dropped. */
	if (ring_used(ring) > FROM_CALLER_BYTES / 4 || !ring_put(ring, FROM_DIGIT, &digit, 1))
		stat_add(twilio_digits_dropped, 1);
	bell_ring(&p->call->agent_bell);
}

/* A message of the stream that is not addressed to it proves nothing. */
static bool ours(struct caller *p, const struct stream_message *m)
{
	return p->started && span_is(m->stream_sid, p->call->stream_sid);
}

static void on_message(struct caller *p, const char *text, size_t len, int64_t now)
{
	struct stream_message m;

	stream_parse(text, len, &m);
	switch (m.event) {
	case STREAM_CONNECTED:
		return;
	case STREAM_START:
		on_start(p, &m, now);
		return;
	case STREAM_UNKNOWN:
		stat_add(twilio_unknown_messages, 1);
		return;
	case STREAM_STOP:
	case STREAM_MEDIA:
	case STREAM_MARK:
	case STREAM_DTMF:
		if (!ours(p, &m)) {
			p->invalid++;
			return;
		}
		if (m.event == STREAM_STOP)
			call_end(p->call, END_CALLER_HUNG_UP);
		else if (m.event == STREAM_MEDIA)
			on_media(p, &m, now);
		else if (m.event == STREAM_MARK)
			playout_echo(&p->playout, m.mark, now);
		else
			on_digit(p, m.digit);
		return;
	case STREAM_INVALID:
		p->invalid++;
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

static void read_frames(struct caller *p, int64_t now)
{
	struct call *c = p->call;
	uint64_t before = p->invalid;
	struct ws_message m;
	int got = 1;

	p->drained = false;
	for (int i = 0; i < READ_AT_ONCE && !call_ended(c); i++) {
		got = ws_reader_next(p->reader, &m);
		if (got <= 0)
			break;
		if (m.opcode == WS_TEXT) {
			on_message(p, m.data, m.len, now);
		} else if (m.opcode == WS_PING) {
			ws_put_frame(&p->out, WS_PONG, m.data, m.len, NULL);
		} else if (m.opcode == WS_CLOSE) {
			/* Without a stop before it the caller may still be there. */
			p->peer_closed = true;
			call_end(c, END_STREAM_LOST);
		} else if (m.opcode == WS_BINARY) {
			p->invalid++;
		}
	}
	/* Play-out wants its turn too, however much Twilio has to say. */
	p->more_to_read = got > 0;
	if (got < 0 && !call_ended(c)) {
		p->close_code = ws_close_code(got);
		if (got != -EPIPE && got != -ECONNRESET)
			log_warn(c->tag, "twilio: stream broke off: %s", strerror(-got));
		call_end(
		    c, got == -EPROTO || got == -EMSGSIZE || got == -EILSEQ ? END_STREAM_INVALID : END_STREAM_LOST);
	}
	judge_nonsense(p, before);
}

/* ------------------------------------------------------------------- the loop */

static int64_t deadline(struct caller *p)
{
	int64_t silent = (int64_t)p->call->cfg->stream_silent_seconds * US_PER_S;
	int64_t due = p->last_frame_us + silent;
	int64_t playout = playout_deadline_us(&p->playout), uplink = uplink_deadline_us(&p->uplink);

	if (p->more_to_read)
		return 0;
	if (playout < due)
		due = playout;
	if (uplink < due)
		due = uplink;
	if (p->out.len && p->progress_us + STALL_US < due)
		due = p->progress_us + STALL_US;
	return due;
}

static void wait_for_something(struct caller *p)
{
	struct pollfd fds[3] = { { .fd = p->fd, .events = POLLIN }, { .fd = p->call->caller_bell.fd, .events = POLLIN },
		{ .fd = uplink_fd(&p->uplink), .events = POLLOUT } };

	if (p->out.len)
		fds[0].events |= POLLOUT;
	poll(fds, 3, clock_poll_ms(clock_now_us(), deadline(p)));
	if (fds[1].revents)
		bell_clear(&p->call->caller_bell);
}

/* Close handshake: ours, then read on until Twilio's, or our last words could
 * be lost to a reset. */
static void say_goodbye(struct caller *p)
{
	int64_t until = clock_now_us() + CLOSE_US;
	struct ws_message m;

	ws_put_close(&p->out, p->close_code, "", NULL);
	for (;;) {
		struct pollfd fd = { .fd = p->fd, .events = POLLIN };
		int64_t now = clock_now_us();
		int got;

		flush_socket(p, now);
		if ((p->peer_closed && !p->out.len) || now >= until)
			return;
		if (p->out.len)
			fd.events |= POLLOUT;
		poll(&fd, 1, clock_poll_ms(now, until));
		p->drained = false;
		while ((got = ws_reader_next(p->reader, &m)) > 0 && clock_now_us() < until)
			if (m.opcode == WS_CLOSE)
				p->peer_closed = true;
		if (got < 0)
			return;
	}
}

static int caller_open(struct caller *p, struct call *c, int fd, int64_t now)
{
	int one = 1, send_buffer = SEND_BUFFER;

	memset(p, 0, sizeof *p);
	p->call = c;
	p->fd = fd;
	p->close_code = WS_CLOSE_NORMAL;
	p->progress_us = p->last_frame_us = now;
	buf_init(&p->out, 2 * UNSENT_MAX);
	playout_init(&p->playout, c, &p->out);
	uplink_init(&p->uplink, c, fd, now);
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
	return ws_reader_open(&p->reader, true, MAX_MESSAGE, read_socket, p);
}

static void caller_close(struct caller *p)
{
	ws_reader_close(p->reader);
	uplink_close(&p->uplink);
	buf_free(&p->out);
}

void caller_loop(struct call *c, int fd)
{
	struct caller p;
	int64_t now = clock_now_us();

	if (caller_open(&p, c, fd, now) < 0)
		call_end(c, END_INTERNAL_ERROR);
	while (!call_ended(c)) {
		playout_run(&p.playout, now);
		uplink_run(&p.uplink, now);
		if (buf_error(&p.out))
			call_end(c, END_STREAM_STALLED);
		flush_socket(&p, now);
		wait_for_something(&p);
		now = clock_now_us();
		read_frames(&p, now);
		if (now >= p.last_frame_us + (int64_t)c->cfg->stream_silent_seconds * US_PER_S)
			call_end(c, END_STREAM_SILENT);
	}
	/* What was heard is known now or never; the agent loop writes it down
	 * while we wait for Twilio's Close. The model writer goes back before that. */
	uplink_leave(&p.uplink);
	playout_leave(&p.playout, now);
	if (p.recording)
		recording_end(p.recording, now);
	if (p.reader)
		say_goodbye(&p);
	caller_close(&p);
}
