#include "common/ws_client.h"

#include "common/digest.h"
#include "common/ws_dial.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	UNSENT_MAX = 8 << 20,
	KEEP_OUT_BYTES = 4096, /* an idle writer holds on to no more than this */
	MASK_BYTES = 4,
	MASK_BATCH = 256, /* one getrandom for 64 frames */
	CONTROL_MAX = 125,
};

/* What the reader owes the peer, until the writer fetches it. One of each is
 * enough: only the last ping needs an answer (RFC 6455 §5.5.3). */
struct replies {
	_Atomic bool waiting; /* spares the writer the lock while there is nothing */
	pthread_mutex_t lock; /* everything below */
	bool pong, close;
	size_t pong_len;
	char pong_data[CONTROL_MAX];
	int close_code;
};

struct ws_client {
	struct ws_dial *dial; /* until open */
	struct replies replies;

	/* Constant once open. */
	int fd;          /* owned; -1 */
	struct tls *tls; /* owned */

	/* Reader only. */
	struct ws_reader *reader;
	struct buf early; /* frames that came with the answer to the upgrade */
	size_t early_at;
	bool wants_flush;
	bool read_over;
	int close_code;
	char close_reason[CONTROL_MAX];

	/* Writer only. */
	struct buf out; /* whole frames, not yet taken by TLS */
	size_t out_at;
	bool closing; /* our Close is queued or sent */
	int write_err;
	uint8_t masks[MASK_BATCH];
	size_t masks_at;
};

/* ---- Dialling ---- */

static ssize_t read_bytes(void *arg, uint8_t *out, size_t size)
{
	struct ws_client *c = arg;
	size_t left = c->early.len - c->early_at;

	if (!left)
		return tls_read(c->tls, out, size, &c->wants_flush);
	if (size > left)
		size = left;
	memcpy(out, c->early.data + c->early_at, size);
	c->early_at += size;
	if (size == left) {
		buf_free(&c->early);
		c->early_at = 0;
	}
	return (ssize_t)size;
}

int ws_client_dial(struct ws_client **out, const struct ws_target *target, struct bell *bell)
{
	struct ws_client *c;
	int err;

	if (!target->max_message)
		return -EINVAL;
	c = calloc(1, sizeof *c);
	if (!c)
		return -ENOMEM;
	c->fd = -1;
	c->masks_at = MASK_BATCH;
	pthread_mutex_init(&c->replies.lock, NULL);
	buf_init(&c->early, 0);
	buf_init(&c->out, 3 * UNSENT_MAX); /* what is sent and not yet moved out, and headers */
	err = ws_reader_open(&c->reader, false, target->max_message, read_bytes, c);
	if (!err)
		err = ws_dial_open(&c->dial, target, bell);
	if (err) {
		ws_client_free(c);
		return err;
	}
	*out = c;
	return 0;
}

static void become_open(struct ws_client *c)
{
	struct ws_link link;

	ws_dial_take(c->dial, &link);
	c->fd = link.fd;
	c->tls = link.tls;
	c->early = link.early;
	if (!c->early.len)
		buf_free(&c->early);
	ws_dial_close(c->dial);
	c->dial = NULL;
}

int ws_client_step(struct ws_client *c, int64_t now_us)
{
	int done;

	if (!c->dial)
		return 1;
	done = ws_dial_step(c->dial, now_us);
	if (done == 1)
		become_open(c);
	return done;
}

int ws_client_fd(const struct ws_client *c)
{
	return c->dial ? ws_dial_fd(c->dial) : c->fd;
}

short ws_client_events(const struct ws_client *c)
{
	return c->dial ? ws_dial_events(c->dial) : POLLIN;
}

int64_t ws_client_deadline_us(const struct ws_client *c)
{
	return c->dial ? ws_dial_deadline_us(c->dial) : INT64_MAX;
}

const struct ws_failure *ws_client_failure(const struct ws_client *c)
{
	static const struct ws_failure none = { .stage = WS_OPEN };

	return c->dial ? ws_dial_failure(c->dial) : &none;
}

bool ws_client_resumed(const struct ws_client *c)
{
	return c->tls && tls_resumed(c->tls);
}

/* ---- Reading ---- */

static void owe_pong(struct ws_client *c, const struct ws_message *ping)
{
	struct replies *r = &c->replies;

	pthread_mutex_lock(&r->lock);
	r->pong = true;
	r->pong_len = ping->len;
	memcpy(r->pong_data, ping->data, ping->len);
	/* A hint: the lock orders the rest. */
	atomic_store_explicit(&r->waiting, true, memory_order_release);
	pthread_mutex_unlock(&r->lock);
	c->wants_flush = true;
}

static void owe_close(struct ws_client *c, int code)
{
	struct replies *r = &c->replies;

	pthread_mutex_lock(&r->lock);
	r->close = true;
	r->close_code = code;
	atomic_store_explicit(&r->waiting, true, memory_order_release);
	pthread_mutex_unlock(&r->lock);
	c->wants_flush = true;
}

static void take_close(struct ws_client *c, const struct ws_message *m)
{
	c->close_code = m->close_code;
	memcpy(c->close_reason, m->data, m->len);
	c->close_reason[m->len] = '\0';
	owe_close(c, m->close_code);
}

