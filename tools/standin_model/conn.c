#include "tools/standin_model/conn_private.h"

#include "tools/standin_model/options.h"
#include "tools/standin_model/session.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	READ_CHUNK = 16384,
	READ_TURN = 1 << 20, /* then the others have their turn */
	HANDSHAKE_MS = 30000,
	LOOK_MS = 500, /* how often a connection that stalls looks whether the client is gone */
	DRIP_MS = 5,
	RATE_MS = 50 /* how often a slow reader reads */
};

void conn_over(struct conn *c, const char *why)
{
	if (c->state == OVER)
		return;
	c->state = OVER;
	if (!*c->record->end)
		snprintf(c->record->end, sizeof c->record->end, "%s", why);
}

struct conn *conn_new(const struct service *service, int fd, unsigned long number, struct record *record, uint64_t now)
{
	struct conn *c = need(sizeof *c);
	int certificate;

	c->service = service;
	c->record = record;
	c->fd = fd;
	faults_for(&c->faults, number);
	certificate = certificate_index(
	    conn_fault(c, FAULT_CERTIFICATE)->on ? conn_fault(c, FAULT_CERTIFICATE)->what : options.certificate);
	c->ssl = SSL_new(service->contexts[certificate < 0 ? 0 : certificate]);
	SSL_set_fd(c->ssl, fd);
	SSL_set_accept_state(c->ssl);
	if (conn_fault(c, FAULT_READ_RATE)->on || conn_fault(c, FAULT_STOP_READING)->on) {
		int small = 4096; /* or the kernel would do the reading for us */

		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	}
	c->state_until =
	    now +
	    (conn_fault(c, FAULT_TLS_DELAY)->on ? (uint64_t)conn_fault(c, FAULT_TLS_DELAY)->number * NS_PER_MS : 0);
	return c;
}

void conn_free(struct conn *c)
{
	session_free(c->session);
	/* However it ended: else OpenSSL forgets the session, and nobody could resume it. */
	SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(c->ssl);
	if (c->fd >= 0)
		close(c->fd);
	text_free(&c->in);
	text_free(&c->out);
	text_free(&c->message);
	c->record->open = false;
	c->record->closed_ns = mono_ns();
	free(c);
}

void conn_flush(struct conn *c, uint64_t now)
{
	size_t sent = 0;
	bool drips = conn_fault(c, FAULT_DRIP)->on;

	c->want_write = false;
	while (sent < c->out.len && c->state < LEAVING) {
		size_t len = c->out.len - sent;
		int n;

		if (drips) {
			if (now < c->next_write)
				break;
			len = len < (size_t)conn_fault(c, FAULT_DRIP)->number
				  ? len
				  : (size_t)conn_fault(c, FAULT_DRIP)->number;
			/* At the same rate also for a machine that is late; of long silence nothing is made up for. */
			if (c->next_write + NS_PER_S < now)
				c->next_write = now;
			c->next_write += DRIP_MS * NS_PER_MS;
		}
		n = SSL_write(c->ssl, c->out.data + sent, len > 1 << 24 ? 1 << 24 : (int)len);
		if (n <= 0) {
			if (SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_WRITE)
				c->want_write = true;
			else
				conn_over(c, "write failed");
			ERR_clear_error();
			break;
		}
		sent += (size_t)n;
	}
	text_drop(&c->out, sent);
	if (c->out.cap > 1 << 20 && !c->out.len)
		text_free(&c->out);
}

static bool stopped_reading(const struct conn *c, uint64_t now)
{
	return c->stop_reading_at && now >= c->stop_reading_at;
}

static bool may_read(const struct conn *c, uint64_t now)
{
	return now >= c->next_read && !stopped_reading(c, now);
}

static void read_some(struct conn *c, uint64_t now)
{
	size_t room = READ_TURN;
	const struct fault_state *rate = conn_fault(c, FAULT_READ_RATE);

	if (rate->on && c->state == OPEN) {
		room = (size_t)rate->number * RATE_MS / 1000 + 1;
		c->next_read = now + RATE_MS * NS_PER_MS;
	}
	c->more_to_read = false;
	while (c->state < LEAVING) {
		size_t chunk = room < READ_CHUNK ? room : READ_CHUNK;
		int n;

		if (!chunk) {
			c->more_to_read = true;
			break;
		}
		text_reserve(&c->in, chunk);
		n = SSL_read(c->ssl, c->in.data + c->in.len, (int)chunk);
		if (n <= 0) {
			int why = SSL_get_error(c->ssl, n);

			/* TCP's end counts as TLS's end too, but is told apart. */
			if (why == SSL_ERROR_ZERO_RETURN && !BIO_eof(SSL_get_rbio(c->ssl)))
				conn_over(c, "client ended TLS");
			else if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
				conn_over(c, "client went without a word");
			ERR_clear_error();
			break;
		}
		c->in.len += (size_t)n;
		c->in.data[c->in.len] = '\0';
		room -= (size_t)n;
		if (c->state == ASKING)
			conn_take_request(c, now);
		if ((c->state == OPEN || c->state == CLOSING) && c->record->upgraded)
			conn_take_frames(c, now);
		else if (c->state == CLOSING)
			text_clear(&c->in);
		/* Epoll tells when there is more; asking the socket again for each
		 * frame would double the system calls. */
		if (c->state == ANSWERING || !SSL_has_pending(c->ssl))
			break;
	}
}

