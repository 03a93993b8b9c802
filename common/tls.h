#ifndef COMMON_TLS_H
#define COMMON_TLS_H
/* The client's end of TLS 1.2 (BearSSL) over a non-blocking socket.
 *
 * One thread shakes hands. After that one thread reads and one thread at a
 * time writes, at the same moment if they like: the engine they share is
 * behind a lock held for microseconds and never across a system call. Nothing
 * sleeps; the user polls.
 *
 * The reader never sends. What the engine wants to say because of something
 * read (an alert, the answer to a close_notify) is put aside, the reader is
 * told so, and the next tls_write takes it along. That way the engine never
 * stands still for want of a writer.
 */
#include "common/trust.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tls;

/* What resumption needs: the last session with one host. Any thread. Holds a
 * master secret, wiped at close; must outlive the connections that use it. */
struct tls_sessions;
int tls_sessions_open(struct tls_sessions **out); /* 0 or -ENOMEM */
void tls_sessions_close(struct tls_sessions *s);  /* fine with NULL */

/* The socket is connected, non-blocking and borrowed, as are `trust` and
 * `sessions` (which may be NULL). `host` is copied: the certificate must name
 * it. 0 or negative errno. */
int tls_open(struct tls **out, int fd, const char *host, const struct trust *trust, struct tls_sessions *sessions);

/* When neither thread uses it. Says close_notify if that can be sent at once.
 * Fine with NULL. */
void tls_close(struct tls *t);

/* One step. 1: done. 0: poll for tls_events, call again. -EPROTO: refused, see
 * tls_error; -ECONNRESET: cut off; other errors of the socket. */
int tls_handshake(struct tls *t);
short tls_events(const struct tls *t);
bool tls_resumed(const struct tls *t);

/* Reader only. How many bytes, at least 1. 0: the peer said it has finished
 * (close_notify). -EAGAIN: nothing buffered anywhere; poll for POLLIN. -ECONNRESET:
 * cut off without a close_notify. -EPROTO: see tls_error. Over is over: it
 * stays that way. *wants_flush is set, never cleared, when something was put
 * aside to send.
 *
 * A socket that has just given less than it was asked for is not asked again
 * before -EAGAIN has been answered once; with poll in between that loses
 * nothing. */
ssize_t tls_read(struct tls *t, void *out, size_t size, bool *wants_flush);

/* Writer only. Sends what is left of earlier, what was put aside, and as much
 * of `data` as there is room for; says how many bytes of `data` it took. All
 * taken and tls_unsent 0: everything is with the kernel. Else poll for POLLOUT
 * and call again with the rest, if need be with none. Negative: this side is
 * dead, and the socket is shut down so that the reader notices. */
ssize_t tls_write(struct tls *t, const void *data, size_t len);
size_t tls_unsent(const struct tls *t); /* writer only; encrypted bytes */

enum { TLS_NOT_TRUSTED = 62 }; /* BearSSL's BR_ERR_X509_NOT_TRUSTED */

/* Why it was -EPROTO: BearSSL's number, 256 and more for alerts. 0 if there is none. */
int tls_error(struct tls *t);

/* The number in words, without a full stop; never NULL. */
const char *tls_error_text(int error);

#endif