/* The faults a Close can tell the peer about; the others are the transport's,
 * or its end. */
static bool is_peers_fault(int err)
{
	return err == -EPROTO || err == -EMSGSIZE || err == -EILSEQ || err == -ENOMEM;
}

static int read_message(struct ws_client *c, struct ws_message *out)
{
	for (;;) {
		int got = ws_reader_next(c->reader, out);

		if (got == 1 && out->opcode == WS_PING) {
			owe_pong(c, out);
			continue;
		}
		if (got == 1 && out->opcode == WS_CLOSE) {
			take_close(c, out);
			c->read_over = true;
			return -EPIPE;
		}
		if (got < 0 && !c->read_over) {
			c->read_over = true;
			if (is_peers_fault(got))
				owe_close(c, ws_close_code(got));
		}
		return got;
	}
}

int ws_client_read(struct ws_client *c, struct ws_message *out, bool *wants_flush)
{
	int got = read_message(c, out);

	if (c->wants_flush)
		*wants_flush = true;
	c->wants_flush = false;
	return got;
}

int ws_client_close_code(const struct ws_client *c)
{
	return c->close_code;
}

const char *ws_client_close_reason(const struct ws_client *c)
{
	return c->close_reason;
}

/* ---- Writing ---- */

static const uint8_t *next_mask(struct ws_client *c)
{
	if (c->masks_at == MASK_BATCH) {
		random_bytes(c->masks, sizeof c->masks);
		c->masks_at = 0;
	}
	c->masks_at += MASK_BYTES;
	return c->masks + c->masks_at - MASK_BYTES;
}

size_t ws_client_unsent(const struct ws_client *c)
{
	return c->out.len - c->out_at + tls_unsent(c->tls);
}

/* Takes sent bytes out of the front, seldom enough to be cheap. */
static void make_room(struct ws_client *c)
{
	if (c->out_at <= KEEP_OUT_BYTES || c->out_at < c->out.len / 2)
		return;
	buf_consume(&c->out, c->out_at);
	c->out_at = 0;
}

static int queue(struct ws_client *c, enum ws_opcode opcode, const void *payload, size_t len)
{
	if (c->write_err)
		return c->write_err;
	if (c->closing)
		return -EPIPE;
	if (len > UNSENT_MAX || ws_client_unsent(c) > UNSENT_MAX - len)
		return -E2BIG;
	make_room(c);
	ws_put_frame(&c->out, opcode, payload, len, next_mask(c));
	if (buf_error(&c->out))
		c->write_err = buf_error(&c->out);
	return c->write_err;
}

int ws_client_send_text(struct ws_client *c, const char *text, size_t len)
{
	return queue(c, WS_TEXT, text, len);
}

int ws_client_send_ping(struct ws_client *c)
{
	return queue(c, WS_PING, "", 0);
}

int ws_client_send_close(struct ws_client *c, int code)
{
	if (c->write_err)
		return c->write_err;
	if (c->closing)
		return -EPIPE;
	ws_put_close(&c->out, code, "", next_mask(c));
	c->closing = true;
	c->write_err = buf_error(&c->out);
	return c->write_err;
}

static void fetch_replies(struct ws_client *c)
{
	struct replies *r = &c->replies;
	char pong_data[CONTROL_MAX];
	size_t pong_len;
	bool pong, close;
	int code;

	/* Pairs with the release in owe_pong and owe_close: whoever was woken to
	 * flush sees what it was woken for. */
	if (!atomic_load_explicit(&r->waiting, memory_order_acquire))
		return;
	pthread_mutex_lock(&r->lock);
	pong = r->pong;
	pong_len = r->pong_len;
	memcpy(pong_data, r->pong_data, pong_len);
	close = r->close;
	code = r->close_code;
	r->pong = r->close = false;
	atomic_store_explicit(&r->waiting, false, memory_order_relaxed);
	pthread_mutex_unlock(&r->lock);
	/* After our own Close, or on a dead side, they are refused: rightly so. */
	if (pong)
		queue(c, WS_PONG, pong_data, pong_len);
	if (close)
		ws_client_send_close(c, code);
}

int ws_client_flush(struct ws_client *c)
{
	fetch_replies(c);
	do {
		ssize_t taken;

		if (c->write_err)
			return c->write_err;
		taken = tls_write(c->tls, buf_text(&c->out) + c->out_at, c->out.len - c->out_at);
		if (taken < 0)
			c->write_err = (int)taken;
		else
			c->out_at += (size_t)taken;
		if (!c->write_err && tls_unsent(c->tls))
			return -EAGAIN;
	} while (c->write_err || c->out_at < c->out.len);

	c->out_at = 0;
	buf_reset(&c->out);
	if (c->out.cap > KEEP_OUT_BYTES)
		buf_free(&c->out);
	return 0;
}

void ws_client_free(struct ws_client *c)
{
	if (!c)
		return;
	ws_dial_close(c->dial);
	ws_reader_close(c->reader);
	tls_close(c->tls);
	if (c->fd >= 0)
		close(c->fd);
	buf_free(&c->early);
	buf_free(&c->out);
	pthread_mutex_destroy(&c->replies.lock);
	free(c);
}
