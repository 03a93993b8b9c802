#include "common/ws_dial.h"

#include "common/clock.h"
#include "common/ws_upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	READ_BYTES = 1024,
	REQUEST_MAX = 64 << 10,
	VANISHED_MS = 20000,         /* a peer that acknowledges nothing for that long is gone */
	UNSENT_IN_KERNEL = 16 << 10, /* beyond what is under way */
};

struct ws_dial {
	struct ws_target target; /* strings owned */
	enum ws_stage stage;
	int64_t deadline_us; /* of the stage */
	struct ws_failure failure;

	struct resolver_wait wait;
	struct addresses addresses;
	size_t next_address;
	int64_t address_deadline_us; /* for the one being tried, while others are left */

	int fd;          /* owned; -1 */
	struct tls *tls; /* owned */
	char accept[WS_ACCEPT_SIZE];
	struct buf request; /* not yet taken by TLS; holds secrets */
	struct buf answer;
};

/* Printable and without spaces: fit for a request line or a Host header. */
static bool is_one_word(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return false;
	return true;
}

static bool are_header_lines(const char *text)
{
	size_t len = strlen(text);

	if (!len)
		return true;
	return len > 2 && !strcmp(text + len - 2, "\r\n") && !strstr(text, "\r\n\r\n") && *text != '\r';
}

static bool target_usable(const struct ws_target *t)
{
	return t->resolver && t->trust && t->host && *t->host && is_one_word(t->host) && t->path && *t->path == '/' &&
	       is_one_word(t->path) && t->headers && are_header_lines(t->headers) && t->port > 0 && t->port < 65536;
}

