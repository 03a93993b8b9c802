#ifndef STANDIN_WORKER_H
#define STANDIN_WORKER_H
/* The threads that serve: each has a loop and its connections. One lock for
 * each thread, held while it works and free while it waits, so that the report
 * can look.
 */
#include "tools/standin_model/conn.h"

struct worker;

struct worker *worker_start(const struct service *service);

/* Any thread. Takes the socket over. */
void worker_add(struct worker *worker, int fd, unsigned long number, uint64_t now);

/* Ends its thread and its connections. */
void worker_stop(struct worker *worker);

#endif
