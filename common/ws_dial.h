#ifndef COMMON_WS_DIAL_H
#define COMMON_WS_DIAL_H
/* The way to an open WebSocket, for common/ws_client.c only: look-up, connect,
 * TLS, upgrade, one after the other, each with its deadline. One thread. */
#include "common/ws_client.h"

struct ws_dial;

int ws_dial_open(struct ws_dial **out, const struct ws_target *target, struct bell *bell);
void ws_dial_close(struct ws_dial *d); /* fine with NULL */

/* As ws_client_step and those beside it. */
int ws_dial_step(struct ws_dial *d, int64_t now_us);
int ws_dial_fd(const struct ws_dial *d);
short ws_dial_events(const struct ws_dial *d);
int64_t ws_dial_deadline_us(const struct ws_dial *d);
const struct ws_failure *ws_dial_failure(const struct ws_dial *d);

/* What came of it, after ws_dial_step said 1; the caller's from then on. */
struct ws_link {
	int fd;
	struct tls *tls;
	struct buf early; /* frames that arrived with the answer */
};
void ws_dial_take(struct ws_dial *d, struct ws_link *out);

#endif
