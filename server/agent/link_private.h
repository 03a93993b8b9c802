#ifndef AGENT_LINK_PRIVATE_H
#define AGENT_LINK_PRIVATE_H
/* The two halves of the link, for each other. */
#include "server/agent/link.h"

/* --- link.c --- */

void link_enter(struct link *l, enum link_state state);
/* 0, or negative: nothing was opened. */
int link_dial(struct link *l, const struct model_access *access, struct model_wish wish, struct model_session **out,
    int64_t now_us);
/* Only with the writer. */
void link_drop_session(struct link *l);
void link_ask_writer_back(struct link *l);
/* The session in its place has become ready: enters REPLAYING. */
void link_begin_session(struct link *l, int64_t now_us);

/* --- link_next.c --- */

/* Before any session: another endpoint is dialled, or there is none. `permanent`: not at the same one. */
void link_first_failed(struct link *l, bool permanent);
/* In LOST: the next try is made after a pause, or there is none. `refused`: not of the same service. */
void link_try_again(struct link *l, bool refused);
/* The end of all tries after a loss. */
int64_t link_last_us(const struct link *l);
void link_drop_next(struct link *l); /* fine without one */
/* Only with the writer. The old session is let go, and the next one is in its place. */
void link_take_next(struct link *l);
/* While the session talks. */
void link_step_next(struct link *l, int64_t now_us);
int64_t link_next_due_us(const struct link *l);
void link_next_poll(const struct link *l, struct pollfd *fd);
/* A session begins: when it is to be renewed. */
void link_set_renewal(struct link *l, int64_t now_us);

#endif