/* Keys travel in headers: no trace of them is left in freed memory. */
static void free_secret(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

static void free_request(struct ws_dial *d)
{
	if (d->request.data)
		explicit_bzero(d->request.data, d->request.cap);
	buf_free(&d->request);
}

int ws_dial_open(struct ws_dial **out, const struct ws_target *target, struct bell *bell)
{
	struct ws_dial *d;

	if (!target_usable(target))
		return -EINVAL;
	d = calloc(1, sizeof *d);
	if (!d)
		return -ENOMEM;
	d->fd = -1;
	d->wait.bell = bell;
	buf_init(&d->request, REQUEST_MAX);
	buf_init(&d->answer, WS_RESPONSE_MAX);
	d->target = *target;
	d->target.host = strdup(target->host);
	d->target.path = strdup(target->path);
	d->target.headers = strdup(target->headers);
	if (!d->target.host || !d->target.path || !d->target.headers) {
		ws_dial_close(d);
		return -ENOMEM;
	}
	d->deadline_us = clock_now_us() + (int64_t)target->step_ms * US_PER_MS;
	*out = d;
	return 0;
}

void ws_dial_close(struct ws_dial *d)
{
	if (!d)
		return;
	resolver_forget(d->target.resolver, &d->wait);
	tls_close(d->tls);
	if (d->fd >= 0)
		close(d->fd);
	free_request(d);
	buf_free(&d->answer);
	free((char *)d->target.host);
	free((char *)d->target.path);
	free_secret((char *)d->target.headers);
	free(d);
}

/* The sentence for people; returns the error it is about. */
static int fail(struct ws_dial *d, int err, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int fail(struct ws_dial *d, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(d->failure.text, sizeof d->failure.text, format, args);
	va_end(args);
	d->failure.stage = d->stage;
	d->failure.err = err;
	return err;
}

/* Each stage's step returns 1 when the stage is done, 0 to wait, or what fail
 * returned. */

static int look_up(struct ws_dial *d, int64_t now_us)
{
	const char *host = d->target.host;
	int found = resolver_find(d->target.resolver, host, now_us, &d->wait, &d->addresses);

	if (found == -ENOENT)
		return fail(d, found, "look-up: no such name: %.100s", host);
	if (found < 0)
		return fail(d, found, "look-up of %.100s failed: %s", host, strerror(-found));
	return found;
}

static void close_socket(struct ws_dial *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

static void set_socket_options(int fd)
{
	int on = 1, vanished_ms = VANISHED_MS, unsent = UNSENT_IN_KERNEL;

	/* A frame is one send, and it must not wait for the one before to be acknowledged. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &vanished_ms, sizeof vanished_ms);
	/* What the peer does not take waits in our hands, where it is seen; the
	 * kernel alone would hide half a minute of speech. */
	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
}

/* 0: connected or on its way. */
static int start_connect(struct ws_dial *d, union address *to)
{
	socklen_t len = to->any.sa_family == AF_INET6 ? sizeof to->v6 : sizeof to->v4;

	/* The port sits at the same place in both. */
	to->v4.sin_port = htons((uint16_t)d->target.port);
	d->fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (d->fd < 0)
		return -errno;
	set_socket_options(d->fd);
	if (connect(d->fd, &to->any, len) && errno != EINPROGRESS && errno != EINTR)
		return -errno;
	return 0;
}

/* 1: connected. 0: on its way. Else why not. */
static int check_connect(const struct ws_dial *d)
{
	struct pollfd out = { .fd = d->fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int err = 0;

	if (poll(&out, 1, 0) <= 0)
		return 0;
	if (getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &err, &len))
		return -errno;
	return err ? -err : 1;
}

/* A silent address must not use up the whole stage while others are left. */
static void set_address_deadline(struct ws_dial *d, int64_t now_us)
{
	size_t left = d->addresses.count - d->next_address; /* after this one */

	d->address_deadline_us = left ? now_us + (d->deadline_us - now_us) / (int64_t)(left + 1) : NEVER_US;
}

static int connect_one(struct ws_dial *d, int64_t now_us)
{
	int err;

	if (d->fd < 0) {
		err = start_connect(d, &d->addresses.at[d->next_address++]);
		if (err)
			return err;
		set_address_deadline(d, now_us);
	}
	err = check_connect(d);
	if (!err && now_us >= d->address_deadline_us)
		err = -ETIMEDOUT;
	return err;
}

static int connect_any(struct ws_dial *d, int64_t now_us)
{
	for (;;) {
		int err = connect_one(d, now_us);

		if (err >= 0)
			return err;
		close_socket(d);
		if (d->next_address == d->addresses.count)
			return fail(
			    d, err, "connect to %.90s port %d: %s", d->target.host, d->target.port, strerror(-err));
	}
}

static int shake_hands(struct ws_dial *d, int64_t now_us)
{
	int err = 0, done;

	(void)now_us;
	if (!d->tls)
		err = tls_open(&d->tls, d->fd, d->target.host, d->target.trust, d->target.sessions);
	if (err)
		return fail(d, err, "TLS: %s", strerror(-err));
	done = tls_handshake(d->tls);
	if (done == -EPROTO) {
		d->failure.tls_error = tls_error(d->tls);
		return fail(d, done, "TLS: %s%s (BearSSL %d)", tls_error_text(d->failure.tls_error),
		    d->failure.tls_error == TLS_NOT_TRUSTED && trust_skipped_short(d->target.trust)
			? ", which leaves out RSA keys under 2048 bits"
			: "",
		    d->failure.tls_error);
	}
	if (done == -ECONNRESET)
		return fail(d, done, "TLS: the server closed the connection");
	if (done < 0)
		return fail(d, done, "TLS: %s", strerror(-done));
	return done;
}

static int make_request(struct ws_dial *d)
{
	const struct ws_target *t = &d->target;
	char key[WS_KEY_SIZE];

	ws_upgrade_key(key);
	ws_upgrade_accept(key, d->accept);
	ws_upgrade_request(&d->request, t->host, t->port, t->path, t->headers, key);
	return buf_error(&d->request);
}

static int send_request(struct ws_dial *d)
{
	ssize_t taken = tls_write(d->tls, d->request.data, d->request.len);

	if (taken < 0)
		return (int)taken;
	buf_consume(&d->request, (size_t)taken);
	if (!d->request.len)
		free_request(d);
	return 0;
}

static int refused(struct ws_dial *d, const struct ws_response *r)
{
	d->failure.http_status = r->status;
	_Static_assert(sizeof d->failure.body == sizeof r->body, "it would not fit, or would have no end");
	memcpy(d->failure.body, r->body, sizeof d->failure.body);
	return fail(d, -EPROTO, "upgrade: the server refused with HTTP %d", r->status);
}

/* 1, 0 or what fail returned; `ended` when no more of the answer can come. */
static int judge_answer(struct ws_dial *d, bool ended)
{
	struct ws_response r;

	ws_upgrade_judge(buf_text(&d->answer), d->answer.len, d->accept, &r);
	switch (r.verdict) {
	case WS_ACCEPTED:
		buf_consume(&d->answer, r.header_len);
		return 1;
	case WS_REFUSED:
		return r.more && !ended ? 0 : refused(d, &r);
	case WS_NOT_HTTP:
		return fail(d, -EPROTO, "upgrade: the server's answer is not HTTP");
	case WS_NOT_WEBSOCKET:
		return fail(d, -EPROTO, "upgrade: the server's answer is not a WebSocket server's");
	default:
		return 0;
	}
}

static int read_answer(struct ws_dial *d)
{
	bool wants_flush = false;
	int done = 0;

	while (!done) {
		size_t size = WS_RESPONSE_MAX - d->answer.len;
		ssize_t got;
		char *room;

		if (size > READ_BYTES)
			size = READ_BYTES;
		room = buf_room(&d->answer, size);
		if (!room)
			return fail(d, buf_error(&d->answer), "upgrade: %s", strerror(ENOMEM));
		got = tls_read(d->tls, room, size, &wants_flush);
		if (got == -EAGAIN)
			return 0;
		if (got > 0)
			buf_grew(&d->answer, (size_t)got);
		done = judge_answer(d, got <= 0);
		if (!done && got <= 0)
			return fail(d, got ? (int)got : -ECONNRESET, "upgrade: the server closed the connection");
	}
	return done;
}

static int upgrade(struct ws_dial *d, int64_t now_us)
{
	int err = 0;

	(void)now_us;
	if (!*d->accept)
		err = make_request(d);
	if (!err && (d->request.len || tls_unsent(d->tls)))
		err = send_request(d);
	if (err)
		return fail(d, err, "upgrade: the request could not be sent: %s", strerror(-err));
	return d->request.len ? 0 : read_answer(d);
}

static int timed_out(struct ws_dial *d)
{
	static const char *const waited_for[] = { "look-up: no answer", "connect: no answer", "TLS: not done",
		"upgrade: no answer" };

	/* A refusal whose body is slow is a refusal. */
	if (d->stage == WS_UPGRADE && judge_answer(d, true) < 0)
		return d->failure.err;
	return fail(
	    d, -ETIMEDOUT, "%s after %d ms from %.80s", waited_for[d->stage], d->target.step_ms, d->target.host);
}

int ws_dial_step(struct ws_dial *d, int64_t now_us)
{
	static int (*const steps[])(struct ws_dial *, int64_t) = { look_up, connect_any, shake_hands, upgrade };

	while (!d->failure.err && d->stage != WS_OPEN) {
		int done = steps[d->stage](d, now_us);

		if (done < 0)
			break;
		if (!done && now_us >= d->deadline_us)
			return timed_out(d);
		if (!done)
			return 0;
		d->stage++;
		d->deadline_us = now_us + (int64_t)d->target.step_ms * US_PER_MS;
	}
	return d->failure.err ? d->failure.err : 1;
}

int ws_dial_fd(const struct ws_dial *d)
{
	return d->fd;
}

short ws_dial_events(const struct ws_dial *d)
{
	switch (d->stage) {
	case WS_CONNECT:
		return POLLOUT;
	case WS_TLS:
		return d->tls ? tls_events(d->tls) : POLLOUT;
	case WS_UPGRADE:
		return d->request.len || tls_unsent(d->tls) ? POLLOUT : POLLIN;
	default:
		return POLLIN;
	}
}

int64_t ws_dial_deadline_us(const struct ws_dial *d)
{
	if (d->stage == WS_CONNECT && d->address_deadline_us < d->deadline_us)
		return d->address_deadline_us;
	return d->deadline_us;
}

const struct ws_failure *ws_dial_failure(const struct ws_dial *d)
{
	return &d->failure;
}

void ws_dial_take(struct ws_dial *d, struct ws_link *out)
{
	*out = (struct ws_link){ .fd = d->fd, .tls = d->tls, .early = d->answer };
	d->fd = -1;
	d->tls = NULL;
	buf_init(&d->answer, 0);
}
