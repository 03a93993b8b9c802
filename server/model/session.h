#ifndef MODEL_SESSION_H
#define MODEL_SESSION_H
/* Opening a session with the model: dial, wait until it says that it was
 * created, configure, and compare the session it then shows with the one
 * asked for. Only then may audio flow: until then the service takes and
 * makes 24 kHz PCM, and says nothing if fed anything else.
 *
 * A step machine like ws_client, for one thread. The agent loop uses it for
 * a call; a trial (trial.h) to see whether a call would work.
 * Once ready, its owner reads and writes the WebSocket itself.
 */
#include "common/bell.h"
#include "server/model/access.h"

#include <stdbool.h>
#include <stdint.h>

struct model_session;
struct ws_client;

enum { MODEL_FAILURE_SIZE = 512 };

struct model_failure {
	const char *error_class;       /* lookup, connect, tls, upgrade, session, timeout */
	char code[64];                 /* HTTP status, TLS number, error code; for counting */
	char text[MODEL_FAILURE_SIZE]; /* a sentence for people, which names the settings to look at */
	bool permanent;                /* will not pass by itself: key, name, certificate, settings */
	bool agents_own;               /* permanent, and lies with this agent's file: model, voice, tools */
};

/* `access` and everything in `wish` are borrowed until the session is ready,
 * the bell until it is closed. 0 or negative without memory, or when a setting
 * cannot be sent; all other failures come from the steps. */
int model_session_open(struct model_session **out, const struct model_access *access, const struct model_wish *wish,
    struct bell *bell, int64_t now_us);

/* 1: ready. 0: not yet. Negative: failed; see model_session_failure. */
int model_session_step(struct model_session *s, int64_t now_us);
int model_session_fd(const struct model_session *s);
short model_session_events(const struct model_session *s);
int64_t model_session_deadline_us(const struct model_session *s);
/* It fails if it is not ready by then. */
void model_session_limit(struct model_session *s, int64_t until_us);
/* Past the upgrade: it is being configured, or is ready. */
bool model_session_connected(const struct model_session *s);
const struct model_failure *model_session_failure(const struct model_session *s);

/* Only after a step has returned 1. */
struct ws_client *model_session_client(struct model_session *s);
/* The extras (protocol.h) that the service did not know: the session is without them. */
unsigned model_session_without(const struct model_session *s);
const char *model_session_id(const struct model_session *s);
bool model_session_resumed(const struct model_session *s);
int64_t model_session_connect_ms(const struct model_session *s);

/* The end of a session that is ready, by the owner of the writing side.
 * Sends our Close without waiting for an answer; then only
 * model_session_close may follow. */
void model_session_leave(struct model_session *s);
/* The same, but reads on until the service's own Close: blocks until then,
 * or `until_us`. */
void model_session_hang_up(struct model_session *s, int64_t until_us);

void model_session_close(struct model_session *s); /* fine with NULL */

#endif
