/* Put between the server and its C library (LD_PRELOAD), it makes of the world what cannot be had
 * without being root: a resolver that hangs, a clock that jumps, memory that is not to be had.
 *
 * MEDDLE names a file of 64 bytes that is looked at all the time: "resolver" makes names hang until the
 * word is gone, "clock SECONDS" moves the clock on the wall, "memory N" refuses every N-th allocation;
 * anything else is an ordinary world.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { ORDER_BYTES = 64, LOOK_US = 20000 };

static const char *order = "";

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("MEDDLE");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *seen = fd >= 0 ? mmap(NULL, ORDER_BYTES, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

	if (seen != MAP_FAILED)
		order = seen;
	if (fd >= 0)
		close(fd);
}

static long jump_s(void)
{
	return strncmp(order, "clock ", 6) == 0 ? strtol(order + 6, NULL, 10) : 0;
}

static bool refused(void)
{
	static _Atomic unsigned long count;
	long every = strncmp(order, "memory ", 7) == 0 ? strtol(order + 7, NULL, 10) : 0;

	if (every <= 0 || ++count % (unsigned long)every)
		return false;
	errno = ENOMEM;
	return true;
}

/* glibc's own names, which need no look-up that allocates. */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

void *malloc(size_t size)
{
	return refused() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return refused() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return refused() ? NULL : __libc_realloc(old, size);
}

/* Not from a constructor: others have theirs before ours. */
static void *next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	static int (*real)(clockid_t, struct timespec *);
	int err;

	if (!real)
		*(void **)&real = next("clock_gettime");
	err = real(clock, now);
	if (!err && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		now->tv_sec += jump_s();
	return err;
}

time_t time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	*out = (struct timeval){ now.tv_sec, now.tv_nsec / 1000 };
	return 0;
}

int getaddrinfo(const char *restrict name, const char *restrict service, const struct addrinfo *restrict hints,
    struct addrinfo **restrict out)
{
	static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	if (!real)
		*(void **)&real = next("getaddrinfo");
	while (strncmp(order, "resolver", 8) == 0)
		usleep(LOOK_US);
	return real(name, service, hints, out);
}
