#include "common/bell.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int bell_open(struct bell *b)
{
	b->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return b->fd < 0 ? -errno : 0;
}

void bell_close(struct bell *b)
{
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
}

void bell_ring(struct bell *b)
{
	uint64_t one = 1;
	ssize_t done = write(b->fd, &one, sizeof one);

	/* Fails only when it has been rung 2^64 - 2 times: it rings already. */
	(void)done;
}

void bell_clear(struct bell *b)
{
	uint64_t count;
	ssize_t done = read(b->fd, &count, sizeof count);

	(void)done; /* not rung is fine */
}
