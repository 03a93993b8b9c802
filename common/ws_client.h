#ifndef COMMON_WS_CLIENT_H
#define COMMON_WS_CLIENT_H
/* A WebSocket to a server on the internet: wss over BearSSL, TLS 1.2, verified.
 *
 * One thread dials and reads, and one thread at a time writes; they may be
 * two. What they share is the TLS engine, behind one small lock that is never
 * held across a system call. Nothing here sleeps: each function does what it
 * can at once and says what to poll for. Deadlines are the user's, except for
 * those of dialling, which ws_client_step keeps itself.
 *
 * Dialling: ws_client_dial, then poll (ws_client_fd, ws_client_events, the
 * bell, ws_client_deadline_us) and ws_client_step until it says something
 * other than 0. The descriptor may change from step to step. The bell is rung
 * when name look-up, done by another thread, is finished.
 *
 * The reader may find something to send (a pong, an answer to a close, a TLS
 * alert). It never sends: it queues, ws_client_read says so through
 * *wants_flush, and the reader wakes whoever writes to call ws_client_flush.
 */
#include "common/bell.h"
#include "common/resolver.h"
#include "common/tls.h"
#include "common/trust.h"
#include "common/ws_frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ws_client;

struct ws_target {
	const char *host; /* a name: BearSSL matches no IP address */
	int port;
	const char *path;    /* with query; starts with '/' */
	const char *headers; /* "Name: value\r\n" lines, no blank line; may be ""; never logged */
	struct resolver *resolver;
	const struct trust *trust;
	struct tls_sessions *sessions; /* may be NULL: no resumption */
	int step_ms;                   /* deadline of each step: look-up, connect, TLS, upgrade */
	size_t max_message;            /* largest message accepted */
};

enum ws_stage { WS_LOOKUP, WS_CONNECT, WS_TLS, WS_UPGRADE, WS_OPEN };

struct ws_failure {
	enum ws_stage stage; /* where it happened */
	int err; /* negative errno: -ETIMEDOUT, -ECONNREFUSED, -ENOENT (no such name), -EPROTO (TLS or HTTP), … */
	int tls_error;   /* BearSSL's number, or 0 */
	int http_status; /* of a refused upgrade, or 0 */
	char body[1024]; /* start of a refused upgrade's body, printable; or "" */
	char text[160];  /* all of it as one sentence */
};

/* What the target points at must outlive the client, except its strings, which
 * are copied. `bell` is the dialling thread's. 0; -EINVAL when a string could
 * not be part of a request or something is missing; -ENOMEM. */
int ws_client_dial(struct ws_client **out, const struct ws_target *target, struct bell *bell);

/* 1: open. 0: not yet. Negative: failed, and why is in ws_client_failure. */
int ws_client_step(struct ws_client *c, int64_t now_us);

int ws_client_fd(const struct ws_client *c);                           /* -1 before there is a socket */
short ws_client_events(const struct ws_client *c);                     /* while dialling: POLLIN or POLLOUT */
int64_t ws_client_deadline_us(const struct ws_client *c);              /* while dialling */
const struct ws_failure *ws_client_failure(const struct ws_client *c); /* never NULL */
bool ws_client_resumed(const struct ws_client *c);                     /* the TLS session was resumed */

/* Reader only. 1: a text, a binary message or a pong (pings are answered in
 * here and not handed out). 0: nothing now; poll for POLLIN. Negative: over for
 * good; -EPIPE after a Close frame or a clean end, -ECONNRESET when cut off
 * without one (a truncated TLS stream too), -ETIMEDOUT when the peer has
 * acknowledged nothing for 20 s, others as ws_reader_next.
 * *wants_flush is set, never cleared, when there is something to send: also at
 * the end, where it is our Close. All that is buffered is handed out before 0. */
int ws_client_read(struct ws_client *c, struct ws_message *out, bool *wants_flush);
int ws_client_close_code(const struct ws_client *c);           /* the peer's, or 0 */
const char *ws_client_close_reason(const struct ws_client *c); /* or "" */

/* Writer only. Queue one text message, or a ping, or our Close; nothing may
 * follow a Close, or what a peer's Close was answered with (-EPIPE). 0,
 * -ENOMEM, -E2BIG (over 8 MiB unsent; nothing was queued), or the error that
 * ended the writing side. Call flush afterwards. */
int ws_client_send_text(struct ws_client *c, const char *text, size_t len);
int ws_client_send_ping(struct ws_client *c);
int ws_client_send_close(struct ws_client *c, int code);

/* Writer only. 0: all sent. -EAGAIN: poll for POLLOUT and call again. Else the
 * writing side is dead; the reader will see the end too. */
int ws_client_flush(struct ws_client *c);
size_t ws_client_unsent(const struct ws_client *c); /* writer only; bytes */

/* When neither thread uses it any more. Sends nothing of what is unsent, and
 * no Close. Fine with NULL. */
void ws_client_free(struct ws_client *c);

#endif
