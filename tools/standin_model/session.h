#ifndef STANDIN_SESSION_H
#define STANDIN_SESSION_H
/* One Realtime session: its configuration, what it hears, what it says.
 *
 * Messages go in, messages go out through the connection; time is an argument.
 * The work is spread over several files: session.c takes client events apart,
 * config.c keeps the configuration, hearing.c finds turns in the audio,
 * items.c keeps the conversation, answers.c speaks in the words of
 * answer_events.c, load.c does both by the clock, mischief.c is wrong on purpose.
 */
#include "tools/standin_model/conn.h"

struct session;

struct session *session_new(struct conn *conn, const struct service *service, struct faults *faults,
    struct record *record, const char *model, uint64_t now);
void session_free(struct session *s); /* fine with NULL */
void session_message(struct session *s, char *data, size_t len, uint64_t now);
void session_tick(struct session *s, uint64_t now);
uint64_t session_wake_ns(const struct session *s);

#endif
