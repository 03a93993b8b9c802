/* Put between the server and its C library (LD_PRELOAD), it makes of the world what cannot be had
 * without being root: a resolver that hangs, a clock that jumps, memory that is not to be had, a disk that hangs, is slow or
 * takes nothing.
 *
 * MEDDLE names a file of 64 bytes that is looked at all the time: "resolver" makes names hang until the
 * word is gone, "clock SECONDS" moves the clock on the wall, "memory N" refuses every N-th allocation;
 * "disk hang" holds whoever writes to a file until the word is gone, "disk slow MS" so long each time,
 * "disk read-only" lets nobody write, make or take away any. Anything else is an ordinary world.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
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

/* ------------------------------------------------------------------------ the disk */

/* A file that is no log. */
static bool on_disk(int fd)
{
	struct stat st;

	return fd > STDERR_FILENO && !fstat(fd, &st) && S_ISREG(st.st_mode);
}

/* Once for each time that it hangs; what may not wait is found by this. */
static void tell_who_waits(void)
{
	char name[16] = "", line[64];
	int len;

	pthread_getname_np(pthread_self(), name, sizeof name);
	len = snprintf(line, sizeof line, "disk: %s waits\n", name);
	syscall(SYS_write, STDERR_FILENO, line, (size_t)len);
}

/* 0, or -1 as a system call says no, after a wait. */
static int disk(void)
{
	if (strncmp(order, "disk hang", 9) == 0)
		tell_who_waits();
	if (strncmp(order, "disk slow ", 10) == 0)
		usleep((unsigned)strtoul(order + 10, NULL, 10) * 1000);
	while (strncmp(order, "disk hang", 9) == 0)
		usleep(LOOK_US);
	if (strncmp(order, "disk read-only", 14) != 0)
		return 0;
	errno = EROFS;
	return -1;
}

/* The calls that change a file, or bring it to the disk. */
#define CHANGES(type, name, parameters, arguments) \
	type name parameters \
	{ \
		static type(*real) parameters; \
\
		if (on_disk(fd) && disk()) \
			return -1; \
		if (!real) \
			*(void **)&real = next(#name); \
		return real arguments; \
	}

CHANGES(ssize_t, write, (int fd, const void *bytes, size_t len), (fd, bytes, len))
CHANGES(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count))
CHANGES(ssize_t, pwrite, (int fd, const void *bytes, size_t len, off_t at), (fd, bytes, len, at))
CHANGES(ssize_t, pwrite64, (int fd, const void *bytes, size_t len, off_t at), (fd, bytes, len, at))
CHANGES(int, ftruncate, (int fd, off_t len), (fd, len))
CHANGES(int, ftruncate64, (int fd, off_t len), (fd, len))
CHANGES(int, fsync, (int fd), (fd))
CHANGES(int, fdatasync, (int fd), (fd))

/* The calls that open or name one. */
#define NAMES(name, parameters, arguments, changes) \
	int name parameters \
	{ \
		static int(*real) parameters; \
\
		if ((changes) && disk()) \
			return -1; \
		if (!real) \
			*(void **)&real = next(#name); \
		return real arguments; \
	}

NAMES(unlink, (const char *path), (path), true)
NAMES(mkdir, (const char *path, mode_t mode), (path, mode), true)
NAMES(rename, (const char *from, const char *to), (from, to), true)

static mode_t mode_of(int flags, va_list rest)
{
	return flags & O_CREAT ? va_arg(rest, mode_t) : 0;
}

#define OPENS(name) \
	int name(const char *path, int flags, ...) \
	{ \
		static int (*real)(const char *, int, ...); \
		va_list rest; \
		mode_t mode; \
\
		va_start(rest, flags); \
		mode = mode_of(flags, rest); \
		va_end(rest); \
		if ((flags & (O_ACCMODE | O_CREAT)) != O_RDONLY && strncmp(path, "/dev/", 5) != 0 && disk()) \
			return -1; \
		if (!real) \
			*(void **)&real = next(#name); \
		return real(path, flags, mode); \
	}

OPENS(open)
OPENS(open64)
