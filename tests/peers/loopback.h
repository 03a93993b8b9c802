#ifndef TESTS_LOOPBACK_H
#define TESTS_LOOPBACK_H
/* What the far ends of these tests listen on, and say. They abort when they cannot. */
#include <pthread.h>
#include <stddef.h>

/* On a port of the system's choice, told in *port. */
int loopback_listen(int *port);
/* Waits for the thread that accepts there, and closes. */
void loopback_stop(int listener, pthread_t thread);

/* All of it, unless the other side leaves first. */
void loopback_say(int fd, const char *text, size_t len);

#endif
