#ifndef AGENT_LINK_PRIVATE_H
#define AGENT_LINK_PRIVATE_H
/* The two halves of the link, for each other. */
#include "server/agent/link/link.h"

/* --- link.c --- */

void link_enter(struct link *l, enum link_state state);
/* As the link wishes. 0, or negative: nothing was opened, and *s is without a session. */
int link_dial(struct link *l, struct link_session *s, const struct model_access *access, int64_t now_us);
/* Only with the writer. */
void link_drop_session(struct link *l);
void link_ask_writer_back(struct link *l);
/* The current session has become ready: enters REPLAYING. */
void link_begin_session(struct link *l, int64_t now_us);
/* Reads of either session, up to a bound, what has come; `take` says whether to go on. 0, or negative: its connection
 * is over. */
typedef bool link_take_fn(struct link *l, const struct model_event *event, void *arg, int64_t now_us);
int link_read_some(struct link *l, struct link_session *s, link_take_fn *take, void *arg, int64_t now_us);

/* The next ping of a session, and its loss. The time that a service takes for an answer begins when it has the
 * ping: whoever writes knows when that is (`read_us`; 0: it has not left). */
int64_t link_ping_us(const struct link_session *s, bool waited_for);
int64_t link_dead_us(const struct link_session *s, int64_t read_us);

/* --- link_next.c --- */

/* While one is dialled in the current one's place: how long it has, and that it failed. */
void link_limit_attempt(struct link *l, int64_t now_us);
void link_attempt_failed(struct link *l);
void link_drop_next(struct link *l); /* fine without one */
/* Dials the next session there. False: there is one already, none to be replaced, or it cannot be dialled, and the
 * renewal is put off. */
bool link_replace(struct link *l, const struct model_access *access, int64_t now_us);
/* Only with the writer. The current session is let go, and the next one is in its place. */
void link_take_next(struct link *l);
/* While the current session talks. When it is due: its renewal is not in it (link_renew_us). */
void link_step_next(struct link *l, int64_t now_us);
int64_t link_next_due_us(const struct link *l);
void link_next_poll(const struct link *l, struct pollfd *fd);
/* A session begins: when it is to be renewed. */
void link_set_renewal(struct link *l, int64_t now_us);

#endif
