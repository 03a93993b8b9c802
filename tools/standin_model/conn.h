#ifndef STANDIN_CONN_H
#define STANDIN_CONN_H
/* One client's connection: TLS, the upgrade, messages in and out, and every way
 * of ending it badly. What the messages mean is the session's business.
 *
 * Belongs to one serving thread. Nothing here blocks: the thread calls
 * conn_work when the socket is ready or conn_wake_ns has come.
 */
#include "tools/kit/clock.h"
#include "tools/standin_model/ca.h"
#include "tools/standin_model/faults.h"
#include "tools/standin_model/report.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

struct conn;
struct load_stats;
struct script;

/* What all connections of a thread share; constant. */
struct service {
	SSL_CTX *contexts[CERTIFICATES];
	const struct script *script;
	struct load_stats *load;
};

/* Takes the socket over. */
struct conn *conn_new(const struct service *service, int fd, unsigned long number, struct record *record, uint64_t now);
void conn_free(struct conn *c);

/* Does whatever can be done now. False when the connection is over. */
bool conn_work(struct conn *c, uint64_t now);

uint64_t conn_wake_ns(const struct conn *c); /* UINT64_MAX: only the socket matters */
uint32_t conn_events(const struct conn *c);  /* EPOLLIN, EPOLLOUT */

/* For the session. */

void conn_send_text(struct conn *c, const char *message, size_t len); /* one message */
void conn_send_raw(struct conn *c, const void *bytes, size_t len);    /* as they are */

/* A Close frame, then the end once the client has answered it or 2 s have passed. */
void conn_close(struct conn *c, int code, const char *reason);

/* At once: "rst", "fin", "notify" or "stall"; or a close code with an optional -REASON. */
void conn_drop(struct conn *c, const char *how);

#endif
