#ifndef TESTS_LISTENER_KIT_H
#define TESTS_LISTENER_KIT_H
/* A tiny server of a test's own. */
#include <pthread.h>
#include <stdint.h>
#include <sys/socket.h>

/* Each connection is served in a thread of its own, which gets its number as a pointer; all are
 * joined at the end of the listener. */
static inline void listener_serve(int listener, void *(*serve)(void *fd))
{
	pthread_t threads[200];
	size_t n = 0;
	int fd;

	while (n < sizeof threads / sizeof *threads && (fd = accept(listener, NULL, NULL)) >= 0)
		pthread_create(&threads[n++], NULL, serve, (void *)(intptr_t)fd);
	while (n)
		pthread_join(threads[--n], NULL);
}

#endif
