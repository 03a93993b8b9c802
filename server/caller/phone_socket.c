#include "server/caller/phone_socket.h"

#include "common/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum {
	MAX_MESSAGE = 64 * 1024,  /* a frame of sound has 400 bytes; nothing a phone says is larger than this */
	SEND_BUFFER = 64 * 1024,  /* in the kernel: what waits there cannot be taken back at a cut */
	STALL_US = 10 * US_PER_S, /* unsent bytes and no progress for so long: nobody reads */
	UNSENT_MAX = 1024 * 1024,
	CLOSE_US = 500 * US_PER_MS, /* wait for the phone's Close after ours */
	ASKED_US = 2 * US_PER_S     /* and before it, when the phone was asked for it */
};

/* For the frame reader. One short read tells that the socket is empty, and
 * saves the call that would only have said so. */
static ssize_t read_socket(void *arg, uint8_t *out, size_t size)
{
	struct phone_socket *s = arg;
	ssize_t n;

	if (s->drained)
		return -EAGAIN;
	n = recv(s->fd, out, size, 0);
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	s->drained = n > 0 && (size_t)n < size;
	return n;
}

int phone_socket_open(struct phone_socket *s, int fd, int64_t now_us)
{
	int one = 1, send_buffer = SEND_BUFFER;

	memset(s, 0, sizeof *s);
	s->fd = fd;
	s->close_code = WS_CLOSE_NORMAL;
	s->progress_us = now_us;
	s->ping_us = NEVER_US;
	buf_init(&s->out, 2 * UNSENT_MAX);
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		return -errno;
	/* Neither matters enough to lose a call over. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
	return ws_reader_open(&s->reader, true, MAX_MESSAGE, read_socket, s);
}

void phone_socket_close(struct phone_socket *s)
{
	ws_reader_close(s->reader);
	buf_free(&s->out);
}

void phone_socket_woken(struct phone_socket *s)
{
	s->drained = false;
}

static void on_close(struct phone_socket *s, const struct ws_message *m)
{
	s->peer_closed = true;
	s->peer_code = m->close_code;
}

int phone_socket_next(struct phone_socket *s, struct ws_message *out)
{
	int got = ws_reader_next(s->reader, out);

	if (got > 0)
		s->missed = 0;
	if (got < 0)
		s->close_code = ws_close_code(got);
	else if (got && out->opcode == WS_PING)
		ws_put_frame(&s->out, WS_PONG, out->data, out->len, NULL);
	else if (got && out->opcode == WS_CLOSE)
		on_close(s, out);
	return got;
}

/* A full socket is ordinary: the phone reads at its own pace, and the rest is sent
 * when poll says so. It is an end only after long, or with too much unsent. */
static enum call_end failed_by(const struct phone_socket *s, int err, int64_t now)
{
	if (err != EAGAIN)
		return END_STREAM_LOST;
	if (now > s->progress_us + STALL_US || s->out.len - s->sent > UNSENT_MAX)
		return END_STREAM_STALLED;
	return CALL_NOT_ENDED;
}

enum call_end phone_socket_flush(struct phone_socket *s, int64_t now_us)
{
	int err = buf_error(&s->out);
	/* A frame did not fit any more: the phone has not read for that long. Or there was no memory for it. */
	enum call_end why = err == -ENOMEM ? END_INTERNAL_ERROR : err ? END_STREAM_STALLED : CALL_NOT_ENDED;

	while (s->sent < s->out.len) {
		ssize_t n = send(s->fd, s->out.data + s->sent, s->out.len - s->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return why ? why : failed_by(s, errno, now_us);
		s->sent += (size_t)n;
		s->progress_us = now_us;
	}
	s->progress_us = now_us;
	s->sent = 0;
	buf_reset(&s->out);
	return why;
}

void phone_socket_watch(struct phone_socket *s, int64_t now_us)
{
	s->ping_us = now_us + PHONE_PING_US;
}

bool phone_socket_ping(struct phone_socket *s, int64_t now_us)
{
	if (now_us < s->ping_us)
		return true;
	if (s->missed == PHONE_PINGS_MISSED)
		return false;
	s->missed++;
	s->ping_us = now_us + PHONE_PING_US;
	ws_put_frame(&s->out, WS_PING, "", 0, NULL);
	return true;
}

short phone_socket_events(const struct phone_socket *s)
{
	return s->out.len ? POLLIN | POLLOUT : POLLIN;
}

int64_t phone_socket_deadline_us(const struct phone_socket *s)
{
	return s->out.len ? earlier(s->progress_us + STALL_US, s->ping_us) : s->ping_us;
}

/* Sends, and reads away what the phone still says, which comes too late. False: the phone has closed and
 * has all of ours, the time is over, or nothing can be read any more. */
static bool last_words(struct phone_socket *s, int64_t until)
{
	int64_t now = clock_now_us();
	struct pollfd fd = { .fd = s->fd };
	struct ws_message m;
	int got;

	phone_socket_flush(s, now);
	if ((s->peer_closed && !s->out.len) || now >= until)
		return false;
	fd.events = phone_socket_events(s);
	poll(&fd, 1, clock_poll_ms(now, until));
	phone_socket_woken(s);
	while ((got = ws_reader_next(s->reader, &m)) > 0 && clock_now_us() < until)
		if (m.opcode == WS_CLOSE)
			on_close(s, &m);
	return got >= 0;
}

void phone_socket_part(struct phone_socket *s)
{
	int64_t until = clock_now_us() + CLOSE_US;

	if (!s->reader)
		return;
	ws_put_close(&s->out, s->close_code, "", NULL);
	while (last_words(s, until))
		;
}

void phone_socket_await_close(struct phone_socket *s)
{
	int64_t until = clock_now_us() + ASKED_US;

	while (!s->peer_closed && last_words(s, until))
		;
}