static void read_to_the_end(struct conn *c)
{
	char unread[READ_CHUNK];
	ssize_t n;

	while ((n = recv(c->fd, unread, sizeof unread, 0)) > 0)
		;
	if (n == 0 || errno != EAGAIN)
		conn_over(c, "the client has gone, too");
}

/* Looks, and does not read. */
static void check_gone(struct conn *c, uint64_t now)
{
	char byte;
	int err = 0;
	socklen_t len = sizeof err;

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err || recv(c->fd, &byte, 1, MSG_PEEK) == 0)
		conn_over(c, "the client has gone, too");
	c->state_until = now + LOOK_MS * NS_PER_MS;
}

static void note_tls(struct conn *c)
{
	struct record *r = c->record;
	const unsigned char *alpn;
	const char *name = SSL_get_servername(c->ssl, TLSEXT_NAMETYPE_host_name);
	unsigned len;

	snprintf(r->tls, sizeof r->tls, "%s", SSL_get_version(c->ssl));
	snprintf(r->sni, sizeof r->sni, "%s", name ? name : "");
	SSL_get0_alpn_selected(c->ssl, &alpn, &len);
	snprintf(r->alpn, sizeof r->alpn, "%.*s", (int)len, len ? (const char *)alpn : "");
	r->resumed = SSL_session_reused(c->ssl);
}

static void shake(struct conn *c, uint64_t now)
{
	int n = SSL_do_handshake(c->ssl);
	int why = SSL_get_error(c->ssl, n);
	char reason[64] = "went";

	if (conn_drop_due(c, AT_TLS))
		return;
	c->want_write = why == SSL_ERROR_WANT_WRITE;
	if (n == 1) {
		note_tls(c);
		c->state = ASKING;
		c->state_until = now + HANDSHAKE_MS * NS_PER_MS;
	} else if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
		char end[80];

		if (ERR_peek_error())
			snprintf(reason, sizeof reason, "%s", ERR_reason_error_string(ERR_peek_error()));
		snprintf(end, sizeof end, "TLS: %s", reason);
		conn_over(c, end);
	}
	ERR_clear_error();
}

/* States whose time is up. */
static void check_time(struct conn *c, uint64_t now)
{
	if (c->state == OPEN || now < c->state_until)
		return;
	switch (c->state) {
	case STALLED:
		check_gone(c, now);
		return;
	case WAITING:
		if (conn_drop_due(c, AT_ACCEPT))
			return;
		c->state = SHAKING;
		c->state_until = now + HANDSHAKE_MS * NS_PER_MS;
		return;
	case ANSWERING:
		conn_start_session(c, now);
		/* What came behind the request, and what lies in the TLS engine. */
		if (c->in.len)
			conn_take_frames(c, now);
		c->more_to_read = true;
		return;
	case CLOSING:
		conn_over(c, "client did not answer our Close");
		return;
	case LEAVING:
		conn_over(c, "the client stays");
		return;
	default:
		conn_over(c, "the client took too long");
	}
}

bool conn_work(struct conn *c, uint64_t now)
{
	check_time(c, now);
	if (c->state == SHAKING)
		shake(c, now);
	if (c->state == LEAVING)
		read_to_the_end(c);
	if ((c->state == ASKING || c->state == OPEN || c->state == CLOSING) && may_read(c, now))
		read_some(c, now);
	/* An upgrade that is not delayed is answered in the same breath. */
	if (c->state == ANSWERING)
		check_time(c, now);
	if (c->state == OPEN && c->session && !c->peer_closed)
		session_tick(c->session, now);
	conn_flush(c, now);
	if (c->state == CLOSING && !c->out.len && (c->peer_closed || !c->record->upgraded)) {
		SSL_shutdown(c->ssl);
		shutdown(c->fd, SHUT_WR);
		if (c->peer_closed)
			conn_over(c, "closed");
	}
	return c->state != OVER;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t conn_wake_ns(const struct conn *c)
{
	uint64_t wake = c->state == OPEN ? UINT64_MAX : c->state_until;

	if ((c->more_to_read || c->next_read) && c->state != ANSWERING && c->state != STALLED &&
	    !stopped_reading(c, mono_ns()))
		wake = earlier(wake, c->next_read);
	if (c->out.len && c->next_write)
		wake = earlier(wake, c->next_write);
	if (c->state == OPEN && c->session && !c->peer_closed)
		wake = earlier(wake, session_wake_ns(c->session));
	return wake;
}

uint32_t conn_events(const struct conn *c)
{
	bool reading = c->state != WAITING && c->state != ANSWERING && c->state != STALLED && may_read(c, mono_ns());

	return (reading ? EPOLLIN : 0u) | (c->want_write ? EPOLLOUT : 0u);
}
