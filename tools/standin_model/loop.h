#ifndef STANDIN_LOOP_H
#define STANDIN_LOOP_H
/* The threads that serve: each has an epoll, its connections, and a heap of
 * when each wants to be woken. One lock for each thread, held while it works
 * and free while it sleeps, so that the report can look.
 */
#include "tools/standin_model/conn.h"

struct loop;

struct loop *loop_start(const struct service *service);

/* Any thread. Takes the socket over. */
void loop_add(struct loop *loop, int fd, unsigned long number, uint64_t now);

/* Ends its thread and its connections. */
void loop_stop(struct loop *loop);

#endif
